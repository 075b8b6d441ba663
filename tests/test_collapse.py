"""Which runs count as collapsed."""

from types import SimpleNamespace

import pandas as pd
import pytest

from xlt import report
from xlt.analysis import degenerate_runs
from xlt.analysis.degenerate_runs import collapsed
from xlt.analysis.degenerate_runs import table as lost
from xlt.evaluation import caveats


def table(**runs: list[float]) -> pd.DataFrame:
    """task_seed = scores in en, de, zh, of 3,500 records: three standard errors of a third are 2.4 points."""
    rows = [
        {"recipe": "r", "seed": int(seed), "task": task, "language": code, "value": value, "main": True, "n": 3500}
        for (task, seed), values in ((name.split("_"), values) for name, values in runs.items())
        for code, value in zip(("en", "de", "zh"), values, strict=True)
    ]
    return pd.DataFrame(rows)


def seeds(scores: pd.DataFrame, task: str) -> list[int]:
    return sorted(set(scores[collapsed(scores) & (scores["task"] == task)]["seed"]))


def test_a_run_at_chance_or_with_one_answer_in_every_language_has_collapsed():
    scores = table(
        xnli_0=[0.35, 0.33, 0.36],  # three labels: English within 2.4 points of a third
        xnli_1=[0.80, 0.34, 0.33],  # learned English, transfers nothing
        pawsx_0=[0.5465, 0.5465, 0.5465],  # the larger class, everywhere
        pawsx_1=[0.93, 0.88, 0.80],
        udpos_0=[0.0, 0.0, 0.0],  # of an old score file: nobody knows what a guess scores
    )
    assert seeds(scores, "xnli") == [0] and seeds(scores, "pawsx") == [0] and seeds(scores, "udpos") == []
    assert lost(scores).values.tolist() == [["r", "xnli", 0, 0.35], ["r", "pawsx", 0, 0.5465]]
    assert list(lost(scores[:0])) == ["recipe", "task", "seed", "English"]


def test_what_counts_as_collapsed_depends_on_the_number_of_records():
    """Three standard errors above a guess of 1/2: 3 x sqrt(0.25 / n), that is 15 points of 100 records, 5 of 900."""
    scores = table(pawsx_0=[0.64, 0.5, 0.6], pawsx_1=[0.66, 0.5, 0.6], pawsx_2=[0.56, 0.5, 0.6]).assign(guess=0.5)
    assert seeds(scores.assign(n=100), "pawsx") == [0, 2]
    assert seeds(scores.assign(n=900), "pawsx") == []
    assert seeds(scores.assign(n=900, guess=0.52), "pawsx") == [2]  # one label is more frequent than the other
    assert seeds(scores.drop(columns="n").assign(guess=0.56), "pawsx") == [2]


def test_tags_and_spans_collapse_by_the_same_rule():
    """Above a guess of 0.1 on 100 records by three standard errors: 0.1 + 3 x 0.03 = 0.19."""
    learned = {"udpos_0": [0.18, 0.1, 0.1], "udpos_1": [0.20, 0.1, 0.1], "xquad_0": [0.05, 0.2, 0.2]}
    scores = table(**learned).assign(guess=0.1, n=100)
    assert seeds(scores, "udpos") == [0] and seeds(scores, "xquad") == [0]
    same = table(panx_0=[0.5, 0.5, 0.5], tatoeba_0=[0.0, 0.0, 0.0]).assign(guess=0.1, n=100)
    assert not collapsed(same).any()  # equal F1 is no single answer, and retrieval is not trained


def test_what_was_forgotten_or_fails_on_one_of_its_test_sets_has_not_collapsed():
    absent, misleading = "planted-nli-absent", "planted-nli-misleading"
    runs = {f"{absent}_0": [0.80, 0.60, 0.55], f"{misleading}_0": [0.20, 0.25, 0.30]}  # learned, and fooled
    runs |= {f"{absent}_1": [0.33, 0.34, 0.36], f"{misleading}_1": [0.30, 0.34, 0.33]}  # learned nothing
    scores = table(**runs)
    assert seeds(scores, absent) == [1] and seeds(scores, misleading) == [1]
    assert seeds(scores[scores["task"] == misleading], misleading) == [0, 1]  # nothing else is known of them
    elsewhere = scores[(scores["task"] == misleading) | (scores["language"] != "en")]
    assert seeds(elsewhere, misleading) == [0, 1]  # without an English score the other set shows nothing
    assert not collapsed(scores.assign(trained_last=False)).any()


def test_a_run_that_chooses_collapses_by_the_same_rule():
    scores = pd.concat(
        [
            table(cosmosqa_0=[0.27, 0.30, 0.31], cosmosqa_1=[0.28, 0.20, 0.21]).assign(choices=4.0),  # below: 0.27
            table(commonsenseqa_0=[0.22, 0.30, 0.31], commonsenseqa_1=[0.23, 0.1, 0.2]).assign(choices=5.0),  # 0.22
            table(copa_0=[0.53, 0.53, 0.53], copa_1=[0.53, 0.53, 0.54]).assign(choices=2.0),  # one answer to all
        ],
        ignore_index=True,
    )
    for task in ("cosmosqa", "commonsenseqa", "copa"):
        assert seeds(scores, task) == [0]
    assert not collapsed(scores.drop(columns="choices")[:12]).any()  # a score file of before: chance is not known


def test_what_is_right_everywhere_has_not_collapsed():
    """One answer to all scores no more than a guess; equal scores above it are perfect, or equal by chance."""
    scores = table(xnli_0=[1.0, 1.0, 1.0], xnli_1=[0.85, 0.85, 0.85]).assign(guess=1 / 3)
    assert not collapsed(scores.assign(n=20)).any()
    assert collapsed(scores.assign(value=0.333)).all()


def test_what_is_right_everywhere_has_not_collapsed_in_a_file_without_guesses():
    """Halfway from a third to all right is 66.7, from a half 75: one answer to all scores less. Of choices whose number
    is not known nothing is."""
    scores = table(xnli_0=[1.0] * 3, xnli_1=[0.67] * 3, xnli_2=[0.66] * 3, pawsx_0=[0.76] * 3, copa_0=[1.0] * 3)
    assert seeds(scores, "xnli") == [2] and seeds(scores, "pawsx") == [] and seeds(scores, "copa") == []
    assert seeds(scores.assign(guess=float("nan")), "xnli") == [2]


def test_a_file_that_does_not_say_how_many_records_there_are_counts_none():
    """An error of nothing: what lies above the guess has not collapsed."""
    scores = table(xnli_0=[0.40, 0.34, 0.33]).assign(guess=1 / 3)
    assert not collapsed(scores.assign(n=0)).any() and not collapsed(scores.drop(columns="n")).any()


def test_without_english_only_one_answer_to_all_tells():
    scores = table(xcopa_0=[0.5, 0.48, 0.49], xcopa_1=[0.5, 0.5, 0.5]).assign(choices=2.0)
    scores = scores.assign(language=scores["language"].replace("en", "et"))
    assert seeds(scores, "xcopa") == [1]
    found = lost(scores)
    assert found[["task", "seed"]].values.tolist() == [["xcopa", 1]] and found["English"].isna().all()


class Records(SimpleNamespace):
    """A source of one data set."""

    seen = 0
    __hash__ = object.__hash__

    def load(self, *_):
        return {"choices": self.choices}


def test_chance_of_choices_is_the_mean_of_one_over_their_number():
    """Records with 2, 4 and 4 choices: (1/2 + 1/4 + 1/4) / 3 = 1/3; and in another language with 2 and 2: 1/2."""
    various, pairs = Records(choices=["ab", "abcd", "abcd"]), Records(choices=["ab", "ab"])
    number = [caveats.choices(source, "copa", "en", "dev") for source in (various, pairs)]
    assert number == pytest.approx([3, 2])
    assert degenerate_runs.chance(pd.DataFrame({"task": "copa", "choices": number}), "copa") == pytest.approx(
        (1 / 3 + 1 / 2) / 2
    )
    assert caveats.choices(various, "xnli", "en", "test") is None


def test_what_was_learned_stands_beside_chance():
    dev = [
        pd.DataFrame({"recipe": task, "intermediate": task, "task": task, "metric": "m", "seed": range(3), "n": 200,
                      "language": "en", "main": True, "value": values, "choices": choices})
        for task, values, choices in (
            ("cosmosqa", [0.25, 0.27, 0.28], 4), ("mnli", [0.8, 0.35, 0.81], None), ("squad", [0.4, 0.4, 0.4], None)
        )
    ]  # fmt: skip
    found = report.learned_table(pd.concat(dev, ignore_index=True)).set_index("task")
    assert found["chance"].tolist() == [0.25, 0.333, "–"] and found["collapsed"].tolist() == [3, 1, "–"]
    assert found["mean"].round(4).tolist() == [0.2667, 0.6533, 0.4]


def test_only_clean_scores_tell():
    scores = table(xnli_0=[0.80, 0.6, 0.5], xnli_1=[0.33, 0.33, 0.34]).assign(
        perturbation="none", attack="none", radius=0
    )
    attacked = scores[scores["seed"] == 0].assign(value=0.33, attack="synonyms")
    both = pd.concat([scores, attacked], ignore_index=True)
    assert seeds(both, "xnli") == [1]
    assert collapsed(both).sum() == 3 and collapsed(both[:0]).empty


def test_a_cell_says_how_many_of_its_runs_collapsed_and_what_it_is_without_them():
    some = table(xnli_0=[0.8, 0.6, 0.5], xnli_1=[0.8, 0.65, 0.55], xnli_2=[0.33, 0.33, 0.33])
    base, every = some.assign(intermediate="none"), table(xnli_0=[0.33] * 3, xnli_1=[0.33] * 3, xnli_2=[0.33] * 3)
    both = pd.concat([base, every.assign(intermediate="mnli", recipe="m")], ignore_index=True)
    text = report.cells(report.transfer_matrix(both.assign(metric="accuracy")))["xnli"]
    assert text["none"].startswith("49.3 ±") and text["none"].endswith("(1 of 3 collapsed; without 57.5)")
    assert text["mnli"].endswith("(every run collapsed)")
