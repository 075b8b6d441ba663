"""One evaluation of one trained model: predictions for every example, and the task's metrics over them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from xlt import conditions, encode, identity, metrics, model, tasks, unseen
from xlt.device import compute
from xlt.errors import UserError
from xlt.reading import Reader
from xlt.recipe import Evaluation, Recipe, digest
from xlt.retrieval import families
from xlt.retrieval.search import Search
from xlt.tasks import Task

if TYPE_CHECKING:
    from xlt.store import Store

ANSWER_TOKENS = 30  # longest answer considered, as in the SQuAD scripts of XTREME
Examples = list[dict[str, Any]]
Predictions = tuple[list, list]  # gold and predicted, one each for every example, as metrics.SCORERS want them
SHUFFLE = 0  # which examples a limited evaluation takes: the same rows of every language


def model_for(store: Store, recipe: Recipe, evaluation: Evaluation) -> torch.nn.Module:
    """The model that `evaluation` needs: encoder and the head of its task, or for retrieval the encoder alone."""
    search = tasks.get(evaluation.task).family in tasks.SEARCHES
    loaded = model.encoder_of(store, recipe) if search else model.load(store, recipe, evaluation.task)
    return loaded.to(compute().device).eval()


def evaluate(
    store: Store, recipe: Recipe, evaluation: Evaluation, learner: torch.nn.Module, batch: int
) -> tuple[dict[str, float], Examples]:
    """Metric values (fractions) and one record for each example: gold, prediction, its part in each metric.

    `batch` decides speed and memory only.
    """
    task, tokenizer = tasks.get(evaluation.task), model.tokenizer_of(store, recipe)
    plain = _as_read(evaluation)
    rows = _rows(store, plain)
    if task.family in tasks.SEARCHES:
        if evaluation.attack or evaluation.ball:
            raise UserError(f"evaluation of {task.name}: no attack is made on {task.family}; take a perturbation")
        return families.score(Search(store.source, evaluation, rows, tokenizer, learner, batch), recipe)
    reader = Reader(learner, tokenizer, batch, evaluation.ball)
    if evaluation.attack:
        from xlt.attack.run import attacked

        return attacked(store, recipe, evaluation, rows, reader)
    features = _features(store, plain, tokenizer)
    gold, predicted = FAMILIES[task.family](rows, features, reader, task)
    return scored(gold, predicted, rows, task, store.source.labels(task), evaluation.language)


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


def changed(store: Store, evaluation: Evaluation) -> dict[str, float]:
    """`changed`: the share of records that the perturbation made other than they were; {} without one."""
    if evaluation.perturbation is None:
        return {}
    plain = _as_read(evaluation)
    before, after = _rows(store, plain.model_copy(update={"perturbation": None})), _rows(store, plain)
    records = zip(zip(*before.values(), strict=True), zip(*after.values(), strict=True), strict=True)
    return {"changed": float(np.mean([old != new for old, new in records]))}


def _as_read(evaluation: Evaluation) -> Evaluation:
    """The same before anything is attacked."""
    return evaluation.model_copy(update={"attack": None, "ball": None})


_kept_rows: dict[tuple, Any] = {}
_kept_features: dict[tuple, list] = {}


def _rows(store: Store, evaluation: Evaluation) -> Any:
    """Records of a test set, kept in memory: a worker evaluates many models on the same ones."""
    key = (store.source, evaluation, _content(store, evaluation))
    if key not in _kept_rows:
        task = tasks.get(evaluation.task)
        _kept_rows[key] = conditions.rows(store.source, task, evaluation, SHUFFLE)
    return _kept_rows[key]


def _content(store: Store, evaluation: Evaluation) -> str:
    """A hash of what the records are: files and word lists may change while a process is at work."""
    task = tasks.get(evaluation.task)
    here = store.source.identity(task, evaluation.language, evaluation.split)
    return digest([here, identity.of_reading(store.source, task, evaluation)])


def _features(store: Store, evaluation: Evaluation, tokenizer: Any) -> list[encode.Feature]:
    key = (store.source, evaluation, _content(store, evaluation), tokenizer)
    if key not in _kept_features:
        family = tasks.get(evaluation.task).family
        rows = _rows(store, evaluation)
        _kept_features[key] = encode.encode(family, rows, tokenizer, evaluation.max_length, evaluation.stride)
        unseen.say(evaluation.task, evaluation.language, _kept_features[key], evaluation.max_length)
    return _kept_features[key]


def _classification(rows: Any, features: list, reader: Reader, task: Task) -> Predictions:
    predicted = [0] * len(features)
    for index, out in reader.outputs(features, ("logits",)):
        predicted[index] = int(out["logits"].argmax())
    return rows["label"], predicted


def _tagging(rows: Any, features: list, reader: Reader, task: Task) -> Predictions:
    predicted: list[list[int | None]] = [[None] * len(tags) for tags in rows["tags"]]  # None: cut off, counts as wrong
    for index, out in reader.outputs(features, ("logits",)):
        best = out["logits"].argmax(-1)
        for place, word in enumerate(features[index]["words"]):
            if word is not None:
                predicted[index][word] = int(best[place])
    return rows["tags"], predicted


def _span(rows: Any, features: list, reader: Reader, task: Task) -> Predictions:
    """The best span over all windows; where a task has questions without answer, none if that scores higher.

    As in SQuAD 2.0's baseline (Devlin et al. 2019) no answer scores as the first token, its lowest over the windows;
    the threshold is zero, not tuned.
    """
    unanswerable = task.metrics[0].startswith("squad2")
    best: list[tuple[float, str]] = [(-np.inf, "")] * len(rows["id"])
    nothing = [np.inf] * len(best)
    for index, out in reader.outputs(features, ("start_logits", "end_logits")):
        feature = features[index]
        row, start, end = feature["row"], out["start_logits"], out["end_logits"]
        nothing[row] = min(nothing[row], float(start[0] + end[0]))
        found = _best_span(start, end, feature["offsets"])
        if found and found[0] > best[row][0]:
            best[row] = (found[0], encode.bare(rows["context"][row][found[1] : found[2]]))
    answers = [
        "" if unanswerable and none >= score else text for (score, text), none in zip(best, nothing, strict=True)
    ]
    return [[encode.bare(text) or text for text in reference["text"]] for reference in rows["answers"]], answers


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
