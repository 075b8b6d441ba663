"""One module for each language: `clause` and `question` turn an event into tokens; here, what several of them share."""

from xlt.world.concepts import SOMEONE, Event, Token
from xlt.world.lexicon import lexicon


def phrase(tagged: str, part: str = "") -> list[Token]:
    """Tokens of a phrase written "auf/ADP dem/DET Markt/NOUN", all of one role."""
    return [Token(*word.rsplit("/", 1), part) for word in tagged.split()]


def bare_subject(code: str, event: Event) -> list[Token]:
    """The subject in a language without articles: one word, a name or a person; or someone."""
    words = lexicon(code)
    if event.subject == SOMEONE:
        return phrase(words["words"]["someone"], "subject")
    if event.subject in words["names"]:
        return [Token(words["names"][event.subject], "PROPN", "subject")]
    return [Token(words["people"][event.subject], "NOUN", "subject")]


def goal_or_place(code: str, event: Event) -> list[Token]:
    """The place, in a language that says where something is brought *to* otherwise than where it is."""
    if not event.place:
        return []
    where, where_to = lexicon(code)["places"][event.place]
    return phrase(where_to if event.verb == "bring" else where, "place")


def time_phrase(code: str, event: Event) -> list[Token]:
    """A time of the lexicon, or a clock time in the frame that the language has for it."""
    if not event.time:
        return []
    words = lexicon(code)
    return phrase(words["times"].get(event.time) or words["words"]["clock"].format(event.time), "time")
