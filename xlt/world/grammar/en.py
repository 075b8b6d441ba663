"""English (Latin script): subject - verb - object - place - time.

Phenomena: a/an by the next sound, third person -s, do-support in negation and questions,
something/anything. Times of day stand as digits ("at 8:15"). Simplification: the simple present
everywhere, also for what happens now. All forms were checked by eye.
"""

from __future__ import annotations

from xlt.world.concepts import Event, Token
from xlt.world.grammar import Grammar


class English(Grammar):
    """`Anna buys a red apple at the market in the morning.` `What does Anna buy at the market in the morning?`"""

    code = "en"
    statement = "subject verb object place time"
    question = "asked subject verb object place time"

    def question_word(self, event: Event, asked: str) -> list[Token]:
        words = super().question_word(event, asked)
        return words if asked == "subject" else [*words, *self.phrase("does/AUX")]

    def verb(self, event: Event, asked: str) -> list[Token]:
        bare, finite = self.entries["verbs"][event.verb]
        if asked:
            return self.phrase(finite if asked == "subject" else bare, upos="VERB")
        return self.phrase(f"does/AUX not/PART {bare}" if event.negated else finite, upos="VERB")

    def person(self, concept: str) -> str:
        return f"the/DET {super().person(concept)}"

    def thing(self, event: Event) -> str:
        singular, plural = self.entries["nouns"][event.noun]
        adjective = f"{self.adjective(event)}/ADJ " if event.adjective else ""
        if event.count:
            return f"{event.count}/NUM {adjective}{plural}"
        described = f"{adjective}{singular}"
        return f"{article(described)}/DET {described}"


def article(phrase: str) -> str:
    return "an" if phrase[0] in "aeiou" else "a"
