"""The search for one example, written as if it were alone: it yields questions and is sent what the model made of them.

So the engine can advance many searches at once, and put all their texts into the same forward passes.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import NamedTuple

from xlt.evaluation.attack.texts import GONE, Edits, Place, Texts, edited
from xlt.spec.recipe import Attack


class Outcome(NamedTuple):
    """What the model made of a text: its probability of the gold, and which parts of the answer are right.

    One part for classification, choice and span (right: the answer shares a word with a gold one); for tagging each
    token is a part.
    """

    score: float
    right: tuple[bool, ...]

    @property
    def rank(self) -> tuple[int, float]:
        """What the search makes small: parts that are right, then the probability."""
        return sum(self.right), self.score


class Found(NamedTuple):
    """The end of a search: the edits of the best text, and what it cost."""

    edits: Edits
    queries: int


class Question(NamedTuple):
    """Texts to be put to the model; those of a `constrained` one must be like the clean text, if likeness is asked."""

    texts: list[Texts]
    constrained: bool


Outcomes = list["Outcome | None"]  # None: the constraint kept the text from the model
Asking = Generator[Question, Outcomes, Found]
Beam = list[tuple[Edits, Outcome]]


@dataclass
class Search:
    """Greedy (beam 1) or beam search over the words in the order of their importance.

    Importance is how much the gold's probability falls when the word is taken out (delete-one). At each word every
    hypothesis is tried with every option; the best `beam` of old and new ones stay. The end: nothing is right any
    more, no words are left, as many have changed as may, or the budget is used up. All texts asked count as queries,
    but those that a similarity constraint kept from the model.
    """

    texts: Texts
    places: Sequence[Place]
    most: int  # words that may change
    attack: Attack
    gone: str = ""  # what stands for a word taken out
    queries: int = field(default=0, init=False)

    def run(self) -> Asking:
        clean = (yield from self._ask([()], False))[0][1]
        if not any(clean.right):
            return Found((), self.queries)
        beam: Beam = [((), clean)]
        for number in (yield from self._ranked(clean)):
            grown = [
                tuple(sorted((*edits, (number, option))))
                for edits, _ in beam
                if len(edits) < self.most
                for option in range(len(self.places[number].options))
            ]
            found = yield from self._ask(grown)
            beam = sorted(beam + found, key=lambda hypothesis: hypothesis[1].rank)[: self.attack.beam]
            if not any(beam[0][1].right) or not grown or self.queries >= self.attack.budget:
                break
        return Found(beam[0][0], self.queries)

    def _ask(self, hypotheses: list[Edits], constrained: bool = True) -> Generator[Question, Outcomes, Beam]:
        """The outcomes of as many as the budget allows, without those that break the constraint."""
        asked = hypotheses[: self.attack.budget - self.queries]
        texts = [edited(self.texts, self.places, edits, self.gone) for edits in asked]
        outcomes = yield Question(texts, constrained)
        found = [(edits, outcome) for edits, outcome in zip(asked, outcomes, strict=True) if outcome is not None]
        self.queries += len(found)
        return found

    def _ranked(self, clean: Outcome) -> Generator[Question, Outcomes, list[int]]:
        """The places, the most important first; one alone needs no query."""
        if len(self.places) < 2:
            return list(range(len(self.places)))
        found = yield from self._ask([((number, GONE),) for number in range(len(self.places))], False)
        fall = {edits[0][0]: clean.score - outcome.score for edits, outcome in found}
        return sorted(range(len(self.places)), key=lambda number: -fall.get(number, float("-inf")))


def control(places: Sequence[Place], size: int, seed: str) -> Edits:
    """As many edits as the attack made, at places and with options drawn at random: what the search itself adds."""
    rng = Random(seed)
    chosen = sorted(rng.sample(range(len(places)), size))
    return tuple((number, rng.randrange(len(places[number].options))) for number in chosen)
