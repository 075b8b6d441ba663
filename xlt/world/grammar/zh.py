"""Chinese (Mandarin, simplified characters): subject - time - place - verb - object, no spaces.

Modelled: a classifier for each noun, bare or 的-linked adjectives, 在 with localisers around places,
negation by 不, by potential verbs (看不见) or 什么都不, objects without a number word under negation
(不买苹果), and question words in situ. Forms, order and script were checked by eye.

Simplified: one negation without aspect (不, never 没), one verb for a concept whatever the object is
(带着, 烹饪), people without a demonstrative.
"""

from __future__ import annotations

from collections.abc import Iterable

from xlt.world.concepts import COLOURS, HYPERNYMS, SOMETHING, Event, Token
from xlt.world.events import noun_class
from xlt.world.grammar import Grammar


class Chinese(Grammar):
    """A noun is [form, classifier], a verb [affirmative, negated]."""

    code = "zh"
    statement = question = "subject time place verb object"
    stop, question_mark = "。", "？"
    glued = True

    def order(self, event: Event, asked: str) -> Iterable[str]:
        if event.negated and event.noun == SOMETHING:  # 什么都不
            return ("subject", "time", "place", "object", "verb")
        return super().order(event, asked)

    def verb(self, event: Event, asked: str) -> list[Token]:
        adverb = "都/ADV" if event.negated and event.noun == SOMETHING else ""
        return self.phrase(f"{adverb} {self.entries['verbs'][event.verb][event.negated]}", upos="VERB")

    def thing(self, event: Event) -> str:
        noun, classifier = self.entries["nouns"][event.noun]
        number = f"{event.count or '一'}/NUM {classifier}"
        if event.negated and event.count is None:
            number = ""
        return f"{number} {self._linked(event) if event.adjective else ''} {noun}"

    def _linked(self, event: Event) -> str:
        """One syllable stands bare before a short noun (红苹果, 黑狗), else 的 links (红色的画, 漂亮的狗)."""
        adjective, noun = event.adjective, event.noun
        form, length, kind = self.adjective(event), len(self.entries["nouns"][noun][0]), noun_class(noun)
        if adjective == "old":
            form = self.words["old"].get(kind, form)
        # colour + one syllable is a compound of its own meaning (黄书), but not so with animals
        if adjective in COLOURS and (noun in HYPERNYMS or length > 2 or (length == 1 and kind != "animal")):
            form += "色"
        linked = len(form) > 1 or length > 2 or adjective in ("heavy", "light")
        return f"{form}/ADJ 的" if linked else f"{form}/ADJ"
