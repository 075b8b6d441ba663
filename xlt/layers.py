"""Views of retrieval sweeps (see xlt.retrieval.sweep): accuracy by layer and pooling, what the declared rules give.

`declared` is the layer that the profile evaluates at; None leaves it to XTREME's rule.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from xlt.figures import canvas, empty
from xlt.retrieval import RULES, choose, default_layer
from xlt.text import NOT_RUN

_CELL = ["recipe", "direction", "pooling", "centred", "layer"]


def layer_table(sweeps: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Columns recipe, direction, pooling, centred, layer, accuracy: the mean over languages and seeds, a fraction."""
    rows = pd.concat([table.assign(recipe=name) for name, table in sweeps.items()])
    return rows.groupby(_CELL, sort=False)["accuracy"].mean().reset_index()


def layer_plot(curve: pd.DataFrame, direction: str = "en_to_xx") -> Figure:
    """Accuracy over layers; a colour for each recipe, a line style for each pooling, plain cells only."""
    rows = curve[(curve["direction"] == direction) & ~curve["centred"]]
    if rows.empty:
        return empty()
    rows = rows.assign(points=100 * rows["accuracy"])
    figure, axes = canvas(7.2, 4.2)
    sns.lineplot(
        rows, x="layer", y="points", hue="recipe", style="pooling", markers=True, palette="colorblind", ax=axes
    )
    axes.set(xlabel="layer (0: embeddings)", ylabel="accuracy (points)", title="Sentence retrieval, English queries")
    axes.xaxis.get_major_locator().set_params(integer=True)
    sns.move_legend(axes, "upper left", bbox_to_anchor=(1.01, 1), frameon=False)
    return figure


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
