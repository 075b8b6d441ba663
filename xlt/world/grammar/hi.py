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

from xlt.world.concepts import CLOCKS, NAMES, NOUNS, SOMEONE, SOMETHING, Event, Token
from xlt.world.lexicon import lexicon

LEXICON = lexicon("hi")
WORDS = LEXICON["words"]


def clause(event: Event) -> list[Token]:
    """A present-tense statement."""
    verb = _verb(event.verb, event.noun)
    before = [token for phrase in _phrases(event, verb).values() for token in phrase]
    return before + _predicate(verb, _gender(event.subject), event.negated) + [Token("।", "PUNCT", glued=True)]


def question(event: Event, asked: str) -> list[Token]:
    """The question for one role of the event; where and when stand right before the verb (or before कुछ)."""
    verb = _verb(event.verb, SOMETHING if asked == "object" else event.noun)
    phrases = _phrases(event, verb)
    word = WORDS["asked"][asked]
    phrases[asked] = _pronoun(word, verb) if asked == "object" else _words(word, "PRON", asked)
    if asked in ("place", "time"):
        phrases[asked] = phrases.pop(asked)  # to the end of the dictionary, that is of the sentence
        if event.noun == SOMETHING:
            phrases["object"] = phrases.pop("object")
    gender = "m" if asked == "subject" else _gender(event.subject)
    before = [token for phrase in phrases.values() for token in phrase]
    return before + _predicate(verb, gender, negated=False) + [Token("?", "PUNCT", glued=True)]


def _phrases(event: Event, verb: dict[str, str]) -> dict[str, list[Token]]:
    return {
        "subject": _subject(event.subject),
        "time": _time(event.time),
        "place": _words(LEXICON["places"][event.place], "NOUN", "place") if event.place else [],
        "object": _object(event, verb),
    }


def _words(phrase: str, upos: str, part: str = "") -> list[Token]:
    return [Token(form, WORDS["tags"].get(form, upos), part) for form in phrase.split()]


def _verb(verb: str, noun: str) -> dict[str, str]:
    """The stem, case and light word of a verb for this object."""
    row = LEXICON["verbs"][verb]
    return {**row, **row.get("animal", {})} if _is_animal(noun) else row


def _is_animal(noun: str) -> bool:
    return noun == "animal" or noun in NOUNS and NOUNS[noun][0] == "animal"


def _predicate(verb: dict[str, str], gender: str, negated: bool) -> list[Token]:
    light = _words(verb.get("light", ""), "NOUN")
    negation = [Token("नहीं", "PART")] if negated else []
    participle = verb["stem"] + ("ती" if gender == "f" else "ता")
    main = [Token(verb["main"], "VERB"), Token(participle, "AUX")] if "main" in verb else [Token(participle, "VERB")]
    return light + negation + main + ([] if negated else [Token("है", "AUX")])


def _gender(subject: str) -> str:
    return "m" if subject == SOMEONE else (LEXICON["names"] | LEXICON["people"])[subject][1]


def _subject(subject: str) -> list[Token]:
    if subject == SOMEONE:
        return _words(WORDS["someone"], "PRON", "subject")
    if subject in NAMES:
        return _words(LEXICON["names"][subject][0], "PROPN", "subject")
    return _words(LEXICON["people"][subject][0], "NOUN", "subject")


def _time(time: str | None) -> list[Token]:
    if time is None:
        return []
    if time in CLOCKS:
        return [Token(time, "NUM", "time"), Token("बजे", "NOUN", "time")]
    return _words(LEXICON["times"][time], "NOUN", "time")


def _pronoun(forms: dict[str, str], verb: dict[str, str]) -> list[Token]:
    case = verb.get("case", "")
    return _words(f"{forms['oblique' if case else 'direct']} {case}", "PRON", "object")


def _object(event: Event, verb: dict[str, str]) -> list[Token]:
    if event.noun == SOMETHING:
        return _pronoun(WORDS["something"], verb)
    case = verb.get("case", "")
    number = str(event.count) if event.count else "एक"
    if event.negated and not event.count:  # a bare noun with a postposition would be definite
        number = WORDS["any"] if case else ""
    tokens = _words(number, "NUM", "object")
    if event.adjective:
        tokens += _words(_adjective(event, oblique=bool(case)), "ADJ", "object")
    return tokens + _words(_noun(event, oblique=bool(case)), "NOUN", "object") + _words(case, "ADP", "object")


def _noun(event: Event, oblique: bool) -> str:
    singular, gender, plural, oblique_plural = LEXICON["nouns"][event.noun]
    if event.count:
        return oblique_plural if oblique else plural
    return plural if oblique and gender == "m" else singular  # कुत्ते को: the masculine oblique is like the plural


def _adjective(event: Event, oblique: bool) -> str:
    old = event.adjective == "old" and _is_animal(event.noun)
    masculine, inflected, feminine = WORDS["old"] if old else LEXICON["adjectives"][event.adjective]
    if LEXICON["nouns"][event.noun][1] == "f":
        return feminine
    return inflected if oblique or event.count else masculine
