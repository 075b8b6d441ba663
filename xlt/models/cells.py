"""Where sentence vectors are read: a layer, a pooling, and whether each side is centred."""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

from xlt.core.errors import UserError
from xlt.spec.recipe import Evaluation

POOLINGS = ("mean", "inner", "cls")


class Cell(NamedTuple):
    """`hidden_states[layer]` (0: the embeddings) under a pooling; `centred`: less the mean vector of its side."""

    layer: int
    pooling: str
    centred: bool = False

    def __str__(self) -> str:
        return f"{self.layer}/{self.pooling}" + ("/centred" if self.centred else "")

    @classmethod
    def parse(cls, text: str) -> Cell:
        layer, pooling, *centred = text.split("/")
        return cls(int(layer), pooling, bool(centred))


def default_layer(layers: int) -> int:
    """XTREME's choice carried over to any depth: `hidden_states[14]` of 24 layers, 8 of 12."""
    return {24: 14, 12: 8}.get(layers, max(1, round(layers * 7 / 12)))


def point(evaluation: Evaluation, layers: int, default: int) -> Cell:
    """The one cell that an evaluation names, of an encoder with so many `layers`; `default` if it names no layer.

    Raises:
        UserError: the encoder has no such layer.
    """
    layer = default if evaluation.layer is None else evaluation.layer
    if not 0 <= layer <= layers:
        raise UserError(f"evaluation of {evaluation.task}: the encoder has layers 0 to {layers}, not {layer}")
    return Cell(layer, evaluation.pooling, evaluation.centred)


def every(layers: int) -> list[Cell]:
    """All cells: each layer x pooling, plain and centred."""
    return [Cell(*cell) for cell in product(range(layers + 1), POOLINGS, (False, True))]
