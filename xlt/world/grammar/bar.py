"""Bavarian (Latin script), with a dial from German (0) to full dialect (1): German word order.

Every line of the lexicon that differs from German is one feature: words (Radl, Ross), sounds (kaaft,
oide), gender (des Haferl), plurals without ending, the article before names (da David), the reduced article
(an Huat), and negative concord ("koan Huat ned"). A feature is on where the strength reaches its threshold;
thresholds lie evenly over (0, 1], in an order fixed by a digest, so a stronger dial includes a weaker one.

Simplifications: one spelling of many, for Central Bavarian; present tense without "tun"; no clitics. All forms
were checked by eye.
"""

from __future__ import annotations

from functools import cache

from xlt.world.concepts import SOMETHING, Event, Token
from xlt.world.grammar import spread, with_dialect
from xlt.world.grammar.de import German
from xlt.world.lexicon import lexicon


@cache
def thresholds() -> dict[tuple[str, str], float]:
    """Feature (section and concept of the lexicon) -> the strength from which it is on."""
    german = lexicon("de")
    return spread(
        (section, concept)
        for section, words in lexicon("bar").items()
        for concept, form in words.items()
        if form != german[section].get(concept)
    )


class Bavarian(German):
    """`De Anna kaaft in da Fria aufm Markt an rodn Apfe.` `Wos kaaft de Anna in da Fria aufm Markt?`"""

    def __init__(self, strength: float):
        super().__init__(with_dialect("de", "bar", thresholds(), strength))

    def sentence(self, event: Event, asked: str = "") -> list[Token]:
        tokens = _linked(super().sentence(event, asked))
        if event.negated and not asked and event.noun != SOMETHING and "concord" in self.words:
            after = max(i for i, token in enumerate(tokens) if token.part == "object") + 1
            tokens[after:after] = self.phrase(self.words["concord"], upos="PART")
        return tokens


def _linked(tokens: list[Token]) -> list[Token]:
    """The article "a" with n before a vowel ("an Oa")."""
    pairs = zip(tokens, tokens[1:], strict=False)
    linked = [a._replace(form="an") if a.form == "a" and b.form[0] in "aeiouAEIOUÄÖÜ" else a for a, b in pairs]
    return [*linked, tokens[-1]]
