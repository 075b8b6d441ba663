"""The records behind scores: how much each moves the figure of a contrast in each seed.

What an evaluation has found for each record is kept with its score (`evaluation.outcomes`). Records of the same name in
the test sets of several languages, and under several conditions, are one item read several times: they are taken
together, and so are the questions on one passage.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import pandas as pd

from xlt.evaluation.outcomes import Outcomes
from xlt.spec import tasks

Read = Callable[[str, str, str], Outcomes | None]  # run, outcome, task


class Records:
    """Outcomes by the columns run, outcome and task of a score; `read` fetches those of one, None: there are none."""

    def __init__(self, read: Read):
        self._read = read
        self._items: dict[tuple[str, str], int] = {}  # test set and name: its number
        self._influence = cache(self._of)

    def parts(self, rows: pd.DataFrame) -> tuple[np.ndarray | None, tuple[int, ...]]:
        """Of weighted scores (`arms.weighted`): (seeds, clusters), and how many clusters each test set has.

        None where the outcomes of a score are not known: an interval must not count some records and not others.
        """
        if "outcome" not in rows or rows["outcome"].isna().any():
            return None, ()
        seeds = {seed: place for place, seed in enumerate(sorted(rows["seed"].unique()))}
        found = []
        for row in rows[["run", "outcome", "task", "seed", "weight"]].itertuples(index=False):
            influence = self._influence(row.run, row.outcome, row.task)
            if influence is None:
                return None, ()
            found.append((seeds[row.seed], row.weight, *influence))
        parts = np.zeros((len(seeds), len(self._items)))
        for seed, weight, items, influence in found:
            np.add.at(parts[seed], items, weight * influence)
        return self._by_test_set(parts, np.unique(np.concatenate([items for _, _, items, _ in found])))

    def _by_test_set(self, parts: np.ndarray, used: np.ndarray) -> tuple[np.ndarray, tuple[int, ...]]:
        """The columns that were used, those of one test set side by side."""
        names = list(self._items)
        columns: dict[str, list[int]] = {}
        for item in used:
            columns.setdefault(names[item][0], []).append(int(item))
        return parts[:, sum(columns.values(), [])], tuple(map(len, columns.values()))

    def _of(self, run: str, outcome: str, task: str) -> tuple[np.ndarray, np.ndarray] | None:
        outcomes, test_set = self._read(run, outcome, task), _test_set(task)
        if outcomes is None:
            return None
        numbers = [self._items.setdefault((test_set, name), len(self._items)) for name in outcomes.item.tolist()]
        return np.array(numbers), outcomes.influence()


def _test_set(task: str) -> str:
    """A test set that people perturbed has the records of its clean twin."""
    return tasks.get(task).clean or task
