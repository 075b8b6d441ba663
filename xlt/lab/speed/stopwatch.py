"""Time of training updates, in whatever loop they are made, and where that time goes.

Any loop ends an update with a step of its optimiser, and torch calls a hook after each: so one watch measures our loop,
a plain one and `transformers.Trainer` alike. The first update is left out: it allocates what the others use.
"""

from __future__ import annotations

import time
from collections import defaultdict
from typing import Any

import torch
from torch.optim.optimizer import register_optimizer_step_post_hook

from xlt.core.device import compute

# What an operation of torch is counted as, by its name; whatever else it runs is "other kernels".
_KINDS = {
    "matrix products": ("mm", "linear", "baddbmm", "attention", "matmul"),
    "dropout's random numbers": ("bernoulli", "native_dropout", "div_"),
    "casts and copies": ("_to_copy", "copy_", "clone", "contiguous"),
    "optimiser": ("adamw", "optimizer", "foreach", "vector_norm"),  # with clipping
}
PARTS = (*_KINDS, "other kernels", "padding", "Python")


def now(clock: bool = False) -> float:
    """Seconds: of the processor on a CPU, which other work on the machine does not lengthen as it does the `clock`'s;
    on a GPU by the clock, once the GPU has done what was asked of it."""
    if compute().device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() if clock or compute().device == "cuda" else time.process_time()


class Stopwatch:
    """Measures the updates within a `with` block but the first.

    With a `profiler` also which operations they are; then by the clock, as that is what a profiler goes by.

    before   seconds from the beginning of the block to the end of the first update
    seconds  of the other updates
    after    seconds from the last update to the end of the block
    """

    def __init__(self, updates: int, profiler: Any = None):
        self.updates, self.profiler, self.done = updates, profiler, 0
        self.before = self.seconds = self.after = float("nan")

    def __enter__(self) -> Stopwatch:
        self._handle, self._since = register_optimizer_step_post_hook(self._stepped), self._now()
        return self

    def __exit__(self, *_: Any) -> None:
        self._handle.remove()
        self.after = self._now() - self._since

    def _now(self) -> float:
        return now(clock=self.profiler is not None)

    def _stepped(self, *_: Any) -> None:
        self.done += 1
        if self.done == 1:
            if self.profiler:
                self.profiler.start()
            self.before = self._now() - self._since
            self._since = self._now()
        elif self.done == self.updates:
            self.seconds = self._now() - self._since
            if self.profiler:
                self.profiler.stop()
            self._since = self._now()


def profiler() -> torch.profiler.profile:
    kinds = torch.profiler.ProfilerActivity
    return torch.profiler.profile(activities=[kinds.CPU, *([kinds.CUDA] if compute().device == "cuda" else [])])


def parts(profile: torch.profiler.profile, seconds: float, padding: float) -> dict[str, float]:
    """Shares of `PARTS` in the profiled updates, which took `seconds`, `padding` of them for making batches.

    What no operation and no padding accounts for is Python: the interpreter and the dispatch of operations. On a GPU an
    operation counts with the time of its kernels, and "Python" is when the GPU has nothing to do.
    """
    field = "self_device_time_total" if compute().device == "cuda" else "self_cpu_time_total"
    spent: dict[str, float] = defaultdict(float)
    for event in profile.key_averages():
        spent[kind_of(event.key)] += getattr(event, field) / 1e6
    known = sum(spent.values()) + padding
    spent |= {"padding": padding, "Python": max(0.0, seconds - known)}
    total = sum(spent.values())
    return {part: spent[part] / total for part in PARTS}


def kind_of(operation: str) -> str:
    """The part that an operation of torch belongs to: "aten::addmm" is a matrix product."""
    name = operation.lower()
    return next((kind for kind, marks in _KINDS.items() if any(mark in name for mark in marks)), "other kernels")
