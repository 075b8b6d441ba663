"""Memory that was freed and that the process still holds, given back to the system before it is most of what it holds.

The C library keeps what tensors leave, in pieces that tensors of other shapes do not fit into. Batches of texts have
many shapes: an encoder of 12 layers x 384 grew to 9 GB in 300 updates, of which 2 were in use at any time.
"""

from __future__ import annotations

import ctypes
import resource
from collections.abc import Callable
from functools import cache
from pathlib import Path

SLACK = 2**29  # bytes: to give back less would cost more than it brings, as what is used again must be cleared first
_before = 0  # bytes of the process when it last gave back


def give_back() -> None:
    """To be called between two pieces of work: gives back where the process has grown by more than SLACK since it did.

    It costs up to a tenth of an update of the encoder above, and nothing where updates take less than SLACK. What one
    run has left behind counts for the next: a worker that began to count anew with each would grow with their number.
    """
    global _before
    _before = _before or resident()
    if resident() > _before + SLACK and (trim := _trim()):
        trim(0)
        _before = resident()


def resident() -> int:
    """Bytes of the process that are in memory; 0 where the system does not say."""
    status = Path("/proc/self/statm")
    return int(status.read_text().split()[1]) * resource.getpagesize() if status.is_file() else 0


@cache
def _trim() -> Callable[[int], int] | None:
    """malloc_trim(3) of glibc; None with another C library."""
    return getattr(ctypes.CDLL(None), "malloc_trim", None)
