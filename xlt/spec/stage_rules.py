"""What a stage needs to know of its tasks: default languages, checks, the tasks that choose a checkpoint.

Apart from `Stage`, which is a plain value and knows no task.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from xlt.core.errors import UserError
from xlt.spec import tasks
from xlt.spec.languages import canonical, language
from xlt.spec.stage import Stage

ENGLISH = "en"  # what a stage learns unless it says otherwise


def with_default_languages(fields: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The fields of a stage, with `languages` filled in where the user's own task has no English.

    The default of `Stage.languages` is English, which every declared task has. A user's task in one other language is
    learned in that one. Likewise `select_languages`: a checkpoint is chosen in a language that the stage learns.

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
    """The language whose development set tells whether a stage has learned its task: English, else its first one."""
    return ENGLISH if ENGLISH in map(canonical, languages) else languages[0]


def check(stage: Stage, where: str) -> None:
    """Hold the tasks and languages of a stage against each other.

    Raises:
        UserError: an unknown task or language; a task without a head; a pivot that is no language of the text; robust
            training or shuffled labels of a task without labels; selection by a task that has no development split, or
            no head here.
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
        if stage.shuffle_labels and task.training.family in (tasks.ANSWERS, tasks.DUAL):
            raise UserError(f"{where}: {part.task} has no labels but its pairs; leave shuffle_labels out")
    if stage.watched:
        judging, trained = selection_tasks(stage), [tasks.get(name).training.name for name in stage.trains]
        if not judging or any(head not in trained or "dev" not in task.splits for task, head in judging):
            named = stage.select_task or " and ".join(stage.trains)
            raise UserError(f"{where}: select: {named} has no dev split or no head here; set select_task")
        for code in stage.watched:
            language(code)


def selection_tasks(stage: Stage) -> list[tuple[tasks.Task, str]]:
    """(task, head): the development sets by which a checkpoint of the stage is chosen, and the head that predicts them.

    `select_task` if it is set, else every task that the stage trains and that has a development set. A joint task such
    as ANLI+ is scored on each of its parts, as jiant does, with its one head. Text for masked language modelling has no
    development set.
    """
    if stage.select_task:
        task = tasks.get(stage.select_task)
        return [(task, task.training.name)]
    heads: dict[str, str] = {}
    for trained in (tasks.get(name).training for name in stage.trains):
        for part in trained.parts or (trained.name,):
            if "dev" in tasks.get(part).splits:
                heads[part] = trained.name
    return [(tasks.get(name), head) for name, head in heads.items()]


def longest_sequence(stage: Stage, restart: bool) -> int:
    """Positions that the longest sequence of the stage needs.

    Args:
        restart: whether the positions of the second text of a translation pair begin again at 0.
    """
    if all(tasks.get(part.task).family != tasks.MLM for part in stage.parts):
        return stage.max_length
    # In language modelling max_length counts the subwords of a text without its two special tokens.
    return stage.max_length + 2 if restart or not stage.pairs else 2 * stage.max_length + 4
