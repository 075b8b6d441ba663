"""Sentences computed from scores, against tables worked out by hand."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats as scipy_stats

from xlt.analysis import degenerate_runs, findings, phases, tables
from xlt.analysis.records import Records
from xlt.evaluation.outcomes import Outcomes


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


def compare(scores, baseline):
    """The answer of a family of one."""
    (found,) = findings.answered([findings.compare(scores, baseline, "xnli", "?")])
    return found


def test_compare_averages_languages_within_a_seed_and_leaves_english_out():
    found = compare(HIGH, LOW)
    assert found.effect == pytest.approx(0.57 - 0.35)
    assert (found.low, found.high) == pytest.approx(tuple(scipy_stats.ttest_1samp(GAINS, 0).confidence_interval()))
    assert (found.verdict, found.answer) == ("higher", "higher (57.0 against 35.0)")
    assert found._repr_markdown_() == "**?** +22.0 points [+19.5, +24.5]: higher (57.0 against 35.0)."


def test_compare_says_when_there_is_nothing_to_see():
    alike = compare(HIGH, HIGH.assign(value=HIGH["value"] + [0.001, -0.001, 0] * 3))
    assert (alike.verdict, alike.answer) == ("equivalent", "equivalent (57.0 against 57.0)")  # within one point
    apart = HIGH.assign(value=HIGH["value"] + [0.04, -0.04, 0] * 3)
    unsure = compare(HIGH, apart)
    assert unsure.verdict == "undecided" and unsure.answer.startswith("undecided (57.0 against 57.0); ")
    assert unsure.answer.endswith("seeds would find an effect of 1.0 points")


def test_compare_needs_seeds_for_an_interval():
    found = compare(HIGH[HIGH["seed"] == 0], LOW[LOW["seed"] == 0])
    assert found.verdict == "not testable" and "fewer than two seeds" in found.answer


def test_compare_has_the_means_of_the_seeds_that_both_have():
    """A fourth seed of one side, at 90, is part of neither the difference nor the mean beside it."""
    four = pd.concat([HIGH, HIGH[HIGH["seed"] == 0].assign(seed=3, value=0.9)])
    assert compare(four, LOW).answer == compare(HIGH, LOW).answer == "higher (57.0 against 35.0)"


@pytest.mark.parametrize(("guess", "verdict"), [(1 / 3, "higher"), (0.9, "lower"), (0.575, "undecided")])
def test_above_a_guess(guess, verdict):
    (found,) = findings.answered([findings.above(HIGH.assign(guess=guess), "xnli", "?")])
    assert found.verdict == verdict and found.answer.startswith(verdict) and found.effect == pytest.approx(0.57 - guess)


def test_a_guess_is_the_stored_one_and_one_over_the_labels_where_none_is():
    """One label that is right in 42 % is no better than itself, and 8.7 points above a third."""
    same = table({"de": [0.418, 0.421, 0.419], "ru": [0.420, 0.419, 0.421]})
    stored, even = (findings.above(rows, "xnli", "?") for rows in (same.assign(guess=0.42), same))
    assert stored.said == "42.0, a guess 42.0" and even.said == "42.0, a guess 33.3"


def test_questions_of_sanity_are_decided_together():
    """Two of them: the smaller p counts twice."""
    both = [findings.above(HIGH, "xnli", "above?"), findings.compare(HIGH, LOW, "xnli", "pretraining?")]
    first, second = findings.answered(both)
    p = scipy_stats.ttest_1samp([0.55 - 1 / 3, 0.57 - 1 / 3, 0.59 - 1 / 3], 0).pvalue
    other = scipy_stats.ttest_1samp(GAINS, 0).pvalue
    assert [first.p, second.p] == pytest.approx([max(p, 2 * other), 2 * other])
    given = findings.sanity(HIGH, LOW)
    assert [answer.p for answer in given[:2]] == pytest.approx([first.p, second.p])


@pytest.mark.parametrize(("guess", "gated"), [(0.88, True), (0.6, False)])
def test_what_neither_side_has_learned_says_nothing_of_pretraining(guess, gated):
    """English is at 90 with and at 70 without pretraining: of a guess of 88 both cannot be told on 100 records."""
    sides = (rows.assign(guess=guess) for rows in (HIGH, LOW))
    added = findings.sanity(*sides)[1]
    assert (added.verdict == "not testable") is gated
    if gated:
        assert "after direct fine-tuning (90.0" in added.answer and "after no pretraining (70.0" in added.answer


def test_what_is_asked_of_a_page_is_over_its_records_too():
    """Of 100 records the same are right in all seeds: other records could give another difference."""
    item, right = np.arange(100).astype(str), {"none": np.arange(100) < 60, "bare": np.arange(100) < 35}

    def read(run, *_):
        return Outcomes(item, right[run].astype(float), np.ones(100))

    high, low = (rows.assign(run=run, outcome="o") for rows, run in ((HIGH, "none"), (LOW, "bare")))
    asked = [findings.compare(high, low, "xnli", "?")]
    (alone,), (crossed,) = findings.answered(asked), findings.answered(asked, Records(read))
    differ = right["none"].astype(float) - right["bare"]
    least = np.sqrt(differ.var(ddof=1) / 100)  # of the records alone
    assert alone.high - alone.low < 0.06 and crossed.high - crossed.low > 2 * 1.96 * least


def retrieved(*values):
    rows = [
        {"task": "tatoeba", "main": True, "pretrained": True, "language": f"l{place}", "value": value, "n": 100}
        for place, value in enumerate(values)
    ]
    return findings.retrieval(pd.DataFrame(rows))


def test_retrieval_is_higher_lower_or_not_testable():
    """A guess finds one of 100."""
    assert [retrieved(0.4, 0.5, 0.6).verdict, retrieved(0.0, 0.001, 0.0, 0.002).verdict] == ["higher", "lower"]
    assert retrieved(0.0, 0.02, 0.01).verdict == "undecided"
    for values in ([0.5, 0.5, 0.5], [0.5]):
        found = retrieved(*values)
        assert found.verdict == "not testable" and np.isnan(found.low) and "have no interval" in found.answer


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
