"""Scores of predictions.

Where a metric is a mean, the function returns the array of its terms, shape (n,), values 0 to 1 (NaN: not of this
example), so that `mean` gives the metric and any later test over examples stays possible. The others return one number.

Where the field has two conventions both are here under two names. `SCORERS` has all that a task can name as its
metrics, in one form: gold, predictions, language, names of the labels; but what is mined has `bucc_scores`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import numpy as np

from xlt.evaluation.metrics.answers import (
    exact_match,
    exact_match_language_aware,
    f1,
    f1_language_aware,
    mlqa_exact_match,
    mlqa_f1,
    squad2_exact_match,
    squad2_f1,
    with_answer,
    without_answer,
)
from xlt.evaluation.metrics.bitext import (
    Mined,
    best_threshold,
    bucc_candidates,
    bucc_scores,
    chosen_pairs,
    pair_f1,
    pair_precision,
    pair_recall,
    unrepeated,
)
from xlt.evaluation.metrics.labels import accuracy, accuracy_and_f1, f1_binary
from xlt.evaluation.metrics.neighbours import nearest, unit, unit_single
from xlt.evaluation.metrics.retrieval import DIRECTIONS, average_precision, retrieve, tied
from xlt.evaluation.metrics.tagging import chunk_f1, chunk_terms, entity_f1, token_accuracy
from xlt.spec.schemes import Tags

__all__ = [
    "DIRECTIONS", "Mined", "SCORERS", "Tags", "accuracy", "accuracy_and_f1", "average_precision", "best_threshold",
    "bucc_candidates", "bucc_scores", "chosen_pairs", "chunk_f1", "chunk_terms", "entity_f1", "exact_match",
    "exact_match_language_aware", "f1", "f1_binary", "f1_language_aware", "mean", "mlqa_exact_match", "mlqa_f1",
    "nearest", "pair_f1", "pair_precision", "pair_recall", "retrieve", "squad2_exact_match", "squad2_f1",
    "tied", "token_accuracy", "unit", "unit_single", "unrepeated", "versions", "with_answer", "without_answer",
]  # fmt: skip

Scorer = Callable[[Any, Any, str, Collection[str]], np.ndarray | float]


def _plain(score: Callable) -> Scorer:
    return lambda gold, predicted, language, labels: score(gold, predicted)


def _of_tags(score: Callable) -> Scorer:
    return lambda gold, predicted, language, labels: score(gold, predicted, labels)


def _answers(score: Callable, part: Callable = lambda scores, _: scores) -> Scorer:
    return lambda gold, predicted, language, labels: part(score(predicted, gold), gold)


def _in_language(score: Callable, **options: Any) -> Scorer:
    return lambda gold, predicted, language, labels: score(predicted, gold, language, **options)


# metric -> (gold, predicted, language, labels) -> terms or number. The family decides what gold and predicted are:
#   classification, choice  numbers of labels; None without a prediction
#   tagging                 a list of tags for each sentence; None for a word without a prediction
#   span                    a list of right answers for each question; one answer, None without one
#   retrieval               accuracy_*: what each query should find, and finds; map_at_20: a collection of what is
#                           right, and the ranking
SCORERS: dict[str, Scorer] = {
    "accuracy": _plain(accuracy),
    "f1_binary": _plain(f1_binary),
    "accuracy_and_f1": _plain(accuracy_and_f1),
    "token_accuracy": _plain(token_accuracy),
    "chunk_f1": _of_tags(chunk_f1),
    "entity_f1": _of_tags(entity_f1),
    "f1": _answers(f1),
    "exact_match": _answers(exact_match),
    "squad2_f1": _answers(squad2_f1),
    "squad2_exact_match": _answers(squad2_exact_match),
    "squad2_f1_has_answer": _answers(squad2_f1, with_answer),
    "squad2_exact_match_has_answer": _answers(squad2_exact_match, with_answer),
    "squad2_f1_no_answer": _answers(squad2_f1, without_answer),
    "squad2_exact_match_no_answer": _answers(squad2_exact_match, without_answer),
    "f1_language_aware": _in_language(f1_language_aware),
    "exact_match_language_aware": _in_language(exact_match_language_aware),
    "mlqa_f1": _in_language(mlqa_f1),
    "mlqa_exact_match": _in_language(mlqa_exact_match),
    "mlqa_f1_mended": _in_language(mlqa_f1, mended=True),
    "mlqa_exact_match_mended": _in_language(mlqa_exact_match, mended=True),
    "accuracy_en_to_xx": _plain(accuracy),
    "accuracy_xx_to_en": _plain(accuracy),
    "map_at_20": _plain(average_precision),
}


def mean(score: np.ndarray | float) -> float:
    """The value of a metric from what its scorer returns; NaN where no example is of its kind."""
    terms = np.atleast_1d(np.asarray(score, dtype=float))
    terms = terms[~np.isnan(terms)]
    return float(terms.mean()) if terms.size else float("nan")
