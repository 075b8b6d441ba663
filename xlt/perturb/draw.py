"""Which of the possible changes happen: one perturbation at one strength, drawn for one text at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import regex

from xlt.perturb.align import Aligned, Span, edited, hulls, moved
from xlt.perturb.registry import MOVE, Site, check_strength, get
from xlt.perturb.units import words
from xlt.spec.languages import language as language_row

Chance = Callable[[], bool]
_MARK = regex.compile(r"[^\s\p{L}\p{N}\p{M}]")  # between two words: they stand in two clauses


def _chunks(text: str) -> list[Span]:
    """The words, as one what no space stands between, as in well-known."""
    chunks: list[Span] = []
    for start, end in words(text):
        if chunks and not regex.search(r"\s", text[chunks[-1][1] : start]):
            start = chunks.pop()[0]
        chunks.append((start, end))
    return chunks


class Draw:
    """A perturbation, checked; every draw depends on (name, seed, `place`) alone and nests over strengths."""

    def __init__(self, name: str, family: str, language: str, strength: float, seed: int):
        self.chosen, self.argument = get(name)
        self.chosen.check(language, family)
        self.strength = check_strength(strength)
        row = language_row(language)
        self.language, self.script, self.key = row.code, row.script, f"{name} {seed}"

    def text(self, text: str, place: str, spans: Sequence[Span] = ()) -> Aligned:
        """One text; the gold `spans` stay whole."""
        site, happens = self._site(place)
        if self.chosen.form != MOVE:
            return edited(text, lambda part: [edit for edit in self.chosen.find(part, site) if happens()], spans)
        slots = hulls(_chunks(text), spans)
        ends = [bool(_MARK.search(text[a[1] : b[0]])) for a, b in zip(slots, slots[1:], strict=False)]
        return moved(text, slots, self._order(len(slots), ends, site, happens), spans)

    def tokens(self, tokens: Sequence[str], place: str) -> list[str]:
        """Each token for itself. One token stays one token: an edit that would put a space into it is left out."""
        site, happens = self._site(place)

        def edits(token: str) -> list:
            return [edit for edit in self.chosen.find(token, site) if happens() and not regex.search(r"\s", edit.new)]

        return [edited(token, edits).text for token in tokens]

    def order(self, units: Sequence[str], place: str) -> list[int]:
        """For each place the unit (one or more tokens) that moves there; one without a word ends a clause."""
        empty = [not words(unit) for unit in units]
        ends = [a or b for a, b in zip(empty, empty[1:], strict=False)]
        return self._order(len(units), ends, *self._site(place))

    def added(self, record: dict[str, Any], place: str) -> str:
        """The sentence to add to the record's context; empty if none."""
        site, happens = self._site(place)
        return (self.chosen.find(record, site) or "") if happens() else ""

    def _site(self, place: str) -> tuple[Site, Chance]:
        """Where, and the draw whether a change happens: one for each possible change, so that strengths nest."""
        rng = Random(f"{self.key} {place}")
        return Site(self.language, self.script, self.argument, rng), lambda: rng.random() < self.strength

    def _order(self, count: int, ends: list[bool], site: Site, happens: Chance) -> list[int]:
        """`ends[i]`: a clause ends between the units i and i + 1."""
        order = list(range(count))
        stops = [i + 1 for i, end in enumerate(ends) if end] + [count]
        for begin, stop in zip([0, *stops], stops, strict=False):
            for start, moves in self.chosen.find(stop - begin, site.rng):
                if happens():
                    at = begin + start
                    order[at : at + len(moves)] = [at + move for move in moves]
        return order
