"""Whether there is anything to lose or to tell apart, on the invented experiment of test_contrasts."""

import numpy as np
import pandas as pd
from test_contrasts import BETTER, COSTLY, SCORES, row, study

from xlt.analysis import contrasts, floors
from xlt.analysis.arms import weighted
from xlt.analysis.conditions import clean
from xlt.spec.study import Contrast

TYPOS = [("xnli", "typos")]
ASKED = Contrast(question="?", of=("mnli",), against=("none",))


def guessed(scores, contrast):
    return floors.hardly_above(clean(scores), contrast, weighted(scores, contrast, TYPOS))


def test_scores_that_are_hardly_above_a_guess_say_so():
    """After MNLI typos leave 72 in German and 62 in Russian; a guess of 64 is near their mean, one of 33 is not."""
    asked = ASKED.model_copy(update={"conditions": ("typos",)})
    said = "hardly above a guess (xnli under typos: 67.0 at most, a guess 64.0)"
    assert guessed(SCORES.assign(guess=0.64), asked) == said
    assert guessed(SCORES.assign(guess=0.33), asked) == ""
    assert guessed(SCORES.drop(columns="guess", errors="ignore"), asked) == ""
    unread = SCORES[SCORES["condition"] != "clean"].assign(guess=0.64)  # a page of what is finished so far
    assert guessed(unread, asked) == ""
    assert guessed(SCORES.assign(guess=0.64), asked.model_copy(update={"outcome": "drop"})) == ""


def answer(asked, scores):
    (found,) = contrasts.answers(study(asked), scores)
    return found


def read(none, mnli, conditions=("typos",), languages=("de", "ru")):
    """English at 80, other languages at 70 on clean text; under the conditions what is given, a point from seed to seed
    of MNLI. A guess scores a third, of 10,000 records."""
    rows = [
        row(arm, "xnli", code, seed, value + 0.01 * (seed - 1) * (arm == "mnli"), condition, guess=1 / 3, n=10_000)
        | {"source_language": code == "en", "trained_last": True}
        for arm, perturbed in (("none", none), ("mnli", mnli))
        for code in ("en", "de", "ru", "zh")
        for condition in ("clean", *conditions)
        if condition == "clean" or code in languages
        for value in (0.8 if code == "en" else 0.7 if condition == "clean" else perturbed,)
        for seed in range(3)
    ]
    return pd.DataFrame(rows)


UNDER_TYPOS = BETTER | {"targets": ["xnli"], "conditions": ["typos"]}
GUESSED = "hardly above a guess (xnli under typos: 38.0 at most, a guess 33.3)"


def test_scores_of_arms_that_all_guess_are_not_testable():
    """Else they would be equivalent: 38 and 38."""
    found = answer(UNDER_TYPOS, read(0.38, 0.38))
    assert (found.verdict, found.answer) == ("not testable", GUESSED) and np.isnan(found.p)
    alone = answer(UNDER_TYPOS | {"of": ["none", "mnli"], "against": []}, read(0.38, 0.36))
    assert alone.verdict == "not testable"
    assert answer(UNDER_TYPOS | {"expect": "none"}, read(0.38, 0.38)).verdict != "not testable"


def test_where_one_side_lies_above_a_guess_the_question_stays_testable():
    found = answer(UNDER_TYPOS, read(0.34, 0.45))
    assert found.verdict == "higher" and "guess" not in found.answer
    assert answer(UNDER_TYPOS | {"of": ["none"], "against": ["mnli"]}, read(0.34, 0.45)).verdict == "lower"


def test_where_one_cell_of_several_lies_above_a_guess_the_others_are_named():
    scores = read(0.38, 0.38, ("typos", "romanise"))
    scores.loc[(scores["condition"] == "romanise") & (scores["arm"] == "mnli"), "value"] += 0.2
    found = answer(UNDER_TYPOS | {"conditions": ["typos", "romanise"]}, scores)
    assert found.verdict == "higher" and found.answer.endswith(GUESSED)


def test_a_gap_is_testable_where_one_side_of_it_lies_above_a_guess():
    """German at 42, Russian at 34: their mean lies 4.7 points above a guess, German 8.7."""
    scores = read(0.34, 0.34)
    scores.loc[(scores["condition"] == "typos") & (scores["language"] == "de"), "value"] += 0.08
    gap = UNDER_TYPOS | {"of": ["mnli"], "against": [], "languages": ["de"], "minus": ["ru"]}
    assert guessed(scores, Contrast(**gap)) == ""


def test_what_can_be_lost_is_asked_in_the_languages_that_are_weighed():
    """Typos are valid in Russian alone, where no arm lies above a guess on clean text; elsewhere both do."""
    scores = read(0.32, 0.33, languages=("ru",))
    clean_russian = (scores["language"] == "ru") & (scores["condition"] == "clean")
    scores.loc[clean_russian & (scores["arm"] == "none"), "value"] = 0.34
    scores.loc[clean_russian & (scores["arm"] == "mnli"), "value"] = 0.36
    found = answer(COSTLY | {"targets": ["xnli"], "against": ["mnli"]}, scores)
    said = "xnli after none is 0.7 points above a guess on clean text: nothing to lose"
    assert found.verdict == "not testable" and found.answer.endswith(said)
    assert "nothing to lose" not in answer(COSTLY | {"targets": ["xnli"]}, read(0.5, 0.5, languages=("de",))).answer


def test_what_a_gap_loses_needs_room_on_both_of_its_sides():
    """German has 36.7 points above a guess, Russian 0.7: their mean 18.7."""
    scores = read(0.6, 0.6)
    russian = (scores["language"] == "ru") & (scores["condition"] == "clean")
    scores.loc[russian, "value"] = 0.34 + 0.01 * (scores["seed"] - 1)
    gap = COSTLY | {"targets": ["xnli"], "languages": ["de"], "minus": ["ru"]}
    assert answer(gap, scores).answer.endswith("0.7 points above a guess on clean text: nothing to lose")
