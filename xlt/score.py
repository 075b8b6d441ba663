"""A file of predictions, scored against a file of references by the metrics of a task: `xlt score`.

Each line is a JSON object with an `id` and, by the task's family:

    family            reference                     prediction
    classification    label                         label: its name or number (from 0)
    choice            choice                        choice: its name or number (from 0)
    tagging           tags, may have tokens         tags: names or numbers; null for a word without a prediction
    span              answers: a list of texts      answer: a text, "" for "no answer"
    Tatoeba           the id; may have source and   en_to_xx, xx_to_en: the id that each side of the pair finds
                      target, the two sentences
    LAReQA, Mewsli-X  relevant: a list of ids       ranking: a list of ids, the best first
    BUCC              source, target: ids           source, target, score

null as a prediction counts as wrong. For questions the references may be SQuAD's JSON, and any predictions with one
field may be one object {id: prediction}, as SQuAD's scorer takes them. BUCC's references may also hold the sentences
of the two pools, {"side": "source" or "target", "id": ..., "text": ...}, from which bucc_f1_dropped sees which occur
several times; without them it has no value. Where Tatoeba's hold the sentences (source: the foreign, target: the
English one), a sentence of the same text as the right one is right, as in runs. Scores are fractions: the official
scripts print a hundred times as much.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from xlt import tasks
from xlt.errors import UserError
from xlt.languages import language
from xlt.metrics import DIRECTIONS, SCORERS, Mined, bucc_scores, mean, unrepeated
from xlt.scorefiles import Record, by_id, read, same_ids, some
from xlt.scoreforms import form, number, read_value, string
from xlt.tasks import Task


def score(
    task: str, code: str, predictions: Path, references: Path, dev: tuple[Path, Path] | None = None
) -> dict[str, Any]:
    """The metrics of `task` in the language `code`.

    Args:
        dev: predictions and references from which the threshold of BUCC's pairs is taken; without it all pairs count.

    Returns:
        task, language, examples (how many references) and metrics, all that fit the task: name -> value, None where no
        example is of its kind or the sentences of BUCC are not given.

    Raises:
        UserError: an unknown task or language; anything wrong in the files, with file and line.
    """
    declared, code = tasks.get(task), language(code).code
    if not declared.metrics:
        raise UserError(f"task {task}: nothing to score; it is for pretraining")
    if "bucc_f1" in declared.metrics:
        here = _mined(declared, predictions, references)
        gold, scores = here.gold, bucc_scores(here, _mined(declared, *dev) if dev else None)
    elif dev:
        raise UserError(f"task {task}: no threshold to choose; leave --dev out")
    else:
        gold, scores = _by_example(declared, code, predictions, references)
    values = {metric: mean(scores[metric]) for metric in fitting(declared)}
    metrics = {metric: None if math.isnan(value) else value for metric, value in values.items()}
    return {"task": task, "language": code, "examples": len(gold), "metrics": metrics}


def fitting(task: Task) -> tuple[str, ...]:
    """The task's metrics, which runs store, and of questions all others of the same protocol: SQuAD 1.1, 2.0, MLQA."""
    if task.family != tasks.SPAN:
        return task.metrics
    usual = tasks.FAMILIES[task.family].metrics.split()
    return tuple(dict.fromkeys([*task.metrics, *(m for m in usual if _protocol(m) == _protocol(task.metrics[0]))]))


def _protocol(metric: str) -> str:
    return next((name for name in ("squad2_", "mlqa_") if metric.startswith(name)), "")


def as_text(result: dict[str, Any]) -> str:
    """The result for people: a line for each metric, to full precision."""
    width = max(map(len, result["metrics"]))
    lines = [f"{result['task']}, language {result['language']}, {result['examples']} examples"]
    lines += [
        f"{m.ljust(width)}  {'no such example or sentence' if v is None else repr(v)}"
        for m, v in result["metrics"].items()
    ]
    return "\n".join(lines)


def _by_example(task: Task, code: str, predictions: Path, references: Path) -> tuple[dict, dict[str, Any]]:
    """The references by id, and what the scorer of each metric gives."""
    main = form(task, task.metrics[0])
    gold, predicted = by_id(read(references, main.gold)), by_id(read(predictions, main.predicted))
    same_ids(gold, predicted, predictions, references)
    scores = {}
    for metric in fitting(task):
        how = form(task, metric)
        right = [read_value(record, how.gold, how.read_gold, task) for record in gold.values()]
        given = [read_value(predicted[name], how.predicted, how.read_predicted, task) for name in gold]
        if how.gold == "id":
            _known(given, gold, predictions)
            texts = _sentences(gold, DIRECTIONS[metric.removeprefix("accuracy_")], task)
            right, given = ([texts.get(name, name) for name in side] for side in (right, given))
        if task.family == tasks.TAGGING:
            given = [_same_words(gold[n], r, predicted[n], g) for n, r, g in zip(gold, right, given, strict=True)]
        try:
            scores[metric] = SCORERS[metric](right, given, code, task.labels)
        except ValueError as error:  # tags whose scheme is not understood
            raise UserError(f"{references}: {error}") from None
    return gold, scores


def _known(found: list[str | None], gold: dict, predictions: Path) -> None:
    """Where sentences find one another, what is found must be one of them."""
    strange = [name for name in found if name is not None and name not in gold]
    if strange:
        raise UserError(f"{predictions}: found {some(strange)} not among the references; give null for nothing found")


def _sentences(gold: dict, side: str, task: Task) -> dict[str, str]:
    """The sentences of one side by id; none where the references do not hold them."""
    if not any(side in record.fields for record in gold.values()):
        return {}
    return {name: read_value(record, side, string, task) for name, record in gold.items()}


def _same_words(gold: Record, tags: list, prediction: Record, given: list | None) -> list:
    """The predicted tags, one for each word; a sentence without prediction has none for each."""
    tokens = gold.fields.get("tokens", tags)
    if len(tokens) != len(tags):
        raise UserError(f"{gold.where}: {len(tags)} tags for {len(tokens)} tokens; each token needs one")
    if given is not None and len(given) != len(tags):
        raise UserError(f"{prediction.where}: {len(given)} tags for {len(tags)} tokens; give null where there is none")
    return [None] * len(tags) if given is None else given


def _mined(task: Task, predictions: Path, references: Path) -> Mined:
    """The gold pairs and the predicted ones; which of these are unrepeated, if the references hold the sentences."""
    records = read(references, "")
    gold = set(by_id([record for record in records if "side" not in record.fields], ("source", "target")))
    predicted = by_id(read(predictions, ""), ("source", "target"))
    scores = {pair: read_value(record, "score", number, task) for pair, record in predicted.items()}
    sentences = by_id([record for record in records if "side" in record.fields], ("side", "id"))
    if not sentences:
        return Mined(gold, scores)
    texts: dict[str, dict[str, str]] = {"source": {}, "target": {}}
    for (side, name), record in sentences.items():
        if side not in texts:
            raise UserError(f"{record.where}: side: {side} should be source or target")
        texts[side][name] = read_value(record, "text", string, task)
    told = {pair for pair in gold | scores.keys() if pair[0] in texts["source"] and pair[1] in texts["target"]}
    if lost := sorted((gold | scores.keys()) - told):
        raise UserError(f"{references}: no sentences for {some(lost, 'pair')}; give those of both whole pools, or none")
    return Mined(gold, scores, unrepeated(scores, *texts.values()))
