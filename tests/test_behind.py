"""What stands behind an effect, on the invented experiment of test_contrasts: MNLI gives 10 points everywhere."""

import pytest
from test_contrasts import SCORES

from xlt.analysis import behind
from xlt.analysis.arms import weighted
from xlt.spec.study import Contrast

CLEAN, TYPOS = [("xnli", "clean")], [("xnli", "typos")]
ASKED = Contrast(question="?", of=("mnli",), against=("none",))


def both(scores, contrast, over):
    return behind.both_scores(weighted(scores, contrast, over), contrast)


def resting(scores, contrast, over):
    return behind.resting_on(scores, weighted(scores, contrast, over), contrast, over)


def gaining(gains):
    """The scores as if MNLI gave these points to each language."""
    rows = SCORES[SCORES["language"].isin(gains)]
    gained = rows["language"].map(gains).where(rows["arm"] == "mnli", 0.0)
    return rows.assign(value=rows["value"] + gained - 0.1 * (rows["arm"] == "mnli"))


def test_a_drop_says_what_happened_to_the_clean_and_to_the_perturbed_score():
    """Typos cost 10 points without MNLI and 6 after it, which is 10 points higher on clean text."""
    drop = ASKED.model_copy(update={"outcome": "drop", "conditions": ("typos",)})
    assert both(SCORES, drop, TYPOS) == "clean +10.0, perturbed +14.0"
    alone = drop.model_copy(update={"of": ("none",), "against": ()})
    assert both(SCORES, alone, TYPOS) == "63.0 less 53.0"
    assert both(SCORES[SCORES["arm"] != "mnli"], drop, TYPOS) == ""
    assert both(SCORES, ASKED, CLEAN) == ""


def test_a_gap_says_what_happened_on_either_side_of_it():
    """After MNLI German is 2 points lower and Chinese 1 higher: most of what the gap has lost is a loss."""
    gap = ASKED.model_copy(update={"languages": ("de",), "minus": ("zh",)})
    scores = gaining({"de": -0.02, "zh": 0.01})
    assert both(scores, gap, CLEAN) == "upper languages −2.0, lower ones +1.0"
    alone = gap.model_copy(update={"of": ("none",), "against": ()})
    assert both(scores, alone, CLEAN) == "68.0 less 54.0"


@pytest.mark.parametrize(
    ("gains", "said"),
    [
        ({"de": 0.1, "ru": 0.1, "zh": 0.1}, ""),
        ({"de": 0.01, "ru": 0.12, "zh": 0.01}, "without Russian +1.0"),
        ({"de": -0.02, "ru": 0.12, "zh": -0.01}, "without Russian −1.5"),
        ({"de": 0.02, "ru": -0.12, "zh": 0.01}, "without Russian +1.5"),
        ({"de": 0.04, "ru": 0.08, "zh": 0.06}, ""),  # without Russian 5 of 6 points are left
        ({"ru": 0.1}, ""),  # an effect of one language
    ],
)
def test_an_effect_that_rests_on_one_language_says_so(gains, said):
    assert resting(gaining(gains), ASKED, CLEAN) == said


def test_a_gap_may_rest_on_one_language_of_either_side():
    gap = Contrast(question="?", of=("mnli",), languages=("de",), minus=("ru", "zh"))
    scores = gaining({"de": 0.0, "ru": 0.0, "zh": -0.5})
    whole, left = 0.08 - (-0.02 - 0.56) / 2, 0.08 + 0.02
    assert left / whole < 0.5 and resting(scores, gap, CLEAN) == "without Chinese +10.0"


def test_without_a_language_no_seed_comes_in_that_the_effect_lacks():
    """The third seed, in which MNLI costs 50 points, has no Russian; without it all of the effect is left."""
    scores = gaining({"de": 0.1, "ru": 0.1})
    scores = scores[(scores["seed"] < 2) | (scores["language"] == "de")]
    third = (scores["seed"] == 2) & (scores["arm"] == "mnli")
    assert resting(scores.assign(value=scores["value"] - 0.5 * third), ASKED, CLEAN) == ""


def test_languages_in_which_the_effect_is_the_reverse_are_named():
    """12 points up in German and Russian, 9 down in Chinese: 5 on average."""
    whole, over = gaining({"de": 0.12, "ru": 0.12, "zh": -0.09}), (ASKED, CLEAN)
    assert behind.reversed_in(whole, weighted(whole, *over), *over) == "the reverse in Chinese (−9.0)"
    little = gaining({"de": 0.12, "ru": 0.12, "zh": -0.02})  # 7 on average, of which that is not half
    assert behind.reversed_in(little, weighted(little, *over), *over) == ""
    gap = ASKED.model_copy(update={"languages": ("de",), "minus": ("zh",)})
    assert behind.reversed_in(whole, weighted(whole, gap, CLEAN), gap, CLEAN) == ""
