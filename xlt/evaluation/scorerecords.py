"""References as the task's own records: a file in the columns of its declaration, read as runs read them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xlt.core.text import counted
from xlt.data import delimited
from xlt.evaluation import scorefiles
from xlt.evaluation.scorefiles import NotTheForm, Record
from xlt.spec import tasks
from xlt.spec.tasks import Task

if TYPE_CHECKING:
    from datasets import Dataset

Names = tuple[str, ...]
_BY_NAME = (".parquet", ".arrow", ".conll", ".conllu", ".conllup")  # files that are no references but as records


def _named(row: dict, names: Names) -> dict[str, Any]:
    return {"label": names[row["label"]]}


def _tags(row: dict, names: Names) -> dict[str, Any]:
    return {"tokens": row["tokens"], "tags": [names[tag] if names else tag for tag in row["tags"]]}


_FIELDS: dict[str, Callable[[dict, Names], dict[str, Any]]] = {  # our columns -> the fields of xlt.evaluation.score
    tasks.CLASSIFICATION: _named,
    tasks.CHOICE: lambda row, _: {"choice": row["label"]},
    tasks.TAGGING: _tags,
    tasks.SPAN: lambda row, _: {"answers": row["answers"]["text"]},
    tasks.RETRIEVAL: lambda row, _: {"source": row["source"], "target": row["target"]},
    tasks.MINING: lambda row, _: {"source": row["source_id"], "target": row["target_id"]},
}


def own(path: Path, task: Task, field: str) -> bool:
    """Whether the file holds records of the task: its name says so, or it has all columns that the task names.

    Lines that have an id and `field` are references already, but for tasks of the user's own with labels, as the
    declaration says how these are written.
    """
    if scorefiles.ending(path) in _BY_NAME and path.is_file():
        return True
    if task.family not in _FIELDS:
        return False
    text = scorefiles.text_of(path)
    if not scorefiles.is_json(text):
        return _wanted(task) <= _header(path, text, task)
    records = scorefiles.from_json(text, path, field)
    names = set(records[0].fields) if records else set()
    return not _ready(names, task, field) and _wanted(task) <= names


def _ready(names: set[str], task: Task, field: str) -> bool:
    """Whether these are the fields of references, so that no declaration is needed to read them."""
    if task.family == tasks.RETRIEVAL or (task.definition and task.labels):
        return False
    return {field} | ({"id"} if task.family != tasks.MINING else set()) <= names


def _wanted(task: Task) -> set[str]:
    from xlt.data.records import want  # brings `datasets` along

    return set(want(task).columns) - set(task.prefix)


def _header(path: Path, text: str, task: Task) -> set[str]:
    """The names of a table's columns: those that the task gives them, or those in the first line."""
    options = {"sep": "," if scorefiles.ending(path) == ".csv" else "\t"} | dict(task.read.options)
    return set(options.get("names") or delimited.header(text, delimited.fitting(text, options, _wanted(task))))


def read(path: Path, task: Task, code: str) -> tuple[list[Record], list[str]]:
    """The records of the language `code`, and what is to be said of them: how many are left out, what reading loses.

    Raises:
        NotTheForm: a file that cannot be read, or a task whose records hold no references.
        UserError: what `xlt.data.records.canonical` says of the records of a run.
    """
    from xlt.data.records import canonical, label_names  # bring `datasets` along

    if task.family not in _FIELDS:
        raise NotTheForm(f"{path}: the records of a {task.family} task hold no references")
    task = task.at(code)
    raw, losses = _rows(path, task)
    has_ids = "id" in raw.column_names
    columns = dict(task.columns)
    if task.family == tasks.TAGGING and not _wanted(task) <= set(raw.column_names):
        columns = {"tokens": "tokens", "tags": "tags"}  # as a file in columns has them
    task = task.model_copy(update={"columns": columns | ({"id": "id"} if has_ids and "id" not in columns else {})})
    rows = canonical(raw, task, code, str(path))
    names = task.labels
    if not names and task.family in (tasks.CLASSIFICATION, tasks.TAGGING):
        names = tuple(name for name in label_names(raw, task) if name not in task.drop)
    ids = rows["id"] if "id" in rows.column_names else raw["id"] if has_ids and len(rows) == len(raw) else None
    records = []
    for number, row in enumerate(rows):
        fields = _FIELDS[task.family](row, names)
        records.append(Record(f"{path}, row {number + 1}", fields if ids is None else {"id": ids[number], **fields}))
    notes = [f"{path}: {loss}" for loss in losses]
    if others := len(raw) - len(rows):
        notes.append(f"{path}: {counted(others, 'record')} of other languages, or that the task drops, left out")
    return records, notes


def _rows(path: Path, task: Task) -> tuple[Dataset, list[str]]:
    """The rows as they lie there, and what a reader should know of how they were read."""
    from xlt.data import prepared
    from xlt.data.layout import Folder, Layout, reader_of
    from xlt.data.records import want

    place = Folder(path.parent, str(path.parent))
    json = scorefiles.ending(path) not in _BY_NAME and scorefiles.is_json(scorefiles.text_of(path))
    reader, options = ("json", ()) if json else reader_of(path.name) or ("csv", (("sep", "\t"),))
    layout = Layout({}, reader, dict(options))
    try:
        return prepared.rows(place, [path.name], layout, want(task))
    except prepared.Unreadable as error:
        raise NotTheForm(f"{path}: {error.reason}") from None
