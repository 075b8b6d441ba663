"""What a design can see: the seeds and records that an effect of a given size needs, from the variances of one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import optimize, stats

from xlt.analysis.inference import (
    LEVEL,
    NAN,
    NOTHING_KNOWN,
    Components,
    Prior,
    applicable,
    moderated,
    prior,
    standard_error,
)
from xlt.core.text import DASH

SEEDS = (3, 5, 8, 10, 12, 16, 20, 30, 50, 100, 200)  # designs that are tried, and how many times as many records
RECORDS = (1, 2, 4, 8, 16, 32)
EFFECTS = (0.01, 0.02, 0.05)

# What is stated of a difference of two arms before anything has run, as standard deviations: over seeds one point,
# over records 17 (XNLI, of two arms that train on the same records: each record is right or wrong, mostly for both).
SEED_SD, RECORD_SD = 0.01, 0.17


class Design(NamedTuple):
    """Seeds, and how many times as many records as now."""

    seeds: int
    records: int


Cost = Callable[[Design], float]


def foreseen(parts: Components, design: Design, usual: Prior = NOTHING_KNOWN) -> tuple[float, float]:
    """Standard error and degrees of freedom of the effect in another design, with the variances of this one.

    Of the three variances that over seeds falls with the seeds, that over records with the records, and what both of
    them share with their product.
    """
    if parts.seeds < 2:
        return NAN, NAN
    usual = applicable(parts, usual)
    seed, records, both = _variances(parts, usual)
    shared = both / (design.seeds * design.records)
    planned = Components(
        parts.value,
        seed / design.seeds + shared,
        records / design.records + shared if parts.clusters else NAN,
        shared if parts.clusters else NAN,
        design.seeds,
        parts.clusters * design.records,
        (parts.freedom + 1) * design.records - 1,
        parts.scale,
    )
    # the prior has been taken in already, but for its degrees of freedom: those of the whole study grow with the seeds
    pooled = usual.pooled * (design.seeds - 1) / (parts.seeds - 1)
    variance = planned.by_seed * design.seeds / parts.scale
    return standard_error(planned, Prior(variance, usual.freedom, pooled) if usual.freedom else NOTHING_KNOWN)


def _variances(parts: Components, usual: Prior) -> tuple[float, float, float]:
    """Of one seed on endless records, of the records at hand over endless seeds, and of one seed on those records."""
    both = parts.by_both if parts.clusters else 0.0
    seed = max(moderated(parts, usual)[0] - both, 0.0) * parts.seeds
    return seed, max(parts.by_record - both, 0.0) if parts.clusters else 0.0, both * parts.seeds


def limited_by(parts: Components, design: Design, usual: Prior = NOTHING_KNOWN) -> str:
    """What there must be more of where a design finds too little: "seeds" or "records", whichever varies more."""
    seed, records, _ = _variances(parts, usual)
    return "records" if records / design.records > seed / design.seeds else "seeds"


def power(error: ArrayLike, freedom: ArrayLike, effect: float, tests: int = 1, level: float = LEVEL) -> np.ndarray:
    """The chance that a true `effect` is found, where the first of `tests` in Holm's order must be passed.

    One for each of the standard errors and degrees of freedom, which are numbers or arrays of a shape; nan without an
    error. By the noncentral t (Cohen 1988, chapter 2); rejections on the wrong side, far below 0.1 % at any useful
    power, are left out.
    """
    error = np.where(np.asarray(error) > 0, error, NAN)
    freedom = np.minimum(freedom, 1e6)  # scipy's noncentral t takes no endless freedom
    return stats.nct.sf(_critical(freedom, tests, level), freedom, abs(effect) / error)


def _critical(freedom: ArrayLike, tests: int, level: float) -> np.ndarray:
    """The t that the first of `tests` must reach."""
    return stats.t.ppf(1 - (1 - level) / (2 * max(tests, 1)), freedom)


def detectable(error: float, freedom: float, tests: int = 1, level: float = LEVEL, wanted: float = 0.8) -> float:
    """The least true effect that is found with the power `wanted`, at the standard error that was estimated."""
    if not error > 0:
        return NAN
    most = (3 * float(_critical(freedom, tests, level)) + 5) * error
    return float(optimize.brentq(lambda effect: power(error, freedom, effect, tests, level) - wanted, 0, most))


def tried(parts: Components) -> list[Design]:
    """The designs that are tried, the largest last; where the records are not known they stay as they are."""
    seeds = [parts.seeds, *(more for more in SEEDS if more > parts.seeds)]
    return [Design(number, records) for number in seeds for records in (RECORDS if parts.clusters else (1,))]


def predictions(design: Design) -> float:
    """The cost of a design where no rates are known."""
    return design.seeds * design.records


def needed(
    parts: Components,
    effect: float,
    tests: int = 1,
    usual: Prior = NOTHING_KNOWN,
    wanted: float = 0.8,
    cost: Cost = predictions,
) -> Design | None:
    """The cheapest of the tried designs that finds `effect` with the power `wanted`; None where none of them does.

    None has fewer seeds than there are. Of two that cost the same it is the one with fewer seeds.
    """
    designs = sorted(tried(parts), key=lambda design: (cost(design), design.seeds))
    errors, freedoms = zip(*(foreseen(parts, design, usual) for design in designs), strict=True)
    enough = power(errors, freedoms, effect, tests) >= wanted  # all at once: scipy takes as long for one of them
    return designs[int(enough.argmax())] if enough.any() else None


def stated(seeds: int, records: int) -> Components:
    """A difference of two arms of which nothing has run, with the standard deviations that are stated above."""
    return Components(0.0, SEED_SD**2 / seeds, RECORD_SD**2 / records, 0.0, seeds, records, records - 1.0)


def alike(tests: int, seeds: int) -> Prior:
    """What contrasts of a study are worth to each other when all have the stated variance over seeds."""
    return Prior(SEED_SD**2, np.inf, tests * (seeds - 1.0)) if tests > 2 else NOTHING_KNOWN


def table(
    family: Sequence[Components], names: Sequence[str], hours: Sequence[Cost], gates: Sequence[str] = ()
) -> pd.DataFrame:
    """One row for each contrast of a family: what it can see now, and the design that each of EFFECTS would need.

    Columns: question, seeds, records, detectable (a fraction), and for each effect "1 point" and so on: "8 x 4, 3.2 h"
    is eight seeds with four times the records, which take 3.2 hours; a dash none of the designs that are tried.
    `hours` are those of a design of each contrast, `gates` what failed before each, as in `verdicts.decide`.
    """
    tested = [parts for parts, gate in zip(family, gates or [""] * len(family), strict=True) if not gate]
    usual, tests = prior(tested), sum(parts.seeds > 1 for parts in tested)
    rows = []
    for name, parts, cost in zip(names, family, hours, strict=True):
        found = {"question": name, "seeds": parts.seeds, "records": parts.clusters}
        found["detectable"] = detectable(*standard_error(parts, usual), tests)
        for effect in EFFECTS:
            design = needed(parts, effect, tests, usual, cost=cost) if parts.seeds > 1 else None
            points = f"{100 * effect:g} point{'' if effect == 0.01 else 's'}"
            found[points] = f"{design.seeds} x {design.records}, {cost(design):.2g} h" if design else DASH
        rows.append(found)
    return pd.DataFrame(rows)
