"""Turkish, in its Latin alphabet: subject, time, place, object, verb.

A question word stands where the answer would, except that kim comes after time and place, next to the object.
Modelled: bare indefinite objects (kırmızı bir elma), the singular after numbers, the accusative of sevmek and the
ablative of nefret etmek, negative verb forms, hiçbir şey, the dative goal of getirmek, yaşlı for old animals,
vowel harmony and the apostrophe of clock times (8:15'te, 8:30'da).
Simplified: the present in -iyor everywhere, also for habits; bir stays under negation; a wh-question about a clock
time says ne zaman. Mind when capitalising that i becomes İ (istasyonda).
Forms, order and script were checked by eye.
"""

from __future__ import annotations

from functools import partial

from xlt.world.concepts import NOUNS, SOMETHING, Event, Token
from xlt.world.grammar import bare_subject, phrase
from xlt.world.lexicon import lexicon


def clause(event: Event) -> list[Token]:
    """The event as a declarative sentence in the present tense."""
    return [*bare_subject("tr", event), *_time(event), *_place(event), *_object(event), *_verb(event), _end(".")]


def question(event: Event, asked: str) -> list[Token]:
    """A wh-question about one role of the event; the other roles stay."""
    asking = _asking(event, asked)
    roles = {"subject": partial(bare_subject, "tr"), "time": _time, "place": _place, "object": _object}
    order = ("time", "place", "subject", "object") if asked == "subject" else tuple(roles)
    words = [token for role in order for token in (asking if role == asked else roles[role](event))]
    return [*words, *_verb(event), _end("?")]


def _asking(event: Event, asked: str) -> list[Token]:
    words = lexicon("tr")["words"]
    if asked == "object":
        return phrase(words["what"][_case(event)], asked)
    where = "where_to" if event.verb == "bring" else "where"
    return phrase(words[{"subject": "who", "place": where, "time": "when"}[asked]], asked)


def _verb(event: Event) -> list[Token]:
    _, present, negated = lexicon("tr")["verbs"][event.verb]
    return phrase(negated if event.negated else present)


def _case(event: Event) -> int:
    return lexicon("tr")["verbs"][event.verb][0]


def _object(event: Event) -> list[Token]:
    words = lexicon("tr")
    if event.noun == SOMETHING:
        return phrase(words["words"]["nothing" if event.negated else "something"][_case(event)], "object")
    noun = f"{words['nouns'][event.noun][_case(event)]}/NOUN"
    if event.count:
        return phrase(f"{event.count}/NUM {_adjective(event)} {noun}", "object")
    return phrase(f"{_adjective(event)} bir/DET {noun}", "object")


def _adjective(event: Event) -> str:
    if not event.adjective:
        return ""
    animal = event.noun == "animal" or event.noun in NOUNS and NOUNS[event.noun][0] == "animal"
    concept = "old_animal" if event.adjective == "old" and animal else event.adjective
    return f"{lexicon('tr')['adjectives'][concept]}/ADJ"


def _place(event: Event) -> list[Token]:
    if not event.place:
        return []
    where, where_to = lexicon("tr")["places"][event.place]
    return [Token(where_to if event.verb == "bring" else where, "NOUN", "place")]


def _time(event: Event) -> list[Token]:
    if not event.time:
        return []
    words = lexicon("tr")
    if event.time in words["times"]:
        return phrase(words["times"][event.time], "time")
    return phrase(words["words"]["clock"][event.time[-2:]].format(event.time), "time")


def _end(mark: str) -> Token:
    return Token(mark, "PUNCT", glued=True)
