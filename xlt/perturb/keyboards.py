"""Typing errors: which keys are neighbours on a language's keyboard (`keyboards.yaml`), and what slips from them."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from itertools import combinations
from math import dist
from pathlib import Path
from typing import Any

import yaml

from xlt.perturb import units
from xlt.perturb.align import Edit
from xlt.perturb.registry import Site, perturbation
from xlt.spec.case import DOTTED_I, lower, upper
from xlt.spec.languages import language as language_row

_STARTS = (-0.5, 0.0, 0.25, 0.75)  # where the rows begin, in key widths right of Q
_REACH = 1.3  # distance of neighbouring keys in key widths: the row's two and, in the next rows, the two that touch
FILE = "keyboards.yaml"
OTHER_CAPITALS = dict.fromkeys(DOTTED_I, 2)  # versions: i and ı once had the capitals that they have elsewhere
_LAYOUTS: dict[str, dict[str, Any]] = yaml.safe_load(
    Path(__file__).with_name(FILE).read_text(encoding="utf-8")
)["layouts"]  # fmt: skip
SCRIPTS = " ".join(script for layout in _LAYOUTS.values() for script in layout.get("scripts", ()))


def _layout(language: str) -> dict[str, Any] | None:
    """The layout of the language, else that of its script."""
    code = language.partition("@")[0]
    for key, value in (("languages", code), ("scripts", language_row(language).script)):
        for layout in _LAYOUTS.values():
            if value in layout.get(key, ()):
                return layout
    return None


@cache
def neighbours(language: str) -> dict[str, list[str]]:
    """Letter -> the letters within a finger's slip, also on the same key's other layer; empty without a layout."""
    layout = _layout(language)
    if layout is None:
        return {}
    keys = [key for layer in ("rows", "shift") for key in _keys(layout.get(layer, []), layout.get("offset", 0))]
    near = defaultdict(list)
    for (a, at), (b, there) in combinations(keys, 2):
        if dist(at, there) < _REACH:
            near[a].append(b)
            near[b].append(a)
    return dict(near)


def _keys(rows: list[str], offset: int) -> Iterator[tuple[str, tuple[float, int]]]:
    """The letters of one layer with their places."""
    for y, (start, row) in enumerate(zip(_STARTS[-len(rows) :], rows, strict=True) if rows else ()):
        for x, key in enumerate(row):
            letter = key if key == "_" else chr(ord(key) + offset)
            if unicodedata.category(letter).startswith("L"):
                yield letter, (start + x, y - len(rows))


def letters(language: str) -> list[str]:
    """All letters on the keyboard of the language, in code point order; none where keys are parts of letters."""
    return sorted(neighbours(language)) if language_row(language).script != "Kore" else []


def like(letter: str, other: str, language: str) -> str:
    """`other` in the case of `letter`."""
    capital = upper(other, language)
    return capital if letter != lower(letter, language) and len(capital) == len(other) else other


def _slip(letter: str, near: dict[str, list[str]], site: Site) -> str:
    """A neighbouring key in place of the letter's base; its marks stay. Of a Korean syllable one letter slips."""
    if site.script == "Kore":
        syllables = list(_slipped_syllables(letter, near))
        return site.rng.choice(syllables) if syllables else letter
    others = near.get(lower(letter[0], site.language), [])
    if not others:
        return letter
    return like(letter[0], site.rng.choice(others), site.language) + letter[1:]


def _slipped_syllables(syllable: str, near: dict[str, list[str]]) -> Iterator[str]:
    """The syllables that one neighbouring key makes of a Korean one; a key that would break it up is left out."""
    parts = unicodedata.normalize("NFD", syllable)
    for place, part in enumerate(parts if len(parts) > 1 else ""):
        position, _, name = unicodedata.name(part, "").rpartition(" ")  # "HANGUL CHOSEONG", "KIYEOK"
        for key in near.get(_named(f"HANGUL LETTER {name}"), []):
            new = _named(f"{position} {unicodedata.name(key).rpartition(' ')[2]}")
            whole = unicodedata.normalize("NFC", parts[:place] + new + parts[place + 1 :])
            if new and len(whole) == 1:
                yield whole


def _named(name: str) -> str:
    """The character, or nothing: no syllable begins with a vowel key, and few consonants end one."""
    try:
        return unicodedata.lookup(name)
    except KeyError:
        return ""


@perturbation("keyboard", "character", "number and order of words", scripts=SCRIPTS, versions=OTHER_CAPITALS,
              tables={FILE: neighbours})  # fmt: skip
def keyboard(text: str, site: Site) -> Iterator[Edit]:
    """A neighbouring key of the language's keyboard in place of a letter."""
    near = neighbours(site.language)
    for word in units.letters(text):
        for start, end in word:
            if (new := _slip(text[start:end], near, site)) != text[start:end]:
                yield Edit(start, end, new)


@perturbation("typos", "character", "number and order of words", scripts=SCRIPTS, versions=OTHER_CAPITALS,
              tables={FILE: neighbours})  # fmt: skip
def typos(text: str, site: Site) -> Iterator[Edit]:
    """A slip of the fingers: a neighbouring key instead or besides, a letter twice, left out or swapped."""
    near = neighbours(site.language)
    for word in units.letters(text):
        skip = False
        for place, (start, end) in enumerate(word):
            kind = site.rng.choice(("instead", "besides", "twice", "out", "swap"))
            letter, slipped = text[start:end], _slip(text[start:end], near, site)
            if skip:
                skip = False
                continue
            if kind == "swap" and place + 1 < len(word) and word[place + 1][0] == end:
                end, skip = word[place + 1][1], True
            new = {
                "instead": slipped, "besides": letter + slipped, "twice": letter + letter,
                "out": "" if place else slipped, "swap": text[word[place][1] : end] + letter,
            }[kind]  # fmt: skip
            if new != text[start:end]:
                yield Edit(start, end, new)
