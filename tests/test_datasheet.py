"""What data sets a report names: of each task its own source, licence and citation."""

import json

import pytest
from conftest import lab_of

from xlt.data.sources import Source
from xlt.lab import datasheet, studies
from xlt.lab.jobs import training_splits
from xlt.report import overview, summary
from xlt.spec import tasks
from xlt.spec.stage import Stage

MOODS = {
    "family": "classification", "dataset": "./moods", "columns": {"text_a": "text", "text_b": None},
    "labels": ["glad", "sad"], "splits": {"train": "train", "test": "test"}, "licence": "CC BY-NC 4.0",
    "citation": "Doe 2020",
}  # fmt: skip


@pytest.fixture
def moods(tmp_path):
    """A task of the user's own, known to this process for the time of the test."""
    for split in ("train", "test"):
        file = tmp_path / "moods" / f"{split}.jsonl"
        file.parent.mkdir(exist_ok=True)
        file.write_text("\n".join(json.dumps({"text": f"{word} {split}", "label": word}) for word in ("glad", "sad")))
    tasks.add([tasks.parse("moods", MOODS | {"dataset": str(tmp_path / "moods")}, "mine.yaml")])
    yield tasks.get("moods")
    del tasks.TASKS["moods"]


def test_records_licence_and_citation_are_those_of_each_task(store, moods, monkeypatch):
    lab = lab_of(store, monkeypatch, target={"moods": {}, "xnli": {}}, languages=("en",), seeds=1)
    recipes = {"moods": lab.recipe("mnli", target="moods"), "xnli": lab.recipe(target="xnli")}
    scores = lab.run(recipes, lab.evaluations("moods", "xnli"))
    assert dict(scores[["task", "source"]].values) == {"moods": "the folder moods", "xnli": "the generated world"}
    assert summary.about(lab).loc["records", ""] == "the generated world; moods: the folder moods"
    monkeypatch.setattr(studies, "all_recipes", lambda _: [s for r in recipes.values() for s in r.seeded(0).lineage()])
    lab.reports.mkdir(parents=True, exist_ok=True)
    scores.to_csv(lab.reports / "scores.csv", index=False)
    own, made = overview.data_sets(lab).to_dict("records")
    assert own == {"data set": "moods", "tasks": "moods", "records": "the folder moods", "licence": "CC BY-NC 4.0",
                   "citation": "Doe 2020"}  # fmt: skip
    assert made["data set"] == "the generated world" and {"mnli", "xnli"} <= set(made["tasks"].split(", "))


def test_what_is_not_declared_is_said_to_be_not_stated(places, moods):
    bare = moods.model_copy(update={name: tasks.Task.model_fields[name].default for name in ("licence", "citation")})
    found = datasheet.data_set(Source(None), bare, "en")
    assert (found.name, found.licence, found.citation) == ("moods", "not stated", "not stated")


def test_a_licence_or_a_citation_changes_no_result(moods):
    assert not {"licence", "citation"} & moods.definition.keys()


def test_what_a_folder_lacks_comes_from_the_hub(tmp_path):
    (tmp_path / "hub" / "facebook" / "xnli").mkdir(parents=True)
    source = Source(tmp_path / "hub")
    where = {name: datasheet.records(source, tasks.get(name), "en") for name in ("xnli", "xquad", "udpos")}
    assert where == {"xnli": "the folder hub", "xquad": "the hub", "udpos": "the hub"}


def test_a_data_set_of_another_place_in_some_language_is_named(tmp_path):
    first = datasheet.data_set(Source(None), tasks.get("tatoeba"), "de")
    assert datasheet.data_set(Source(None), tasks.get("tatoeba"), "pl").name != first.name


def test_parts_and_pools_are_named_with_the_task_that_reads_them(places):
    assert {name for name, _ in datasheet._opened("anli", "en", "train")} == {"anli-r1", "anli-r2", "anli-r3"}
    pool = tasks.get("bucc").pool
    assert pool and {name for name, _ in datasheet._opened("bucc", "de", "test")} == {"bucc", *pool}
    assert [name for name, _ in datasheet._opened("xnli", "en", "train")] == ["mnli"]


def test_development_records_that_choose_a_checkpoint_are_among_what_a_run_read(start):
    stage = Stage(task="mnli", select="dev", select_task="xnli")
    assert list(training_splits(start.then(stage))) == [("mnli", "en", "train"), ("xnli", "en", "dev")]
    assert list(training_splits(start)) == [("text", "en", "train"), ("text", "de", "train")]


def test_no_table_without_runs(store, monkeypatch):
    lab = lab_of(store, monkeypatch, name="bare")
    monkeypatch.setattr(studies, "all_recipes", lambda _: [])
    assert overview.data_sets(lab).empty
