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
field may be one object {id: prediction}, as SQuAD's scorer takes them. Files that are no JSON are read as XTREME's
scripts read theirs (`scorelines`), and references also as the task's own records, in the columns of its declaration
(`scorerecords`). Where one of the files has no ids, records correspond in their order, the first being number 0.

As in SQuAD's and MLQA's scripts a question without a prediction counts as wrong, and predictions of no question of the
references are ignored; both are said (SQuAD 2.0's script leaves the former out instead). Elsewhere either is an error.
Of a task whose records say their language (TyDi QA's ids) one file may hold all: the others are left out.

BUCC's references may also hold the sentences of the two pools, {"side": "source" or "target", "id": ..., "text": ...},
from which bucc_f1_dropped sees which occur several times; without them it has no value. Where Tatoeba's hold the
sentences (source: the foreign, target: the English one), a sentence of the same text as the right one is right, as in
runs. Scores are fractions: the official scripts print a hundred times as much.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any, NamedTuple

from xlt.core.errors import UserError
from xlt.core.text import counted
from xlt.evaluation import scorelines, scorematch, scorerecords
from xlt.evaluation.metrics import DIRECTIONS, SCORERS, Mined, bucc_scores, mean, unrepeated
from xlt.evaluation.metrics.answers import ruled
from xlt.evaluation.scorefiles import Record, by_id, from_json, is_json, some, text_of
from xlt.evaluation.scoreforms import form, form_shown, number, read_value, string
from xlt.evaluation.scorematch import ById
from xlt.spec import tasks
from xlt.spec.languages import language
from xlt.spec.tasks import Task

Scored = tuple[Collection, dict[str, Any], list[str]]  # references, what each metric's scorer gives, what is to be said
_CONVENTIONS = "pairs of a sentence that occurs several times count in bucc_f1 (jiant), not in bucc_f1_dropped (XTREME)"


def score(
    task: str, code: str, predictions: Path, references: Path, dev: tuple[Path, Path] | None = None
) -> dict[str, Any]:
    """The metrics of `task` in the language `code`.

    Args:
        dev: predictions and references from which the threshold of BUCC's pairs is taken; without it all pairs count.

    Returns:
        task, language, examples (how many references) and metrics, all that fit the task: name -> value, None where no
        example is of its kind or the files do not say enough; where something is to be said of them, notes.

    Raises:
        UserError: an unknown task or language; anything wrong in the files, with file and line.
    """
    declared, code = tasks.get(task), language(code).code
    if not declared.metrics:
        raise UserError(f"task {task}: nothing to score; it is for pretraining")
    if "bucc_f1" in declared.metrics:
        gold, scores, notes = _pairs(declared, code, predictions, references, dev)
    elif dev:
        raise UserError(f"task {task}: no threshold to choose; leave --dev out")
    else:
        gold, scores, notes = _by_example(declared, code, predictions, references)
    values = {metric: mean(scores[metric]) for metric in fitting(declared)}
    metrics = {metric: None if math.isnan(value) else value for metric, value in values.items()}
    notes += _unruled(metrics, code)
    result = {"task": task, "language": code, "examples": len(gold), "metrics": metrics}
    return result | ({"notes": notes} if notes else {})


def _unruled(metrics: Iterable[str], code: str) -> list[str]:
    """Which of the metrics go by languages and have no rule for this one."""
    named = [metric for metric in metrics if not ruled(metric, code)]
    rule = "no rule for the articles of this language, so none are taken off the answers"
    return [f"{', '.join(named)}: {rule}"] if named else []


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
    lines = [f"{result['task']}, language {result['language']}, {counted(result['examples'], 'example')}"]
    lines += [f"{m.ljust(width)}  {'no value' if v is None else repr(v)}" for m, v in result["metrics"].items()]
    return "\n".join(lines + result.get("notes", []))


def _references(path: Path, task: Task, code: str) -> tuple[list[Record], list[str]]:
    """The references of a file, and what is to be said of them."""
    field = form(task, task.metrics[0]).gold
    if not scorerecords.own(path, task, field):
        return _read(path, task, field), []
    return scorerecords.read(path, task, code)


def _read(path: Path, task: Task, field: str) -> list[Record]:
    text = text_of(path)
    return from_json(text, path, field) if is_json(text) else scorelines.from_lines(text, path, task, field)


def _by_example(task: Task, code: str, predictions: Path, references: Path) -> Scored:
    main, files = form(task, task.metrics[0]), (predictions, references)
    with form_shown(task, "references"):
        records, notes = _references(references, task, code)
        whole = scorematch.numbered(records)
        gold, left_out = scorematch.of_language(whole, task, code, references)
    with form_shown(task, "predictions"):
        given = scorematch.in_order(_read(predictions, task, main.predicted), whole, task, *files)
    predicted, unmatched = scorematch.agreed(gold, given, whole.keys() - gold, task, main.predicted, *files)
    notes += left_out + unmatched
    scores = {}
    for metric in fitting(task):
        how = form(task, metric)
        if metric != task.metrics[0] and not any(how.predicted in record.fields for record in predicted.values()):
            scores[metric] = math.nan  # Tatoeba in one direction
            notes.append(f"{predictions}: no {how.predicted}, so {metric} has no value")
            continue
        right, given = _values(gold, predicted, metric, task, predictions)
        try:
            scores[metric] = SCORERS[metric](right, given, code, task.labels)
        except ValueError as error:  # tags whose scheme is not understood
            raise UserError(f"{references}: {error}") from None
        if math.isnan(mean(scores[metric])):
            notes.append(f"{references}: no example for {metric}")
    return gold, scores, notes


def _values(gold: ById, predicted: ById, metric: str, task: Task, predictions: Path) -> tuple[list, list]:
    """What is right and what is given, example by example."""
    how = form(task, metric)
    with form_shown(task, "references"):
        right = [name if how.gold == "id" else read_value(r, how.gold, how.read_gold, task) for name, r in gold.items()]
    with form_shown(task, "predictions"):
        given = [read_value(predicted[name], how.predicted, how.read_predicted, task) for name in gold]
    if task.family == tasks.TAGGING:
        given = [_same_words(gold[n], r, predicted[n], g) for n, r, g in zip(gold, right, given, strict=True)]
    if how.gold == "id":
        _known(given, gold, predictions)
        texts = _sentences(gold, DIRECTIONS[metric.removeprefix("accuracy_")], task)
        right, given = ([texts.get(name, name) for name in side] for side in (right, given))
    return right, given


def _known(names: list[str | None], gold: dict, predictions: Path) -> None:
    """Where sentences find one another, what is found must be one of them."""
    strange = [name for name in names if name is not None and name not in gold]
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


def _pairs(task: Task, code: str, predictions: Path, references: Path, dev: tuple[Path, Path] | None) -> Scored:
    """BUCC's pairs, in both conventions for sentences that occur several times."""
    here, notes = _mined(task, code, predictions, references)
    there = _mined(task, code, *dev)[0] if dev else None
    scored = all(side is None or side.scored for side in (here, there))
    if there and not scored:
        raise UserError(f"{predictions if not here.scored else dev[0]}: no scores, so no threshold; leave --dev out")
    scores = bucc_scores(here.mined, there and there.mined)
    if not scored:
        scores["bucc_f1_oracle"] = math.nan
        notes.append(f"{predictions}: the pairs have no scores, so bucc_f1_oracle has no value")
    if math.isnan(scores["bucc_f1_dropped"]):
        lacking = references if here.mined.unrepeated is None else dev[1]
        notes.append(f"{lacking}: without the sentences of the two pools bucc_f1_dropped has no value")
    notes.append(_CONVENTIONS)
    if not dev:
        notes.append("without --dev there is no threshold: all pairs count")
    return here.mined.gold, scores, notes


class _Pairs(NamedTuple):
    mined: Mined
    scored: bool  # whether the file gives the pairs scores


def _mined(task: Task, code: str, predictions: Path, references: Path) -> tuple[_Pairs, list[str]]:
    """The gold pairs and the predicted ones; which of these are unrepeated, if the references hold the sentences."""
    with form_shown(task, "references"):
        records, notes = _references(references, task, code)
        gold = set(by_id([record for record in records if "side" not in record.fields], ("source", "target")))
        if not gold:
            raise UserError(f"{references}: no pair of a source and its target, only sentences; add the gold pairs")
        sentences = by_id([record for record in records if "side" in record.fields], ("side", "id"))
        texts = _texts(sentences, task)
    with form_shown(task, "predictions"):
        predicted = by_id(_read(predictions, task, "source"), ("source", "target"))
        scored = any("score" in record.fields for record in predicted.values())
        scores = {pair: read_value(r, "score", number, task) if scored else 0.0 for pair, r in predicted.items()}
    if not sentences:
        return _Pairs(Mined(gold, scores), scored), notes
    listed = {pair for pair in gold | scores.keys() if pair[0] in texts["source"] and pair[1] in texts["target"]}
    if lost := sorted((gold | scores.keys()) - listed):
        raise UserError(f"{references}: no sentences for {some(lost, 'pair')}; give those of both whole pools, or none")
    return _Pairs(Mined(gold, scores, unrepeated(scores, *texts.values())), scored), notes


def _texts(sentences: dict, task: Task) -> dict[str, dict[str, str]]:
    texts: dict[str, dict[str, str]] = {"source": {}, "target": {}}
    for (side, name), record in sentences.items():
        if side not in texts:
            raise UserError(f"{record.where}: side: {side} should be source or target")
        texts[side][name] = read_value(record, "text", string, task)
    return texts
