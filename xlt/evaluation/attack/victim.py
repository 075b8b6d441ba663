"""The model under attack: many texts of many examples in the same forward passes, no text twice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from xlt.evaluation import metrics, predict
from xlt.evaluation.attack.queries import Query, QueryEncoder
from xlt.evaluation.attack.search import QueryResult
from xlt.evaluation.attack.texts import Columns, rebuilt
from xlt.models.columns import Feature
from xlt.models.features import IGNORED
from xlt.models.inference import Outputs, Predictor
from xlt.spec import tasks
from xlt.spec.recipe import Evaluation
from xlt.spec.tasks import Task

_OUTPUTS = {tasks.SPAN: ("start_logits", "end_logits")}


class _Replay:
    """Outputs that are there already, in the form in which a predictor gives them."""

    def __init__(self, outputs: list[Outputs]):
        self.kept = outputs

    def outputs(self, *_: Any) -> Iterator[Outputs]:
        yield from self.kept


class Victim:
    """Says what the model makes of texts in the place of those of a row, gold as it was."""

    def __init__(self, rows: Columns, task: Task, evaluation: Evaluation, predictor: Predictor):
        self.rows, self.task, self.evaluation, self.predictor = rows, task, evaluation, predictor
        self.encoder = QueryEncoder(task, evaluation, predictor.tokenizer)
        self.known: dict[Query, QueryResult] = {}

    def forget(self) -> None:
        """What is known of records whose searches have ended."""
        self.known.clear()
        self.encoder.forget()

    def ask(self, queries: Sequence[Query]) -> list[QueryResult]:
        """The results of the queries, in their order."""
        new = [query for query in dict.fromkeys(queries) if query not in self.known]
        if new:
            self.known |= zip(new, self._results(new), strict=True)
        return [self.known[query] for query in queries]

    def _results(self, queries: list[Query]) -> list[QueryResult]:
        family = self.task.family
        rows = rebuilt(self.rows, family, queries)
        features = self.encoder.features(queries, rows)
        outputs = list(self.predictor.outputs(features, _OUTPUTS.get(family, ("logits",))))
        gold, predicted = predict.FAMILIES[family](rows, features, _Replay(outputs), self.task)
        scores = _SCORES[family](rows, features, outputs)
        right = self.right(gold, predicted)
        return [QueryResult(float(score), parts) for score, parts in zip(scores, right, strict=True)]

    def right(self, gold: list, predicted: list) -> list[tuple[bool, ...]]:
        """Which parts of each answer are right: each tag; the label; whether a span scores anything at all."""
        if self.task.family == tasks.TAGGING:
            return [tuple(a == b for a, b in zip(*pair, strict=True)) for pair in zip(gold, predicted, strict=True)]
        if self.task.family == tasks.SPAN:
            terms = metrics.SCORERS[self.task.metrics[0]](gold, predicted, self.evaluation.language, ())
            return [(bool(term > 0),) for term in terms]
        return [(a == b,) for a, b in zip(gold, predicted, strict=True)]


# probability of the gold ------------------------------------------------------------------------


def _softmax(logits: np.ndarray) -> np.ndarray:
    shifted = np.exp(logits.astype(np.float64) - logits.max(-1, keepdims=True))
    return shifted / shifted.sum(-1, keepdims=True)


def _label(rows: Columns, features: Sequence[Feature], outputs: list[Outputs]) -> np.ndarray:
    probabilities = np.zeros(len(features))
    for indices, out in outputs:
        gold = [features[index]["labels"] for index in indices]
        probabilities[indices] = _softmax(out["logits"])[np.arange(len(indices)), gold]
    return probabilities


def _tags(rows: Columns, features: Sequence[Feature], outputs: list[Outputs]) -> np.ndarray:
    """Mean over the words that the model sees."""
    probabilities = np.zeros(len(features))
    for indices, out in outputs:
        for index, of_tokens in zip(indices, _softmax(out["logits"]), strict=True):
            labels = np.array(features[index]["labels"])
            seen = np.flatnonzero(labels != IGNORED)
            probabilities[index] = of_tokens[seen, labels[seen]].mean() if len(seen) else 0.0
    return probabilities


def _answer(rows: Columns, features: Sequence[Feature], outputs: list[Outputs]) -> np.ndarray:
    """Of the first gold answer, as start and end of a window; of no answer, as the first token: the best window's."""
    probabilities = np.zeros(len(rows["answers"]))
    for indices, out in outputs:
        for index, starts, ends in zip(indices, out["start_logits"], out["end_logits"], strict=True):
            feature = features[index]
            row, start, end = feature["row"], feature["start_positions"], feature["end_positions"]
            if (start, end) == (0, 0) and rows["answers"][row]["text"]:
                continue  # the window lacks the answer
            length = len(feature["input_ids"])
            both = _softmax(starts[:length])[start] * _softmax(ends[:length])[end]
            probabilities[row] = max(probabilities[row], both)
    return probabilities


_SCORES = {
    tasks.CLASSIFICATION: _label, tasks.CHOICE: _label, tasks.TAGGING: _tags, tasks.SPAN: _answer,
}  # fmt: skip
