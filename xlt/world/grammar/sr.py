"""Serbian (Ekavian), in Latin or Cyrillic: the time opens the sentence, then subject, verb, object, place.

Modelled: gender agreement, animate accusative of masculines, indefinite adjectives (crven automobil, but crvenog
psa), a plural-only noun (novine), genitive plural after numbers, negative concord (ne kupuje ništa), preposition and
case of places by noun, goal instead of location with "bring" (u park). No clitic occurs in the present tense here.
Simplified: plural-only nouns take the plain numeral too (5 novina), a wh-question about a clock time says kada.
Forms, order and both scripts were checked by eye.
"""

from __future__ import annotations

from xlt.world.concepts import Event, Token
from xlt.world.grammar.slavic import Slavic

_ENDINGS = {"ma": "og", "f": "u", "nt": "o", "fp": "e", "plural": "ih"}
_DIGRAPHS = {"lj": "љ", "nj": "њ", "dž": "џ"}
_LATIN, _CYRILLIC = "abvgdđežzijklmnoprstćufhcčš", "абвгдђежзијклмнопрстћуфхцчш"
_LETTERS = str.maketrans(_LATIN + _LATIN.upper(), _CYRILLIC + _CYRILLIC.upper())


class Serbian(Slavic):
    """In Latin script; an adjective is [masculine, stem]."""

    code = "sr"

    def predicate(self, event: Event) -> tuple[str, ...]:
        return ("verb", "object", "place")

    def agreeing(self, event: Event, agreement: str) -> str:
        masculine, stem = self.adjective(event)
        return masculine if agreement == "m" else stem + _ENDINGS[agreement]


class CyrillicSerbian(Serbian):
    """The same in Cyrillic script."""

    def phrase(self, words: str, part: str = "", upos: str = "") -> list[Token]:
        return [token._replace(form=to_cyrillic(token.form)) for token in super().phrase(words, part, upos)]


def to_cyrillic(text: str) -> str:
    """Serbian Latin text in Cyrillic; every lj, nj and dž is one letter, as in all words of the lexicon."""
    for latin, letter in _DIGRAPHS.items():
        text = text.replace(latin, letter)
        text = text.replace(latin.capitalize(), letter.upper()).replace(latin.upper(), letter.upper())
    return text.translate(_LETTERS)
