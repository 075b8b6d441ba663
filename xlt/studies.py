"""The recipes and evaluations of each notebook, declared once: the notebook runs them, `xlt plan` counts them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pandas as pd

from xlt import tasks
from xlt.recipe import Evaluation, Recipe

if TYPE_CHECKING:
    from xlt.lab import Lab


def takes(recipe: Recipe, evaluation: Evaluation) -> bool:
    """Whether the recipe can be evaluated so: on what its last stage trained, or on retrieval before a target."""
    task, last = tasks.get(evaluation.task), recipe.stages[-1] if recipe.stages else None
    if task.family == tasks.RETRIEVAL:
        return last is None or last.role != "target"
    return last is not None and last.task == task.name


@dataclass(frozen=True)
class Study:
    """Recipes by label, and the evaluations that those of them take that can."""

    recipes: dict[str, Recipe]
    evaluations: list[Evaluation] = field(default_factory=list)

    def table(self) -> pd.DataFrame:
        """One row for each recipe: its stages in order and what it is evaluated on."""
        rows = []
        for label, recipe in self.recipes.items():
            stages = " → ".join(f"{s.task} ({s.role})" for s in recipe.stages) or "(as it is)"
            on = dict.fromkeys(e.task for e in self.evaluations if takes(recipe, e))
            rows.append({"recipe": label, "stages": stages, "evaluated on": ", ".join(on)})
        return pd.DataFrame(rows)


def _split(names: dict) -> tuple[list[str], list[str]]:
    """Targets with a training stage, and retrieval targets without one."""
    trained = [name for name in names if tasks.get(name).family != tasks.RETRIEVAL]
    return trained, [name for name in names if name not in trained]


def pretrained(lab: Lab) -> Study:
    """Phase 1: the encoder as it is, and as a control direct fine-tuning without pretraining (where that is ours)."""
    trained, retrieval = _split(lab.profile.target)
    recipes = {"pretrained": lab.recipe()}
    if lab.profile.pretraining:
        recipes["random"] = lab.recipe(pretrained=False)
        recipes |= {f"no pretraining: {t}": lab.recipe(target=t, pretrained=False) for t in trained}
    return Study(recipes, lab.evaluations(*trained, *retrieval))


def intermediate(lab: Lab) -> Study:
    """Phase 2: one English intermediate task on the pretrained encoder; its own English dev score."""
    recipes = {task: lab.recipe(task) for task in lab.profile.intermediate}
    evaluations = [
        lab.profile.evaluate(task, "en").model_copy(update={"split": "dev"})
        for task in lab.profile.intermediate
        if "en" in lab.store.source.languages(tasks.get(task), "dev")
    ]
    return Study(recipes, evaluations)


def transfer(lab: Lab) -> Study:
    """Phase 3: every intermediate task (and none) x every target, in every language."""
    trained, retrieval = _split(lab.profile.target)
    recipes = {f"none → {t}": lab.recipe(target=t) for t in trained}
    recipes |= {f"{i} → {t}": lab.recipe(i, target=t) for i in lab.profile.intermediate for t in trained}
    if retrieval:
        recipes |= {"none": lab.recipe()} | {i: lab.recipe(i) for i in lab.profile.intermediate}
    return Study(recipes, lab.evaluations(*trained, *retrieval))


STUDIES: dict[str, Callable[[Lab], Study]] = {
    "01_pretrained_encoder": pretrained,
    "02_intermediate_training": intermediate,
    "03_zero_shot_transfer": transfer,
}
