"""In which order a grid runs, and how long that takes: the run with the longest chain below it goes first.

Runs build on each other, so more workers help only until the longest chain of runs takes all the time.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Mapping

from xlt.spec.recipe import Recipe


def longest_paths(seconds: Mapping[Recipe, float]) -> dict[Recipe, float]:
    """Seconds from the start of each run to the end of the longest chain below it."""
    path = dict(seconds)
    for recipe in sorted(seconds, key=lambda r: -len(r.stages)):
        if recipe.parent in path:
            path[recipe.parent] = max(path[recipe.parent], seconds[recipe.parent] + path[recipe])
    return path


def makespan(seconds: Mapping[Recipe, float], width: Mapping[Recipe, int], slots: int) -> float:
    """Seconds until all runs are done on so many slots, as `xlt.lab.engine` starts them.

    Of the runs that are ready the one with the longest chain starts first. One that is too wide for the free slots
    waits, and those behind it wait with it.
    """
    path, order = longest_paths(seconds), {recipe: place for place, recipe in enumerate(seconds)}
    below: dict[Recipe | None, list[Recipe]] = defaultdict(list)
    for recipe in seconds:
        below[recipe.parent if recipe.parent in seconds else None].append(recipe)
    ready = [(-path[recipe], order[recipe], recipe) for recipe in below[None]]
    heapq.heapify(ready)
    running: list[tuple[float, int, Recipe]] = []
    now, free = 0.0, slots
    while ready or running:
        while ready and width[ready[0][2]] <= free:
            _, place, recipe = heapq.heappop(ready)
            heapq.heappush(running, (now + seconds[recipe], place, recipe))
            free -= width[recipe]
        now, _, recipe = heapq.heappop(running)
        free += width[recipe]
        for child in below[recipe]:
            heapq.heappush(ready, (-path[child], order[child], child))
    return now
