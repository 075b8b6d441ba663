"""Groups of languages by name, as contrasts, claims and tables take them beside codes of languages.

Which languages a task is trained in is a matter of its scores, so `trained.in_languages` says which rows of a table of
scores a group holds; here are the names, and what makes a language one of a group by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from typing import Annotated

from pydantic import AfterValidator

from xlt.core.errors import unknown
from xlt.spec.languages import canonical, language

ALL, SOURCE = "all", "source"  # every language; those in which the task is trained
ZERO_SHOT, LATIN, NON_LATIN = "zero-shot", "latin", "non-latin"
SELECTORS: dict[str, Callable[[str], bool]] = {  # groups that never hold a language of training
    ZERO_SHOT: lambda code: True,
    LATIN: lambda code: language(code).script == "Latn",
    NON_LATIN: lambda code: language(code).script != "Latn",
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
