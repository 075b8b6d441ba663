"""What an evaluation searches in, besides the records of its own task and language."""

from __future__ import annotations

from typing import Any

from xlt.core.errors import UserError
from xlt.data.sources import Source
from xlt.spec import tasks
from xlt.spec.tasks import Task


def identity(source: Source, task: Task, code: str, split: str) -> dict[str, Any]:
    """Identities of all records, by task, language and split, whose change would change the scores; {} without any.

    Of LAReQA the other languages, of Mewsli-X and BUCC the pools, of BUCC's test the dev set of its threshold.

    Raises:
        UserError: one of them is not here; with the task's note, which says where it is to be had.
    """
    if task.family == tasks.ANSWERS:
        return {other: source.identity(task, other, split) for other in source.languages(task, split)}
    wanted = [(pool, split) for pool in task.pool]
    if task.family == tasks.MINING and split != "dev":
        wanted += [(name, "dev") for name in (task.name, *task.pool)]
    try:
        return {f"{name} {part}": _identity(source, tasks.get(name), code, part) for name, part in wanted}
    except UserError as error:
        raise UserError(f"{error}{f' ({task.name}: {task.note})' if task.note else ''}") from None


def _identity(source: Source, pool: Task, code: str, split: str) -> dict[str, Any]:
    return source.identity(pool, language_of(pool, code), split)


def language_of(pool: Task, code: str) -> str:
    """The language under which a pool is read: the asked one, or the only one that it has."""
    return code if pool.multilingual else pool.languages[0]
