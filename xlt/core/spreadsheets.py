"""CSV files whose texts no spreadsheet runs as a formula: an apostrophe is written before them and taken off again.

Reports hold texts of strangers (records, names), and a spreadsheet would execute one that begins with "=". Texts that
are numbers, such as -3, are left as they are.
"""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import pandas as pd

# Texts that begin with an apostrophe before such a sign get one more, so that `read` gives back what was written.
_FORMULA = re.compile(r"'*[=+\-@\t\r]")


def csv(table: pd.DataFrame) -> str:
    """The table as text, its index left out; the same input gives the same bytes."""
    return _each(table, _marked).to_csv(index=False, float_format="%.6g", lineterminator="\n")


def read(path: Path, **options: Any) -> pd.DataFrame:
    """A table that `csv` has written."""
    return _each(pd.read_csv(path, **options), _unmarked)


def _each(table: pd.DataFrame, change: Any) -> pd.DataFrame:
    texts = table.select_dtypes(exclude=["number", "bool"]).columns
    changed = {name: table[name].map(change) for name in texts} if table.columns.is_unique else {}
    return table.assign(**changed).rename(columns=change)


def _marked(value: Any) -> Any:
    if not isinstance(value, str) or not _FORMULA.match(value):
        return value
    with suppress(ValueError):
        float(value)
        return value
    return f"'{value}"


def _unmarked(value: Any) -> Any:
    return value[1:] if isinstance(value, str) and value.startswith("'") and _FORMULA.match(value) else value
