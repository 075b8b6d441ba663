"""Turkish, in its Latin alphabet: subject, time, place, object, verb.

A question word stands where the answer would, except that kim comes after time and place, next to the object.
Modelled: bare indefinite objects (kırmızı bir elma), the singular after numbers, the accusative of sevmek and the
ablative of nefret etmek, negative verb forms, hiçbir şey, the dative goal of getirmek, yaşlı for old animals,
vowel harmony and the apostrophe of clock times (8:15'te, 8:30'da).
Simplified: the present in -iyor everywhere, also for habits; bir stays under negation; a wh-question about a clock
time says ne zaman. Mind when capitalising that i becomes İ (istasyonda).
Forms, order and script were checked by eye.
"""

from __future__ import annotations

from collections.abc import Iterable

from xlt.world.concepts import SOMETHING, Event, Token
from xlt.world.grammar import Grammar


class Turkish(Grammar):
    """What depends on the case of the object has one form for each case; a verb is [case, present, negated]."""

    code = "tr"
    statement = question = "subject time place object verb"

    def order(self, event: Event, asked: str) -> Iterable[str]:
        if asked == "subject":
            return ("time", "place", "subject", "object", "verb")
        return super().order(event, asked)

    def question_word(self, event: Event, asked: str) -> list[Token]:
        if asked == "object":
            return self.phrase(self.words["what"][self._case(event)], asked)
        return super().question_word(event, asked)

    def verb(self, event: Event, asked: str) -> list[Token]:
        _, present, negated = self.entries["verbs"][event.verb]
        return self.phrase(negated if event.negated else present)

    def _case(self, event: Event) -> int:
        return self.entries["verbs"][event.verb][0]

    def object(self, event: Event) -> list[Token]:
        if event.noun == SOMETHING:
            return self.phrase(self.words["nothing" if event.negated else "something"][self._case(event)], "object")
        return super().object(event)

    def thing(self, event: Event) -> str:
        adjective = f"{self.adjective(event)}/ADJ" if event.adjective else ""
        noun = self.entries["nouns"][event.noun][self._case(event)]
        return f"{event.count}/NUM {adjective} {noun}" if event.count else f"{adjective} bir/DET {noun}"

    def clock(self, time: str) -> str:
        return self.words["clock"][time[-2:]].format(time)
