"""The records behind scores: how much each moves the figure of a contrast in each seed.

What an evaluation has found for each record is kept with its score (`evaluation.outcomes`). Records of the same name in
the test sets of several languages, and under several conditions, are one item read several times: they are taken
together, and so are the questions on one passage.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np
import pandas as pd

from xlt.evaluation.outcomes import Outcomes
from xlt.spec import tasks

Read = Callable[[str, str, str], Outcomes | None]  # run, outcome, task


class Parts(NamedTuple):
    """What the records add to a contrast, as `inference.components` takes it.

    influence  (seeds, clusters) how much each cluster moves the figure of a seed
    sizes      how many clusters each test set has, in their order
    shares     (clusters,) the share of a variance that each can be expected to have: the sum over its records of the
               square of what one weighs, as for records that are answered independently of each other. A passage with
               twice the questions has twice the share; so has a record that stands in more languages a greater one,
               and one of a small test set a greater one than one of a large set of the same weight.
    """

    influence: np.ndarray
    sizes: tuple[int, ...]
    shares: np.ndarray


class Records:
    """Outcomes by the columns run, outcome and task of a score; `read` fetches those of one, None: there are none."""

    def __init__(self, read: Read):
        self._read = read
        self._items: dict[tuple[str, str], int] = {}  # test set and name: its number
        self._influence = cache(self._of)

    def parts(self, rows: pd.DataFrame) -> Parts | None:
        """Of weighted scores (`arms.weighted`).

        None where the outcomes of a score are not known: an interval must not count some records and not others.
        """
        if "outcome" not in rows or rows["outcome"].isna().any():
            return None
        seeds = {seed: place for place, seed in enumerate(sorted(rows["seed"].unique()))}
        found = []
        for row in rows[["run", "outcome", "task", "seed", "weight"]].itertuples(index=False):
            influence = self._influence(row.run, row.outcome, row.task)
            if influence is None:
                return None
            found.append((seeds[row.seed], row.weight, *influence))
        parts, shares = np.zeros((len(seeds), len(self._items))), np.zeros(len(self._items))
        for seed, weight, items, influence, size in found:
            np.add.at(parts[seed], items, weight * influence)
            np.add.at(shares, items, (weight * size) ** 2)
        order, sizes = self._by_test_set(np.unique(np.concatenate([items for _, _, items, _, _ in found])))
        return Parts(parts[:, order], sizes, shares[order])

    def _by_test_set(self, used: np.ndarray) -> tuple[list[int], tuple[int, ...]]:
        """The items that were used, those of one test set side by side, and how many each set has."""
        names = list(self._items)
        items: dict[str, list[int]] = {}
        for item in used:
            items.setdefault(names[item][0], []).append(int(item))
        return sum(items.values(), []), tuple(map(len, items.values()))

    def _of(self, run: str, outcome: str, task: str) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
        """The items of the records of one evaluation, how much each moves its score, and what it weighs in it."""
        outcomes, test_set = self._read(run, outcome, task), tasks.get(task).test_set
        if outcomes is None:
            return None
        numbers = [self._items.setdefault((test_set, name), len(self._items)) for name in outcomes.item.tolist()]
        return np.array(numbers), outcomes.influence(), outcomes.denominator / outcomes.denominator.sum()
