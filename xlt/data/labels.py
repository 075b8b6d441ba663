"""Labels as they are written in a file -> their numbers among the labels that a task declares."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from xlt.core.errors import UserError
from xlt.data.reading import Reading
from xlt.data.written import EXPECTED
from xlt.spec import declaration, tasks
from xlt.spec.tasks import Task


def version(task: Task) -> dict[str, int]:
    """What of the reading belongs to the key of records: labels that are figures were once read as places from 0."""
    figures = any(name.lstrip("-").isdecimal() and name != str(i) for i, name in enumerate(task.labels))
    return {"labels": 2} if task.definition and figures else {}


def numbers(values: list, names: tuple[str, ...], task: Task, where: Reading) -> list:
    """Labels as numbers, None for one that the task drops: of a label that has a name, its place among the declared
    ones. The `names` that the file gives (none: empty) must be the declared ones, in whatever order.

    Raises:
        UserError: other names than the declared ones; a label that is none of them; tags that are no lists.
    """
    path = task.columns.get("label") or task.columns["tags"]
    if task.family == tasks.CHOICE:
        names = ()  # of choices, numbers count
    ours = {name for name in (_renamed(name, task) for name in names) if name not in task.drop}
    if ours and task.labels and ours != set(task.labels):
        declared = ", ".join(task.labels)
        raise UserError(f"{where}: labels are {', '.join(names)}, but task {task.name} declares {declared}")
    if task.family == tasks.TAGGING and not task.labels:
        declaration.check_tags(task, tuple(name for name in names if name not in task.drop), str(where))
    several = task.family == tasks.TAGGING
    for row, tags in where.numbered(values if several else ()):
        if not isinstance(tags, list):
            lists = f"; write tags, and tokens too, as {EXPECTED}" if isinstance(tags, str) else ""
            raise UserError(f"{where}: row {row}: {path} is no list{lists}. Correct the file or the task")
    rows = values if several else [[label] for label in values]
    first = _first_rows(where.numbered(rows), where)
    number = {label: _number(label, task, names, f"{where}: row {row}") for label, row in first.items()}
    return [[number[tag] for tag in tags] for tags in values] if several else [number[label] for label in values]


def _first_rows(rows: Iterable[tuple[int, list]], where: Reading) -> dict[Any, int]:
    """Label -> the first row that has it, in the order of the file.

    Raises:
        UserError: a list or a table stands where a label should.
    """
    first: dict[Any, int] = {}
    for row, labels in rows:
        for label in labels:
            if isinstance(label, list | dict):
                kind = "a list" if isinstance(label, list) else "a table"
                raise UserError(f"{where}: row {row}: label {label!r:.40} is {kind}, not one label. Correct the file")
            first.setdefault(label, row)
    return first


def as_text(label: Any) -> str | None:
    """A label as it is written: a truth value as true or false, a whole number without a point; None if it is none."""
    if isinstance(label, bool):
        return str(label).lower()
    if isinstance(label, float) and label.is_integer():
        label = int(label)
    return str(label) if isinstance(label, str | int) else None


def written(values: list, names: tuple[str, ...]) -> set[str]:
    """The labels as the file writes them, and the parts of those that are joined by a plus sign."""
    flat = names or [tag for tags in values for tag in (tags if isinstance(tags, list) else [tags])]
    return {part for label in map(as_text, set(flat)) if label for part in (label, *label.split("+"))}


def _renamed(label: str, task: Task) -> str:
    parts = label.split("+")
    return next((ours for theirs, ours in task.relabel.items() if theirs == label or theirs in parts), label)


def _number(label: Any, task: Task, names: tuple[str, ...], where: str) -> int | None:
    """The number of a label, None if it is dropped.

    A file that names its labels has numbers for them. Elsewhere a label is what is written, figures too: of the labels
    1, 2, 3 the first is 1. Only where no declared label is a figure does a figure count places from 0.
    """
    declared = task.labels or tuple(name for name in names if name not in task.drop)
    text = as_text(label)
    if text is not None and text.isdecimal() and not isinstance(label, str) and int(text) < len(names):
        text = names[int(text)]
    if text in map(str, task.drop):
        return None
    if text is not None:
        ours = _renamed(text, task)
        if ours in declared:
            return declared.index(ours)
        same = [i for i, name in enumerate(declared) if name.lower() == ours.lower()]
        if same and ours.lower() in ("true", "false"):  # TRUE in CSV, true in JSON
            return same[0]
        figures = any(name.lstrip("-").isdecimal() for name in declared)
        place = int(text) if text.isdecimal() and not figures else -1
        if 0 <= place < (len(declared) or place + 1):
            return place
    allowed = f"0..{len(declared) - 1} ({', '.join(declared)})" if declared else "the whole numbers from 0"
    hint = f"; name it in labels of task {task.name}, or under relabel" if text and declared else ""
    raise UserError(f"{where}: label {label!r} is outside {allowed}{hint}")
