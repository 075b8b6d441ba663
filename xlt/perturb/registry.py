"""What a perturbation is, and the table of all of them.

There are three forms. An *edit* perturbation lists every edit that it could make in a text, a *move* perturbation
every reordering within a clause, an *add* perturbation a sentence for a question's context. The strength s in [0, 1]
is the probability with which each of them happens, drawn independently: s = 0 changes nothing, s = 1 all that can be
changed, and under one seed the changes at a lower strength are among those at a higher one. Drawn so, each
perturbation is the random control of a search attack that chooses among the same edits.

A name can carry an argument after a colon: "code-mix:ar", "invisible:joiners", "synonyms:neighbours.json".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from xlt.core.errors import UserError, unknown
from xlt.perturb.units import SPACELESS
from xlt.spec.languages import language as language_row
from xlt.spec.languages import subtag

EDIT, MOVE, ADD = "edit", "move", "add"
TEXT_FAMILIES = ("classification", "span", "choice", "retrieval", "answers", "dual", "pool", "mlm")
FAMILIES = (*TEXT_FAMILIES, "tagging")


@dataclass(frozen=True)
class Perturbation:
    """One declared perturbation; empty `scripts` or `languages` mean that none is excluded."""

    name: str
    kind: str  # character | word | order | script | distractor
    find: Callable[..., Any]
    form: str
    unit: str  # what the strength counts
    preserves: str
    families: tuple[str, ...]
    scripts: tuple[str, ...]
    languages: tuple[str, ...]
    spaces: bool  # needs spaces between words; tagging has its words given
    argument: str  # what may stand after the colon
    version: int  # raised when it draws something else than before
    versions: Mapping[str, int]  # of the languages that alone had it raised since
    tables: Mapping[str, Callable[[str], Any]] = field(default_factory=dict)  # file -> what it holds for a language
    packages: tuple[str, ...] = ()  # whose tables it reads

    @property
    def what(self) -> str:
        """What it does, in a sentence."""
        return (self.find.__doc__ or "").split("\n")[0]

    @property
    def valid(self) -> str:
        """Languages or scripts that it is valid for, in words."""
        named = " ".join(self.languages or self.scripts) or "all"
        return f"{named}, with spaces between words" if self.spaces else named

    def version_in(self, language: str) -> int:
        """That of the language itself, else of the one that it is a variety of, else of all."""
        own = (self.versions.get(code) for code in (language.partition("@")[0], subtag(language)))
        return next(filter(None, own), self.version)

    def moves_tags(self, family: str) -> bool:
        """Whether tagged words move, those of a chunk as one."""
        return self.form == MOVE and family == "tagging"

    def check(self, language: str, family: str) -> None:
        """Raises UserError where the perturbation is not valid."""
        if family not in FAMILIES:
            raise unknown("task family", family, FAMILIES)
        if family not in self.families:
            raise UserError(
                f"perturbation {self.name} has no meaning for {family}; it takes {', '.join(self.families)}"
            )
        row = language_row(language)
        base, script = row.code.partition("@")[0], row.script
        if (self.scripts and script not in self.scripts) or (self.languages and base not in self.languages):
            valid = ", ".join(self.languages or self.scripts)
            raise UserError(f"perturbation {self.name} is not valid for {row.code} ({script}); it is for {valid}")
        if self.spaces and family != "tagging" and script in SPACELESS:
            raise UserError(
                f"perturbation {self.name} needs spaces between words, which {row.code} ({script}) does not write; "
                "only tagging, where the words are given, can take it"
            )


@dataclass(frozen=True)
class Site:
    """Where a perturbation is at work; `rng` is for its own choices."""

    language: str
    script: str
    argument: str
    rng: Random


PERTURBATIONS: dict[str, Perturbation] = {}


def perturbation(
    name: str, kind: str, preserves: str, *, unit: str = "letter", form: str = EDIT,
    families: tuple[str, ...] = FAMILIES, scripts: str = "", languages: str = "", spaces: bool = False,
    argument: str = "", version: int = 1, versions: Mapping[str, int] | None = None,
    tables: Mapping[str, Callable[[str], Any]] | None = None, packages: str = "",
) -> Callable[[Callable], Callable]:  # fmt: skip
    """Declares the decorated function `find` as a perturbation.

    edit: `find(text, site)` yields `Edit`s from left to right that do not overlap.
    move: `find(length, rng)` yields (start, order): the units start + order[k] of a clause of `length` units
        stand at start + k; no unit occurs twice.
    add: `find(record, site)` gives the sentence to add to `record["context"]`, or None.

    What `find` reads besides the text is declared, so that a result is known to be old once that has changed (see
    `fingerprints`): `tables` gives, by the name of the file, what it reads of it in a language; `packages` are those
    whose tables it reads. Word lists are found by the perturbation's argument (see `lexicons.files`).
    """

    def declare(find: Callable) -> Callable:
        PERTURBATIONS[name] = Perturbation(
            name, kind, find, form, unit, preserves, families, tuple(scripts.split()), tuple(languages.split()), spaces,
            argument, version, versions or {}, tables or {}, tuple(packages.split()),
        )  # fmt: skip
        return find

    return declare


def get(name: str) -> tuple[Perturbation, str]:
    """The perturbation and the argument of "name" or "name:argument".

    Raises:
        UserError: no such perturbation, or one that takes no argument.
    """
    base, colon, argument = name.partition(":")
    if base not in PERTURBATIONS:
        raise unknown("perturbation", base, PERTURBATIONS)
    perturbation = PERTURBATIONS[base]
    if colon and not perturbation.argument:
        raise UserError(f"perturbation {base} takes no argument, but was given '{argument}'; leave out ':{argument}'")
    return perturbation, argument


def ready(name: str, language: str, family: str) -> None:
    """
    Raises:
        UserError: no such perturbation, one that is not valid there, or one that lacks a word list for the language.
    """
    perturbation, argument = get(name)
    perturbation.check(language, family)
    row = language_row(language)
    if perturbation.form == EDIT:  # word lists are looked for before the first word
        list(perturbation.find("", Site(row.code, row.script, argument, Random(0))))


def valid(name: str, language: str, family: str) -> bool:
    """Whether the perturbation can be applied there: by what is declared, and with the word lists that are here.

    Raises:
        UserError: no such perturbation, or a file of words that is missing or damaged.
    """
    _, argument = get(name)
    try:
        ready(name, language, family)
    except UserError:
        if argument.removesuffix(".gz").endswith((".tsv", ".json")):
            raise
        return False
    return True


def check_strength(strength: float) -> float:
    """Raises UserError unless `strength` is a number from 0 to 1."""
    try:
        number = float(strength)
    except (TypeError, ValueError):
        number = -1.0
    if not 0 <= number <= 1:
        raise UserError(f"strength {strength} is not a number from 0 to 1")
    return number
