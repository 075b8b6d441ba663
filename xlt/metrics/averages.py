"""Means of one task over its languages, by the two published rules."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np


def xtreme_mean(scores: Mapping[str, Mapping[str, float]]) -> float:
    """XTREME's score of a task: the plain mean over its languages, English among them (Hu et al. 2020).

    Args:
        scores: metric -> language -> value; for questions F1 and exact match, whose two means are averaged.
    """
    return float(np.mean([np.mean(list(by_language.values())) for by_language in scores.values()]))


def tydi_mean(scores: Mapping[str, float]) -> float:
    """TyDiQA-GoldP's own mean of a metric over the languages: without English (Clark et al. 2020).

    Args:
        scores: language -> value.
    """
    return float(np.mean([value for language, value in scores.items() if language != "en"]))
