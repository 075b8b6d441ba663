"""Scores averaged as XTREME averages them, beside what others printed for the same encoder.

The transfer matrix asks what crosses languages, so it leaves English out and has one metric for each task. XTREME
(Hu et al. 2020, evaluate.py) takes the mean over all of a task's languages, English included; of questions the mean
of F1 and exact match; overall the mean over tasks. Only numbers averaged like that can be held against published ones.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from xlt.analysis import stats
from xlt.analysis.estimate import DIRECT, figures, seed_means
from xlt.analysis.tables import marked
from xlt.core.text import NOT_RUN, plus_minus
from xlt.data import exposure
from xlt.spec import tasks, trained

METRICS = {  # XTREME's tasks in its order, with its metrics
    "xnli": ("accuracy",),
    "pawsx": ("accuracy",),
    "udpos": ("chunk_f1",),
    "panx": ("entity_f1",),
    "xquad": ("f1", "exact_match"),
    "mlqa": ("mlqa_f1", "mlqa_exact_match"),
    "tydiqa": ("f1", "exact_match"),
    "bucc": ("bucc_f1_dropped",),
    "tatoeba": ("accuracy_en_to_xx",),
}
BOTH = "mean of both"
COLUMNS = ["task", "metric", "languages", "intermediate", "mean", "low", "high", "n_seeds", "seeds"]
MARKS = ["same_task", "trained", "met"]
OVERALL = {"the 7 trained tasks": tuple(METRICS)[:7], "all 9 tasks": tuple(METRICS)}
CAPTION = (
    "Points as XTREME averages them: mean over the task's languages in XTREME, English included, within a seed, then "
    "over seeds, ± 95 % t interval; how many of these languages were evaluated stands under languages, of a mean over "
    "tasks all of theirs together. Of questions the mean of F1 and exact match is the task's score. A mean over tasks "
    f"stands where each of them has run; the trained ones are {', '.join(OVERALL['the 7 trained tasks'])}, the others "
    "bucc and tatoeba. Printed numbers were read in the source named (verified). † The intermediate task is the "
    f"target's own training task. ‡ A stage learned a task in some of the other languages. {exposure.LEGEND}"
)


def table(scores: pd.DataFrame, intermediates: Sequence[str] = (), met: Collection[str] = ()) -> pd.DataFrame:
    """One row for each XTREME task, metric and intermediate task, and for each mean over tasks, in fractions.

    Columns: task (of a mean over tasks its name in OVERALL), metric (of questions also BOTH), languages (how many of
    XTREME's were evaluated), intermediate; mean, low, high over the n_seeds of the task's `seeds` that are whole;
    same_task; trained (a stage learned a task in other languages than the target's); met (one of the targets `met`,
    from whose data the encoder has learned before any stage). A mean over tasks has no interval, as seeds of different
    tasks do not belong together. `intermediates` names what was planned.
    """
    listed = {(name, code) for name in METRICS for code in tasks.get(name).languages}
    pairs = zip(scores["task"], scores["language"], strict=True)
    rows = scores[np.array([pair in listed for pair in pairs], dtype=bool)]
    names = list(dict.fromkeys([DIRECT, *intermediates, *scores["intermediate"]]))
    here = [name for name in METRICS if name in set(rows["task"])]
    cells = [cell for task in here for cell in _task(rows[rows["task"] == task], task, names)]
    for name in names:
        values = {(c["task"], c["metric"]): c["mean"] for c in cells if c["intermediate"] == name}
        about = {"metric": "mean", "intermediate": name, **dict.fromkeys(MARKS, False)}
        cells += [
            about | {"task": over, "languages": _evaluated(rows, OVERALL[over]), "mean": mean}
            for over, mean in _overall(values).items()
        ]
    averages = pd.DataFrame(cells, columns=[*COLUMNS, *MARKS])
    return averages.assign(met=averages["task"].isin(list(met)))


def _evaluated(rows: pd.DataFrame, names: Collection[str]) -> str:
    """How many of the tasks' languages were evaluated, each counted once for each of the tasks: "14 of 122"."""
    own = rows.loc[rows["task"].isin(names), ["task", "language"]].drop_duplicates()
    return f"{len(own)} of {sum(len(tasks.get(name).languages) for name in names)}"


def _overall(values: dict[tuple[str, str], float]) -> dict[str, float]:
    """The means over tasks from the scores by task and metric; only of those that have every task."""
    own = {task: values[task, _score(task)] for task in METRICS if (task, _score(task)) in values}
    return {
        over: float(np.mean([own[t] for t in those])) for over, those in OVERALL.items() if own.keys() >= set(those)
    }


def _score(task: str) -> str:
    """The metric that is the task's score."""
    return BOTH if len(METRICS[task]) > 1 else METRICS[task][0]


def _task(rows: pd.DataFrame, task: str, names: Sequence[str]) -> list[dict]:
    """The cells of one task: each of its metrics, and of two their mean."""
    about = {"task": task, "languages": _evaluated(rows, [task])}
    metrics = dict.fromkeys((*METRICS[task], _score(task)))
    same = set(rows.loc[rows["same_task"], "intermediate"])
    others = trained.zero_shot(rows) if "trained_in" in rows else rows[:0].assign(trained_in="")
    seen = set(others.loc[others["trained_in"] != "", "intermediate"])
    cells = []
    for metric in metrics:
        # a seed counts that has every language of the task in every metric that the score takes
        taken = rows[rows["metric"].isin(METRICS[task] if metric == BOTH else (metric,))]
        means = seed_means(taken, by=["intermediate"], over=["language", "metric"], within=["task"])
        for name in names:
            seeds = figures(means[means["intermediate"] == name])
            cell = about | {"metric": metric, "intermediate": name, "same_task": name in same, "trained": name in seen}
            cell |= dict(zip(("mean", "low", "high"), stats.mean_interval(seeds), strict=True))
            cells.append(cell | {"n_seeds": len(seeds), "seeds": rows["seed"].nunique()})
    return cells


def shown(averages: pd.DataFrame, encoder: str | None) -> pd.DataFrame:
    """The table to read, in points: tasks by intermediate tasks, then a column for each system and source that printed
    numbers of this `encoder`, "" where it has none."""
    keys = ["task", "metric", "languages"]
    text = averages.assign(text=[_text(row) for row in averages.itertuples()])
    wide = text.groupby([*keys, "intermediate"], sort=False)["text"].first().unstack("intermediate", sort=False)
    printed = published(list(METRICS))
    printed = printed[printed["encoder"] == encoder]
    for (system, source, status), rows in printed.groupby(["system", "source", "status"], sort=False):
        values = _printed({(row.task, row.metric): row.points for row in rows.itertuples()})
        wide[f"{system}: {source} ({status})"] = [_value(values, at[:2]) for at in wide.index]
    return wide.rename_axis(columns=None)


def published(targets: Sequence[str]) -> pd.DataFrame:
    """What others printed for these targets, in points, averaged as XTREME does, each with its
    source and the encoder it is of; only what was read in that source."""
    table = pd.read_csv(Path(__file__).with_name("published.csv"))
    return table[table["task"].isin(targets)].reset_index(drop=True)


def _value(values: dict[tuple[str, str], float], at: tuple[str, str]) -> str:
    return f"{values[at]:.1f}" if at in values else ""


def _printed(values: dict[tuple[str, str], float]) -> dict[tuple[str, str], float]:
    """Printed values with the means that follow from them."""
    both = {t: [values[t, m] for m in METRICS[t]] for t in METRICS if all((t, m) in values for m in METRICS[t])}
    values = values | {(task, _score(task)): float(np.mean(parts)) for task, parts in both.items()}
    return values | {(over, "mean"): mean for over, mean in _overall(values).items()}


def _text(row: tuple) -> str:
    if np.isnan(row.mean):
        return NOT_RUN
    part = f" ({row.n_seeds:.0f} of {row.seeds:.0f} seeds)" if row.n_seeds < row.seeds else ""
    return f"{plus_minus(row.mean, row.high)}{marked(row)}{part}"
