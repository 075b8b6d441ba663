"""One task in each of its languages, from the tidy table of scores; in which order languages stand."""

from __future__ import annotations

import numpy as np
import pandas as pd

from xlt.analysis.tables import main_scores
from xlt.core.errors import unknown
from xlt.core.text import NOT_RUN, points
from xlt.spec import trained
from xlt.spec.languages import language

_SCRIPTS = {"Latn": "Latin", "Cyrl": "Cyrillic", "Grek": "Greek", "Arab": "Arabic", "Deva": "Devanagari", "Hans": "Han"}


def per_language(scores: pd.DataFrame, task: str) -> pd.DataFrame:
    """Languages x (intermediate; mean or sd over seeds), fractions; that of training first, then by script and mean."""
    rows = of_task(scores, task)
    groups = rows.groupby(["language", "intermediate"])["value"]
    wide = pd.DataFrame({"mean": groups.mean(), "sd": groups.std(ddof=1)}).unstack("intermediate").swaplevel(axis=1)
    columns = [(name, part) for name in dict.fromkeys(rows["intermediate"]) for part in ("mean", "sd")]
    return wide.loc[language_order(rows), columns]


def language_cells(table: pd.DataFrame) -> pd.DataFrame:
    """A table of `per_language` as text in points: "71.3 (1.2)" is mean (seed SD)."""
    names = list(table.columns.get_level_values(0).unique())
    return pd.DataFrame(
        {name: [_mean_sd(*pair) for pair in table[name].to_numpy()] for name in names}, index=table.index
    )


def _mean_sd(mean: float, sd: float) -> str:
    return NOT_RUN if np.isnan(mean) else points(mean) if np.isnan(sd) else f"{points(mean)} ({points(sd)})"


def of_task(scores: pd.DataFrame, task: str) -> pd.DataFrame:
    """The rows of one task's main metric."""
    if task not in set(scores["task"]):
        raise unknown("task", task, scores["task"].unique(), "scores")
    return main_scores(scores[scores["task"] == task])


def language_order(rows: pd.DataFrame) -> list[str]:
    """The language of training, then Latin script, then the other scripts by name; best mean first within each."""
    means = rows.groupby("language")["value"].mean()
    first = trained.codes(rows)
    return sorted(means.index, key=lambda c: (c not in first, script(c) != "Latin", script(c), -means[c]))


def script(code: str) -> str:
    """Readable name of the language's script."""
    name = language(code).script
    return _SCRIPTS.get(name, name)
