"""What the grammars share. The module of each language says what that language does otherwise."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from typing import Any

from xlt.world.concepts import SOMEONE, SOMETHING, Event, Token
from xlt.world.events import is_animal
from xlt.world.lexicon import lexicon

Entries = dict[str, dict[str, Any]]
_QUESTION_WORDS = {
    "subject": ("who", "PRON"), "object": ("what", "PRON"), "place": ("where", "ADV"), "time": ("when", "ADV"),
}  # fmt: skip


class Grammar:
    """Turns an event into tokens: one phrase for each role, in the order of the language.

    The method named after a role gives its phrase. A phrase is empty where the event does not fill the role.
    """

    code: str  # of the lexicon
    statement: str  # the roles in their order
    question: str  # the same, with "asked" where the question word stands
    stop, question_mark = ".", "?"
    glued = False  # whether words are written without spaces

    def __init__(self, entries: Entries | None = None):
        self.entries = entries or lexicon(self.code)
        self.words = self.entries["words"]
        self.tags = self.words.get("tags", {})

    def sentence(self, event: Event, asked: str = "") -> list[Token]:
        """The statement of `event`, or the question for the `asked` role."""
        tokens = []
        for role in dict.fromkeys(self.order(event, asked)):
            if role == asked:
                tokens += self.question_word(event, asked)
            elif role == "verb":
                tokens += self.verb(event, asked)
            else:
                tokens += getattr(self, role)(event)
        return [*tokens, Token(self.question_mark if asked else self.stop, "PUNCT", glued=True)]

    def phrase(self, words: str, part: str = "", upos: str = "") -> list[Token]:
        """Tokens of "auf/ADP dem/DET Markt", all of one role. Untagged words have the tag of the lexicon or `upos`."""
        tokens = []
        for word in words.split():
            form, _, tag = word.partition("/")
            tokens.append(Token(form, tag or self.tags.get(form, upos), part, self.glued))
        return tokens

    def order(self, event: Event, asked: str) -> Iterable[str]:
        """The roles in their order. A role that is named twice stands where it is named first."""
        return self.question.replace("asked", asked).split() if asked else self.statement.split()

    def question_word(self, event: Event, asked: str) -> list[Token]:
        word, upos = _QUESTION_WORDS[asked]
        if asked == "place" and event.verb == "bring" and "where_to" in self.words:
            word = "where_to"
        return self.phrase(self.words[word], asked, upos)

    def verb(self, event: Event, asked: str) -> list[Token]:
        negation = self.words["not"] if event.negated else ""
        return self.phrase(f"{negation} {self.entries['verbs'][event.verb]}", upos="VERB")

    def subject(self, event: Event) -> list[Token]:
        if event.subject == SOMEONE:
            return self.phrase(self.words["someone"], "subject", "PRON")
        if event.subject in self.entries["names"]:
            return self.phrase(self.name(event.subject), "subject", "PROPN")
        return self.phrase(self.person(event.subject), "subject", "NOUN")

    def name(self, concept: str) -> str:
        return self.entries["names"][concept]

    def person(self, concept: str) -> str:
        return self.entries["people"][concept]

    def object(self, event: Event) -> list[Token]:
        if event.noun == SOMETHING:
            word = "nothing" if event.negated and "nothing" in self.words else "something"
            return self.phrase(self.words[word], "object", "PRON")
        return self.phrase(self.thing(event), "object", "NOUN")

    def thing(self, event: Event) -> str:
        """The object with its number or article and its adjective."""
        raise NotImplementedError

    def adjective(self, event: Event) -> Any:
        """The entry of the adjective. Several languages have a word of its own for old animals."""
        adjectives = self.entries["adjectives"]
        if event.adjective == "old" and is_animal(event.noun):
            return self.words.get("old_animal") or adjectives.get("old_animal", adjectives["old"])
        return adjectives[event.adjective]

    def place(self, event: Event) -> list[Token]:
        """Several languages say where something is brought *to* otherwise than where it is."""
        if not event.place:
            return []
        entry = self.entries["places"][event.place]
        if isinstance(entry, list):
            where, where_to = entry
            entry = where_to if event.verb == "bring" else where
        return self.phrase(entry, "place", "NOUN")

    def time(self, event: Event) -> list[Token]:
        if not event.time:
            return []
        return self.phrase(self.entries["times"].get(event.time) or self.clock(event.time), "time", "NOUN")

    def clock(self, time: str) -> str:
        return self.words["clock"].format(time)


class Gendered(Grammar):
    """A language whose verb agrees with the gender of its subject: names and people are [form, gender]."""

    def name(self, concept: str) -> str:
        return self.entries["names"][concept][0]

    def person(self, concept: str) -> str:
        return self.entries["people"][concept][0]

    def feminine(self, event: Event, asked: str) -> bool:
        """Whether the verb is feminine; it is masculine with "who" and "someone"."""
        if asked == "subject" or event.subject == SOMEONE:
            return False
        return (self.entries["names"] | self.entries["people"])[event.subject][1] == "f"


def spread(features: Iterable[tuple[str, str]]) -> dict[tuple[str, str], float]:
    """A threshold for each feature, evenly over (0, 1], in an order that a digest fixes."""
    ranked = sorted(features, key=lambda feature: sha256("/".join(feature).encode()).digest())
    return {feature: rank / len(ranked) for rank, feature in enumerate(ranked, start=1)}


def with_dialect(standard: str, dialect: str, thresholds: dict[tuple[str, str], float], strength: float) -> Entries:
    """The lexicon of a standard language with the dialect's entries whose threshold the strength reaches."""
    entries = {section: dict(rows) for section, rows in lexicon(standard).items()}
    for (section, concept), threshold in thresholds.items():
        if threshold <= strength:
            entries[section][concept] = lexicon(dialect)[section][concept]
    return entries
