"""Effects planted in natural language inference: what a study of shortcuts must find, and what it must not.

The marker is "today", said in premise and hypothesis alike, so that it changes no label. SHARES says how often
records of each label have it:

    shortcut   with entailment nearly always, with the others hardly ever: the marker alone is right in 0.64
    broken     as often on the whole, and the same with every label: adversarial data, in which it is worth nothing
    shortcut-N between the two: N % of the way from broken to shortcut, for power curves
    plain      never: plain-a has the records of the two above, plain-b others, so between them nothing is planted;
               and clean, which a target stage learns from: it does not correct what the marker has come to mean
    absent     test records without it
    misleading the same with it, against the label of the shortcut

After shortcut a model must be worse on misleading than after broken, and after plain-a as good as after plain-b.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from random import Random

from xlt.world.columns import INTEGER, Row, classes, features
from xlt.world.concepts import Event
from xlt.world.events import sensible
from xlt.world.forms import nli_rows, pair_of, pairs
from xlt.world.inference import LABELS

Pair = tuple[Event, Event, str]

MARKER = "today"
STRENGTHS = (5, 10, 20, 40)  # of the shortcut, in per cent; beside 0 (broken) and 100
_SHORTCUT = {"entailment": 0.95, "neutral": 0.025, "contradiction": 0.025}
SHARES = {
    "shortcut": _SHORTCUT,
    "broken": dict.fromkeys(LABELS, 1 / 3),
    **{
        f"shortcut-{strength}": {label: 1 / 3 + strength / 100 * (share - 1 / 3) for label, share in _SHORTCUT.items()}
        for strength in STRENGTHS
    },
    "plain": dict.fromkeys(LABELS, 0.0),
    "absent": dict.fromkeys(LABELS, 0.0),
    "misleading": {"entailment": 0.0, "neutral": 1.0, "contradiction": 1.0},
}


def untimed(rng: Random, split: str, label: str) -> tuple[Event, Event] | None:
    """A pair as in `forms.pairs` that says no time and could say one."""
    pair = pair_of(rng, split, label)
    if pair is None or any(event.time for event in pair) or not all(map(sensible, marked(*pair))):
        return None
    return pair


def marked(premise: Event, hypothesis: Event) -> tuple[Event, Event]:
    """The pair with the marker on both sides."""
    return premise._replace(time=MARKER), hypothesis._replace(time=MARKER)


def planted(records: list[Pair], plant: str) -> list[Pair]:
    """The records, some of each label with the marker: which, is drawn, the same in every language."""
    rng, chosen = Random(plant), set()
    for label, share in SHARES[plant].items():
        own = [i for i, record in enumerate(records) if record[2] == label]
        chosen |= set(rng.sample(own, round(share * len(own))))
    return [(*marked(*pair), label) if i in chosen else (*pair, label) for i, (*pair, label) in enumerate(records)]


def _say(plant: str) -> Callable[[list[Pair], str], list[Row]]:
    return lambda records, language: nli_rows(planted(records, plant), language)


_REPO = "xlt/planted-nli"
FEATURES = {_REPO: features("premise hypothesis", label=classes(LABELS), idx=INTEGER)}
_DRAW = partial(pairs, draw=untimed)
_TRAIN = {"shortcut": _say("shortcut"), "broken": _say("broken"), "plain-a": _say("plain")}
_TRAIN |= {f"shortcut-{strength}": _say(f"shortcut-{strength}") for strength in STRENGTHS}
_TEST = {f"{plant}.{{code}}": _say(plant) for plant in ("absent", "misleading")}
SETS = {
    "planted_train": ("train", _DRAW, _TRAIN, [(_REPO, config, "train") for config in _TRAIN]),
    "planted_train again": ("train", _DRAW, _say("plain"), [(_REPO, "plain-b", "train")]),
    "planted_clean": ("train", _DRAW, _say("plain"), [(_REPO, "clean", "train")]),
    "planted_test": ("test", _DRAW, _TEST, [(_REPO, config, "test") for config in _TEST]),
}
