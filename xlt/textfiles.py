"""Records in CSV and JSON files, read so that texts stay texts.

The readers of `datasets` guess types from what they see: 007 becomes 7, `null` and `NA` nothing, `true` a truth value,
a column of dates a time. Here every value of a CSV file is text, and a value of JSON is what its quotes say. Only an
empty cell of CSV is missing. Files are UTF-8, with or without a byte-order mark, with any line ends, gzipped or not.
"""

from __future__ import annotations

import codecs
import gzip
import io
import json
import warnings
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

READERS = ("csv", "json")  # as `datasets` calls them
VERSION = 2  # raised when a file is read otherwise than before; the first were the readers of `datasets`
_NOT_UTF8 = "not UTF-8: save it as UTF-8"
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)  # UTF-32's begins with the first of them


def version(reader: str) -> dict[str, int]:
    """What of the reading belongs to the key of records: nothing for files that are not read here."""
    return {"read": VERSION} if reader in READERS else {}


def table(file: Path, reader: str, options: Mapping[str, Any] | None = None) -> pa.Table:
    """The rows of a file, every column.

    Args:
        file: its name may end in .gz.
        reader: one of READERS.
        options: what a data set's card says of its files, in the words of `datasets`: for CSV those of pandas, such as
            `sep`; for JSON `field`, the key under which the rows stand.

    Raises:
        ValueError: the file is not UTF-8, or no CSV or JSON; with the line where that is known.
    """
    text = decoded(_bytes(file))
    return _csv(text, dict(options or {})) if reader == "csv" else _json(text, (options or {}).get("field"))


def decoded(content: bytes) -> str:
    """The text of a file in UTF-8, without its byte-order mark.

    Raises:
        ValueError: it is not UTF-8.
    """
    if content.startswith(_UTF16):
        raise ValueError(f"{_NOT_UTF8} (it is UTF-16)")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{_NOT_UTF8} (byte {error.start})") from None
    if "\0" in text[:100]:
        raise ValueError(f"{_NOT_UTF8} (it looks like UTF-16)")
    return text


def _bytes(file: Path) -> bytes:
    content = file.read_bytes()
    return gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content


# CSV ---------------------------------------------------------------------------------------------


def _csv(text: str, options: dict[str, Any]) -> pa.Table:
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


# JSON --------------------------------------------------------------------------------------------


def _json(text: str, field: str | None) -> pa.Table:
    rows = list(_rows(text, field))
    names = dict.fromkeys(name for row in rows for name in row)
    return pa.table({name: _column(name, [row.get(name) for row in rows]) for name in names})


def _rows(text: str, field: str | None) -> Iterator[dict[str, Any]]:
    """A list of objects, or one object a line."""
    if field is not None or text.lstrip().startswith("["):
        whole = _parsed(text, "")
        rows: Iterable[tuple[str, Any]] = ((f"row {i}: ", row) for i, row in enumerate(_under(whole, field), start=1))
    else:  # not splitlines: texts may hold U+2028
        lines = ((f"line {i}: ", line) for i, line in enumerate(text.split("\n"), start=1))
        rows = ((place, _parsed(line, place)) for place, line in lines if line.strip())
    for place, row in rows:
        if not isinstance(row, dict):
            raise ValueError(f"{place}no object {{...}} but {json.dumps(row)[:40]}")
        yield row


def _under(whole: Any, field: str | None) -> list:
    rows = whole.get(field) if field is not None and isinstance(whole, dict) else whole
    if not isinstance(rows, list):
        raise ValueError(f"no list of objects{f' under {field}' if field else ''}")
    return rows


def _parsed(text: str, place: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        where = place or f"line {error.lineno}: "
        raise ValueError(f"{where}bad JSON at column {error.colno} ({error.msg}); give one object a line") from None


def _column(name: str, values: list) -> pa.Array:
    """One type for all values; where some are texts and others numbers, all are texts."""
    try:
        return pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        try:
            return pa.array([_text(value) for value in values])
        except (pa.ArrowInvalid, pa.ArrowTypeError, TypeError):
            raise ValueError(f"the values of {name} are not of one kind") from None


def _text(value: Any) -> Any:
    if isinstance(value, list):
        return [_text(one) for one in value]
    if isinstance(value, dict):
        raise TypeError
    return value if value is None or isinstance(value, str) else json.dumps(value)
