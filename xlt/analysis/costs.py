"""What runs cost."""

from __future__ import annotations

import pandas as pd

from xlt.analysis.tables import listed
from xlt.core.text import NOT_RUN


def cost_table(runs: pd.DataFrame) -> pd.DataFrame:
    """Cost per recipe over all its seeds and stages; the last row counts a shared run once.

    `runs` has one row per recipe and run: run, recipe, seed, kind, seconds, evaluating, steps, parameters,
    trainable, peak_mb, device. Hours are those of training and of evaluating; the peak is the most
    memory in use while training. Recipes with a common beginning share its run, so the rows add up to more than the
    total. Without any run the table says so.
    """
    if runs.empty:
        return pd.DataFrame({"recipe": [NOT_RUN]})

    def cost(rows: pd.DataFrame) -> dict:
        rows = rows.drop_duplicates("run")
        hours = (rows["seconds"] + rows["evaluating"]).sum() / 3600
        sums = {"runs": len(rows), "hours": hours, "steps": rows["steps"].sum()}
        peaks = {name: rows[name].max() for name in ("parameters", "trainable", "peak_mb")}
        return {**sums, **peaks, "device": listed(rows["device"].dropna())}

    table = {name: cost(rows) for name, rows in runs.groupby("recipe", sort=False)}
    return pd.DataFrame(table | {"all, each run once": cost(runs)}).T.rename_axis("recipe").infer_objects()
