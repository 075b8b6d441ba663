"""Spanish (Latin script): subject - verb - object - place - time; verb - subject in questions.

Phenomena: two genders, adjectives after the noun with gender and number, negative concord ("no compra
ninguna manzana", "no compra nada"), inverted question mark. Simplifications: no personal "a" before animals
(they are indefinite), "por la tarde" for the evening. All forms were checked by eye.
"""

from __future__ import annotations

from xlt.world.concepts import Event, Token
from xlt.world.grammar import Grammar


class Spanish(Grammar):
    """`Anna compra una manzana roja en el mercado por la mañana.` `¿Qué compra Anna en el mercado por la mañana?`"""

    code = "es"
    statement = "subject verb object place time"
    question = "asked verb subject object place time"

    def question_word(self, event: Event, asked: str) -> list[Token]:
        words = super().question_word(event, asked)
        return [Token("¿", "PUNCT"), *(word._replace(glued=True) for word in words)]

    def thing(self, event: Event) -> str:
        gender, singular, plural = self.entries["nouns"][event.noun]
        article = self.words["not_a" if event.negated else "a"][gender]
        start = f"{event.count}/NUM {plural}" if event.count else f"{article}/DET {singular}"
        if not event.adjective:
            return start
        return f"{start} {_agreeing(self.adjective(event), gender, bool(event.count))}/ADJ"


def _agreeing(adjective: str, gender: str, plural: bool) -> str:
    """rojo, roja, rojos, rojas; azul, azules; verde, verdes."""
    form = adjective[:-1] + "a" if adjective.endswith("o") and gender == "f" else adjective
    return form if not plural else form + ("es" if form.endswith("l") else "s")
