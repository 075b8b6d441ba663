"""German (Latin script): subject - finite verb - time - place - object - rest of the verb.

Phenomena: verb second, verbal bracket ("macht ... kaputt"), accusative of article and adjective in three
genders, kein/nichts for negation, contracted prepositions ("am"), capital nouns. Indefinite objects stand
after time and place, where nothing is stressed. Simplifications: contractions are one word with the
tag ADP; "nicht" does not occur, since every object is indefinite. All forms were checked by eye.

Every function takes the words to use, so that a dialect can have the same grammar with other words.
"""

from __future__ import annotations

from xlt.world.concepts import Event, Token
from xlt.world.grammar import Grammar


class German(Grammar):
    """`Anna kauft am Morgen auf dem Markt einen roten Apfel.` `Was kauft Anna am Morgen auf dem Markt?`"""

    code = "de"
    statement = "subject verb time place object rest"
    question = "asked verb subject time place object rest"

    def verb(self, event: Event, asked: str) -> list[Token]:
        return self.phrase(self.entries["verbs"][event.verb][0], upos="VERB")

    def rest(self, event: Event) -> list[Token]:
        """The end of the verbal bracket."""
        return self.phrase(" ".join(self.entries["verbs"][event.verb][1:]), upos="ADJ")

    def person(self, concept: str) -> str:
        gender, noun = self.entries["people"][concept]
        return f"{self.words['the'][gender]}/DET {noun}"

    def thing(self, event: Event) -> str:
        gender, singular, plural = self.entries["nouns"][event.noun]
        weak, feminine, neuter = self.adjective(event) if event.adjective else ("", "", "")
        if event.count:
            determiner = f"{self.words['not_a']['f']}/DET" if event.negated else ""
            adjective = weak if event.negated else feminine
            start, noun = f"{determiner} {event.count}/NUM", plural
        else:
            adjective = {"m": weak, "f": feminine, "n": neuter}[gender]
            start, noun = f"{self.words['not_a' if event.negated else 'a'][gender]}/DET", singular
        return f"{start} {adjective}/ADJ {noun}" if adjective else f"{start} {noun}"

    def clock(self, time: str) -> str:
        return f"um/ADP {time}/NUM {self.words['oclock']}"
