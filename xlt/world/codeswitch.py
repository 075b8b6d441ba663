"""Code-switched sentences: phrases of one language in the frame of another, for pretraining text.

As in alternating language modelling (Yang et al. 2020), some phrases of a sentence are said in another language. A
phrase is what fills one role of the event, or the verb where both languages have one word for it. One of the two
languages is English. In an encoder as small as ours this stands in for the scale and the shared words of large
ones: it keeps the language of a text out of what is represented of its meaning.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from xlt.world.concepts import Event, Token
from xlt.world.render import DIALECTS, LANGUAGES, capitalised, grammar

SWITCHED = 0.5  # of the phrases
_OTHERS = tuple(code for code in LANGUAGES if code not in ("en", *DIALECTS))


def code_switched(rng: Random, event: Event, asked: str, language: str) -> list[Token]:
    """The sentence in the frame of `language`, some phrases in English; of English, each in any other language.

    Where an event is negated, verb and object stay: one language says its negation there, another does not.
    """
    frame = grammar(language).sentence(event, asked)
    staying = ("", "verb", "object") if event.negated else ("",)
    guests = {}
    for role in dict.fromkeys(map(_role, frame)):
        if role not in staying and rng.random() < SWITCHED:
            guest = grammar(rng.choice(_OTHERS) if language == "en" else "en").sentence(event, asked)
            guests[role] = [token for token in guest if _role(token) == role]
    if not all(len(tokens) == 1 for tokens in (guests.get("verb", []), [t for t in frame if _role(t) == "verb"])):
        guests.pop("verb", None)
    return capitalised(list(_joined(frame, {role: guest for role, guest in guests.items() if guest})), language)


def _role(token: Token) -> str:
    return token.part or ("verb" if token.upos == "VERB" else "")


def _joined(frame: list[Token], guests: dict[str, list[Token]]) -> Iterator[Token]:
    """The frame with each guest at the place where its role first stands."""
    placed = set()
    for token in frame:
        role = _role(token)
        if role not in guests:
            yield token
        elif role not in placed:
            placed.add(role)
            yield from guests[role]
