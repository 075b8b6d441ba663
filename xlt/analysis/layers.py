"""Views of retrieval sweeps (see xlt.lab.sweeps): accuracy by layer and pooling, what the declared rules give.

`declared` is the layer that the profile evaluates at; None leaves it to XTREME's rule.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from xlt.core.errors import UserError, unknown
from xlt.core.text import NOT_RUN
from xlt.models.cells import default_layer

RULES = ("fixed", "held out")  # that choose a layer
_CELL = ["recipe", "direction", "pooling", "centred", "layer"]


def layer_table(sweeps: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Columns recipe, direction, pooling, centred, layer, accuracy: the mean over languages and seeds, a fraction."""
    rows = pd.concat([table.assign(recipe=name) for name, table in sweeps.items()])
    return rows.groupby(_CELL, sort=False)["accuracy"].mean().reset_index()


def _fixed(rows: pd.DataFrame, declared: int | None) -> int:
    return default_layer(int(rows["layer"].max())) if declared is None else declared


def layer_summary(curve: pd.DataFrame, declared: int | None, direction: str = "en_to_xx") -> pd.DataFrame:
    """recipe x pooling x centred: accuracy at the fixed layer, at the best one, and which that is."""
    rows = curve[curve["direction"] == direction]
    if rows.empty:
        return pd.DataFrame({"recipe": [NOT_RUN]})
    fixed = _fixed(rows, declared)
    found = []
    for (recipe, pooling, centred), part in rows.groupby(["recipe", "pooling", "centred"], sort=False):
        values = part.set_index("layer")["accuracy"]
        cell = {"recipe": recipe, "pooling": pooling, "centred": "yes" if centred else "no"}
        found.append(cell | {f"layer {fixed}": values[fixed], "best": values.max(), "best layer": values.idxmax()})
    return pd.DataFrame(found).round(3)


def layer_note(curve: pd.DataFrame, declared: int | None, direction: str = "en_to_xx") -> str:
    """Which layer is the fixed one and why, and for which encoders the oracle happens to be the same."""
    rows = curve[(curve["direction"] == direction) & (curve["pooling"] == "mean") & ~curve["centred"]]
    if rows.empty:
        return "Nothing of this has run."
    usual, fixed = default_layer(int(rows["layer"].max())), _fixed(rows, declared)
    why = "XTREME's rule for this depth" if fixed == usual else f"as the profile declares; XTREME's rule: {usual}"
    best = rows.loc[rows.groupby("recipe", sort=False)["accuracy"].idxmax()].set_index("recipe")["layer"]
    same, other = (", ".join(best.index[which]) for which in (best == fixed, best != fixed))
    return (
        f"The fixed layer is {fixed} ({why}). The best of the sweep is chosen on the test set: an oracle, not to be "
        "reported as a result. With mean pooling, not centred, it is "
        + " and ".join(
            f"{what} for {names}" for what, names in (("the fixed layer itself", same), ("another", other)) if names
        )
        + "."
    )


def rule_table(sweeps: Mapping[str, pd.DataFrame], declared: int | None) -> pd.DataFrame:
    """recipe x rule: mean accuracy over languages of the layer that each declared rule takes."""
    rows = {
        name: {rule: choose(table, rule, declared)["accuracy"].mean() for rule in RULES if _applies(table, rule)}
        for name, table in sweeps.items()
    }
    return pd.DataFrame(rows).T.round(3).rename_axis("recipe")


def _applies(table: pd.DataFrame, rule: str) -> bool:
    return rule == "fixed" or table["language"].nunique() > 1


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
