"""Mining of sentence pairs and its scores (BUCC): margins, thresholds, precision, recall, F1.

The protocol is that of Artetxe and Schwenk (2019, section 3) as XTREME's scripts apply it: candidates from both
directions, ratio margin over four neighbours, one-to-one from the best score down, threshold from the dev set:

    pairs, scores = bucc_candidates(source, target, source_texts, target_texts)     # of dev
    threshold = best_threshold(pairs, scores, gold)                                 # gold pairs of dev
    mined = [pair for pair, score in zip(pairs, scores) if score >= threshold]      # the same on test
    pair_f1(gold, mined)
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Hashable, Mapping, Sequence
from itertools import product

import numpy as np

from xlt.errors import unknown
from xlt.metrics.neighbours import nearest, unit

Pair = tuple[Hashable, Hashable]
MARGINS = {  # cosine of a pair, mean cosine of the neighbours of its two sides -> score
    "ratio": lambda cosine, mean: np.divide(cosine, mean, out=np.zeros_like(cosine), where=mean != 0),
    "absolute": lambda cosine, mean: cosine,
}
REPEATED = ("expand", "drop")


def bucc_candidates(
    source: np.ndarray,
    target: np.ndarray,
    source_texts: Sequence[str] | None = None,
    target_texts: Sequence[str] | None = None,
    *,
    k: int = 4,
    margin: str = "ratio",
    repeated: str = "expand",
) -> tuple[list[tuple[int, int]], np.ndarray]:
    """Candidate pairs of two collections of sentences, the best first.

    Args:
        source: (n, width) sentence embeddings; a row that is not finite finds nothing.
        target: (m, width).
        source_texts: n sentences; equal ones are searched once. Without them all rows are taken to differ.
        target_texts: m sentences.
        k: neighbours on each side whose mean cosine makes the margin.
        margin: "ratio", cosine over that mean, or "absolute", the cosine itself.
        repeated: what becomes of a mined pair of sentences that occur several times. "expand" names all their
            occurrences, as jiant does; "drop" leaves the pair out, as XTREME does, so that its gold pairs are missed.

    Returns:
        (source row, target row) of each pair, and the scores, shape (pairs,), positive, falling.

    Raises:
        UserError: an unknown margin or way with repeated sentences.
        ValueError: not as many texts as vectors.
    """
    if margin not in MARGINS:
        raise unknown("margin", margin, MARGINS)
    if repeated not in REPEATED:
        raise unknown("way with repeated sentences", repeated, REPEATED)
    source_rows, x = _sentences(source, source_texts)
    target_rows, y = _sentences(target, target_texts)
    pairs, scores = [], []
    for i, j, score in _one_to_one(*_scored_both_ways(x, y, k, margin)):
        rows = list(product(source_rows[i], target_rows[j]))
        if len(rows) == 1 or repeated == "expand":
            pairs += rows
            scores += [score] * len(rows)
    return pairs, np.array(scores)


def _sentences(vectors: np.ndarray, texts: Sequence[str] | None) -> tuple[list[list[int]], np.ndarray]:
    """Rows of each different sentence in order of first occurrence, and its vector, of length 1 or zero."""
    rows, numbers = defaultdict(list), range(len(vectors))
    for row, text in zip(numbers, numbers if texts is None else texts, strict=True):
        rows[text].append(row)
    first = unit(vectors[[of_one[0] for of_one in rows.values()]])
    return list(rows.values()), np.where(np.isfinite(first), first, 0)


def _scored_both_ways(x: np.ndarray, y: np.ndarray, k: int, margin: str) -> tuple[np.ndarray, np.ndarray]:
    """The best partner of each x, then of each y: pairs (n + m, 2) and scores (n + m,)."""
    (x_cosines, x_nearest), (y_cosines, y_nearest) = nearest(x, y, k), nearest(y, x, k)
    x_mean, y_mean = x_cosines.mean(axis=1, dtype=float), y_cosines.mean(axis=1, dtype=float)
    x_scores = MARGINS[margin](x_cosines.astype(float), (x_mean[:, None] + y_mean[x_nearest]) / 2)
    y_scores = MARGINS[margin](y_cosines.astype(float), (y_mean[:, None] + x_mean[y_nearest]) / 2)
    x_best, y_best = x_scores.argmax(axis=1), y_scores.argmax(axis=1)
    x_rows, y_rows = np.arange(len(x)), np.arange(len(y))
    forward = np.stack([x_rows, x_nearest[x_rows, x_best]], axis=1)
    backward = np.stack([y_nearest[y_rows, y_best], y_rows], axis=1)
    scores = np.concatenate([x_scores[x_rows, x_best], y_scores[y_rows, y_best]])
    return np.concatenate([forward, backward]), scores


def _one_to_one(pairs: np.ndarray, scores: np.ndarray) -> list[tuple[int, int, float]]:
    """From the best score down, each sentence once; XTREME keeps positive scores only."""
    kept, sources, targets = [], set(), set()
    for place in np.argsort(-scores, kind="stable"):
        i, j = pairs[place].tolist()
        if scores[place] > 0 and i not in sources and j not in targets:
            kept.append((i, j, float(scores[place])))
            sources.add(i)
            targets.add(j)
    return kept


def best_threshold(pairs: Sequence[Pair], scores: Sequence[float], gold: Collection[Pair]) -> float:
    """The score from which on keeping the pairs gives the best F1: half-way to the next one, the highest if several.

    Two slips of XTREME's script are mended: it fails where all pairs should be kept, and it may cut between equal
    scores, which no threshold can do. Where no pair is right the threshold is 0, as there.
    """
    order = np.argsort(-np.asarray(scores, dtype=float), kind="stable")
    falling = np.asarray(scores, dtype=float)[order]
    gold = {tuple(pair) for pair in gold}
    right = np.cumsum([tuple(pairs[i]) in gold for i in order])
    f1 = 2 * right / (np.arange(1, len(order) + 1) + len(gold))
    f1[:-1][falling[:-1] == falling[1:]] = 0
    if not f1.any():
        return 0.0
    last = int(f1.argmax())
    return float(falling[last : last + 2].mean())


def pair_precision(gold: Collection[Pair], predicted: Collection[Pair]) -> float:
    """Share of the predicted pairs that are right; 0.0 where none is predicted."""
    return len(set(gold) & set(predicted)) / len(set(predicted)) if predicted else 0.0


def pair_recall(gold: Collection[Pair], predicted: Collection[Pair]) -> float:
    """Share of the gold pairs that are predicted."""
    return len(set(gold) & set(predicted)) / len(set(gold))


def pair_f1(gold: Collection[Pair], predicted: Collection[Pair]) -> float:
    """Harmonic mean of precision and recall over pairs: BUCC's score."""
    return 2 * len(set(gold) & set(predicted)) / (len(set(gold)) + len(set(predicted)))


def oracle_pair_f1(gold: Collection[Pair], predicted: Mapping[Pair, float]) -> float:
    """F1 with the threshold chosen on these very gold pairs: what jiant's authors report of BUCC's dev set."""
    pairs, scores = list(predicted), list(predicted.values())
    threshold = best_threshold(pairs, scores, gold)
    return pair_f1(gold, [pair for pair, score in predicted.items() if score >= threshold])
