"""Spanish (Latin script): subject - verb - object - place - time; verb - subject in questions.

Phenomena: two genders, adjectives after the noun with gender and number, negative concord ("no compra
ninguna manzana", "no compra nada"), inverted question mark. Simplifications: no personal "a" before animals
(they are indefinite), "por la tarde" for the evening. All forms were checked by eye.
"""

from __future__ import annotations

from xlt.world.concepts import SOMEONE, SOMETHING, Event, Token
from xlt.world.grammar import phrase
from xlt.world.lexicon import lexicon

_WORDS = lexicon("es")


def _subject(event: Event) -> list[Token]:
    if event.subject == SOMEONE:
        return [Token(_WORDS["words"][SOMEONE], "PRON", "subject")]
    if event.subject in _WORDS["names"]:
        return [Token(_WORDS["names"][event.subject], "PROPN", "subject")]
    article, noun = _WORDS["people"][event.subject]
    return phrase(f"{article}/DET {noun}/NOUN", "subject")


def _agreeing(adjective: str, gender: str, plural: bool) -> str:
    """rojo, roja, rojos, rojas; azul, azules; verde, verdes."""
    form = adjective[:-1] + "a" if adjective.endswith("o") and gender == "f" else adjective
    return form if not plural else form + ("es" if form.endswith("l") else "s")


def _object(event: Event) -> list[Token]:
    if event.noun == SOMETHING:
        return [Token(_WORDS["words"]["nothing" if event.negated else SOMETHING], "PRON", "object")]
    gender, singular, plural = _WORDS["nouns"][event.noun]
    article = {"m": "ningún", "f": "ninguna"} if event.negated else {"m": "un", "f": "una"}
    start = f"{event.count}/NUM {plural}/NOUN" if event.count else f"{article[gender]}/DET {singular}/NOUN"
    if event.adjective:
        start += f" {_agreeing(_WORDS['adjectives'][event.adjective], gender, bool(event.count))}/ADJ"
    return phrase(start, "object")


def _roles(event: Event) -> dict[str, list[Token]]:
    """The phrases after the verb, in their order."""
    clock = f"a/ADP las/DET {event.time}/NUM"
    return {
        "object": _object(event),
        "place": phrase(_WORDS["places"][event.place], "place") if event.place else [],
        "time": phrase(_WORDS["times"].get(event.time, clock), "time") if event.time else [],
    }


def clause(event: Event) -> list[Token]:
    """`Anna compra una manzana roja en el mercado por la mañana.`"""
    verb = phrase(f"{'no/ADV ' * event.negated}{_WORDS['verbs'][event.verb]}/VERB", "")
    rest = [token for phrase in _roles(event).values() for token in phrase]
    return [*_subject(event), *verb, *rest, Token(".", "PUNCT", glued=True)]


def question(event: Event, asked: str) -> list[Token]:
    """`¿Qué compra Anna en el mercado por la mañana?`"""
    word, tag = {
        "subject": ("who", "PRON"), "object": ("what", "PRON"), "place": ("where", "ADV"), "time": ("when", "ADV"),
    }[asked]  # fmt: skip
    start = [Token("¿", "PUNCT"), Token(_WORDS["words"][word], tag, asked, glued=True)]
    subject = [] if asked == "subject" else _subject(event)
    rest = [token for role, phrase in _roles(event).items() if role != asked for token in phrase]
    return [*start, Token(_WORDS["verbs"][event.verb], "VERB"), *subject, *rest, Token("?", "PUNCT", glued=True)]
