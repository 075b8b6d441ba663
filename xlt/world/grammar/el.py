"""Modern Greek, in monotonic Greek script: the time opens the sentence, then subject, verb, object, place.

A question puts the verb after the question word, then the subject, and ends in place and time.
Modelled: articles (also before names), agreement in gender and number in the accusative, έναν/μια/ένα, the final -ν
of στη(ν) and τη(ν) by the next sound, τίποτα under negation, γέρικος for old animals, the question mark ;.
Simplified: στην and the like are one word (ADP), δεν keeps its -ν everywhere, a negated object keeps its article,
a wh-question about a clock time says πότε. Forms, order and script were checked by eye.
"""

from __future__ import annotations

from xlt.world.concepts import NOUNS, SOMEONE, SOMETHING, Event, Token
from xlt.world.grammar import phrase, time_phrase
from xlt.world.lexicon import lexicon

_SINGULAR, _PLURAL = {"m": 0, "f": 1, "nt": 0}, {"m": 2, "f": 3, "nt": 4}


def clause(event: Event) -> list[Token]:
    """The event as a declarative sentence in the present tense."""
    rest = [*_verb(event), *_object(event), *_place(event)]
    return [*time_phrase("el", event), *_subject(event), *rest, Token(".", "PUNCT", glued=True)]


def question(event: Event, asked: str) -> list[Token]:
    """A wh-question about one role of the event; the other roles stay."""
    words = [*_verb(event), *_subject(event), *_object(event), *_place(event), *time_phrase("el", event)]
    rest = [token for token in words if token.part != asked]
    return [*phrase(lexicon("el")["words"][asked], asked), *rest, Token(";", "PUNCT", glued=True)]


def _verb(event: Event) -> list[Token]:
    words = lexicon("el")
    negation = phrase(words["words"]["not"]) if event.negated else []
    return [*negation, Token(words["verbs"][event.verb], "VERB")]


def _subject(event: Event) -> list[Token]:
    words = lexicon("el")
    if event.subject == SOMEONE:
        return phrase(words["words"]["someone"], "subject")
    section, tag = ("names", "PROPN") if event.subject in words["names"] else ("people", "NOUN")
    article, form = words[section][event.subject]
    return phrase(f"{article}/DET {form}/{tag}", "subject")


def _object(event: Event) -> list[Token]:
    words = lexicon("el")
    if event.noun == SOMETHING:
        return phrase(words["words"]["nothing" if event.negated else "something"], "object")
    gender, singular, plural = words["nouns"][event.noun]
    number = f"{event.count}/NUM" if event.count else f"{words['words']['one'][gender]}/DET"
    noun = f"{plural if event.count else singular}/NOUN"
    return phrase(f"{number} {_adjective(event, gender)} {noun}", "object")


def _adjective(event: Event, gender: str) -> str:
    if not event.adjective:
        return ""
    animal = event.noun == "animal" or event.noun in NOUNS and NOUNS[event.noun][0] == "animal"
    concept = "old_animal" if event.adjective == "old" and animal else event.adjective
    agreement = _PLURAL if event.count else _SINGULAR
    return f"{lexicon('el')['adjectives'][concept][agreement[gender]]}/ADJ"


def _place(event: Event) -> list[Token]:
    return phrase(lexicon("el")["places"][event.place], "place") if event.place else []
