"""What stands behind an effect, in words: the two scores that a drop or a gap is made of, and the language that a mean
rests on.

An average over languages may be the work of one of them, and a drop may shrink because the clean score has fallen. No
interval shows any of it. What is said here describes; it decides nothing.
"""

from __future__ import annotations

import pandas as pd

from xlt.analysis.arms import CLEAN_PART, LOWER, PERTURBED_PART, READ, UPPER, Cells, figures, weighted
from xlt.analysis.estimate import headless
from xlt.core.text import points
from xlt.spec.languages import language
from xlt.spec.study import Contrast

SHARE = 0.5  # of an effect: what one language must take away with it for the effect to rest on it


def both_scores(rows: pd.DataFrame, contrast: Contrast) -> str:
    """Of a drop: what happened to the clean and to the perturbed score; of a gap: on either side. "" of all else.

    `rows`, here and below: the scores that the contrast weighs (`arms.weighted`).

    Of arms against arms "clean −4.9, perturbed −0.9": the perturbation costs 4.0 less, and nothing is gained. Of arms
    by themselves "63.0 less 53.0".
    """
    if contrast.outcome != "drop" and not contrast.minus:
        return ""
    parts = (CLEAN_PART, PERTURBED_PART) if contrast.outcome == "drop" else (UPPER, LOWER)
    both = [sign * figures(rows[rows["part"] == part]).mean() for part, sign in zip(parts, (1, -1), strict=True)]
    if any(map(pd.isna, both)):
        return ""
    if contrast.against or contrast.dose or (contrast.outcome == "drop" and contrast.minus):
        return ", ".join(f"{part} {points(value, sign=True)}" for part, value in zip(parts, both, strict=True))
    return " less ".join(map(points, both))


def resting_on(scores: pd.DataFrame, rows: pd.DataFrame, contrast: Contrast, over: Cells) -> str:
    """The language without which less than half of an effect is left, or its reverse: "without Urdu −0.6"; else "".

    Of several it is the one that takes most. An effect of one language rests on it, which need not be said.
    """
    scores, whole = _of_its_seeds(scores, rows, contrast), figures(rows).mean()
    left = {code: _without(code, scores, contrast, over) for code in sorted(rows["language"].unique())}
    left = {code: value for code, value in left.items() if pd.notna(value)}
    if len(left) < 2 or not abs(whole) > 0:
        return ""
    code, value = max(left.items(), key=lambda one: (whole - one[1]) / whole)
    return f"without {language(code).name} {points(value, sign=True)}" if value / whole < 1 - SHARE else ""


def reversed_in(scores: pd.DataFrame, rows: pd.DataFrame, contrast: Contrast, over: Cells) -> str:
    """The languages in which the effect is the reverse and at least half as large: "the reverse in Chinese (−14.6)".

    "" of gaps, which have languages on both sides.
    """
    if contrast.minus:
        return ""
    scores, whole = _of_its_seeds(scores, rows, contrast), figures(rows).mean()
    said = []
    for code in sorted(rows["language"].unique()):
        own = figures(weighted(scores[scores["language"] == code], contrast, over)).mean()
        if own * whole < 0 and abs(own) >= SHARE * abs(whole):
            said.append(f"{language(code).name} ({points(own, sign=True)})")
    return f"the reverse in {', '.join(said)}" if said else ""


def _without(code: str, scores: pd.DataFrame, contrast: Contrast, over: Cells) -> float:
    return figures(weighted(scores[scores["language"] != code], contrast, over)).mean()


def _of_its_seeds(scores: pd.DataFrame, rows: pd.DataFrame, contrast: Contrast) -> pd.DataFrame:
    """The scores of the arms in the seeds that the contrast weighs, and of what has no seeds: a seed that lacks a
    language would else come in with its other languages once that one is left out."""
    scores = scores.filter(items=READ)
    weighed = scores["seed"].isin(rows["seed"]) | scores["task"].map(headless).astype(bool)
    return scores[scores["arm"].isin(contrast.arms) & weighed]
