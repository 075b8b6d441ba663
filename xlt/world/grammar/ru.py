"""Russian, in Cyrillic with ё: the time opens the sentence, then subject, verb, place and the new thing last.

Modelled: gender agreement, animate accusative of masculines, genitive plural after numbers, negative concord
(ничего не), preposition and case of places by noun, goal instead of location with "bring" (в парк), and the two
verbs of washing (стирать for clothes). что-то and ничего stand before the verb, and a question
for the object ends in the time.
Simplified: a negated verb keeps its object in the accusative, and a wh-question about a clock time says когда.
Forms, order and script were checked by eye.
"""

from __future__ import annotations

from xlt.world.concepts import NOUNS, SOMETHING, Event, Token
from xlt.world.grammar import bare_subject, goal_or_place, phrase, time_phrase
from xlt.world.lexicon import lexicon

_AGREEMENT = ("m", "ma", "f", "nt", "plural")


def clause(event: Event) -> list[Token]:
    """The event as a declarative sentence in the present tense."""
    return [*time_phrase("ru", event), *bare_subject("ru", event), *_predicate(event), Token(".", "PUNCT", glued=True)]


def question(event: Event, asked: str) -> list[Token]:
    """A wh-question about one role of the event; the other roles stay."""
    subject = [] if asked == "subject" else bare_subject("ru", event)
    time = [] if asked == "time" else time_phrase("ru", event)
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
    return phrase(lexicon("ru")["words"][word], asked)


def _predicate(event: Event) -> list[Token]:
    negation = phrase(lexicon("ru")["words"]["not"]) if event.negated else []
    verb = [*negation, Token(_verb(event), "VERB")]
    if event.noun == SOMETHING:
        return [*_object(event), *verb, *goal_or_place("ru", event)]
    return [*verb, *goal_or_place("ru", event), *_object(event)]


def _verb(event: Event) -> str:
    words = lexicon("ru")
    launders = event.verb == "wash" and event.noun in words["words"]["clothes"]
    return words["verbs"]["wash_clothes" if launders else event.verb]


def _object(event: Event) -> list[Token]:
    words = lexicon("ru")
    if event.noun == SOMETHING:
        return phrase(words["words"]["nothing" if event.negated else "something"], "object")
    agreement, singular, plural = words["nouns"][event.noun]
    number = [Token(str(event.count), "NUM", "object")] if event.count else []
    noun = phrase(f"{plural if event.count else singular}/NOUN", "object")
    if not event.adjective:
        return [*number, *noun]
    form = words["adjectives"][event.adjective][_AGREEMENT.index("plural" if event.count else agreement)]
    return [*number, Token(form, "ADJ", "object"), *noun]
