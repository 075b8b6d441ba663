"""Files of predictions and references that are no JSON, in the forms that XTREME's scripts and GLUE's server take.

    tagging     a word and its tag in each line, or the tag alone, the tag last; a blank line after each sentence
    else        TSV, or CSV in a file .csv, with a header that names the fields of `score` (or, as GLUE's, index and
                prediction), or without one:

    classification, choice   the label; or the id and the label; or three columns and more, the label first or last
    span                     the id and the answer
    Tatoeba                  the number, from 0, of the sentence that is right, or is found by the English one
    BUCC                     source and target, of predictions with or without the score

Records without an id are those of the other file in its order.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from xlt.data import conll
from xlt.evaluation.scorefiles import NotTheForm, Record, ending, shown
from xlt.spec import tasks
from xlt.spec.tasks import Task

Row = tuple[str, list[str]]  # file and line, and the cells
_ALIASES = {"index": "id", "idx": "id"}
_LAYOUTS = {
    tasks.CLASSIFICATION: ("{}", "id {}"),
    tasks.CHOICE: ("{}", "id {}"),
    tasks.SPAN: ("id {}",),
    tasks.RETRIEVAL: ("{}",),
    tasks.MINING: ("source target", "source target score"),
}
_BLANK = re.compile(r"\n\s*\n")  # one line at least
_END = re.compile(r"(\n *)+\Z")  # blank lines after the last row; a tab there parts two cells


def from_lines(text: str, path: Path, task: Task, field: str) -> list[Record]:
    """The records of a file whose values, where it does not name them, are `field`.

    Raises:
        NotTheForm: a line that is none of these forms.
    """
    if task.family == tasks.TAGGING:
        return list(_sentences(text, path, field))
    rows = list(_rows(text, path))
    names = _header(rows[0][1], field)
    rows = rows[1:] if names else rows
    return [_record(row, names or _usual(rows, task, field), task, field) for row in rows]


def _rows(text: str, path: Path) -> Iterator[Row]:
    """The rows; a last cell may be empty, and a quoted cell of a CSV may hold line breaks."""
    text = _END.sub("", text.replace("\r\n", "\n"))
    for number, row in _quoted(text) if ending(path) == ".csv" else _tabbed(text):
        where = f"{path}, line {number}"
        if not any(cell.strip() for cell in row):
            raise NotTheForm(f"{where}: empty line; take it out")
        yield where, [cell.strip() for cell in row]


def _tabbed(text: str) -> Iterator[tuple[int, list[str]]]:
    return enumerate((line.split("\t") for line in text.split("\n")), start=1)


def _quoted(text: str) -> Iterator[tuple[int, list[str]]]:
    reader, first = csv.reader(io.StringIO(text, newline="")), 1
    for row in reader:
        yield first, row
        first = reader.line_num + 1


def _header(first: list[str], field: str) -> list[str] | None:
    """The names of the columns, where the first line names them."""
    names = [field if name == "prediction" else _ALIASES.get(name, name) for name in first]
    return names if {field, "source"} & set(names) else None


def _usual(rows: list[Row], task: Task, field: str) -> list[str]:
    """The names of columns that have none; "" for those that are not read."""
    first, columns = rows[0][0], len(rows[0][1])
    if columns > 2 and task.family in (tasks.CLASSIFICATION, tasks.CHOICE):
        beside = [""] * (columns - 1)
        return [field, *beside] if all(_label(cells[0], task) for _, cells in rows) else [*beside, field]
    for layout in _LAYOUTS.get(task.family, ()):
        if len(names := layout.format(field).split()) == columns:
            return names
    raise NotTheForm(f"{first}: {columns} column{'s' * (columns > 1)} that nothing names")


def _record(row: Row, names: list[str], task: Task, field: str) -> Record:
    where, cells = row
    if len(cells) != len(names):
        raise NotTheForm(f"{where}: {len(cells)} columns, not {len(names)} as above")
    return Record(where, {n: _value(where, n, cell, task) for n, cell in zip(names, cells, strict=True) if n})


def _label(cell: str, task: Task) -> bool:
    return cell in task.labels or (cell.isdecimal() and (not task.labels or int(cell) < len(task.labels)))


def _value(where: str, name: str, cell: str, task: Task) -> Any:
    if name == "score":
        try:
            return float(cell)
        except ValueError:
            raise NotTheForm(f"{where}: score: {shown(cell)} should be a number") from None
    figure = name in ("label", "choice") and cell.isdecimal() and cell not in task.labels
    return int(cell) if figure else cell


def _sentences(text: str, path: Path, field: str) -> Iterator[Record]:
    blocks = [[line.strip() for line in block.split("\n")] for block in _BLANK.split(text.strip())]
    if any(len(line.split()) > 1 for block in blocks for line in block):
        try:
            sentences = conll.table(text, {}).to_pylist()
        except ValueError as error:
            raise NotTheForm(f"{path}: {error}") from None
    else:
        sentences = [{"tags": block} for block in blocks]
    for number, row in enumerate(sentences, start=1):
        tokens = {"tokens": row["tokens"]} if "tokens" in row else {}
        yield Record(f"{path}, sentence {number}", {field: row["tags"], **tokens})
