"""Paraphrase: questions as in QQP, where common words say much, and texts as in PAWS, where they say nothing.

QQP-like pairs are two questions in two of three wordings. DUPLICATE of them ask the same (0.37, as in the real
data). The others share a participant or so, and every second one the role that is asked for; only NEAR of them
differ in a single filler. So counting common words is right in about seven cases of eight.

PAWS-like pairs (Zhang et al. 2019, arXiv 1904.01130) are texts of two statements. The second text moves the times
to the other end of their sentences; in half of the pairs the two people have changed places too. English texts of
a pair are the same bag of words whatever the label, and each of the two texts alone says nothing. Where words
inflect, the swap may change an ending. More ways to swap or to reorder (things, times, the statements) are more
than a few hundred updates teach the small encoder of the profile mini: it stays at chance.
"""

from __future__ import annotations

from random import Random
from typing import NamedTuple

from xlt.world.columns import INTEGER, STRING, Row, classes, features, row_by_row
from xlt.world.concepts import Event, Token
from xlt.world.draws import askable, labelled
from xlt.world.events import event_of, random_event, sensible, split_of
from xlt.world.forms import Sentence, filled, random_target, said_of
from xlt.world.inference import CLASHES, swapped
from xlt.world.render import ask, capitalised, grammar, realise, text

DUPLICATE, NEAR = 0.37, 0.1
VERB_SECOND = ("de", "bar")


class Retelling(NamedTuple):
    """Two texts of two statements each; in the second text times stand at the other end of the sentence."""

    first: tuple[Event, Event]
    second: tuple[Event, Event]


# PAWS and PAWS-X


def retellings(rng: Random, split: str, size: int) -> list[Retelling]:
    """Pairs of texts, every second one a paraphrase. First texts (of training pairs both) are of `split`."""
    labels = [i < size // 2 for i in range(size)]
    return [record for record, _ in labelled(rng, labels, lambda label: _retelling(rng, split, label))]


def _retelling(rng: Random, split: str, paraphrase: bool) -> Retelling | None:
    """Whatever the label, both texts are drawn before it is looked at, so that neither can give it away."""
    one, two = _short(rng), _short(rng)
    other = one._replace(subject=two.subject), two._replace(subject=one.subject)
    given = (one, two, *other) if split == "train" else (one, two)
    if (one.subject, two.subject) not in CLASHES["subject"] or not (one.time or two.time) or one in other:
        return None
    if {split_of(event) for event in given} != {split}:
        return None
    return Retelling((one, two), (one, two) if paraphrase else other)


def _short(rng: Random) -> Event:
    """Who does what to which thing, and perhaps when."""
    return random_event(rng, general=False)._replace(adjective=None, count=None, place=None)


def retold(event: Event, language: str) -> list[Token]:
    """The statement with its time at the other end; German keeps its verb in the second place.

    >>> text(retold(Event("anna", "buy", "apple", time="morning"), "de"))
    'Am Morgen kauft Anna einen Apfel.'
    """
    tokens = grammar(language).sentence(event)
    time = [token for token in tokens if token.part == "time"]
    *rest, end = (token for token in tokens if token.part != "time")
    if tokens[0].part == "time":
        return capitalised([*rest, *time, end], language)
    if time and language.partition("@")[0] in VERB_SECOND:
        subject = [token for token in rest if token.part == "subject"]
        verb, *rest = rest[len(subject) :]
        rest = [verb, *subject, *rest]
    return capitalised([*time, *rest, end], language)


@row_by_row
def paws_rows(record: Retelling, language: str, i: int) -> Row:
    """Two sentences and whether they say the same ("1"), as in PAWS and PAWS-X."""
    return {
        "id": i + 1,
        "sentence1": text(*(realise(event, language) for event in record.first)),
        "sentence2": text(*(retold(event, language) for event in record.second)),
        "label": int(record.first == record.second),
    }


# QQP


class Questions(NamedTuple):
    """Two questions, each a record and the role that it asks for, and the wording of each."""

    first: Sentence
    second: Sentence
    wordings: tuple[int, int]


def is_duplicate(record: Questions) -> bool:
    """Whether both ask the same."""
    return said_of(record.first) == said_of(record.second)


def questions(rng: Random, split: str, size: int) -> list[Questions]:
    """Pairs of questions, DUPLICATE of them duplicates. First questions (of training pairs both) are of `split`."""
    labels = [i < round(DUPLICATE * size) for i in range(size)]
    return [record for record, _ in labelled(rng, labels, lambda label: _questions(rng, split, label))]


def _questions(rng: Random, split: str, same: bool) -> Questions | None:
    first, asked = random_target(rng, split)
    second = (first, asked) if same else _another(rng, split, first, asked)
    event, role = second
    if not sensible(event) or role not in filled(event) or not askable(event, split):
        return None
    record = Questions((first, asked), second, tuple(rng.sample(range(len(_WORDINGS)), 2)))
    return record if is_duplicate(record) == same else None


def _another(rng: Random, split: str, event: Event, asked: str) -> Sentence:
    """Another question: one filler differs, or only the same participant or the same doing is common to both."""
    if rng.random() < NEAR:
        return swapped(rng, event), asked
    shared = rng.choice(("subject", "verb", "noun"))
    other = event_of(rng, split, general=False)._replace(**{shared: getattr(event, shared)})
    return other, asked if rng.random() < 0.5 else rng.choice(filled(other))


_WORDINGS = ("{question}", "{specific}", "{wh} is it that {rest}?")
_SPECIFIC = {"subject": "Which person", "object": "Which thing", "place": "In which place", "time": "At what time"}


def worded(sentence: Sentence, wording: int) -> str:
    """The English question in one of the wordings.

    >>> worded((Event("anna", "buy", "apple", place="market"), "object"), 2)
    'What is it that Anna buys at the market?'
    """
    event, asked = sentence
    tokens = ask(event, asked, "en")
    wh = next(token.form for token in tokens if token.part == asked)
    rest = text([token for token in grammar("en").sentence(event)[:-1] if token.part != asked])
    specific = text(tokens).replace(wh, _SPECIFIC[asked], 1)
    return _WORDINGS[wording].format(question=text(tokens), specific=specific, wh=wh, rest=rest)


@row_by_row
def qqp_rows(record: Questions, language: str, i: int) -> Row:
    """Two questions and whether one would do, as in QQP. English only."""
    return {
        "question1": worded(record.first, record.wordings[0]),
        "question2": worded(record.second, record.wordings[1]),
        "label": int(is_duplicate(record)),
        "idx": i,
    }


_PAWS, _PAWS_X = "google-research-datasets/paws", "google-research-datasets/paws-x"
_PAWS_COLUMNS = features("", id=INTEGER, sentence1=STRING, sentence2=STRING, label=classes("0 1"))
FEATURES = {
    "qqp": features("question1 question2", label=classes("not_duplicate duplicate"), idx=INTEGER),
    _PAWS: _PAWS_COLUMNS,
    _PAWS_X: _PAWS_COLUMNS,
}
_PAWS_TRAIN = [(_PAWS, "labeled_final", "train"), (_PAWS_X, "en", "train")]
SETS = {
    "para_train qqp": ("train", questions, qqp_rows, [("nyu-mll/glue", "qqp", "train")]),
    "para_dev qqp": ("dev", questions, qqp_rows, [("nyu-mll/glue", "qqp", "validation")]),
    "para_train paws": ("train", retellings, paws_rows, _PAWS_TRAIN),
} | {
    f"para_{split} paws": (
        split, retellings, paws_rows, [(_PAWS, "labeled_final", name), (_PAWS_X, "{code}", name)]
    ) for split, name in (("dev", "validation"), ("test", "test"))
}  # fmt: skip
