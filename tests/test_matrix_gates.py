"""Which cells of a transfer matrix are tested: XNLI of three labels, a guess of 33.5 on 500 records, in three seeds."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats as scipy_stats

from xlt.analysis import findings, tables
from xlt.core.text import detectable


def scored(intermediate, english, german, task="xnli"):
    return pd.DataFrame(
        {"recipe": f"{intermediate} → {task}", "intermediate": intermediate, "task": task, "language": code,
         "seed": seed, "metric": "accuracy", "value": value, "main": True, "guess": 0.335, "n": 500,
         "same_task": False, "source_language": code == "en"}
        for code, values in (("en", english), ("de", german))
        for seed, value in enumerate(values)
    )  # fmt: skip


GUESSES = scored("none", [0.331, 0.333, 0.335], [0.332, 0.334, 0.336])
LEARNED = scored("none", [0.80, 0.81, 0.82], [0.60, 0.61, 0.62])
LUCKY = [0.33, 0.34, 0.70]  # one seed of three: 45.7, a standard error of 12.2 points
UNSURE = scored("none", LUCKY, [0.33, 0.34, 0.50])


def cell(*parts, name="mnli", task="xnli"):
    matrix = tables.transfer_matrix(pd.concat(parts, ignore_index=True))
    return matrix, matrix.set_index(["intermediate", "target"]).loc[(name, task)]


def test_where_every_run_of_a_side_has_collapsed_nothing_is_tested():
    """Else two arms that guess would be equivalent, by 0.0 points."""
    same = scored("mnli", [0.332, 0.333, 0.3345], [0.333, 0.334, 0.3355])
    matrix, found = cell(GUESSES, same)
    assert found["verdict"] == "not testable" and np.isnan(found["p"]) and np.isnan(found["equivalence"])
    assert found["why"] == "every run on xnli after none collapsed; every run on xnli after mnli collapsed"
    assert tables.cells(matrix).loc["mnli", "xnli"].endswith("] not testable\n(every run collapsed)")
    assert "Not testable: every run of one side has collapsed" in tables.footnote(matrix)
    (answer,) = findings.transfer(matrix)
    assert answer.verdict == "not testable" and answer.answer.startswith("every run on xnli after none collapsed; ")
    _, one = cell(LEARNED, same)
    assert (one["verdict"], one["why"]) == ("not testable", "every run on xnli after mnli collapsed")


def test_where_neither_side_is_clearly_above_a_guess_nothing_is_tested():
    _, found = cell(UNSURE, scored("mnli", LUCKY[::-1], [0.50, 0.34, 0.33]))
    said = "(45.7, standard error 12.2; a guess 33.5)"
    assert found["verdict"] == "not testable"
    assert found["why"] == (
        f"xnli is not clearly learned after none {said}; xnli is not clearly learned after mnli {said}"
    )


@pytest.mark.parametrize("turned", [False, True])
def test_where_one_side_is_the_cell_is_tested(turned):
    """What helps an encoder that does not learn by itself is what the matrix is for."""
    learned, unsure = LEARNED["value"].to_numpy(), UNSURE["value"].to_numpy()
    first, second = (learned, unsure) if turned else (unsure, learned)
    matrix, found = cell(LEARNED.assign(value=first), scored("mnli", second[:3], second[3:]))
    assert found["verdict"] == ("lower" if turned else "higher")
    assert "Not testable" not in tables.footnote(matrix)


def test_a_cell_that_is_not_tested_takes_nothing_from_the_others():
    """The p of PAWS-X is that of a t test in pairs, with nothing to correct for."""
    base, better = [0.60, 0.61, 0.62], [0.70, 0.72, 0.71]
    others = [scored("none", [0.9, 0.9, 0.91], base, "pawsx"), scored("mnli", [0.9, 0.9, 0.91], better, "pawsx")]
    same = scored("mnli", [0.332, 0.333, 0.3345], [0.333, 0.334, 0.3355])
    matrix, found = cell(GUESSES, same, *others, task="pawsx")
    assert found["p"] == pytest.approx(scipy_stats.ttest_rel(better, base).pvalue)
    asked = {answer.question.split()[-1]: answer for answer in findings.transfer(matrix)}
    assert asked["pawsx?"].verdict == "higher" and asked["xnli?"].verdict == "not testable"


def test_an_answer_names_what_was_not_tested_after_what_was():
    same = scored("ccg", [0.332, 0.333, 0.3345], [0.333, 0.334, 0.3355])
    better = scored("mnli", [0.8, 0.8, 0.8], [0.70, 0.715, 0.72])
    matrix, _ = cell(LEARNED, better, same)
    (answer,) = findings.transfer(matrix)
    assert answer.answer == "mnli most; not testable: ccg (3 of 3 runs collapsed)" and answer.verdict == "higher"


def test_files_without_guesses_are_gated_by_collapse_alone():
    same = scored("mnli", [0.332, 0.333, 0.3345], [0.333, 0.334, 0.3355])
    _, found = cell(GUESSES.drop(columns="guess"), same.drop(columns="guess"))
    assert found["why"].startswith("every run on xnli after none collapsed")
    unsure = scored("mnli", LUCKY[::-1], [0.50, 0.34, 0.33])
    _, unsure = cell(UNSURE.drop(columns="guess"), unsure.drop(columns="guess"))
    assert unsure["verdict"] == "undecided"


def test_a_difference_beyond_the_scale_is_not_said_to_be_detectable():
    assert detectable([0.021, np.nan, 0.05]) == "2.1 to 5.0 points" and detectable([0.021]) == "2.1 points"
    assert detectable([1.4, 2.2]) == "none within the scale" and detectable([np.nan]) == ""
    assert detectable([0.021, 1.4]) == "2.1 points, in 1 case none within the scale"
    wild = scored("mnli", [0.8, 0.8, 0.8], [0.20, 0.95, 0.40])
    matrix, _ = cell(LEARNED, wild)
    assert tables.footnote(matrix).endswith("as decided: none within the scale.")
