"""A family of contrasts: each with its interval over seeds and records, and all of them decided together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd

from xlt.analysis import verdicts
from xlt.analysis.arms import READ, Cells, figures, weighted
from xlt.analysis.degenerate_runs import collapsed
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
    if not asked:
        return []
    read, lost = scores.filter(items=READ), _collapsed(scores)
    family = [measured(read, contrast, over, records) for contrast, over in asked]
    least = [contrast.smallest / 100 if contrast.smallest else smallest for contrast, _ in asked]
    counts = [_behind(lost, contrast, over) for contrast, over in asked]
    return [
        Effect(
            *one.found[:3], one.p, one.equivalence, one.detectable, parts.seeds, parts.clusters, collapsed,
            one.verdict if parts.seeds else NOT_RUN, one.why if parts.seeds else "",
        )
        for parts, one, collapsed in zip(family, verdicts.decide(family, least, gates), counts, strict=True)
    ]  # fmt: skip


def measured(scores: pd.DataFrame, contrast: Contrast, over: Cells, records: Records | None) -> Components:
    """What a contrast over its cells is made of."""
    return components_of(weighted(scores, contrast, over), records)


def components_of(rows: pd.DataFrame, records: Records | None) -> Components:
    """Of weighted scores: columns seed, value, weight; with run and outcome, over records too."""
    seeds = figures(rows).round(12)
    parts, strata = records.parts(rows) if records and len(seeds) else (None, ())
    return components(seeds.to_numpy(), parts, strata)


def _collapsed(scores: pd.DataFrame) -> pd.DataFrame:
    """The rows of runs that have learned nothing of a target."""
    rows = scores[scores["condition"] == CLEAN]  # which alone decide it
    return rows[collapsed(rows)] if len(rows) else rows


def _behind(lost: pd.DataFrame, contrast: Contrast, over: Cells) -> int:
    """How many of the collapsed runs are behind a contrast."""
    targets = {task for task, _ in over}
    rows = lost[lost["arm"].isin(contrast.arms) & lost["task"].isin(targets)]
    return len(rows.drop_duplicates(["recipe", "seed", "task"]))
