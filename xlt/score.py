"""A file of predictions, scored against a file of references by the metrics of a task: `xlt score`.

Each line is a JSON object with an `id` and, by the task's family:

    family            reference                     prediction
    classification    label                         label: its name or number (from 0)
    choice            choice                        choice: its name or number (from 0)
    tagging           tags, may have tokens         tags: names or numbers; null for a word without a prediction
    span              answers: a list of texts      answer: a text, "" for "no answer"
    Tatoeba           (the id alone)                en_to_xx, xx_to_en: the id that each side of the pair finds
    LAReQA, Mewsli-X  relevant: a list of ids       ranking: a list of ids, the best first
    BUCC (no id)      source, target: ids           source, target, score

null as a prediction counts as wrong. For questions the references may be SQuAD's JSON, and any predictions with one
field may be one object {id: prediction}, as SQuAD's scorer takes them. Scores are fractions: the official scripts
print a hundred times as much.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from xlt import tasks
from xlt.errors import UserError
from xlt.languages import language
from xlt.metrics import SCORERS, best_threshold, mean
from xlt.scorefiles import Record, by_id, read, same_ids, some
from xlt.scoreforms import form, number, read_value
from xlt.tasks import Task


def score(
    task: str, code: str, predictions: Path, references: Path, dev: tuple[Path, Path] | None = None
) -> dict[str, Any]:
    """The metrics of `task` in the language `code`.

    Args:
        dev: predictions and references from which the threshold of BUCC's pairs is taken; without it all pairs count.

    Returns:
        task, language, examples (how many references) and metrics: name -> value, None where no example is of its kind.

    Raises:
        UserError: an unknown task or language; anything wrong in the files, with file and line.
    """
    declared, code = tasks.get(task), language(code).code
    if not declared.metrics:
        raise UserError(f"task {task}: nothing to score; it is for pretraining")
    if "bucc_f1" in declared.metrics:
        gold, scores = _by_pair(declared, code, predictions, references, dev)
    elif dev:
        raise UserError(f"task {task}: no threshold to choose; leave --dev out")
    else:
        gold, scores = _by_example(declared, code, predictions, references)
    values = {metric: mean(score) for metric, score in scores.items()}
    metrics = {metric: None if math.isnan(value) else value for metric, value in values.items()}
    return {"task": task, "language": code, "examples": len(gold), "metrics": metrics}


def as_text(result: dict[str, Any]) -> str:
    """The result for people: a line for each metric, to full precision."""
    width = max(map(len, result["metrics"]))
    lines = [f"{result['task']}, language {result['language']}, {result['examples']} examples"]
    lines += [f"{m.ljust(width)}  {'no such example' if v is None else repr(v)}" for m, v in result["metrics"].items()]
    return "\n".join(lines)


def _by_example(task: Task, code: str, predictions: Path, references: Path) -> tuple[dict, dict[str, Any]]:
    """The references by id, and what the scorer of each metric gives."""
    main = form(task, task.metrics[0])
    gold, predicted = by_id(read(references, main.gold)), by_id(read(predictions, main.predicted))
    same_ids(gold, predicted, predictions, references)
    scores = {}
    for metric in task.metrics:
        how = form(task, metric)
        right = [read_value(record, how.gold, how.read_gold, task) for record in gold.values()]
        given = [read_value(predicted[name], how.predicted, how.read_predicted, task) for name in gold]
        if how.gold == "id":
            _known(given, gold, predictions)
        if task.family == tasks.TAGGING:
            given = [_same_words(gold[n], r, predicted[n], g) for n, r, g in zip(gold, right, given, strict=True)]
        scores[metric] = SCORERS[metric](right, given, code)
    return gold, scores


def _known(found: list[str | None], gold: dict, predictions: Path) -> None:
    """Where sentences find one another, what is found must be one of them."""
    strange = [name for name in found if name is not None and name not in gold]
    if strange:
        raise UserError(f"{predictions}: found {some(strange)} not among the references; give null for nothing found")


def _same_words(gold: Record, tags: list, prediction: Record, given: list | None) -> list:
    """The predicted tags, one for each word; a sentence without prediction has none for each."""
    tokens = gold.fields.get("tokens", tags)
    if len(tokens) != len(tags):
        raise UserError(f"{gold.where}: {len(tags)} tags for {len(tokens)} tokens; each token needs one")
    if given is not None and len(given) != len(tags):
        raise UserError(f"{prediction.where}: {len(given)} tags for {len(tags)} tokens; give null where there is none")
    return [None] * len(tags) if given is None else given


def _by_pair(
    task: Task, code: str, predictions: Path, references: Path, dev: tuple[Path, Path] | None
) -> tuple[set, dict[str, Any]]:
    """The gold pairs, and what the scorer of each metric gives; the oracle chooses from all pairs."""
    gold, predicted = _pairs(task, predictions, references)
    threshold = -math.inf
    if dev:
        dev_gold, dev_predicted = _pairs(task, *dev)
        threshold = best_threshold(list(dev_predicted), list(dev_predicted.values()), dev_gold)
    chosen = {pair: score for pair, score in predicted.items() if score >= threshold}
    told = [metric for metric in task.metrics if metric in SCORERS]  # not what takes the texts of the pools
    return gold, {m: SCORERS[m](gold, predicted if m == "bucc_f1_oracle" else chosen, code) for m in told}


def _pairs(task: Task, predictions: Path, references: Path) -> tuple[set, dict[tuple, float]]:
    """The gold pairs, and {pair: score} of the predicted ones."""
    gold, predicted = (by_id(read(path, ""), ("source", "target")) for path in (references, predictions))
    return set(gold), {pair: read_value(record, "score", number, task) for pair, record in predicted.items()}
