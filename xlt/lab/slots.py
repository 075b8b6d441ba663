"""How many runs go at a time: workers, the GPUs and threads that they have, and how many of them a run takes."""

from __future__ import annotations

import importlib.metadata
import math
import os
from functools import cache

from xlt.spec.profile import Resources
from xlt.spec.recipe import Recipe


def workers(resources: Resources) -> int:
    """Workers on this machine: as the profile says, else `per_gpu` for each GPU, else one for each core group."""
    if resources.workers:
        return resources.workers
    return len(gpus()) * resources.per_gpu or max(1, len(os.sched_getaffinity(0)) // resources.threads)


@cache
def gpus() -> tuple[str, ...]:
    """The GPUs that may be used, as CUDA_VISIBLE_DEVICES names them: a list that is set already is respected."""
    if os.environ.get("XLT_DEVICE") == "cpu":
        return ()
    if (listed := os.environ.get("CUDA_VISIBLE_DEVICES")) is not None:
        return tuple(name.strip() for name in listed.split(",") if name.strip())
    if importlib.metadata.version("torch").endswith("+cpu"):
        return ()  # this build of torch uses none: not worth the seconds that importing it takes
    import torch

    return tuple(map(str, range(torch.cuda.device_count())))


def threads(recipe: Recipe, resources: Resources) -> int:
    """With how many a run computes, be there more cores or fewer: its result depends on that."""
    pretrains = recipe.stages and recipe.stages[-1].role == "pretraining"
    return resources.pretraining_threads if pretrains else resources.threads


def width(recipe: Recipe, slots: int, resources: Resources) -> int:
    """How many of the slots a run takes: as many as its threads fill, if there are so many."""
    return min(slots, math.ceil(threads(recipe, resources) / resources.threads))
