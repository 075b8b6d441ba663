"""Multiple choice on what `knowledge` says of things: HellaSwag and CommonsenseQA, English only as the real ones are.

Wrong answers are right answers to another question of the same kind, as in `choice`. HellaSwag asks what the thing
of the context is for; endings say "it", so that they do not give it away. CommonsenseQA asks for kinds of things,
opposites, and where things are found. The world knows so little that its splits share facts; but no set of five
choices is in two splits.
"""

from __future__ import annotations

from random import Random
from typing import NamedTuple

from datasets import List

from xlt.world.choice import said_subject, somewhere
from xlt.world.columns import INTEGER, STRING, Row, features, row_by_row, sets
from xlt.world.concepts import ANTONYM_VERBS, ANTONYMS, Event
from xlt.world.draws import different
from xlt.world.events import fits, random_event, split_by
from xlt.world.grammar.en import article
from xlt.world.knowledge import FOUND, KINDS, USES
from xlt.world.lexicon import lexicon
from xlt.world.render import grammar, realise, text

_MEETINGS = ("see", "find", "buy", "bring", "show")

# What things are for: HellaSwag


class Ending(NamedTuple):
    """An event, what could be done next with its thing and where or when (nothing else of the event counts)."""

    context: Event
    endings: tuple[tuple[str, Event], ...]
    label: int
    split: str


@different
def endings(rng: Random, split: str) -> Ending:
    """Contexts of `split` with four endings each."""
    uses, label = rng.sample(list(USES), 4), rng.randrange(4)
    nouns = USES[uses[label]]
    while True:
        event = random_event(rng, general=False)._replace(noun=rng.choice(nouns), count=None)
        if event.verb in _MEETINGS and fits(event, split):
            break
    bare = Event(event.subject, "see", event.noun)
    return Ending(event, tuple((use, somewhere(rng, bare)) for use in uses), label, split)


@row_by_row
def hellaswag_rows(record: Ending, language: str, i: int) -> Row:
    """A context that breaks off and four endings, as in HellaSwag. English only."""
    context, subject = text(realise(record.context, "en")), said_subject(record.context)
    start = subject[0].upper() + subject[1:]
    return {
        "ind": i,
        "activity_label": lexicon("en")["nouns"][record.context.noun][1].capitalize(),
        "ctx_a": context,
        "ctx_b": start,
        "ctx": f"{context} {start}",
        "endings": [_done(*ending) for ending in record.endings],
        "source_id": f"world~{i}",
        "split": {"train": "train", "dev": "val", "test": "test"}[record.split],
        "split_type": "indomain",
        "label": str(record.label),
    }


def _done(use: str, event: Event) -> str:
    """`wears it in the kitchen.`"""
    tokens = [*grammar("en").place(event), *grammar("en").time(event)]
    return f"{' '.join([use, *(token.form for token in tokens)])}."


# Kinds, opposites, places: CommonsenseQA


class Fact(NamedTuple):
    """A question about a concept with five choices, all of them words."""

    question: str
    concept: str
    choices: tuple[str, ...]
    label: int


@different
def facts(rng: Random, split: str) -> Fact | None:
    """Questions whose set of choices is in this split only, and with it all that could be asked about it."""
    fact = rng.choice((_kind, _member, _opposite, _opposite_verb, _place))(rng)
    return fact if split_by(tuple(sorted(fact.choices))) == split else None


def _kind(rng: Random) -> Fact:
    """The choices are kinds."""
    label, choices = _five(rng, list(KINDS))
    noun = rng.choice(KINDS[choices[label]])
    return Fact(f"What kind of thing is {_a(noun)}?", noun, tuple(map(_noun, choices)), label)


def _member(rng: Random) -> Fact:
    """The choices are things, each of another kind."""
    label, above = _five(rng, list(KINDS))
    nouns = [rng.choice(KINDS[kind]) for kind in above]
    return Fact(f"Which of these is {_a(above[label])}?", above[label], tuple(map(_noun, nouns)), label)


def _opposite(rng: Random) -> Fact:
    label, pairs = _five(rng, [rng.sample(pair, 2) for pair in ANTONYMS.items()])
    concept = pairs[label][0]
    return Fact(f"What is the opposite of {concept}?", concept, tuple(other for _, other in pairs), label)


def _opposite_verb(rng: Random) -> Fact:
    verbs = lexicon("en")["verbs"]
    label, pairs = _five(rng, [rng.sample(pair, 2) for pair in ANTONYM_VERBS.items()])
    asked, choices = verbs[pairs[label][0]][0], tuple(f"to {verbs[other][0]}" for _, other in pairs)
    return Fact(f'What is the opposite of "to {asked}"?', asked, choices, label)


def _place(rng: Random) -> Fact:
    label, places = _five(rng, list(FOUND))
    concept = rng.choice(FOUND[places[label]])
    return Fact(f"Where would you most likely find {_a(concept)}?", concept, tuple(places), label)


def _five(rng: Random, groups: list) -> tuple[int, list]:
    """Five of the groups in random order, and which one is asked for."""
    return rng.randrange(5), rng.sample(groups, 5)


def _noun(concept: str) -> str:
    words = lexicon("en")
    return words["nouns"].get(concept, [concept])[0] if concept not in words["people"] else words["people"][concept]


def _a(concept: str) -> str:
    noun = _noun(concept)
    return f"{article(noun)} {noun}"


@row_by_row
def csqa_rows(fact: Fact, language: str, i: int) -> Row:
    """A question and five short choices, as in CommonsenseQA. English only."""
    return {
        "id": f"world-{i:06d}",
        "question": fact.question,
        "question_concept": fact.concept,
        "choices": {"label": list("ABCDE"), "text": list(fact.choices)},
        "answerKey": "ABCDE"[fact.label],
    }


FEATURES = {
    "Rowan/hellaswag": features(
        "", ind=INTEGER, activity_label=STRING, ctx_a=STRING, ctx_b=STRING, ctx=STRING, endings=List(STRING),
        source_id=STRING, split=STRING, split_type=STRING, label=STRING,
    ),
    "tau/commonsense_qa": features(
        "id question question_concept", choices={"label": List(STRING), "text": List(STRING)}, answerKey=STRING
    ),
}  # fmt: skip
SETS = {
    **sets("hellaswag", "train dev", endings, hellaswag_rows, "Rowan/hellaswag", "default"),
    **sets("commonsenseqa", "train dev", facts, csqa_rows, "tau/commonsense_qa", "default"),
}
