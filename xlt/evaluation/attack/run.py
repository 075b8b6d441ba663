"""An attack on a whole test set: many searches at a time, chunk by chunk, checked again at the end, and measured.

Robust scores are over all examples, those that were wrong before the attack counted as they are; success is over the
originally right answers alone (for tagging: over the tokens of right answers). Beside each stands the random control:
as many words changed as the attack changed, at random places into random options of the same lists, with no search.

Rows of an attacked evaluation beside the task's own metrics: clean_METRIC and random_METRIC; attack_success and
random_success; relative_drop, of the main metric; queries_mean and queries_max; share_changed, of the words, where the
attack succeeded; attackable, the share of right answers in whose texts anything could change, without which a low
success says little.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from xlt.core import progress
from xlt.core.files import write_atomically
from xlt.evaluation import predict
from xlt.evaluation.attack import candidates, masked
from xlt.evaluation.attack.queries import Query
from xlt.evaluation.attack.search import GreedySearch, QueryResult, SearchResult, control
from xlt.evaluation.attack.texts import Columns, Texts, changed, edited, rebuilt, texts_of
from xlt.evaluation.attack.victim import Victim
from xlt.models.features import encode
from xlt.models.inference import Predictor
from xlt.perturb import attacks
from xlt.spec import tasks
from xlt.spec.recipe import Evaluation, Recipe

if TYPE_CHECKING:
    from xlt.data.store import Store

CHUNK = 256  # examples whose searches advance together; after each chunk what is done is written
Ask = Callable[[Sequence[Query]], list[QueryResult]]


def attacked(
    store: Store, recipe: Recipe, evaluation: Evaluation, rows: Columns, predictor: Predictor
) -> tuple[dict[str, float], list[dict[str, Any]]]:
    """Scores on the texts found, with clean_ and random_ beside them, the measures, and a record for each example.

    An interrupted attack goes on after its last finished chunk, from a file beside its scores.

    Raises:
        UserError: the attack does not exist, or not for this family, language or encoder.
    """
    attack, task = evaluation.attack, tasks.get(evaluation.task)
    attacks.check(attack, task.family, evaluation.language)
    victim = Victim(rows, task, evaluation, predictor)
    expected = None
    if attack.name == "masked":
        limits = evaluation.language, attack.candidates, evaluation.max_length, predictor.batch
        expected = masked.Expected(store, recipe, *limits)
    partial = store.score_file(recipe, evaluation).with_suffix(".partial.jsonl")
    done = [json.loads(line) for line in partial.read_text("utf-8").splitlines()] if partial.is_file() else []
    total = len(next(iter(rows.values())))
    for first in range(len(done), total, CHUNK):
        done += _chunk(victim, range(first, min(first + CHUNK, total)), expected)
        partial.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(partial, "".join(json.dumps(outcome) + "\n" for outcome in done).encode())
        progress.report(len(done), total, None, f"{attack.name} attack on {task.name} {evaluation.language}, examples")
    labels = store.source.labels(task)
    return _measured(victim, done, labels)


def _chunk(victim: Victim, numbers: range, expected: masked.Expected | None) -> Iterator[dict[str, Any]]:
    """For each of these examples the texts of the attack, those of the control, and the cost of the search."""
    attack, family, language = victim.evaluation.attack, victim.task.family, victim.evaluation.language
    clean = {row: texts_of(victim.rows, family, row) for row in numbers}
    if expected:
        expected.read(text for texts in clean.values() for text in candidates.contexts(texts, family))
    options = expected.options if expected else None
    searches = {}
    for row, texts in clean.items():
        places = candidates.places(victim.rows, row, family, attack, language, options)
        words = candidates.count_words(texts, family, language)
        gone = victim.predictor.tokenizer.unk_token if family == tasks.TAGGING else ""
        most = max(1, int(round(attack.edit_rate * words, 9)))  # 0.7 * 90 is 62.99999999999999
        searches[row] = GreedySearch(texts, places, most, attack, gone), words
    results = drive({row: search for row, (search, _) in searches.items()}, victim.ask)
    victim.forget()
    for row, (search, words) in searches.items():
        edits, queries = results[row]
        drawn = control(search.places, len(edits), f"{attack.seed} {row}")
        yield {
            "texts": edited(search.texts, search.places, edits),
            "random": edited(search.texts, search.places, drawn),
            "queries": queries, "changed": len(edits), "words": words,
            "places": len(search.places),
        }  # fmt: skip


def drive(searches: dict[int, GreedySearch], ask: Ask) -> dict[int, SearchResult]:
    """Advance all searches in step, their texts in the same passes; the result of each, by row.

    `ask` gives the results of queries, in their order.
    """
    at_work = {row: search.run() for row, search in searches.items()}
    waiting = {row: next(work) for row, work in at_work.items()}
    results: dict[int, SearchResult] = {}
    while waiting:
        queries = [(row, texts) for row, batch in waiting.items() for texts in batch]
        answered = dict(zip(queries, ask(queries), strict=True))
        for row, batch in list(waiting.items()):
            del waiting[row]
            try:
                waiting[row] = at_work[row].send([answered[row, texts] for texts in batch])
            except StopIteration as end:
                results[row] = end.value
    return results


# measured -------------------------------------------------------------------------------------


def _measured(
    victim: Victim, done: list[dict[str, Any]], labels: tuple[str, ...]
) -> tuple[dict[str, float], list[dict[str, Any]]]:
    """Three fresh readings, of the clean texts, those found and those of the control, by the evaluation's own code."""
    task, family, total = victim.task, victim.task.family, range(len(done))
    readings = {
        "clean_": [texts_of(victim.rows, family, row) for row in total],
        "": [tuple(outcome["texts"]) for outcome in done],
        "random_": [tuple(outcome["random"]) for outcome in done],
    }
    values, examples, right = {}, {}, {}
    for prefix, texts in readings.items():
        scored, examples[prefix], right[prefix] = _read(victim, texts, labels)
        values |= {prefix + name: value for name, value in scored.items()}
    main = task.metrics[0]
    clean = [np.array(parts) for parts in right["clean_"]]
    tried = [row for row in total if clean[row].any()]
    lost = {prefix: [(clean[row] & ~np.array(right[prefix][row])).sum() for row in total] for prefix in ("", "random_")}
    parts = sum(int(right_parts.sum()) for right_parts in clean)
    changes = victim.evaluation.attack.name != "distractor"  # which adds a sentence
    won = [row for row in tried if lost[""][row] and changes]
    values = {name: values[name] for name in sorted(values, key=lambda name: name.startswith(("clean_", "random_")))}
    values |= {
        "attack_success": float(sum(lost[""]) / parts) if parts else float("nan"),
        "random_success": float(sum(lost["random_"]) / parts) if parts else float("nan"),
        "relative_drop": 1 - values[main] / values["clean_" + main] if values["clean_" + main] else float("nan"),
        "queries_mean": _mean([done[row]["queries"] for row in tried]),
        "queries_max": max((done[row]["queries"] for row in tried), default=float("nan")),
        "share_changed": _mean([done[row]["changed"] / max(1, done[row]["words"]) for row in won]),
        "attackable": _mean([done[row]["places"] > 0 for row in tried]),
    }
    return values, [_record(victim, row, done[row], examples, right) for row in total]


def _mean(values: list[float]) -> float:
    return float(np.mean(values)) if values else float("nan")


def _read(victim: Victim, texts: list[Texts], labels: tuple[str, ...]) -> tuple[dict[str, float], list[dict], list]:
    task, evaluation = victim.task, victim.evaluation
    rows = rebuilt(victim.rows, task.family, list(enumerate(texts)))
    features = encode(task.family, rows, victim.predictor.tokenizer, evaluation.max_length, evaluation.stride)
    gold, predicted = predict.FAMILIES[task.family](rows, features, victim.predictor, task)
    scores, examples = predict.scored(gold, predicted, rows, task, labels, evaluation.language)
    return scores, examples, victim.right(gold, predicted)


def _record(
    victim: Victim, row: int, outcome: dict[str, Any], examples: dict[str, list], right: dict[str, list]
) -> dict[str, Any]:
    """The example after the attack, what it was before, the texts, and whether an answer was lost with them."""
    terms = [name for name in examples[""][row] if name in victim.task.metrics]
    before = {f"{prefix}{name}": examples[prefix][row][name] for prefix in ("clean_", "random_")
              for name in ("prediction", *terms)}  # fmt: skip
    success = any(a and not b for a, b in zip(right["clean_"][row], right[""][row], strict=True))
    return {
        **examples[""][row], **before, "success": success,
        "changed_words": outcome["changed"], "words": outcome["words"], "queries": outcome["queries"],
        "attacked": changed(victim.task.family, tuple(outcome["texts"])),
    }  # fmt: skip
