"""A job of the grid: what it does, and which records it reads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from xlt.spec import stage_rules, tasks
from xlt.spec.recipe import Evaluation, Recipe


@dataclass(frozen=True)
class Job:
    """Train the last stage of `recipe` unless that is done, then evaluate it; then, with `drop`, drop its weights.

    One stage and not the whole recipe, because recipes share their beginnings: each shared stage is one job.
    """

    recipe: Recipe
    evaluations: tuple[Evaluation, ...] = ()
    drop: bool = False


Wanted = tuple[str, int, Recipe, list[Evaluation]]  # label, seed, recipe, what it is evaluated on
Split = tuple[str, str, str]  # task, language, "train", "dev" or "test"


def training_splits(recipe: Recipe) -> Iterator[Split]:
    """What the last stage of a recipe reads: its training records, and the development records that choose its
    checkpoint. Of a recipe without a stage, the text that its own tokenizer is trained on."""
    if not recipe.stages:
        start = recipe.start
        yield from ((start.text, code, "train") for code in start.languages if not start.model)
        return
    stage = recipe.stages[-1]
    for part in stage.parts:
        yield from ((tasks.get(part.task).training.name, code, "train") for code in part.languages)
    if stage.watched:
        yield from (
            (task.name, code, "dev") for task, _ in stage_rules.selection_tasks(stage) for code in stage.watched
        )
