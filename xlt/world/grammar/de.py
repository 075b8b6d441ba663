"""German (Latin script): subject - finite verb - time - place - object - rest of the verb.

Phenomena: verb second, verbal bracket ("macht ... kaputt"), accusative of article and adjective in three
genders, kein/nichts for negation, contracted prepositions ("am"), capital nouns. Indefinite objects stand
after time and place, where nothing is stressed. Simplifications: contractions are one word with the
tag ADP; "nicht" does not occur, since every object is indefinite. All forms were checked by eye.

Every function takes the words to use, so that a dialect can have the same grammar with other words.
"""

from __future__ import annotations

from typing import Any

from xlt.world.concepts import SOMEONE, SOMETHING, Event, Token
from xlt.world.grammar import phrase
from xlt.world.lexicon import lexicon

Words = dict[str, dict[str, Any]]


def _subject(event: Event, words: Words) -> list[Token]:
    if event.subject == SOMEONE:
        return [Token(words["words"]["someone"], "PRON", "subject")]
    if event.subject in words["names"]:
        return phrase(words["names"][event.subject], "subject")
    gender, noun = words["people"][event.subject]
    return phrase(f"{words['words']['the'][gender]}/DET {noun}/NOUN", "subject")


def _object(event: Event, words: Words) -> list[Token]:
    if event.noun == SOMETHING:
        return [Token(words["words"]["nothing" if event.negated else "something"], "PRON", "object")]
    gender, singular, plural = words["nouns"][event.noun]
    weak, feminine, neuter = words["adjectives"][event.adjective] if event.adjective else ("", "", "")
    if event.count:
        determiner = f"{words['words']['not_a']['f']}/DET " if event.negated else ""
        adjective = weak if event.negated else feminine
        start, noun = f"{determiner}{event.count}/NUM", plural
    else:
        adjective = {"m": weak, "f": feminine, "n": neuter}[gender]
        start, noun = f"{words['words']['not_a' if event.negated else 'a'][gender]}/DET", singular
    return phrase(f"{start} {adjective}/ADJ {noun}/NOUN" if adjective else f"{start} {noun}/NOUN", "object")


def _roles(event: Event, words: Words) -> dict[str, list[Token]]:
    """The phrases after the verb, in their order."""
    clock = f"um/ADP {event.time}/NUM {words['words']['oclock']}/NOUN"
    return {
        "time": phrase(words["times"].get(event.time, clock), "time") if event.time else [],
        "place": phrase(words["places"][event.place], "place") if event.place else [],
        "object": _object(event, words),
    }


def _end(event: Event, words: Words, mark: str) -> list[Token]:
    """The rest of the verb, and the punctuation."""
    rest = [Token(form, "ADJ") for form in words["verbs"][event.verb][1:]]
    return [*rest, Token(mark, "PUNCT", glued=True)]


def clause(event: Event, words: Words | None = None) -> list[Token]:
    """`Anna kauft am Morgen auf dem Markt einen roten Apfel.`"""
    words = words or lexicon("de")
    middle = [token for phrase in _roles(event, words).values() for token in phrase]
    verb = Token(words["verbs"][event.verb][0], "VERB")
    return [*_subject(event, words), verb, *middle, *_end(event, words, ".")]


def question(event: Event, asked: str, words: Words | None = None) -> list[Token]:
    """`Was kauft Anna am Morgen auf dem Markt?`"""
    words = words or lexicon("de")
    wh = {"subject": ("who", "PRON"), "object": ("what", "PRON"), "place": ("where", "ADV"), "time": ("when", "ADV")}
    word, tag = wh[asked]
    start = [Token(words["words"][word], tag, asked), Token(words["verbs"][event.verb][0], "VERB")]
    subject = [] if asked == "subject" else _subject(event, words)
    middle = [token for role, phrase in _roles(event, words).items() if role != asked for token in phrase]
    return [*start, *subject, *middle, *_end(event, words, "?")]
