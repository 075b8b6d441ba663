"""What a study compares, as a profile declares it under `studies`: arms, conditions and contrasts.

An *arm* is one way of training before and in the target stage. A *condition* is one way of reading the test sets:
clean always, and perturbed or attacked as named. A *contrast* is one question: some arms against others, in one
figure for each seed. Each contrast gives one answer of the report; its breakdown by target and condition is a table.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import combinations
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator

from xlt.core.errors import unknown
from xlt.spec import tasks
from xlt.spec.conditions import CLEAN, PAIR, PERTURBED
from xlt.spec.groups import ZERO_SHOT, Chosen
from xlt.spec.languages import Codes
from xlt.spec.recipe import Evaluation, Recipe

_BRACKETS = re.compile(r" \([^()]*\)$")  # at the end of a question


class Settings(BaseModel):
    """A table of a YAML file: it refuses unknown fields and cannot be changed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Arm(Settings):
    """One way of training. In YAML a list alone is short for `stages`.

    stages   the intermediate stages in order, each the name of one in the study's `stages`, in the profile's
             `intermediate`, or of a task
    targets  the targets that the arm trains; none: all of the study's
    target   fields of the target stage that differ from the profile's (such as ball or augment); fields under the name
             of a target hold for that one alone
    """

    stages: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    target: dict[str, Any] = {}

    def fields(self, target: str, targets: tuple[str, ...]) -> dict[str, Any]:
        """The fields of the stage of `target` that the arm changes; `targets` are all of the study's."""
        shared = {name: value for name, value in self.target.items() if name not in targets}
        return shared | self.target.get(target, {})


class Contrast(Settings):
    """A difference between arms: the mean over the arms `of` minus the mean over those `against`, seed by seed; or the
    slope over arms that differ in a dose.

    against     none: the mean over `of` itself
    dose        in place of `of` and `against`: how many intermediate records each arm has learned from, as in {none: 0,
                short: 500, long: 1500}. The figure of a seed is then the least-squares slope of the score over log2(1 +
                records / 500), for which these three are 0, 1 and 2: points for each doubling
    outcome     "score", or "drop": the clean score minus the score under a condition, over languages and numbers of
                examples that both have. Of a test set that people perturbed: the score on its clean twin (`Task.clean`,
                which must be a target too) minus its own
    languages   codes or groups ("zero-shot", "latin", "non-latin"); the mean over them is taken within a seed
    minus       codes or groups whose mean is subtracted from that: a gap. Of varieties each is held against its own
                standard language, where that is among `languages`: the mean over varieties
    targets     over which the difference is averaged; none: all of the study's
    conditions  likewise; "perturbed" stands for all but clean
    expect      of an effect that was planted in the generated world: the sign that the difference must have
    smallest    the smallest effect of interest, in points (of a dose: for each doubling); what has its 95 % interval
                within it is equivalent; none: the study's
    primary     one of the questions that the study was made for; all others are secondary
    """

    question: str
    of: tuple[str, ...] = ()
    against: tuple[str, ...] = ()
    dose: dict[str, NonNegativeFloat] = {}
    outcome: Literal["score", "drop"] = "score"
    languages: Chosen = (ZERO_SHOT,)
    minus: Chosen = ()
    targets: tuple[str, ...] = ()
    conditions: tuple[str, ...] = (CLEAN,)
    expect: Literal["higher", "lower", "none"] | None = None
    smallest: PositiveFloat | None = None
    primary: bool = False

    @model_validator(mode="after")
    def _of_or_dose(self) -> Contrast:
        if self.dose and (self.of or self.against):
            raise ValueError(f"'{self.question}' has a dose, which is over all of its arms: leave out of and against")
        if not (self.dose or self.of):
            raise ValueError(f"'{self.question}' compares nothing: name arms under of, or give arms a dose")
        if self.dose and len(set(self.dose.values())) < 3:
            raise ValueError(
                f"'{self.question}' needs three different doses at least: two are a difference, of against"
            )
        return self

    @property
    def arms(self) -> tuple[str, ...]:
        """All of its arms, each once."""
        return tuple(dict.fromkeys((*self.of, *self.against, *self.dose)))

    @property
    def treated(self) -> tuple[str, ...]:
        """The arms whose intermediate tasks must have been learned, or there is nothing to compare.

        All of them, but of a dose those of the largest: that small doses teach little is what is asked.
        """
        most = max(self.dose.values(), default=None)
        return tuple(arm for arm in self.arms if not self.dose or self.dose[arm] == most)


def _whole(contrasts: Any) -> Any:
    """Contrasts with their questions in full: one that begins with "..." continues the last that does not.

    "... in Latin script?" is added to it, and "... (SQuAD)?" takes the place of what it says in brackets at its end.
    """
    written, first = [], ""
    for contrast in contrasts if isinstance(contrasts, list) else []:
        question = str(contrast.get("question", "")) if isinstance(contrast, dict) else ""
        if question.startswith("...") and first:
            contrast = contrast | {"question": _continued(first.rstrip("?"), question.removeprefix("...").strip())}
        else:
            first = question
        written.append(contrast)
    return written or contrasts  # what is no list of contrasts is left for pydantic to refuse


def _continued(first: str, more: str) -> str:
    if more.startswith("("):
        return f"{_BRACKETS.sub('', first)} {more}"
    return f"{first}, {more}"


def written_out(study: Any) -> Any:
    """A study with its arms and conditions written out as tables.

    Files are merged table by table. A file that extends another can change one field of an arm only if the arm is a
    table in both.
    """
    if not isinstance(study, dict):
        return study
    arms, named = study.get("arms"), study.get("conditions")
    if isinstance(arms, dict):
        arms = {label: {"stages": arm} if isinstance(arm, list | tuple) else arm for label, arm in arms.items()}
    if isinstance(named, dict):
        named = {
            label: {"perturbation": label, "strength": fields} if isinstance(fields, int | float) else fields
            for label, fields in named.items()
        }
    return study | ({"arms": arms} if arms else {}) | ({"conditions": named} if named else {})


class Plan(Settings):
    """One study of a profile.

    targets      any declared tasks, trained as the profile's `target` of the same training task
    arms         by label; "none" is direct fine-tuning
    stages       intermediate stages of this study's own, by label; `training` over the profile's, for all its stages
    conditions   label: strength (of the perturbation of that name) or fields of an Evaluation
    unperturbed  targets that are read as they are, under no condition: test sets that people perturbed already
    dev          further tasks that are scored on English dev after every intermediate stage, beside those of the stages
    pairs        languages of the generalised setting (Huang et al. 2021): every pair of these, one for each of the two
                 texts of a record
    languages    in which targets are tested; none: the profile's
    examples     of each test set; none: as the profile evaluates
    seeds        none: the profile's
    smallest     the smallest effect of interest of its contrasts, in points
    """

    question: str
    targets: tuple[str, ...] = Field(min_length=1)
    arms: dict[str, Arm] = Field(min_length=1)
    stages: dict[str, dict[str, Any]] = {}
    training: dict[str, Any] = {}
    conditions: dict[str, dict[str, Any]] = {}
    contrasts: tuple[Contrast, ...] = ()
    unperturbed: tuple[str, ...] = ()
    dev: tuple[str, ...] = ()
    pairs: Codes = ()
    languages: Codes = ()
    examples: PositiveInt | None = None
    seeds: PositiveInt | None = None
    smallest: PositiveFloat = 1.0

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        value = written_out(value)
        contrasts = value.get("contrasts") if isinstance(value, dict) else None
        return value | {"contrasts": _whole(contrasts)} if contrasts else value

    @model_validator(mode="after")
    def _consistent(self) -> Plan:
        for label, arm in self.arms.items():
            if strange := [target for target in arm.targets if target not in self.targets]:
                raise ValueError(unknown("target", strange[0], self.targets, f"the arm '{label}'"))
        for (label, arm), (other, twin) in combinations(self.arms.items(), 2):
            alike = (arm.stages, arm.target) == (twin.stages, twin.target)
            if alike and set(arm.targets or self.targets) & set(twin.targets or self.targets):
                raise ValueError(f"the arms '{label}' and '{other}' are the same; leave one out")
        labels = (CLEAN, PERTURBED, *self.conditions)
        if taken := {CLEAN, PERTURBED, PAIR} & set(self.conditions):
            raise ValueError(f"a condition cannot be called {taken.pop()}: that word has a meaning already")
        for one, other in combinations(self.contrasts, 2):
            if one.question == other.question:
                raise ValueError(f"'{one.question}' is asked twice; say in its words what sets each of them apart")
        for contrast in self.contrasts:
            names = [(arm, self.arms, "arm") for arm in contrast.arms]
            names += [(target, self.targets, "target") for target in contrast.targets]
            names += [(label, labels, "condition") for label in contrast.conditions]
            for name, known, kind in names:
                if name not in known:
                    raise ValueError(unknown(kind, name, known, f"'{contrast.question}'"))
            if contrast.outcome == "drop" and not set(contrast.conditions) - {CLEAN}:
                self._check_twins(contrast)
        return self

    def _check_twins(self, contrast: Contrast) -> None:
        """A drop without a condition is between two targets: one that people perturbed, and its clean twin."""
        for name in contrast.targets or self.targets:
            clean = tasks.TASKS[name].clean if name in tasks.TASKS else None
            if clean is None:
                raise ValueError(f"'{contrast.question}' asks for a drop; name the conditions that it comes from")
            if clean not in self.targets:
                raise ValueError(f"'{contrast.question}' needs {clean}, the clean rows of {name}: add it to targets")


def takes(recipe: Recipe, evaluation: Evaluation) -> bool:
    """Whether the recipe is to be evaluated so. This is decided here and nowhere else.

    - A recipe that ends with a target stage is tested on every task that trains on the same data: after SQuAD, on
      XQuAD and MLQA.
    - One that ends with an intermediate stage is scored on the development sets of its intermediate tasks.
    - Tasks without a head (retrieval) are tested on the encoder before any target stage, as in Phang et al. 2020.
    """
    task, last = tasks.get(evaluation.task), recipe.last_stage
    if task.headless:
        return last is None or last.role != "target"
    if last is None or last.role == "pretraining":
        return False
    if last.role == "intermediate":  # the tasks of earlier stages as well, to see what has been forgotten
        learned = [name for stage in recipe.stages_with("intermediate") for name in stage.trains]
        return evaluation.split == "dev" and task.name in learned
    return task.training.name in last.trains


def taken(recipe: Recipe, evaluations: Iterable[Evaluation]) -> list[Evaluation]:
    """Those of the evaluations that the recipe takes."""
    return [evaluation for evaluation in evaluations if takes(recipe, evaluation)]


class Control(NamedTuple):
    """A control as a row of the transfer matrix.

    told     what was trained, in words
    without  the targets for which there is no such control
    """

    told: str
    without: tuple[str, ...] = ()
