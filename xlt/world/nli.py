"""Natural language inference in further forms: SNLI and ANLI. The labels are those of `inference`.

SNLI-like pairs are of the kind of the MNLI-like ones, cues of the hypothesis included, but tell of scenes: where,
never when. NO_GOLD of them are pairs that can be debated and have the label -1, as where annotators disagreed.

ANLI-like pairs (Nie et al. 2020, arXiv 1910.14599) mislead whoever learnt the shortcuts of the MNLI-like ones.
The premise tells of two or three people, and the hypothesis is about one of them by name. Someone else does all
that the hypothesis says, so that common words say nothing; every hypothesis could have had each of the labels;
and negated or vague hypotheses are of any label alike (round 1) or of the labels that the MNLI-like data hardly
give them (rounds 2 and 3; learnt within the round, the turned cue is worth something again). Round 3 has a third
sentence.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from random import Random
from typing import NamedTuple

from datasets import ClassLabel, Features, Value

from xlt.world.concepts import Event
from xlt.world.events import event_of, random_event, random_filler, sensible, split_of
from xlt.world.forms import Row, distinct
from xlt.world.inference import LABELS, MODIFIERS, clashing, gold, more_general_noun, premise_for, random_pair
from xlt.world.render import realise, text

# SNLI

NO_GOLD = 0.02  # 0.0014 of training and 0.016 of development pairs in the real data
_DEBATABLE = "-"


def scenes(rng: Random, split: str, size: int) -> list[tuple[Event, Event, str]]:
    """Premise, hypothesis, label or "-"; as many of each label, in the splits as in `forms.pairs`."""
    labels = [_DEBATABLE if i < round(NO_GOLD * size) else LABELS[i % 3] for i in range(size)]
    rng.shuffle(labels)
    kinds = (*LABELS, _DEBATABLE)
    fresh = {label: distinct(lambda label=label: _scene(rng, split, label), key=tuple) for label in kinds}
    return [(*next(fresh[label]), label) for label in labels]


def _scene(rng: Random, split: str, label: str) -> tuple[Event, Event] | None:
    pair = _debatable_pair(rng) if label == _DEBATABLE else random_pair(rng, label)
    if pair is None or any(event.time for event in pair) or split_of(pair[0]) != split:
        return None
    return None if split == "train" and split_of(pair[1]) != split else pair


def _debatable_pair(rng: Random) -> tuple[Event, Event] | None:
    """Two events that differ in a modifier, where it is unclear whether both can be true."""
    hypothesis = random_event(rng, general=False)
    role = rng.choice(MODIFIERS)
    premise = hypothesis._replace(**{role: random_filler(rng, hypothesis, role)})
    return (premise, hypothesis) if sensible(premise) and gold(premise, hypothesis) is None else None


def snli_rows(records: Iterable[tuple[Event, Event, str]], language: str = "en") -> list[Row]:
    """Premise, hypothesis and label, as in SNLI; -1 where there is none."""
    return [
        {
            "premise": text(realise(premise, language)),
            "hypothesis": text(realise(hypothesis, language)),
            "label": -1 if label == _DEBATABLE else LABELS.index(label),
        }
        for premise, hypothesis, label in records
    ]


# ANLI


class Round(NamedTuple):
    """Sentences in a premise, and how often hypotheses of each label are negated and vague (fruit, something)."""

    sentences: int
    negated: dict[str, float]
    vague: dict[str, float]


_MISLEADING = (
    {"entailment": 0.3, "neutral": 0.3, "contradiction": 0.03},
    {"entailment": 0.1, "neutral": 0.5, "contradiction": 0.5},
)
ROUNDS = {
    1: Round(2, dict.fromkeys(LABELS, 0.2), dict.fromkeys(LABELS, 0.35)),
    2: Round(2, *_MISLEADING),
    3: Round(3, *_MISLEADING),
}


class Adversarial(NamedTuple):
    """Several events, and a hypothesis about the one that has its subject."""

    premise: tuple[Event, ...]
    hypothesis: Event

    @property
    def label(self) -> str | None:
        (about,) = (event for event in self.premise if event.subject == self.hypothesis.subject)
        return gold(about, self.hypothesis)


def adversarial(rng: Random, split: str, size: int, number: int) -> list[Adversarial]:
    """Pairs of one round, as many of each label. Premises (of training pairs hypotheses too) are of `split`."""
    labels = [LABELS[i % 3] for i in range(size)]
    rng.shuffle(labels)
    draw = partial(_adversarial, rng, split, ROUNDS[number])
    fresh = {label: distinct(lambda label=label: draw(label), key=lambda record: record) for label in LABELS}
    return [next(fresh[label]) for label in labels]


def _adversarial(rng: Random, split: str, kind: Round, label: str) -> Adversarial | None:
    hypothesis = random_event(rng, general=False, negated=kind.negated[label])
    if rng.random() < kind.vague[label]:
        hypothesis = more_general_noun(rng, hypothesis)
    if split == "train" and split_of(hypothesis) != split:
        return None
    told = _told(rng, hypothesis, label, split)
    if told is None or None in [_told(rng, hypothesis, other) for other in LABELS if other != label]:
        return None
    others = _others(rng, hypothesis, split, kind.sentences - 1)
    premise = rng.sample((told, *others), kind.sentences) if len(others) == kind.sentences - 1 else ()
    return Adversarial(tuple(premise), hypothesis) if premise else None


def _told(rng: Random, hypothesis: Event, label: str, split: str = "") -> Event | None:
    """What could be told of the subject of the hypothesis, so that it has this label."""
    for _ in range(24):
        event = premise_for(rng, hypothesis, label)
        about = event.subject == hypothesis.subject and event != hypothesis and sensible(event)
        if about and gold(event, hypothesis) == label and split in ("", split_of(event)):
            return event
    return None


def _others(rng: Random, hypothesis: Event, split: str, count: int) -> list[Event]:
    """Events of others: the first of someone who does all that the hypothesis says. Fewer, if not enough are found."""
    role = rng.choice(MODIFIERS)
    filler = getattr(hypothesis, role) or random_filler(rng, hypothesis, role)
    events = [hypothesis._replace(**{role: filler}), *(event_of(rng, split, general=False) for _ in range(count - 1))]
    subjects = list(clashing("subject", hypothesis.subject))
    found = []
    for event in events:
        told = [event._replace(subject=subject) for subject in subjects]
        told = [event for event in told if split_of(event) == split and sensible(event)]
        if told:
            found.append(rng.choice(told))
            subjects.remove(found[-1].subject)
    return found


def anli_rows(records: Iterable[Adversarial], language: str = "en", number: int = 1) -> list[Row]:
    """Premise, hypothesis and label, as in ANLI; the reasons of the annotators are empty."""
    return [
        {
            "uid": f"world-r{number}-{i:06d}",
            "premise": text(*(realise(event, language) for event in record.premise)),
            "hypothesis": text(realise(record.hypothesis, language)),
            "label": LABELS.index(record.label),
            "reason": "",
        }
        for i, record in enumerate(records)
    ]


_STRING = Value("string")
_NLI = {"premise": _STRING, "hypothesis": _STRING, "label": ClassLabel(names=list(LABELS))}
FEATURES = {
    "stanfordnlp/snli": Features(_NLI),
    "facebook/anli": Features({"uid": _STRING} | _NLI | {"reason": _STRING}),
}
SETS = {
    "snli_train": ("train", scenes, snli_rows, [("stanfordnlp/snli", "plain_text", "train")]),
    "snli_dev": ("dev", scenes, snli_rows, [("stanfordnlp/snli", "plain_text", "validation")]),
    "snli_test": ("test", scenes, snli_rows, [("stanfordnlp/snli", "plain_text", "test")]),
    **{
        f"anli_{split} r{number}": (
            split, partial(adversarial, number=number), partial(anli_rows, number=number),
            [("facebook/anli", "plain_text", f"{split}_r{number}")],
        )
        for split in ("train", "dev", "test")
        for number in ROUNDS
    },
}  # fmt: skip
