"""A family of contrasts: each with its interval over seeds and records, and all of them decided together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd

from xlt.analysis import verdicts
from xlt.analysis.arms import READ, Cells, figures, scale, weighted
from xlt.analysis.degenerate_runs import RUN, collapsed
from xlt.analysis.inference import Components, components
from xlt.analysis.records import Records
from xlt.core.text import NOT_RUN
from xlt.spec.conditions import CLEAN
from xlt.spec.study import Contrast


class Effect(NamedTuple):
    """A contrast in fractions, as its family decides it (see `verdicts`).

    `p` and `equivalence` are after Holm's correction over the family. `seeds` are those that all its arms have,
    `records` the clusters of test records (0: not known, the interval is over seeds alone), `collapsed` the runs behind
    it that have learned nothing.
    """

    value: float
    low: float
    high: float
    p: float
    equivalence: float
    detectable: float
    seeds: int
    records: int
    collapsed: int
    verdict: str
    why: str


def effects(
    scores: pd.DataFrame,
    asked: Sequence[tuple[Contrast, Cells]],
    smallest: float = verdicts.SMALLEST,
    records: Records | None = None,
    gates: Sequence[str] = (),
) -> list[Effect]:
    """A family of contrasts, each over its cells.

    `smallest`: the smallest effect of interest where a contrast has none of its own, a fraction; without `records` the
    intervals are over seeds alone; `gates`: for each contrast what failed before it, "" for nothing.
    """
    read = scores.filter(items=READ)
    rows = [weighted(read, contrast, over) for contrast, over in asked]
    return decided(scores, [contrast for contrast, _ in asked], rows, smallest, records, gates)


def decided(
    scores: pd.DataFrame,
    contrasts: Sequence[Contrast],
    weighed: Sequence[pd.DataFrame],
    smallest: float = verdicts.SMALLEST,
    records: Records | None = None,
    gates: Sequence[str] = (),
) -> list[Effect]:
    """`effects` of contrasts whose scores have been weighed (`arms.weighted`).

    What has no score in common is "not run", unless a gate says why.
    """
    if not contrasts:
        return []
    lost, gates = _collapsed(scores), gates or [""] * len(contrasts)
    family = [made_of(rows, records) for rows in weighed]
    least = [contrast.smallest / 100 if contrast.smallest else smallest for contrast in contrasts]
    found = []
    for rows, parts, one, gate in zip(weighed, family, verdicts.decide(family, least, gates), gates, strict=True):
        ran = parts.seeds > 0 or bool(gate)
        said = (one.verdict, one.why) if ran else (NOT_RUN, "")
        sizes = (parts.seeds, parts.clusters, _behind(lost, rows))
        found.append(Effect(*one.found[:3], one.p, one.equivalence, one.detectable, *sizes, *said))
    return found


def measured(scores: pd.DataFrame, contrast: Contrast, over: Cells, records: Records | None) -> Components:
    """What a contrast over its cells is made of."""
    return made_of(weighted(scores, contrast, over), records)


def made_of(rows: pd.DataFrame, records: Records | None) -> Components:
    """Of the scores of a contrast (`arms.weighted`), on the scale of its arms' weights."""
    return components_of(rows, records)._replace(scale=scale(rows))


def components_of(rows: pd.DataFrame, records: Records | None) -> Components:
    """Of weighted scores: columns seed, value, weight; with run and outcome, over records too."""
    seeds = figures(rows).round(12)
    known = records.parts(rows) if records and len(seeds) else None
    return components(seeds.to_numpy(), *(known or ()))


def _collapsed(scores: pd.DataFrame) -> set[tuple]:
    """Recipe, seed and task of the runs that have learned nothing of a target."""
    rows = scores[scores["condition"] == CLEAN]  # which alone decide it
    rows = rows[collapsed(rows)] if len(rows) else rows
    return set(rows[RUN].itertuples(index=False, name=None))


def _behind(lost: set[tuple], rows: pd.DataFrame) -> int:
    """How many of the collapsed runs are among those that a contrast weighs, each once whatever it was read on."""
    runs = rows[RUN].drop_duplicates().itertuples(index=False, name=None)
    return len({run[:2] for run in runs if run in lost})
