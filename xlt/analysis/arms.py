"""The figure of a study's arms that a contrast compares, seed by seed: over languages, then cells, then arms."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from xlt.analysis.conditions import drops, tested
from xlt.analysis.estimate import beside_every_seed, figures, seed_means
from xlt.spec import tasks
from xlt.spec.study import Contrast
from xlt.spec.trained import in_languages

Cells = list[tuple[str, str]]  # target, condition
CELL = ["arm", "task", "condition"]
_READ = [*CELL, "recipe", "intermediate", "seed", "language", "source_language", "split", "changed", "n", "main"]
_READ += ["value"]


def seed_figures(scores: pd.DataFrame, contrast: Contrast, over: Cells) -> list[pd.Series]:
    """The figure of the arms `of` and that of the others, if there are any, seed by seed."""
    arms = {*contrast.of, *contrast.against}
    read = {name for task, _ in over for name in (task, tasks.get(task).clean)}
    rows = scores.filter(items=_READ)  # score files are wide, and copies of all their columns take time
    rows = _shared(tested(rows[rows["arm"].isin(arms) & rows["task"].isin(read)]), arms)
    if contrast.outcome == "drop":
        rows = drops(rows)
        rows = rows.assign(value=rows["drop"])
    rows = rows[pd.MultiIndex.from_frame(rows[["task", "condition"]]).isin(over)]
    return [_side(rows, names, contrast) for names in (contrast.of, contrast.against) if names]


def _shared(rows: pd.DataFrame, arms: set[str]) -> pd.DataFrame:
    """The rows, all of them of `arms`, in the targets, conditions and languages that all of these have."""
    have = rows.groupby(["task", "condition", "language"])["arm"].transform("nunique")
    return rows[have == len(arms)]


def _side(rows: pd.DataFrame, arms: Sequence[str], contrast: Contrast) -> pd.Series:
    """The mean over `arms`, seed by seed, of each one's mean over the cells; empty where one of them has not run."""
    rows = beside_every_seed(rows[rows["arm"].isin(arms)].dropna(subset="value"))
    cells = seed_means(rows[in_languages(rows, contrast.languages)], by=CELL)
    if contrast.minus:
        minus = seed_means(rows[in_languages(rows, contrast.minus)], by=CELL)
        cells = cells.merge(minus, on=[*CELL, "seed"], suffixes=("", "_minus"))
        cells = cells.assign(value=cells["value"] - cells["value_minus"])
    # a cell of which no seed is complete is left out, not the arm
    means = seed_means(cells.dropna(subset="value"), by=["arm"], over=["task", "condition"]).dropna()
    return figures(seed_means(means, over=["arm"])) if set(means["arm"]) == set(arms) else pd.Series(dtype=float)
