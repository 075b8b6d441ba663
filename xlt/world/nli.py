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

from functools import partial
from random import Random
from typing import NamedTuple

from xlt.world.columns import STRING, Row, classes, features, row_by_row, sets
from xlt.world.concepts import Event
from xlt.world.draws import askable, in_turn, labelled
from xlt.world.events import event_of, fits, random_event, random_filler, sensible, split_of
from xlt.world.forms import NO_LABEL, Pair, pair_of, pair_row
from xlt.world.inference import LABELS, MODIFIERS, clashing, gold, more_general_noun, premises, random_pair
from xlt.world.render import realise, text

# SNLI

NO_GOLD = 0.02  # 0.0014 of training and 0.016 of development pairs in the real data


def scenes(rng: Random, split: str, size: int) -> list[tuple[Event, Event, str]]:
    """Premise, hypothesis, label or NO_LABEL; as many of each label, in the splits as in `forms.pairs`."""
    debatable = round(NO_GOLD * size)
    labels = [NO_LABEL] * debatable + in_turn(LABELS, size)[debatable:]
    return [(*pair, label) for pair, label in labelled(rng, labels, lambda label: _scene(rng, split, label))]


def _scene(rng: Random, split: str, label: str) -> Pair | None:
    pair = pair_of(rng, split, label, draw=_debatable_pair if label == NO_LABEL else random_pair)
    return None if pair is None or any(event.time for event in pair) else pair


def _debatable_pair(rng: Random, label: str) -> Pair | None:
    """Two events that differ in a modifier, where it is unclear whether both can be true."""
    hypothesis = random_event(rng, general=False)
    role = rng.choice(MODIFIERS)
    premise = hypothesis._replace(**{role: random_filler(rng, hypothesis, role)})
    return (premise, hypothesis) if sensible(premise) and gold(premise, hypothesis) is None else None


@row_by_row
def snli_rows(record: tuple[Event, Event, str], language: str, i: int) -> Row:
    """Premise, hypothesis and label, as in SNLI; -1 where there is none."""
    return pair_row(*record, language)


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
    kind = ROUNDS[number]
    draws = labelled(rng, in_turn(LABELS, size), lambda label: _adversarial(rng, split, kind, label))
    return [record for record, _ in draws]


def _adversarial(rng: Random, split: str, kind: Round, label: str) -> Adversarial | None:
    hypothesis = random_event(rng, general=False, negated=kind.negated[label])
    if rng.random() < kind.vague[label]:
        hypothesis = more_general_noun(rng, hypothesis)
    if not askable(hypothesis, split):
        return None
    about = _premise(rng, hypothesis, label, split)
    if about is None or None in [_premise(rng, hypothesis, other) for other in LABELS if other != label]:
        return None
    others = _others(rng, hypothesis, split, kind.sentences - 1)
    if len(others) < kind.sentences - 1:
        return None
    return Adversarial(tuple(rng.sample((about, *others), kind.sentences)), hypothesis)


def _premise(rng: Random, hypothesis: Event, label: str, split: str = "") -> Event | None:
    """What could be premise of the subject of the hypothesis, so that it has this label."""
    events = premises(rng, hypothesis, label, 24)
    fitting = (event for event in events if event.subject == hypothesis.subject and split in ("", split_of(event)))
    return next(fitting, None)


def _others(rng: Random, hypothesis: Event, split: str, count: int) -> list[Event]:
    """Events of others: the first of someone who does all that the hypothesis says. Fewer, if not enough are found."""
    role = rng.choice(MODIFIERS)
    filler = getattr(hypothesis, role) or random_filler(rng, hypothesis, role)
    events = [hypothesis._replace(**{role: filler}), *(event_of(rng, split, general=False) for _ in range(count - 1))]
    subjects = list(clashing("subject", hypothesis.subject))
    others = []
    for event in events:
        candidates = [event._replace(subject=subject) for subject in subjects]
        candidates = [other for other in candidates if fits(other, split)]
        if candidates:
            others.append(rng.choice(candidates))
            subjects.remove(others[-1].subject)
    return others


@row_by_row
def anli_rows(record: Adversarial, language: str, i: int, number: int = 1) -> Row:
    """Premise, hypothesis and label, as in ANLI; the reasons of the annotators are empty."""
    return {
        "uid": f"world-r{number}-{i:06d}",
        "premise": text(*(realise(event, language) for event in record.premise)),
        "hypothesis": text(realise(record.hypothesis, language)),
        "label": LABELS.index(record.label),
        "reason": "",
    }


FEATURES = {
    "stanfordnlp/snli": features("premise hypothesis", label=classes(LABELS)),
    "facebook/anli": features("uid premise hypothesis", label=classes(LABELS), reason=STRING),
}
SETS = sets("snli", "train dev test", scenes, snli_rows, "stanfordnlp/snli", "plain_text") | {
    f"anli_{split} r{number}": (
        split, partial(adversarial, number=number), partial(anli_rows, number=number),
        [("facebook/anli", "plain_text", f"{split}_r{number}")],
    )
    for split in ("train", "dev", "test")
    for number in ROUNDS
}  # fmt: skip
