"""Modern Standard Arabic: verb - subject - object - place - time, written from right to left without vowel marks.

Modelled: agreement of the verb with the gender of its subject, gender of nouns and adjectives (colours apart:
أحمر, حمراء), the alif of the indefinite accusative (كتابا كبيرا, but أحمر), broken and sound plurals after
5 to 10 with a feminine singular adjective (5 كتب حمراء), لا before the verb, question words first.
The article stays attached to its noun. Forms, order and script were checked by eye.

Simplified: people are masculine unless they are women, digits instead of number words.

All that a dialect does otherwise, order and endings too, is read from the lexicon, so that the same
rules over another lexicon give the dialect.
"""

from __future__ import annotations

from collections.abc import Iterable

from xlt.world.concepts import COLOURS, Event, Token
from xlt.world.grammar import Gendered


class Arabic(Gendered):
    """A noun is [singular, gender, plural], an adjective [masculine, feminine]."""

    code = "ar"
    question_mark = "؟"

    def order(self, event: Event, asked: str) -> Iterable[str]:
        order = self.words["order"].split()
        first = asked == "subject" or self.words["question_word_first"]
        return [asked, *order] if asked and first else order

    def verb(self, event: Event, asked: str) -> list[Token]:
        feminine = self.feminine(event, asked)
        before, after = self.words["negation"] if event.negated else ("", "")
        form = self.entries["verbs"][event.verb]
        if isinstance(form, list):  # a participle, as for 'want' in the dialects
            form, before = form[feminine], "مش" if before else ""
        else:
            stem = form[1:-1] + "ا" if after and form.endswith("ى") else form[1:]
            form = self.words["imperfect"] + ("ت" if feminine else "ي") + stem + after
        return [*self.phrase(before, upos="PART"), *self.phrase(form, upos="VERB")]

    def thing(self, event: Event) -> str:
        singular, gender, plural = self.entries["nouns"][event.noun]
        masculine, feminine = self.adjective(event) if event.adjective else ("", "")
        accusative = "" if gender == "f" else self.words["accusative"]
        if event.count:
            number, noun, adjective = f"{event.count}/NUM", plural, feminine
        else:
            number, noun = "", singular if singular.endswith("و") else singular + accusative  # بيانو is foreign
            ending = "" if event.adjective in COLOURS else accusative
            adjective = feminine if gender == "f" else masculine + ending
        return f"{number} {noun} {adjective}/ADJ" if event.adjective else f"{number} {noun}"
