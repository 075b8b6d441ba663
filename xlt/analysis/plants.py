"""Planted effects: what was put into the generated world must come out with its sign, and nothing else may."""

from __future__ import annotations

import numpy as np
import pandas as pd

from xlt.analysis import stats, verdicts
from xlt.analysis.arms import Cells, weighted
from xlt.analysis.contrasts import smallest, told
from xlt.analysis.family import Effect, effects
from xlt.analysis.questions import cells
from xlt.analysis.records import Records
from xlt.core.text import DASH, NOT_RUN
from xlt.lab.study import Study
from xlt.spec.study import Contrast

NOTHING = 0.1  # how far from zero the interval may reach where nothing was planted


def planted(study: Study, scores: pd.DataFrame, records: Records | None = None) -> pd.DataFrame:
    """Planted effects: what must come out, what did, and whether that passes; fractions.

    A sign passes when the interval excludes zero on that side. None passes when nothing is decided and the interval
    lies within NOTHING of zero; of a wider one it is not shown. Beside it the chance that a run of one side beats one
    of the other.
    """
    asked = [(contrast, cells(study, contrast)) for contrast in study.contrasts if contrast.expect]
    rows = []
    for (contrast, over), result in zip(asked, effects(scores, asked, smallest(study), records), strict=True):
        found, passes = _found(contrast.expect, result)
        rows.append({"question": contrast.question, "planted": contrast.expect, "found": found, "passes": passes,
                     **result._asdict(), **_improvement(scores, contrast, over)})  # fmt: skip
    return pd.DataFrame(rows) if rows else pd.DataFrame({"question": [NOT_RUN]})


def _found(expected: str, result: Effect) -> tuple[str, str]:
    """What came out where this was expected, and whether it passes: "yes", "NO" or "not shown"."""
    if result.seeds == 0:
        return NOT_RUN, "NO"
    if np.isnan(result.low):
        return ("none", "yes" if expected == "none" else "NO") if result.value == 0 else ("?", "NO")  # equal everywhere
    if expected != "none":
        found = verdicts.HIGHER if result.low > 0 else verdicts.LOWER if result.high < 0 else "none"
        return found, "yes" if found == expected else "NO"
    if result.verdict in (verdicts.HIGHER, verdicts.LOWER):
        return result.verdict, "NO"
    return "none", "yes" if max(-result.low, result.high) <= NOTHING else "not shown"


def _improvement(scores: pd.DataFrame, contrast: Contrast, over: Cells) -> dict[str, float]:
    """Of arms against arms: the probability of improvement with its interval."""
    rows = weighted(scores, contrast, over)
    if rows.empty or not contrast.against:
        return {}
    value = rows["side"] * rows["weight"] * rows["value"]
    sides = [value[rows["side"] == side].groupby(rows["seed"]).sum() for side in (1, -1)]
    better = stats.probability_of_improvement(*sides, np.random.default_rng(0))
    return dict(zip(("improvement", "improvement_low", "improvement_high"), better, strict=True))


def judged(planted: pd.DataFrame) -> pd.DataFrame:
    """`planted` to be read: effects in points."""
    if "found" not in planted:
        return planted
    texts = [told(Effect(*row)) for row in planted[list(Effect._fields)].itertuples(index=False)]
    text = planted[["question", "planted", "found", "passes"]].assign(effect=texts)
    if "improvement" in planted:
        text["chance to beat"] = [DASH if np.isnan(x) else f"{x:.2f}" for x in planted["improvement"]]
    return text
