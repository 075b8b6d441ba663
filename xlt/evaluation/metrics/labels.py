"""Scores of single labels: classification, multiple choice, sentence pairs."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np

from xlt.evaluation.metrics.checks import same_length


def accuracy(gold: Sequence[Hashable], predicted: Sequence[Hashable]) -> np.ndarray:
    """1.0 where the label is right, else 0.0; shape (n,). A prediction None is wrong."""
    same_length(gold, predicted, "labels")
    return np.array([float(p is not None and g == p) for g, p in zip(gold, predicted, strict=True)])


def f1_binary(gold: Sequence[int], predicted: Sequence[int | None]) -> float:
    """F1 of the class 1 of two ("duplicate" in QQP); 0.0 where it occurs nowhere. One number."""
    same_length(gold, predicted, "labels")
    right = sum(g == p == 1 for g, p in zip(gold, predicted, strict=True))
    named = sum(g == 1 for g in gold) + sum(p == 1 for p in predicted)
    return 2 * right / named if named else 0.0


def accuracy_and_f1(gold: Sequence[int], predicted: Sequence[int | None]) -> float:
    """Mean of accuracy and F1: jiant's score of QQP, after GLUE. One number."""
    return (float(accuracy(gold, predicted).mean()) + f1_binary(gold, predicted)) / 2
