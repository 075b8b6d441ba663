"""Nearest neighbour among sentence pairs, both directions (Tatoeba)."""

from __future__ import annotations

from typing import Any

import numpy as np

from xlt.core import progress
from xlt.evaluation import metrics
from xlt.evaluation.metrics import DIRECTIONS
from xlt.evaluation.retrieval.search import Columns, Search
from xlt.models.cells import every
from xlt.models.vectors import embed

Matches = dict[str, np.ndarray]  # what each query finds, (n,) in each direction


def score(search: Search) -> tuple[dict[str, float], list[dict]]:
    """Accuracy by cosine; the rows hold the foreign sentences as `source`, their English ones as `target`.

    "en_to_xx": English queries find foreign sentences, which is the direction of XTREME and jiant. What is found is
    right where its text is that of the right sentence, so that of a repeated sentence each copy will do; XTREME, whose
    sets hold no sentence twice, compares row numbers. "tied_en_to_xx" is the share of queries to which sentences of
    different text are equally near: there the first is found, right or wrong.

    A sweep adds each cell as "accuracy_en_to_xx@14/mean", and to each example what it found in all of them, in their
    order.
    """
    here, swept = search.cell, search.evaluation.sweep
    all_cells = every(search.layers) if swept else []
    read = list(dict.fromkeys([here, *all_cells]))
    length = search.evaluation.max_length
    foreign, english = (
        embed(search.rows[side], search.tokenizer, search.encoder, read, length, search.batch, search.of)
        for side in ("source", "target")
    )
    matches = {cell: _both(english[cell], foreign[cell]) for cell in read}
    right = {cell: _right(search.rows, matches[cell]) for cell in read}
    tied = {
        "en_to_xx": metrics.tied(english[here], foreign[here], search.rows["source"]),
        "xx_to_en": metrics.tied(foreign[here], english[here], search.rows["target"]),
    }
    _say_tied(search, tied)
    values = _means("accuracy", right[here]) | _means("tied", tied)
    values |= {f"{name}@{cell}": value for cell in all_cells for name, value in _means("accuracy", right[cell]).items()}
    examples = [_example(i, matches[here], right[here], tied) for i in range(len(search.rows["source"]))]
    if swept:
        for i, example in enumerate(examples):
            example |= {f"sweep_{way}": [int(matches[cell][way][i]) for cell in all_cells] for way in DIRECTIONS}
    return values, examples


def _both(english: np.ndarray, foreign: np.ndarray) -> Matches:
    return {"en_to_xx": metrics.retrieve(english, foreign), "xx_to_en": metrics.retrieve(foreign, english)}


def _right(rows: Columns, matches: Matches) -> Matches:
    """Whether the text found is that of the row; -1, nothing found, is wrong."""
    return {
        way: np.array([i >= 0 and rows[side][i] == text for i, text in zip(matches[way], rows[side], strict=True)])
        for way, side in DIRECTIONS.items()
    }


def _means(name: str, terms: Matches) -> dict[str, float]:
    return {f"{name}_{way}": float(values.mean()) for way, values in terms.items()}


def _example(i: int, matches: Matches, right: Matches, tied: Matches) -> dict[str, Any]:
    return {f"accuracy_{way}": float(right[way][i]) for way in DIRECTIONS} | {
        f"{name}_{way}": kind(values[way][i])
        for name, values, kind in (("found", matches, int), ("tied", tied, bool))
        for way in DIRECTIONS
    }


def _say_tied(search: Search, tied: Matches) -> None:
    """In one line for the first language of a task that has some."""
    count, queries = sum(int(values.sum()) for values in tied.values()), sum(map(len, tied.values()))
    if count:
        what = f"to {count} of {queries} queries several different sentences are equally near"
        name, code = search.task.name, search.evaluation.language
        progress.say_once("tied", name, line=f"{name} ({code}): {what}")
