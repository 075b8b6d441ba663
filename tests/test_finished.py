"""A second call with nothing changed has nothing to execute; whatever changes is noticed."""

import os

import pytest

from xlt import cli
from xlt.core import provenance
from xlt.lab import ahead, profiles
from xlt.report import up_to_date


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A profile whose report has two files, in a clean tree."""
    monkeypatch.setenv("XLT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("XLT_REPORTS", str(tmp_path / "reports"))
    monkeypatch.setattr(provenance, "code", lambda: {"commit": "abc", "dirty": False})
    folder = tmp_path / "reports" / "smoke"
    (folder / "tables").mkdir(parents=True)
    (folder / "index.html").write_text("page")
    (folder / "tables" / "a.csv").write_text("1\n")
    return folder


def test_only_the_very_same_is_unchanged(place, monkeypatch):
    smoke = profiles.load("smoke")
    assert not up_to_date.unchanged(smoke)
    up_to_date.note(smoke)
    assert up_to_date.unchanged(smoke)
    (place / "tables" / "a.csv").write_text("2\n")
    assert not up_to_date.unchanged(smoke)
    (place / "tables" / "a.csv").write_text("1\n")
    assert up_to_date.unchanged(smoke)
    assert not up_to_date.unchanged(smoke.model_copy(update={"seeds": 7}))
    monkeypatch.setattr(provenance, "code", lambda: {"commit": "abd", "dirty": False})
    assert not up_to_date.unchanged(smoke)


def test_a_word_list_that_has_changed_is_noticed(place, tmp_path, monkeypatch):
    lists = tmp_path / "lists"
    lists.mkdir()
    monkeypatch.setenv("XLT_LEXICONS", str(lists))
    smoke = profiles.load("smoke")
    for name, content in (
        ("mine.json", '{"good": ["fine"]}'),
        ("mine.json", '{"good": ["bad"]}'),
        ("en-de.tsv.gz", ""),
    ):
        (lists / name).write_text(content)
        assert not up_to_date.unchanged(smoke)
        up_to_date.note(smoke)
        assert up_to_date.unchanged(smoke)
    monkeypatch.delenv("XLT_LEXICONS")
    assert not up_to_date.unchanged(smoke)


def test_a_word_list_that_a_study_names_by_its_path_is_noticed(place, tmp_path):
    file = tmp_path / "elsewhere.json"
    own = {"question": "?", "targets": ["xnli"], "arms": {"none": []}}
    own |= {"conditions": {"syn": {"perturbation": f"code-mix:de+{file}", "strength": 0.5}}}
    own |= {"contrasts": [{"question": "?", "of": ["none"], "conditions": ["syn"], "outcome": "drop"}]}
    smoke = profiles.load("smoke")
    studies = smoke.studies | {"mine": type(next(iter(smoke.studies.values())))(**own)}
    smoke = smoke.model_copy(update={"studies": studies})
    for content in ('{"good": ["fine"]}', '{"good": ["bad"]}'):
        file.write_text(content)
        assert not up_to_date.unchanged(smoke)
        up_to_date.note(smoke)
        assert up_to_date.unchanged(smoke)
    file.unlink()
    assert not up_to_date.unchanged(smoke)


@pytest.mark.parametrize("package", ["torch", "simplemma", "matplotlib"])
def test_another_version_of_a_package_is_noticed(place, monkeypatch, package):
    smoke, installed = profiles.load("smoke"), up_to_date.version
    up_to_date.note(smoke)
    monkeypatch.setattr(up_to_date, "version", lambda name: "9.9" if name == package else installed(name))
    assert not up_to_date.unchanged(smoke)


@pytest.mark.parametrize("code", [{"commit": "abc", "dirty": True}, {"commit": None, "dirty": None}])
def test_code_that_is_not_committed_is_never_finished(place, monkeypatch, code):
    monkeypatch.setattr(provenance, "code", lambda: code)
    up_to_date.note(profiles.load("smoke"))
    assert not up_to_date.unchanged(profiles.load("smoke"))


def test_records_from_elsewhere_are_never_finished(place):
    local = profiles.load("local").model_copy(update={"name": "smoke"})
    up_to_date.note(local)
    assert not up_to_date.unchanged(local)


def test_the_second_call_executes_nothing(place, monkeypatch, capsys):
    from xlt.report import notebooks

    calls = []
    monkeypatch.setattr(ahead, "run", lambda *_: None)
    monkeypatch.setattr(notebooks, "run_notebooks", lambda *given: calls.append(given) or 0)
    assert cli.main(["run", "--profile", "smoke"]) == cli.main(["run", "--profile", "smoke"]) == 0
    assert [call[:2] for call in calls] == [("smoke", None)] and "nothing has changed" in capsys.readouterr().out
    assert cli.main(["run", "--profile", "smoke", "--only", "03"]) == 0 and len(calls) == 2


def test_what_a_paper_takes_is_written_though_nothing_has_changed(place, monkeypatch):
    from xlt.report import notebooks

    requests = []
    monkeypatch.setattr(ahead, "run", lambda *_: None)
    monkeypatch.setenv("XLT_LATEX", "")  # so that it is put back
    monkeypatch.setattr(notebooks, "run_notebooks", lambda *_: requests.append(os.environ.get("XLT_LATEX")) or 0)
    assert cli.main(["run", "--profile", "smoke"]) == cli.main(["run", "--profile", "smoke", "--latex"]) == 0
    assert cli.main(["run", "--profile", "smoke"]) == 0  # which keeps it
    assert requests == ["", "1"]
