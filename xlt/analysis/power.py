"""What a design can see: the seeds and records that an effect of a given size needs, from the variances of one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import optimize, stats

from xlt.analysis.inference import (
    LEVEL,
    NAN,
    NOTHING_KNOWN,
    Components,
    Prior,
    moderated,
    prior,
    standard_error,
)
from xlt.core.text import DASH

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
    """The chance that a true `effect` is found, where the first of `tests` in Holm's order must be passed.

    By the noncentral t (Cohen 1988, chapter 2); rejections on the wrong side, far below 0.1 % at any useful power, are
    left out.
    """
    if not error > 0:
        return NAN
    freedom = min(freedom, 1e6)  # scipy's noncentral t takes no endless freedom
    return float(stats.nct.sf(_critical(freedom, tests, level), freedom, abs(effect) / error))


def _critical(freedom: float, tests: int, level: float) -> float:
    """The t that the first of `tests` must reach."""
    return float(stats.t.ppf(1 - (1 - level) / (2 * max(tests, 1)), freedom))


def detectable(error: float, freedom: float, tests: int = 1, level: float = LEVEL, wanted: float = 0.8) -> float:
    """The least true effect that is found with the power `wanted`, at the standard error that was estimated."""
    if not error > 0:
        return NAN
    most = (3 * _critical(freedom, tests, level) + 5) * error
    return float(optimize.brentq(lambda effect: power(error, freedom, effect, tests, level) - wanted, 0, most))


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


def table(
    family: Sequence[Components], names: Sequence[str], effects: Sequence[float] = (0.01, 0.02, 0.05)
) -> pd.DataFrame:
    """One row for each contrast of a family: what it can see now, and the design that each of the effects would need.

    Columns: question, seeds, records, detectable (a fraction), and for each effect "1 point" and so on: "8 x 4" is
    eight seeds with four times the records, a dash none of the designs that are tried.
    """
    usual, tests = prior(family), sum(parts.seeds > 1 for parts in family)
    rows = []
    for name, parts in zip(names, family, strict=True):
        found = {"question": name, "seeds": parts.seeds, "records": parts.clusters}
        found["detectable"] = detectable(*standard_error(parts, usual), tests)
        for effect in effects:
            design = needed(parts, effect, tests, usual) if parts.seeds > 1 else None
            points = f"{100 * effect:g} point{'' if effect == 0.01 else 's'}"
            found[points] = f"{design.seeds} x {design.records}" if design else DASH
        rows.append(found)
    return pd.DataFrame(rows)
