"""Russian, in Cyrillic with ё: the time opens the sentence, then subject, verb, place and the new thing last.

Modelled: gender agreement, animate accusative of masculines, genitive plural after numbers, negative concord
(ничего не), preposition and case of places by noun, goal instead of location with "bring" (в парк), and the two
verbs of washing (стирать for clothes). что-то and ничего stand before the verb, and a question
for the object ends in the time.
Simplified: a negated verb keeps its object in the accusative, and a wh-question about a clock time says когда.
Forms, order and script were checked by eye.
"""

from __future__ import annotations

from xlt.world.concepts import NOUNS, SOMEONE, SOMETHING, Event, Token
from xlt.world.lexicon import lexicon

_AGREEMENT = ("m", "ma", "f", "nt", "plural")


def clause(event: Event) -> list[Token]:
    """The event as a declarative sentence in the present tense."""
    return [*_time(event), *_subject(event), *_predicate(event), Token(".", "PUNCT", glued=True)]


def question(event: Event, asked: str) -> list[Token]:
    """A wh-question about one role of the event; the other roles stay."""
    subject = [] if asked == "subject" else _subject(event)
    time = [] if asked == "time" else _time(event)
    rest = [token for token in _predicate(event) if token.part != asked]
    # что мальчик читает в 8:15?, where the verb would otherwise end the question
    rest = [*rest, *time] if asked == "object" else [*time, *rest]
    return [*_asking(event, asked), *subject, *rest, Token("?", "PUNCT", glued=True)]


def _asking(event: Event, asked: str) -> list[Token]:
    animate = event.noun == "animal" or event.noun in NOUNS and NOUNS[event.noun][0] == "animal"
    word = {
        "subject": "who",
        "object": "whom" if animate else "what",
        "place": "where_to" if event.verb == "bring" else "where",
        "time": "when",
    }[asked]
    return _phrase(lexicon("ru")["words"][word], asked)


def _predicate(event: Event) -> list[Token]:
    negation = _phrase(lexicon("ru")["words"]["not"]) if event.negated else []
    verb = [*negation, Token(_verb(event), "VERB")]
    if event.noun == SOMETHING:
        return [*_object(event), *verb, *_place(event)]
    return [*verb, *_place(event), *_object(event)]


def _verb(event: Event) -> str:
    words = lexicon("ru")
    launders = event.verb == "wash" and event.noun in words["words"]["clothes"]
    return words["verbs"]["wash_clothes" if launders else event.verb]


def _subject(event: Event) -> list[Token]:
    words = lexicon("ru")
    if event.subject == SOMEONE:
        return _phrase(words["words"]["someone"], "subject")
    if event.subject in words["names"]:
        return [Token(words["names"][event.subject], "PROPN", "subject")]
    return [Token(words["people"][event.subject], "NOUN", "subject")]


def _object(event: Event) -> list[Token]:
    words = lexicon("ru")
    if event.noun == SOMETHING:
        return _phrase(words["words"]["nothing" if event.negated else "something"], "object")
    agreement, singular, plural = words["nouns"][event.noun]
    number = [Token(str(event.count), "NUM", "object")] if event.count else []
    noun = _phrase(f"{plural if event.count else singular}/NOUN", "object")
    if not event.adjective:
        return [*number, *noun]
    form = words["adjectives"][event.adjective][_AGREEMENT.index("plural" if event.count else agreement)]
    return [*number, Token(form, "ADJ", "object"), *noun]


def _place(event: Event) -> list[Token]:
    if not event.place:
        return []
    where, where_to = lexicon("ru")["places"][event.place]
    return _phrase(where_to if event.verb == "bring" else where, "place")


def _time(event: Event) -> list[Token]:
    if not event.time:
        return []
    words = lexicon("ru")
    return _phrase(words["times"].get(event.time) or words["words"]["clock"].format(event.time), "time")


def _phrase(text: str, part: str = "") -> list[Token]:
    return [Token(*word.rsplit("/", 1), part) for word in text.split()]
