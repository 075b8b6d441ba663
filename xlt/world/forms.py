"""The records of every task form, in the columns of the real data sets.

Each form first draws *records* (events, pairs, paragraphs) from a seeded generator of its own and then says
them in a language; so row i of a set is the same record in every language, and no set depends on which other
sets or languages are asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from random import Random

from datasets import List

from xlt.spec.languages import language as language_row
from xlt.world.codeswitch import code_switched
from xlt.world.columns import ANSWERS, INTEGER, STRING, Row, classes, features, row_by_row, sets
from xlt.world.concepts import ROLES, SOMETHING, Event, Token
from xlt.world.draws import askable, different, distinct, in_turn, labelled, take
from xlt.world.events import event_of, fits, split_of
from xlt.world.inference import CLASH, LABELS, NARROWER, SAME, WIDER, random_pair, relation
from xlt.world.render import ask, realise, span, text

UPOS = [
    "ADJ", "ADP", "ADV", "AUX", "CCONJ", "DET", "INTJ", "NOUN", "NUM", "PART", "PRON", "PROPN", "PUNCT", "SCONJ", "SYM",
    "VERB", "X",
]  # fmt: skip

Sentence = tuple[Event, str]  # the role that is asked for, "" for a statement
Pair = tuple[Event, Event]  # premise and hypothesis
Paragraph = tuple[tuple[Event, ...], int, str]  # its events, which one is asked about, and what


# Sentences: pretraining text, part of speech, parallel sentences


def sentences(rng: Random, split: str, size: int) -> list[Sentence]:
    """Statements, and one question in six."""

    def draw() -> Sentence:
        event = event_of(rng, split, negated=0.1)
        asked = rng.choice(filled(event)) if rng.random() < 1 / 6 and not event.negated else ""
        return event, asked

    return take(size, draw, key=said_of)


def filled(event: Event) -> list[str]:
    return [role for role in ROLES if role in ("subject", "object") or getattr(event, role)]


def random_target(rng: Random, split: str) -> tuple[Event, str]:
    """An event, and which of its roles to ask for."""
    event = event_of(rng, split, general=False)
    return event, rng.choice(filled(event))


def said_of(sentence: Sentence) -> Sentence:
    """The record without what its sentence leaves open."""
    event, asked = sentence
    if asked == "object":
        return event._replace(noun=SOMETHING, adjective=None, count=None), asked
    return (event._replace(**{asked: None}) if asked else event), asked


def passages(rng: Random, split: str, size: int) -> list[list[Sentence]]:
    """Coherent text: half of the rows are one sentence, half go on with a second one about the same event.

    The second sentence says less, or something more, and never contradicts the first: as in real text,
    fruit is met again where there were apples.
    """
    single = iter(sentences(rng, split, size))
    coherent = distinct(lambda: pair_of(rng, split, rng.choice(LABELS[:2])))
    return [[(event, "") for event in next(coherent)] if rng.random() < 0.5 else [next(single)] for _ in range(size)]


def text_rows(records: Iterable[list[Sentence]], language: str) -> list[Row]:
    """Pretraining text: one passage a row."""
    return [{"text": text(*(realise(event, language, asked) for event, asked in passage))} for passage in records]


def switched_rows(records: Iterable[list[Sentence]], language: str) -> list[Row]:
    """The same, with phrases of another language in most sentences (see xlt.world.codeswitch)."""
    rng = Random(f"code-switched {language}")
    return [{"text": text(*(code_switched(rng, *sentence, language) for sentence in passage))} for passage in records]


@row_by_row
def pos_rows(sentence: Sentence, language: str, i: int) -> Row:
    """Words and universal tags, as in XTREME's udpos."""
    event, asked = sentence
    tokens = realise(event, language, asked)
    return {"tokens": [token.form for token in tokens], "pos_tags": [UPOS.index(token.upos) for token in tokens]}


@row_by_row
def parallel_rows(sentence: Sentence, language: str, i: int) -> Row:
    """Translation pairs with English on the target side, as in XTREME's tatoeba."""
    event, asked = sentence
    return {
        "source_sentence": text(realise(event, language, asked)),
        "target_sentence": text(realise(event, "en", asked)),
        "source_lang": language_row(language).iso3,
        "target_lang": "eng",
    }


# Natural language inference


NO_LABEL = "-"  # of a pair that can be debated


def pair_of(
    rng: Random, split: str, label: str, draw: Callable[[Random, str], Pair | None] = random_pair
) -> Pair | None:
    """A pair with this label and a premise of `split`; None where the draw led to none."""
    pair = draw(rng, label)
    return pair if pair and split_of(pair[0]) == split and askable(pair[1], split) else None


def pairs(
    rng: Random, split: str, size: int, draw: Callable[[Random, str, str], Pair | None] = pair_of
) -> list[tuple[Event, Event, str]]:
    """Premise, hypothesis, label; as many of each label."""
    labels = in_turn(LABELS, size)
    return [(*pair, label) for pair, label in labelled(rng, labels, lambda label: draw(rng, split, label))]


def pair_row(premise: Event, hypothesis: Event, label: str, language: str) -> Row:
    return {
        "premise": text(realise(premise, language)),
        "hypothesis": text(realise(hypothesis, language)),
        "label": -1 if label == NO_LABEL else LABELS.index(label),
    }


@row_by_row
def nli_rows(record: tuple[Event, Event, str], language: str, i: int) -> Row:
    """Premise, hypothesis and label, as in MNLI and XNLI."""
    return pair_row(*record, language) | {"idx": i}


# Question answering


@different
def paragraphs(rng: Random, split: str) -> Paragraph | None:
    """Three or four statements about different people, and a question that exactly one of them answers."""
    target, asked = random_target(rng, split)
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
    return near if fits(near, split) else event


def answers(event: Event, target: Event, asked: str) -> bool:
    """Whether the statement of `event` could be taken for an answer to the question about `target`."""
    given = ["verb", *(role for role in ("subject", "place", "time") if role != asked)]
    given += [] if asked == "object" else ["noun", "adjective", "count"]
    strict = ("subject", "verb", "noun")
    relations = {field: relation(target, event, field) for field in given}
    return not any(
        kind == CLASH or (kind not in (SAME, WIDER, NARROWER) and field in strict) for field, kind in relations.items()
    )


@row_by_row
def qa_rows(paragraph: Paragraph, language: str, i: int) -> Row:
    """Context, question and the one answer, as in SQuAD and XQuAD."""
    events, which, asked = paragraph
    statements = [realise(event, language) for event in events]
    return qa_row(f"world-{i:06d}", statements, ask(events[which], asked, language), which, asked)


def qa_row(name: str, statements: list[list[Token]], question: list[Token], which: int | None, role: str) -> Row:
    """The columns of SQuAD. The answer is the phrase of `role` in statement `which`; None: no answer."""
    context = text(*statements)
    answers: dict[str, list] = {"text": [], "answer_start": []}
    if which is not None:
        start, end = span(statements, which, role)
        answers = {"text": [context[start:end]], "answer_start": [start]}
    return {"id": name, "title": "World", "context": context, "question": text(question), "answers": answers}


_NLI = features("premise hypothesis", label=classes(LABELS))
_XTREME = "google/xtreme"
FEATURES = {
    "nyu-mll/glue": features("premise hypothesis", label=classes(LABELS), idx=INTEGER),
    "facebook/xnli": _NLI,
    "xlt/mnli-translated": _NLI,
    "rajpurkar/squad": features("id title context question", answers=ANSWERS),
    "google/xquad": features("id context question", answers=ANSWERS),
    "udpos": features("", tokens=List(STRING), pos_tags=List(classes(UPOS))),
    "tatoeba": features("source_sentence target_sentence source_lang target_lang"),
    "xlt/world-text": features("text"),
    "xlt/world-text-switched": features("text"),
}
SETS = {
    "nli_train": ("train", pairs, nli_rows, [("nyu-mll/glue", "mnli", "train")]),
    "nli_dev": ("dev", pairs, nli_rows, [
        ("nyu-mll/glue", "mnli", "validation_matched"), ("facebook/xnli", "{code}", "validation"),
    ]),
    "nli_test": ("test", pairs, nli_rows, [("facebook/xnli", "{code}", "test")]),
    "nli_translated": ("train", pairs, nli_rows, [("xlt/mnli-translated", "{code}", "train")]),
    **sets("qa", "train dev", paragraphs, qa_rows, "rajpurkar/squad", "plain_text"),
    "qa_test": ("test", paragraphs, qa_rows, [("google/xquad", "xquad.{code}", "validation")]),
    **sets("pos", "train dev", sentences, pos_rows, _XTREME, "udpos.English"),
    **sets("pos", "test", sentences, pos_rows, _XTREME, "udpos.{name}"),
    "parallel": ("test", sentences, parallel_rows, [(_XTREME, "tatoeba.{iso3}", "validation")]),
    "text": ("train", passages, text_rows, [("xlt/world-text", "{code}", "train")]),
    "switched_text": ("train", passages, switched_rows, [("xlt/world-text-switched", "{code}", "train")]),
}  # fmt: skip
