"""Records in text files (CSV, JSON, CoNLL), read so that texts stay texts.

The readers of `datasets` guess types from what they see: 007 becomes 7, `null` and `NA` nothing, `true` a truth value,
a column of dates a time. Here every value of a CSV file is text, and a value of JSON is what its quotes say. Only an
empty cell of CSV is missing. Files are UTF-8, with or without a byte-order mark, with any line ends, gzipped or not.
What form a file has, is seen from what it holds and what a task wants of it (`FileForm`).
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from xlt.core.files import state, unpacked
from xlt.core.text import counted, places
from xlt.data import conll, delimited, squad

CSV, JSON, CONLL, TEXT = "csv", "json", "conll", "text"  # as `datasets` calls their readers
VERSION = 2  # raised when a file is read otherwise than before; the first were the readers of `datasets`
QUOTES = 3  # the same of tabs, whose quotes were once always those of CSV
_NOT_UTF8 = "not UTF-8: save it as UTF-8"
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)  # UTF-32's begins with the first of them


def version(reader: str, options: Mapping[str, Any]) -> dict[str, int]:
    """What of the reading belongs to the key of records: nothing for files that are not read here."""
    tabs = options.get("sep") == "\t"
    return {"read": QUOTES if tabs else VERSION} if reader in (CSV, JSON) else {}


@dataclass(frozen=True)
class Want:
    """What a task wants of a file: these columns; of `tagging`, words and tags; and how the task says it is `read`, in
    the words of pandas."""

    columns: tuple[str, ...] = ()
    tagging: bool = False
    read: tuple[tuple[str, Any], ...] = ()


def reads(reader: str, want: Want) -> bool:
    """Whether files of that reader are read here: not lines of text of which nothing else is wanted."""
    return reader in (CSV, JSON, CONLL) or reader == TEXT and not set(want.columns) <= {"text"}


@dataclass(frozen=True)
class FileForm:
    """How a file is read: the reader and its options. `losses`: what a reader should know of that, in words."""

    reader: str
    options: Mapping[str, Any] = field(default_factory=dict)
    losses: tuple[str, ...] = ()


def form(file: Path, reader: str, options: Mapping[str, Any], want: Want) -> FileForm:
    """The form of a file that its name, or a card, gives to `reader` with `options`.

    Raises:
        ValueError: the file is not UTF-8.
    """
    known = (state(file), reader, repr(options), want)
    if known not in _forms:
        _forms[known] = _form(decoded(unpacked(file)), reader, dict(options) | dict(want.read), want)
    return _forms[known]


_forms: dict[tuple[Any, ...], FileForm] = {}  # asked for with every reading of a file, so kept


def _form(text: str, reader: str, given: dict[str, Any], want: Want) -> FileForm:
    if reader == JSON:
        return FileForm(reader, given, tuple(_json_losses(text, given)))
    if reader == CONLL or want.tagging and _in_columns(text, reader, given, want):
        declared = {name: given[name] for name in ("sep", "names") if name in dict(want.read)}
        return FileForm(CONLL, declared | {"wanted": want.columns}, tuple(conll.losses(text, declared)))
    given = {"sep": "\t"} | given if reader == TEXT else given
    fitting = delimited.fitting(text, given, want.columns)
    return FileForm(CSV, fitting, tuple(delimited.losses(text, fitting, given)))


def _in_columns(text: str, reader: str, options: Mapping[str, Any], want: Want) -> bool:
    """Whether a file that may hold a table holds sentences in columns instead, one word a line."""
    lines = text.strip().split("\n")
    spread = any(not line.strip() for line in lines)
    fitting = delimited.fitting(text, options, want.columns)
    head = delimited.header(text, fitting)
    if not set(want.columns) <= set(head):
        return spread or reader == TEXT or fitting.get("sep") == "\t"
    row = dict(zip(head, delimited.header("\n".join(lines[1:]), fitting), strict=False))
    return spread and not any(sign in row.get(name, "") for name in want.columns for sign in " [")


def table(file: Path, form: FileForm) -> pa.Table:
    """The rows of a file, every column.

    Args:
        file: its name may end in .gz.
        form: with the options that a data set's card or a task gives: for CSV those of pandas, such as `sep`; for JSON
            `field`, the key under which the rows stand.

    Raises:
        ValueError: the file is not UTF-8, or not of that form; with the line where that is known.
    """
    text, options = decoded(unpacked(file)), dict(form.options)
    if form.reader == CONLL:
        return conll.table(text, options, options.pop("wanted", ()))
    return delimited.table(text, options) if form.reader == CSV else _json(text, options.get("field"))


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


# JSON --------------------------------------------------------------------------------------------


def _json(text: str, field: str | None) -> pa.Table:
    rows = list(_rows(text, field))
    names = dict.fromkeys(name for row in rows for name in row)
    return pa.table({name: _column(name, [row.get(name) for row in rows]) for name in names})


def _json_losses(text: str, options: Mapping[str, Any]) -> list[str]:
    if "field" in options or text.lstrip().startswith("[") or squad.questions(text):
        return []
    empty = [i for i, line in enumerate(text.rstrip().split("\n"), start=1) if not line.strip()]
    return [f"left out: {counted(len(empty), 'empty line')}: {places(empty, 'line')}"] if empty else []


def _rows(text: str, field: str | None) -> Iterator[dict[str, Any]]:
    """A list of objects, SQuAD's articles, or one object a line."""
    if field is None and (questions := squad.questions(text)):
        yield from questions
        return
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
    except RecursionError:
        raise ValueError(f"{place}its lists or objects are nested too deep to be read") from None


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
