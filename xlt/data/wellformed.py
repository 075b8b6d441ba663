"""What the records of each family must be; what is wrong is said with file and row."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from xlt.core.errors import UserError
from xlt.data import squad
from xlt.data.reading import Reading
from xlt.spec import tasks
from xlt.spec.tasks import Task

Columns = dict[str, list]


def _filled(columns: Columns, names: Iterable[str], where: Reading, kind: type = str, what: str = "a text") -> None:
    for name in names:
        for row, value in where.numbered(columns.get(name, ())):
            if not isinstance(value, kind):
                content = "empty" if value is None else f"{value!r:.80}, not {what}"
                raise UserError(f"{where}: row {row}: {name} is {content}. Correct the file or the task")


def _written(columns: Columns, names: Iterable[str], where: Reading) -> None:
    for name in names:
        for row, text in where.numbered(columns[name]):
            if not isinstance(text, str | None):
                raise UserError(f"{where}: row {row}: {name} is {text!r:.40}, not a text. Correct the file or the task")
            if not (text or "").strip():
                raise UserError(f"{where}: row {row}: {name} is blank. Correct the file")


def _each_its_own(ids: list, where: Reading) -> None:
    for row, key in where.numbered(ids):
        if where.ids.setdefault(key, row) != row:
            raise UserError(f"{where}: rows {where.ids[key]} and {row} have the same id {key}; each needs its own")


def _classification(columns: Columns, task: Task, where: Reading) -> None:
    _filled(columns, ("text_a", "text_b"), where)


def _tagging(columns: Columns, task: Task, where: Reading) -> None:
    _filled(columns, ("tokens",), where, list, "a list of words")
    for row, (tokens, tags) in where.numbered(zip(columns["tokens"], columns["tags"], strict=True)):
        if len(tokens) != len(tags):
            raise UserError(f"{where}: row {row} has {len(tokens)} tokens but {len(tags)} tags. Correct the file")
        if not all(isinstance(token, str) for token in tokens):
            raise UserError(f"{where}: row {row}: a token is no text. Correct the file")


def _span(columns: Columns, task: Task, where: Reading) -> None:
    _questions(columns, where)
    if not task.unanswerable:
        mend = "leave it out of the file, or give the task metrics: squad2_f1 squad2_exact_match"
        _answered(columns, where, f"but {task.metrics[0]} needs one; {mend}")


def _questions(columns: Columns, where: Reading) -> None:
    columns.setdefault("id", [where.first + i for i in range(len(columns["question"]))])  # `id: null` in a task
    columns["id"] = [key if key is None else str(key) for key in columns["id"]]
    _filled(columns, ("id", "context", "question"), where)
    columns["answers"] = list(map(squad.answers, columns["answers"]))
    _filled(columns, ("answers",), where, dict, "a table of text and answer_start")
    _each_its_own(columns["id"], where)
    questions = zip(columns["id"], columns["context"], columns["answers"], strict=True)
    for row, (key, context, answers) in where.numbered(questions):
        if wrong := _wrong_answers(answers, context):
            raise UserError(f"{where}: row {row}: question {key}: {wrong}")


def _answered(columns: Columns, where: Reading, why: str) -> None:
    for row, (key, answers) in where.numbered(zip(columns["id"], columns["answers"], strict=True)):
        if not answers["text"]:
            raise UserError(f"{where}: row {row}: question {key} has no answer, {why}")


def _wrong_answers(answers: dict[str, Any], context: str) -> str | None:
    """What is wrong with the answers to a question, if anything is."""
    texts, starts = answers.get("text"), answers.get("answer_start")
    if not (isinstance(texts, list) and isinstance(starts, list) and len(texts) == len(starts)):
        return "answers must have lists text and answer_start of one length"
    for text, start in zip(texts, starts, strict=True):
        if not isinstance(text, str):
            return f"the text of an answer is {_shown(text)}. Correct the file"
        if type(start) is not int:
            return f"answer_start of {text[:40]!r} is {_shown(start)}, but must be a whole number. Correct the file"
        if context[start : start + len(text)] != text:
            return f"the answer {text[:40]!r} is not in its context at {start}{_elsewhere(context, text, start)}"
    return None


def _shown(value: Any) -> str:
    return "missing" if value is None else f"{value!r:.40}"


def _elsewhere(context: str, text: str, start: int) -> str:
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


def _choice(columns: Columns, task: Task, where: Reading) -> None:
    _filled(columns, ("prompt",), where)
    _filled(columns, ("choices",), where, list, "a list of choices")
    for row, (choices, label) in where.numbered(zip(columns["choices"], columns["label"], strict=True)):
        if not all(isinstance(choice, str) for choice in choices):
            raise UserError(f"{where}: row {row}: a choice is empty. Correct the file")
        if label is not None and label >= len(choices):
            raise UserError(f"{where}: row {row}: label {label} is none of its {len(choices)} choices (from 0)")


def _retrieval(columns: Columns, task: Task, where: Reading) -> None:
    _written(columns, ("source", "target"), where)


def _mining(columns: Columns, task: Task, where: Reading) -> None:
    _written(columns, ("source_id", "target_id"), where)


def _answers(columns: Columns, task: Task, where: Reading) -> None:
    _questions(columns, where)
    _written(columns, ("question", "context"), where)
    _answered(columns, where, "so no sentence is right. Leave it out of the file")


def _dual(columns: Columns, task: Task, where: Reading) -> None:
    _written(columns, ("query", "target"), where)


def _pool(columns: Columns, task: Task, where: Reading) -> None:
    _written(columns, ("id", "text"), where)
    _each_its_own(columns["id"], where)


def _text(columns: Columns, task: Task, where: Reading) -> None:
    _filled(columns, ("text",), where)


CHECKS: dict[str, Callable[[Columns, Task, Reading], None]] = {
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
