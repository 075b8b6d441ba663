"""Rows as they lie in a data set -> records with our columns, checked. What is wrong is said with file and row.

Nothing is dropped in silence: only rows that a task's declaration leaves out (`drop`, `prefix`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import datasets
import numpy as np

from xlt import tasks
from xlt.errors import UserError
from xlt.tasks import Task

JOINED_AS_LIST = ("choices",)
Columns = dict[str, list]


def canonical(rows: datasets.Dataset, task: Task, code: str, where: str) -> datasets.Dataset:
    """`rows` with the columns of the task's family, in the order of the file.

    Raises:
        UserError: empty; a missing column; a value that is not there; a label outside the declared set; tags that
            do not match the tokens; an answer that is not in its context; blank lines in a bitext.
    """
    rows = _of_language(_present(rows, task, where), task, code, where)
    labels = _labels(rows, task, where)
    columns = {
        ours: labels if ours in ("label", "tags") else _column(rows, theirs, task, ours)
        for ours, theirs in task.columns.items()
    }
    if task.drop:
        kept = np.flatnonzero([label not in task.drop for label in labels]).tolist()
        columns = {name: [values[i] for i in kept] for name, values in columns.items()}
    _CHECKS[task.family](columns, task, where)
    return datasets.Dataset.from_dict(columns)


def label_names(rows: datasets.Dataset, task: Task) -> tuple[str, ...]:
    """The names of labels that the file itself gives (none: empty)."""
    feature = rows.features[_top(task.columns.get("label") or task.columns["tags"])]
    return tuple(getattr(getattr(feature, "feature", feature), "names", None) or ())


def _top(path: Any) -> str:
    return path.split(".")[0]


def _present(rows: datasets.Dataset, task: Task, where: str) -> datasets.Dataset:
    wanted = [_top(p) for theirs in task.columns.values() for p in ([theirs] if isinstance(theirs, str) else theirs)]
    wanted += task.prefix
    missing = [column for column in dict.fromkeys(wanted) if column not in rows.column_names]
    if missing:
        have = ", ".join(rows.column_names)
        raise UserError(f"{where}: missing column {', '.join(missing)}; it has {have}. Correct the file or the task")
    if not len(rows):
        raise UserError(f"{where}: empty; fetch the file again")
    return rows


def _of_language(rows: datasets.Dataset, task: Task, code: str, where: str) -> datasets.Dataset:
    for column, beginning in task.prefix.items():
        beginning = task.filled(beginning, code)
        chosen = [i for i, value in enumerate(rows[column][:]) if str(value).startswith(beginning)]
        if not chosen:
            raise UserError(f"{where}: no row for language {code}: none has {column} beginning with {beginning!r}")
        rows = rows.select(chosen)
    return rows


def _column(rows: datasets.Dataset, theirs: str | list[str], task: Task, ours: str) -> list:
    if isinstance(theirs, str):
        return _values(rows, theirs, task)
    parts = zip(*(_values(rows, one, task) for one in theirs), strict=True)
    return [list(part) for part in parts] if ours in JOINED_AS_LIST else [_joined(part) for part in parts]


def _joined(texts: Iterable[str | None]) -> str:
    return " ".join(text.strip() for text in texts if text and text.strip())


def _values(rows: datasets.Dataset, path: str, task: Task) -> list:
    top, *below = path.split(".")
    values = rows[top][:]
    for name in below:
        values = [value[name] for value in values]
    words = task.words.get(path)
    return [words.get(value, value) for value in values] if words else values


# labels -----------------------------------------------------------------------------------------


def _labels(rows: datasets.Dataset, task: Task, where: str) -> list | None:
    """Labels as numbers: of text, its place among the declared ones; names of the file must be the declared ones."""
    path = task.columns.get("label") or task.columns.get("tags")
    if path is None:
        return None
    values, names = _values(rows, path, task), label_names(rows, task)
    if task.family == tasks.TAGGING and values and not isinstance(values[0], list):
        raise UserError(f"{where}: {path} is no list in each row. Correct the file or the task")
    if names and task.labels and names != task.labels and task.family != tasks.CHOICE:
        declared = ", ".join(task.labels)
        raise UserError(f"{where}: labels are {', '.join(names)}, but task {task.name} declares {declared}")
    flat = {label for tags in values for label in tags} if task.family == tasks.TAGGING else set(values)
    number = {label: _number(label, task, names, where) for label in flat}
    if task.family == tasks.TAGGING:
        return [[number[label] for label in tags] for tags in values]
    return [number[label] for label in values]


def _number(label: Any, task: Task, names: tuple[str, ...], where: str) -> int:
    declared = task.labels or names
    if isinstance(label, str) and label in declared:
        return declared.index(label)
    whole = isinstance(label, int) or (isinstance(label, float) and label.is_integer())
    if whole and (label in task.drop or label >= 0 and (not declared or label < len(declared))):
        return int(label)
    allowed = f"0..{len(declared) - 1} ({', '.join(declared)})" if declared else "the whole numbers from 0"
    raise UserError(f"{where}: label {label!r} is outside {allowed}")


# what each family's records must be ---------------------------------------------------------------


def _filled(columns: Columns, names: Iterable[str], where: str) -> None:
    for name in names:
        for row, value in enumerate(columns.get(name, ())):
            if value is None:
                raise UserError(f"{where}: row {row + 1}: {name} is empty. Correct the file")


def _classification(columns: Columns, task: Task, where: str) -> None:
    _filled(columns, ("text_a", "text_b"), where)


def _tagging(columns: Columns, task: Task, where: str) -> None:
    for row, (tokens, tags) in enumerate(zip(columns["tokens"], columns["tags"], strict=True)):
        if len(tokens) != len(tags):
            raise UserError(f"{where}: row {row + 1} has {len(tokens)} tokens but {len(tags)} tags. Correct the file")


def _span(columns: Columns, task: Task, where: str) -> None:
    _filled(columns, ("id", "context", "question", "answers"), where)
    for key, context, answers in zip(columns["id"], columns["context"], columns["answers"], strict=True):
        for text, start in zip(answers["text"], answers["answer_start"], strict=False):
            if context[start : start + len(text)] != text:
                raise UserError(f"{where}: question {key}: the answer {text[:40]!r} is not in its context at {start}")
        if len(answers["text"]) != len(answers["answer_start"]):
            raise UserError(f"{where}: question {key}: as many answer_start as texts of answers are needed")


def _choice(columns: Columns, task: Task, where: str) -> None:
    _filled(columns, ("prompt", "choices"), where)
    for row, (choices, label) in enumerate(zip(columns["choices"], columns["label"], strict=True)):
        if any(choice is None for choice in choices) or label >= len(choices):
            raise UserError(f"{where}: row {row + 1}: choice {label + 1} of {len(choices)} is right, or one is empty")


def _retrieval(columns: Columns, task: Task, where: str) -> None:
    for name in ("source", "target"):
        for row, text in enumerate(columns[name]):
            if not (text or "").strip():
                raise UserError(f"{where}: row {row + 1}: {name} is blank; the two sides must be sentences. Correct it")


def _text(columns: Columns, task: Task, where: str) -> None:
    _filled(columns, ("text",), where)


_CHECKS: dict[str, Callable[[Columns, Task, str], None]] = {
    tasks.CLASSIFICATION: _classification,
    tasks.TAGGING: _tagging,
    tasks.SPAN: _span,
    tasks.CHOICE: _choice,
    tasks.RETRIEVAL: _retrieval,
    tasks.MLM: _text,
}
