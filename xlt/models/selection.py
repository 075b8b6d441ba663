"""Which weights a stage ends with: the last ones, or the best on development data.

English development scores choose badly for other languages, and choosing on those is no zero-shot transfer
any more (Keung et al. 2020): so "last" is the default, and "oracle" is there to be reported.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from xlt.spec import stage_rules, tasks
from xlt.spec.recipe import Evaluation, Recipe
from xlt.spec.stage import Stage

if TYPE_CHECKING:
    from xlt.data.store import Store
    from xlt.models.model import Learner


# store, recipe, evaluation, model, batch -> metrics and examples: the function `evaluate.evaluate`. It is an argument
# because the room of evaluation imports this one.
Evaluate = Callable[..., tuple[dict[str, float], list]]


class CheckpointSelector:
    """Scores a stage on development data while it trains, and keeps the weights of the best check.

    `batch` records are scored at a time, which decides speed and memory only.
    `curve` has one entry a check: the step, the scores by language (with several tasks by task and language), and
    their mean.
    """

    def __init__(self, store: Store, recipe: Recipe, learner: Learner, steps: int, evaluate: Evaluate, batch: int):
        self.store, self.recipe, self.learner, self.stage = store, recipe, learner, recipe.stages[-1]
        self.evaluate, self.batch = evaluate, batch
        self.at = set() if self.stage.select == "last" else _checked(self.stage, steps)
        self.curve: list[dict[str, Any]] = []
        self.kept: dict[str, torch.Tensor] = {}

    def state(self) -> dict[str, Any]:
        return {"curve": self.curve, "kept": self.kept}

    def restore(self, state: dict[str, Any]) -> None:
        self.curve, self.kept = state["curve"], {name: value.cpu() for name, value in state["kept"].items()}

    def check(self, step: int) -> None:
        """Score the learner after `step` updates, if a check is due."""
        if step not in self.at:
            return
        best, entry = self._best(), {"step": step, **self._score()}
        if best is None or entry["score"] > best["score"]:
            for name, value in self._weights().items():  # into the same memory each time: gigabytes for a large encoder
                self.kept.setdefault(name, torch.empty_like(value, device="cpu")).copy_(value)
        self.curve.append(entry)

    @property
    def exhausted(self) -> bool:
        """Whether `patience` checks in a row brought no gain."""
        best = self._best() if self.stage.patience else None
        return best is not None and len(self.curve) - 1 - self.curve.index(best) >= self.stage.patience

    def apply(self) -> dict[str, Any]:
        """Give the learner the weights that were kept, and return what the run's record says of the selection."""
        if not self.curve:
            return {}
        for name, value in self._weights().items():
            value.copy_(self.kept[name])
        return {"curve": self.curve, "kept_step": self._best()["step"]}

    def _weights(self) -> dict[str, torch.Tensor]:
        return {name: p.detach() for name, p in self.learner.named_parameters() if p.requires_grad}

    def _best(self) -> dict[str, Any] | None:
        """The first of the best checks."""
        return max(self.curve, key=lambda entry: entry["score"], default=None)

    def _score(self) -> dict[str, Any]:
        judges, scores = stage_rules.selection_tasks(self.stage), {}
        self.learner.eval()
        for task, head in judges:
            for code in self.stage.watched:
                scores[code if len(judges) == 1 else f"{task.name} {code}"] = self._main(task, head, code)
        self.learner.train()
        return {"score": float(np.mean(list(scores.values()))), **scores}

    def _main(self, task: tasks.Task, head: str, code: str) -> float:
        """The main metric on the task's development set in one language."""
        stage = self.stage
        evaluation = Evaluation(
            task=task.name, language=code, split="dev", examples=stage.select_examples,
            max_length=stage.max_length, stride=stage.stride,
        )  # fmt: skip
        values, _ = self.evaluate(self.store, self.recipe, evaluation, self.learner[head], self.batch)
        return values[task.metrics[0]]


def _checked(stage: Stage, steps: int) -> set[int]:
    """After how many updates the stage is checked, of `steps` in all."""
    if stage.check_every:
        return {*range(stage.check_every, steps, stage.check_every), steps}
    checks = min(stage.checks, steps)
    return {steps * (i + 1) // checks for i in range(checks)}
