"""The tasks by name: those that tasks.yaml declares, and those that a user declares under `tasks:` of a params file.

A task of the user is a task like any other. Nothing here knows about models or records; `xlt.data.sources` reads
records by these declarations.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from xlt.core import paths
from xlt.core.errors import UserError, unknown
from xlt.core.files import read_yaml
from xlt.spec import declaration, settings
from xlt.spec.declaration import Declaration
from xlt.spec.families import (  # noqa: F401
    ANSWERS,
    CHOICE,
    CLASSIFICATION,
    DUAL,
    FAMILIES,
    HEADED,
    MINING,
    MLM,
    POOL,
    RETRIEVAL,
    SEARCHES,
    SPAN,
    TAGGING,
    Family,
)

NOT_ON_THE_HUB = "xlt/"  # ids of data sets that are converted from elsewhere, or the generated world's
FILTERED = "xlt/filtered-"  # ids of those that `xlt filter` makes
PARQUET = "refs/convert/parquet"  # the branch into which the hub converts what it can


class Task(Declaration):
    """A declared task among the others: what it trains on, and whether it needs a head."""

    @property
    def training(self) -> Task:
        """The task whose training split this one uses."""
        return get(self.trains_on) if self.trains_on else self

    @property
    def headless(self) -> bool:
        """Whether it is evaluated on the encoder as it is, with no target stage before."""
        return self.family in SEARCHES and "train" not in self.training.splits

    @property
    def test_set(self) -> str:
        """The task whose test records these are: itself, unless it has those of another one."""
        return self.records_of or self.clean or self.name

    def listed(self) -> dict[str, Any]:
        """What `xlt tasks` says of it, JSON-ready."""
        what = "name family role dataset parts trains_on languages xtreme_r licence citation metrics note"
        listed = self.model_dump(mode="json", include=set(what.split()))
        unread = sorted({place.dataset for place in (self, *map(self.at, self.elsewhere)) if place.unread})
        return listed | {"elsewhere": {code: self.at(code).dataset for code in self.elsewhere}, "unread": unread}

    @cached_property
    def definition(self) -> dict[str, Any]:
        """What of a user's declaration decides results; nothing for the declared tasks, whose `version` says it."""
        if self.name in DECLARED:
            return {}
        decides = {"family", "columns", "labels", "relabel", "drop", "words", "prefix", "parts", "splits", "read"}
        return self.model_dump(mode="json", include=decides, exclude_defaults=True)


def parse(name: str, fields: Any, where: str) -> Task:
    """A task from its declaration.

    Raises:
        UserError: a name that no file can have; an unknown or missing field, or a value of the wrong type; and what
            `declaration.check` finds.
    """
    paths.as_file_name(name, f"{where}: tasks")
    where = f"{where}: task {name}"
    try:
        task = Task(name=name, **fields)
        for code in task.elsewhere:
            task.at(code)
    except TypeError:
        raise UserError(f"{where}: is no table of settings") from None
    except ValidationError as error:
        raise UserError(f"{where}: {settings.in_words(error, Task)}") from None
    declaration.check(task, where)
    return task


def _declared() -> dict[str, Task]:
    path = Path(__file__).with_name("tasks.yaml")
    return {name: parse(name, fields, path.name) for name, fields in read_yaml(path).items()}


TASKS: dict[str, Task] = _declared()
DECLARED = frozenset(TASKS)


def add(tasks: Iterable[Task]) -> None:
    """Make the user's tasks known; saying the same again changes nothing.

    Raises:
        UserError: the name is that of another task; or `trains_on`, `parts`, `clean`, `rows_of` or `records_of` names
            one that is not known, or does not fit.
    """
    tasks = list(tasks)
    for task in tasks:
        if task.name in DECLARED or TASKS.get(task.name, task) != task:
            raise UserError(f"task {task.name}: there is another of this name; rename it, or restart if you changed it")
        TASKS[task.name] = task
    for task in tasks:
        get(task.test_set)  # of which nothing else has to fit: one set of records may be read for two families
        for other in map(get, filter(None, (task.trains_on, *task.parts, task.clean, task.rows_of))):
            if other.family != task.family:
                raise UserError(f"task {task.name} is of family {task.family}, but {other.name} is not; use one family")
            if task.labels and other.labels and task.labels != other.labels:
                theirs = ", ".join(other.labels)
                raise UserError(f"task {task.name}: labels are {', '.join(task.labels)}, but {other.name} has {theirs}")


def get(name: str) -> Task:
    """The task `name`.

    Raises:
        UserError: no such task; says which names are near.
    """
    if name not in TASKS:
        raise unknown("task", name, TASKS)
    return TASKS[name]
