"""Serbian (Ekavian), in Latin or Cyrillic: the time opens the sentence, then subject, verb, object, place.

Modelled: gender agreement, animate accusative of masculines, indefinite adjectives (crven automobil, but crvenog
psa), a plural-only noun (novine), genitive plural after numbers, negative concord (ne kupuje ništa), preposition and
case of places by noun, goal instead of location with "bring" (u park). No clitic occurs in the present tense here.
Simplified: plural-only nouns take the plain numeral too (5 novina), a wh-question about a clock time says kada.
Forms, order and both scripts were checked by eye.
"""

from __future__ import annotations

from xlt.world.concepts import SOMETHING, Event, Token
from xlt.world.grammar import bare_subject, goal_or_place, phrase, time_phrase
from xlt.world.lexicon import lexicon

_ENDINGS = {"ma": "og", "f": "u", "nt": "o", "fp": "e", "plural": "ih"}
_DIGRAPHS = {"lj": "љ", "nj": "њ", "dž": "џ"}
_LATIN, _CYRILLIC = "abvgdđežzijklmnoprstćufhcčš", "абвгдђежзијклмнопрстћуфхцчш"
_LETTERS = str.maketrans(_LATIN + _LATIN.upper(), _CYRILLIC + _CYRILLIC.upper())


def clause(event: Event) -> list[Token]:
    """The event as a declarative sentence in the present tense, in Latin script."""
    rest = [*_verb(event), *_object(event), *goal_or_place("sr", event)]
    return [*time_phrase("sr", event), *bare_subject("sr", event), *rest, Token(".", "PUNCT", glued=True)]


def question(event: Event, asked: str) -> list[Token]:
    """A wh-question about one role of the event, in Latin script; the other roles stay."""
    start, end = (bare_subject("sr", event), time_phrase("sr", event)), (_object(event), goal_or_place("sr", event))
    if asked == "object":  # šta dečak čita u 8:15?, where the verb would otherwise end the question
        start, end = start[:1], (*end, start[1])
    kept = [*sum(start, []), *_verb(event), *sum(end, [])]
    rest = [token for token in kept if token.part != asked]
    return [*phrase(lexicon("sr")["words"][asked], asked), *rest, Token("?", "PUNCT", glued=True)]


def to_cyrillic(text: str) -> str:
    """Serbian Latin text in Cyrillic; every lj, nj and dž is one letter, as in all words of the lexicon."""
    for latin, letter in _DIGRAPHS.items():
        text = text.replace(latin, letter)
        text = text.replace(latin.capitalize(), letter.upper()).replace(latin.upper(), letter.upper())
    return text.translate(_LETTERS)


def _verb(event: Event) -> list[Token]:
    words = lexicon("sr")
    negation = phrase(words["words"]["not"]) if event.negated else []
    return [*negation, Token(words["verbs"][event.verb], "VERB")]


def _object(event: Event) -> list[Token]:
    words = lexicon("sr")
    if event.noun == SOMETHING:
        return phrase(words["words"]["nothing" if event.negated else "something"], "object")
    agreement, singular, plural = words["nouns"][event.noun]
    number = [Token(str(event.count), "NUM", "object")] if event.count else []
    noun = Token(plural if event.count else singular, "NOUN", "object")
    if not event.adjective:
        return [*number, noun]
    form = _adjective(event.adjective, "plural" if event.count else agreement)
    return [*number, Token(form, "ADJ", "object"), noun]


def _adjective(concept: str, agreement: str) -> str:
    masculine, stem = lexicon("sr")["adjectives"][concept]
    return masculine if agreement == "m" else stem + _ENDINGS[agreement]
