"""What must hold before a contrast can mean anything: the treatment happened, and the target can show it.

intermediate  the task of each stage scores above a guess on its development set
target        the target is learned in the language of its training (of one that is tested in others alone: in those)
clean         where a drop is asked: the clean score lies five points above a guess, else there is nothing to lose
changed       a perturbation changes the records

Above means by three standard errors over seeds and records. What a guess scores is kept with each evaluation.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import pandas as pd

from xlt.analysis import inference
from xlt.analysis.arms import Cells
from xlt.analysis.conditions import clean, tested
from xlt.analysis.family import components_of
from xlt.analysis.records import Records
from xlt.core.text import points
from xlt.lab.study import AFTER, Study
from xlt.spec import conditions, tasks, trained
from xlt.spec.study import Contrast

ERRORS = 3  # standard errors
ROOM = 0.05  # above a guess, for something to be lost
CHANGED = 0.01  # the least share of records that a perturbation must change


class Gate(NamedTuple):
    """One check: of an arm, on a task; `score` against `guess`, fractions, with the standard error of their difference.

    `failed` says in words what failed, "" for nothing.
    """

    gate: str
    arm: str
    task: str
    score: float
    guess: float
    error: float
    failed: str


def gates(study: Study, scores: pd.DataFrame, records: Records | None = None) -> list[Gate]:
    """Whether each intermediate task and each target was learned, arm by arm."""
    if scores.empty or "guess" not in scores:
        return []
    return [*_intermediate(study, scores, records), *_targets(study, scores, records)]


def _intermediate(study: Study, scores: pd.DataFrame, records: Records | None) -> list[Gate]:
    dev = conditions.clean(scores[scores["main"].astype(bool) & (scores["split"] == "dev")])
    found = []
    for label, recipe in study.recipes.items():
        stage = recipe.last_stage
        if not label.startswith(AFTER) or stage is None or stage.shuffle_labels:
            continue
        for name in stage.trains:
            rows = dev[(dev["recipe"] == label) & (dev["task"] == name)]
            found += _above(f"{name} is not clearly learned", "intermediate", label.removeprefix(AFTER), rows, records)
    return found


def _targets(study: Study, scores: pd.DataFrame, records: Records | None) -> list[Gate]:
    rows, found = clean(scores), []
    for (arm, task), part in rows[rows["arm"].isin(study.labels)].groupby(["arm", "task"], sort=False):
        source = part[trained.is_source(part)]
        found += _above(f"{task} is not clearly learned", "target", arm, source if len(source) else part, records)
    return found


def _above(what: str, gate: str, arm: str, rows: pd.DataFrame, records: Records | None) -> list[Gate]:
    rows = rows.dropna(subset=["value", "guess"])
    if rows.empty:
        return []
    languages = rows.groupby("seed")["language"].transform("nunique")
    score, guess = (rows.groupby("seed")[name].mean() for name in ("value", "guess"))
    over = rows.assign(weight=1 / languages, value=rows["value"] - rows["guess"])
    parts = components_of(over, records)
    error = _error(parts)
    low = parts.value - ERRORS * (0.0 if np.isnan(error) else error)
    said = f"{what} after {arm} ({points(score.mean())}, a guess {points(guess.mean())})" if low <= 0 else ""
    return [Gate(gate, arm, rows["task"].iloc[0], score.mean(), guess.mean(), error, said)]


def _error(parts: inference.Components) -> float:
    """Over seeds and records; of one seed over records alone."""
    error, _ = inference.standard_error(parts)
    return float(np.sqrt(parts.by_record)) if np.isnan(error) and parts.by_record > 0 else error


def frame(found: Iterable[Gate]) -> pd.DataFrame:
    """The checks as they are: fractions."""
    return pd.DataFrame([one._asdict() for one in found], columns=Gate._fields)


def table(found: Iterable[Gate]) -> pd.DataFrame:
    """The checks to be read: points."""
    columns = ["gate", "arm", "task", "score", "guess", "standard error", "passes"]
    rows = [
        (one.gate, one.arm, one.task, points(one.score), points(one.guess), points(one.error) if one.error == one.error
         else "–", "NO" if one.failed else "yes")
        for one in found
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def before(contrast: Contrast, over: Cells, scores: pd.DataFrame, study: Study, found: Iterable[Gate]) -> str:
    """What failed before a contrast over its cells, "" for nothing; what was planted must be found whatever happens."""
    if contrast.expect:
        return ""
    arms, targets = {*contrast.of, *contrast.against}, {task for task, _ in over}
    stages = {" → ".join(study.plan.arms[arm].stages[:end]) for arm in arms
              for end in range(1, len(study.plan.arms[arm].stages) + 1)}  # fmt: skip
    failed = [
        one.failed
        for one in found
        if one.failed and (one.arm in stages if one.gate == "intermediate" else one.arm in arms and one.task in targets)
    ]
    failed += _nothing_to_lose(contrast, over, scores) + _nothing_changed(contrast, over, scores)
    return "; ".join(dict.fromkeys(failed[:2])) + (f" and {len(failed) - 2} more" if len(failed) > 2 else "")


def _nothing_to_lose(contrast: Contrast, over: Cells, scores: pd.DataFrame) -> list[str]:
    if contrast.outcome != "drop" or "guess" not in scores:
        return []
    arms = {*contrast.of, *contrast.against}
    rows = clean(scores)
    rows = rows[rows["arm"].isin(arms) & trained.in_languages(rows, (*contrast.languages, *contrast.minus))]
    failed = []
    for task in dict.fromkeys(tasks.get(name).clean or name for name, _ in over):
        part = rows[rows["task"] == task]
        if len(part) and (room := (part["value"] - part["guess"]).mean()) < ROOM:
            failed.append(f"{task} is {points(room)} points above a guess on clean text: nothing to lose")
    return failed


def _nothing_changed(contrast: Contrast, over: Cells, scores: pd.DataFrame) -> list[str]:
    rows = tested(scores)
    failed = []
    for task, condition in over:
        part = rows[(rows["task"] == task) & (rows["condition"] == condition)]["changed"].dropna()
        if len(part) and part.mean() < CHANGED:
            failed.append(f"{condition} changes {points(part.mean())} % of the records of {task}")
    return failed
