"""The shuffled-label control: gold that says nothing about the input, while its distribution stays as it was.

What such training changes, it changes without having taught the task: by seeing the texts, by moving the
weights. The gold is replaced once and stays the same through all epochs; records that are aligned across
languages get the same label.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from xlt.spec import tasks

Columns = dict[str, list]


def shuffled(rows: Columns, family: str, seed: int) -> Columns:
    """`rows` with other gold, drawn with `seed`; text for masked language modelling has none and stays as it is.

    classification  labels permuted over the records
    choice          the right place drawn anew among the record's choices
    tagging         tags permuted over all tokens of all records; tag sequences need not be well-formed any more
    span            lengths of the answers (none: 0) permuted over the records, places drawn anew in each context
    """
    change = _FAMILIES.get(family)
    return {**rows, **change(rows, np.random.default_rng(seed))} if change else rows


def _classification(rows: Columns, rng: np.random.Generator) -> Columns:
    return {"label": rng.permutation(rows["label"]).tolist()}


def _choice(rows: Columns, rng: np.random.Generator) -> Columns:
    return {"label": [int(rng.integers(len(choices))) for choices in rows["choices"]]}


def _tagging(rows: Columns, rng: np.random.Generator) -> Columns:
    flat = iter(rng.permutation([tag for tags in rows["tags"] for tag in tags]).tolist())
    return {"tags": [[next(flat) for _ in tags] for tags in rows["tags"]]}


def _span(rows: Columns, rng: np.random.Generator) -> Columns:
    lengths = [len(answer["text"][0]) if answer["text"] else 0 for answer in rows["answers"]]
    contexts = zip(rows["context"], rng.permutation(lengths).tolist(), strict=True)
    return {"answers": [_answer(context, length, rng) for context, length in contexts]}


def _answer(context: str, length: int, rng: np.random.Generator) -> dict[str, Any]:
    if not length:
        return {"text": [], "answer_start": []}
    begin = int(rng.integers(max(0, len(context) - length) + 1))
    return {"text": [context[begin : begin + length]], "answer_start": [begin]}


_FAMILIES = {
    tasks.CLASSIFICATION: _classification, tasks.CHOICE: _choice, tasks.TAGGING: _tagging, tasks.SPAN: _span,
}  # fmt: skip
