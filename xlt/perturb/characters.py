"""Character noise: misspellings without a keyboard, case, diacritics, punctuation, spaces.

Swap, drop, insert and substitute are DeepWordBug's four transformations (Gao et al. 2018, section 3.3), drawn at
random here. The unit is the grapheme cluster, so that no mark loses its base.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator
from typing import Literal

import regex

from xlt.perturb import keyboards
from xlt.perturb.align import Edit
from xlt.perturb.keyboards import OTHER_CAPITALS, like
from xlt.perturb.registry import TEXT_FAMILIES, Site, perturbation
from xlt.perturb.units import SPACELESS, clusters, letters, words
from xlt.spec.case import lower, upper

_WORDS = "number and order of words"


def _alphabet(text: str, site: Site) -> list[str]:
    """Letters of the language's keyboard, or of the text itself where none is declared."""
    return keyboards.letters(site.language) or sorted({text[start] for word in letters(text) for start, _ in word})


def random_letter(text: str, site: Site) -> Callable[[str], str]:
    """Draws another letter than the given one, in the same case."""
    alphabet = _alphabet(text, site)

    def draw(letter: str) -> str:
        others = [other for other in alphabet if other != lower(letter[0], site.language)] or [letter[0]]
        return like(letter, site.rng.choice(others), site.language)

    return draw


@perturbation("swap", "character", _WORDS)
def swap(text: str, site: Site) -> Iterator[Edit]:
    """Two neighbouring letters of a word change places."""
    for word in letters(text):
        for (start, middle), (middle2, end) in list(zip(word, word[1:], strict=False))[site.rng.randrange(2) :: 2]:
            a, b = text[start:middle], text[middle2:end]
            if middle == middle2 and a != b:
                yield Edit(start, end, b + a)


@perturbation("drop", "character", _WORDS + "; first letters")
def drop(text: str, _: Site) -> Iterator[Edit]:
    """A letter that is not the first of its word is left out."""
    for word in letters(text):
        yield from (Edit(start, end, "") for start, end in word[1:])


@perturbation("insert", "character", _WORDS, versions=OTHER_CAPITALS, tables={keyboards.FILE: keyboards.letters})
def insert(text: str, site: Site) -> Iterator[Edit]:
    """A random letter of the alphabet follows a letter."""
    draw = random_letter(text, site)
    for word in letters(text):
        yield from (Edit(start, end, text[start:end] + draw(text[start:end])) for start, end in word)


@perturbation("substitute", "character", _WORDS, versions=OTHER_CAPITALS, tables={keyboards.FILE: keyboards.letters})
def substitute(text: str, site: Site) -> Iterator[Edit]:
    """A random letter of the alphabet takes a letter's place."""
    draw = random_letter(text, site)
    for word in letters(text):
        for start, end in word:
            if (new := draw(text[start:end])) != text[start:end]:
                yield Edit(start, end, new)


# Case

_CASED = "Latn Cyrl Grek"


@perturbation("upper", "character", "letters up to case", unit="word", scripts=_CASED)
def uppercase(text: str, site: Site) -> Iterator[Edit]:
    """A word in capitals."""
    yield from _recased(text, words(text), lambda word: upper(word, site.language))


@perturbation("lower", "character", "letters up to case", unit="word", scripts=_CASED)
def lowercase(text: str, site: Site) -> Iterator[Edit]:
    """A word in small letters."""
    yield from _recased(text, words(text), lambda word: lower(word, site.language))


@perturbation("case", "character", "letters up to case", scripts=_CASED)
def flip_case(text: str, site: Site) -> Iterator[Edit]:
    """A letter in the other case."""

    def other(letter: str) -> str:
        small = lower(letter, site.language)
        return upper(letter, site.language) if letter == small else small

    yield from _recased(text, [span for word in letters(text) for span in word], other)


def _recased(text: str, spans: list, change: Callable[[str], str]) -> Iterator[Edit]:
    for start, end in spans:
        if (new := change(text[start:end])) != text[start:end]:
            yield Edit(start, end, new)


# Marks, punctuation, spaces

_BARE = str.maketrans("đĐøØłŁħĦıİ", "dDoOlLhHiI")  # letters whose stroke or dot is no combining mark
_MARKED = regex.compile(r"[\p{Latn}\p{Grek}\p{Arab}\p{Hebr}\u0640]")
_ARABIC = regex.compile(r"\p{Arab}")
_PUNCTUATION, _SPACE = regex.compile(r"\p{P}"), regex.compile(r"(?<=\S)[ \u00a0]+(?=\S)")
# A mark within a word or a number is part of it: don't, 3.5. Where no spaces are written, one between two letters parts
# phrases, and only numbers and Latin words have marks within.
_WITHIN = regex.compile(r"(?<=[\p{L}\p{M}\p{N}])\p{P}+(?=[\p{L}\p{N}])")
_WITHIN_SPACELESS = regex.compile(r"(?<=[\p{Latn}\p{N}])\p{P}+(?=[\p{Latn}\p{N}])")


def bare(cluster: str) -> str:
    """The cluster without diacritics: tone and vowel signs, accents, harakat, niqqud, tatweel.

    The hamza and madda of an Arabic letter are part of the letter, which another one without them is not.
    """
    form: Literal["NFC", "NFD"] = "NFC" if _ARABIC.match(cluster) else "NFD"
    decomposed = unicodedata.normalize(form, cluster)
    kept = "".join(c for c in decomposed if unicodedata.category(c) != "Mn" and c != "\u0640")
    return unicodedata.normalize("NFC", kept.translate(_BARE))


@perturbation("diacritics", "character", "base letters", scripts="Latn Grek Arab Hebr", version=2)
def remove_diacritics(text: str, _: Site) -> Iterator[Edit]:
    """A letter loses its diacritics (Latin, Vietnamese and Greek accents, Arabic and Hebrew vowel points)."""
    for start, end in clusters(text):
        cluster = text[start:end]
        if _MARKED.match(cluster) and (new := bare(cluster)) != unicodedata.normalize("NFC", cluster):
            yield Edit(start, end, new)


@perturbation("punctuation", "character", "words and their order", unit="mark", families=TEXT_FAMILIES)
def remove_punctuation(text: str, site: Site) -> Iterator[Edit]:
    """A punctuation mark is left out, unless it stands within a word or number."""
    within = _WITHIN_SPACELESS if site.script in SPACELESS else _WITHIN
    kept = {place for match in within.finditer(text) for place in range(*match.span())}
    for start, end in clusters(text):
        if _PUNCTUATION.match(text[start]) and start not in kept:
            yield Edit(start, end, "")


@perturbation("join", "character", "letters and their order", unit="space", families=TEXT_FAMILIES, spaces=True)
def remove_spaces(text: str, _: Site) -> Iterator[Edit]:
    """A space is left out."""
    yield from (Edit(*match.span(), "") for match in _SPACE.finditer(text))


@perturbation("split", "character", "letters and their order", families=TEXT_FAMILIES)
def insert_spaces(text: str, _: Site) -> Iterator[Edit]:
    """A space follows a letter inside of a word."""
    for word in letters(text):
        yield from (Edit(start, end, text[start:end] + " ") for start, end in word[:-1])
