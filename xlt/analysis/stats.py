"""Intervals and tests over seeds alone, to describe and to correct; `inference` decides.

Average languages and examples within a seed first, then compare seeds. Whatever cannot be had from so few seeds is nan,
never a guess.
"""

from __future__ import annotations

from math import sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

NAN = float("nan")


class Interval(NamedTuple):
    """An estimate and its bounds, in the unit of the input; nan bounds: not to be had."""

    value: float
    low: float
    high: float


def mean_interval(values: ArrayLike, level: float = 0.95) -> Interval:
    """Student's t interval of the mean, n - 1 degrees of freedom; one value has no bounds."""
    x = np.asarray(values, dtype=float)
    mean = float(x.mean()) if x.size else NAN
    if x.size < 2:
        return Interval(mean, NAN, NAN)
    half = float(stats.t.ppf((1 + level) / 2, x.size - 1) * x.std(ddof=1) / sqrt(x.size))
    return Interval(mean, mean - half, mean + half)


def probability_of_improvement(
    a: ArrayLike, b: ArrayLike, rng: np.random.Generator, draws: int = 2000, level: float = 0.95
) -> Interval:
    """Chance that a run of a beats a run of b (ties count half), mean over columns (Agarwal et al. 2021, section 4.3).

    `a` and `b` are one value a seed, or seeds x tasks (or languages). The interval draws whole seeds with replacement,
    as the columns of a seed share its runs; it is nan with one seed and crude below five.
    """
    a, b = (np.asarray(x, dtype=float).reshape(len(x), -1) for x in (a, b))
    wins = ((a[:, None] > b) + 0.5 * (a[:, None] == b)).mean(axis=2)  # seeds of a x seeds of b
    if min(wins.shape) < 2:
        return Interval(float(wins.mean()), NAN, NAN)
    rows, columns = (rng.integers(n, size=(draws, n)) for n in wins.shape)
    drawn = wins[rows[:, :, None], columns[:, None, :]].mean(axis=(1, 2))
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(wins.mean()), float(low), float(high))


def holm(pvalues: ArrayLike) -> np.ndarray:
    """Holm's (1979) adjusted p values, in the given order; nan (no test made) stays nan, uncounted."""
    p = np.asarray(pvalues, dtype=float)
    adjusted = np.full(p.shape, NAN)
    order = np.argsort(p)[: np.count_nonzero(~np.isnan(p))]  # nan sorts last
    steps = p[order] * np.arange(order.size, 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted
