"""Runs that have learned nothing, found in a table of scores.

XLM-R fails so on some seeds (github.com/google-research/xtreme/issues/87: XNLI near 40 %, PAWS-X in the mid fifties).
A run has collapsed on its task when its score in the language of its training is not above that of a guess by three
standard errors of the test set: on 60 records of three labels 18 points, on 5,010 two. What a guess scores is kept with
each evaluation, for tags and spans too (`xlt.evaluation.guess`). A run that chooses among labels or choices has also
collapsed when it scores the same in every language and no more than a guess: it then gives one answer to all, which on
parallel test sets is right equally often. Without a score in the language of training (XCOPA has none in English) only
that can be seen: English may be learned and not transfer. What an earlier stage learned and a later one forgot is no
collapse; nor is a test set that misleads on purpose, where a score on another one of the same training task shows it
was learned.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from xlt.spec import tasks, trained
from xlt.spec.conditions import clean

ERRORS = 3  # standard errors above a guess from which something counts as learned, here and in `gates`
ALIKE = 0.002  # scores that lie nearer count as the same

RUN = ["recipe", "seed", "task"]  # what one run is, in a table of scores
_RUN_TOLD = ["recipe", "task", "seed"]


def chance(scores: pd.DataFrame, task: str) -> float | None:
    """What guessing scores: one over labels, choices or candidates, mean over rows; None where it is not that simple.

    Needs the columns task and n or, for tasks with choices, choices; older score files lack that: None.
    """
    declared = tasks.get(task)
    if declared.family == tasks.CLASSIFICATION:
        return 1 / len(declared.labels)
    column = {tasks.CHOICE: "choices", tasks.RETRIEVAL: "n"}.get(declared.family)
    if column not in scores:
        return None
    return float((1 / scores[scores["task"] == task][column]).mean())


def guesses(rows: pd.DataFrame, task: str) -> pd.Series:
    """What a guess scores on the test set of each row of one task, a fraction; nan where that is not known.

    It is kept with each evaluation. Of older score files it is `chance`, which takes all labels for equally frequent.
    """
    kept = rows["guess"].astype(float) if "guess" in rows else pd.Series(np.nan, index=rows.index)
    return kept.fillna(np.nan if (even := chance(rows, task)) is None else even)


def binomial_error(share: pd.Series, n: pd.Series) -> pd.Series:
    """The standard error of a share of n records that are right or wrong, 0 where it is not known how many there are;
    that of F1, whose records lie between 0 and 1, is at most as large."""
    return np.sqrt(share * (1 - share) / n.where(n > 0, np.inf))


def collapsed(scores: pd.DataFrame) -> pd.Series:
    """For each row of `scores`, whether its run has collapsed on its task; False where no guess is known.

    Needs the columns recipe, seed, task, language, value and main, and where it is known what a guess scores, guess and
    n, the number of records. Where it has the column trained_last, rows of tasks that an earlier stage trained are
    never meant.
    """
    rows = clean(scores[scores["main"].astype(bool)])
    rows = rows[rows["trained_last"].astype(bool)] if "trained_last" in rows else rows
    parts = dict(iter(rows.groupby(RUN, sort=False)))
    lost = [run for run, part in parts.items() if _has_collapsed(part, run[-1])]
    seen = {_training(run) for run, part in parts.items() if run not in lost and trained.is_source(part).any()}
    found = {run for run in lost if _training(run) not in seen}
    return pd.Series(
        [run in found for run in zip(*(scores[c] for c in RUN), strict=True)], index=scores.index, dtype=bool
    )


def _training(run: tuple) -> tuple:
    """A run with the task that it was trained on instead of the one that it was tested on."""
    recipe, seed, task = run
    return recipe, seed, tasks.get(task).training.name if task in tasks.TASKS else task


def _has_collapsed(rows: pd.DataFrame, task: str) -> bool:
    if task not in tasks.TASKS or tasks.get(task).headless:
        return False
    chooses = tasks.get(task).family in (tasks.CLASSIFICATION, tasks.CHOICE)
    if chooses and len(rows) > 2 and np.ptp(rows["value"]) < ALIKE and rows["value"].max() <= _one_answer(rows, task):
        return True  # above a guess it cannot be one answer to all: it is right everywhere, or equally often by chance
    rows = rows[trained.is_source(rows)]
    guess = guesses(rows, task)
    n = rows["n"] if "n" in rows else pd.Series(0, index=rows.index)  # files of others may not say how many records
    error = binomial_error(guess, n)
    return bool((rows["value"] <= guess + ERRORS * error).any())


def _one_answer(rows: pd.DataFrame, task: str) -> float:
    """The most that one answer to all can score: a guess. Of older score files, where one label may be more frequent
    than others, halfway from `chance` to all right; nan where neither is known."""
    known = guesses(rows, task).max()
    return known + ALIKE if "guess" in rows and rows["guess"].notna().any() else (1 + known) / 2


def table(scores: pd.DataFrame, name: str = "") -> pd.DataFrame:
    """The runs that have collapsed, one row each: recipe, task, seed, score in the language of its training, which is
    the name of the column (a fraction, a mean over several; nan: none)."""
    rows = clean(scores[scores["main"].astype(bool) & collapsed(scores)])
    runs, learned = rows[_RUN_TOLD].drop_duplicates(), rows[trained.is_source(rows)]
    means = learned.groupby(_RUN_TOLD, sort=False)["value"].mean().reset_index()
    return runs.merge(means, how="left").rename(columns={"value": name or trained.heading(scores)})
