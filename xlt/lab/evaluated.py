"""The languages in which tasks are evaluated here: those of the profile, as far as there are records."""

from __future__ import annotations

from collections.abc import Sequence

from xlt.core.errors import UserError
from xlt.data.sources import Source
from xlt.spec import tasks
from xlt.spec.stage_rules import ENGLISH, dev_language
from xlt.spec.trained import Sources


def languages(sources: Sources, source: Source, task: str, split: str | None = None) -> list[str]:
    """Languages in which `task` can be evaluated here, on `split` or the profile's own; those of its training first.

    Those of the profile. If it names none, XTREME's: an average over what XTREME-R adds besides would be over
    neither benchmark's list, so its languages are evaluated where the profile names them.
    """
    declared, split = tasks.get(task), split or sources.profile.evaluate(task, "en").split
    here = source.languages(declared, split)
    asked = [code for code in sources.profile.asked(task) or declared.languages or here if code in here]
    trained = sources.of(declared)
    return sorted(asked, key=lambda code: (code not in trained, asked.index(code)))


def read(sources: Sources, source: Source, task: str, named: Sequence[str]) -> list[str]:
    """Those of `named` (none: the profile's languages) in which a study can read the test records of the task here."""
    here = {*source.languages(tasks.get(task), "test")}
    return [code for code in named or languages(sources, source, task) if {code, code.partition("@")[0]} & here]


def judged(source: Source, name: str, learned: Sequence[str]) -> list[str]:
    """The language in which one looks whether a task has been learned in some; none without development records."""
    here = source.languages(tasks.get(name), "dev")
    return [code for code in (dev_language(learned), ENGLISH) if code in here][:1]


def missing(sources: Sources, source: Source, task: str) -> list[str]:
    """Languages that the profile or the task names, but whose test records are not here."""
    declared = tasks.get(task)
    wanted = [code for code in sources.profile.asked(task) if code in declared.everywhere] or declared.languages
    return [code for code in wanted if code not in languages(sources, source, task)]


def check(sources: Sources, source: Source) -> None:
    """Hold the targets against the languages of the profile.

    Raises:
        UserError: a target would be learned and never evaluated.
    """
    for name in sources.profile.target:
        task, split = tasks.get(name), sources.profile.evaluate(name, "en").split
        if task.headless or languages(sources, source, name):
            continue
        here, where = source.languages(task, split), f"{sources.profile.name}: target.{name}"
        if here:
            asked, known = ", ".join(sources.profile.asked(name)), ", ".join(here)
            raise UserError(f"{where}: is evaluated in none of {asked}; its {split} records are in {known}: name one")
        if task.definition:
            if split in task.splits:
                source.identity(task, task.languages[0], split)  # says what was looked for
            raise UserError(f"{where}: there are no {split} records in {', '.join(task.languages)} to evaluate it on")
