"""Attacks that a reader does not see: look-alikes, invisible characters, reordering by bidi controls.

The classes of Boucher et al. 2022 ("Bad Characters", 2106.09898), each apart: many are undone or changed by an
encoder's own normaliser before the model sees them (`xlt.perturb.surviving` prints that).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import yaml

from xlt.core.errors import UserError, unknown
from xlt.perturb.align import Edit
from xlt.perturb.registry import Site, perturbation
from xlt.perturb.units import in_script, letters

FILE = "codepoints.yaml"
CLASSES: dict[str, dict[str, list[int]]] = yaml.safe_load(Path(__file__).with_name(FILE).read_text(encoding="utf-8"))
_RIGHT_TO_LEFT = ("Arab", "Hebr")
_LOOKS = "looks of the text"
_UNJOINED = (
    f"{_LOOKS}, but in Arabic script letters can part"  # what stands between two letters can break their joining
)


def members(kind: str, name: str) -> list[str]:
    """The characters of a class of `invisible` or `bidi`.

    Raises:
        UserError: no such class.
    """
    if name not in CLASSES[kind]:
        raise unknown(f"class of {kind} characters", name, CLASSES[kind])
    return [chr(point) for point in CLASSES[kind][name]]


@perturbation("invisible", "character", _UNJOINED, argument="/".join(CLASSES["invisible"]),
              tables={FILE: lambda _: CLASSES["invisible"]})  # fmt: skip
def invisible(text: str, site: Site) -> Iterator[Edit]:
    """An invisible character after a letter inside of a word (default class: spaces)."""
    characters = members("invisible", site.argument or "spaces")
    for word in letters(text):
        for start, end in word[:-1]:
            yield Edit(start, end, text[start:end] + site.rng.choice(characters))


@perturbation("bidi", "character", _UNJOINED, argument="/".join(CLASSES["bidi"]),
              tables={FILE: lambda _: CLASSES["bidi"]})  # fmt: skip
def bidi(text: str, site: Site) -> Iterator[Edit]:
    """Two letters stored in the wrong order, with bidi controls that show them in the right one (default: override)."""
    kind = site.argument or "override"
    inner, outer, pop = members("bidi", kind)
    if site.script not in _RIGHT_TO_LEFT:
        inner, outer = outer, inner
    reordered = (
        f"{inner}{{}}{pop}" if kind == "isolate" else "{}"
    )  # an isolate counts as one, so it is its outer that turns
    for word in letters(text):
        for (start, middle), (middle2, end) in list(zip(word, word[1:], strict=False))[site.rng.randrange(2) :: 2]:
            if middle == middle2:
                pair = reordered.format(text[middle:end]) + reordered.format(text[start:middle])
                yield Edit(start, end, outer + pair + pop)


@cache
def look_alikes(script: str) -> dict[str, list[str]]:
    """Letter of `script` -> letters that look like it: of other scripts, and kept apart from it by NFKC."""
    others: dict[str, list[str]] = {}
    for letter, other in sorted(_confusable()):
        if in_script(letter, script) and not in_script(other, script) and unicodedata.normalize("NFKC", other) == other:
            others.setdefault(letter, []).append(other)
    return others


@cache
def compatible(script: str) -> dict[str, list[str]]:
    """Letter of `script` -> its compatibility variants (full-width, mathematical ...), which NFKC folds into it."""
    others: dict[str, list[str]] = {}
    for letter, other in sorted(_confusable()):
        if in_script(letter, script) and unicodedata.normalize("NFKC", other) == letter != other:
            others.setdefault(letter, []).append(other)
    return others


def _confusable() -> set[tuple[str, str]]:
    """Pairs of single letters that Unicode's confusables table holds for look-alikes, both ways."""
    from confusable_homoglyphs.confusables import confusables_data

    pairs = ((key, row["c"]) for key, rows in confusables_data.items() for row in rows)
    alike = {(a, b) for a, b in pairs if len(a) == len(b) == 1 and a.isalpha() and b.isalpha()}
    return alike | {(b, a) for a, b in alike}


HOMOGLYPHS = {"scripts": look_alikes, "compatibility": compatible}


@perturbation("homoglyphs", "character", _LOOKS, scripts="Latn Cyrl Grek", argument="/".join(HOMOGLYPHS),
              packages="confusable-homoglyphs")  # fmt: skip
def homoglyphs(text: str, site: Site) -> Iterator[Edit]:
    """A look-alike in a letter's place (default: letters of other scripts)."""
    kind = site.argument or "scripts"
    if kind not in HOMOGLYPHS:
        raise unknown("class of homoglyphs", kind, HOMOGLYPHS)
    if not (table := HOMOGLYPHS[kind](site.script)):
        raise UserError(f"there are no {kind} homoglyphs of {site.script} letters ({site.language}); take homoglyphs")
    for word in letters(text):
        for start, end in word:
            if others := table.get(text[start]):
                yield Edit(start, end, site.rng.choice(others) + text[start + 1 : end])
