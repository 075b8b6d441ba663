"""The similarity constraint: how like a changed record is to the clean one, by the encoder that the recipe starts from.

It never sees the task, and it is the same for all recipes on one encoder. Of MiniLM and its like the cosines tell
something; of an encoder that was pretrained by masks alone they are all near 1 (Reimers & Gurevych 2019).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from xlt.core.device import compute
from xlt.evaluation import metrics
from xlt.evaluation.attack.texts import Texts
from xlt.models import model
from xlt.models.cells import Cell
from xlt.models.vectors import embed
from xlt.spec.recipe import Recipe

if TYPE_CHECKING:
    from xlt.data.store import Store

Judge = Callable[[Sequence[Texts], Sequence[Texts]], list[float]]


def judge(store: Store, recipe: Recipe, max_length: int, batch: int) -> Judge:
    """Gives the cosines of mean vectors of the last layer, pair by pair; the texts of a record are read as one."""
    start = Recipe(start=recipe.start)
    encoder, tokenizer = model.encoder_of(store, start).to(compute().device).eval(), model.tokenizer_of(store, start)
    cell = Cell(encoder.config.num_hidden_layers, "mean", False)

    def cosines(clean: Sequence[Texts], made: Sequence[Texts]) -> list[float]:
        distinct = list(dict.fromkeys((*clean, *made)))
        joined = [" ".join(texts) for texts in distinct]
        vectors = metrics.unit(embed(joined, tokenizer, encoder, [cell], max_length, batch)[cell])
        place = {texts: i for i, texts in enumerate(distinct)}
        return [float(vectors[place[a]] @ vectors[place[b]]) for a, b in zip(clean, made, strict=True)]

    return cosines
