"""What a design can see: the seeds and records that an effect of a given size needs, from the variances of one."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import stats

from xlt.analysis.inference import LEVEL, NAN, NOTHING_KNOWN, Components, Prior, moderated, standard_error

SEEDS = (3, 5, 8, 10, 12, 16, 20, 30, 50)  # designs that are tried, and how many times as many records
RECORDS = (1, 2, 4, 8, 16, 32)


class Design(NamedTuple):
    """Seeds, and how many times as many records as now."""

    seeds: int
    records: int


def foreseen(parts: Components, design: Design, usual: Prior = NOTHING_KNOWN) -> tuple[float, float]:
    """Standard error and degrees of freedom of the effect in another design, with the variances of this one.

    Of the three variances that over seeds falls with the seeds, that over records with the records, and what both of
    them share with their product.
    """
    if parts.seeds < 2:
        return NAN, NAN
    by_record = parts.by_record if parts.clusters else 0.0
    both = parts.by_both if parts.clusters else 0.0
    alone = max(moderated(parts, usual)[0] - both, 0.0) * parts.seeds  # of one seed, with endless records
    shared = both * parts.seeds / (design.seeds * design.records)
    planned = Components(
        parts.value,
        alone / design.seeds + shared,
        max(by_record - both, 0.0) / design.records + shared if parts.clusters else NAN,
        shared if parts.clusters else NAN,
        design.seeds,
        max(parts.clusters * design.records, 0),
    )
    # the prior has been taken in already, but for the degrees of freedom that it brings
    known = Prior(planned.by_seed * design.seeds, usual.freedom, np.inf) if usual.freedom else NOTHING_KNOWN
    return standard_error(planned, known)


def power(error: float, freedom: float, effect: float, tests: int = 1, level: float = LEVEL) -> float:
    """The chance that a true `effect` is found, where the first of `tests` in Holm's order must be passed."""
    if not error > 0:
        return NAN
    freedom = min(freedom, 1e6)
    critical = stats.t.ppf(1 - (1 - level) / (2 * max(tests, 1)), freedom)
    return float(stats.nct.sf(critical, freedom, abs(effect) / error))


def needed(
    parts: Components, effect: float, tests: int = 1, usual: Prior = NOTHING_KNOWN, wanted: float = 0.8
) -> Design | None:
    """The smallest of the tried designs that finds `effect` with the power `wanted`; None where none of them does.

    Smallest is by seeds x records, that is by evaluated predictions; fewer seeds where two are alike.
    """
    designs = [Design(seeds, records) for seeds in SEEDS for records in (RECORDS if parts.clusters else (1,))]
    for design in sorted(designs, key=lambda d: (d.seeds * d.records, d.seeds)):
        if power(*foreseen(parts, design, usual), effect, tests) >= wanted:
            return design
    return None
