"""The data sets behind the results of a profile: where their records come from, under which licence, whom to cite.

This is asked task by task, because one profile may mix sources: the generated world with tasks of the user's own, or a
folder in hub layout with the hub for what it lacks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

import pandas as pd

from xlt.data.pools import language_of
from xlt.data.sources import WORLD, Source
from xlt.lab.jobs import Split
from xlt.spec import tasks
from xlt.spec.tasks import Task

if TYPE_CHECKING:
    from xlt.spec.profile import Profile

CAPTION = "The data sets that were trained on or evaluated, as their tasks declare them."
_COLUMNS = ["data set", "tasks", "records", "licence", "citation"]


class DataSet(NamedTuple):
    name: str
    records: str  # where they come from
    licence: str
    citation: str


def records(source: Source, task: Task, code: str) -> str:
    """Where the records of a task in one language come from, in words; of a user's folder its name alone."""
    task = task.at(code)
    if task.own:
        return f"the folder {task.called}"
    return str(source) if source.local(task, code, "test") else "the hub"


def data_set(source: Source, task: Task, code: str) -> DataSet:
    task, where = task.at(code), records(source, task, code)
    if where == WORLD:
        return DataSet(WORLD, where, "that of this repository", "CITATION.cff of this repository")
    return DataSet(task.called, where, task.licence, task.citation)


def used(profile: Profile) -> list[str]:
    """The tasks that a profile trains or tests, pretraining aside."""
    learned = [part.task for stage in profile.phases for part in stage.parts]
    return list(dict.fromkeys([*learned, *profile.target, *profile.studied]))


def sources(profile: Profile, source: Source) -> str:
    """Where the records of a profile come from: its source, then the tasks that have another one."""
    others: dict[str, list[str]] = {}
    for task in map(tasks.get, used(profile)):
        places = [tasks.get(part) for part in task.parts] or [task]
        for where in dict.fromkeys(records(source, one, next(iter(one.everywhere), "en")) for one in places):
            if where != str(source):
                others.setdefault(where, []).append(task.name)
    return "; ".join([str(source), *(f"{', '.join(names)}: {where}" for where, names in others.items())])


def table(source: Source, read: Iterable[Split]) -> pd.DataFrame:
    """One row for each data set behind what was read: its tasks, where its records are, licence and citation."""
    readers: dict[DataSet, dict[str, None]] = {}
    for name, code in dict.fromkeys(place for one in dict.fromkeys(read) for place in _opened(*one)):
        readers.setdefault(data_set(source, tasks.get(name), code), {})[name] = None
    rows = [(one.name, ", ".join(sorted(names)), *one[1:]) for one, names in sorted(readers.items())]
    return pd.DataFrame(rows, columns=_COLUMNS)


def _opened(name: str, code: str, split: str) -> Iterator[tuple[str, str]]:
    """The tasks whose records are read for one split of a task, each with the language under which they are."""
    task = tasks.get(name).training if split == "train" else tasks.get(name)
    if task.parts and split == "train":
        yield from (place for part in task.parts for place in _opened(part, code, split))
        return
    yield task.name, code
    yield from ((pool, language_of(tasks.get(pool), code)) for pool in task.pool)
    if task.rows_of:
        yield from _opened(task.rows_of, code, split)
