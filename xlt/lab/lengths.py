"""How long the texts of a task are in subwords, and in how many windows a passage is read: what a plan counts with.

A plan reads no records, so it goes by the mean length that a task declares (`subwords`), else by what is usual of its
family. Real texts scatter about the mean, and what goes beyond `max_length` is cut off, or read in further windows.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from xlt.spec import tasks

if TYPE_CHECKING:
    from xlt.data.sources import Source

# Usual lengths of records in subwords, of public data sets and of the generated world; for choices that of one of them.
USUAL = {
    tasks.CLASSIFICATION: (45, 22), tasks.TAGGING: (25, 12), tasks.SPAN: (200, 40), tasks.CHOICE: (60, 26),
    tasks.MLM: (30, 26), tasks.RETRIEVAL: (25, 12), tasks.MINING: (30, 12), tasks.ANSWERS: (200, 40),
    tasks.DUAL: (60, 30),
}  # fmt: skip
CHOICES = 4  # of a record, where its task does not declare how many there are
QUESTION = 16  # subwords of a question beside its passage; an attack searches in these alone
MARKS = 4  # special tokens of a pair of texts, XLM-R's
# Lengths are log-normal, with a standard deviation of half the mean as in SQuAD and TyDiQA. Three points with the
# weights of the Gauss-Hermite rule stand for the whole distribution; they are times its mean.
SPREAD = math.sqrt(math.log(1 + 0.5**2))
WEIGHTS = (1, 4, 1)  # of six
_POINTS = [math.exp(deviation * SPREAD) for deviation in (-math.sqrt(3), 0, math.sqrt(3))]
POINTS = [6 * point / sum(w * p for w, p in zip(WEIGHTS, _POINTS, strict=True)) for point in _POINTS]


class Reading(NamedTuple):
    """What of a record goes through the model: mean `windows` of it, each of so many `texts` of `length` subwords."""

    windows: float
    texts: int
    length: float

    @property
    def tokens(self) -> float:
        """Subwords of a window, all of its texts."""
        return self.texts * self.length


def reading(source: Source, task: str, most: int, stride: int) -> Reading:
    """Of a task whose texts are cut after `most` subwords, or read in windows that share `stride`."""
    declared = tasks.get(task)
    usual, made = USUAL[declared.family]
    mean = made if source.label and not declared.own else declared.subwords or usual
    cut = _windowed if declared.family == tasks.SPAN else _truncated
    parts = [cut(mean * point, most, stride) for point in POINTS]
    windows = sum(weight * count for weight, (count, _) in zip(WEIGHTS, parts, strict=True)) / 6
    tokens = sum(weight * read for weight, (_, read) in zip(WEIGHTS, parts, strict=True)) / 6
    return Reading(windows, _texts(declared), round(tokens / windows, 3))


def _truncated(length: float, most: int, _: int) -> tuple[int, float]:
    return 1, min(length, most)


def _windowed(length: float, most: int, stride: int) -> tuple[int, float]:
    """Windows and all of their subwords: each has the question, and shares part of the passage with the next."""
    if length <= most:
        return 1, length
    room = max(1, most - QUESTION - MARKS)
    shared = min(stride, most // 3, room - 1)
    passage = length - QUESTION - MARKS
    further = math.ceil((passage - room) / (room - shared))
    return 1 + further, length + further * (shared + QUESTION + MARKS)


def _texts(task: tasks.Task) -> int:
    """Texts of a record that go through the model."""
    if task.family == tasks.CHOICE:
        choices = task.columns["choices"]
        return CHOICES if isinstance(choices, str) else len(choices)
    return 2 if task.family in (tasks.RETRIEVAL, tasks.DUAL) else 1
