"""What made a number: the machine as it is told, and of several steps together."""

import pytest

from xlt.core import provenance
from xlt.core.provenance import made_on

ONE = {
    "device": "cpu", "precision": "fp32", "processor": "Xeon", "instructions": "AVX512", "threads": 2,
    "packages": {"torch": "2.13"},
}  # fmt: skip


def test_steps_on_one_machine_are_told_once_and_others_beside_it():
    assert made_on([ONE, ONE]) == {
        "device": "cpu", "precision": "fp32", "processor": "Xeon", "instructions": "AVX512", "threads": "2",
        "torch_version": "2.13",
    }  # fmt: skip
    other = {**ONE, "processor": "EPYC", "threads": 1, "packages": {"torch": "2.14", "peft": "1"}}
    found = made_on([ONE, other, ONE])
    assert (found["processor"], found["threads"], found["torch_version"]) == ("Xeon + EPYC", "2 + 1", "2.13 + 2.14")
    assert found["peft_version"] == "not recorded + 1" and found["instructions"] == "AVX512"


def test_what_a_run_did_not_record_is_said_to_be_unknown():
    old = {"device": "cpu", "precision": "fp32", "packages": {"torch": "2.13"}}
    assert made_on([old])["processor"] == "not recorded" and made_on([old, ONE])["threads"] == "not recorded + 2"


def test_an_instruction_set_that_the_environment_forbids_is_told(monkeypatch):
    for name in provenance._LIMITS:
        monkeypatch.delenv(name, raising=False)
    plain = provenance.instructions()
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "AVX2")
    assert provenance.instructions() == f"{plain}, ONEDNN_MAX_CPU_ISA=AVX2"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("processor\t: 0\ncpu family\t: 6\nmodel\t\t: 207\nmodel name\t: A Xeon\n\nprocessor : 1\nmodel name : B\n",
         "A Xeon (cpu family 6, model 207)"),
        ("processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd0c\n",
         "aarch64 (CPU implementer 0x41, CPU part 0xd0c)"),
    ],
)  # fmt: skip
def test_the_processor_is_named_with_its_family(monkeypatch, tmp_path, text, told):
    (tmp_path / "cpuinfo").write_text(text)
    monkeypatch.setattr(provenance, "Path", lambda _: tmp_path / "cpuinfo")
    monkeypatch.setattr(provenance.platform, "machine", lambda: "aarch64")
    assert provenance.processor() == told


def test_the_day_of_a_commit_is_told_where_its_history_is_here(monkeypatch):
    asked = []
    monkeypatch.setattr(provenance, "_git", lambda *arguments: asked.append(arguments[-1]) or "2026-01-02")
    assert provenance.committed("aaa1111") == "2026-01-02" and asked == ["aaa1111^{commit}"]
    monkeypatch.setattr(provenance, "_git", lambda *_: None)
    assert provenance.committed("bbb2222") == ""
