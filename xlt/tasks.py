"""The tasks, declared in tasks.yaml: where the records are, what the columns mean, how they are scored.

A task of the user is declared in the same words, in a params file under `tasks:`, and is then a task like any
other. Nothing here knows about models or files; `xlt.sources` reads records by these declarations.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from xlt.errors import UserError, unknown
from xlt.languages import language

CLASSIFICATION, TAGGING, SPAN, CHOICE = "classification", "tagging", "span", "choice"
RETRIEVAL, MLM = "retrieval", "mlm"

# family -> our columns (a task names theirs where they differ), and its usual metrics, the main one first
FAMILIES: dict[str, tuple[dict[str, str], tuple[str, ...]]] = {
    CLASSIFICATION: ({"text_a": "text_a", "text_b": "text_b", "label": "label"}, ("accuracy",)),
    TAGGING: ({"tokens": "tokens", "tags": "tags"}, ("token_accuracy",)),
    SPAN: ({"id": "id", "context": "context", "question": "question", "answers": "answers"}, ("f1", "exact_match")),
    CHOICE: ({"prompt": "prompt", "choices": "choices", "label": "label"}, ("accuracy",)),
    RETRIEVAL: (
        {"source": "source_sentence", "target": "target_sentence"}, ("accuracy_en_to_xx", "accuracy_xx_to_en"),
    ),
    MLM: ({"text": "text"}, ()),
}  # fmt: skip
HEADLESS = (RETRIEVAL,)  # evaluated on the encoder as it is


def _words(value: Any) -> Any:
    """ "en ar no" is a list of words: short to write, and `no` stays a language (YAML reads it as false)."""
    if isinstance(value, str):
        return tuple(value.split())
    return tuple("no" if item is False else item for item in value) if isinstance(value, list) else value


Words = Annotated[tuple[str, ...], BeforeValidator(_words)]


class Task(BaseModel):
    """One declared task.

    columns     ours: theirs. Theirs may be a path into a nested column ("choices.text") or a list: of texts they
                are joined by a space, of `choices` they are the choices.
    config      with {code}, {name}, {iso3} from the language table, {lower} for the name in lower case
    labels      names in the order of their numbers; of a label column that holds text, the texts in that order.
                Left out: for tagging the names that the training file gives.
    drop        labels whose rows are left out (SNLI's -1: no gold)
    words       column: {value: text} replaces values by text before columns are joined (COPA's cause/effect)
    prefix      column: beginning, with the same fields as config; other rows are of other languages (TyDiQA)
    trains_on   the task whose English training split this target is trained on (MNLI for XNLI, as in XTREME)
    parts       the tasks whose training splits this one joins (ANLI+)
    rows        split: number of rows of the public data set, or of each language; checked where records come from it
    xtreme_r    languages that XTREME-R adds to, or has instead of, `languages`
    version     raised when scores can change
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    family: Literal["classification", "tagging", "span", "choice", "retrieval", "mlm"]
    role: Literal["intermediate", "target", "pretraining", "training"] = "target"
    dataset: str = ""
    config: str = "default"
    columns: Mapping[str, str | list[str]] = {}
    languages: Words = ("en",)
    licence: str = "not stated"
    metrics: Words = ()
    splits: Mapping[str, str] = {"train": "train", "dev": "validation", "test": "test"}
    labels: tuple[str, ...] = ()
    drop: tuple[int, ...] = ()
    words: Mapping[str, Mapping[str, str]] = {}
    prefix: Mapping[str, str] = {}
    trains_on: str | None = None
    parts: Words = ()
    rows: Mapping[str, int | Mapping[str, int]] = {}
    xtreme_r: Words = ()
    note: str = ""
    version: int = Field(1, ge=1)

    def model_post_init(self, _: Any) -> None:
        columns, metrics = FAMILIES[self.family]
        object.__setattr__(self, "columns", {**columns, **self.columns})
        object.__setattr__(self, "metrics", self.metrics or metrics)

    def filled(self, text: str, code: str) -> str:
        row = language(code)
        return text.format(code=row.code, name=row.name, iso3=row.iso3, lower=row.name.lower())

    def config_for(self, code: str) -> str:
        return self.filled(self.config, code)

    @property
    def multilingual(self) -> bool:
        """Whether each language has records of its own here."""
        return "{" in self.config or any("{" in text for text in self.prefix.values())

    @property
    def training(self) -> Task:
        """The task whose training split this one uses."""
        return get(self.trains_on) if self.trains_on else self

    @cached_property
    def definition(self) -> dict[str, Any]:
        """What of a user's declaration decides results; () for the declared tasks, whose `version` says it."""
        if TASKS.get(self.name) is self and self.name in DECLARED:
            return {}
        decides = {"family", "columns", "labels", "drop", "words", "prefix", "parts", "splits"}
        return self.model_dump(mode="json", include=decides)


def parse(name: str, fields: Any, where: str) -> Task:
    """A task from its declaration.

    Raises:
        UserError: an unknown or missing field, family or column, or a value of the wrong type.
    """
    try:
        task = Task(name=name, **fields)
    except (ValidationError, TypeError) as error:
        raise UserError(f"{where}: task {name}: {_complaint(error)}") from None
    known, _ = FAMILIES[task.family]
    for column in task.columns:
        if column not in known:
            raise unknown("column", column, known, f"{where}: task {name}, family {task.family}")
    if not (task.dataset or task.parts):
        raise UserError(f"{where}: task {name}: give dataset: a hub id or the path of a folder")
    if task.family == CLASSIFICATION and not task.labels:
        raise UserError(f"{where}: task {name}: give labels: their names, in the order of their numbers")
    for code in (*task.languages, *task.xtreme_r):
        language(code)
    return task


def _complaint(error: Exception) -> str:
    if not isinstance(error, ValidationError):
        return "is no table of settings"
    first = error.errors()[0]
    path = ".".join(map(str, first["loc"]))
    if first["type"] == "extra_forbidden":
        return str(unknown("setting", path, [name for name in Task.model_fields if name != "name"]))
    return f"{path}: {first['msg'].lower()}" + ("" if first["type"] == "missing" else f", got {first['input']!r}")


def _declared() -> dict[str, Task]:
    path = Path(__file__).with_name("tasks.yaml")
    return {name: parse(name, fields, path.name) for name, fields in yaml.safe_load(path.read_text("utf-8")).items()}


TASKS: dict[str, Task] = _declared()
DECLARED = frozenset(TASKS)


def add(tasks: Iterable[Task]) -> None:
    """Make the user's tasks known; saying the same again changes nothing.

    Raises:
        UserError: the name is that of another task; or `trains_on` or `parts` names one that is not known.
    """
    tasks = list(tasks)
    for task in tasks:
        if task.name in DECLARED or TASKS.get(task.name, task) != task:
            raise UserError(f"task {task.name}: there is another task of this name; choose another name")
        TASKS[task.name] = task
    for task in tasks:
        for other in filter(None, (task.trains_on, *task.parts)):
            if get(other).family != task.family:
                raise UserError(f"task {task.name} is of family {task.family}, but {other} is not; use one family")


def get(name: str) -> Task:
    """The task `name`.

    Raises:
        UserError: no such task; says which names are near.
    """
    if name not in TASKS:
        raise unknown("task", name, TASKS)
    return TASKS[name]
