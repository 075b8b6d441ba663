"""The same words in another script. Each word is converted for itself, so that a part of a text can be.

Romanisation is by uroman ("This project uses the universal romanizer software 'uroman' written by Ulf Hermjakob, USC
Information Sciences Institute (2015-2020)"; Hermjakob, May and Knight 2018), the rest by OpenCC, cyrtranslit and
indic-transliteration. All are imported when first used.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator
from functools import cache

import regex

from xlt.core.errors import UserError, unknown
from xlt.perturb.align import Edit
from xlt.perturb.registry import Site, perturbation
from xlt.perturb.units import words
from xlt.spec.langtags import alpha3
from xlt.spec.languages import subtag

_SOUNDS = "sounds, nearly; number and order of words"
_OTHER = """Arab Armn Beng Cyrl Deva Ethi Geor Grek Gujr Guru Hans Hant Hebr Jpan Khmr Knda Kore Laoo Mlym Mymr Orya
Sinh Taml Telu Thai"""
# language -> cyrtranslit's code
_CYRILLIC = {"sr-Cyrl": "sr", "ru": "ru", "bg": "bg", "uk": "ua", "mk": "mk", "be": "by", "mn": "mn", "tg": "tj"}
# ISO 15924 -> indic-transliteration's name
_INDIC = {
    "Deva": "devanagari", "Beng": "bengali", "Guru": "gurmukhi", "Gujr": "gujarati", "Orya": "oriya", "Taml": "tamil",
    "Telu": "telugu", "Knda": "kannada", "Mlym": "malayalam",
}  # fmt: skip
_NUKTA = "\u093c"
_HAN = regex.compile(r"\p{Hani}+")
_VARIANTS = {"standard": "s2t", "tw": "s2tw", "hk": "s2hk"}


def _converted(text: str, convert: Callable[[str], str]) -> Iterator[Edit]:
    for start, end in words(text):
        word = text[start:end]
        if not word.isascii() and (new := convert(word)) and new != word:
            yield Edit(start, end, new)


@perturbation("romanise", "script", _SOUNDS, unit="word", scripts=_OTHER, packages="uroman",
              versions=dict.fromkeys(("fa", "el-cre", "sr-tor"), 2))  # fmt: skip
def romanise(text: str, site: Site) -> Iterator[Edit]:
    """A word in Latin letters, by uroman; a variety by the rules of its language."""
    yield from _converted(text, lambda word: _romanised(word, alpha3(subtag(site.language))))


@cache
def _romanised(word: str, iso3: str) -> str:
    return _uroman().romanize_string(word, lcode=iso3)


@cache
def _uroman():
    from uroman import Uroman  # reads its tables: three seconds, once

    return Uroman()


@perturbation("latin", "script", _SOUNDS, unit="word", languages=" ".join(_CYRILLIC), packages="cyrtranslit")
def to_latin(text: str, site: Site) -> Iterator[Edit]:
    """A Cyrillic word in the language's Latin transliteration."""
    from cyrtranslit import to_latin

    yield from _converted(text, lambda word: to_latin(word, _CYRILLIC[site.language.partition("@")[0]]))


@perturbation("cyrillic", "script", "words: Serbian is written in both", unit="word", languages="sr-Latn",
              packages="cyrtranslit")  # fmt: skip
def to_cyrillic(text: str, _: Site) -> Iterator[Edit]:
    """A Serbian word in Cyrillic."""
    from cyrtranslit import to_cyrillic

    for start, end in words(text):
        if (new := to_cyrillic(text[start:end], "sr")) != text[start:end]:
            yield Edit(start, end, new)


@perturbation("indic", "script", _SOUNDS, unit="word", scripts=" ".join(_INDIC), argument="/".join(_INDIC),
              packages="indic-transliteration", version=2)  # fmt: skip
def indic(text: str, site: Site) -> Iterator[Edit]:
    """A word in another Indic script (default: Devanagari; for Devanagari Bengali)."""
    from indic_transliteration.sanscript import transliterate

    target = site.argument or ("Beng" if site.script == "Deva" else "Deva")
    if target not in _INDIC:
        raise unknown("Indic script", target, _INDIC)
    if target == site.script:
        raise UserError(f"{site.language} is written in {target} already; name another script: indic:SCRIPT")

    def convert(word: str) -> str:
        # The nukta apart from its letter; the vowel signs of the other scripts, some of which have two parts, whole.
        plain = unicodedata.normalize("NFD" if site.script == "Deva" else "NFC", word)
        if site.script == "Deva" and target not in ("Beng", "Guru", "Gujr", "Orya", "Knda"):
            plain = plain.replace(_NUKTA, "")  # the target script has none
        return unicodedata.normalize("NFC", transliterate(plain, _INDIC[site.script], _INDIC[target]))

    yield from _converted(text, convert)


@perturbation("traditional", "script", "words", unit="character", scripts="Hans", argument="/".join(_VARIANTS),
              packages="OpenCC")  # fmt: skip
def traditional(text: str, site: Site) -> Iterator[Edit]:
    """A simplified Chinese character in its traditional form, chosen by the phrase that it is in (OpenCC)."""
    variant = site.argument or "standard"
    if variant not in _VARIANTS:
        raise unknown("standard of traditional characters", variant, _VARIANTS)
    yield from _han(text, _VARIANTS[variant])


@perturbation("simplified", "script", "words", unit="character", scripts="Hant Hans", packages="OpenCC")
def simplified(text: str, _: Site) -> Iterator[Edit]:
    """A traditional Chinese character in its simplified form (OpenCC)."""
    yield from _han(text, "t2s")


def _han(text: str, rule: str) -> Iterator[Edit]:
    """Character by character where the converted run is as long as before, which it nearly always is."""
    for match in _HAN.finditer(text):
        start, old, new = match.start(), match[0], _opencc(rule).convert(match[0])
        if len(old) != len(new):
            yield Edit(start, match.end(), new)
        else:
            yield from (
                Edit(start + i, start + i + 1, b) for i, (a, b) in enumerate(zip(old, new, strict=True)) if a != b
            )


@cache
def _opencc(rule: str):
    from opencc import OpenCC

    return OpenCC(rule)
