"""What a process keeps because it may be asked for it again, within a bound of bytes."""

from __future__ import annotations

import sys
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any


class Recent:
    """Values by key. Over `megabytes`, those that were asked for least recently go; the last one stays, however large.

    A worker lives for days and reads thousands of test sets: what it keeps of them must not grow with their number.
    """

    def __init__(self, megabytes: float):
        self._bound, self._total = int(megabytes * 2**20), 0
        self._values: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """The value of `key`, made if it is not there."""
        if key not in self._values:
            value = make()
            self._values[key] = value, bytes_of(value)
            self._total += self._values[key][1]
        self._values.move_to_end(key)
        while self._total > self._bound and len(self._values) > 1:
            _, (_, freed) = self._values.popitem(last=False)
            self._total -= freed
        return self._values[key][0]


def bytes_of(value: Any) -> int:
    """About the memory of a value: of arrays their content, of lists and dicts all that they hold."""
    if hasattr(value, "nbytes"):
        return value.nbytes
    if isinstance(value, dict):
        return sys.getsizeof(value) + sum(bytes_of(key) + bytes_of(held) for key, held in value.items())
    if isinstance(value, list | tuple):
        return sys.getsizeof(value) + sum(map(bytes_of, value))
    return sys.getsizeof(value)
