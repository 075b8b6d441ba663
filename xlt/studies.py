"""The recipes and evaluations of each notebook, declared once: the notebook runs them, `xlt plan` counts them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pandas as pd

from xlt import perturb, tasks
from xlt.errors import UserError
from xlt.recipe import Evaluation, Recipe

if TYPE_CHECKING:
    from xlt.lab import Lab


def takes(recipe: Recipe, evaluation: Evaluation) -> bool:
    """Whether the recipe is to be evaluated so.

    After a target stage: on every test set that is trained on the same data (XQuAD and MLQA: SQuAD). After an
    intermediate stage: on the English development sets of its tasks. What has no head: before any target stage.
    """
    task, last = tasks.get(evaluation.task), recipe.stages[-1] if recipe.stages else None
    if task.headless:
        return last is None or last.role != "target"
    if last is None or task.training.name not in [part.task for part in last.parts]:
        return False
    return last.role == "target" or (last.role == "intermediate" and evaluation.split == "dev")


@dataclass(frozen=True)
class Study:
    """Recipes by label, and the evaluations that those of them take that can."""

    recipes: dict[str, Recipe]
    evaluations: list[Evaluation] = field(default_factory=list)

    def table(self) -> pd.DataFrame:
        """One row for each recipe: its stages in order and what it is evaluated on."""
        rows = []
        for label, recipe in self.recipes.items():
            stages = " → ".join(f"{s.name} ({s.role})" for s in recipe.stages) or "(as it is)"
            on = dict.fromkeys(e.task for e in self.evaluations if takes(recipe, e))
            rows.append({"recipe": label, "stages": stages, "evaluated on": ", ".join(on)})
        return pd.DataFrame(rows)


def _split(names: dict) -> tuple[list[str], list[str]]:
    """Targets with a training stage, and those without one."""
    trained = [name for name in names if not tasks.get(name).headless]
    return trained, [name for name in names if name not in trained]


def _direct(lab: Lab, targets: list[str], *intermediate: str, pretrained: bool = True) -> dict[str, Recipe]:
    """training task: recipe, once for all the targets that are trained alike (XQuAD and MLQA)."""
    found = {lab.recipe(*intermediate, target=target, pretrained=pretrained): target for target in reversed(targets)}
    return {target: recipe for recipe, target in reversed(found.items())}


def pretrained(lab: Lab) -> Study:
    """Phase 1: the encoder as it is, and as a control direct fine-tuning without pretraining (where that is ours)."""
    trained, headless = _split(lab.profile.target)
    recipes = {"pretrained": lab.recipe()}
    if lab.profile.pretraining:
        recipes["random"] = lab.recipe(pretrained=False)
        recipes |= {f"no pretraining: {t}": r for t, r in _direct(lab, trained, pretrained=False).items()}
    return Study(recipes, lab.evaluations(*trained, *headless))


def intermediate(lab: Lab) -> Study:
    """Phase 2: one intermediate stage on the pretrained encoder; the English dev scores of its tasks."""
    recipes = {name: lab.recipe(name) for name in lab.profile.intermediate}
    learned = dict.fromkeys(part.task for recipe in recipes.values() for part in recipe.stages[-1].parts)
    evaluations = [
        lab.profile.evaluate(task, "en").model_copy(update={"split": "dev"})
        for task in learned
        if "en" in lab.store.source.languages(tasks.get(task), "dev")
    ]
    return Study(recipes, evaluations)


def transfer(lab: Lab) -> Study:
    """Phase 3: every intermediate stage (and none) x every target, in every language."""
    trained, headless = _split(lab.profile.target)
    recipes = {f"none → {t}": r for t, r in _direct(lab, trained).items()}
    recipes |= {f"{i} → {t}": r for i in lab.profile.intermediate for t, r in _direct(lab, trained, i).items()}
    if headless:
        recipes |= {"none": lab.recipe()} | {i: lab.recipe(i) for i in lab.profile.intermediate}
    return Study(recipes, lab.evaluations(*trained, *headless))


def retrieval(lab: Lab) -> Study:
    """Phase 4: the encoder as it is and after the first intermediate stages; every layer and pooling, one seed."""
    recipes = {"none": lab.recipe()} | {name: lab.recipe(name) for name in list(lab.profile.intermediate)[:3]}
    pairs = [name for name in lab.profile.target if tasks.get(name).family == tasks.RETRIEVAL]
    sweeps = [e.model_copy(update={"sweep": True}) for e in lab.evaluations(*pairs[:1])]
    return Study({name: recipe.seeded(0) for name, recipe in recipes.items()}, sweeps)


def perturbations(lab: Lab) -> Study:
    """Direct and after a few intermediate stages, clean and under each perturbation where it is valid."""
    asked = lab.profile.perturbed
    recipes = {f"none → {t}": r for t, r in _direct(lab, list(asked.targets)).items()}
    for name in asked.intermediates:
        recipes |= {f"{name} → {t}": r for t, r in _direct(lab, list(asked.targets), name).items()}
    clean = [e.model_copy(update={"examples": asked.examples}) for e in lab.evaluations(*asked.targets)]
    noisy = [
        evaluation.model_copy(update={"perturbation": name, "strength": strength})
        for name, strength in asked.strengths.items()
        for evaluation in clean
        if _valid(name, evaluation)
    ]
    return Study(recipes, clean + noisy)


def _valid(name: str, evaluation: Evaluation) -> bool:
    found, argument = perturb.get(name)
    if argument == evaluation.language:  # mixing a language with itself
        return False
    try:
        found.check(evaluation.language, tasks.get(evaluation.task).family)
    except UserError:
        return False
    return True


STUDIES: dict[str, Callable[[Lab], Study]] = {
    "01_pretrained_encoder": pretrained,
    "02_intermediate_training": intermediate,
    "03_zero_shot_transfer": transfer,
    "04_sentence_retrieval": retrieval,
    "study_perturbations": perturbations,
}
