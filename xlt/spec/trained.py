"""In which languages a run was trained, and so which of its scores are zero-shot.

Every score has two columns for this:

    trained_in       the stages of the run that learned a task in the language of the score: "" for none,
                     "intermediate", "target" or "both". Pretraining and masked language modelling teach no task.
    source_language  whether the profile trains the task of the score in that language: there transfer begins.

Zero-shot averages go by `source_language`. It is the same for every run on a task, so that all arms are averaged over
the same languages, whatever they learned before. `trained_in` then marks languages that an arm has seen all the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING

from xlt.spec import tasks
from xlt.spec.groups import ALL, SELECTORS, SOURCE
from xlt.spec.languages import language
from xlt.spec.stage_rules import ENGLISH

if TYPE_CHECKING:
    import pandas as pd

    from xlt.spec.profile import Profile
    from xlt.spec.recipe import Recipe
    from xlt.spec.stage import Stage

SEVERAL = "training languages"


def learned(stage: Stage) -> tuple[str, ...]:
    """The languages in which the stage learns a task."""
    taught = [part for part in stage.parts if tasks.get(part.task).family != tasks.MLM]
    return tuple(dict.fromkeys(code for part in taught for code in part.languages))


def stages_in(recipe: Recipe, code: str) -> str:
    """Which stages of the recipe learn a task in the language: "", "intermediate", "target" or "both"."""
    roles = {stage.role for stage in recipe.stages if stage.role != "pretraining" and code in learned(stage)}
    return "both" if len(roles) > 1 else "".join(roles)


def trained_last(recipe: Recipe, task: tasks.Task) -> bool:
    """Whether the head of the task, if it has one, was trained in the last stage and not in an earlier one."""
    return not recipe.stages or task.headless or task.training.name in recipe.stages[-1].trains


def same_task(recipe: Recipe, task: tasks.Task) -> bool:
    """Whether an intermediate stage learned from the target's own training data, or from a translation of it."""
    parts = [tasks.get(part.task) for stage in recipe.stages_with("intermediate") for part in stage.parts]
    learned = [tasks.get(name) for part in parts for name in (part.translation_of or part.training.name, *part.parts)]
    own = task.training
    # Compared by data set, because two tasks may train on one: SQuAD and LAReQA.
    return any((other.dataset, other.config) == (own.dataset, own.config) for other in learned)


class Sources:
    """The languages in which a profile trains each task."""

    def __init__(self, profile: Profile):
        self.profile = profile

    @cached_property
    def _targets(self) -> dict[str, tuple[str, ...]]:
        """By training task."""
        trained = [name for name in self.profile.target if not tasks.get(name).headless]
        return {tasks.get(name).training.name: learned(self.profile.stage(name, "target")) for name in trained}

    @cached_property
    def shared(self) -> tuple[str, ...]:
        """Languages that all target stages share; if they share none, those that all intermediate stages share."""
        return _shared(self._targets.values()) or self.before

    @cached_property
    def before(self) -> tuple[str, ...]:
        """Languages that all intermediate stages share."""
        stages = [self.profile.stage(name, "intermediate") for name in self.profile.intermediate]
        return _shared(map(learned, stages))

    @cached_property
    def all(self) -> tuple[str, ...]:
        """Languages of any target stage."""
        codes = tuple(dict.fromkeys(code for several in self._targets.values() for code in several))
        return codes or self.shared or (ENGLISH,)

    def of(self, task: tasks.Task, recipe: Recipe | None = None) -> tuple[str, ...]:
        """Languages in which the task is trained: in its target stage, else in the last stage of the recipe that
        trains it. A task without a head is trained in none; its source is what the stages before it share."""
        if task.headless:
            return self.shared
        if task.training.name in self._targets:
            return self._targets[task.training.name]
        names = {task.name, task.training.name}
        stages = [stage for stage in (recipe.stages if recipe else ()) if names & set(stage.trains)]
        return learned(stages[-1]) if stages else self.all


def _shared(several: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    first, *others = [*several] or [()]
    return tuple(code for code in first if all(code in other for other in others))


def is_source(scores: pd.DataFrame) -> pd.Series:
    """For each row, whether the task is trained in its language. Older score files lack the column: English then."""
    if "source_language" in scores:
        return scores["source_language"].astype(bool)
    return scores["language"] == ENGLISH


def zero_shot(scores: pd.DataFrame) -> pd.DataFrame:
    """The rows in languages in which their task is not trained."""
    return scores[~is_source(scores)]


def in_languages(scores: pd.DataFrame, names: Iterable[str]) -> pd.Series:
    """For each row, whether its language is one of `names`: a code of its own, or one of a group (xlt.spec.groups)."""
    names = tuple(names)
    source = is_source(scores)
    chosen = scores["language"].isin(names) | (ALL in names)
    if SOURCE in names:
        chosen |= source
    for holds in (SELECTORS[name] for name in names if name in SELECTORS):
        chosen |= ~source & scores["language"].map(holds).astype(bool)
    return chosen


def never_zero_shot(scores: pd.DataFrame) -> pd.Series:
    """For each row, whether its task is tested in no other languages than those in which it is trained."""
    source = is_source(scores)
    return source.groupby(scores["task"]).transform("all").astype(bool) if len(scores) else source


def codes(scores: pd.DataFrame) -> list[str]:
    """The languages of training that the rows hold."""
    return list(dict.fromkeys(scores.loc[is_source(scores), "language"]))


def names(several: Iterable[str]) -> list[str]:
    """The names of up to three languages; of more, none, because a heading has no room for them."""
    names = [language(code).name for code in several]
    return names if len(names) <= 3 else []


def named(several: Iterable[str]) -> str:
    """Languages in words, from one to three of them by name: "English", "German and Turkish"."""
    *others, last = names(several) or [SEVERAL]
    return f"{', '.join(others)} and {last}" if others else last


def slug(name: str) -> str:
    """Words of `named` as a part of a file's name."""
    return name.lower().replace(" ", "_").replace(",", "")


def heading(scores: pd.DataFrame) -> str:
    """What the column of the training languages is called; "English" where the rows hold none."""
    return named(codes(scores) or [ENGLISH])


def told(scores: pd.DataFrame, task: str, called: str = "") -> str:
    """A task with the languages that its zero-shot average is over: "zero-shot xnli", "moods in German"."""
    rows = scores[scores["task"] == task]
    alone = len(rows) and is_source(rows).all()
    return f"{called or task} in {heading(rows)}" if alone else f"zero-shot {called or task}"
