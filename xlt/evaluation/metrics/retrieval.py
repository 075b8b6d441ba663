"""Scores of retrieval: the nearest sentence (Tatoeba) and rankings (LAReQA, Mewsli-X)."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Sequence

import numpy as np

from xlt.evaluation.metrics.checks import same_length
from xlt.evaluation.metrics.neighbours import unit

# Of sentence pairs: direction -> the side that is searched.
DIRECTIONS = {"en_to_xx": "source", "xx_to_en": "target"}
_ROUNDING = 1e-6  # of cosines of vectors in single precision, which differ so much between batches


def retrieve(queries: np.ndarray, candidates: np.ndarray) -> np.ndarray:
    """Index of the nearest candidate by cosine for each query, ties to the lowest index.

    In double precision and with the whole (n, m) matrix, so that ties are ties: for thousands of sentences, not for
    millions (`nearest`).

    Args:
        queries: (n, width) sentence embeddings.
        candidates: (m, width).

    Returns:
        (n,) integers; -1 for a query that is not finite (a diverged encoder finds nothing).
    """
    similarity = _similarity(queries, candidates)
    best = similarity.argmax(axis=1)
    return np.where(np.isneginf(similarity.max(axis=1)), -1, best)


def tied(queries: np.ndarray, candidates: np.ndarray, texts: Sequence[str]) -> np.ndarray:
    """Whether several candidates of different text are the nearest of a query; (n,) booleans.

    So it is where an encoder gives different sentences one vector: they are cut to the same beginning, all their words
    are unknown, or the encoder has collapsed. Which of them is found is then chance.

    Args:
        queries: (n, width) sentence embeddings.
        candidates: (m, width).
        texts: their m sentences; equal ones are no tie, as either is right or wrong.
    """
    similarity = _similarity(queries, candidates)
    best = similarity.max(axis=1, keepdims=True)
    near = (similarity >= best - _ROUNDING) & ~np.isneginf(best)
    tied = near.sum(axis=1) > 1  # few queries, of which alone the texts have to be looked at
    tied[tied] = [len({texts[i] for i in np.flatnonzero(row)}) > 1 for row in near[tied]]
    return tied


def _similarity(queries: np.ndarray, candidates: np.ndarray) -> np.ndarray:
    """Cosines (n, m); minus infinity where a side is not finite."""
    similarity = unit(queries) @ unit(candidates).T
    # rounding makes true ties equal again: the order of summation differs between columns
    return np.where(np.isnan(similarity), -np.inf, similarity.round(12))


def average_precision(
    relevant: Sequence[Collection[Hashable]], rankings: Sequence[Sequence[Hashable] | None], k: int = 20
) -> np.ndarray:
    """Average precision of the first k of each ranking; shape (n,). Its mean is mAP@k.

    The divisor is the smaller of k and the number of right answers, as in LAReQA's scorer (Roy et al. 2020; 11 right
    answers a question, one in each language). With one right answer, as in Mewsli-X (Ruder et al. 2021), it is the
    reciprocal rank. An answer that is ranked twice counts once; one beyond k is not found; an empty ranking, or
    None, scores 0.
    """
    same_length(relevant, rankings, "rankings")
    return np.array([_precision(set(r), ranking or (), k) for r, ranking in zip(relevant, rankings, strict=True)])


def _precision(relevant: set[Hashable], ranking: Sequence[Hashable], k: int) -> float:
    total, seen = 0.0, set()
    for rank, item in enumerate(ranking[:k], start=1):
        if item in relevant and item not in seen:
            seen.add(item)
            total += len(seen) / rank
    return total / min(len(relevant), k)
