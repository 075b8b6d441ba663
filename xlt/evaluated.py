"""The languages in which tasks are evaluated here: those of the profile, as far as there are records."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from xlt import tasks
from xlt.errors import UserError
from xlt.stages import ENGLISH, home

if TYPE_CHECKING:
    from xlt.lab import Lab


def languages(lab: Lab, task: str, split: str | None = None) -> list[str]:
    """Languages in which `task` can be evaluated here, on `split` or the profile's own; those of its training first.

    Those of the profile. If it names none, XTREME's: an average over what XTREME-R adds besides would be over
    neither benchmark's list, so its languages are evaluated where the profile names them.
    """
    declared, split = tasks.get(task), split or lab.profile.evaluate(task, "en").split
    here = lab.store.source.languages(declared, split)
    asked = [code for code in lab.profile.asked(task) or declared.languages or here if code in here]
    sources = lab.sources.of(declared)
    return sorted(asked, key=lambda code: (code not in sources, asked.index(code)))


def read(lab: Lab, task: str, named: Sequence[str]) -> list[str]:
    """Those of `named` (none: the profile's languages) in which a study can read the test records of the task here."""
    here = {*lab.store.source.languages(tasks.get(task), "test")}
    return [code for code in named or languages(lab, task) if {code, code.partition("@")[0]} & here]


def judged(lab: Lab, name: str, learned: Sequence[str]) -> list[str]:
    """The language in which one looks whether a task has been learned in some; none without development records."""
    here = lab.store.source.languages(tasks.get(name), "dev")
    return [code for code in (home(learned), ENGLISH) if code in here][:1]


def missing(lab: Lab, task: str) -> list[str]:
    """Languages that the profile or the task names, but whose test records are not here."""
    declared = tasks.get(task)
    wanted = [code for code in lab.profile.asked(task) if code in declared.everywhere] or declared.languages
    return [code for code in wanted if code not in languages(lab, task)]


def check(lab: Lab) -> None:
    """Hold the targets against the languages of the profile.

    Raises:
        UserError: a target would be learned and never evaluated.
    """
    for name in lab.profile.target:
        task, split = tasks.get(name), lab.profile.evaluate(name, "en").split
        if task.headless or languages(lab, name):
            continue
        here, where = lab.store.source.languages(task, split), f"{lab.profile.name}: target.{name}"
        if here:
            asked, known = ", ".join(lab.profile.asked(name)), ", ".join(here)
            raise UserError(f"{where}: is evaluated in none of {asked}; its {split} records are in {known}: name one")
        if task.definition:
            raise UserError(f"{where}: there are no {split} records in {', '.join(task.languages)} to evaluate it on")
