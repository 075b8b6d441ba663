"""Random events that make sense, and the split that each belongs to.

`sensible` holds the selection restrictions: what can be cooked, what can be yellow. An event belongs
to train, dev or test by a hash of its core (subject, verb, noun, adjective, count), so that no event of
an evaluation set, with whatever place or time, is ever the event of a training sentence.
"""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from random import Random

from xlt.world.concepts import (
    ADJECTIVES,
    ANTONYMS,
    CLOCKS,
    COLOURS,
    COUNTS,
    HYPERNYMS,
    NAMES,
    NOUNS,
    PEOPLE,
    PLACES,
    SOMEONE,
    SOMETHING,
    TIMES,
    VERBS,
    Event,
)

SPLITS = {"train": 0.8, "dev": 0.1, "test": 0.1}

_SIZES = ("big", "small", "beautiful", "ugly")
_PRICES = ("cheap", "expensive")
_ALL = (*ANTONYMS, *ANTONYMS.values())
_FITTING = {
    "animal": (*_SIZES, "old", "clean", "dirty", "heavy", "black", "white"),
    "food": ("big", "small", "clean", "dirty", *_PRICES),
    "text": (*_SIZES, "old", "new", "heavy", "light"),
    "plant": (*_SIZES, *_PRICES, "red", "white", "yellow"),
    "artefact": (*_ALL, *COLOURS),
    "machine": (*_ALL, *COLOURS),
}
_FITTING_MORE = {
    "apple": ("red", "green", "yellow"), "pear": ("green", "yellow"), "lemon": ("green", "yellow"),
    "banana": ("green", "yellow"), "tomato": ("red", "green", "yellow"), "fruit": ("red", "green", "yellow"),
    "book": (*_PRICES, *COLOURS), "egg": ("white",), "cake": ("beautiful", "ugly"),
}  # fmt: skip
_ODD = {
    "cook": ("banana", "lemon", "orange", "cake", "fruit"), "wash": ("cake", "egg", "picture", "lamp", "key", "book"),
    "write": ("newspaper",), "break": ("boat", "piano"),
}  # fmt: skip
_ODD_ADJECTIVES = {
    "cake": ("dirty", "clean"), "fish": ("clean", "dirty"), "letter": ("heavy", "light"),
    "newspaper": ("heavy", "light"),
}  # fmt: skip
_STATES = ("love", "hate", "want")  # no place and no time; nor does one bring things in a place


def noun_class(noun: str) -> str:
    """The class of a noun; a hypernym has that of its hyponyms."""
    return next(kind for name, (kind, above, _) in NOUNS.items() if noun in (name, above))


def is_animal(noun: str) -> bool:
    return noun != SOMETHING and noun_class(noun) == "animal"


@cache
def takes(verb: str, noun: str) -> bool:
    """Whether the verb can be said of the noun."""
    classes, portable_only = VERBS[verb]
    if noun == SOMETHING:
        return True
    portable = NOUNS[noun][2] if noun in NOUNS else noun in ("animal", "fruit", "flower")
    return noun_class(noun) in classes and (portable or not portable_only) and noun not in _ODD.get(verb, ())


@cache
def adjectives(noun: str) -> tuple[str, ...]:
    """The adjectives that go with a noun, in the order of the inventory."""
    if noun == SOMETHING:
        return ()
    fitting = (*_FITTING[noun_class(noun)], *_FITTING_MORE.get(noun, ()))
    return tuple(word for word in ADJECTIVES if word in fitting and word not in _ODD_ADJECTIVES.get(noun, ()))


def sensible(event: Event) -> bool:
    """Whether the world contains such an event."""
    if (event.place and event.verb in (*_STATES, "bring")) or (event.time and event.verb in _STATES):
        return False
    if event.adjective and event.adjective not in adjectives(event.noun):
        return False
    if event.negated and (event.subject == SOMEONE or event.count or event.time == "every_day"):
        return False
    return takes(event.verb, event.noun) and not (event.count and event.noun == SOMETHING)


def random_event(rng: Random, general: bool = True, negated: float = 0.0) -> Event:
    """A sensible event; with `general`, now and then about someone, something, or a hypernym."""
    verb = rng.choice(list(VERBS))
    subject, noun = random_subject(rng, general), random_noun(rng, verb, general)
    event = Event(subject, verb, noun, negated=rng.random() < negated and subject != SOMEONE)
    for role, likely in (("adjective", 0.5), ("count", 0.15), ("place", 0.5), ("time", 0.5)):
        if rng.random() < likely:
            richer = event._replace(**{role: random_filler(rng, event, role)})
            event = richer if sensible(richer) else event
    return event


def random_filler(rng: Random, event: Event, role: str) -> str | int | None:
    """Something to fill the role with; clock times as often as other times. None if nothing goes there."""
    times = CLOCKS if rng.random() < 0.5 else TIMES
    fitting = {"adjective": adjectives(event.noun), "count": COUNTS, "place": PLACES, "time": times}[role]
    return rng.choice(fitting) if fitting else None


def split_of(event: Event) -> str:
    """train, dev or test, by the core of the event."""
    return split_by((event.subject, event.verb, event.noun, event.adjective, event.count))


def split_by(key: tuple) -> str:
    """train, dev or test, by what tells one thing from another."""
    share = int(sha256(repr(key).encode()).hexdigest()[:8], 16) / 16**8
    if share < SPLITS["train"]:
        return "train"
    return "dev" if share < SPLITS["train"] + SPLITS["dev"] else "test"


def fits(event: Event, split: str) -> bool:
    """Whether the event makes sense and is of the split."""
    return sensible(event) and split_of(event) == split


def event_of(rng: Random, split: str, general: bool = True, negated: float = 0.0) -> Event:
    """A random event of one split."""
    while True:
        event = random_event(rng, general, negated)
        if split_of(event) == split:
            return event


def random_subject(rng: Random, general: bool = False) -> str:
    """A name or a person; with `general` sometimes someone."""
    draw = rng.random()
    if draw < 0.1 and general:
        return SOMEONE
    return rng.choice(NAMES if draw < 0.55 else PEOPLE)


def random_noun(rng: Random, verb: str, general: bool = False) -> str:
    """A thing for the verb; with `general` sometimes a hypernym or something."""
    draw = rng.random()
    if draw < 0.08 and general:
        return SOMETHING
    below, above = _nouns(verb)
    return rng.choice(above if draw < 0.25 and general and above else below)


@cache
def _nouns(verb: str) -> tuple[list[str], list[str]]:
    """The nouns that the verb takes, and their hypernyms."""
    return [noun for noun in NOUNS if takes(verb, noun)], [noun for noun in HYPERNYMS if takes(verb, noun)]
