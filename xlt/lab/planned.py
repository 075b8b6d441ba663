"""The study that a profile declares, as recipes and evaluations: arms x targets, clean and under each condition.

What the records here do not allow is left out, and `Study.absent` says so: a report reads "not run" there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from xlt import perturb
from xlt.evaluation import conditions
from xlt.lab import evaluated
from xlt.lab.lab import Lab
from xlt.lab.study import AFTER, Study, distinct, trained_and_headless
from xlt.spec import tasks
from xlt.spec.conditions import CLEAN, PAIR
from xlt.spec.recipe import Evaluation, Recipe
from xlt.spec.stage import Stage

DEV = 500  # records of a development set: with fewer, three standard errors are too far above a guess
WORD_LISTS = "README, Word lists, says where there are some"


def planned(lab: Lab, name: str) -> Study:
    """The study `name` as the profile declares it; an empty one where the profile does not."""
    if name not in lab.profile.studies:
        absent = f"the profile {lab.profile.name} declares no study {name}: nothing is run here"
        return Study({}, absent=(absent,), name=name)
    return _Planner(lab, name).study()


class _Planner:
    """Makes one study; `absent` collects what cannot be had, one sentence each."""

    def __init__(self, lab: Lab, name: str):
        self.lab, self.name = lab, name
        self.profile, self.source = lab.profile, lab.source
        self.plan = lab.profile.studies[name]
        self.absent: list[str] = []

    def study(self) -> Study:
        targets = [target for target in self.plan.targets if self._available(target)]
        recipes: dict[str, Recipe] = {}
        arms: dict[str, str] = {}
        for label in self.plan.arms:
            of_arm = self._recipes(label, targets)
            recipes |= of_arm
            arms |= dict.fromkeys(of_arm, label)
        for label, recipe in self._unfinished():
            recipes.setdefault(label, recipe)
            arms.setdefault(label, label)
        evaluations = self._evaluations(targets)
        absent = tuple(dict.fromkeys(self.absent))
        return Study(recipes, list(evaluations), self.plan, arms, evaluations, absent, self.name)

    # what can be had -----------------------------------------------------------------------

    def _available(self, target: str) -> bool:
        """Whether the target can be tested here in some language and, if it has a head, trained."""
        task = tasks.get(target)
        lacks = [] if self._languages(target) else ["test"]
        if not (task.headless or self.source.languages(task.training, "train")):
            lacks.append("training")
        if lacks:
            why = self.source.lacking.get(task.dataset) or self.source.lacking.get(task.training.dataset)
            # There are test records, but in none of the languages of the study: these are then named.
            elsewhere = "test" in lacks and self.source.languages(task, "test")
            where = f" in {', '.join(self.plan.languages)}" if elsewhere else ""
            reason = f" ({why})" if why else ""
            self.absent.append(f"{target}: no {' and no '.join(lacks)} records{where} here{reason}")
        return not lacks

    def _languages(self, target: str) -> list[str]:
        return evaluated.read(self.lab.sources, self.source, target, self.plan.languages)

    def _trainable(self, stage: Stage) -> bool:
        """Whether every part of the stage has training records here in each of its languages."""
        return all(
            code in self.source.languages(tasks.get(part.task).training, "train")
            for part in stage.parts
            for code in part.languages
        )

    # recipes -------------------------------------------------------------------------------

    def _stages(self, label: str) -> list[Stage]:
        """The intermediate stages of an arm."""
        return [self.profile.study_stage(stage, self.name) for stage in self.plan.arms[label].stages]

    def _recipes(self, label: str, targets: list[str]) -> dict[str, Recipe]:
        """The recipes of an arm: one for each target that is trained, and one without a target stage for the others.

        Targets that are trained alike (XQuAD and MLQA) share a recipe. An arm that changes the target stage does
        nothing for targets without one, so it has no recipe for them.
        """
        arm, stages = self.plan.arms[label], self._stages(label)
        if missing := [stage.name for stage in stages if not self._trainable(stage)]:
            self.absent.append(f"{label}: no training records of {', '.join(missing)} here")
            return {}
        trained, headless = trained_and_headless(t for t in targets if t in (arm.targets or targets))
        encoder = self.lab.recipe().then(*stages)
        recipes = distinct(
            (f"{label} → {target}", encoder.then(self.profile.study_target(target, self.name, label)))
            for target in trained
        )
        if headless and not arm.target:
            recipes[label] = encoder
        if missing := self._without_word_list(recipes.values()):
            self.absent.append(f"{label}: no word list for {', '.join(missing)} here; {WORD_LISTS}")
            return {}
        return recipes

    def _unfinished(self) -> Iterator[tuple[str, Recipe]]:
        """Every arm as it is after each of its intermediate stages.

        That shows whether the task was learned, and what later stages make an arm forget.
        """
        for label, arm in self.plan.arms.items():
            stages = self._stages(label)
            for end in range(1, len(stages) + 1):
                if all(map(self._trainable, stages[:end])):
                    yield AFTER + " → ".join(arm.stages[:end]), self.lab.recipe().then(*stages[:end])

    def _without_word_list(self, recipes: Iterable[Recipe]) -> list[str]:
        """The augmentations that have no word list here. Outside the generated world they cannot do without: the words
        of the world are in no other records."""
        stages = [stage for recipe in recipes for stage in recipe.stages if stage.augment]
        needed = [(stage.augment.perturbation, code) for stage in stages for code in stage.languages]
        missing = [name for name, code in needed if not (in_world(self.lab) or perturb.listed(name, code))]
        return list(dict.fromkeys(missing))

    # evaluations ---------------------------------------------------------------------------

    def _evaluations(self, targets: list[str]) -> dict[Evaluation, str]:
        """Every evaluation of the study with the label of its condition."""
        labels: dict[Evaluation, str] = {}
        for target in targets:
            labels |= self._on_target(target)
            # A language paired with itself is the clean test set, which is there already.
            labels |= {e: PAIR for e in self._pairs(target) if e not in labels}
        tested = {evaluation.language for evaluation in labels}
        if untested := [code for code in self.plan.languages if code not in tested]:
            self.absent.append(f"no target has test records in {', '.join(untested)} here")
        for task in dict.fromkeys([*self.plan.dev, *self._learned()]):
            labels |= dict.fromkeys(self._on_dev(task), CLEAN)
        return labels

    def _learned(self) -> list[str]:
        """The intermediate tasks of the arms that have a score: a stage that taught nothing explains nothing."""
        trained = [name for label in self.plan.arms for stage in self._stages(label) for name in stage.trains]
        return [name for name in trained if tasks.get(name).family != tasks.MLM and "dev" in tasks.get(name).splits]

    def _evaluate(self, task: str, code: str, fields: dict | None = None) -> Evaluation:
        examples = {"examples": self.plan.examples} if self.plan.examples else {}
        return self.profile.evaluate(task, code, examples | (fields or {}))

    def _on_target(self, target: str) -> dict[Evaluation, str]:
        """A target in each of its languages, clean and under each condition that can be applied to it there."""
        codes = self._languages(target)
        known = tasks.get(target).everywhere
        if missing := [code for code in self.plan.languages if code in known and code not in codes]:
            self.absent.append(f"{target}: no test records in {', '.join(missing)} here")
        labels: dict[Evaluation, str] = {}
        for label, fields in self._conditions(target).items():
            evaluations = [self._evaluate(target, code, fields) for code in codes]
            missing = [] if in_world(self.lab) else [e.language for e in evaluations if not _has_word_list(e)]
            if missing:
                self.absent.append(f"{label}: no word list for {', '.join(missing)} here; {WORD_LISTS}")
            possible = [e for e in evaluations if e.language not in missing and conditions.valid(e)]
            labels |= dict.fromkeys(possible, label)
        return labels

    def _conditions(self, target: str) -> dict[str, dict]:
        return {CLEAN: {}} | ({} if target in self.plan.unperturbed else self.plan.conditions)

    def _pairs(self, target: str) -> Iterable[Evaluation]:
        """The target with the two texts of each pair in two languages, where it has two texts."""
        if not self.plan.pairs or "text_b" not in tasks.get(target).columns:
            return []
        codes = self._languages(target)
        return conditions.pairs([self._evaluate(target, code) for code in self.plan.pairs if code in codes])

    def _on_dev(self, task: str) -> list[Evaluation]:
        """The development score of an intermediate task."""
        codes = evaluated.dev_languages(self.source, task, tasks.get(task).languages)
        if not codes:
            self.absent.append(f"{task}: no dev records here")
        return [self._evaluate(task, code, {"split": "dev", "examples": DEV}) for code in codes]


def in_world(lab: Lab) -> bool:
    """Whether the records are the generated world's, whose word lists are part of it."""
    return lab.profile.data.source == "world"


def _has_word_list(evaluation: Evaluation) -> bool:
    """Whether its perturbation or attack has all the files of words that it needs."""
    name = evaluation.attack.name if evaluation.attack else evaluation.perturbation
    return name is None or perturb.listed(name, evaluation.language.partition("@")[0])
