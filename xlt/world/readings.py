"""Questions on statements, and statements that mislead: how the further forms of question answering are drawn.

What answers a question is decided on records by `answers`, never from text.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import NamedTuple

from xlt.world.concepts import ROLES, SOMEONE, SOMETHING, VERBS, Event
from xlt.world.draws import askable, take
from xlt.world.events import event_of, fits, random_filler, random_noun, random_subject, sensible, takes
from xlt.world.forms import answers, paragraphs, random_target
from xlt.world.inference import widened
from xlt.world.render import ask, realise


class Reading(NamedTuple):
    """Statements, and a question for the `asked` role of an event; `which` statement answers it, if any does."""

    events: tuple[Event, ...]
    question: Event
    asked: str
    which: int | None


def tells(event: Event, question: Event, asked: str) -> bool:
    """Whether a statement could be taken for an answer."""
    return not event.negated and answers(event, question, asked)


def refilled(rng: Random, event: Event, field: str) -> Event:
    """The event with a random filler of a field; `object` is the thing with all that is said of it."""
    if field in ("noun", "object"):
        thing = event._replace(noun=random_noun(rng, event.verb))
        return thing if sensible(thing) and field == "noun" else thing._replace(adjective=None, count=None)
    if field == "subject":
        return event._replace(subject=random_subject(rng))
    if field == "verb":
        return event._replace(verb=rng.choice([verb for verb in VERBS if takes(verb, event.noun)]))
    return event._replace(**{field: random_filler(rng, event, field)})


def near_miss(rng: Random, split: str, question: Event, asked: str) -> Event | None:
    """A statement that differs in one thing from what the question says, and has another answer.

    So it shares most words with the question, does not answer it, and never holds the answer. None where no
    try led to one of this split.
    """
    given = ["verb", *(role for role in ROLES if role not in (asked, "object") and getattr(question, role))]
    given += ["noun"] if asked != "object" else []
    for _ in range(200):
        event = refilled(rng, refilled(rng, question, asked), rng.choice(given))
        other = _filler(event, asked) not in (None, _filler(question, asked))
        if other and fits(event, split) and not tells(event, question, asked):
            return event
    return None


def _filler(event: Event, role: str) -> str | None:
    return event.noun if role == "object" else getattr(event, role)


def reading(
    rng: Random, question: Event, asked: str, others: list[Event | None], target: Event | None
) -> Reading | None:
    """The statements in random order; None where one is missing, two are the same or another could be the answer."""
    events = [*others, target] if target else others
    if None in others or any(tells(event, question, asked) for event in others) or len(set(events)) < len(events):
        return None
    events = rng.sample(events, len(events))
    return Reading(tuple(events), question, asked, events.index(target) if target else None)


def squad2(rng: Random, split: str) -> Reading | None:
    """A third is not answered, though two statements come close (Rajpurkar et al. 2018)."""
    question, asked = random_target(rng, split)
    others = [event_of(rng, split, general=False) for _ in range(rng.choice((1, 2)))]
    others.append(near_miss(rng, split, question, asked))
    if rng.random() < 2 / 3:
        return reading(rng, question, asked, others, question)
    return reading(rng, question, asked, [*others, near_miss(rng, split, question, asked)], None)


def mlqa(rng: Random, split: str) -> Reading | None:
    """A longer context (Lewis et al. 2020)."""
    question, asked = random_target(rng, split)
    others = [event_of(rng, split, general=False) for _ in range(rng.choice((3, 4)))]
    return reading(rng, question, asked, [*others, near_miss(rng, split, question, asked)], question)


def tydiqa(rng: Random, split: str) -> Reading | None:
    """A question asked without sight of the answer: it says less, or less exactly (Clark et al. 2020)."""
    target, asked = random_target(rng, split)
    question = _says_less(rng, split, target, asked)
    others = [event_of(rng, split, general=False) for _ in range(rng.choice((2, 3)))]
    return reading(rng, question, asked, others, target) if question else None


def _says_less(rng: Random, split: str, target: Event, asked: str) -> Event | None:
    """The target with one to three things less said, or said more generally; who and what stay."""
    wider = widened(rng, target, rng.choice((1, 2, 3)))
    if asked == "object":
        wider = wider._replace(noun=target.noun, adjective=target.adjective, count=target.count)
    elif asked in ("place", "time"):
        wider = wider._replace(**{asked: getattr(target, asked)})
    if wider == target or SOMEONE in (wider.subject, target.subject) or wider.noun == SOMETHING:
        return None
    return wider if askable(wider, split) else None


def advqa(rng: Random, split: str) -> Reading:
    """A question for which the statement with most of its words is a wrong one (Bartolo et al. 2020).

    English only: it is the words of the English text that mislead. Half of the traps are denials.
    """
    trap = rng.choice((_denied, _in_the_words_of_the_question))
    while True:
        target, asked = random_target(rng, split)
        question, traps = trap(rng, split, target, asked)
        if traps and None not in traps and all(fits(event, split) for event in traps):
            trapped = reading(rng, question, asked, [*traps, event_of(rng, split, general=False)], target)
            if trapped and _misled(trapped):
                return trapped


def _denied(rng: Random, split: str, target: Event, asked: str) -> tuple[Event, list[Event]]:
    """`What does Anna buy?` shares more with `Anna does not buy a pear` than with `Anna buys an apple`."""
    denied = refilled(rng, target, asked)._replace(negated=True)
    other = _filler(denied, asked) != _filler(target, asked)
    return target, [near_miss(rng, split, target, asked), denied] if other else []


def _in_the_words_of_the_question(rng: Random, split: str, target: Event, asked: str) -> tuple[Event, list[Event]]:
    """`Where does Anna buy a fruit?` shares more with `David buys a fruit in the park` than with her apple."""
    question = _says_less(rng, split, target, asked)
    if question is None or question.noun == target.noun:  # then the target has all words of the question
        return target, []
    return question, [near_miss(rng, split, question, asked) for _ in range(2)]


def _misled(reading: Reading) -> bool:
    """Whether whoever takes the statement with most words of the question is wrong."""
    question = {token.form.lower() for token in ask(reading.question, reading.asked, "en")}
    shared = [len(question & {token.form.lower() for token in realise(event, "en")}) for event in reading.events]
    return max(n for i, n in enumerate(shared) if i != reading.which) > shared[reading.which]


def readings(draw: Callable[[Random, str], tuple | None], rng: Random, split: str, size: int) -> list:
    """Different readings of one split."""
    return take(size, lambda: draw(rng, split))


class Attacked(NamedTuple):
    """A reading, and statements of which each can mislead in its turn."""

    reading: Reading
    distractors: tuple[Event, ...]


def advsquad(rng: Random, split: str) -> Attacked | None:
    """A paragraph as in the SQuAD form, with one to three statements that look like answers (Jia and Liang 2017)."""
    ((events, which, asked),) = paragraphs(rng, split, 1)
    misses = [near_miss(rng, split, events[which], asked) for _ in range(rng.choice((1, 2, 3)))]
    distractors = tuple(dict.fromkeys(event for event in misses if event))
    return Attacked(Reading(events, events[which], asked, which), distractors) if distractors else None
