"""Rows of a study's scores by condition: those on test records, the clean ones, and what a condition costs."""

from __future__ import annotations

import pandas as pd

from xlt.spec import conditions, tasks
from xlt.spec.conditions import PAIR


def tested(scores: pd.DataFrame) -> pd.DataFrame:
    """The main scores on test sets, without the pairs in two languages and where a perturbation changed no record."""
    rows = scores[scores["main"].astype(bool) & (scores["split"] == "test") & (scores["condition"] != PAIR)]
    return rows[rows["changed"] != 0]


def clean(scores: pd.DataFrame) -> pd.DataFrame:
    """The rows of `tested` on records as they are."""
    return conditions.clean(tested(scores))


def drops(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of `tested` with the columns `clean`, the clean score that they are held against, and `drop`, how far below
    it they lie; `clean_outcome`, the outcomes behind the clean score, where the rows have the column outcome.

    The clean score is that of the same arm, seed and language, on as many records; for a target that people perturbed
    (`Task.clean`), that of its clean twin. Rows without a clean score are left out.
    """
    keys = ["arm", "seed", "language", "n"]
    kept = {"value": "clean", "outcome": "clean_outcome"}
    before = conditions.clean(rows).set_index([*keys, "task"]).filter(items=list(kept)).rename(columns=kept)
    twin = rows["task"].map(lambda name: tasks.get(name).clean or name).astype(rows["task"].dtype)
    pairs = rows.assign(twin=twin).join(before.rename_axis([*keys, "twin"]), on=[*keys, "twin"])
    pairs = pairs.dropna(subset=["clean", "value"]).drop(columns="twin")
    return pairs.assign(drop=pairs["clean"] - pairs["value"])
