"""Minimum-functionality tests as extractive question answering, after XTREME-R's MultiCheckList.

The six capabilities are those of Ruder et al. 2021 (arXiv 2104.07412): comparisons, intensifiers, properties,
profession against nationality, animal against vehicle in two versions. The sentences are this world's own, written
by hand in each language; nationality is said as where somebody comes from. Each context tells of two people or
things, and the other one's answer stands in it too. An answer is the phrase as it stands in the context, with its
article or case; a failure rate is one minus exact match by `test`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from random import Random
from string import Formatter
from typing import Any, NamedTuple

from xlt.world.checklist import sentences
from xlt.world.columns import ANSWERS, STRING, features
from xlt.world.concepts import COLOURS, NAMES, NOUNS, SOMETHING, Event
from xlt.world.draws import distinct
from xlt.world.events import random_event, sensible, split_of
from xlt.world.forms import Row
from xlt.world.grammar.sr import to_cyrillic
from xlt.world.render import ask, capitalised, grammar, realise, text

TESTS = (
    "comparisons", "intensifiers", "properties", "profession_vs_nationality", "animal_vs_vehicle_v1",
    "animal_vs_vehicle_v2",
)  # fmt: skip
WOMEN = NAMES[:6]
_THINGS, _SIZES = ("bag", "box", "cup", "lamp"), ("big", "small")
_JOBS, _COUNTRIES = (
    ("doctor", "teacher", "farmer", "singer", "baker"), ("spain", "greece", "russia", "turkey", "india", "china"),
)  # fmt: skip
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


Piece = tuple[str, bool]  # text, and whether it is the answer
Told = tuple[list[list[Piece]], str]  # the sentences of a context, and the question


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
    if {split_of(told) for told in about} != {split} or not all(map(sensible, about)):
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


def _name(person: str, language: str) -> str:
    return text(grammar(language).subject(Event(person, "see", SOMETHING)))


def _gendered(template: str, female: bool) -> str:
    return re.sub(r"\[([^|\]]*)\|([^\]]*)\]", lambda match: match[1 + female], template)


def _pieces(template: str, slots: dict[str, str], language: str, answer: str = "", female: bool = False) -> list[Piece]:
    """The template with its slots filled in; the slot `answer` is the answer."""
    written = to_cyrillic if language == "sr-Cyrl" else str
    pieces = []
    for literal, slot, *_ in Formatter().parse(_gendered(template, female)):
        pieces += [(written(literal), False), *([(written(slots[slot]), slot == answer)] if slot else [])]
    said = [piece for piece in pieces if piece[0]]
    (first, is_answer), *rest = said
    start = 1 if first[0] == "¿" else 0
    return [(first[:start] + first[start].upper() + first[start + 1 :], is_answer), *rest]


def _asked(template: str, slots: dict[str, str], language: str, female: bool = False) -> str:
    return "".join(piece for piece, _ in _pieces(template, slots, language, female=female))


def _compared(check: Check, language: str) -> Told:
    words = sentences(language)
    one, other = check.about
    statement, *questions = words["comparisons"][check.said[0]]
    slots = {"a": _name(one, language), "b": words.get("than", {}).get(other) or _name(other, language)}
    told = _pieces(statement, slots, language, answer="ab"[check.asked], female=one in WOMEN)
    return [told], _asked(questions[check.asked], {}, language)


def _intensified(check: Check, language: str) -> Told:
    state, strong = check.said
    *statements, more, less = sentences(language)["intensifiers"][state]
    told = []
    for i, (person, statement) in enumerate(zip(check.about, (statements[strong], statements[2]), strict=True)):
        answer = "a" if i == check.asked else ""
        told.append(_pieces(statement, {"a": _name(person, language)}, language, answer, person in WOMEN))
    return told, _asked((more, less)[check.asked], {}, language)


def _with_properties(check: Check, language: str) -> Told:
    words, told, questions = sentences(language)["properties"], [], []
    for i, (thing, (size, colour)) in enumerate(zip(check.about, check.said, strict=True)):
        entry = words["things"][thing]
        form, female = (entry[0], True) if isinstance(entry, list) else (entry, False)
        slots = {"thing": form, "size": words["sizes"][size], "colour": words["colours"][colour]}
        slots = {slot: _gendered(filler, female) for slot, filler in slots.items()}
        told.append(_pieces(words["text"], slots, language, "" if i else str(check.asked), female))
        questions.append(_asked(words[check.asked], slots, language, female))
    return told, questions[0]


def _with_origins(check: Check, language: str) -> Told:
    words, told, questions = sentences(language)["origins"], [], []
    for i, (person, (job, country)) in enumerate(zip(check.about, check.said, strict=True)):
        female = person in WOMEN
        slots = {"a": _name(person, language), "job": words["jobs"][job], "country": words["countries"][country]}
        slots = {slot: _gendered(filler, female) for slot, filler in slots.items()}
        told.append(_pieces(words["text"], slots, language, "" if i else str(check.asked), female))
        questions.append(_asked(words[check.asked], slots, language, female))
    return told, questions[0]


def _bought(check: Check, language: str) -> Told:
    """`Anna buys a dog. Anna buys a car. What animal does Anna buy?`, or two people and who buys an animal."""
    role = "object" if check.test == TESTS[4] else "subject"
    told = [_event_pieces(event, language, "" if i else role) for i, event in enumerate(check.about)]
    event = check.about[0]._replace(noun=check.asked)
    if role == "subject":
        return told, text(ask(event, role, language))
    tokens = grammar(language).sentence(event, role)
    which = grammar(language).phrase(sentences(language)["which"][check.asked], role)
    where = [i for i, token in enumerate(tokens) if token.part == role]
    which[0] = which[0]._replace(glued=tokens[where[0]].glued)
    return told, text(capitalised([*tokens[: where[0]], *which, *tokens[where[-1] + 1 :]], language))


def _event_pieces(event: Event, language: str, answer: str) -> list[Piece]:
    tokens = realise(event, language)
    spaced = [("" if token.glued or i == 0 else " ", token) for i, token in enumerate(tokens)]
    return [piece for space, token in spaced for piece in ((space, False), (token.form, token.part == answer != ""))]


_TOLD: dict[str, Callable[[Check, str], Told]] = dict(
    zip(TESTS, (_compared, _intensified, _with_properties, _with_origins, _bought, _bought), strict=True)
)


def checklist_rows(records: Iterable[Check], language: str) -> list[Row]:
    """Context, question and answer, as in SQuAD, and the test."""
    return [_row(check, language, i) for i, check in enumerate(records)]


def _row(check: Check, language: str, i: int) -> Row:
    told, question = _TOLD[check.test](check, language)
    told = told[::-1] if check.turned else told
    gap: list[Piece] = [] if language == "zh" else [(" ", False)]
    pieces = [piece for number, sentence in enumerate(told) for piece in (gap if number else []) + sentence]
    marked = [number for number, (_, is_answer) in enumerate(pieces) if is_answer]
    start = sum(len(said) for said, _ in pieces[: marked[0]])
    answer = "".join(said for said, _ in pieces[marked[0] : marked[-1] + 1])
    row: dict[str, Any] = {
        "id": f"checklist-{i:06d}",
        "title": "World",
        "context": "".join(said for said, _ in pieces),
        "question": question,
        "answers": {"text": [answer], "answer_start": [start]},
        "test": check.test,
    }
    return row


FEATURES = {"xlt/multichecklist": features("id title context question", answers=ANSWERS, test=STRING)}
SETS = {"checklist": ("test", checks, checklist_rows, [("xlt/multichecklist", "{code}", "test")])}
