"""Parts of a split, in the words of `datasets`: train[:80%] and train[80%:], or train[100:] by number.

With them, a data set of one file can be trained and tested on. Rows keep their order, so parallel files are cut at the
same place.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import combinations

_FORM = re.compile(r"(?P<split>[^\[\]]+)\[(?P<start>\d+%?)?:(?P<stop>\d+%?)?\]")
_WHOLE = 10**9  # rows that a split is taken to have when parts are compared before the file has been read


def whole(name: str) -> str:
    """The split of which `name` may be a part."""
    return name.partition("[")[0]


def part(name: str, rows: int) -> range:
    """The numbers of the rows that `name` stands for, in a split of `rows` rows.

    Raises:
        ValueError: it is no name of a split or of a part of one.
    """
    _, start, stop = taken_apart(name)
    return range(_place(start or "0", rows), _place(stop or "100%", rows))


def taken_apart(name: str) -> tuple[str, str, str]:
    """What `name` is a part of, where the part begins and where it ends: ("train", "", "80%"); "" at an end of it.

    Raises:
        ValueError: as `part`.
    """
    if "[" not in name:
        return name, "", ""
    match = _FORM.fullmatch(name)
    if match is None:
        raise ValueError(f"{name!r} is no part of a split: write train[:80%], train[80%:] or train[100:200]")
    return match["split"], match["start"] or "", match["stop"] or ""


def check(splits: Mapping[str, str]) -> None:
    """Raises ValueError where two splits (our name: theirs) share rows, or a name cannot be read."""
    for name in splits.values():
        part(name, _WHOLE)
    for (one, first), (other, second) in combinations(splits.items(), 2):
        if overlap(first, second):
            both = f"both {first!r}" if first == second else f"{first!r} and {second!r}"
            raise ValueError(f"splits overlap: {one} and {other} are {both}; give each its own")


def overlap(one: str, other: str) -> bool:
    """Whether two names stand for some of the same rows. A percentage counts as one of a very large split, so it is
    compared rightly with other percentages, and with row numbers as far as that is possible without the file."""
    first, second = part(one, _WHOLE), part(other, _WHOLE)
    return whole(one) == whole(other) and max(first.start, second.start) < min(first.stop, second.stop)


def _place(text: str, rows: int) -> int:
    return min(rows, round(rows * int(text[:-1]) / 100) if text.endswith("%") else int(text))
