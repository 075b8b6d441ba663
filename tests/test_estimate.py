"""The estimator over languages and seeds, worked out by hand; and how values are written."""

import numpy as np
import pandas as pd
import pytest

from xlt.analysis import estimate, stats
from xlt.core import text


def rows(task="xnli", recipe="r", intermediate="mnli", **languages):
    """One row for each language and seed: `de=[0.1, 0.2]` are seeds 0 and 1."""
    return pd.DataFrame(
        {"recipe": recipe, "intermediate": intermediate, "task": task, "language": code, "seed": seed, "value": value}
        for code, values in languages.items()
        for seed, value in enumerate(values)
        if value is not None
    )


def test_languages_are_averaged_within_a_seed_and_a_seed_that_lacks_one_has_no_mean():
    scores = rows(de=[0.1, 0.2, 0.3], ru=[0.3, 0.4, None])
    means = estimate.seed_means(scores, by=["task"])
    assert means["value"].tolist() == pytest.approx([0.2, 0.3, np.nan], nan_ok=True)
    assert estimate.figures(means).to_dict() == pytest.approx({0: 0.2, 1: 0.3})
    assert estimate.over_seeds(scores) == pytest.approx(stats.mean_interval([0.2, 0.3]))
    missing = scores.assign(value=scores["value"].where(scores["value"] != 0.4))  # a score that is not known
    assert estimate.figures(estimate.seed_means(missing)).to_dict() == pytest.approx({0: 0.2})


def test_the_languages_asked_for_are_those_of_the_group_within():
    scores = pd.concat([rows(de=[0.1], ru=[0.3]), rows(recipe="s", intermediate="none", de=[0.5])])
    alone = estimate.seed_means(scores, by=["recipe"])["value"]
    assert alone.tolist() == pytest.approx([0.2, 0.5])
    together = estimate.seed_means(scores, by=["recipe"], within=["task"])["value"]
    assert together.tolist() == pytest.approx([0.2, np.nan], nan_ok=True)


def test_an_encoder_without_seeds_stands_beside_every_seed():
    scores = pd.concat([
        rows("tatoeba", recipe="none", intermediate="none", de=[0.3]), rows("tatoeba", de=[0.4, 0.5]),
        rows("xnli", recipe="none", intermediate="none", de=[0.6]),
    ])  # fmt: skip
    repeated = estimate.beside_every_seed(scores)
    untrained = repeated[(repeated["task"] == "tatoeba") & (repeated["recipe"] == "none")]
    assert untrained[["seed", "value"]].to_numpy().tolist() == [[0, 0.3], [1, 0.3]]
    assert len(repeated) == len(scores) + 1  # what was trained has seeds: one of them says nothing about the next


def test_shares_weigh_each_score_of_a_complete_seed_as_the_mean_does():
    scores = rows(de=[0.1, 0.2, 0.3], ru=[0.3, 0.4, None]).assign(weight=1.0)
    weighted = estimate.shares(scores, by=["task"])
    assert set(weighted["seed"]) == {0, 1} and set(weighted["weight"]) == {0.5}
    sums = (weighted["weight"] * weighted["value"]).groupby(weighted["seed"]).sum()
    assert sums.to_dict() == pytest.approx(estimate.figures(estimate.seed_means(scores, by=["task"])).to_dict())


def test_values_are_written_in_points():
    assert text.interval(0.0204, 0.0042, 0.038) == "+2.0 [+0.4, +3.8]"
    assert text.interval(0.22, 0.178, 0.262, unit="points") == "+22.0 points [+17.8, +26.2]"
    assert text.interval(-0.01, float("nan"), float("nan")) == "−1.0"
    assert text.bounds(-0.017, -0.0004) == "[−1.7, −0.04]"  # not [−1.7, −0.0], which hides the side of zero
    assert text.plus_minus(0.713, 0.725) == "71.3 ± 1.2" and text.plus_minus(0.713, float("nan")) == "71.3"
    assert text.plus_minus(float("nan"), float("nan")) == "not run" and text.points_or_dash(float("nan")) == "–"
