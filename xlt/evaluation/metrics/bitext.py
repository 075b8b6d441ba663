"""Mining of sentence pairs and its scores (BUCC): margins, thresholds, precision, recall, F1.

The protocol is that of Artetxe and Schwenk (2019, section 3) as XTREME's scripts apply it: candidates from both
directions, ratio margin over four neighbours, one-to-one from the best score down, threshold from the dev set:

    pairs, scores = bucc_candidates(source, target, source_texts, target_texts)     # of dev, then of test
    bucc_scores(test, dev)                                                          # each as Mined

Two conventions for sentences that occur several times are published, and both are scored.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Hashable, Mapping, Sequence
from itertools import product
from typing import NamedTuple

import numpy as np

from xlt.evaluation.metrics.neighbours import nearest, unit_single

Pair = tuple[Hashable, Hashable]


class Mined(NamedTuple):
    """Of one split: the gold pairs, all candidates with their scores, and those of sentences that occur once.

    `unrepeated` is None where nobody knows the sentences.
    """

    gold: set[Pair]
    scores: dict[Pair, float]
    unrepeated: dict[Pair, float] | None = None


def bucc_candidates(
    source: np.ndarray,
    target: np.ndarray,
    source_texts: Sequence[str] | None = None,
    target_texts: Sequence[str] | None = None,
    *,
    k: int = 4,
) -> tuple[list[tuple[int, int]], np.ndarray]:
    """Candidate pairs of two collections of sentences, the best first.

    Args:
        source: (n, width) sentence embeddings; a row that is not finite finds nothing.
        target: (m, width).
        source_texts: n sentences; equal ones are searched once, and what they find is named for all of them. Without
            texts all rows are taken to differ.
        target_texts: m sentences.
        k: neighbours on each side; the margin is the cosine over the mean cosine to them.

    Returns:
        (source row, target row) of each pair, and the scores, shape (pairs,), positive, falling.

    Raises:
        ValueError: not as many texts as vectors.
    """
    source_rows, x = _sentences(source, source_texts)
    target_rows, y = _sentences(target, target_texts)
    pairs, scores = [], []
    for i, j, score in _one_to_one(*_scored_both_ways(x, y, k)):
        rows = list(product(source_rows[i], target_rows[j]))
        pairs += rows
        scores += [score] * len(rows)
    return pairs, np.array(scores)


def _sentences(vectors: np.ndarray, texts: Sequence[str] | None) -> tuple[list[list[int]], np.ndarray]:
    """Rows of each different sentence in order of first occurrence, and its vector, of length 1 or zero."""
    rows, numbers = defaultdict(list), range(len(vectors))
    for row, text in zip(numbers, numbers if texts is None else texts, strict=True):
        rows[text].append(row)
    first = unit_single(vectors[[of_one[0] for of_one in rows.values()]])
    first[~np.isfinite(first)] = 0
    return list(rows.values()), first


def _scored_both_ways(x: np.ndarray, y: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The best partner of each x, then of each y: pairs (n + m, 2) and scores (n + m,)."""
    (x_cosines, x_nearest), (y_cosines, y_nearest) = nearest(x, y, k), nearest(y, x, k)
    x_mean, y_mean = x_cosines.mean(axis=1, dtype=float), y_cosines.mean(axis=1, dtype=float)
    x_scores = _ratio(x_cosines.astype(float), (x_mean[:, None] + y_mean[x_nearest]) / 2)
    y_scores = _ratio(y_cosines.astype(float), (y_mean[:, None] + x_mean[y_nearest]) / 2)
    x_best, y_best = x_scores.argmax(axis=1), y_scores.argmax(axis=1)
    x_rows, y_rows = np.arange(len(x)), np.arange(len(y))
    forward = np.stack([x_rows, x_nearest[x_rows, x_best]], axis=1)
    backward = np.stack([y_nearest[y_rows, y_best], y_rows], axis=1)
    scores = np.concatenate([x_scores[x_rows, x_best], y_scores[y_rows, y_best]])
    return np.concatenate([forward, backward]), scores


def _ratio(cosine: np.ndarray, mean: np.ndarray) -> np.ndarray:
    return np.divide(cosine, mean, out=np.zeros_like(cosine), where=mean != 0)


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
    """Share of the gold pairs that are predicted; 0.0 where there is none."""
    return len(set(gold) & set(predicted)) / len(set(gold)) if gold else 0.0


def pair_f1(gold: Collection[Pair], predicted: Collection[Pair]) -> float:
    """Harmonic mean of precision and recall over pairs: BUCC's score; 0.0 where there is no pair on either side."""
    pairs = len(set(gold)) + len(set(predicted))
    return 2 * len(set(gold) & set(predicted)) / pairs if pairs else 0.0


def unrepeated(scores: Mapping[Pair, float], *sides: Mapping[Hashable, str]) -> dict[Pair, float]:
    """The pairs whose sentences occur once each; `sides` are the two pools, id -> sentence.

    As in XTREME's `read_sent2id`, blanks around a sentence are no part of it: "a" and "a " are one that occurs twice.
    """
    sides = tuple({name: text.strip() for name, text in side.items()} for side in sides)
    times = [Counter(side.values()) for side in sides]
    once = {pair: all(n[side[i]] == 1 for i, side, n in zip(pair, sides, times, strict=True)) for pair in scores}
    return {pair: score for pair, score in scores.items() if once[pair]}


def chosen_pairs(scores: Mapping[Pair, float], dev: Mapping[Pair, float], gold: Collection[Pair]) -> set[Pair]:
    """The pairs from that score on which is the best threshold for the candidates `dev` with their `gold`."""
    threshold = best_threshold(list(dev), list(dev.values()), gold)
    return {pair for pair, score in scores.items() if score >= threshold}


def bucc_scores(here: Mined, dev: Mined | None = None) -> dict[str, float]:
    """All that is reported of BUCC, the threshold chosen on `dev`; without it every candidate counts.

    bucc_f1          a mined pair stands for all rows with its two sentences, as in jiant
    bucc_f1_dropped  pairs with a sentence that occurs twice in its pool, blanks around it left aside, are left out, so
                     their gold is missed: XTREME; NaN where `unrepeated` is None
    bucc_f1_oracle   as bucc_f1, the threshold chosen on the very gold that is scored: what jiant's authors report of
                     dev, where it is bucc_f1 by definition
    """
    chosen = chosen_pairs(here.scores, dev.scores, dev.gold) if dev else set(here.scores)
    if here.unrepeated is None or (dev and dev.unrepeated is None):
        dropped_f1 = math.nan
    else:
        dropped = chosen_pairs(here.unrepeated, dev.unrepeated, dev.gold) if dev else set(here.unrepeated)
        dropped_f1 = pair_f1(here.gold, dropped)
    return {
        "bucc_f1": pair_f1(here.gold, chosen),
        "bucc_f1_dropped": dropped_f1,
        "bucc_f1_oracle": pair_f1(here.gold, chosen_pairs(here.scores, here.scores, here.gold)),
        "bucc_precision": pair_precision(here.gold, chosen),
        "bucc_recall": pair_recall(here.gold, chosen),
    }
