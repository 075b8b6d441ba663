"""From records to sentences: one way into all grammars.

    >>> text(realise(Event("anna", "buy", "apple", "red"), "de"))
    'Anna kauft einen roten Apfel.'

A dialect takes a strength after '@': "bar@0.5" is halfway between German and Bavarian; "bar" is "bar@1".
"""

from __future__ import annotations

from functools import cache

from xlt.core.errors import UserError
from xlt.world.concepts import Event, Token
from xlt.world.grammar import Grammar
from xlt.world.grammar.ar import Arabic
from xlt.world.grammar.arz import Egyptian
from xlt.world.grammar.bar import Bavarian
from xlt.world.grammar.de import German
from xlt.world.grammar.el import Greek
from xlt.world.grammar.en import English
from xlt.world.grammar.es import Spanish
from xlt.world.grammar.hi import Hindi
from xlt.world.grammar.ru import Russian
from xlt.world.grammar.sr import CyrillicSerbian, Serbian
from xlt.world.grammar.tr import Turkish
from xlt.world.grammar.zh import Chinese

_STANDARD = {
    "en": English, "de": German, "es": Spanish, "tr": Turkish, "ru": Russian, "sr-Latn": Serbian,
    "sr-Cyrl": CyrillicSerbian, "el": Greek, "ar": Arabic, "hi": Hindi, "zh": Chinese,
}  # fmt: skip
_DIALECTS = {"bar": Bavarian, "arz": Egyptian}
DIALECTS = {"bar": "de", "arz": "ar"}  # dialect -> its standard language
LANGUAGES = (*_STANDARD, *_DIALECTS)


def realise(event: Event, language: str, asked: str = "") -> list[Token]:
    """The statement of `event`, or the question for its `asked` role; the first letter is capital."""
    return capitalised(grammar(language).sentence(event, asked), language)


def ask(event: Event, asked: str, language: str) -> list[Token]:
    """The question for the `asked` role of `event`; the other roles are given in it."""
    return realise(event, language, asked)


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
    return [pieces[0].lstrip(), *pieces[1:]] if pieces else []


def replaced(tokens: list[Token], role: str, phrase: list[Token]) -> list[Token]:
    """The tokens with another phrase for a role; every grammar says a role in one piece."""
    where = [i for i, token in enumerate(tokens) if token.part == role]
    return [*tokens[: where[0]], *phrase, *tokens[where[-1] + 1 :]]


@cache
def grammar(language: str) -> Grammar:
    """The grammar of a language code."""
    base, at, strength = language.partition("@")
    if base in _DIALECTS:
        return _DIALECTS[base](_strength(language, strength) if at else 1.0)
    if base not in _STANDARD or at:
        raise UserError(f"unknown language of the world '{language}'; it speaks {', '.join(LANGUAGES)}")
    return _STANDARD[base]()


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
