"""Every layer and pooling of an encoder as one table, and the rules that choose among them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import pandas as pd

from xlt import tasks
from xlt.errors import UserError, unknown
from xlt.recipe import Recipe
from xlt.retrieval.cells import Cell, default_layer

if TYPE_CHECKING:
    from xlt.lab import Lab


def sweep(
    lab: Lab,
    recipes: Mapping[str, Recipe],
    task: str = "tatoeba",
    languages: Iterable[str] | None = None,
    seeds: int | None = None,
) -> dict[str, pd.DataFrame]:
    """For each recipe its accuracy in every cell: columns seed, language, direction, layer, pooling, centred, accuracy.

    One pass of the encoder for each side of each language; stored like any evaluation.

    Raises:
        UserError: a task of another family than sentence pairs; bad input, as of any run.
    """
    if tasks.get(task).family != tasks.RETRIEVAL:
        raise UserError(f"a sweep is over sentence pairs (family {tasks.RETRIEVAL}), which {task} has not")
    chosen = [e.model_copy(update={"sweep": True}) for e in lab.evaluations(task, languages=languages)]
    lab.run(recipes, chosen, seeds)
    rows: dict[str, list[dict]] = {label: [] for label in recipes}
    for label, seed, seeded, evaluations in lab._wanted(recipes, chosen, seeds):
        for evaluation in evaluations:
            if result := lab.store.result(seeded, evaluation):
                found = _rows(result["metrics"])
                rows[label] += [{"seed": seed, "language": evaluation.language, **row} for row in found]
    return {label: _table(found) for label, found in rows.items()}


def _table(rows: list[dict]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["seed", "language", "direction", *Cell._fields, "accuracy"])
    return table.astype({"layer": int, "centred": bool, "accuracy": float})


def _rows(metrics: dict[str, float]) -> list[dict]:
    """The cells among the metrics of a sweep: "accuracy_en_to_xx@14/mean/centred"."""
    parts = [(name.partition("@"), value) for name, value in metrics.items() if "@" in name]
    return [
        {"direction": name.removeprefix("accuracy_"), **Cell.parse(cell)._asdict(), "accuracy": value}
        for (name, _, cell), value in parts
    ]


RULES = ("fixed", "held out")


def choose(
    table: pd.DataFrame,
    rule: str = "fixed",
    layer: int | None = None,
    pooling: str = "mean",
    centred: bool = False,
    direction: str = "en_to_xx",
) -> pd.DataFrame:
    """The rows of a sweep that a declared rule reports: for each seed and language, one layer.

    "fixed" takes `layer`, which a profile declares, or else XTREME's (14 of 24, 8 of 12, else in proportion).
    "held out" takes for each language the layer that is best on the mean of all *other* languages, so no language has a
    say in its own score; of equals the lower. The best layer of each language itself would be an oracle, and is no
    rule here. Of a sweep that was not run there is nothing to choose.

    Raises:
        UserError: an unknown rule; or a single language under "held out".
    """
    if rule not in RULES:
        raise unknown("rule", rule, RULES)
    if table.empty:
        return table
    kept = table[(table["pooling"] == pooling) & (table["centred"] == centred) & (table["direction"] == direction)]
    if rule == "fixed":
        fixed = default_layer(int(table["layer"].max())) if layer is None else layer
        return kept[kept["layer"] == fixed].reset_index(drop=True)
    if kept["language"].nunique() < 2:
        raise UserError("a layer is chosen on other languages: give the sweep two or more")
    wide = kept.pivot_table(index=["seed", "layer"], columns="language", values="accuracy")
    others = wide.rsub(wide.sum(axis=1), axis=0).round(9)  # (seed, layer) x language: the sum over all but that
    best = [
        {"seed": seed, "language": code, "layer": part[code].idxmax()[1]}
        for seed, part in others.groupby(level="seed")
        for code in part.columns
    ]
    return pd.DataFrame(best).merge(kept, on=["seed", "language", "layer"])
