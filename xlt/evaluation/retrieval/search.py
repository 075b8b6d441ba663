"""One search: an encoder, the cell where its vectors are read, and the records around it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from xlt.data.pools import language_of
from xlt.data.sources import Source
from xlt.models.cells import Cell, default_layer, point
from xlt.models.vectors import embed
from xlt.spec import tasks
from xlt.spec.recipe import Evaluation

Columns = dict[str, list]
_kept: WeakKeyDictionary[Any, dict] = WeakKeyDictionary()  # by encoder: languages share their pool


@dataclass(frozen=True)
class Search:
    """`rows` are the records of the evaluation; `layer` is what an evaluation without one means (None: the middle)."""

    source: Source
    evaluation: Evaluation
    rows: Columns
    tokenizer: Any
    encoder: Any
    batch: int
    layer: int | None = None

    @property
    def layers(self) -> int:
        return self.encoder.config.num_hidden_layers

    @property
    def cell(self) -> Cell:
        """The cell that the evaluation names.

        Raises:
            UserError: the encoder has no such layer.
        """
        return point(self.evaluation, self.layers, default_layer(self.layers) if self.layer is None else self.layer)

    @property
    def task(self) -> tasks.Task:
        return tasks.get(self.evaluation.task)

    def load(self, task: tasks.Task, split: str | None = None, examples: int | None = None) -> Columns:
        """All records of a task or pool in the language of the evaluation."""
        code = language_of(task, self.evaluation.language)
        return self.source.load(task, code, split or self.evaluation.split, examples).to_dict()

    def embed(self, texts: Sequence, longest: int | None = None) -> np.ndarray:
        """Vectors (n, width) of texts or pairs of texts, cut to `longest` subwords if the evaluation allows more."""
        length = min(longest or self.evaluation.max_length, self.evaluation.max_length)
        vectors = embed(texts, self.tokenizer, self.encoder, [self.cell], length, self.batch, self.of)
        return vectors[self.cell]

    @property
    def of(self) -> tuple[str, str]:
        """The task and its language, of which something is said."""
        return self.evaluation.task, self.evaluation.language

    def once(self, make: Callable[[], Any]) -> Any:
        """What `make` gives for this task, split and encoder: made for the first language, kept for the others."""
        e = self.evaluation
        updates = sum(weight._version for weight in self.encoder.parameters())  # a stage on its way looks several times
        key = (self.source, e.task, e.split, e.examples, e.max_length, self.cell, updates)
        kept = _kept.setdefault(self.encoder, {})
        if key not in kept:
            kept.clear()  # one pool at a time: that of Mewsli-X alone fills gigabytes
            kept[key] = make()
        return kept[key]
