"""Modern Greek, in monotonic Greek script: the time opens the sentence, then subject, verb, object, place.

A question puts the verb after the question word, then the subject, and ends in place and time.
Modelled: articles (also before names), agreement in gender and number in the accusative, έναν/μια/ένα, the final -ν
of στη(ν) and τη(ν) by the next sound, τίποτα under negation, γέρικος for old animals, the question mark ;.
Simplified: στην and the like are one word (ADP), δεν keeps its -ν everywhere, a negated object keeps its article,
a wh-question about a clock time says πότε. Forms, order and script were checked by eye.
"""

from __future__ import annotations

from xlt.world.concepts import Event
from xlt.world.grammar import Grammar

_SINGULAR, _PLURAL = {"m": 0, "f": 1, "nt": 0}, {"m": 2, "f": 3, "nt": 4}


class Greek(Grammar):
    """An adjective is the forms that the two tables above index by gender."""

    code = "el"
    statement = "time subject verb object place"
    question = "asked verb subject object place time"
    question_mark = ";"

    def thing(self, event: Event) -> str:
        gender, singular, plural = self.entries["nouns"][event.noun]
        if event.count:
            number, noun, agreement = f"{event.count}/NUM", plural, _PLURAL[gender]
        else:
            number, noun, agreement = f"{self.words['one'][gender]}/DET", singular, _SINGULAR[gender]
        return f"{number} {self.adjective(event)[agreement]}/ADJ {noun}" if event.adjective else f"{number} {noun}"
