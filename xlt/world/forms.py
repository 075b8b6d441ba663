"""The records of every task form, in the columns of the real data sets.

Each form first draws *records* (events, pairs, paragraphs) from a seeded generator of its own and then says
them in a language; so row i of a set is the same record in every language, and no set depends on which other
sets or languages are asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from random import Random
from typing import Any, TypeVar

from xlt.spec.languages import language as language_row
from xlt.world.codeswitch import code_switched
from xlt.world.concepts import ROLES, SOMETHING, Event, Token
from xlt.world.events import event_of, sensible, split_of
from xlt.world.inference import CLASH, LABELS, NARROWER, SAME, WIDER, random_pair, relation
from xlt.world.render import ask, realise, span, text

UPOS = [
    "ADJ", "ADP", "ADV", "AUX", "CCONJ", "DET", "INTJ", "NOUN", "NUM", "PART", "PRON", "PROPN", "PUNCT", "SCONJ", "SYM",
    "VERB", "X",
]  # fmt: skip

Row = dict[str, Any]
Sentence = tuple[Event, str]  # the role that is asked for, "" for a statement
Paragraph = tuple[tuple[Event, ...], int, str]  # its events, which one is asked about, and what
Item = TypeVar("Item")


def distinct(draw: Callable[[], Item | None], key: Callable[[Item], Any]) -> Iterator[Item]:
    """Draws that are not None, without repetition."""
    seen = set()
    while True:
        item = draw()
        if item is not None and key(item) not in seen:
            seen.add(key(item))
            yield item


# Sentences: pretraining text, part of speech, parallel sentences


def sentences(rng: Random, split: str, size: int) -> list[Sentence]:
    """Statements, and one question in six."""

    def draw() -> Sentence:
        event = event_of(rng, split, negated=0.1)
        asked = rng.choice(filled(event)) if rng.random() < 1 / 6 and not event.negated else ""
        return event, asked

    return list(islice(distinct(draw, said_of), size))


def filled(event: Event) -> list[str]:
    return [role for role in ROLES if role in ("subject", "object") or getattr(event, role)]


def said_of(sentence: Sentence) -> Sentence:
    """The record without what its sentence leaves open."""
    event, asked = sentence
    if asked == "object":
        return event._replace(noun=SOMETHING, adjective=None, count=None), asked
    return (event._replace(**{asked: None}) if asked else event), asked


def _tokens(sentence: Sentence, language: str) -> list[Token]:
    event, asked = sentence
    return ask(event, asked, language) if asked else realise(event, language)


def passages(rng: Random, split: str, size: int) -> list[list[Sentence]]:
    """Coherent text: half of the rows are one sentence, half go on with a second one about the same event.

    The second sentence says less, or something more, and never contradicts the first: as in real text,
    fruit is met again where there were apples.
    """
    single = iter(sentences(rng, split, size))
    coherent = distinct(lambda: pair_of(rng, split, rng.choice(LABELS[:2])), key=tuple)
    return [[(event, "") for event in next(coherent)] if rng.random() < 0.5 else [next(single)] for _ in range(size)]


def text_rows(records: Iterable[list[Sentence]], language: str) -> list[Row]:
    """Pretraining text: one passage a row."""
    return [{"text": text(*(_tokens(sentence, language) for sentence in passage))} for passage in records]


def switched_rows(records: Iterable[list[Sentence]], language: str) -> list[Row]:
    """The same, with phrases of another language in most sentences (see xlt.world.codeswitch)."""
    rng = Random(f"code-switched {language}")
    return [{"text": text(*(code_switched(rng, *sentence, language) for sentence in passage))} for passage in records]


def pos_rows(records: Iterable[Sentence], language: str) -> list[Row]:
    """Words and universal tags, as in XTREME's udpos."""
    said = [_tokens(record, language) for record in records]
    return [{"tokens": [t.form for t in tokens], "pos_tags": [UPOS.index(t.upos) for t in tokens]} for tokens in said]


def parallel_rows(records: Iterable[Sentence], language: str) -> list[Row]:
    """Translation pairs with English on the target side, as in XTREME's tatoeba."""
    return [
        {
            "source_sentence": text(_tokens(record, language)),
            "target_sentence": text(_tokens(record, "en")),
            "source_lang": language_row(language).iso3,
            "target_lang": "eng",
        }
        for record in records
    ]


# Natural language inference


def pair_of(rng: Random, split: str, label: str) -> tuple[Event, Event] | None:
    pair = random_pair(rng, label)
    if pair is None or split_of(pair[0]) != split:
        return None
    return None if split == "train" and split_of(pair[1]) != split else pair


def pairs(
    rng: Random, split: str, size: int, draw: Callable[[Random, str, str], tuple[Event, Event] | None] = pair_of
) -> list[tuple[Event, Event, str]]:
    """Premise, hypothesis, label; as many of each label. Premises are of `split`.

    Hypotheses of training pairs are too, so that a premise of an evaluation set is never met in training.
    """
    labels = [LABELS[i % 3] for i in range(size)]
    rng.shuffle(labels)
    fresh = {label: distinct(lambda label=label: draw(rng, split, label), key=tuple) for label in LABELS}
    return [(*next(fresh[label]), label) for label in labels]


def nli_rows(records: Iterable[tuple[Event, Event, str]], language: str) -> list[Row]:
    """Premise, hypothesis and label, as in MNLI and XNLI."""
    return [
        {
            "premise": text(realise(premise, language)),
            "hypothesis": text(realise(hypothesis, language)),
            "label": LABELS.index(label),
            "idx": i,
        }
        for i, (premise, hypothesis, label) in enumerate(records)
    ]


# Question answering


def paragraphs(rng: Random, split: str, size: int) -> list[Paragraph]:
    """Three or four statements about different people, and a question that exactly one of them answers."""
    return list(islice(distinct(lambda: _paragraph(rng, split), key=lambda paragraph: paragraph), size))


def _paragraph(rng: Random, split: str) -> Paragraph | None:
    target = event_of(rng, split, general=False)
    asked = rng.choice(filled(target))
    others = [_distractor(rng, split, target) for _ in range(rng.choice((2, 3)))]
    subjects = {event.subject for event in (target, *others)}
    if len(subjects) <= len(others) or any(answers(other, target, asked) for other in others):
        return None
    which = rng.randrange(len(others) + 1)
    return (*others[:which], target, *others[which:]), which, asked


def _distractor(rng: Random, split: str, target: Event) -> Event:
    """An event of someone else that has the verb or the thing of the target more often than by chance."""
    event = event_of(rng, split, general=False)
    shared = rng.choice(("verb", "noun", "place", "time"))
    near = event._replace(**{shared: getattr(target, shared)})
    return near if sensible(near) and split_of(near) == split else event


def answers(event: Event, target: Event, asked: str) -> bool:
    """Whether the statement of `event` could be taken for an answer to the question about `target`."""
    given = ["verb", *(role for role in ("subject", "place", "time") if role != asked)]
    given += [] if asked == "object" else ["noun", "adjective", "count"]
    strict = ("subject", "verb", "noun")
    relations = {field: relation(target, event, field) for field in given}
    return not any(
        found == CLASH or (found not in (SAME, WIDER, NARROWER) and field in strict)
        for field, found in relations.items()
    )


def qa_rows(records: Iterable[Paragraph], language: str) -> list[Row]:
    """Context, question and the one answer, as in SQuAD and XQuAD."""
    return [_qa_row(record, language, f"world-{i:06d}") for i, record in enumerate(records)]


def _qa_row(paragraph: Paragraph, language: str, name: str) -> Row:
    events, which, asked = paragraph
    said = [realise(event, language) for event in events]
    context = text(*said)
    start, end = span(said, which, asked)
    return {
        "id": name,
        "title": "World",
        "context": context,
        "question": text(ask(events[which], asked, language)),
        "answers": {"text": [context[start:end]], "answer_start": [start]},
    }
