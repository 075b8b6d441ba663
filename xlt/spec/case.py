"""Upper and lower case by language: Python's rules are wrong in Turkish and Azerbaijani (İ for i, I for ı)."""

from __future__ import annotations

from xlt.spec.languages import subtag

DOTTED_I = ("az", "tr")
_CAPITALS = str.maketrans({"i": "İ"})
_SMALL = str.maketrans({"I": "ı", "İ": "i"})


def upper(text: str, language: str) -> str:
    return (text.translate(_CAPITALS) if subtag(language) in DOTTED_I else text).upper()


def lower(text: str, language: str) -> str:
    return (text.translate(_SMALL) if subtag(language) in DOTTED_I else text).lower()


def like(word: str, other: str, language: str) -> str:
    """`other`, a word of `language`, in the case of `word`: all capitals, or a capital first, or as it is."""
    has_case = word.upper() != word.lower()
    if len(word) > 1 and has_case and word == word.upper():  # "A" alone may as well begin a sentence
        return upper(other, language)
    capitalised = word[0] != word[0].lower()
    return upper(other[0], language) + other[1:] if capitalised else other
