"""Runs that have learned nothing, found in a table of scores.

XLM-R fails so on some seeds (github.com/google-research/xtreme/issues/87: XNLI near 40 %, PAWS-X in the mid fifties).
A classifier has collapsed when its English score is within two points of one over the labels, or when it scores the
same in every language: it then gives one answer to all, which on parallel test sets is right equally often.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from xlt import stats, tasks

_RUN = ["recipe", "seed", "task"]
_CONDITIONS = {"perturbation": "none", "language_b": "none", "attack": "none", "radius": 0.0}


def clean(scores: pd.DataFrame) -> pd.DataFrame:
    """The rows on texts as they are: no perturbation, attack, ball, or second language."""
    kept = [scores[column] == usual for column, usual in _CONDITIONS.items() if column in scores]
    return scores[np.logical_and.reduce(kept)] if kept else scores


def collapsed(scores: pd.DataFrame) -> pd.Series:
    """For each row of `scores`, whether its run has collapsed on its task; False for tasks without labels to guess.

    Needs the columns recipe, seed, task, language, value and main.
    """
    rows = clean(scores[scores["main"].astype(bool)])
    found = {run for run, part in rows.groupby(_RUN, sort=False) if _has_collapsed(part, run[-1])}
    return pd.Series(
        [run in found for run in zip(*(scores[c] for c in _RUN), strict=True)], index=scores.index, dtype=bool
    )


def _has_collapsed(rows: pd.DataFrame, task: str) -> bool:
    declared = tasks.TASKS.get(task)
    if declared is None or declared.family != tasks.CLASSIFICATION:
        return False
    values = rows["value"]
    english = values[rows["language"] == "en"]
    same = len(values) > 2 and np.ptp(values) < 0.002
    return bool(same or stats.collapsed(english, 1 / len(declared.labels)).any())


def table(scores: pd.DataFrame) -> pd.DataFrame:
    """The runs that have collapsed, one row each: recipe, task, seed, English score (a fraction)."""
    rows = clean(scores[scores["main"].astype(bool) & collapsed(scores)])
    english = rows[rows["language"] == "en"][["recipe", "task", "seed", "value"]]
    return english.rename(columns={"value": "English"}).reset_index(drop=True)
