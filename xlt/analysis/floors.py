"""How far the scores that a contrast weighs lie above those of a guess, cell by cell.

An arm that guesses cannot lose anything, and arms that all guess cannot differ: a drop needs room in every arm, a score
in one of them at least. Gates ask whether a task was learned in the language of its training on records as they are;
an attack, or a language that nothing carries over to, may leave less.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from xlt.analysis.arms import CLEAN_PART
from xlt.core.text import points
from xlt.spec import tasks
from xlt.spec.conditions import CLEAN
from xlt.spec.study import Contrast

ROOM = 0.05  # above a guess


def nothing_to_lose(clean: pd.DataFrame, contrast: Contrast, rows: pd.DataFrame) -> list[str]:
    """Of a drop: the arm of each target whose clean score lies less than ROOM above a guess.

    `clean`, here and below, are the clean scores of the study (`conditions.clean`), and `rows` the scores that the
    contrast weighs (`arms.weighted`): a perturbation may be valid in few of the languages that were asked for.
    """
    if contrast.outcome != "drop" or "guess" not in clean:
        return []
    before = rows[rows["part"] == CLEAN_PART]
    before = before.assign(task=[tasks.get(name).clean or name for name in before["task"]])
    least = _above_a_guess(clean, before).sort_values("room").groupby("task", sort=False).head(1)
    return [
        f"{row.task} after {row.arm} is {points(row.room)} points above a guess on clean text: nothing to lose"
        for row in least[least["room"] < ROOM].itertuples()
    ]


def nothing_to_tell_apart(clean: pd.DataFrame, contrast: Contrast, rows: pd.DataFrame) -> list[str]:
    """Of scores: that all arms are hardly above a guess in all cells of the contrast."""
    told = _floored(clean, contrast, rows)
    return [_said(told)] if told and len(told) == len(rows[["task", "condition"]].drop_duplicates()) else []


def hardly_above(clean: pd.DataFrame, contrast: Contrast, rows: pd.DataFrame) -> str:
    """Of scores: the cells in which no arm lies ROOM above a guess, "hardly above a guess (xquad: 8.6 at most, a guess
    6.3)"; "" of drops, of scores without a guess and where there are none."""
    told = _floored(clean, contrast, rows)
    return _said(told) if told else ""


def _said(told: list[str]) -> str:
    return f"hardly above a guess ({'; '.join(told)})"


def _floored(clean: pd.DataFrame, contrast: Contrast, rows: pd.DataFrame) -> list[str]:
    if contrast.outcome == "drop" or "guess" not in clean or rows.empty:
        return []
    best = _above_a_guess(clean, rows).sort_values("room").groupby(["task", "condition"], sort=False).tail(1)
    return [
        f"{row.task if row.condition == CLEAN else f'{row.task} under {row.condition}'}: {points(row.value)} at most, "
        f"a guess {points(row.guess)}"
        for row in best[best["room"] < ROOM].itertuples()
    ]


def _above_a_guess(clean: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """Columns task, condition, arm, value, guess, room: means over languages and seeds, of a gap on either side."""
    guesses = clean.groupby(["task", "language"])["guess"].mean()
    read = pd.MultiIndex.from_frame(rows[["task", "language"]])
    upper = np.sign(rows["weight"] * rows["side"])
    rows = rows.assign(guess=guesses.reindex(read).to_numpy(), upper=upper)
    means = rows.groupby(["task", "condition", "arm", "upper"], sort=False)[["value", "guess"]].mean().reset_index()
    return means.assign(room=means["value"] - means["guess"])
