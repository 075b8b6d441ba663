"""Rows as they lie in a data set -> records with our columns, checked. What is wrong is said with file and row.

Nothing is dropped in silence: only rows that a task's declaration leaves out (`drop`, `prefix`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import datasets

from xlt import tasks
from xlt.errors import UserError
from xlt.tasks import Task

JOINED_AS_LIST = ("choices",)
Columns = dict[str, list]


def version(task: Task) -> dict[str, int]:
    """What of the reading belongs to the key of records: labels that are figures were once read as places from 0."""
    figures = any(name.lstrip("-").isdecimal() and name != str(i) for i, name in enumerate(task.labels))
    return {"labels": 2} if task.definition and figures else {}


def canonical(rows: datasets.Dataset, task: Task, code: str, where: str) -> datasets.Dataset:
    """`rows` with the columns of the task's family, in the order of the file.

    Raises:
        UserError: empty; a missing column; a value that is not there; a label outside the declared set; tags that
            do not match the tokens; an answer that is not in its context; blank lines in a bitext; doubled ids of
            questions or of what is searched.
    """
    rows = _of_language(_present(rows, task, where), task, code, where)
    labels = _labels(rows, task, where)
    columns = {
        ours: labels if ours in ("label", "tags") else _column(rows, theirs, task, ours)
        for ours, theirs in task.columns.items()
    }
    _CHECKS[task.family](columns, task, where)
    return datasets.Dataset.from_dict(_kept(columns, task) if task.drop else columns)


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
        values = _values(rows, theirs, task)
        words = ours.startswith("text") and values and isinstance(values[0], list)
        return [_joined(tokens) for tokens in values] if words else values
    parts = zip(*(_values(rows, one, task) for one in theirs), strict=True)
    return [list(part) for part in parts] if ours in JOINED_AS_LIST else [_joined(part) for part in parts]


def _joined(texts: Iterable[str | None]) -> Any:
    """One text; what is no text stays as it is, to be refused with its row."""
    texts = list(texts)
    if strange := [text for text in texts if not isinstance(text, str | None)]:
        return strange[0]
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
    """Labels as numbers, None for one that the task drops: of a label that has a name, its place among the declared
    ones. The names of the file must be the declared ones, in whatever order."""
    path = task.columns.get("label") or task.columns.get("tags")
    if path is None:
        return None
    values, names = _values(rows, path, task), label_names(rows, task)
    if task.family == tasks.CHOICE:
        names = ()  # of choices, numbers count
    ours = {name for name in (_renamed(name, task) for name in names) if name not in task.drop}
    if ours and task.labels and ours != set(task.labels):
        declared = ", ".join(task.labels)
        raise UserError(f"{where}: labels are {', '.join(names)}, but task {task.name} declares {declared}")
    if task.family == tasks.TAGGING and not task.labels:
        tasks.check_tags(task, tuple(name for name in names if name not in task.drop), where)
    if task.family != tasks.TAGGING:
        number = {label: _number(label, task, names, where) for label in set(values)}
        return [number[label] for label in values]
    for row, tags in enumerate(values, start=1):
        if not isinstance(tags, list):
            lists = "; CSV has none, so write JSON lines or Parquet" if isinstance(tags, str) else ""
            raise UserError(f"{where}: row {row}: {path} is no list{lists}. Correct the file or the task")
    number = {label: _number(label, task, names, where) for label in {tag for tags in values for tag in tags}}
    return [[number[tag] for tag in tags] for tags in values]


def as_text(label: Any) -> str | None:
    """A label as it is written: a truth value as true or false, a whole number without a point; None if it is none."""
    if isinstance(label, bool):
        return str(label).lower()
    if isinstance(label, float) and label.is_integer():
        label = int(label)
    return str(label) if isinstance(label, str | int) else None


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


# what each family's records must be ---------------------------------------------------------------


def _filled(columns: Columns, names: Iterable[str], where: str, kind: type = str, what: str = "a text") -> None:
    for name in names:
        for row, value in enumerate(columns.get(name, ()), start=1):
            if not isinstance(value, kind):
                found = "empty" if value is None else f"{value!r}, not {what}"
                raise UserError(f"{where}: row {row}: {name} is {found}. Correct the file or the task")


def _written(columns: Columns, names: Iterable[str], where: str) -> None:
    for name in names:
        for row, text in enumerate(columns[name], start=1):
            if not (text or "").strip():
                raise UserError(f"{where}: row {row}: {name} is blank. Correct the file")


def _each_its_own(ids: list, where: str) -> None:
    first: dict = {}
    for row, key in enumerate(ids, start=1):
        if first.setdefault(key, row) != row:
            raise UserError(f"{where}: rows {first[key]} and {row} have the same id {key}; each needs its own")


def _classification(columns: Columns, task: Task, where: str) -> None:
    _filled(columns, ("text_a", "text_b"), where)


def _tagging(columns: Columns, task: Task, where: str) -> None:
    _filled(columns, ("tokens",), where, list, "a list of words")
    for row, (tokens, tags) in enumerate(zip(columns["tokens"], columns["tags"], strict=True), start=1):
        if len(tokens) != len(tags):
            raise UserError(f"{where}: row {row} has {len(tokens)} tokens but {len(tags)} tags. Correct the file")
        if not all(isinstance(token, str) for token in tokens):
            raise UserError(f"{where}: row {row}: a token is no text. Correct the file")


def _span(columns: Columns, task: Task, where: str) -> None:
    columns["id"] = [key if key is None else str(key) for key in columns["id"]]
    _filled(columns, ("id", "context", "question"), where)
    _filled(columns, ("answers",), where, dict, "a table of text and answer_start")
    _each_its_own(columns["id"], where)
    for key, context, answers in zip(columns["id"], columns["context"], columns["answers"], strict=True):
        texts, starts = answers.get("text"), answers.get("answer_start")
        if not (isinstance(texts, list) and isinstance(starts, list) and len(texts) == len(starts)):
            raise UserError(f"{where}: question {key}: answers must have lists text and answer_start of one length")
        for text, start in zip(texts, starts, strict=True):
            if context[start : start + len(text)] != text:
                raise UserError(
                    f"{where}: question {key}: the answer {text[:40]!r} is not in its context at {start}"
                    + _elsewhere(context, text, start)
                )


def _elsewhere(context: str, text: str, start: Any) -> str:
    """Where an answer does stand, and what the wrong offset may count instead of characters."""
    if text not in context:
        return ", nor anywhere else in it"
    at = context.index(text)
    before = context[:at]
    counted = {
        len(before.encode("utf-8", "surrogatepass")): "bytes of UTF-8",
        len(before.encode("utf-16-le", "surrogatepass")) // 2: "units of UTF-16",
        len(before.replace("\r\n", "\n")): "\\r\\n as one character",
    }
    return f" but at {at}{f'; offsets seem to count {counted[start]}' if start in counted else ''}"


def _choice(columns: Columns, task: Task, where: str) -> None:
    _filled(columns, ("prompt",), where)
    _filled(columns, ("choices",), where, list, "a list of choices")
    for row, (choices, label) in enumerate(zip(columns["choices"], columns["label"], strict=True), start=1):
        if not all(isinstance(choice, str) for choice in choices):
            raise UserError(f"{where}: row {row}: a choice is empty. Correct the file")
        if label is not None and label >= len(choices):
            raise UserError(f"{where}: row {row}: label {label} is none of its {len(choices)} choices (from 0)")


def _retrieval(columns: Columns, task: Task, where: str) -> None:
    _written(columns, ("source", "target"), where)


def _mining(columns: Columns, task: Task, where: str) -> None:
    _written(columns, ("source_id", "target_id"), where)


def _answers(columns: Columns, task: Task, where: str) -> None:
    _span(columns, task, where)
    _written(columns, ("question", "context"), where)
    for key, answers in zip(columns["id"], columns["answers"], strict=True):
        if not answers["text"]:
            raise UserError(f"{where}: question {key} has no answer, so no sentence is right. Leave it out of the file")


def _dual(columns: Columns, task: Task, where: str) -> None:
    _written(columns, ("query", "target"), where)


def _pool(columns: Columns, task: Task, where: str) -> None:
    _written(columns, ("id", "text"), where)
    _each_its_own(columns["id"], where)


def _text(columns: Columns, task: Task, where: str) -> None:
    _filled(columns, ("text",), where)


_CHECKS: dict[str, Callable[[Columns, Task, str], None]] = {
    tasks.CLASSIFICATION: _classification,
    tasks.TAGGING: _tagging,
    tasks.SPAN: _span,
    tasks.CHOICE: _choice,
    tasks.RETRIEVAL: _retrieval,
    tasks.MINING: _mining,
    tasks.ANSWERS: _answers,
    tasks.DUAL: _dual,
    tasks.POOL: _pool,
    tasks.MLM: _text,
}
