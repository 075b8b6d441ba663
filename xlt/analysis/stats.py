"""Intervals and tests over seeds.

The seed is the unit: average languages and examples within a seed first, then compare
seeds. Tests over the examples of one run per method answer another question and call
equal methods different several times too often; `multi_bootstrap` draws both. Whatever
cannot be had from so few seeds is nan, never a guess.
"""

from __future__ import annotations

import warnings
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


class Permutation(NamedTuple):
    """A two-sided p, or nan and the reason why there is none."""

    p: float
    reason: str = ""


def permutation_test(a: ArrayLike, b: ArrayLike, level: float = 0.95) -> Permutation:
    """Fisher's exact two-sample test: twice the share of regroupings whose means lie as far apart in this direction.

    The smallest p is 2 / C(n + m, n): 0.1 for 3 + 3 seeds, 0.029 for 4 + 4. Where that is above 1 - level
    the test can never reject, so it is not made; nor is it above 200,000 regroupings.
    """
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    regroupings, seeds = comb(a.size + b.size, a.size), f"{a.size} + {b.size} seeds"
    floor = min(1.0, 2 / regroupings)
    if floor > 1 - level + 1e-9:
        return Permutation(NAN, f"{seeds} cannot reach p = {1 - level:.2g}: their least is {floor:.2g}")
    if regroupings > 200_000:
        return Permutation(NAN, f"{seeds} have {regroupings:,} regroupings: too many to try them all")

    def gap(x: np.ndarray, y: np.ndarray, axis: int) -> np.ndarray:
        return x.mean(axis) - y.mean(axis)

    found = stats.permutation_test((a, b), gap, vectorized=True, n_resamples=np.inf)
    return Permutation(float(found.pvalue))


def multi_bootstrap(
    a: ArrayLike,
    b: ArrayLike,
    rng: np.random.Generator,
    paired: bool = False,
    clusters: ArrayLike | None = None,
    draws: int = 1000,
    level: float = 0.95,
) -> Difference:
    """Mean of a minus mean of b, had there been other seeds and other examples (Sellam et al. 2022, section 3).

    `a` and `b` are seeds x examples, over the same examples. Each draw takes seeds (the same for both where they are
    `paired`) and examples with replacement; examples of one of `clusters` (passage, or item of a parallel test set)
    together. A percentile interval is too narrow for few seeds (10 % false alarms with 3): the seeds' deviations from
    their mean are therefore stretched by t / z and sqrt(n / (n - 1)), after Hesterberg 2015. One seed: no bounds.
    By simulation 5 % false alarms where seeds vary most, fewer where examples do (their noise then counts twice).

    Raises:
        ValueError: `paired`, and not as many seeds on both sides.
    """
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    value = float(a.mean() - b.mean())
    if paired and len(a) != len(b):
        raise ValueError(f"paired seeds must be as many on both sides, got {len(a)} and {len(b)}")
    if min(len(a), len(b)) < 2:
        return Difference(value, NAN, NAN, NAN)
    group = np.arange(a.shape[1]) if clusters is None else np.unique(clusters, return_inverse=True)[1]
    sums = np.zeros((group.max() + 1, len(a) + len(b)))  # summed within clusters: clusters x all seeds
    freedom = len(a) - 1 if paired else len(a) + len(b) - 2
    np.add.at(sums, group, np.vstack([_stretched(x, freedom, level) for x in (a, b)]).T)
    sizes = np.bincount(group)
    times = rng.multinomial(sizes.size, np.full(sizes.size, 1 / sizes.size), size=draws)
    means = times @ sums / (times @ sizes)[:, None]  # draws x all seeds
    first = rng.integers(len(a), size=(draws, len(a)))
    second = first if paired else rng.integers(len(b), size=(draws, len(b)))
    drawn = np.take_along_axis(means, first, 1).mean(1) - np.take_along_axis(means, len(a) + second, 1).mean(1)
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    tail = min(np.count_nonzero(drawn <= 0), np.count_nonzero(drawn >= 0))
    return Difference(value, float(low), float(high), min(1.0, 2 * (tail + 1) / (draws + 1)))


def _stretched(x: np.ndarray, freedom: int, level: float) -> np.ndarray:
    """Seeds x examples, each seed shifted away from the mean of all seeds so that drawing n of n is not too narrow."""
    factor = stats.t.ppf((1 + level) / 2, freedom) / stats.norm.ppf((1 + level) / 2) * sqrt(len(x) / (len(x) - 1))
    seeds = x.mean(axis=1, keepdims=True)
    return x + (factor - 1) * (seeds - seeds.mean())


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


def minimum_detectable_difference(sd: float, n: int, level: float = 0.95, power: float = 0.8, sides: int = 2) -> float:
    """The true difference that a two-sided t test with n seeds a side finds with this power (1 side: from a constant).

    Solves the noncentral t for its shift (Cohen 1988, chapter 2); `sd` is the seeds' standard
    deviation and gives the unit. With one seed nothing can be detected: nan.
    """
    if n < 2 or not np.isfinite(sd):
        return NAN
    freedom = sides * (n - 1)
    critical = stats.t.ppf((1 + level) / 2, freedom)

    def surplus(shift: float) -> float:
        """Power too much; the wrong-sided rejections, far below 0.1 % at any useful power, are left out."""
        return stats.nct.sf(critical, freedom, shift) - power

    return float(optimize.brentq(surplus, 0, 3 * critical + 5) * sd * sqrt(sides / n))


def collapsed(value: ArrayLike, chance: float, margin: float = 0.02) -> np.ndarray:
    """Whether runs have learned nothing: their English scores lie within `margin` of chance, or below it (fractions).

    XLM-R fails so on some seeds, mostly at high learning rates (github.com/google-research/xtreme/issues/87). Scores
    after such runs stand beside those without them, named and counted; they are not dropped. nan is no score: False.
    """
    return np.asarray(value, dtype=float) <= chance + margin
