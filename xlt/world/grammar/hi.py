"""Hindi: subject - time - place - object - verb, in Devanagari.

Modelled: gender of nouns, adjectives (भारी does not inflect, बड़ा does) and of the habitual participle, which
agrees with the subject (खरीदता है, खरीदती है); direct and oblique case, singular and plural; the object's
postposition by verb (से प्यार, का चित्र) or for an animal (को); conjunct verbs; नहीं before the verb, then
without है and with a bare object or किसी; question words in situ or right before the verb.
Forms, order and script were checked by eye.

Simplified: people are masculine unless they are women, verbs are singular without honorific plural,
draw is 'make a drawing of', and the verb takes no vector verb (खोती है, not खो देती है).
"""

from __future__ import annotations

from collections.abc import Iterable

from xlt.world.concepts import SOMETHING, Event, Token
from xlt.world.events import is_animal
from xlt.world.grammar import Gendered


class Hindi(Gendered):
    """A verb has a stem, and where it needs them a main verb before it, a light word and a case of its object."""

    code = "hi"
    statement = question = "subject time place object verb"
    stop = "।"

    def order(self, event: Event, asked: str) -> Iterable[str]:
        """Where and when stand right before the verb, or before कुछ."""
        if asked not in ("place", "time"):
            return super().order(event, asked)
        other = "time" if asked == "place" else "place"
        last = (asked, "object") if event.noun == SOMETHING else ("object", asked)
        return ("subject", other, *last, "verb")

    def question_word(self, event: Event, asked: str) -> list[Token]:
        if asked == "object":
            return self._pronoun("what", self._verb_entry(event.verb, SOMETHING))
        return super().question_word(event, asked)

    def _verb_entry(self, verb: str, noun: str) -> dict[str, str]:
        """Stem, main verb, light word and case, for this object."""
        entry = self.entries["verbs"][verb]
        return {**entry, **entry.get("animal", {})} if is_animal(noun) else entry

    def verb(self, event: Event, asked: str) -> list[Token]:
        entry = self._verb_entry(event.verb, SOMETHING if asked == "object" else event.noun)
        participle = entry["stem"] + ("ती" if self.feminine(event, asked) else "ता")
        finite = f"{entry['main']}/VERB {participle}/AUX" if "main" in entry else f"{participle}/VERB"
        light = entry.get("light", "")
        if event.negated and not asked:
            return self.phrase(f"{light} नहीं/PART {finite}", upos="NOUN")
        return self.phrase(f"{light} {finite} है/AUX", upos="NOUN")

    def _pronoun(self, word: str, verb: dict[str, str]) -> list[Token]:
        case = verb.get("case", "")
        return self.phrase(f"{self.words[word]['oblique' if case else 'direct']} {case}", "object", "PRON")

    def object(self, event: Event) -> list[Token]:
        if event.noun == SOMETHING:
            return self._pronoun("something", self._verb_entry(event.verb, event.noun))
        return super().object(event)

    def thing(self, event: Event) -> str:
        case = self._verb_entry(event.verb, event.noun).get("case", "")
        number = f"{event.count or 'एक'}/NUM"
        if event.negated and not event.count:  # a bare noun with a postposition would be definite
            number = self.words["any"] if case else ""
        adjective = f"{self._agreeing(event, bool(case))}/ADJ" if event.adjective else ""
        return f"{number} {adjective} {self._noun(event, bool(case))} {case}"

    def _noun(self, event: Event, oblique: bool) -> str:
        singular, gender, plural, oblique_plural = self.entries["nouns"][event.noun]
        if event.count:
            return oblique_plural if oblique else plural
        return plural if oblique and gender == "m" else singular  # कुत्ते को: the masculine oblique is like the plural

    def _agreeing(self, event: Event, oblique: bool) -> str:
        masculine, inflected, feminine = self.adjective(event)
        if self.entries["nouns"][event.noun][1] == "f":
            return feminine
        return inflected if oblique or event.count else masculine
