"""Nearest neighbours: exact and small in double precision, or of any size with FAISS."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np


def unit(vectors: Iterable) -> np.ndarray:
    """Rows of length 1 (a zero row stays zero), in double precision; same shape (n, width)."""
    vectors = np.asarray(vectors, dtype=np.float64)
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(norms == 0, 1, norms)


def nearest(queries: np.ndarray, candidates: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The k candidates with the largest inner product for each query, in single precision (FAISS, exact search).

    For cosines give both sides through `unit`, as all of xlt does. LAReQA's and Mewsli-X's official protocols differ:
    there it is the dot product, of Mewsli-X with queries as they are.

    Args:
        queries: (n, width).
        candidates: (m, width).
        k: how many; at most m are given.

    Returns:
        Inner products, shape (n, min(k, m)), falling; and the candidates' indices, same shape, -1 where a query is
        not finite.
    """
    import faiss  # here: it brings its own OpenMP, which a process that searches nothing should not load

    queries, candidates = (np.ascontiguousarray(side, dtype=np.float32) for side in (queries, candidates))
    return faiss.knn(queries, candidates, min(k, len(candidates)), metric=faiss.METRIC_INNER_PRODUCT)
