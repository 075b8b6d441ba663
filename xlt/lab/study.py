"""A study: recipes by label, the evaluations that they take, and what a notebook shows of both."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field

import pandas as pd

from xlt import perturb
from xlt.core.text import DASH, NOT_RUN, counted
from xlt.data import rows
from xlt.lab import estimate
from xlt.lab.lab import Lab
from xlt.spec import tasks
from xlt.spec.conditions import CLEAN
from xlt.spec.recipe import Evaluation, Recipe
from xlt.spec.study import Contrast, Plan, taken

AFTER = "after "  # begins the label of a recipe that ends with an intermediate stage of an arm: "after mnli → squad"


@dataclass(frozen=True)
class Study:
    """Recipes and evaluations: each recipe takes those of the evaluations that it has been trained for.

    recipes     by label
    plan        what the profile declares; None where the study is a phase, or where the profile does not declare it
    arms        recipe's label: arm's label
    conditions  evaluation: the plan's label of its condition, or "clean", or "pair"
    absent      what could not be had, one sentence each
    name        under which a profile declares the study, or would; "" for a phase
    """

    recipes: dict[str, Recipe]
    evaluations: list[Evaluation] = field(default_factory=list)
    plan: Plan | None = None
    arms: dict[str, str] = field(default_factory=dict)
    conditions: dict[Evaluation, str] = field(default_factory=dict)
    absent: tuple[str, ...] = ()
    name: str = ""

    def run(self, lab: Lab) -> pd.DataFrame:
        """The scores as `Lab.run` gives them, with the columns arm and condition (labels as in the plan)."""
        return self._labelled(lab.run(self.recipes, self.evaluations, self.seeds, self.conditions))

    def stored(self, lab: Lab) -> pd.DataFrame:
        """The same of what is finished; nothing is started."""
        return self._labelled(lab.stored(self.recipes, self.evaluations, self.seeds, self.conditions))

    @property
    def seeds(self) -> int | None:
        """How many seeds the study has; None: as many as the profile."""
        return self.plan.seeds if self.plan else None

    def _labelled(self, scores: pd.DataFrame) -> pd.DataFrame:
        if scores.empty:
            return scores.assign(arm="", condition="")
        return scores.assign(arm=scores["recipe"].map(self.arms))

    @property
    def cells(self) -> set[tuple[str, str]]:
        """(target, condition) wherever the condition can be applied to the target in at least one language."""
        return {(e.task, label) for e, label in self.conditions.items() if e.split == "test"}

    @property
    def question(self) -> str:
        return self.plan.question if self.plan else "This profile does not ask it."

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels of the arms, in the order of the profile."""
        return tuple(self.plan.arms) if self.plan else ()

    @property
    def targets(self) -> tuple[str, ...]:
        return self.plan.targets if self.plan else ()

    @property
    def contrasts(self) -> tuple[Contrast, ...]:
        return self.plan.contrasts if self.plan else ()

    def design(self, runs: pd.DataFrame) -> pd.DataFrame:
        """One row for each arm: intermediate stages, changes to the target's stage, targets, whether it is run.

        `runs`, those of `Lab.runs`, say how many updates these stages took: arms that learn equally many passages may
        differ there, as a long one is read in several windows.
        """
        if self.plan is None:
            return pd.DataFrame({"arm": [NOT_RUN]})
        design = []
        for label, arm in self.plan.arms.items():
            recipe = next((self.recipes[name] for name, of_arm in self.arms.items() if of_arm == label), None)
            stages = recipe.stages_with("intermediate") if recipe else ()
            changes = json.dumps(arm.target) + _word_lists(recipe) if arm.target else "as the profile has it"
            before = " → ".join(f"{stage.name} ({stage.duration})" for stage in stages)
            design.append({
                "arm": label,
                "intermediate stages": before or ("none: direct fine-tuning" if recipe else DASH),
                "their updates": self._updates(runs, label),
                "target stage": changes,
                "targets": ", ".join(arm.targets or self.targets),
                "run": self._run(runs, label) if recipe else NOT_RUN,
            })  # fmt: skip
        return pd.DataFrame(design)

    def _run(self, runs: pd.DataFrame, arm: str) -> str:
        """Whether an arm is run, and before which targets no seed of it has finished."""
        if runs.empty:
            return "yes"
        done = set(zip(runs["recipe"], runs["name"], strict=True))
        waiting = [label for label in self._whole(arm) if (label, self.recipes[label].name) not in done]
        return f"not yet before {', '.join(label.rpartition(' → ')[2] for label in waiting)}" if waiting else "yes"

    def _whole(self, arm: str) -> list[str]:
        """The labels of the recipes of an arm, without those of its stages alone."""
        return [label for label, of in self.arms.items() if of == arm and not label.startswith(AFTER)]

    def _updates(self, runs: pd.DataFrame, arm: str) -> str:
        """Of all intermediate stages of an arm before one target, over seeds and targets: "213 to 214"."""
        if runs.empty:
            return DASH
        before = runs[runs["recipe"].isin(self._whole(arm)) & runs["kind"].eq("intermediate")]
        counts = before.groupby(["recipe", "seed"])["steps"].sum()
        return " to ".join(dict.fromkeys(f"{n:,}" for n in (counts.min(), counts.max()))) if len(counts) else DASH

    def materials(self, scores: pd.DataFrame) -> pd.DataFrame:
        """One row for each task: what it is made of; of a target also how and how much of it is read.

        `scores`: those of `run`, which tell how many records there were; without them it is at most as many as asked.

        Columns: task, data (its data set and what is to be known of it), metric, languages, records (test records of a
        language, "20 to 200"), read (conditions, with their strength).
        """
        parts = [part for recipe in self.recipes.values() for stage in recipe.stages for part in stage.parts]
        rows = []
        for name in dict.fromkeys((*self.targets, *(part.task for part in parts))):
            task, tested = tasks.get(name), [e for e in self.conditions if e.task == name and e.split == "test"]
            limits = [e.examples for e in tested]
            most = 0 if None in limits else max(limits, default=0)  # 0: all there are
            told = dict.fromkeys(_condition_told(e, self.conditions[e], most) for e in tested)
            data = f"{task.called} {task.config}" if _one_for_all(task) else task.called
            codes = {e.language for e in tested} | {c for p in parts if p.task == name for c in p.languages}
            others = {code: task.at(code).called for code in task.elsewhere if code in codes}
            data += "".join(f"; {code}: {dataset}" for code, dataset in others.items() if dataset != task.called)
            rows.append({
                "task": name,
                "data": f"{data}: {task.note}" if task.note else data,
                "metric": task.metrics[0] if tested else DASH,
                "languages": " ".join(dict.fromkeys(e.language for e in tested)) or DASH,
                "records": _read_of(scores, name) or (f"{most:,}" if most else "all") if tested else DASH,
                "read": ", ".join(told) or "in training alone",
            })  # fmt: skip
        return pd.DataFrame(rows or {"task": [NOT_RUN]})

    def drawn(self, lab: Lab) -> str:
        """How many records the intermediate stages draw in each language, and how many they share."""
        stages = [stage for recipe in self.recipes.values() for stage in recipe.stages_with("intermediate")]
        return rows.told(stages, lambda part: estimate.training_rows(lab.store, part))

    def table(self) -> pd.DataFrame:
        """One row for each recipe: its stages in order and the tasks that it is evaluated on."""
        table = []
        for label, recipe in self.recipes.items():
            stages = " → ".join(f"{stage.name} ({stage.role})" for stage in recipe.stages) or "(as it is)"
            on = dict.fromkeys(evaluation.task for evaluation in taken(recipe, self.evaluations))
            table.append({"recipe": label, "stages": stages, "evaluated on": ", ".join(on)})
        return pd.DataFrame(table)


def _one_for_all(task: tasks.Task) -> bool:
    """Whether the records of all languages are in one configuration of the data set, which says what they are."""
    return isinstance(task.config, str) and "{" not in task.config


def _read_of(scores: pd.DataFrame, task: str) -> str:
    """How many clean test records of a language the scores are of: "200", "20 to 200"; "" without scores."""
    if not len(scores):
        return ""
    counts = scores.loc[(scores["task"] == task) & (scores["split"] == "test") & (scores["condition"] == CLEAN), "n"]
    return " to ".join(dict.fromkeys(f"{count:.0f}" for count in (counts.min(), counts.max()))) if len(counts) else ""


def _condition_told(evaluation: Evaluation, label: str, records: int) -> str:
    """A condition with its strength: "typos 0.1", "attack (characters, 40 queries)"; how many records it reads, where
    that is not `records` (0: all there are)."""
    about, search = evaluation.conditions, evaluation.attack or evaluation.ball
    if search:
        reach = f"{about['budget']} queries" if evaluation.attack else f"radius {about['radius']:g}"
        text = f"{label} ({about['attack']}, {reach})"
    else:
        text = f"{label} {about['strength']:g}" if evaluation.perturbation else label
    if (evaluation.examples or 0) == records:
        return text
    return f"{text} on {counted(evaluation.examples, 'record') if evaluation.examples else 'all records'}"


def _word_lists(recipe: Recipe | None) -> str:
    """The files of words that the target's training records are perturbed with: ", with neighbours.json"."""
    stage = recipe.last_stage if recipe else None
    if not (stage and stage.augment):
        return ""
    files = {name for code in stage.languages for name in perturb.files(stage.augment.perturbation, code)}
    return f", with {' and '.join(sorted(files))}" if files else ""


def trained_and_headless(names: Iterable[str]) -> tuple[list[str], list[str]]:
    """Targets with a training stage of their own, and those that are evaluated on the encoder as it is."""
    names = list(names)
    headless = [name for name in names if tasks.get(name).headless]
    return [name for name in names if name not in headless], headless


def distinct(recipes: Iterable[tuple[str, Recipe]]) -> dict[str, Recipe]:
    """The recipes by label, each one once: of two that are the same run (XQuAD's and MLQA's) the first is kept."""
    by_label: dict[str, Recipe] = {}
    for label, recipe in recipes:
        if recipe not in by_label.values():
            by_label[label] = recipe
    return by_label
