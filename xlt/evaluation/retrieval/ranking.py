"""Ranking a pool for each query, mAP@20: answers (LAReQA, Roy et al. 2020) and entities (Mewsli-X, Ruder et al. 2021).

Both run on any encoder, trained for it or not. Similarity is the cosine, as in the training of dual encoders here
(xlt.models.dual); officially it is the dot product, of Mewsli-X with queries that are not normalised.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from xlt.core.errors import UserError
from xlt.evaluation import metrics
from xlt.evaluation.retrieval.search import Search
from xlt.models.dual import QUERY_LENGTH, sentences_of
from xlt.spec import tasks

DEPTH = 20


class Pool(NamedTuple):
    """Names and vectors (n, width; rows of length 1) of all candidates; what is right for a query, where known here."""

    names: list[str]
    vectors: np.ndarray
    right: dict[str, set[str]]


def answers(search: Search) -> tuple[dict[str, float], list[dict]]:
    """Questions of one language against the sentences of all contexts in all languages: one is right in each.

    A candidate is a sentence followed by its context, as in XTREME-R. With a limit on the examples, the contexts are
    those of the same questions in every language: a smaller pool, and easier. A candidate is named by language, number
    of its context and number of its sentence there ("de-12-3").
    """
    pool = search.once(lambda: _sentences(search))
    keys = search.rows["id"]
    return _ranked(search, search.rows["question"], keys, [pool.right[key] for key in keys], pool)


def entries(search: Search) -> tuple[dict[str, float], list[dict]]:
    """Queries against the whole pool, of which one entry is right; mAP@20 is then the mean reciprocal rank.

    Raises:
        UserError: a query's target is no id of the pool.
    """
    pool = search.once(lambda: _entries(search))
    known, targets = set(pool.names), search.rows["target"]
    for row, target in enumerate(targets, start=1):
        if target not in known:
            where = f"{search.task.name} {search.evaluation.language} {search.evaluation.split}"
            raise UserError(f"{where}: row {row}: target {target} is not in the pool {search.task.pool[0]}")
    keys = [str(row) for row in range(1, len(targets) + 1)]
    return _ranked(search, search.rows["query"], keys, [{target} for target in targets], pool)


def _sentences(search: Search) -> Pool:
    names, vectors, right = [], [], defaultdict(set)
    e, task = search.evaluation, search.task
    for code in search.source.languages(task, e.split):
        rows = search.source.load(task, code, e.split, e.examples)
        contexts, where = sentences_of(rows.to_dict())
        places = [(i, k) for i, (_, pieces) in enumerate(contexts) for k in range(len(pieces))]
        names += [f"{code}-{i}-{k}" for i, k in places]
        vectors.append(metrics.unit_single(search.embed([(contexts[i][1][k], contexts[i][0]) for i, k in places])))
        for key, answers in zip(rows["id"][:], where, strict=True):
            right[key] |= {f"{code}-{i}-{k}" for i, k in answers}
    return Pool(names, np.concatenate(vectors), right)


def _entries(search: Search) -> Pool:
    rows = search.load(tasks.get(search.task.pool[0]))
    return Pool(rows["id"], metrics.unit_single(search.embed(rows["text"])), {})


def _ranked(
    search: Search, queries: Sequence[str], keys: list[str], right: list[set[str]], pool: Pool
) -> tuple[dict[str, float], list[dict[str, Any]]]:
    vectors = metrics.unit_single(search.embed(queries, QUERY_LENGTH))
    scores, nearest = metrics.nearest(vectors, pool.vectors, DEPTH)
    rankings = [[pool.names[i] for i in row if i >= 0] for row in nearest.tolist()]  # -1: a query that is not finite
    terms = metrics.average_precision(right, rankings, DEPTH)
    examples = [
        {"id": key, "gold": sorted(gold), "prediction": ranking, "scores": values[: len(ranking)], "map_at_20": term}
        for key, gold, ranking, values, term in zip(
            keys, right, rankings, scores.round(5).tolist(), terms.tolist(), strict=True
        )
    ]
    return {"map_at_20": float(terms.mean())}, examples
