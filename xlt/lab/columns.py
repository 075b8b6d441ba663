"""Columns of the tables that a lab gives: of scores where there are none yet, and of what runs cost."""

from __future__ import annotations

from typing import Any

import pandas as pd

from xlt.data.store import Store
from xlt.spec.recipe import Recipe

# Columns of a table without scores. Code that reads scores then finds its columns and makes empty tables of them.
_EMPTY = [
    *(
        (name, object)
        for name in ("recipe", "intermediate", "target", "task", "language", "split", "metric", "run", "trained_in")
    ),
    *((name, object) for name in ("perturbation", "language_b", "attack")),
    *((name, bool) for name in ("pretrained", "same_task", "trained_last", "main", "source_language")),
    *((name, float) for name in ("seed", "value", "n", "changed", "choices", "layer", "strength", "radius")),
]


def no_scores() -> pd.DataFrame:
    """An empty table of scores."""
    return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in _EMPTY})


def cost(store: Store, recipe: Recipe) -> dict[str, Any]:
    """What the record of a run says of its cost, as columns."""
    record = store.record(recipe)
    columns = {"steps": record.get("steps", 0)}
    columns |= {name: record[name] for name in ("seconds", "parameters", "trainable", "peak_mb")}
    return columns | {"device": record["environment"]["device"], **record["code"]}


def stage(recipe: Recipe) -> dict[str, str]:
    """What the last stage is called, as columns: two labels may share a run, and so its cost, under other names."""
    stage = recipe.last_stage
    if stage is None:
        return {"kind": "start", "task": "", "method": ""}
    return {"kind": stage.role, "task": stage.name, "method": stage.method}
