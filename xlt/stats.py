"""Intervals and tests over seeds.

The seed is the unit: average languages and examples within a seed first, then compare
seeds. Tests over the examples of one run per method answer another question and call
equal methods different several times too often. `wilson` alone is over examples: for
one run against chance.
"""

from __future__ import annotations

import warnings
from itertools import combinations
from math import comb, sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, stats

NAN = float("nan")


class Interval(NamedTuple):
    """An estimate and its bounds, in the unit of the input; nan bounds: not to be had."""

    value: float
    low: float
    high: float


class Difference(NamedTuple):
    """Mean of a minus mean of b, its bounds, and the two-sided p."""

    value: float
    low: float
    high: float
    p: float


def mean_interval(values: ArrayLike, level: float = 0.95) -> Interval:
    """Student's t interval of the mean, n - 1 degrees of freedom; one value has no bounds."""
    x = np.asarray(values, dtype=float)
    mean = float(x.mean()) if x.size else NAN
    if x.size < 2:
        return Interval(mean, NAN, NAN)
    half = float(stats.t.ppf((1 + level) / 2, x.size - 1) * x.std(ddof=1) / sqrt(x.size))
    return Interval(mean, mean - half, mean + half)


def welch_interval(a: ArrayLike, b: ArrayLike, level: float = 0.95) -> Difference:
    """Difference of two means with unequal variances (Welch 1947): interval and two-sided p.

    Needs two values on each side and some variance on one; otherwise bounds and p are nan:
    seeds that all agree to the last digit say nothing of how far another seed would lie.
    """
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    value = float(a.mean() - b.mean()) if a.size and b.size else NAN
    if min(a.size, b.size) < 2 or np.ptp(a) + np.ptp(b) == 0:
        return Difference(value, NAN, NAN, NAN)
    with warnings.catch_warnings():  # scipy warns of seeds that agree to the last digits; the interval says it
        warnings.simplefilter("ignore", RuntimeWarning)
        test = stats.ttest_ind(a, b, equal_var=False)
    low, high = test.confidence_interval(level)
    return Difference(value, float(low), float(high), float(test.pvalue))


def against_constant(values: ArrayLike, constant: ArrayLike, level: float = 0.95) -> Difference:
    """Mean of `values` minus one fixed number: Student's t interval and two-sided p.

    For a baseline that has no seeds of its own: a pretrained encoder that nothing was trained on.
    """
    x, base = np.asarray(values, dtype=float), np.asarray(constant, dtype=float)
    if base.size != 1:
        return Difference(NAN, NAN, NAN, NAN)
    mean, low, high = mean_interval(x - base[0], level)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        p = float(stats.ttest_1samp(x, base[0]).pvalue) if x.size > 1 and np.ptp(x) > 0 else NAN
    return Difference(mean, low, high, p)


def exact_permutation_p(a: ArrayLike, b: ArrayLike) -> float:
    """Share of all regroupings whose means lie at least as far apart (Fisher's two-sample test).

    Two-sided. The smallest value it can take is 2 / C(n + m, n): 0.1 for 3 + 3 seeds, 0.008
    for 5 + 5 (so with 3 seeds it cannot reach 0.05).

    Raises:
        ValueError: more than 200,000 regroupings; sample them instead.
    """
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    if not a.size or not b.size:
        return NAN
    if comb(a.size + b.size, a.size) > 200_000:
        raise ValueError(f"{a.size} + {b.size} values have too many regroupings for an exact test")
    pool = np.concatenate([a, b])
    sums = pool[np.array(list(combinations(range(pool.size), a.size)))].sum(axis=1)
    gaps = np.abs(sums / a.size - (pool.sum() - sums) / b.size)
    # regroupings that tie with the observed one (the first) differ from it by rounding only
    return float(np.mean(gaps >= gaps[0] - 1e-9 * max(1.0, np.abs(pool).max())))


def holm(pvalues: ArrayLike) -> np.ndarray:
    """Holm's (1979) adjusted p values, in the given order; nan (no test made) stays nan, uncounted."""
    p = np.asarray(pvalues, dtype=float)
    adjusted = np.full(p.shape, NAN)
    order = np.argsort(p)[: np.count_nonzero(~np.isnan(p))]  # nan sorts last
    steps = p[order] * np.arange(order.size, 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted


def minimum_detectable_difference(sd: float, n: int, level: float = 0.95, power: float = 0.8) -> float:
    """The true difference that a two-sided t test with n seeds a side finds with this power.

    Solves the noncentral t for its shift (Cohen 1988, chapter 2); `sd` is the seeds' standard
    deviation and gives the unit. With one seed nothing can be detected: nan.
    """
    if n < 2 or not np.isfinite(sd):
        return NAN
    freedom = 2 * (n - 1)
    critical = stats.t.ppf((1 + level) / 2, freedom)

    def surplus(shift: float) -> float:
        """Power too much; the wrong-sided rejections, far below 0.1 % at any useful power, are left out."""
        return stats.nct.sf(critical, freedom, shift) - power

    return float(optimize.brentq(surplus, 0, 3 * critical + 5) * sd * sqrt(2 / n))


def wilson(successes: float, n: int, level: float = 0.95) -> Interval:
    """Wilson's (1927) score interval for a proportion of n examples; fractions, within 0 to 1."""
    if n < 1:
        return Interval(NAN, NAN, NAN)
    z = float(stats.norm.ppf((1 + level) / 2))
    share, weight = successes / n, z * z / n
    centre = (share + weight / 2) / (1 + weight)
    half = z * sqrt(share * (1 - share) / n + weight / (4 * n)) / (1 + weight)
    return Interval(share, max(0.0, centre - half), min(1.0, centre + half))
