"""What is said before anything runs: notebooks, times, and records that would stop a run later."""

import json

import pytest
from conftest import lab_of, tiny

from xlt import cli
from xlt.core.errors import UserError
from xlt.core.text import counted
from xlt.data.sources import Source
from xlt.data.store import Store
from xlt.lab import engine, evaluated, holdings, inputs, plan
from xlt.lab.lab import Lab
from xlt.spec import tasks

MOODS = {"family": "classification", "labels": ["glad", "sad"], "languages": "en de", "metrics": ["accuracy"]}


def write(file, *labels):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(json.dumps({"text_a": "a", "text_b": "b", "label": label}) + "\n" for label in labels))


@pytest.fixture
def moods(tmp_path, monkeypatch):
    """A task of the user's own whose German test file has a label that is not declared; and changes for a profile."""
    monkeypatch.setenv("XLT_CACHE", str(tmp_path / "cache"))
    write(tmp_path / "moods/en/train.jsonl", *["glad", "sad"] * 4)
    write(tmp_path / "moods/en/test.jsonl", "glad", "sad")
    write(tmp_path / "moods/de/test.jsonl", "glad", "happy")
    declared = MOODS | {"dataset": str(tmp_path / "moods"), "config": "{code}"}
    tasks.add([tasks.parse("moods", declared, "test")])
    yield {"target": {"moods": {}}, "intermediate": {}, "tasks": {"moods": declared}}
    tasks.TASKS.pop("moods")


def test_a_wrong_label_in_a_test_file_is_said_before_anything_is_trained(store, monkeypatch, moods):
    lab = lab_of(store, monkeypatch, **moods)
    monkeypatch.setattr(engine, "run", lambda *_: pytest.fail("trained"))
    with pytest.raises(UserError, match="moods/de/test: row 2: label 'happy' is outside 0..1"):
        lab.run({"direct": lab.recipe(target="moods")}, lab.evaluations("moods"))


def test_records_of_the_user_are_counted_by_language_and_split(moods):
    table, wrong = holdings.table(Source(None), tasks.get("moods"))
    assert table.loc["en"].to_dict() == {"train": "8", "dev": "-", "test": "2"}
    assert table.loc["de"].to_dict() == {"train": "-", "dev": "-", "test": "-"}
    assert len(wrong) == 1 and "moods/de/test: row 2: label 'happy' is outside 0..1" in wrong[0]


def test_the_plan_shows_the_records_of_the_user_and_fetches_none(store, monkeypatch, capsys, moods):
    plan._print_data(lab_of(store, monkeypatch, **moods))
    said = capsys.readouterr().out.splitlines()
    place = said.index("    language train dev test")
    assert [line.split() for line in said[place + 1 : place + 3]] == [["en", "8", "-", "2"], ["de", "-", "-", "-"]]
    monkeypatch.setattr(Source, "local", lambda *_: False)
    monkeypatch.setattr(Source, "load", lambda *_: pytest.fail("fetched"))
    table, _ = holdings.table(Source(None), tasks.get("moods"))
    assert table.loc["en"].to_dict() == {"train": "?", "dev": "-", "test": "?"}


def test_a_target_without_a_test_file_is_refused_in_one_line_that_says_what_is_there(store, monkeypatch, moods):
    (store.root.parent / "moods/en/test.jsonl").unlink()
    (store.root.parent / "moods/de/test.jsonl").rename(store.root.parent / "moods/de/train.jsonl")
    said = (
        r"moods/en/test: no such split: looked for test or testing or eval or evaluation; there is train \(en/train.js"
    )
    with pytest.raises(UserError, match=said):
        lab = lab_of(store, monkeypatch, **moods)
        evaluated.check(lab.sources, lab.source)


def test_records_of_the_world_and_those_on_the_hub_are_not_read_by_a_plan(tmp_path, monkeypatch):
    lab = Lab(tiny())
    lab.store = Store(tmp_path / "runs", lab.store.source)  # empty, whatever other tests have run
    jobs = lab.jobs({"direct": lab.recipe(target="xnli")}, lab.evaluations("xnli"))
    read = []
    monkeypatch.setattr(inputs, "_read_once", lambda _, *what: read.append(what[:3]))
    inputs.read_records(lab.store.source, jobs, download=True)
    monkeypatch.setattr(lab.store.source, "label", None)
    monkeypatch.setattr(lab.store.source, "local", lambda task, *_: task.name == "mnli")
    inputs.read_records(lab.store.source, jobs, download=False)
    assert read == [("mnli", "en", "train")]
    inputs.read_records(lab.store.source, jobs, download=True)
    assert set(read) >= {("text", "de", "train"), ("mnli", "en", "train"), ("xnli", "zh", "test")}


def test_a_damaged_file_has_no_rows_that_can_be_counted(tmp_path):
    file = tmp_path / "facebook/xnli/en/test-00000-of-00001.parquet"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"PAR1 and no end")
    assert Source(tmp_path).rows(tasks.get("xnli"), "en", "test") is None


def test_the_plan_of_one_notebook(capsys, monkeypatch):
    monkeypatch.setattr(Lab, "from_params", lambda _, planned: Lab(tiny(), planned))
    assert cli.main(["plan", "--only", "03"]) == 0
    said = [line.split(":")[0].strip() for line in capsys.readouterr().out.splitlines()]
    assert "03_zero_shot_transfer" in said and "02_intermediate_training" not in said
    assert cli.main(["plan", "--only", "03_zero"]) == 2
    assert "unknown notebook '03_zero'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "random XLM-R, not pretrained"),
        ({"pretraining": {"task": "text", "role": "pretraining", "steps": 1}}, "random XLM-R, pretrained in phase 1"),
        ({"encoder": {"model": "/home/me/mine"}}, "mine"),
    ],
)
def test_an_encoder_is_called_pretrained_where_it_is(changes, said):
    """By the plan, by the pages and by the summary of a report."""
    assert tiny(**changes).starts_from == said


def test_one_thing_is_counted_as_one(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("XLT_CACHE", str(tmp_path))  # nothing is finished, whatever other tests have run
    profile = {"seeds": 1, "languages": ("de",), "intermediate": {}, "target": {"xnli": {"steps": 1}}}
    monkeypatch.setattr(Lab, "from_params", lambda _, planned: Lab(tiny(**profile), planned))
    assert cli.main(["plan", "--only", "03"]) == 0
    said = capsys.readouterr().out
    assert "03_zero_shot_transfer: 2 runs, 1 evaluation, about" in said and "1 language," in said
    assert "encoder random XLM-R, not pretrained" in said
    assert [counted(number, "run") for number in (0, 1, 2000, "1", "1.5")] == [
        "0 runs", "1 run", "2,000 runs", "1 run", "1.5 runs"
    ]  # fmt: skip


@pytest.mark.parametrize("hours", ["nan", "-1", "inf", "many"])
def test_a_budget_is_a_number_of_hours(hours, capsys):
    with pytest.raises(SystemExit) as end:
        cli.main(["plan", f"--budget={hours}"])
    assert end.value.code == 2 and f"{hours} is not a number, 0 or above" in capsys.readouterr().err


def test_the_plan_says_which_studies_the_profile_does_not_declare(capsys):
    assert cli.main(["plan", "--profile", "bare"]) == 0
    plan_of_bare = capsys.readouterr().out
    assert "left out, as the profile bare declares no such study: study_adversarial_intermediates, " in plan_of_bare
    assert cli.main(["plan", "--profile", "mini", "--only", "01"]) == 0
    assert "left out" not in capsys.readouterr().out
    assert cli.main(["plan", "--profile", "bare", "--only", "ordering"]) == 2
    assert "unknown study 'ordering' in the profile bare" in capsys.readouterr().err


def test_a_measurement_of_speed_is_not_planned_as_nothing(capsys):
    assert cli.main(["plan", "--profile", "speed"]) == 0
    said = capsys.readouterr().out
    assert "05_speed: a measurement, which is not planned; six minutes on 2 cores" in said and "about 0 s" not in said
