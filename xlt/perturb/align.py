"""Texts that change and gold spans that follow: edits, moved units, and where a span of the old text lies in the new.

Offsets count code points, as Python and SQuAD's `answer_start` do. A text is cut at the ends of its gold spans and
each segment is perturbed for itself, so no edit crosses a gold boundary; a segment never becomes blank.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple

Span = tuple[int, int]


class Edit(NamedTuple):
    """`text[start:end]` becomes `new`."""

    start: int
    end: int
    new: str


class Aligned(NamedTuple):
    """A new text as pieces of the old one, in the new order; together they hold every old character once."""

    pieces: list[Edit]

    @property
    def text(self) -> str:
        return "".join(piece.new for piece in self.pieces)

    def span(self, start: int, end: int) -> Span:
        """Where the old `[start, end)`, one of the gold spans that the text was cut at, lies now."""
        ends = list(accumulate(len(piece.new) for piece in self.pieces))
        inside = [i for i, p in enumerate(self.pieces) if start <= p.start and p.end <= end and p.start < p.end]
        return (ends[inside[0]] - len(self.pieces[inside[0]].new), ends[inside[-1]]) if inside else (0, 0)


def segments(text: str, spans: Iterable[Span], start: int = 0, end: int | None = None) -> list[Span]:
    """`text[start:end]` cut at the ends of the spans."""
    end = len(text) if end is None else end
    inner = {cut for span in spans for cut in span if start < cut < end}
    return list(pairwise(sorted({start, end, *inner}))) if start < end else []


def edited(text: str, edits: Callable[[str], Iterable[Edit]], spans: Sequence[Span] = ()) -> Aligned:
    """`text` after the edits that `edits` makes in each segment of it."""
    pieces = []
    for start, end in segments(text, spans):
        segment = text[start:end]
        new = list(_pieces(segment, edits(segment)))
        if segment.strip() and not "".join(piece.new for piece in new).strip():
            new = [Edit(0, len(segment), segment)]
        pieces += [Edit(start + p.start, start + p.end, p.new) for p in new]
    return Aligned(pieces)


def _pieces(text: str, edits: Iterable[Edit]) -> Iterable[Edit]:
    """The edits and, between them, what stays."""
    at = 0
    for edit in edits:
        if at < edit.start:
            yield Edit(at, edit.start, text[at : edit.start])
        yield edit
        at = edit.end
    if at < len(text):
        yield Edit(at, len(text), text[at:])


def moved(text: str, slots: Sequence[Span], order: Sequence[int], spans: Sequence[Span] = ()) -> Aligned:
    """`text` with the unit of slot `order[k]` standing in slot k; what lies between the slots stays."""
    pieces, at = [], 0
    for slot, source in zip(slots, order, strict=True):
        pieces += [Edit(a, b, text[a:b]) for a, b in segments(text, spans, at, slot[0])]
        pieces += [Edit(a, b, text[a:b]) for a, b in segments(text, spans, *slots[source])]
        at = slot[1]
    return Aligned(pieces + [Edit(a, b, text[a:b]) for a, b in segments(text, spans, at)])


def hulls(slots: Iterable[Span], spans: Iterable[Span]) -> list[Span]:
    """The slots, those joined that a gold span touches, so that a span always moves as one."""
    joined: list[Span] = []
    for start, end in sorted([*slots, *(span for span in spans if span[0] < span[1])]):
        if joined and start < joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined
