"""What is carried along while a split is read piece by piece, so that its records never are in memory all at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from xlt.core import progress


class Remark(NamedTuple):
    """A line on what was left out or lost, which every process that uses the records says once.

    about   what it is about: of two remarks on the same only the first is said
    line    the words
    once    whether it would be said of every language of the task
    """

    about: tuple[str, ...]
    line: str
    once: bool = False

    def say(self) -> None:
        (progress.say_once if self.once else progress.say)(*self.about, line=self.line)


@dataclass
class Reading:
    """A split that is being read; as text it is what messages call the split.

    numbers   of its rows in the file, from 1: those of one language may lie among others
    first     the place among them, from 1, at which the piece at hand begins
    ids       id: number of its row
    dropped   number of a row that is left out, or has words that are: how many words
    written   the labels as the file writes them
    """

    where: str
    numbers: Sequence[int]
    first: int = 1
    ids: dict[Any, int] = field(default_factory=dict)
    dropped: dict[int, int] = field(default_factory=dict)
    written: set[str] = field(default_factory=set)
    remarks: list[Remark] = field(default_factory=list)

    def __str__(self) -> str:
        return self.where

    def numbered(self, values: Iterable[Any]) -> Iterator[tuple[int, Any]]:
        """The values of the piece, each with the number of its row."""
        return zip(self.numbers[self.first - 1 :], values, strict=False)  # the pieces that follow have numbers, too
