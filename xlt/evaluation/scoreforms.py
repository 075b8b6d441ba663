"""What a prediction and a reference of each family hold, and how their values are read (see xlt.evaluation.score)."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from xlt.core.errors import UserError
from xlt.evaluation.scorefiles import NotTheForm, Record, as_id, get, shown, some
from xlt.spec import tasks
from xlt.spec.tasks import Task

_LARGEST = sys.float_info.max


class RecordForm(NamedTuple):
    """The field of a reference and of a prediction, and how each is read."""

    gold: str
    predicted: str
    read_gold: Callable[[Any, Task], Any]
    read_predicted: Callable[[Any, Task], Any]


class _Wrong(ValueError):
    def __init__(self, value: Any, should: str) -> None:
        super().__init__(f"{shown(value)} should be {should}")


def form(task: Task, metric: str) -> RecordForm:
    return FORMS.get(metric) or FORMS[task.family]


def read_value(record: Record, field: str, reader: Callable[[Any, Task], Any], task: Task) -> Any:
    """
    Raises:
        NotTheForm: no such field, or not what it should be; with file and line.
    """
    value = get(record, field)
    try:
        return reader(value, task)
    except _Wrong as wrong:
        raise NotTheForm(f"{record.where}: {field}: {wrong}") from None


def number(value: Any, _: Task) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not -_LARGEST <= value <= _LARGEST:
        raise _Wrong(value, "a finite number")  # JSON's 1e999 is read as infinity
    return float(value)


def _label(value: Any, task: Task) -> int | str:
    """The number of a label; where the task declares none, the label as text."""
    names, text = task.labels, as_id(value)
    if text is None:
        raise _Wrong(value, "the name or the number of a label")
    if not names:
        return text
    if value in names:
        return names.index(value)
    if isinstance(value, str) or not 0 <= value < len(names):
        raise _Wrong(value, f"one of {some(names, 'label')} or its number from 0")
    if text in names and names.index(text) != value:
        raise _Wrong(value, f'a string, "{text}", as the labels are figures and do not count from 0')
    return value


def _tags(value: Any, task: Task) -> list[str | None]:
    if not isinstance(value, list):
        raise _Wrong(value, "a list of tags")
    tags = [None if tag is None else _label(tag, task) for tag in value]
    return [task.labels[tag] if isinstance(tag, int) else tag for tag in tags]


def _gold_tags(value: Any, task: Task) -> list[str]:
    tags = _tags(value, task)
    if None in tags:
        raise _Wrong(value, "a tag for every token")
    return tags


def string(value: Any, _: Task) -> str:
    if not isinstance(value, str):
        raise _Wrong(value, "a text")
    return value


def _answers(value: Any, task: Task) -> list[str]:
    texts = value.get("text") if isinstance(value, dict) else value  # {"text": [...]} as in the hub's data sets
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise _Wrong(value, "a list of texts")
    if not texts and not task.unanswerable:
        raise _Wrong(value, f"one text at least: {task.name} has no questions without an answer")
    return texts


def _id(value: Any, _: Task) -> str:
    if (text := as_id(value)) is None:
        raise _Wrong(value, "an id, a string or a whole number")
    return text


def _ids(value: Any, task: Task) -> list[str]:
    if not isinstance(value, list):
        raise _Wrong(value, "a list of ids")
    return [_id(item, task) for item in value]


def _right_ids(value: Any, task: Task) -> list[str]:
    if not (ids := _ids(value, task)):
        raise _Wrong(value, "one id at least")
    return ids


def _or_none(reader: Callable[[Any, Task], Any]) -> Callable[[Any, Task], Any]:
    """null is a prediction like any other: a wrong one."""
    return lambda value, task: None if value is None else reader(value, task)


FORMS: dict[str, RecordForm] = {  # by family, or by metric
    tasks.CLASSIFICATION: RecordForm("label", "label", _label, _or_none(_label)),
    tasks.CHOICE: RecordForm("choice", "choice", _label, _or_none(_label)),
    tasks.TAGGING: RecordForm("tags", "tags", _gold_tags, _or_none(_tags)),
    tasks.SPAN: RecordForm("answers", "answer", _answers, _or_none(string)),
    tasks.MINING: RecordForm("source", "source", _id, _id),
    "accuracy_en_to_xx": RecordForm("id", "en_to_xx", _id, _or_none(_id)),
    "accuracy_xx_to_en": RecordForm("id", "xx_to_en", _id, _or_none(_id)),
    "map_at_20": RecordForm("relevant", "ranking", _right_ids, _or_none(_ids)),
}


@contextmanager
def form_shown(task: Task, side: str) -> Iterator[None]:
    """Where `side` ("references" or "predictions") is not in its form, an example line of the form is said, too."""
    try:
        yield
    except NotTheForm as error:
        raise UserError(f"{error}; {side} of {task.name}: {_example(task, side)}") from None


_EXAMPLES: dict[str, dict[str, str]] = {  # by family, or by metric
    tasks.CLASSIFICATION: dict.fromkeys(
        ("references", "predictions"), '{"id": "q1", "label": "LABEL"}, or LABEL alone in each line, or q1<tab>LABEL'
    ),
    tasks.CHOICE: dict.fromkeys(("references", "predictions"), '{"id": "q1", "choice": 0}, or 0 alone in each line'),
    tasks.TAGGING: dict.fromkeys(
        ("references", "predictions"),
        '{"id": "s1", "tags": ["LABEL"]}, or WORD<tab>LABEL in each line and a blank one between sentences',
    ),
    tasks.SPAN: {
        "references": """{"id": "q1", "answers": ["a text"]}, or SQuAD's JSON in a file .json""",
        "predictions": '{"id": "q1", "answer": "a text"}, or {"q1": "a text"} for all in a file .json',
    },
    tasks.RETRIEVAL: {
        "references": '{"id": "7"}, or the number of the sentence in each line, from 0',
        "predictions": '{"id": "7", "en_to_xx": "7", "xx_to_en": "7"}, or in each line the number, from 0, of what the '
        "English sentence finds",
    },
    tasks.MINING: {
        "references": '{"source": "de-1", "target": "en-1"}, or de-1<tab>en-1',
        "predictions": '{"source": "de-1", "target": "en-1", "score": 1.2}, or de-1<tab>en-1<tab>1.2',
    },
    "map_at_20": {
        "references": '{"id": "q1", "relevant": ["s1"]}',
        "predictions": '{"id": "q1", "ranking": ["s1", "s2"]}',
    },
}


def _example(task: Task, side: str) -> str:
    text = (_EXAMPLES.get(task.metrics[0]) or _EXAMPLES[task.family])[side]
    return f"a line is {text.replace('LABEL', task.labels[0] if task.labels else 'NAME')}"
