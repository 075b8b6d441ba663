"""Answers as spans: which tokens of a window hold the gold answer, and what of a text does not show."""

from __future__ import annotations

import unicodedata

Spans = list[tuple[int, int] | None]  # of each token its first character and past its last; None outside the context


def with_marks(spans: Spans, context: str) -> Spans:
    """The spans, each with the combining marks behind it, which a normaliser joins to their letter and leaves out."""
    return spans if context.isascii() else [span and (span[0], _past_marks(context, span[1])) for span in spans]


def _past_marks(text: str, place: int) -> int:
    while 0 < place < len(text) and unicodedata.category(text[place])[0] == "M":
        place += 1
    return place


def bare(text: str) -> str:
    """The text without what shows nothing at its ends: space, controls, zero-width characters, a byte-order mark."""
    return text[slice(*_bare(text))]


def _bare(text: str) -> tuple[int, int]:
    first, past = 0, len(text)
    while first < past and not _shows(text[first]):
        first += 1
    while past > first and not _shows(text[past - 1]):
        past -= 1
    return (first, past) if first < past else (0, 0)


def _shows(char: str) -> bool:
    return not (char.isspace() or unicodedata.category(char) in ("Cc", "Cf"))


def gold_span(spans: Spans, answers: dict, low: int | None, high: int | None) -> tuple[int, int]:
    """First and last token that overlap the first answer; (0, 0) when the window does not hold all of it.

    The window holds the text from its first token (or from `low`) to its last (or to `high`), also what no token
    covers; and what shows nothing at the ends of the answer does not count.
    """
    if not answers["text"]:
        return 0, 0
    begin, finish = (answers["answer_start"][0] + place for place in _bare(answers["text"][0]))
    inside = [i for i, span in enumerate(spans) if span and span[0] < finish and span[1] > begin]
    low = next((span[0] for span in spans if span), 0) if low is None else low
    high = next((span[1] for span in reversed(spans) if span), 0) if high is None else high
    return (inside[0], inside[-1]) if inside and low <= begin and finish <= high else (0, 0)
