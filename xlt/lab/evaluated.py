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

    These are the profile's languages, or XTREME's if it names none. Languages that XTREME-R alone has must be named:
    an average over XTREME's languages and some of these would be comparable with neither benchmark.
    """
    declared, split = tasks.get(task), split or sources.profile.evaluate(task, "en").split
    here = source.languages(declared, split)
    wanted = sources.profile.test_languages(task) or declared.languages or here
    trained = sources.of(declared)
    readable = [code for code in wanted if code in here]
    return sorted(readable, key=lambda code: code not in trained)  # sorting keeps the order of equals


def read(sources: Sources, source: Source, task: str, named: Sequence[str]) -> list[str]:
    """The languages among `named` (none: the profile's) in which a study can read test records of the task here.

    A dialect of some strength ("bar@0.5") can be read where the dialect itself can.
    """
    here = {*source.languages(tasks.get(task), "test")}
    return [code for code in named or languages(sources, source, task) if {code, code.partition("@")[0]} & here]


def dev_languages(source: Source, name: str, learned: Sequence[str]) -> list[str]:
    """The language of the development set that tells whether a task was learned, as a list; [] where there is none."""
    here = source.languages(tasks.get(name), "dev")
    return [code for code in (dev_language(learned), ENGLISH) if code in here][:1]


def missing(sources: Sources, source: Source, task: str) -> list[str]:
    """Languages that the profile or the task names, but whose test records are not here."""
    declared = tasks.get(task)
    named = [code for code in sources.profile.test_languages(task) if code in declared.everywhere]
    wanted = named or declared.languages
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
            wanted, known = ", ".join(sources.profile.test_languages(name)), ", ".join(here)
            raise UserError(f"{where}: is evaluated in none of {wanted}; its {split} records are in {known}: name one")
        if task.definition:
            if split in task.splits:
                source.identity(task, task.languages[0], split)  # says what was looked for
            raise UserError(f"{where}: there are no {split} records in {', '.join(task.languages)} to evaluate it on")
