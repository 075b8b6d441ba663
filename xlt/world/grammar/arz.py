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

import hashlib
from functools import cache, lru_cache

from xlt.world.concepts import Event, Token
from xlt.world.grammar import ar
from xlt.world.lexicon import lexicon


def clause(event: Event, strength: float) -> list[Token]:
    """A present-tense statement at this strength of the dialect."""
    return ar._realise(event, "", _forms_at(strength))


def question(event: Event, asked: str, strength: float) -> list[Token]:
    """The question for one role of the event at this strength of the dialect."""
    return ar._realise(event, asked, _forms_at(strength))


@lru_cache(maxsize=256)
def _forms_at(strength: float) -> dict:
    """The Standard lexicon with the Egyptian entries that are switched on put over it."""
    forms = {section: dict(rows) for section, rows in lexicon("ar").items()}
    for (section, concept), threshold in _thresholds().items():
        if threshold <= strength:
            forms[section][concept] = lexicon("arz")[section][concept]
    return forms


@cache
def _thresholds() -> dict[tuple[str, str], float]:
    egyptian = lexicon("arz")
    groups = [line.split() for line in egyptian["rules"]]
    rules = {("words", name): (i + 1) / (len(groups) + 1) for i, group in enumerate(groups) for name in group}
    items = [(section, concept) for section in egyptian if section != "rules" for concept in egyptian[section]]
    items = sorted((item for item in items if item not in rules), key=_digest)
    return rules | {item: (i + 1) / len(items) for i, item in enumerate(items)}


def _digest(item: tuple[str, str]) -> str:
    return hashlib.sha256("/".join(item).encode()).hexdigest()
