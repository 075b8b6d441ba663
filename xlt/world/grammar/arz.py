"""Egyptian Arabic as a dialect of Standard Arabic, with a dial from 0 (Standard) to 1 (Egyptian).

Strength 1: subject - verb - object - place - time, the prefix of the present (بيشتري), the negation ما…ش, question
words of its own that stay in place (بتشتري إيه), no accusative ending, Egyptian words (دلوقتي, عايز, عربية).
Each feature has a fixed threshold: the rules in the order of the lexicon, the words in the order of a hash, both
spread evenly over the dial, so that a stronger dial holds everything of a weaker one and strength 0 is Standard
Arabic. A noun brings its gender, with which its adjective agrees at every strength.
Forms, order and script were checked by eye.

Simplified: one spelling for each word, 'in' always written في, feminine singular adjectives with counted nouns.
"""

from __future__ import annotations

from functools import cache

from xlt.world.grammar import spread, with_dialect
from xlt.world.grammar.ar import Arabic
from xlt.world.lexicon import lexicon


class Egyptian(Arabic):
    """The Standard grammar over the Standard lexicon with the Egyptian entries of this strength put over it."""

    def __init__(self, strength: float):
        super().__init__(with_dialect("ar", "arz", _thresholds(), strength))


@cache
def _thresholds() -> dict[tuple[str, str], float]:
    egyptian = lexicon("arz")
    groups = [line.split() for line in egyptian["rules"]]
    rules = {("words", name): (i + 1) / (len(groups) + 1) for i, group in enumerate(groups) for name in group}
    items = [(section, concept) for section in egyptian if section != "rules" for concept in egyptian[section]]
    return rules | spread(item for item in items if item not in rules)
