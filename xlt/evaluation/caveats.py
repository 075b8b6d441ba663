"""What a score is worth less for: records without a text, and queries to which several sentences are equally near.

PAWS-X (Yang et al. 2019) has pairs whose translation is missing: "NS" or nothing stands there, with the label of the
English pair (of the German test set 32 of 2,000). They stay in the score, as in print; it stands beside it without
them. Of ties in retrieval see `xlt.evaluation.metrics.tied`.
"""

from __future__ import annotations

from functools import cache
from statistics import harmonic_mean
from typing import TYPE_CHECKING, Any

import pandas as pd

from xlt.data.store import Store, predictions
from xlt.evaluation import metrics
from xlt.spec import tasks
from xlt.spec.conditions import is_clean
from xlt.spec.recipe import Evaluation, Recipe

if TYPE_CHECKING:
    from xlt.data.sources import Source

_PLACEHOLDERS = {"", "NS"}  # what stands where a text is missing


def placeholders(source: Source, task: str, code: str, split: str, examples: int | None) -> tuple[int, ...]:
    """Numbers of the records of a classification task, from 0, in which a text is missing."""
    return _placeholders(source, task, code, split, examples, source.seen)


@cache  # every row of a table asks for them
def _placeholders(source: Source, task: str, code: str, split: str, examples: int | None, seen: int) -> tuple[int, ...]:
    """With another `seen` the records are read again."""
    declared = tasks.get(task)
    if declared.family != tasks.CLASSIFICATION:
        return ()
    rows = source.load(declared, code, split, examples)
    texts = [rows[name][:] for name in ("text_a", "text_b") if name in rows.column_names]
    return tuple(i for i, pair in enumerate(zip(*texts, strict=True)) if {t.strip() for t in pair} & _PLACEHOLDERS)


def choices(source: Source, task: str, code: str, split: str) -> float | None:
    """How many choices a record has, None in other families; where it varies the harmonic mean: guessing gets 1 / n."""
    return _choices(source, task, code, split, source.seen)


@cache
def _choices(source: Source, task: str, code: str, split: str, seen: int) -> float | None:
    """With another `seen` the records are read again."""
    declared = tasks.get(task)
    if declared.family != tasks.CHOICE:
        return None
    return harmonic_mean([len(several) for several in source.load(declared, code, split)["choices"]])


def beside(
    store: Store, recipe: Recipe, evaluation: Evaluation, values: dict[str, float], metric: str
) -> dict[str, Any]:
    """Columns for one row of scores; None where there is nothing to say.

    placeholders            how many records lack a text
    value_without           the metric without them, a fraction
    tied                    of sentence pairs, the share of queries with several equally near sentences

    `values` are the stored metrics of the evaluation.
    """
    e, columns = evaluation, {"placeholders": None, "value_without": None, "tied": None}
    if tasks.get(e.task).family == tasks.RETRIEVAL:
        columns["tied"] = values.get(metric.replace("accuracy_", "tied_"))
    if is_clean(e):
        missing = placeholders(store.source, e.task, e.language, e.split, e.examples)
        if missing:
            examples = predictions(store.score_file(recipe, e))
            kept = [example for i, example in enumerate(examples) if i not in missing]
            columns |= {"placeholders": len(missing), "value_without": _value(kept, e, metric)}
    return columns


def _value(examples: list[dict[str, Any]], evaluation: Evaluation, metric: str) -> float:
    labels = tasks.get(evaluation.task).labels
    gold, predicted = ([labels.index(example[side]) for example in examples] for side in ("gold", "prediction"))
    return metrics.mean(metrics.SCORERS[metric](gold, predicted, evaluation.language, labels))


def table(scores: pd.DataFrame) -> pd.DataFrame:
    """The tasks and languages of which there is something to say, by their main metric; means over all runs, in points.

    Columns: task, language, records (what is odd), how many, of, score, without (NaN for ties, which stay).
    """
    rows = scores[scores["main"].astype(bool)] if len(scores) else scores
    parts = []
    for column, what in (("placeholders", "no text"), ("tied", "tied")):
        odd = rows[rows[column].fillna(0) > 0] if column in rows else rows[:0]
        for (task, code), part in odd.groupby(["task", "language"], sort=False) if len(odd) else ():
            count = part[column] if column == "placeholders" else part[column] * part["n"]
            about = {"task": task, "language": code, "records": what, "how many": round(count.mean(), 1)}
            without = 100 * part["value_without"].astype(float).mean()
            parts.append(about | {"of": part["n"].iloc[0], "score": 100 * part["value"].mean(), "without": without})
    return pd.DataFrame(parts, columns=["task", "language", "records", "how many", "of", "score", "without"])
