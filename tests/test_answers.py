"""Sentences computed from scores, against tables worked out by hand."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats as scipy_stats

from xlt.analysis import degenerate_runs, findings, phases, tables


def table(values: dict[str, list[float]], task: str = "xnli", intermediate: str = "none", pretrained: bool = True):
    """One row for each language and seed; `values` maps a language to its score by seed."""
    rows = [
        {"recipe": intermediate, "intermediate": intermediate, "task": task, "metric": "accuracy", "main": True,
         "seed": seed, "language": code, "value": value, "n": 100, "pretrained": pretrained,
         "same_task": intermediate == "mnli"}
        for code, scores in values.items()
        for seed, value in enumerate(scores)
    ]  # fmt: skip
    return pd.DataFrame(rows)


HIGH = table({"en": [0.9, 0.9, 0.9], "de": [0.60, 0.62, 0.64], "ru": [0.50, 0.52, 0.54]})
LOW = table({"en": [0.7, 0.7, 0.7], "de": [0.35, 0.36, 0.37], "ru": [0.33, 0.34, 0.35]}, pretrained=False)
GAINS = np.array([0.55, 0.57, 0.59]) - np.array([0.34, 0.35, 0.36])  # over German and Russian, in each seed


def test_compare_averages_languages_within_a_seed_and_leaves_english_out():
    found = findings.compare(HIGH, LOW, "xnli", "?")
    assert found.effect == pytest.approx(0.57 - 0.35)
    assert (found.low, found.high) == pytest.approx(tuple(scipy_stats.ttest_1samp(GAINS, 0).confidence_interval()))
    assert (found.verdict, found.answer) == ("higher", "higher (57.0 against 35.0)")
    assert found._repr_markdown_() == "**?** +22.0 points [+19.5, +24.5]: higher (57.0 against 35.0)."


def test_compare_says_when_there_is_nothing_to_see():
    alike = findings.compare(HIGH, HIGH.assign(value=HIGH["value"] + [0.001, -0.001, 0] * 3), "xnli", "?")
    assert (alike.verdict, alike.answer) == ("equivalent", "equivalent (57.0 against 57.0)")  # within one point
    apart = HIGH.assign(value=HIGH["value"] + [0.04, -0.04, 0] * 3)
    unsure = findings.compare(HIGH, apart, "xnli", "?")
    assert unsure.verdict == "undecided" and unsure.answer.startswith("undecided (57.0 against 57.0); ")
    assert unsure.answer.endswith("seeds would find an effect of 1.0 points")


def test_compare_needs_seeds_for_an_interval():
    one = HIGH[HIGH["seed"] == 0]
    found = findings.compare(one, LOW[LOW["seed"] == 0], "xnli", "?")
    assert found.verdict == "not testable" and "fewer than two seeds" in found.answer


@pytest.mark.parametrize(("chance", "verdict"), [(1 / 3, "higher"), (0.9, "lower"), (0.575, "undecided")])
def test_above_chance(chance, verdict):
    found = findings.above(HIGH, "xnli", chance, "?")
    assert (
        found.verdict == verdict and found.answer.startswith(verdict) and found.effect == pytest.approx(0.57 - chance)
    )


def test_transfer_names_clear_effects_only():
    better = table({"en": [0.9] * 3, "de": [0.71, 0.72, 0.73], "ru": [0.61, 0.62, 0.63]}, intermediate="mnli")
    same = table({"en": [0.9] * 3, "de": [0.60, 0.63, 0.64], "ru": [0.50, 0.53, 0.54]}, intermediate="pos")
    (found,) = findings.transfer(tables.transfer_matrix(pd.concat([HIGH, better, same])))
    assert (found.answer, found.verdict) == ("mnli † most", "higher")
    assert "+10.0 points" in found._repr_markdown_()
    assert found.effect == pytest.approx(0.10)


def test_transfer_says_when_no_task_matters():
    same = table({"en": [0.9] * 3, "de": [0.60, 0.63, 0.64], "ru": [0.50, 0.53, 0.54]}, intermediate="pos")
    (found,) = findings.transfer(tables.transfer_matrix(pd.concat([HIGH, same])))
    assert found.verdict == "undecided" and found.answer.startswith(
        "none is higher or lower; the largest difference is after pos"
    )


def test_chance_of_each_kind_of_task():
    assert degenerate_runs.chance(HIGH, "xnli") == pytest.approx(1 / 3)
    assert degenerate_runs.chance(table({"de": [0.5]}, task="tatoeba"), "tatoeba") == pytest.approx(0.01)
    assert degenerate_runs.chance(HIGH, "udpos") is None


def test_the_control_table_says_when_there_is_no_control():
    """Which may be so because nothing has run: what the encoder starts from cannot be read off there."""
    for scores in (HIGH, LOW[:0]):
        said = "none has run; a profile that starts from finished weights has none"
        assert phases.control_table(scores).iloc[0, 0] == said
    row = phases.control_table(LOW).iloc[0]
    assert row["English"] == pytest.approx(0.7) and row["other languages"] == pytest.approx(0.35)
