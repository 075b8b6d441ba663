"""What each record of a test set adds to a score: the parts that the score is a ratio of.

Every main metric but one is a sum over records divided by another: of a mean the second is the number of records, of a
micro F1 (tags, mined pairs) it is what was found and what should have been. So the influence of a record on the score
is known, and with it how far the score would lie on other records.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

import numpy as np

from xlt.evaluation import metrics

Examples = Sequence[dict[str, Any]]


class Outcomes(NamedTuple):
    """Of one test set under one model: (records,) each. The score is `numerator.sum() / denominator.sum()`.

    `item` names the passage, or the record by its id, or by its place where it has none. Equal names in the test sets
    of several languages mean a parallel item; where the sets are not parallel no harm is done.
    """

    item: np.ndarray
    numerator: np.ndarray
    denominator: np.ndarray

    @property
    def score(self) -> float:
        return float(self.numerator.sum() / self.denominator.sum())

    def influence(self) -> np.ndarray:
        """How much each record moves the score, (records,); sums to zero (the score's linearisation)."""
        return (self.numerator - self.score * self.denominator) / self.denominator.sum()


def outcomes(examples: Examples, metric: str, labels: Collection[str] = ()) -> Outcomes | None:
    """Those of stored predictions; None where the metric is no ratio of sums, or nothing was to be found at all.

    Args:
        examples: one for each record, as `evaluate` gives them.
        metric: a main metric.
        labels: all tags of the task.
    """
    terms = _terms(examples, metric, labels) if examples else None
    if terms is None:
        return None
    numerator, denominator = terms
    known = ~np.isnan(numerator)  # a question without answer is no record of a score over those with one
    items = np.array([_item(example, place) for place, example in enumerate(examples)])
    return Outcomes(items[known], numerator[known], denominator[known]) if denominator[known].any() else None


def _item(example: dict[str, Any], place: int) -> str:
    named = (example.get(name) for name in ("passage", "id", "source"))
    return str(next((name for name in named if name is not None), place))


def _terms(examples: Examples, metric: str, labels: Collection[str]) -> tuple[np.ndarray, np.ndarray] | None:
    if metric in examples[0]:
        values = np.array([example[metric] for example in examples], dtype=float)
        return values, np.ones(len(values))
    gold, found = ([example.get(side) for example in examples] for side in ("gold", "prediction"))
    if metric in ("chunk_f1", "entity_f1"):
        return metrics.chunk_terms(gold, found, labels)
    if metric == "token_accuracy":
        right = [sum(g == f for g, f in zip(*pair, strict=True)) for pair in zip(gold, found, strict=True)]
        return np.array(right, dtype=float), np.array([len(tags) for tags in gold], dtype=float)
    if metric == "map_at_20":
        return metrics.average_precision(gold, found), np.ones(len(gold))
    if metric == "bucc_f1":
        mined = np.array([example["mined"] for example in examples], dtype=float)
        wanted = np.array(gold, dtype=float)
        return 2 * wanted * mined, wanted + mined
    return None
