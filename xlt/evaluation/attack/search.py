"""The search for one example: a generator that yields texts and is sent what the model answers to them.

So many searches can advance at once, with all their texts in the same forward passes.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import NamedTuple

from xlt.evaluation.attack.texts import GONE, Edits, Place, Texts, edited
from xlt.spec.perturbations import Attack


class QueryResult(NamedTuple):
    """What the model answers to one query: its probability of the gold, and which parts of its prediction are right.

    Classification, choice and span have one part (a span is right if it shares a word with a gold answer); in tagging
    each token is a part.
    """

    score: float
    right: tuple[bool, ...]

    @property
    def rank(self) -> tuple[int, float]:
        """What the search minimises: first the number of right parts, then the probability of the gold."""
        return sum(self.right), self.score


class SearchResult(NamedTuple):
    """The edits of the best text of a search, and the number of queries that it took."""

    edits: Edits
    queries: int


Queries = Generator[list[Texts], list[QueryResult], SearchResult]
Candidates = list[tuple[Edits, QueryResult]]


@dataclass
class GreedySearch:
    """Greedy search over the words, the most important first.

    The importance of a word is how much the gold's probability falls when the word is taken out (delete-one). At each
    word every option is tried on the best text so far, and the best of them and that text is kept. The search ends
    when nothing is right any more, no words are left, `most` words have changed, or the budget is used up. Every text
    that the model reads counts as a query.
    """

    texts: Texts
    places: Sequence[Place]
    most: int  # words that may change
    attack: Attack
    gone: str = ""  # what stands for a word taken out
    queries: int = field(default=0, init=False)

    def run(self) -> Queries:
        [best] = yield from self._query([()])
        _, clean = best
        if not any(clean.right):
            return SearchResult((), self.queries)
        for number in (yield from self._ranked(clean)):
            edits, result = best
            if len(edits) == self.most or not any(result.right) or self.queries >= self.attack.budget:
                break
            options = range(len(self.places[number].options))
            tried = yield from self._query([tuple(sorted((*edits, (number, option)))) for option in options])
            best = min([best, *tried], key=lambda candidate: candidate[1].rank)
        return SearchResult(best[0], self.queries)

    def _query(self, candidates: list[Edits]) -> Generator[list[Texts], list[QueryResult], Candidates]:
        """The results of as many candidates as the budget allows."""
        affordable = candidates[: self.attack.budget - self.queries]
        self.queries += len(affordable)
        results = yield [edited(self.texts, self.places, edits, self.gone) for edits in affordable]
        return list(zip(affordable, results, strict=True))

    def _ranked(self, clean: QueryResult) -> Generator[list[Texts], list[QueryResult], list[int]]:
        """The places, the most important first; one alone needs no query."""
        if len(self.places) < 2:
            return list(range(len(self.places)))
        deletions = yield from self._query([((number, GONE),) for number in range(len(self.places))])
        fall = {edits[0][0]: clean.score - result.score for edits, result in deletions}
        return sorted(range(len(self.places)), key=lambda number: -fall.get(number, float("-inf")))


def control(places: Sequence[Place], size: int, seed: str) -> Edits:
    """As many edits as the attack made, at places and with options drawn at random: what the search itself adds."""
    rng = Random(seed)
    chosen = sorted(rng.sample(range(len(places)), size))
    return tuple((number, rng.randrange(len(places[number].options))) for number in chosen)
