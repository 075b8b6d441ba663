"""Which cells of a transfer matrix have no seeds, and which are those of another row, score by score."""

from __future__ import annotations

import pandas as pd

from xlt.analysis import estimate


def unseeded(scores: pd.DataFrame) -> set[tuple[str, str]]:
    """(intermediate, target) of an encoder that nothing was trained on: it has one score, beside every seed."""
    rows = scores[scores["task"].map(estimate.headless).astype(bool) & (scores["intermediate"] == estimate.DIRECT)]
    seeds = rows.groupby(["intermediate", "task"])["seed"].nunique()
    return set(seeds.index[seeds == 1])


def twins(scores: pd.DataFrame, matrix: pd.DataFrame) -> list[str]:
    """For each cell of the matrix the first row above it that has the same score in every seed and language; "" without
    one, or where all these scores are one value, as those of runs that give one answer to all.

    Runs that are trained alike are such rows: a control on the target's own records beside an intermediate task that
    has these records.
    """
    rows = scores[scores["main"].astype(bool)]
    made = {
        cell: frozenset(part[["seed", "language", "value"]].itertuples(index=False, name=None))
        for cell, part in rows.groupby(["intermediate", "task"], sort=False)
        if part["value"].nunique() > 1
    }
    first: dict[tuple[str, frozenset], str] = {}
    found = []
    for row in matrix.itertuples():
        values = made.get((row.intermediate, row.target), frozenset())
        other = first.setdefault((row.target, values), row.intermediate)
        found.append(other if values and other != row.intermediate else "")
    return found
