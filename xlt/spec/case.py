"""Capital and small letters, as the language has them: in Turkish and Azerbaijani İ is the capital of i, I of ı."""

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
    """`other`, a word of `language`, in capitals or with one at its beginning where `word` is so."""
    if len(word) > 1 and word == word.upper() != word.lower():
        return upper(other, language)
    return upper(other[0], language) + other[1:] if word[0] != word[0].lower() else other
