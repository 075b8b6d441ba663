"""Russian, in Cyrillic with ё: the time opens the sentence, then subject, verb, place and the new thing last.

Modelled: gender agreement, animate accusative of masculines, genitive plural after numbers, negative concord
(ничего не), preposition and case of places by noun, goal instead of location with "bring" (в парк), and the two
verbs of washing (стирать for clothes). что-то and ничего stand before the verb, and a question
for the object ends in the time.
Simplified: a negated verb keeps its object in the accusative, and a wh-question about a clock time says когда.
Forms, order and script were checked by eye.
"""

from __future__ import annotations

from xlt.world.concepts import SOMETHING, Event, Token
from xlt.world.events import is_animal
from xlt.world.grammar.slavic import Slavic

_AGREEMENT = ("m", "ma", "f", "nt", "plural")


class Russian(Slavic):
    """The forms of an adjective are those of `_AGREEMENT`, in this order."""

    code = "ru"

    def predicate(self, event: Event) -> tuple[str, ...]:
        return ("object", "verb", "place") if event.noun == SOMETHING else ("verb", "place", "object")

    def question_word(self, event: Event, asked: str) -> list[Token]:
        if asked == "object" and is_animal(event.noun):
            return self.phrase(self.words["whom"], asked)
        return super().question_word(event, asked)

    def verb(self, event: Event, asked: str) -> list[Token]:
        launders = event.verb == "wash" and event.noun in self.words["clothes"]
        return super().verb(event._replace(verb="wash_clothes") if launders else event, asked)

    def agreeing(self, event: Event, agreement: str) -> str:
        return self.adjective(event)[_AGREEMENT.index(agreement)]
