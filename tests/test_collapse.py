"""Which runs count as collapsed."""

import pandas as pd

from xlt import report
from xlt.collapse import collapsed
from xlt.collapse import table as lost


def table(**runs: list[float]) -> pd.DataFrame:
    """task_seed = scores in en, de, zh."""
    rows = [
        {"recipe": "r", "seed": int(seed), "task": task, "language": code, "value": value, "main": True}
        for (task, seed), values in ((name.split("_"), values) for name, values in runs.items())
        for code, value in zip(("en", "de", "zh"), values, strict=True)
    ]
    return pd.DataFrame(rows)


def seeds(scores: pd.DataFrame, task: str) -> list[int]:
    return sorted(set(scores[collapsed(scores) & (scores["task"] == task)]["seed"]))


def test_a_run_at_chance_or_with_one_answer_in_every_language_has_collapsed():
    scores = table(
        xnli_0=[0.35, 0.33, 0.36],  # three labels: English within two points of a third
        xnli_1=[0.80, 0.34, 0.33],  # learned English, transfers nothing
        pawsx_0=[0.5465, 0.5465, 0.5465],  # the larger class, everywhere
        pawsx_1=[0.93, 0.88, 0.80],
        udpos_0=[0.0, 0.0, 0.0],  # no labels to guess among evenly
    )
    assert seeds(scores, "xnli") == [0] and seeds(scores, "pawsx") == [0] and seeds(scores, "udpos") == []
    assert lost(scores).values.tolist() == [["r", "xnli", 0, 0.35], ["r", "pawsx", 0, 0.5465]]
    assert list(lost(scores[:0])) == ["recipe", "task", "seed", "English"]


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
