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


class Slack:
    """Between two pieces of work, `give_back` does so where the process has grown by more than SLACK since it last did.

    It costs up to a tenth of an update of the encoder above, and nothing where updates take less than SLACK.
    """

    def __init__(self) -> None:
        self.before = resident()

    def give_back(self) -> None:
        if resident() > self.before + SLACK and (trim := _trim()):
            trim(0)
            self.before = resident()


def resident() -> int:
    """Bytes of the process that are in memory; 0 where the system does not say."""
    status = Path("/proc/self/statm")
    return int(status.read_text().split()[1]) * resource.getpagesize() if status.is_file() else 0


@cache
def _trim() -> Callable[[int], int] | None:
    """malloc_trim(3) of glibc; None with another C library."""
    return getattr(ctypes.CDLL(None), "malloc_trim", None)
