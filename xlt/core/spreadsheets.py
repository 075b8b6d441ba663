"""Texts in CSV files that a spreadsheet would run as a formula: written with an apostrophe before them, read without.

What stands in a report may be a stranger's: a record, a name in a profile. Numbers stay numbers.
"""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import pandas as pd

_FORMULA = re.compile(r"'*[=+\-@\t\r]")  # an apostrophe more before those that have one, so that reading is exact


def csv(table: pd.DataFrame) -> str:
    """The table as text, its index left out; the same input gives the same bytes."""
    return _each(table, _harmless).to_csv(index=False, float_format="%.6g", lineterminator="\n")


def read(path: Path, **options: Any) -> pd.DataFrame:
    """A table that `csv` has written."""
    return _each(pd.read_csv(path, **options), _meant)


def _each(table: pd.DataFrame, change: Any) -> pd.DataFrame:
    texts = table.select_dtypes(exclude=["number", "bool"]).columns
    changed = {name: table[name].map(change) for name in texts} if table.columns.is_unique else {}
    return table.assign(**changed).rename(columns=change)


def _harmless(value: Any) -> Any:
    if not isinstance(value, str) or not _FORMULA.match(value):
        return value
    with suppress(ValueError):
        float(value)
        return value
    return f"'{value}"


def _meant(value: Any) -> Any:
    return value[1:] if isinstance(value, str) and value.startswith("'") and _FORMULA.match(value) else value
