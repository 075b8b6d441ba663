"""The one inference: an effect, how far it would lie with other seeds and other records, and what that decides.

An effect is a mean over seeds and over records. Another training gives another seed, another test set other records;
an interval over seeds alone takes the records at hand for all there are, and calls a zero effect clear in a third of
the cases with 50 records. Seeds and records are crossed: every seed is tested on the same records. The variance of the
mean is that of the seeds' figures plus that of the records' figures, less what both of them count, their interaction
(two-way clustering: Owen 2007, "The pigeonhole bootstrap"; Cameron, Gelbach and Miller 2011, section 2). The arms of a
contrast share seeds and records, so all of it is taken from differences, in pairs.

Three to five seeds say little about the variance over seeds. The contrasts of a study are alike in that, so each
variance over seeds is moved towards what is usual in the study, the further the more the contrasts agree (Smyth 2004,
section 6, for genes). They are compared as variances of one arm, whatever weights a contrast gives its arms; one that
varies clearly more than is usual keeps its own variance. Degrees of freedom are Satterthwaite's (1946).
`notebooks/study_calibration` measures how often all this is wrong. Everything here is in fractions.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, sqrt
from typing import NamedTuple

import numpy as np
from scipy import optimize, special, stats

NAN = float("nan")
LEVEL = 0.95
_EQUAL = 1e-12  # variance over seeds below which they agree but for rounding
_STILL = 1e-20  # variance over records below which none of them moves but for rounding
_LEAST = 1e-3  # the least variance over seeds that says what is usual, as a share of the median of the study

# A contrast keeps its own variance over seeds where an F test places it above the usual one with a p below this; else
# one that truly varies more than its family is decided with the certainty of the others. Simulated, ten contrasts of
# three seeds without an effect, false alarms of the last one in per cent, without this rule and with it: 4.8 and 4.5
# where it varies like the others, 26 and 10 with three times their SD, 22 and 5 with ten times. The price is power:
# where all vary alike, an effect of two SD is found in 75 of 100 studies instead of 86.
OWN = 0.2


class Components(NamedTuple):
    """An effect and the three variances that its own is made of.

    value       the effect
    by_seed     variance of the mean over seeds, as if records were fixed; nan with one seed
    by_record   variance of the mean over clusters of records, as if seeds were fixed; nan where the records are
                unknown, or those of a test set are one cluster
    by_both     what those two count twice
    seeds       how many there are
    clusters    of records, in all test sets; 0 where the records are unknown
    freedom     degrees of freedom of the variance over records
    scale       sum of the squared weights of the arms (`arms.scale`): variances over seeds are compared divided by it
    """

    value: float
    by_seed: float
    by_record: float
    by_both: float
    seeds: int
    clusters: int
    freedom: float = NAN
    scale: float = 1.0


class Prior(NamedTuple):
    """What is usual in a study: the variance over seeds (of one seed's figure, at a scale of 1), and how many degrees
    of freedom of evidence that is worth. `pooled` are those of all the contrasts together, which no one of them can
    exceed."""

    variance: float
    freedom: float
    pooled: float


NOTHING_KNOWN = Prior(NAN, 0.0, inf)


class Estimate(NamedTuple):
    """An effect with its standard error, degrees of freedom, interval and two-sided p; nan where it has none."""

    value: float
    low: float
    high: float
    p: float
    error: float
    freedom: float


def components(
    figures: np.ndarray,
    parts: np.ndarray | None = None,
    strata: Sequence[int] = (),
    shares: np.ndarray | None = None,
) -> Components:
    """Variances of an effect.

    Args:
        figures: (seeds,) the effect in each seed.
        parts: (seeds, clusters) how much each cluster of records moves the figure of a seed: its linear influence. Each
            row sums to zero within a stratum. Without it records are taken as fixed.
        strata: how many clusters come from each test set, in the order of `parts`; test sets are drawn separately.
        shares: (clusters,) which share of its test set's variance each can be expected to have, in any unit; without it
            all have the same.
    """
    seeds, value = len(figures), float(np.mean(figures)) if len(figures) else NAN
    by_seed = float(np.var(figures, ddof=1) / seeds) if seeds > 1 else NAN
    if parts is None or not seeds:
        return Components(value, by_seed, NAN, NAN, seeds, 0)
    clusters = parts.shape[1]
    test_set = np.repeat(np.arange(len(strata) or 1), strata or [clusters])
    # clusters of unequal shares are as many as (sum of shares)^2 / (sum of squared shares) of equal ones
    shares = np.ones(clusters) if shares is None else shares
    effective = np.bincount(test_set, shares) ** 2 / np.bincount(test_set, shares**2)
    # a sample of n clusters has n - 1 degrees of freedom, in every test set; of a single one nothing is known
    freedoms = np.where(effective > 1 + _EQUAL, effective - 1, NAN)
    correction = effective / freedoms
    mean = parts.mean(axis=0)
    variances = correction * np.bincount(test_set, mean**2)
    rest = float(correction @ np.bincount(test_set, ((parts - mean) ** 2).sum(axis=0)))
    by_both, freedom = rest / (seeds * (seeds - 1)) if seeds > 1 else NAN, _together(variances, freedoms)
    return Components(value, by_seed, float(variances.sum()), by_both, seeds, clusters, freedom)


def _together(variances: np.ndarray, freedoms: np.ndarray) -> float:
    """Satterthwaite's degrees of freedom of a sum of variances; where nothing varies, all that there are."""
    return float(variances.sum() ** 2 / np.sum(variances**2 / freedoms) if variances.any() else freedoms.sum())


def prior(study: Sequence[Components], gates: Sequence[str] = ()) -> Prior:
    """What the contrasts of a study say about the variance over seeds (Smyth 2004, section 6.2).

    Contrasts of a single seed say nothing, nor do those whose seeds all agree or nearly do: one such variance among
    others would make all of them look as if they differed beyond chance. Neither do those that a gate refused: `gates`
    are for each contrast what failed before it, "" for nothing. Fewer than three contrasts give no prior.
    """
    tested = [c for c, gate in zip(study, gates or [""] * len(study), strict=True) if not gate]
    told = [c for c in tested if c.seeds > 1 and c.by_seed * c.seeds > _EQUAL]
    least = _LEAST * np.median([_unscaled(c) for c in told]) if told else 0.0
    told = [c for c in told if _unscaled(c) > least]
    if len(told) < 3:
        return NOTHING_KNOWN
    variances = np.array([_unscaled(c) for c in told])
    freedoms = np.array([c.seeds - 1.0 for c in told])
    logs = np.log(variances) - special.digamma(freedoms / 2) + np.log(freedoms / 2)
    # what the logarithms scatter beyond chance is how far the true variances differ
    beyond = logs.var(ddof=1) - special.polygamma(1, freedoms / 2).mean()
    pooled = float(freedoms.sum())
    if beyond <= 0:
        return Prior(float(np.exp(logs.mean())), inf, pooled)
    freedom = 2 * _inverse_trigamma(beyond)
    centre = logs.mean() + special.digamma(freedom / 2) - np.log(freedom / 2)
    return Prior(float(np.exp(centre)), float(freedom), pooled)


def _unscaled(parts: Components) -> float:
    """The variance over seeds of one seed's figure, as it would be of a single arm."""
    return parts.by_seed * parts.seeds / parts.scale


def _inverse_trigamma(value: float) -> float:
    return float(optimize.brentq(lambda x: special.polygamma(1, x) - value, 1e-6, 1e8))


def estimate(parts: Components, usual: Prior = NOTHING_KNOWN, level: float = LEVEL) -> Estimate:
    """The interval and p of an effect; only its value where one seed, or seeds that all agree, tell no variance."""
    error, freedom = standard_error(parts, usual)
    if not error > 0:
        return Estimate(parts.value, NAN, NAN, NAN, NAN, NAN)
    half = stats.t.ppf((1 + level) / 2, freedom) * error
    p = 2 * stats.t.sf(abs(parts.value) / error, freedom)
    return Estimate(parts.value, parts.value - half, parts.value + half, float(p), error, freedom)


def standard_error(parts: Components, usual: Prior = NOTHING_KNOWN) -> tuple[float, float]:
    """Of the effect, with Satterthwaite's degrees of freedom; nan where they are not to be had."""
    if not _varies(parts, usual):
        return NAN, NAN
    by_seed, freedom = moderated(parts, usual)
    if not parts.clusters:
        return sqrt(by_seed), freedom
    # each of the two holds the interaction, so that an estimate below it, or of both together below one, is chance
    variance = max(max(by_seed, parts.by_both) + parts.by_record - parts.by_both, by_seed, parts.by_record)
    both = (parts.seeds - 1) * parts.freedom
    spread = by_seed**2 / freedom + parts.by_record**2 / parts.freedom + parts.by_both**2 / both
    # with a variance taken off, the approximation may fall below the fewest degrees of freedom of its parts
    return sqrt(variance), max(variance**2 / spread, min(freedom, parts.freedom))


def _varies(parts: Components, usual: Prior) -> bool:
    """Whether there is a variance to test with. Figures of seeds agree to the last digit by chance where records move
    in them, and the study says what is usual; nothing moves between arms that are the same."""
    if parts.clusters and np.isnan(parts.by_record):
        return False
    differ = parts.by_seed * parts.seeds > _EQUAL
    return parts.seeds > 1 and bool(differ or (usual.freedom > 0 and parts.by_record > _STILL))


def moderated(parts: Components, usual: Prior) -> tuple[float, float]:
    """The variance of the mean over seeds and its degrees of freedom, with what is usual in the study."""
    own, usual, unit = parts.seeds - 1, applicable(parts, usual), parts.scale / parts.seeds
    if usual.freedom == 0:
        return parts.by_seed, own
    if np.isinf(usual.freedom):
        return usual.variance * unit, usual.pooled
    moved = (usual.freedom * usual.variance + own * _unscaled(parts)) / (usual.freedom + own)
    return moved * unit, min(own + usual.freedom, max(usual.pooled, own))


def applicable(parts: Components, usual: Prior) -> Prior:
    """What is usual, as far as that holds of this contrast: nothing where it varies clearly more (see `OWN`)."""
    if usual.freedom == 0:
        return usual
    ratio = _unscaled(parts) / usual.variance
    p = special.fdtrc(parts.seeds - 1, min(usual.freedom, usual.pooled), ratio)
    return NOTHING_KNOWN if p < OWN else usual


def equivalence(found: Estimate, smallest: float) -> float:
    """p that the effect lies within `smallest` of zero: below 5 % where its 95 % interval does; nan without error.

    It is twice the larger p of the two one-sided tests of Schuirmann (1987). These at 5 % would rest on the interval of
    90 %, and "equivalent" would stand beside intervals of 95 % that reach beyond the smallest effect of interest.
    """
    if not found.error > 0:
        return NAN
    nearest = (smallest - abs(found.value)) / found.error
    return min(2 * float(stats.t.sf(nearest, found.freedom)), 1.0)
