"""What one question of a study costs: seconds of one worker for each seed, to train its arms and to evaluate them."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from xlt.lab.jobs import Job
from xlt.lab.runtime import Estimator
from xlt.lab.study import Study
from xlt.spec import tasks
from xlt.spec.conditions import CLEAN
from xlt.spec.study import Contrast, taken


class Price(NamedTuple):
    """Seconds of one seed. More seeds cost both again, more records the evaluations alone."""

    training: float
    evaluating: float

    def hours(self, seeds: int, records: float = 1) -> float:
        """Of so many seeds on so many times the records, on one worker, from nothing but the pretrained encoder."""
        return seeds * (self.training + records * self.evaluating) / 3600


def price(study: Study, contrast: Contrast, cells: Collection[tuple[str, str]], seconds: Estimator) -> Price:
    """Of a contrast over cells (target, condition). What several of its arms share is trained once, and pretraining,
    which all seeds share, is not counted."""
    read = {*cells} | {(tasks.get(task).clean or task, CLEAN) for task, _ in cells if contrast.outcome == "drop"}
    evaluations = [e for e, condition in study.conditions.items() if e.split == "test" and (e.task, condition) in read]
    recipes = [study.recipes[label] for label, arm in study.arms.items() if arm in contrast.arms]
    evaluated = {recipe: chosen for recipe in recipes if (chosen := taken(recipe, evaluations))}
    steps = {
        step
        for recipe in evaluated
        for step in recipe.lineage()
        if step.stages and step.stages[-1].role != "pretraining"
    }
    training = sum(seconds.training(step) for step in steps)
    return Price(training, sum(seconds(Job(recipe, tuple(of)), trained=True) for recipe, of in evaluated.items()))
