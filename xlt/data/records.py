"""Rows as they lie in a data set -> records with our columns, checked. What is wrong is said with file and row.

Only rows that a task's declaration leaves out are dropped (`drop`, `prefix`), and what is dropped is said.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import datasets
import pyarrow as pa

from xlt.core import text
from xlt.core.errors import UserError
from xlt.data import labels, wellformed, written
from xlt.data.reading import Reading, Remark
from xlt.data.textfiles import Want
from xlt.data.wellformed import Columns
from xlt.spec import tasks
from xlt.spec.tasks import Task

LABELS, JOINED_AS_LIST = {"label", "tags"}, {"choices"}


PIECE = 20_000  # rows that are objects of Python at a time; the others are columns of Arrow, a fifth as large


def canonical(rows: datasets.Dataset, task: Task, code: str, where: str, large: bool = False) -> datasets.Dataset:
    """`rows` with the columns of the task's family, in the order of the file; what is left out is said.

    Of a `large` set it is said, too, which names under `relabel` of a task of the user none has: a slip of the pen
    renames nothing.

    Raises:
        UserError: as for `checked`.
    """
    table, remarks = checked(rows, task, code, where, large)
    for remark in remarks:
        remark.say()
    return datasets.Dataset(table)


def checked(
    rows: datasets.Dataset, task: Task, code: str, where: str, large: bool = False
) -> tuple[datasets.table.InMemoryTable, list[Remark]]:
    """As `canonical`, with what is to be said.

    Raises:
        UserError: empty; a missing column; a value that is not there; a label outside the declared set; tags that
            do not match the tokens; an answer that is not in its context; blank lines in a bitext; doubled ids of
            questions or of what is searched.
    """
    reading = Reading(where, range(1, len(rows) + 1))
    rows = _of_language(_present(rows, task, where), task, code, reading)
    tables = []
    for start in range(0, len(rows), PIECE):
        end, reading.first = min(start + PIECE, len(rows)), start + 1
        piece = rows.select(range(start, end), new_fingerprint=f"{start}-{end}")  # named, as finding a name is slow
        tables.append(_piece(piece, task, reading, large))
    unused = [theirs for theirs in task.relabel if theirs not in reading.written]
    if large and task.definition and unused:
        _remark(task, reading, "under relabel, but in no row", ", ".join(unused))
    if reading.dropped:
        _remark_dropped(task, reading)
    # Whether a column holds texts or lists of numbers may show in one piece and not in another, as of empty lists.
    return datasets.table.InMemoryTable(pa.concat_tables(tables, promote_options="permissive")), reading.remarks


def _piece(rows: datasets.Dataset, task: Task, reading: Reading, large: bool) -> pa.Table:
    columns = {ours: _column(rows, theirs, task, ours, reading) for ours, theirs in task.columns.items()}
    columns |= _unwritten(columns, reading)
    for ours in LABELS & set(columns):
        values, names = columns[ours], label_names(rows, task)
        columns[ours] = labels.numbers(values, names, task, reading)
        if large and task.definition and task.relabel:
            reading.written |= labels.written(values, names)
    wellformed.CHECKS[task.family](columns, task, reading)
    if task.drop:
        reading.dropped |= _dropped(columns, reading)
        columns = _kept(columns, task)
    return pa.table(columns)  # not Dataset.from_dict, which spends as long on a name for the records as on them


def _remark(task: Task, reading: Reading, what: str, places: str) -> None:
    """In a line for each split of a task of the user, else for the first one of a task."""
    where = reading.where
    if task.definition:
        remark = Remark(("records", where, what, places), f"{task.on_a_page(where)}: {what}: {places}")
    else:
        remark = Remark(("records", task.name), f"{task.name} ({where}): {what}: {places}", once=True)
    reading.remarks.append(remark)


def _remark_dropped(task: Task, reading: Reading) -> None:
    rows, count = list(reading.dropped), sum(reading.dropped.values())
    words = f"{text.counted(count, 'word')} of " if task.family == tasks.TAGGING else ""
    what = f"left out for a label under drop: {words}{text.counted(len(rows), 'row')}"
    _remark(task, reading, what, text.places(rows))


def _dropped(columns: Columns, reading: Reading) -> dict[int, int]:
    """The rows whose label is dropped, or of tagging those that have such words, with their number."""
    counts = [sum(tag is None for tag in tags) for tags in columns["tags"]] if "tags" in columns else None
    counts = [label is None for label in columns["label"]] if counts is None else counts
    return {row: int(count) for row, count in reading.numbered(counts) if count}


def _kept(columns: Columns, task: Task) -> Columns:
    """Without the rows, or of tagging the words, whose label is one of `task.drop` (None here)."""
    if task.family == tasks.TAGGING:
        sentences = zip(columns["tokens"], columns["tags"], strict=True)
        pairs = [[(word, tag) for word, tag in zip(*both, strict=True) if tag is not None] for both in sentences]
        return {name: [[pair[i] for pair in row] for row in pairs] for i, name in enumerate(("tokens", "tags"))}
    kept = [row for row, label in enumerate(columns["label"]) if label is not None]
    return {name: [values[row] for row in kept] for name, values in columns.items()}


def label_names(rows: datasets.Dataset, task: Task) -> tuple[str, ...]:
    """The names of labels that the file itself gives (none: empty)."""
    feature = rows.features[_top(task.columns.get("label") or task.columns["tags"])]
    return tuple(getattr(getattr(feature, "feature", feature), "names", None) or ())


def _top(path: Any) -> str:
    return path.split(".")[0]


def want(task: Task) -> Want:
    """What a task wants of its files."""
    theirs = [_top(p) for theirs in task.columns.values() for p in ([theirs] if isinstance(theirs, str) else theirs)]
    read = tuple(task.read.options.items())
    return Want(tuple(dict.fromkeys([*theirs, *task.prefix])), task.family == tasks.TAGGING, read)


def _present(rows: datasets.Dataset, task: Task, where: str) -> datasets.Dataset:
    missing = [column for column in want(task).columns if column not in rows.column_names]
    if missing:
        have = ", ".join(rows.column_names)
        mend = "Correct the file or the task; if its first line names no columns, give read: {names: [...]}"
        raise UserError(f"{where}: missing column {', '.join(missing)}; it has {have}. {mend}")
    if not len(rows):
        raise UserError(f"{where}: empty; fetch the file again")
    return rows


def _of_language(rows: datasets.Dataset, task: Task, code: str, reading: Reading) -> datasets.Dataset:
    for column, beginning in task.prefix.items():
        beginnings = tuple({task.filled(beginning, one) for one in (code, *task.everywhere)})
        beginning, values = task.filled(beginning, code), list(map(str, rows[column][:]))
        chosen = [i for i, value in enumerate(values) if value.startswith(beginning)]
        strange = [row for row, value in reading.numbered(values) if not value.startswith(beginnings)]
        if strange and task.definition:
            count = text.counted(len(strange), "row")
            _remark(task, reading, f"left out, as {column} begins with no language: {count}", text.places(strange))
        if not chosen:
            raise UserError(f"{reading}: no row for language {code}: none has {column} beginning with {beginning!r}")
        rows, reading.numbers = rows.select(chosen, new_fingerprint=code), [reading.numbers[i] for i in chosen]
    return rows


def _column(rows: datasets.Dataset, theirs: str | list[str], task: Task, ours: str, where: Reading) -> list:
    if isinstance(theirs, str):
        values = _values(rows, theirs, task, where)
        if not ours.startswith("text"):
            return values
        return [_joined(words) if isinstance(words, list) else words for words in values]
    parts = zip(*(_values(rows, one, task, where) for one in theirs), strict=True)
    return [list(part) for part in parts] if ours in JOINED_AS_LIST else [_joined(part) for part in parts]


def _unwritten(columns: Columns, where: Reading) -> Columns:
    """The columns that CSV holds as text though they are lists or tables: choices, answers, words with their tags."""
    fields = {
        ours: [text if text is None else written.value(text) for text in columns[ours]]
        for ours in ("choices", "answers")
        if _all_texts(columns.get(ours))
    }
    if _all_texts(columns.get("tokens")) and _all_texts(columns.get("tags")):
        fields |= _words_and_tags(columns, where)
    return fields


def _words_and_tags(columns: Columns, where: Reading) -> Columns:
    for ours in ("tokens", "tags"):
        for row, cell in where.numbered(columns[ours]):
            if cell is None:
                raise UserError(f"{where}: row {row}: {ours} is empty. Correct the file or the task")
    try:
        lists = {ours: written.lists(where.numbered(columns[ours])) for ours in ("tokens", "tags")}
    except ValueError as error:
        raise UserError(f"{where}: {error}") from None
    for row, (words, tags) in where.numbered(zip(*lists.values(), strict=True)):
        if len(words) != len(tags):
            count = f"row {row} has {len(words)} tokens but {len(tags)} tags"
            raise UserError(f"{where}: {count}; write both as {written.EXPECTED}")
    return lists


def _all_texts(values: list | None) -> bool:
    """Whether all that is not missing is text, as in CSV, where an empty cell is missing."""
    kinds = {type(value) for value in values or ()}
    return str in kinds and kinds <= {str, type(None)}


def _joined(texts: Iterable[str | None]) -> Any:
    """One text; what is no text stays as it is, to be refused with its row."""
    texts = list(texts)
    if strange := [text for text in texts if not isinstance(text, str | None)]:
        return strange[0]
    return " ".join(text.strip() for text in texts if text and text.strip())


def _values(rows: datasets.Dataset, path: str, task: Task, where: Reading) -> list:
    """The values of a column, or of a field of its tables such as `question.stem`; None where a table is missing."""
    top, *below = path.split(".")
    values = rows[top][:]
    for name in below:
        for row, table in where.numbered(values):
            if not (table is None or isinstance(table, dict) and name in table):
                have = f"it has {', '.join(table)}" if isinstance(table, dict) else f"{table!r:.40} is no table"
                raise UserError(f"{where}: row {row}: missing column {path}: {have}. Correct the file or the task")
        values = [table and table[name] for table in values]
    words = task.words.get(path)
    return [words.get(value, value) if isinstance(value, str) else value for value in values] if words else values
