"""How long the runs of a grid will still take, from estimates and from how wrong they were so far."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping

from xlt.spec.recipe import Recipe


class Pace:
    """How long all of it will still take: estimates, scaled by how wrong those of finished runs were.

    The first minute counts as if it had been right, so that one small run at the start does not decide.
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
        """Seconds."""
        scale = self.took / self.estimated
        ahead = sum(self.estimate[recipe] * scale for recipe in waiting)
        return (ahead + sum(max(0, self.estimate[r] * scale - self._since(r)) for r in running)) / self.slots

    def _since(self, recipe: Recipe) -> float:
        return (time.monotonic() - self.started[recipe]) * self.width[recipe]
