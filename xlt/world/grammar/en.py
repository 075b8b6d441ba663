"""English (Latin script): subject - verb - object - place - time.

Phenomena: a/an by the next sound, third person -s, do-support in negation and questions,
something/anything. Times of day stand as digits ("at 8:15"). Simplification: the simple present
everywhere, also for what happens now. All forms were checked by eye.
"""

from __future__ import annotations

from xlt.world.concepts import SOMEONE, SOMETHING, Event, Token
from xlt.world.grammar import phrase
from xlt.world.lexicon import lexicon

_WORDS = lexicon("en")


def _subject(event: Event) -> list[Token]:
    if event.subject == SOMEONE:
        return [Token(_WORDS["words"][SOMEONE], "PRON", "subject")]
    if event.subject in _WORDS["names"]:
        return [Token(_WORDS["names"][event.subject], "PROPN", "subject")]
    return phrase(f"the/DET {_WORDS['people'][event.subject]}/NOUN", "subject")


def _object(event: Event) -> list[Token]:
    if event.noun == SOMETHING:
        return [Token(_WORDS["words"]["anything" if event.negated else SOMETHING], "PRON", "object")]
    singular, plural = _WORDS["nouns"][event.noun]
    adjective = f"{_WORDS['adjectives'][event.adjective]}/ADJ " if event.adjective else ""
    if event.count:
        return phrase(f"{event.count}/NUM {adjective}{plural}/NOUN", "object")
    rest = f"{adjective}{singular}/NOUN"
    return phrase(f"{'an' if rest[0] in 'aeiou' else 'a'}/DET {rest}", "object")


def _place(event: Event) -> list[Token]:
    if not event.place:
        return []
    preposition, noun = _WORDS["places"][event.place]
    return phrase(f"{preposition}/ADP the/DET {noun}/NOUN", "place")


def _time(event: Event) -> list[Token]:
    if not event.time:
        return []
    return phrase(_WORDS["times"].get(event.time) or f"at/ADP {event.time}/NUM", "time")


def clause(event: Event) -> list[Token]:
    """`Anna buys a red apple at the market in the morning.`"""
    bare, finite = _WORDS["verbs"][event.verb]
    verb = phrase(f"does/AUX not/PART {bare}/VERB" if event.negated else f"{finite}/VERB", "")
    rest = _object(event) + _place(event) + _time(event)
    return [*_subject(event), *verb, *rest, Token(".", "PUNCT", glued=True)]


def question(event: Event, asked: str) -> list[Token]:
    """`What does Anna buy at the market in the morning?`"""
    bare, finite = _WORDS["verbs"][event.verb]
    roles = {"object": _object(event), "place": _place(event), "time": _time(event)}
    rest = [token for role, tokens in roles.items() if role != asked for token in tokens]
    if asked == "subject":
        start = [Token("who", "PRON", asked), Token(finite, "VERB")]
    else:
        wh = {"object": "what/PRON", "place": "where/ADV", "time": "when/ADV"}[asked]
        start = [*phrase(wh, asked), Token("does", "AUX"), *_subject(event), Token(bare, "VERB")]
    return [*start, *rest, Token("?", "PUNCT", glued=True)]
