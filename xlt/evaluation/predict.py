"""What a model with a head says of each example, and the metrics of its task over that."""

from __future__ import annotations

from typing import Any

import numpy as np

from xlt.evaluation import metrics
from xlt.models.columns import Features
from xlt.models.features import NO_WORD
from xlt.models.inference import Predictor
from xlt.models.spans import bare
from xlt.spec import tasks
from xlt.spec.tasks import Task

ANSWER_TOKENS = 30  # longest answer considered, as in the SQuAD scripts of XTREME
Examples = list[dict[str, Any]]
Predictions = tuple[list, list]  # gold and predicted, one each for every example, as metrics.SCORERS want them


def scored(
    gold: list, predicted: list, rows: Any, task: Task, labels: tuple[str, ...], language: str
) -> tuple[dict[str, float], Examples]:
    """The task's metrics; terms of those that are a mean over examples stand in the examples too."""
    names = {number: name for number, name in enumerate(labels)}
    if task.family == tasks.TAGGING:
        gold, predicted = ([[names.get(tag) for tag in tags] for tags in side] for side in (gold, predicted))
    scores = {name: metrics.SCORERS[name](gold, predicted, language, labels) for name in task.metrics}
    if task.family == tasks.CLASSIFICATION:
        gold, predicted = ([names[label] for label in side] for side in (gold, predicted))
    examples = [{"gold": g, "prediction": p} for g, p in zip(gold, predicted, strict=True)]
    ids = {name: rows[name] for name in ("id", "passage") if name in rows}
    terms = {name: terms.tolist() for name, terms in scores.items() if np.shape(terms) == (len(examples),)}
    for name, values in (ids | terms).items():
        for example, value in zip(examples, values, strict=True):
            example[name] = value
    return {name: metrics.mean(score) for name, score in scores.items()}, examples


def _classification(rows: Any, features: Features, predictor: Predictor, task: Task) -> Predictions:
    predicted = np.zeros(len(features), dtype=int)
    for indices, out in predictor.outputs(features, ("logits",)):
        predicted[indices] = out["logits"].argmax(-1)
    return rows["label"], predicted.tolist()


def _tagging(rows: Any, features: Features, predictor: Predictor, task: Task) -> Predictions:
    predicted: list[list[int | None]] = [[None] * len(tags) for tags in rows["tags"]]  # None: cut off, counts as wrong
    for indices, out in predictor.outputs(features, ("logits",)):
        for index, best in zip(indices, out["logits"].argmax(-1), strict=True):
            words = features[index]["words"]
            places = np.flatnonzero(words != NO_WORD)
            for word, tag in zip(words[places].tolist(), best[places].tolist(), strict=True):
                predicted[index][word] = tag
    return rows["tags"], predicted


def _span(rows: Any, features: Features, predictor: Predictor, task: Task) -> Predictions:
    """The best span over all windows; where a task has questions without answer, none if that scores higher.

    As in SQuAD 2.0's baseline (Devlin et al. 2019) no answer scores as the first token, its lowest over the windows;
    the threshold is zero, not tuned.
    """
    best: list[tuple[float, str]] = [(-np.inf, "")] * len(rows["id"])
    nothing = [np.inf] * len(best)
    for indices, out in predictor.outputs(features, ("start_logits", "end_logits")):
        start, end = out["start_logits"], out["end_logits"]
        spans = _best_spans(start, end, [features[index]["offsets"] for index in indices])
        for index, none, span in zip(indices, (start[:, 0] + end[:, 0]).tolist(), spans, strict=True):
            row = features[index]["row"]
            nothing[row] = min(nothing[row], none)
            if span and span[0] > best[row][0]:
                best[row] = (span[0], bare(rows["context"][row][span[1] : span[2]]))
    answers = [
        "" if task.unanswerable and none >= score else text for (score, text), none in zip(best, nothing, strict=True)
    ]
    return [[bare(text) or text for text in reference["text"]] for reference in rows["answers"]], answers


def _best_spans(start: np.ndarray, end: np.ndarray, offsets: list[np.ndarray]) -> list[tuple[float, int, int] | None]:
    """(score, first character, past the last) of the best answer within the context of each window.

    Of equal scores the first start, then the first end is taken. A window has none where it holds no context, and
    where a model that diverged says nothing finite.

    Args:
        start: logits (B, T), padded.
        end: logits (B, T).
        offsets: of each of B windows (tokens, 2), first character and past the last; zeros outside the context.
    """
    context = np.zeros(start.shape, dtype=bool)
    for inside, spans in zip(context, offsets, strict=True):
        inside[: len(spans)] = spans[:, 1] > spans[:, 0]
    start, end = (np.where(context & ~np.isnan(side), side, -np.inf) for side in (start, end))
    # Only the ends that an answer may reach: (B, T, ANSWER_TOKENS), a band of the (B, T, T) pairs of start and end.
    ends = np.pad(end, ((0, 0), (0, ANSWER_TOKENS - 1)), constant_values=-np.inf)
    band = start[:, :, None] + np.lib.stride_tricks.sliding_window_view(ends, ANSWER_TOKENS, axis=1)
    band = np.where(np.isnan(band), -np.inf, band).reshape(len(band), -1)  # infinite logits of both signs
    best = band.argmax(axis=1)
    scores, firsts, lengths = band[np.arange(len(band)), best].tolist(), *divmod(best, ANSWER_TOKENS)
    return [
        None if score == -np.inf else (score, int(spans[first, 0]), int(spans[first + length, 1]))
        for score, first, length, spans in zip(scores, firsts.tolist(), lengths.tolist(), offsets, strict=True)
    ]


FAMILIES = {
    tasks.CLASSIFICATION: _classification, tasks.CHOICE: _classification, tasks.TAGGING: _tagging, tasks.SPAN: _span,
}  # fmt: skip
