"""Random-effects pooling of one question's effect over several profiles.

Profiles differ in encoder, records and languages, so their true effects do: what is pooled is the mean of the effects
that such profiles have, and how far these lie apart is a result of its own. The variance between profiles is that of
DerSimonian and Laird (1986). With few profiles it is hardly known, so the interval is that of Hartung and Knapp (2001),
from t, but never narrower than with the plain standard error (Roever, Knapp and Friede 2015). The prediction interval,
for the effect in one more profile, is that of Higgins, Thompson and Spiegelhalter (2009).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import NamedTuple

import numpy as np
from scipy import stats

NAN = float("nan")
_NORMAL = 1.959963984540054  # of a two-sided interval of 95 %


class Pooled(NamedTuple):
    """A mean over profiles with its 95 % interval; all fractions but `apart`.

    between    standard deviation of the true effects between profiles (tau)
    apart      share of the variation that is between profiles and not within them (I squared), 0 to 1
    next_low, next_high  where the effect in one more profile is to be expected; nan with fewer than three
    profiles   how many
    """

    value: float
    low: float
    high: float
    p: float
    between: float
    apart: float
    next_low: float
    next_high: float
    profiles: int


def error(low: float, high: float) -> float:
    """The standard error of a normal 95 % interval of this width.

    Intervals of few seeds come from t and are wider, so the error of such an effect counts as larger than it was
    estimated: what is little known weighs less.
    """
    return (high - low) / (2 * _NORMAL)


def pool(values: Sequence[float], errors: Sequence[float]) -> Pooled:
    """The mean of effects with their standard errors; two at least.

    Raises:
        ValueError: fewer than two effects, or an error that is not above zero.
    """
    effects, variances = np.asarray(values, dtype=float), np.asarray(errors, dtype=float) ** 2
    number = len(effects)
    if number < 2 or not (variances > 0).all():
        raise ValueError("pooling needs two effects at least, each with a standard error above zero")
    weights = 1 / variances
    fixed = weights @ effects / weights.sum()
    spread = float(weights @ (effects - fixed) ** 2)  # Cochran's Q
    scale = weights.sum() - weights @ weights / weights.sum()
    between = max(0.0, (spread - (number - 1)) / scale)
    weights = 1 / (variances + between)
    mean = float(weights @ effects / weights.sum())
    excess = float(weights @ (effects - mean) ** 2) / (number - 1)
    found = sqrt(max(1.0, excess) / weights.sum())
    half = stats.t.ppf(0.975, number - 1) * found
    # degrees of freedom: one for the mean, one for the variance between profiles
    ahead = stats.t.ppf(0.975, number - 2) * sqrt(between + found**2) if number > 2 else NAN
    p = float(2 * stats.t.sf(abs(mean) / found, number - 1))
    apart = max(0.0, 1 - (number - 1) / spread) if spread > 0 else 0.0
    bounds = (mean - half, mean + half, p, sqrt(between), apart, mean - ahead, mean + ahead)
    return Pooled(mean, *map(float, bounds), number)
