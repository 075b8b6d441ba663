"""Tables whose cells are separated by a sign (CSV, TSV): which sign and which quoting a file has, and what it loses.

TSV knows no quoting, though many programs write it as they write CSV. A cell that begins with a stray quote would
swallow the lines that follow up to the next one, so quotes are read as they stand where that is what fits.
"""

from __future__ import annotations

import csv
import io
import re
import warnings
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
import pyarrow as pa

from xlt.core.text import counted, places

SEPARATORS = ",\t;|"
csv.field_size_limit(2**31 - 1)  # of a cell, in characters
Options = Mapping[str, Any]  # in the words of pandas; of `datasets` also column_names
_LITERAL = (
    "quotes are read as they stand, as they quote no cells ({}); with read: {{quoting: minimal}} they are as in CSV"
)


def table(text: str, options: Options) -> pa.Table:
    """The rows, every column; only an empty cell is missing.

    Raises:
        ValueError: it is no such table.
    """
    options = {"names" if name == "column_names" else name: value for name, value in options.items()}
    as_text = {"dtype": str, "keep_default_na": False, "na_values": [""], "index_col": False}
    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)  # a row with more cells than there are columns
        try:
            frame = pd.read_csv(io.StringIO(text, newline=""), **{**options, **as_text})
        except pd.errors.ParserWarning:
            raise ValueError("its rows have more cells than its first line names columns") from None
        except (ValueError, TypeError) as error:
            raise ValueError(" ".join(str(error).split())) from None
    return pa.table({str(name): pa.array(frame[name], pa.string(), from_pandas=True) for name in frame.columns})


def fitting(text: str, options: Options, wanted: Collection[str]) -> dict[str, Any]:
    """The options with the separator under which the first line holds the columns that are `wanted`, if one does, and
    of tabs with the quoting that fits."""
    options = dict(options)
    if not _names(options):
        here = options.get("sep", ",")
        able = [sep for sep in SEPARATORS if set(wanted) <= set(header(text, options | {"sep": sep}))]
        if able and here not in able:
            options["sep"] = able[0]
    if options.get("sep") == "\t" and "quoting" not in options and _stray(text):
        options["quoting"] = csv.QUOTE_NONE
    return options


def header(text: str, options: Options) -> list[str]:
    """The cells of the first line."""
    return next((list(map(str.strip, record.cells)) for record in _records(text, options) if record.cells), [])


def _names(options: Options) -> list[str] | None:
    return options.get("names") or options.get("column_names")


@dataclass(frozen=True)
class Row:
    """The cells between two ends of a row, and the lines, from 1, where they begin and end."""

    cells: list[str]
    first: int
    last: int


def _records(text: str, options: Options, strict: bool = False) -> Iterator[Row]:
    """What a reader of CSV finds; an empty line has no cells.

    Raises:
        csv.Error: `strict`, and a quote stands where CSV has none.
    """
    quoting = options.get("quoting", csv.QUOTE_MINIMAL)
    signs = {"delimiter": options.get("sep") or ",", "quotechar": options.get("quotechar") or '"'}
    reader = csv.reader(io.StringIO(text, newline=""), quoting=quoting, strict=strict, **signs)
    last = 0
    for cells in reader:
        yield Row(cells, last + 1, reader.line_num)
        last = reader.line_num


_OPENING = re.compile(r'(?:^|\t)"', re.MULTILINE)


def _stray(text: str) -> bool:
    """Whether the quotes of a text with tabs quote no cells: read so, they break the rules of CSV, or they join lines
    that each have as many cells as the first."""
    if not _OPENING.search(text):
        return False
    try:
        joined = any(record.last > record.first for record in _records(text, {"sep": "\t"}, strict=True))
    except csv.Error:
        return True
    widths = {len(record.cells) for record in _records(text, {"sep": "\t", "quoting": csv.QUOTE_NONE}) if record.cells}
    return joined and len(widths) == 1


def losses(text: str, options: Options, given: Options) -> list[str]:
    """What a reader should know of the rows: lines that quotes join, empty ones, rows that are too short, and columns
    of one name. `given`: the options before `fitting`."""
    if len(options.get("sep") or ",") > 1:  # a pattern of pandas
        return []
    records = list(_records(text, options))
    names = _names(options) or next((record.cells for record in records if record.cells), [])
    filled = [record for record in records if record.cells]
    end = filled[-1].last if filled else 0
    joined = [record for record in filled if record.last > record.first]
    empty = [record.first for record in records if not record.cells and record.first < end]
    short = [record.first for record in filled if len(record.cells) < len(names)]
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    notes = []
    if "quoting" in options and "quoting" not in given:
        opened = [i for i, line in enumerate(text.split("\n"), start=1) if _OPENING.search(line)]
        notes.append(_LITERAL.format(places(opened, "line")))
    if joined:
        lines = sum(record.last - record.first + 1 for record in joined)
        where = places([record.first for record in joined], "line")
        quotes = "with read: {quoting: none} they are read as they stand"
        notes.append(f"quotes join {lines:,} lines to {counted(len(joined), 'row')}, beginning at {where}; {quotes}")
    if empty:
        notes.append(f"left out: {counted(len(empty), 'empty line')}: {places(empty, 'line')}")
    if short:
        notes.append(f"fewer cells than columns in {counted(len(short), 'row')}: {places(short, 'line')}")
    if twice:
        notes.append(f"columns of one name, of which the first is read: {', '.join(twice)}")
    return notes
