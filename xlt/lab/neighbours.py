"""Processes at work beside a measurement: a core is slower when the others are busy, as they are in a grid of runs.

Two threads of one core share its arithmetic, and all cores share the memory. On two virtual cores of one processor a
training run beside another one took 1.4 times as long as alone.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from xlt.core.errors import UserError


@contextmanager
def at_work(count: int, work: Callable[..., None], *given: Any) -> Iterator[None]:
    """`count` processes of `work(*given, begun)`, which releases the semaphore `begun` once and goes on for ever.

    Raises:
        UserError: one of them ended by itself.
    """
    fresh = multiprocessing.get_context("spawn")  # a forked process has locks of threads that it does not have
    begun = fresh.Semaphore(0)
    processes = [fresh.Process(target=work, args=(*given, begun), daemon=True) for _ in range(count)]
    try:
        for process in processes:
            process.start()
        for _ in processes:
            _wait(begun, processes)
        yield
    finally:
        for process in processes:
            process.terminate()
            process.join()


def _wait(begun: Any, processes: list[Any]) -> None:
    while not begun.acquire(timeout=1):
        if any(process.exitcode is not None for process in processes):
            raise UserError(
                "a process that was to be at work beside the measurement ended by itself: see its message above; with "
                "too little memory for all workers set resources: {workers: 1}"
            )
