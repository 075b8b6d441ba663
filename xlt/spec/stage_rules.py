"""Stages as a profile declares them: the language that a task of the user's own is learned in, and what must fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from xlt.core.errors import UserError
from xlt.spec import tasks
from xlt.spec.languages import canonical, language
from xlt.spec.stage import Stage

ENGLISH = "en"  # what a stage learns unless it says otherwise


def with_default_languages(fields: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The fields of a stage, with the language in which tasks of the user's own are learned where none is named.

    That is English if the task has it, else its only one; the task of a control may be one of these too. A stage that
    keeps the best checkpoint looks at development records in a language that it learns.

    Raises:
        UserError: a task has several languages, none of them English, and the stage names none.
    """
    also = fields.get("also")
    if isinstance(also, list | tuple):
        parts = [_learned(part, f"{where}: also") if isinstance(part, Mapping) else part for part in also]
        fields = {**fields, "also": parts}
    fields = _learned(fields, where)
    judge = fields.get("select_task") or fields.get("task")
    languages = fields.get("languages")
    if fields.get("select") == "dev" and _own(judge) and isinstance(languages, list | tuple):
        fields = {"select_languages": [dev_language(languages)], **fields}
    return fields


def _learned(fields: Mapping[str, Any], where: str) -> dict[str, Any]:
    if "languages" in fields or not (task := _own(fields.get("task"))):
        return dict(fields)
    if ENGLISH not in task.languages and len(task.languages) > 1:
        known = ", ".join(task.languages)
        raise UserError(f"{where}: in which language is {task.name} learned? Give languages: some of {known}")
    return dict(fields) if ENGLISH in task.languages else {**fields, "languages": list(task.languages)}


def _own(name: Any) -> tasks.Task | None:
    """The training task of that name, if it is of the user's own."""
    task = tasks.TASKS[name].training if name in tasks.TASKS else None
    return task if task and task.name not in tasks.DECLARED else None


def dev_language(languages: Sequence[str]) -> str:
    """Of the languages that a stage learns, that in which one looks whether it has: English, if it is one of them."""
    return ENGLISH if ENGLISH in map(canonical, languages) else languages[0]


def check(stage: Stage, where: str) -> None:
    """Tasks and languages that the stage names, and whether they fit together.

    Raises:
        UserError: an unknown task or language; a task without a head; a pivot that is no language of the text; a
            selection on a task that the stage trains no head for or that has no development split; robust training that
        has no meaning here.
    """
    for part in stage.parts:
        for code in part.languages:
            language(code)
        task = tasks.get(part.task)
        if task.headless:
            raise UserError(f"{where}: {task.name} is evaluated on the encoder as it is; there is nothing to train")
        if task.family == tasks.MLM and stage.pivot and stage.pivot not in part.languages:
            raise UserError(f"{where}: pivot {stage.pivot} is not one of its languages")
        if stage.ball and task.training.family not in tasks.HEADED:
            headed = ", ".join(tasks.HEADED)
            raise UserError(f"{where}: {part.task}: ball is for {headed}, not for {task.training.family}; leave it out")
    if stage.watched:
        judging, trained = selection_tasks(stage), [tasks.get(name).training.name for name in stage.trains]
        if not judging or any(head not in trained or "dev" not in task.splits for task, head in judging):
            named = stage.select_task or " and ".join(stage.trains)
            raise UserError(f"{where}: select: {named} has no dev split or no head here; set select_task")
        for code in stage.watched:
            language(code)


def selection_tasks(stage: Stage) -> list[tuple[tasks.Task, str]]:
    """The tasks on whose development sets a checkpoint of the stage is chosen, each with the head that it is read by.

    Those that the stage names, else all that it trains: a task of several parts is judged on each part, as in jiant.
    Text for masked language modelling has no development set, and no part in the choice.
    """
    if stage.select_task:
        task = tasks.get(stage.select_task)
        return [(task, task.training.name)]
    found = {}
    for trained in (tasks.get(name).training for name in stage.trains):
        found |= {part: trained.name for part in trained.parts or (trained.name,) if "dev" in tasks.get(part).splits}
    return [(tasks.get(name), head) for name, head in found.items()]


def longest_sequence(stage: Stage, restart: bool) -> int:
    """Positions that the stage's longest sequence takes; with `restart` they begin again in the second text."""
    if all(tasks.get(part.task).family != tasks.MLM for part in stage.parts):
        return stage.max_length
    return stage.max_length + 2 if restart or not stage.pairs else 2 * stage.max_length + 4
