"""Which cells of a transfer matrix cannot be tested.

Where every run of a side has collapsed the difference is that of a failure, and where neither side has learned the
target (`gates.learned`) it is one of two guesses: both would look equivalent. Where one of the two has learned it, that
is what the cell is there to show.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from xlt.analysis import gates
from xlt.analysis.degenerate_runs import collapsed
from xlt.analysis.records import Records


def collapsed_runs(scores: pd.DataFrame, means: pd.DataFrame) -> pd.DataFrame:
    """For each intermediate and target task: how many seeds have collapsed, mean of the others (nan: none have)."""
    lost = set(scores.loc[collapsed(scores), ["intermediate", "task", "seed"]].itertuples(index=False, name=None))
    rows = means.dropna(subset="value")
    runs = zip(rows["intermediate"], rows["task"], rows["seed"], strict=True)
    rows = rows.assign(lost=np.array([run in lost for run in runs], dtype=bool))
    counts = rows.groupby(["intermediate", "task"])["lost"].agg(collapsed="sum", runs="size")
    kept = rows[~rows["lost"]].groupby(["intermediate", "task"])["value"].mean()
    return counts.join(kept.rename("without")).assign(
        without=lambda table: table["without"].where(table["collapsed"] > 0)
    )


def failed(
    rows: pd.DataFrame, runs: pd.DataFrame, cells: Sequence[tuple[str, str]], baseline: str, records: Records | None
) -> list[str]:
    """Why each cell (intermediate and target task) cannot be held against the baseline's; "" where it can.

    `rows` are the main scores in all languages, `runs` is `collapsed_runs`.
    """
    parts = dict(iter(rows.groupby(["intermediate", "task"], sort=False)))
    said = {
        cell: gates.unlearned(cell[1], cell[0], parts[cell], records) if cell in parts else ""
        for cell in dict.fromkeys([*cells, *((baseline, target) for _, target in cells)])
    }
    lost = set(runs.index[runs["collapsed"] == runs["runs"]])
    return [_failed(said, lost, [(baseline, target), (name, target)]) for name, target in cells]


def _failed(said: dict[tuple[str, str], str], lost: set[tuple[str, str]], sides: Sequence[tuple[str, str]]) -> str:
    """Of the two sides of a cell, with what is `unlearned` of each and the cells whose runs have all collapsed."""
    told = [f"every run on {target} after {name} collapsed" for name, target in sides if (name, target) in lost]
    return "; ".join(told) or gates.neither([said[side] for side in sides])
