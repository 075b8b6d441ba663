"""The time that the rest of a grid will take: estimates, corrected by how long finished runs really took."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping

from xlt.spec.recipe import Recipe


class Pace:
    """Estimates for runs, all scaled by one factor: the time that finished runs took over what was estimated.

    Both sums begin at a minute, so that the factor is near 1 until runs of some length are done. A single small run at
    the start, mostly overhead, would else decide it.
    """

    def __init__(self, seconds: Mapping[Recipe, float], slots: int, width: Mapping[Recipe, int]):
        self.slots, self.width = slots, width
        self.estimate = {recipe: seconds[recipe] * width[recipe] for recipe in seconds}
        self.started: dict[Recipe, float] = {}
        self.estimated = self.took = 60.0

    def start(self, recipe: Recipe) -> None:
        self.started[recipe] = time.monotonic()

    def finish(self, recipe: Recipe) -> None:
        self.estimated += self.estimate[recipe]
        self.took += self._since(recipe)

    def left(self, waiting: Iterable[Recipe], running: Iterable[Recipe]) -> float:
        """Seconds until all of these are done."""
        scale = self.took / self.estimated
        ahead = sum(self.estimate[recipe] * scale for recipe in waiting)
        return (ahead + sum(max(0, self.estimate[r] * scale - self._since(r)) for r in running)) / self.slots

    def _since(self, recipe: Recipe) -> float:
        return (time.monotonic() - self.started[recipe]) * self.width[recipe]
