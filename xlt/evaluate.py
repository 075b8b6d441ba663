"""One evaluation of one trained model: predictions for every example, and the task's metrics over them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from xlt import encode, metrics, model, tasks
from xlt.device import autocast, compute
from xlt.recipe import Evaluation, Recipe
from xlt.retrieval import pairs

if TYPE_CHECKING:
    from xlt.store import Store

ANSWER_TOKENS = 30  # longest answer considered, as in the SQuAD scripts of XTREME
Examples = list[dict[str, Any]]
Labels = tuple[str, ...]
SHUFFLE = 0  # which examples a limited evaluation takes: the same rows of every language


def model_for(store: Store, recipe: Recipe, evaluation: Evaluation) -> torch.nn.Module:
    """The model that `evaluation` needs: encoder and head, or for retrieval the encoder alone."""
    retrieval = tasks.get(evaluation.task).family == tasks.RETRIEVAL
    loaded = model.encoder_of(store, recipe) if retrieval else model.load(store, recipe)
    return loaded.to(compute().device).eval()


def evaluate(
    store: Store, recipe: Recipe, evaluation: Evaluation, learner: torch.nn.Module, batch: int
) -> tuple[dict[str, float], Examples]:
    """Metric values (fractions) and one record for each example: gold, prediction, score.

    `batch` decides speed and memory only.
    """
    task, tokenizer = tasks.get(evaluation.task), model.tokenizer_of(store, recipe)
    rows = _rows(store, evaluation)
    if task.family == tasks.RETRIEVAL:
        return pairs.score(rows, tokenizer, learner, evaluation, batch)
    features = _features(store, evaluation, tokenizer)
    score = _FAMILIES[task.family]
    return score(rows, features, learner, batch, tokenizer, store.source.labels(task), evaluation)


_kept_rows: dict[tuple, Any] = {}
_kept_features: dict[tuple, list] = {}


def _rows(store: Store, evaluation: Evaluation) -> Any:
    """Records of a test set, kept in memory: a worker evaluates many models on the same ones."""
    key = (store.source, evaluation)
    if key not in _kept_rows:
        task = tasks.get(evaluation.task)
        rows = store.source.load(task, evaluation.language, evaluation.split, evaluation.examples, SHUFFLE)
        _kept_rows[key] = {name: rows[name][:] for name in rows.column_names}
    return _kept_rows[key]


def _features(store: Store, evaluation: Evaluation, tokenizer: Any) -> list[encode.Feature]:
    key = (store.source, evaluation, tokenizer.name_or_path)
    if key not in _kept_features:
        family = tasks.get(evaluation.task).family
        rows = _rows(store, evaluation)
        _kept_features[key] = encode.encode(family, rows, tokenizer, evaluation.max_length, evaluation.stride)
    return _kept_features[key]


@torch.no_grad()
def _outputs(
    learner: Any, features: list, batch: int, tokenizer: Any, keep: tuple[str, ...]
) -> Iterator[tuple[int, dict]]:
    """(feature index, {output name: array}) in batch order; padding positions are cut off."""
    restart = model.restart_at(learner.config, tokenizer)
    for indices in encode.batches(features, batch):
        inputs = [{k: features[i][k] for k in ("input_ids", "token_type_ids") if k in features[i]} for i in indices]
        with autocast():
            out = learner(**encode.collate(inputs, tokenizer.pad_token_id, compute().device, restart))
        arrays = {name: out[name].float().cpu().numpy() for name in keep}
        for place, index in enumerate(indices):
            yield index, {name: array[place] for name, array in arrays.items()}


def _classification(
    rows: Any, features: list, learner: Any, batch: int, tokenizer: Any, labels: Labels, evaluation: Evaluation
) -> tuple[dict[str, float], Examples]:
    predicted = [0] * len(features)
    for index, out in _outputs(learner, features, batch, tokenizer, ("logits",)):
        predicted[index] = int(out["logits"][: len(labels)].argmax())
    right = metrics.accuracy(rows["label"], predicted)
    examples = [
        {"gold": labels[g], "prediction": labels[p], "accuracy": s}
        for g, p, s in zip(rows["label"], predicted, right.tolist(), strict=True)
    ]
    return {"accuracy": float(right.mean())}, examples


def _choice(
    rows: Any, features: list, learner: Any, batch: int, tokenizer: Any, labels: Labels, evaluation: Evaluation
) -> tuple[dict[str, float], Examples]:
    predicted = [0] * len(features)
    restart = model.restart_at(learner.config, tokenizer)
    with torch.no_grad():
        for indices in encode.batches(features, batch):
            groups = [{"choices": features[i]["choices"]} for i in indices]
            inputs = encode.collate(groups, tokenizer.pad_token_id, compute().device, restart)
            best = model.choice_logits(learner, inputs).argmax(-1).tolist()
            for index, place in zip(indices, best, strict=True):
                predicted[index] = place
    right = metrics.accuracy(rows["label"], predicted)
    examples = [
        {"gold": g, "prediction": p, "choices": len(c), "accuracy": s}
        for g, p, c, s in zip(rows["label"], predicted, rows["choices"], right.tolist(), strict=True)
    ]
    return {"accuracy": float(right.mean())}, examples


def _tagging(
    rows: Any, features: list, learner: Any, batch: int, tokenizer: Any, labels: Labels, evaluation: Evaluation
) -> tuple[dict[str, float], Examples]:
    gold = [[labels[tag] for tag in tags] for tags in rows["tags"]]
    predicted: list[list[str | None]] = [[None] * len(tags) for tags in gold]  # None: cut off, counts as wrong
    for index, out in _outputs(learner, features, batch, tokenizer, ("logits",)):
        best = out["logits"][:, : len(labels)].argmax(-1)
        for place, word in enumerate(features[index]["words"]):
            if word is not None:
                predicted[index][word] = labels[best[place]]
    values = {
        "chunk_f1": metrics.chunk_f1(gold, predicted),
        "token_accuracy": float(metrics.token_accuracy(gold, predicted).mean()),
    }
    return values, [{"gold": g, "prediction": p} for g, p in zip(gold, predicted, strict=True)]


def _span(
    rows: Any, features: list, learner: Any, batch: int, tokenizer: Any, labels: Labels, evaluation: Evaluation
) -> tuple[dict[str, float], Examples]:
    best: list[tuple[float, str]] = [(-np.inf, "")] * len(rows["id"])
    for index, out in _outputs(learner, features, batch, tokenizer, ("start_logits", "end_logits")):
        feature = features[index]
        row = feature["row"]
        found = _best_span(out["start_logits"], out["end_logits"], feature["offsets"])
        if found and found[0] > best[row][0]:
            best[row] = (found[0], rows["context"][row][found[1] : found[2]].strip())  # "▁Anna" begins at the space
    answers = [text for _, text in best]
    references = [reference["text"] for reference in rows["answers"]]
    per_example = {
        "f1": metrics.f1(answers, references),
        "exact_match": metrics.exact_match(answers, references),
        "f1_language_aware": metrics.f1_language_aware(answers, references, evaluation.language),
    }
    examples = [
        {
            "id": rows["id"][i],
            "gold": references[i],
            "prediction": answers[i],
            **{m: float(v[i]) for m, v in per_example.items()},
        }
        for i in range(len(answers))
    ]
    return {name: float(values.mean()) for name, values in per_example.items()}, examples


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


_FAMILIES = {
    tasks.CLASSIFICATION: _classification, tasks.CHOICE: _choice, tasks.TAGGING: _tagging, tasks.SPAN: _span,
}  # fmt: skip
