"""How much of the records a perturbation changed: to be printed beside every score."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any

from xlt.perturb.rows import COLUMNS
from xlt.perturb.units import clusters


def share_changed(
    before: Mapping[str, Sequence[Any]], after: Mapping[str, Sequence[Any]], family: str
) -> dict[str, float]:
    """Shares, 0 to 1, of the rows with any change and of the words that have been replaced, moved or taken out.

    Words are what spaces part; in a text without spaces, characters (grapheme clusters). NaN without rows or words.
    """
    rows = list(zip(_texts(before, family), _texts(after, family), strict=True))
    kept = total = 0
    for old, new in rows:
        for a, b in zip(old, new, strict=True):
            one, other = pieces(a), pieces(b)
            blocks = SequenceMatcher(None, one, other, autojunk=False).get_matching_blocks()
            kept, total = kept + sum(block.size for block in blocks), total + len(one)
    return {
        "rows": sum(old != new for old, new in rows) / len(rows) if rows else float("nan"),
        "words": 1 - kept / total if total else float("nan"),
    }


def _texts(rows: Mapping[str, Sequence[Any]], family: str) -> Iterator[list[str]]:
    """Of each row the texts that a perturbation may change; a row of tokens as one text."""
    columns = [
        column for column in ("text_b", *COLUMNS[family]) if column in rows and column not in ("answers", "tags")
    ]
    for values in zip(*(rows[column] for column in columns), strict=True):
        if family == "tagging":
            yield [" ".join(values[0])]
        else:
            yield [text for value in values for text in (value if isinstance(value, list | tuple) else [value]) if text]


def pieces(text: str) -> list[str]:
    """What spaces part; in a text without spaces, characters."""
    return text.split() if " " in text else [text[start:end] for start, end in clusters(text)]
