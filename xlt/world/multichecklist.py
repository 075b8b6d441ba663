"""Minimum-functionality tests as extractive question answering, after XTREME-R's MultiCheckList.

The six capabilities are those of Ruder et al. 2021 (arXiv 2104.07412): comparisons, intensifiers, properties,
profession against nationality, animal against vehicle in two versions. The sentences are this world's own, written
by hand in each language; nationality is said as where somebody comes from. Each context tells of two people or
things, and the other one's answer stands in it too. An answer is the phrase as it stands in the context, with its
article or case; a failure rate is one minus exact match by `test`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random
from string import Formatter
from typing import NamedTuple

from xlt.world.checklist import sentences
from xlt.world.columns import ANSWERS, STRING, Row, features, row_by_row
from xlt.world.concepts import COLOURS, NAMES, NOUNS, SOMETHING, Event, Token
from xlt.world.draws import distinct
from xlt.world.events import fits, random_event
from xlt.world.forms import qa_row
from xlt.world.grammar.sr import to_cyrillic
from xlt.world.render import capitalised, grammar, realise, replaced, text

TESTS = (
    "comparisons", "intensifiers", "properties", "profession_vs_nationality", "animal_vs_vehicle_v1",
    "animal_vs_vehicle_v2",
)  # fmt: skip
WOMEN = NAMES[:6]
_THINGS, _SIZES = ("bag", "box", "cup", "lamp"), ("big", "small")
_JOBS, _COUNTRIES = (
    ("doctor", "teacher", "farmer", "singer", "baker"), ("spain", "greece", "russia", "turkey", "india", "china"),
)  # fmt: skip
_LISTS = {"size": "sizes", "colour": "colours", "job": "jobs", "country": "countries"}  # in the sentences of a language
_VERBS = ("buy", "sell", "find")  # whose object has no case of its own in any language here
_KINDS = ("animal", "vehicle")


class Check(NamedTuple):
    """One case. The answer is in what is said of the first of `about` (or the second, in a comparison).

    about    two people, things or events     said     what is said of each: concepts, or numbers of sentences
    asked    what is asked for                turned   the second stands first in the context
    """

    test: str
    about: tuple
    said: tuple
    asked: str | int
    turned: bool


def checks(rng: Random, split: str, size: int) -> list[Check]:
    """Cases of the six tests in turn. The events of animal against vehicle are of `split`."""
    fresh = [distinct(lambda draw=draw: draw(rng, split)) for draw in _DRAWN]
    return [next(fresh[i % len(fresh)]) for i in range(size)]


def _people(rng: Random) -> tuple[str, ...]:
    return tuple(rng.sample(NAMES, 2))


def _turned(rng: Random) -> bool:
    return rng.random() < 0.5


def _comparison(rng: Random, split: str) -> Check:
    return Check(TESTS[0], _people(rng), (rng.randrange(4),), rng.randrange(2), turned=False)


def _intensifier(rng: Random, split: str) -> Check:
    return Check(TESTS[1], _people(rng), (rng.randrange(2), rng.randrange(2)), rng.randrange(2), _turned(rng))


def _property(rng: Random, split: str) -> Check:
    said = tuple(zip(rng.sample(_SIZES, 2), rng.sample(COLOURS, 2), strict=True))
    return Check(TESTS[2], tuple(rng.sample(_THINGS, 2)), said, rng.choice(("size", "colour")), _turned(rng))


def _origin(rng: Random, split: str) -> Check:
    said = tuple(zip(rng.sample(_JOBS, 2), rng.sample(_COUNTRIES, 2), strict=True))
    return Check(TESTS[3], _people(rng), said, rng.choice(("job", "country")), _turned(rng))


def _animal_or_vehicle(rng: Random, split: str, test: str, people: tuple[str, str]) -> Check | None:
    event = random_event(rng, general=False)._replace(verb=rng.choice(_VERBS), count=None, adjective=None)
    kinds = rng.sample(_KINDS, 2)
    nouns = [rng.choice([noun for noun in NOUNS if NOUNS[noun][1] == kind]) for kind in kinds]
    about = tuple(event._replace(subject=who, noun=noun) for who, noun in zip(people, nouns, strict=True))
    if not all(fits(event, split) for event in about):
        return None
    return Check(test, about, (), kinds[0], _turned(rng))


_DRAWN: tuple[Callable[[Random, str], Check | None], ...] = (
    _comparison,
    _intensifier,
    _property,
    _origin,
    lambda rng, split: _animal_or_vehicle(rng, split, TESTS[4], (rng.choice(NAMES),) * 2),
    lambda rng, split: _animal_or_vehicle(rng, split, TESTS[5], _people(rng)),
)


# In a language


class Wording(NamedTuple):
    """The statements of a context, the question, and where the answer is: the phrase of a role or slot."""

    statements: list[list[Token]]
    question: list[Token]
    which: int
    role: str


def _name(person: str, language: str) -> str:
    return text(grammar(language).subject(Event(person, "see", SOMETHING)))


def _filled(template: str, slots: dict[str, str], language: str, female: bool = False) -> list[Token]:
    """The template in pieces; the part of a filler is the name of its slot."""
    pieces = []
    for literal, slot, *_ in Formatter().parse(_gendered(template, female)):
        pieces.append((literal, ""))
        if slot:
            pieces.append((_gendered(slots[slot], female), slot))
    written = to_cyrillic if language == "sr-Cyrl" else str
    first, *rest = [Token(written(form), "", part, glued=True) for form, part in pieces if form]
    tokens = [first._replace(glued=language == "zh"), *rest]
    return capitalised(tokens, language) if first.form[0].isalnum() else tokens  # ¿Quién


def _gendered(template: str, female: bool) -> str:
    return re.sub(r"\[([^|\]]*)\|([^\]]*)\]", lambda match: match[1 + female], template)


def _compared(check: Check, language: str) -> Wording:
    words = sentences(language)
    one, other = check.about
    statement, *questions = words["comparisons"][check.said[0]]
    slots = {"a": _name(one, language), "b": words.get("than", {}).get(other) or _name(other, language)}
    statements = [_filled(statement, slots, language, one in WOMEN)]
    return Wording(statements, _filled(questions[check.asked], {}, language), 0, "ab"[check.asked])


def _intensified(check: Check, language: str) -> Wording:
    state, strong = check.said
    *degrees, more, less = sentences(language)["intensifiers"][state]
    statements = [
        _filled(degree, {"a": _name(person, language)}, language, person in WOMEN)
        for person, degree in zip(check.about, (degrees[strong], degrees[2]), strict=True)
    ]
    return Wording(statements, _filled((more, less)[check.asked], {}, language), check.asked, "a")


def _described(check: Check, language: str) -> Wording:
    """Two things of a size and a colour, or two people with a job and from a country."""
    if check.test == "properties":
        words, described = sentences(language)["properties"], ("size", "colour")
        entries = [words["things"][thing] for thing in check.about]
        about = [(entry[0], True) if isinstance(entry, list) else (entry, False) for entry in entries]
    else:
        words, described = sentences(language)["origins"], ("job", "country")
        about = [(_name(person, language), person in WOMEN) for person in check.about]
    statements, questions = [], []
    for (subject, female), concepts in zip(about, check.said, strict=True):
        slots = {slot: words[_LISTS[slot]][concept] for slot, concept in zip(described, concepts, strict=True)}
        slots |= {"thing": subject, "a": subject}
        statements.append(_filled(words["text"], slots, language, female))
        questions.append(_filled(words[check.asked], slots, language, female))
    return Wording(statements, questions[0], 0, check.asked)


def _bought(check: Check, language: str) -> Wording:
    """`Anna buys a dog. Anna buys a car. What animal does Anna buy?`, or two people and who buys an animal."""
    role = "object" if check.test == "animal_vs_vehicle_v1" else "subject"
    question = grammar(language).sentence(check.about[0]._replace(noun=check.asked), role)
    if role == "object":
        which = grammar(language).phrase(sentences(language)["which"][check.asked], role)
        which[0] = which[0]._replace(glued=next(token.glued for token in question if token.part == role))
        question = replaced(question, role, which)
    statements = [realise(event, language) for event in check.about]
    return Wording(statements, capitalised(question, language), 0, role)


_WORDED: dict[str, Callable[[Check, str], Wording]] = dict(
    zip(TESTS, (_compared, _intensified, _described, _described, _bought, _bought), strict=True)
)


@row_by_row
def checklist_rows(check: Check, language: str, i: int) -> Row:
    """Context, question and answer, as in SQuAD, and the test."""
    statements, question, which, role = _WORDED[check.test](check, language)
    if check.turned:
        statements, which = statements[::-1], len(statements) - 1 - which
    return qa_row(f"checklist-{i:06d}", statements, question, which, role) | {"test": check.test}


FEATURES = {"xlt/multichecklist": features("id title context question", answers=ANSWERS, test=STRING)}
SETS = {"checklist": ("test", checks, checklist_rows, [("xlt/multichecklist", "{code}", "test")])}
