"""Tables and curves of phases 1 and 2: small views of the tidy table of scores."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from xlt.analysis import estimate
from xlt.analysis.degenerate_runs import collapsed, guesses
from xlt.analysis.language_tables import language_order, script
from xlt.core.text import NOT_RUN, counted
from xlt.spec import tasks
from xlt.spec.stage_rules import ENGLISH, dev_language
from xlt.spec.trained import heading, is_source, named, zero_shot

if TYPE_CHECKING:
    from xlt.spec.stage import Stage


def schedule_table(stages: Iterable[Stage], available: Callable[[Stage], int | None] = lambda _: None) -> pd.DataFrame:
    """How each stage is trained, as the profile declares it; stages of which all of this is the same stand once.

    `available` says how many training records a stage may draw from (None: not known), for those that take all of them.

    Columns: stage (its label and what it learns from), languages, records of each language ("all": the whole training
    set; of a slice, such as "3,000 of rows :70%"; of several parts "1,500 + 250"), how long it trains, records of an
    update, learning rate, warm-up (share of the updates), weight decay, longest input in subwords, method, and which
    checkpoint is kept.
    """
    rows = [
        {
            "stage": stage.name, "learns": ", ".join(dict.fromkeys(stage.trains)),
            "languages": _each(str(len(part.languages)) for part in stage.parts),
            "records": _records(stage, available), "length": stage.duration,
            "batch": stage.batch * stage.accumulate, "lr": _rates(stage), "warm-up": stage.warmup,
            "decay": stage.weight_decay, "subwords": stage.max_length, "method": stage.method, "kept": kept(stage),
        }
        for stage in dict.fromkeys(stages)
    ]  # fmt: skip
    if not rows:
        return pd.DataFrame({"stage": ["none in this profile"]})
    return pd.DataFrame(rows).drop_duplicates(ignore_index=True)


def _rates(stage: Stage) -> str:
    return f"{stage.lr:g}" + (f", heads {stage.head_lr:g}" if stage.head_lr else "")


def _records(stage: Stage, available: Callable[[Stage], int | None]) -> str:
    total = None if stage.examples else available(stage)
    own = f"{stage.examples:,}" if stage.examples else f"all {total:,}" if total else "all"
    own += f" of rows {stage.slice}" if stage.slice else ""
    return _each([own, *(f"{part.examples:,}" if part.examples else "all" for part in stage.also)])


def _each(values: Iterable[str]) -> str:
    """One value for each part of a stage, "1,500 + 250"; one for all where they agree."""
    values = list(values)
    return " + ".join(values) if len(set(values)) > 1 else values[0]


def kept(stage: Stage) -> str:
    """Which checkpoint of a stage goes on, in words."""
    if stage.select == "last":
        return "the last checkpoint"
    often = (
        f"a check every {counted(stage.check_every, 'update')}"
        if stage.check_every
        else f"of {counted(stage.checks, 'checkpoint')}"
    )
    examples = f"first {counted(stage.select_examples, 'record')}" if stage.select_examples else "all records"
    where = f"{named(stage.watched)} dev" if stage.select == "dev" else f"dev in {' '.join(stage.watched)} (an oracle)"
    ends = f"; ends after {counted(stage.patience, 'check')} without gain" if stage.patience else ""
    return f"the best on {where}, {examples}, {often}{ends}"


def retrieval_table(scores: pd.DataFrame) -> pd.DataFrame:
    """Languages x (encoder, direction): accuracy of sentence retrieval; last row the mean over languages."""
    rows = _retrieval(scores)
    if rows.empty:
        return pd.DataFrame({"language": [NOT_RUN]})
    wide = rows.pivot_table(index="language", columns=["recipe", "metric"], values="value", sort=False)
    wide = wide.loc[language_order(rows)]
    wide.insert(0, "script", [script(code) for code in wide.index])
    wide.loc["mean"] = ["–", *wide.iloc[:, 1:].mean()]
    return wide.round(3)


def _retrieval(scores: pd.DataFrame) -> pd.DataFrame:
    return scores[np.array([tasks.get(task).family == tasks.RETRIEVAL for task in scores["task"]], dtype=bool)]


def control_table(scores: pd.DataFrame) -> pd.DataFrame:
    """Scores without pretraining: in the language of training, mean of the others with its interval over seeds."""
    rows = scores[scores["main"] & ~scores["pretrained"] & ~scores.index.isin(_retrieval(scores).index)]
    if rows.empty:
        return pd.DataFrame({"control": ["none has run; a profile that starts from finished weights has none"]})
    return pd.DataFrame([_with_interval(task, part, heading(rows)) for task, part in rows.groupby("task", sort=False)])


def _with_interval(task: str, rows: pd.DataFrame, name: str) -> dict:
    source = rows[is_source(rows)]["value"].mean()
    mean, low, high = estimate.over_seeds(zero_shot(rows))
    return {
        "task": task,
        "metric": rows["metric"].iloc[0],
        name: source,
        "other languages": mean,
        "low": low,
        "high": high,
    }


def learned_table(scores: pd.DataFrame) -> pd.DataFrame:
    """Development score of each task of each intermediate stage: mean over seeds, t interval, what a guess scores
    (chance); in a language that the stage learns it in, which has a column where it is not English for all.

    `collapsed` is how many of the seeds are no better than a guess (`degenerate_runs`); "–" where that is not known.
    """
    rows = []
    keys = ["intermediate", "task", "metric"]
    lost = scores.assign(lost=collapsed(scores))
    for (stage, task, metric), part in lost[lost["main"]].groupby(keys, sort=False):
        code = dev_language(sorted(set(part.loc[is_source(part), "language"])) or sorted(set(part["language"])))
        part = part[part["language"] == code]
        mean, low, high = estimate.over_seeds(part)
        about = {"intermediate": stage, "task": task, "language": code, "metric": metric, "seeds": len(part)}
        about |= {"mean": mean, "low": low, "high": high, "records": part["n"].iloc[0]}
        guess = guesses(part, task).mean()
        known = {} if np.isnan(guess) else {"chance": round(guess, 3), "collapsed": part["lost"].sum()}
        rows.append(about | {"chance": "–", "collapsed": "–"} | known)
    made = pd.DataFrame(rows).round(4) if rows else pd.DataFrame({"intermediate": [NOT_RUN]})
    return made.drop(columns="language") if {row["language"] for row in rows} == {ENGLISH} else made
