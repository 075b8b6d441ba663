"""Lists and tables that stand in a cell of CSV as text: as JSON, Python or NumPy writes them, or words with blanks."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

EXPECTED = """["a", "b"], ['a', 'b'] or a b"""
_QUOTED = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\"""")


def lists(column: Iterable[tuple[int, str]]) -> list[list]:
    """The lists that the texts of a column are: in brackets if all of them are, else words between blanks.

    `column`: the number of each row and its text.

    Raises:
        ValueError: one in brackets is no list; with the number of its row.
    """
    rows = [(row, text.strip()) for row, text in column]
    if not all(text.startswith("[") and text.endswith("]") for _, text in rows):
        return [text.split() for _, text in rows]
    cells = [value(text) for _, text in rows]
    for (row, text), items in zip(rows, cells, strict=True):
        if not isinstance(items, list):
            raise ValueError(f"row {row}: {text[:40]} is no list; write {EXPECTED}")
    return cells


def value(text: str) -> Any:
    """What JSON, Python or, of lists of texts, NumPy writes so; the text itself if none of them does."""
    with suppress(ValueError, RecursionError):
        return json.loads(text)
    quoted = _QUOTED.findall(text)  # Python would join the texts of NumPy, which has no commas between them
    if quoted and text.startswith("[") and not _QUOTED.sub("", text).strip("[], \t\r\n"):
        return [ast.literal_eval(one) for one in quoted]
    with suppress(ValueError, SyntaxError, MemoryError, RecursionError):
        return ast.literal_eval(text)
    return text
