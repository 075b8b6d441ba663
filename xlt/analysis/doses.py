"""Scores over a dose: what stands behind the slope of a contrast that declares one."""

from __future__ import annotations

import pandas as pd

from xlt.analysis import stats
from xlt.analysis.arms import figures, steps, weighted
from xlt.analysis.questions import cells
from xlt.lab.study import Study
from xlt.spec.study import Contrast

COLUMNS = ["target", "condition", "arm", "records", "doublings", "mean", "low", "high", "seeds"]


def curve(study: Study, scores: pd.DataFrame, contrast: Contrast) -> pd.DataFrame:
    """One row for each target, condition and dose of the contrast, from the smallest dose on; fractions.

    The mean is over the contrast's languages within a seed, then over seeds, with its 95 % t interval over seeds, in
    the languages and seeds that all doses have, as the slope is. The intervals describe; the slope, which takes seeds
    in pairs, is decided among the study's questions.
    """
    doubled = sorted(steps(contrast.dose).items(), key=lambda dose: dose[1])
    together = contrast.model_copy(update={"dose": {}, "of": tuple(contrast.dose)})  # their mean
    rows = []
    for task, condition in cells(study, contrast):
        weighed = weighted(scores, together, [(task, condition)])
        for arm, step in doubled:
            seeds = figures(weighed[weighed["arm"] == arm]) * len(doubled)
            mean, low, high = stats.mean_interval(seeds)
            rows.append((task, condition, arm, contrast.dose[arm], step, mean, low, high, len(seeds)))
    return pd.DataFrame(rows, columns=COLUMNS)
