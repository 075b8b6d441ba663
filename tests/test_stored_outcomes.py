"""What stored evaluations say record by record: the sums behind a score, and the passages that questions share."""

import pandas as pd
import pytest
from conftest import lab_of

from xlt.data.store import predictions
from xlt.evaluation.conditions import rows
from xlt.lab import studies
from xlt.lab.outcomes import StoredOutcomes
from xlt.spec import tasks
from xlt.spec.recipe import Evaluation

TASKS = ("xnli", "udpos", "xquad")


@pytest.fixture
def stored(store, monkeypatch):
    """The lab and the scores of three families of tasks, one seed of two updates."""
    lab = lab_of(store, monkeypatch)
    made = studies.transfer(lab).recipes
    asked = [
        Evaluation(task=name, language=code, max_length=48, stride=16, examples=6)
        for name in TASKS
        for code in ("en", "de")
    ]
    scores = lab.run({label: made[label] for label in (f"none → {name}" for name in TASKS)}, asked, seeds=1)
    return lab, scores[scores["main"]]


def test_the_outcomes_of_a_stored_evaluation_sum_to_its_score(stored):
    lab, scores = stored
    read = StoredOutcomes(lab.store)
    assert scores["outcome"].notna().all() and set(scores["task"]) == set(TASKS)
    checked = 0
    for row in scores.itertuples():
        found = read(row.run, row.outcome, row.task)
        if found is None:  # nothing to be found in these few records, and nothing found
            assert row.value == 0 and row.metric.endswith("f1")
            continue
        assert found.score == pytest.approx(row.value, abs=1e-6) and len(found.item) == row.n
        assert found.influence().sum() == pytest.approx(0, abs=1e-12)
        checked += 1
    assert checked > len(TASKS)
    assert read("no such run", scores["outcome"].iloc[0], "xnli") is None and read(row.run, "xnli-de-0", "xnli") is None


def test_questions_on_one_passage_are_one_item_of_the_stored_predictions(stored):
    lab, scores = stored
    row = scores[(scores["task"] == "xquad") & (scores["language"] == "de")].iloc[0]
    read = StoredOutcomes(lab.store)
    kept = predictions(read._folder(row["run"]) / "scores" / f"{row['outcome']}.json")
    contexts = pd.Series(lab.store.source.load(tasks.get("xquad"), "de", "test", 6)["context"])
    assert [example["passage"] for example in kept] == [kept[contexts.eq(text).idxmax()]["id"] for text in contexts]
    assert read(row["run"], row["outcome"], "xquad").item.tolist() == [example["passage"] for example in kept]


def test_a_passage_keeps_its_name_under_a_perturbation(world):
    task = tasks.get("xquad")
    clean, typos = (
        rows(world, task, Evaluation(task="xquad", language="de", perturbation=name, strength=0.5), shuffle=0)
        for name in (None, "typos")
    )
    assert typos["context"] != clean["context"] and typos["passage"] == clean["passage"]
    assert len(set(clean["passage"])) == len(set(clean["context"]))
