"""References as the task's own records: a file in the columns of its declaration, read as runs read them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xlt import scorefiles, scorelines, tasks
from xlt.errors import UserError
from xlt.scorefiles import NotTheForm, Record
from xlt.tasks import Task

if TYPE_CHECKING:
    from datasets import Dataset

Names = tuple[str, ...]


def _named(row: dict, names: Names) -> dict[str, Any]:
    return {"label": names[row["label"]]}


def _tags(row: dict, names: Names) -> dict[str, Any]:
    return {"tokens": row["tokens"], "tags": [names[tag] if names else tag for tag in row["tags"]]}


_FIELDS: dict[str, Callable[[dict, Names], dict[str, Any]]] = {  # our columns -> the fields of xlt.score
    tasks.CLASSIFICATION: _named,
    tasks.CHOICE: lambda row, _: {"choice": row["label"]},
    tasks.TAGGING: _tags,
    tasks.SPAN: lambda row, _: {"answers": row["answers"]["text"]},
    tasks.RETRIEVAL: lambda row, _: {"source": row["source"], "target": row["target"]},
    tasks.MINING: lambda row, _: {"source": row["source_id"], "target": row["target_id"]},
}


def own(path: Path, task: Task, field: str) -> bool:
    """Whether the file holds records of the task: it is Parquet, or has all columns that the task names.

    Lines that have an id and `field` are references already, but for tasks of the user's own with labels, as the
    declaration says how these are written.
    """
    if path.suffix == ".parquet":
        return True
    if task.family not in _FIELDS:
        return False
    text = scorefiles.text_of(path)
    if scorefiles.is_json(text):
        records = scorefiles.from_json(text, path, field)
        names = set(records[0].fields) if records else set()
        if _ready(names, task, field):
            return False
    else:
        names = set(scorelines.header(text, path))
    return _columns(task) <= names


def read(path: Path, task: Task, code: str) -> tuple[list[Record], int]:
    """The records of the language `code`, and how many there are of others, or that the declaration leaves out.

    Raises:
        UserError: what `xlt.records.canonical` says of the records of a run.
    """
    from xlt.records import canonical, label_names  # bring `datasets` along

    if task.family not in _FIELDS:
        raise NotTheForm(f"{path}: the records of a {task.family} task hold no references")
    task, raw = task.at(code), _rows(path)
    told = "id" in raw.column_names
    columns = {**task.columns, **({"id": "id"} if told and "id" not in task.columns else {})}
    rows = canonical(raw, task.model_copy(update={"columns": columns}), code, str(path))
    names = task.labels
    if not names and task.family in (tasks.CLASSIFICATION, tasks.TAGGING):
        names = tuple(name for name in label_names(raw, task) if name not in task.drop)
    ids = rows["id"] if "id" in rows.column_names else raw["id"] if told and len(rows) == len(raw) else None
    found = []
    for number, row in enumerate(rows):
        fields = _FIELDS[task.family](row, names)
        found.append(Record(f"{path}, row {number + 1}", fields if ids is None else {"id": ids[number], **fields}))
    return found, len(raw) - len(rows)


def _ready(names: set[str], task: Task, field: str) -> bool:
    """Whether these are the fields of references, so that no declaration is needed to read them."""
    if task.family == tasks.RETRIEVAL or (task.definition and task.labels):
        return False
    return {field} | ({"id"} if task.family != tasks.MINING else set()) <= names


def _columns(task: Task) -> set[str]:
    named = [[theirs] if isinstance(theirs, str) else theirs for theirs in task.columns.values()]
    return {path.partition(".")[0] for several in named for path in several}


def _rows(path: Path) -> Dataset:
    import pyarrow as pa
    import pyarrow.parquet as pq
    from datasets import Dataset

    from xlt import textfiles

    try:
        if path.suffix == ".parquet":
            return Dataset(pq.read_table(path))
        json = scorefiles.is_json(scorefiles.text_of(path))
        options = {} if path.suffix == ".csv" or json else {"sep": "\t"}
        return Dataset(textfiles.table(path, "json" if json else "csv", options))
    except OSError as error:
        raise UserError(f"{path}: {error.strerror or error}; give a file of references") from None
    except (ValueError, pa.ArrowInvalid) as error:
        raise UserError(f"{path}: {' '.join(str(error).split())}") from None
