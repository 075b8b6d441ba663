"""What Russian and Serbian share: the order of a sentence, and the agreement of adjectives with nouns."""

from __future__ import annotations

from collections.abc import Iterable

from xlt.world.concepts import Event
from xlt.world.grammar import Grammar


class Slavic(Grammar):
    """The time opens the sentence; a question for the object ends in it, as otherwise the verb would be last."""

    def predicate(self, event: Event) -> tuple[str, ...]:
        """Verb, object and place in their order."""
        raise NotImplementedError

    def order(self, event: Event, asked: str) -> Iterable[str]:
        if asked == "object":  # что мальчик читает в 8:15?
            return (asked, "subject", *self.predicate(event), "time")
        if asked:
            return (asked, "subject", "time", *self.predicate(event))
        return ("time", "subject", *self.predicate(event))

    def thing(self, event: Event) -> str:
        agreement, singular, plural = self.entries["nouns"][event.noun]
        number, noun = (f"{event.count}/NUM", plural) if event.count else ("", singular)
        if not event.adjective:
            return f"{number} {noun}"
        return f"{number} {self.agreeing(event, 'plural' if event.count else agreement)}/ADJ {noun}"

    def agreeing(self, event: Event, agreement: str) -> str:
        """The form of the adjective for a gender (animate masculines apart), or for the plural."""
        raise NotImplementedError
