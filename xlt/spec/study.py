"""What a study compares, as a profile declares it under `studies`: arms, conditions and contrasts.

An *arm* is one way of training before and in the target stage. A *condition* is one way of reading the test sets:
clean always, and perturbed or attacked as named. A *contrast* is one question: some arms against others, in one
figure for each seed. Each contrast gives one answer of the report; its breakdown by target and condition is a table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from difflib import get_close_matches
from itertools import combinations
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PositiveInt, model_validator

from xlt.core.errors import unknown
from xlt.spec import tasks
from xlt.spec.languages import Codes, canonical, language
from xlt.spec.recipe import Evaluation, Recipe

CLEAN, PERTURBED, PAIR = "clean", "perturbed", "pair"
SELECTORS: dict[str, Callable[[str], bool]] = {  # groups of languages by name, those of training in none of them
    "zero-shot": lambda code: True,
    "latin": lambda code: language(code).script == "Latn",
    "non-latin": lambda code: language(code).script != "Latn",
}


def _group(name: str) -> bool:
    """Whether it is meant for a group: "non-latn" is one misspelt and no Old Norse."""
    return bool(get_close_matches(name, SELECTORS, n=1, cutoff=0.8))


def check_chosen(name: str, where: str) -> None:
    """Raises UserError where it is neither a group nor a language."""
    if name not in SELECTORS and _group(name):
        raise unknown("language", name, SELECTORS, where)
    if name not in SELECTORS:
        language(name, where)


def _each(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name if _group(name) else canonical(name) for name in names)


Chosen = Annotated[tuple[str, ...], AfterValidator(_each)]  # codes and groups of languages


class Settings(BaseModel):
    """What a YAML file says: no field that is not known, never changed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Arm(Settings):
    """Intermediate stages in their order, and what is otherwise in the target's stage (its ball or augmentation, say).

    A stage is named as in the study's own `stages`, else as under `intermediate`, else by its task. A list alone
    stands for the stages. `targets`: those that the arm goes on to; none: all of the study's. In `target`, fields
    under the name of a target are for that one alone.
    """

    stages: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    target: dict[str, Any] = {}

    def fields(self, target: str, targets: tuple[str, ...]) -> dict[str, Any]:
        """What the arm says of the stage of `target`, one of the study's `targets`."""
        shared = {name: value for name, value in self.target.items() if name not in targets}
        return shared | self.target.get(target, {})


class Contrast(Settings):
    """The mean over the arms `of` minus the mean over those `against` (none: minus nothing), seed by seed.

    outcome     score; or drop, the clean score minus that of the condition in the same languages, where both were read
                on as many examples; on a target that people perturbed, the score of its clean twin (`Task.clean`, a
                target too) minus its own
    languages   codes, or zero-shot (all but those of training), latin, non-latin; the mean over them is taken within a
    minus       seed, and that over these languages is taken off it: a gap between varieties, scripts or languages
    targets, conditions     over which it is averaged; none: all of the study's, and clean alone; "perturbed" stands for
                all but clean
    expect      of a planted effect: the sign that must come out
    """

    question: str
    of: tuple[str, ...]
    against: tuple[str, ...] = ()
    outcome: Literal["score", "drop"] = "score"
    languages: Chosen = ("zero-shot",)
    minus: Chosen = ()
    targets: tuple[str, ...] = ()
    conditions: tuple[str, ...] = (CLEAN,)
    expect: Literal["higher", "lower", "none"] | None = None


def _whole(contrasts: Any) -> Any:
    """Contrasts, of which a question that begins with "..." goes on from the last that does not."""
    found, first = [], ""
    for contrast in contrasts if isinstance(contrasts, list) else []:
        question = str(contrast.get("question", "")) if isinstance(contrast, dict) else ""
        if question.startswith("...") and first:
            contrast = contrast | {"question": f"{first.rstrip('?')}, {question.removeprefix('...').strip()}"}
        else:
            first = question
        found.append(contrast)
    return found or contrasts


def written_out(study: Any) -> Any:
    """A study's arms and conditions without their short forms, so that another file can say what differs in one."""
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
    dev          intermediate tasks whose English dev score is taken after every intermediate stage: what is forgotten
    pairs        languages of the generalised setting: the two texts of a pair in two languages, all pairs of these
    languages    those of the evaluations; none: the profile's
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

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        value = written_out(value)
        asked = value.get("contrasts") if isinstance(value, dict) else None
        return value | {"contrasts": _whole(asked)} if asked else value

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
        for contrast in self.contrasts:
            asked = [(arm, self.arms, "arm") for arm in (*contrast.of, *contrast.against)]
            asked += [(target, self.targets, "target") for target in contrast.targets]
            asked += [(label, labels, "condition") for label in contrast.conditions]
            for name, known, kind in asked:
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
    """A row of the matrix that is no intermediate task: what was trained, in words; targets `without` such a row."""

    told: str
    without: tuple[str, ...] = ()
