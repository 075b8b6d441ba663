"""What a model with a head says of each example, and the metrics of its task over that."""

from __future__ import annotations

from typing import Any

import numpy as np

from xlt.evaluation import metrics
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
    ids = {"id": rows["id"]} if "id" in rows else {}
    terms = {name: terms.tolist() for name, terms in scores.items() if np.shape(terms) == (len(examples),)}
    for name, values in (ids | terms).items():
        for example, value in zip(examples, values, strict=True):
            example[name] = value
    return {name: metrics.mean(score) for name, score in scores.items()}, examples


def _classification(rows: Any, features: list, predictor: Predictor, task: Task) -> Predictions:
    predicted = [0] * len(features)
    for index, out in predictor.outputs(features, ("logits",)):
        predicted[index] = int(out["logits"].argmax())
    return rows["label"], predicted


def _tagging(rows: Any, features: list, predictor: Predictor, task: Task) -> Predictions:
    predicted: list[list[int | None]] = [[None] * len(tags) for tags in rows["tags"]]  # None: cut off, counts as wrong
    for index, out in predictor.outputs(features, ("logits",)):
        best = out["logits"].argmax(-1)
        for place, word in enumerate(features[index]["words"]):
            if word is not None:
                predicted[index][word] = int(best[place])
    return rows["tags"], predicted


def _span(rows: Any, features: list, predictor: Predictor, task: Task) -> Predictions:
    """The best span over all windows; where a task has questions without answer, none if that scores higher.

    As in SQuAD 2.0's baseline (Devlin et al. 2019) no answer scores as the first token, its lowest over the windows;
    the threshold is zero, not tuned.
    """
    unanswerable = task.metrics[0].startswith("squad2")
    best: list[tuple[float, str]] = [(-np.inf, "")] * len(rows["id"])
    nothing = [np.inf] * len(best)
    for index, out in predictor.outputs(features, ("start_logits", "end_logits")):
        feature = features[index]
        row, start, end = feature["row"], out["start_logits"], out["end_logits"]
        nothing[row] = min(nothing[row], float(start[0] + end[0]))
        span = _best_span(start, end, feature["offsets"])
        if span and span[0] > best[row][0]:
            best[row] = (span[0], bare(rows["context"][row][span[1] : span[2]]))
    answers = [
        "" if unanswerable and none >= score else text for (score, text), none in zip(best, nothing, strict=True)
    ]
    return [[bare(text) or text for text in reference["text"]] for reference in rows["answers"]], answers


def _best_span(start: np.ndarray, end: np.ndarray, offsets: list) -> tuple[float, int, int] | None:
    """(score, first character, past the last) of the best answer within the context of one window."""
    context = np.array([span is not None and span[1] > span[0] for span in offsets])
    if not context.any():
        return None
    length = len(offsets)
    start = np.where(context, start[:length], -np.inf)
    end = np.where(context, end[:length], -np.inf)
    distance = np.arange(length)[None, :] - np.arange(length)[:, None]
    total = np.where((distance >= 0) & (distance < ANSWER_TOKENS), start[:, None] + end[None, :], -np.inf)
    total = np.where(np.isnan(total), -np.inf, total)
    first, last = np.unravel_index(total.argmax(), total.shape)
    if total[first, last] == -np.inf:  # a model that diverged answers nothing
        return None
    return float(total[first, last]), offsets[first][0], offsets[last][1]


FAMILIES = {
    tasks.CLASSIFICATION: _classification, tasks.CHOICE: _classification, tasks.TAGGING: _tagging, tasks.SPAN: _span,
}  # fmt: skip
