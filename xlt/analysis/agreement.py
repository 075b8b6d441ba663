"""Whether scores that were made on different machines agree: means, within what their intervals allow.

Another processor, other instructions, another number of threads or another version of a library round sums otherwise,
and training makes large differences of small ones: a run made again elsewhere is a new draw, as with another seed. So
single numbers cannot be compared, but means can: of the seeds in each language, and of the seeds' means over languages.

The interval of a mean is Student's t over seeds, 95 %, widened (in quadrature) by that of a share of the test set's n
examples (Agresti and Coull 1998). A single run says nothing of how far another draw would lie, so it is not judged: by
the size of its test set alone, one of six would part by chance. Two means agree where their intervals overlap, as a
reader of the tables would judge: of 1,000 cells with three seeds and equal true means at most 5 part by chance, and
fewer the smaller the test set.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from math import hypot, isnan, nan, sqrt
from typing import NamedTuple

import numpy as np

from xlt.analysis.stats import Interval, mean_interval

_Z = 1.96
ALL = "mean over languages"


class Pair(NamedTuple):
    """One score in both reports: of which cell, in which language and seed, on how many examples; nan: not known."""

    cell: str
    language: str
    seed: str
    old: float
    new: float
    n: float

    def differs(self, tolerance: float) -> bool:
        return not (abs(self.new - self.old) <= tolerance or (isnan(self.old) and isnan(self.new)))


class Mean(NamedTuple):
    """One mean of both reports; `runs` that it is of. Without an interval, bounds of nan, nothing can be said."""

    name: str
    old: Interval
    new: Interval
    runs: int

    @property
    def judged(self) -> bool:
        return not (isnan(self.old.low) or isnan(self.new.low))

    @property
    def agrees(self) -> bool:
        """False only where both intervals are known and lie apart."""
        return not (self.old.high < self.new.low or self.new.high < self.old.low)


def means(pairs: Iterable[Pair]) -> Iterator[Mean]:
    """The means of every cell: in each language and, of several seeds, over its languages."""
    cells: dict[str, dict[str, list[Pair]]] = defaultdict(lambda: defaultdict(list))
    for pair in pairs:
        cells[pair.cell][pair.language].append(pair)
    for cell, languages in cells.items():
        for language, found in languages.items():
            yield _mean(f"{cell} · {language}", {language: found})
        if len(languages) > 1 and len({pair.seed for found in languages.values() for pair in found}) > 1:
            yield _mean(f"{cell} · {ALL}", languages)


def _mean(name: str, languages: Mapping[str, list[Pair]]) -> Mean:
    seeds = defaultdict(list)
    for pair in (pair for found in languages.values() for pair in found):
        seeds[pair.seed].append(pair)
    return Mean(name, *(_interval(languages, seeds, side) for side in ("old", "new")), len(seeds))


def _interval(languages: Mapping[str, list[Pair]], seeds: Mapping[str, list[Pair]], side: str) -> Interval:
    """The mean of one report with its bounds: over seeds, and for the size of the test sets; none of one run."""
    over_seeds = mean_interval([_average(found, side) for found in seeds.values()])
    if len(seeds) < 2:
        return over_seeds
    spread = (over_seeds.high - over_seeds.value) or nan  # seeds that agree to the last digit do not vary by seed
    parts = [_chance(_average(found, side), found[0].n) for found in languages.values()]
    chance = sqrt(sum(part**2 for part in parts)) / len(parts)
    half = chance if isnan(spread) else spread if isnan(chance) else hypot(spread, chance)
    return Interval(over_seeds.value, over_seeds.value - half, over_seeds.value + half)


def _average(found: list[Pair], side: str) -> float:
    return float(np.mean([getattr(pair, side) for pair in found]))


def _chance(share: float, n: float) -> float:
    """Half the interval of a share of n examples; nan for what is no share, or of an unknown number."""
    if not (0 <= share <= 1 and n > 0):
        return nan
    adjusted = (share * n + 2) / (n + 4)
    return _Z * sqrt(adjusted * (1 - adjusted) / (n + 4))
