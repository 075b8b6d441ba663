"""Nearest neighbour among sentence pairs, both directions (Tatoeba)."""

from __future__ import annotations

from typing import Any

import numpy as np

from xlt import metrics
from xlt.retrieval.cells import every
from xlt.retrieval.search import Search
from xlt.retrieval.vectors import embed

DIRECTIONS = ("en_to_xx", "xx_to_en")


def score(search: Search) -> tuple[dict[str, float], list[dict]]:
    """Accuracy by cosine; the rows hold the foreign sentences as `source`, their English ones as `target`.

    "en_to_xx": English queries find foreign sentences, which is the direction of XTREME and jiant. A sweep adds each
    cell as "accuracy_en_to_xx@14/mean", and to each example what it found in all of them, in their order.
    """
    here, swept = search.cell, search.evaluation.sweep
    all_cells = every(search.layers) if swept else []
    read = list(dict.fromkeys([here, *all_cells]))
    foreign, english = (
        embed(search.rows[side], search.tokenizer, search.encoder, read, search.evaluation.max_length, search.batch)
        for side in ("source", "target")
    )
    found = {cell: _both(english[cell], foreign[cell]) for cell in read}
    values = _accuracies(found[here]) | {
        f"{name}@{cell}": value for cell in all_cells for name, value in _accuracies(found[cell]).items()
    }
    examples = [_example(i, found[here]) for i in range(len(search.rows["source"]))]
    if swept:
        for i, example in enumerate(examples):
            example |= {f"sweep_{way}": [int(found[cell][way][i]) for cell in all_cells] for way in DIRECTIONS}
    return values, examples


def _both(english: np.ndarray, foreign: np.ndarray) -> dict[str, np.ndarray]:
    """What each query finds, (n,) in each direction."""
    return {"en_to_xx": metrics.retrieve(english, foreign), "xx_to_en": metrics.retrieve(foreign, english)}


def _accuracies(found: dict[str, np.ndarray]) -> dict[str, float]:
    return {f"accuracy_{way}": float((hits == np.arange(len(hits))).mean()) for way, hits in found.items()}


def _example(i: int, found: dict[str, np.ndarray]) -> dict[str, Any]:
    return {f"accuracy_{way}": float(found[way][i] == i) for way in DIRECTIONS} | {
        f"found_{way}": int(found[way][i]) for way in DIRECTIONS
    }
