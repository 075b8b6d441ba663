"""From records to sentences: one way into all grammars.

    >>> text(realise(Event("anna", "buy", "apple", "red"), "de"))
    'Anna kauft einen roten Apfel.'

A dialect takes a strength after '@': "bar@0.5" is halfway between German and Bavarian; "bar" is "bar@1".
Grammar modules are imported when their language is first asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module

from xlt.core.errors import UserError
from xlt.world.concepts import Event, Token

DIALECTS = {"bar": "de", "arz": "ar"}  # dialect -> its standard language
LANGUAGES = ("en", "de", "es", "tr", "ru", "sr-Latn", "sr-Cyrl", "el", "ar", "hi", "zh", *DIALECTS)

Grammar = tuple[Callable[..., list[Token]], Callable[..., list[Token]]]


def realise(event: Event, language: str) -> list[Token]:
    """The statement of `event`, its first letter capital."""
    clause, _ = grammar(language)
    return capitalised(clause(event), language)


def ask(event: Event, asked: str, language: str) -> list[Token]:
    """The question for the `asked` role of `event`; the other roles are given in it."""
    _, question = grammar(language)
    return capitalised(question(event, asked), language)


def text(*sentences: list[Token]) -> str:
    """The sentences as they are written: a space before every token that is not glued."""
    return "".join(_pieces(sentences))


def span(sentences: list[list[Token]], which: int, role: str) -> tuple[int, int]:
    """Start and end, in `text(*sentences)`, of the phrase of `role` in sentence number `which`."""
    pieces = _pieces(sentences)
    before = sum(map(len, sentences[:which]))
    inside = [before + i for i, token in enumerate(sentences[which]) if token.part == role]
    start = sum(map(len, pieces[: inside[0]]))
    phrase = "".join(pieces[inside[0] : inside[-1] + 1])
    return start + len(phrase) - len(phrase.lstrip()), start + len(phrase)


def _pieces(sentences) -> list[str]:
    tokens = [token for sentence in sentences for token in sentence]
    pieces = [token.form if token.glued else f" {token.form}" for token in tokens]
    return [pieces[0].lstrip(), *pieces[1:]]


@cache
def grammar(language: str) -> Grammar:
    """The pair (clause, question) of a language code."""
    base, at, strength = language.partition("@")
    if base not in LANGUAGES or (at and base not in DIALECTS):
        raise UserError(f"unknown language of the world '{language}'; it speaks {', '.join(LANGUAGES)}")
    module = import_module(f"xlt.world.grammar.{base.partition('-')[0]}")
    if base in DIALECTS:
        dial = _strength(language, strength) if at else 1.0
        return lambda event: module.clause(event, dial), lambda event, asked: module.question(event, asked, dial)
    if base == "sr-Cyrl":
        in_cyrillic = lambda tokens: [token._replace(form=module.to_cyrillic(token.form)) for token in tokens]  # noqa: E731
        return lambda event: in_cyrillic(module.clause(event)), lambda *what: in_cyrillic(module.question(*what))
    return module.clause, module.question


def _strength(language: str, strength: str) -> float:
    try:
        dial = float(strength)
    except ValueError:
        dial = -1.0
    if not 0 <= dial <= 1:
        raise UserError(f"strength '{strength}' of the dialect '{language}' is not a number from 0 to 1")
    return dial


def capitalised(tokens: list[Token], language: str) -> list[Token]:
    """The first word with a capital letter; a sentence that starts with digits stays as it is."""
    first = next(i for i, token in enumerate(tokens) if token.form[0].isalnum())
    form = tokens[first].form
    capital = "İ" if language == "tr" and form[0] == "i" else form[0].upper()
    return [*tokens[:first], tokens[first]._replace(form=capital + form[1:]), *tokens[first + 1 :]]
