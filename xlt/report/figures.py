"""Figures from the tidy table of scores (see xlt.analysis.tables), readable without colour vision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from xlt.analysis.language_tables import language_order, of_task, script
from xlt.analysis.tables import clear, listed, marked, names, over
from xlt.core.text import DASH, NOT_RUN, bounds, points
from xlt.spec.trained import codes

if TYPE_CHECKING:
    from xlt.lab.lab import Lab
    from xlt.spec.recipe import Recipe

_NO_MATHEMATICS = {"text.parse_math": False}  # of names, which may hold dollar signs
GREY, FIRST = "#e4e4e4", "#222222"
_PANELS = 4  # beside one another


def palette(kinds: Sequence[str]) -> dict[str, object]:
    """The first kind, as a rule the baseline, is black; the others differ in hue for every eye."""
    return dict(zip(kinds, [FIRST, *sns.color_palette("colorblind", max(0, len(kinds) - 1))], strict=False))


def heat_map(matrix: pd.DataFrame) -> Figure:
    """Differences to the baseline in points; grey where none is decided, a dash on white where a control does not
    apply to the target."""
    if matrix.empty:
        return empty("no target task")
    base = matrix["intermediate"].iloc[0]
    shown = matrix.assign(clear=clear(matrix))[matrix["intermediate"] != base]
    if shown.empty:
        return empty(f"no intermediate task beside the baseline '{base}'")
    rows, columns = names(shown)
    grid = shown.assign(value=(100 * shown["difference"]).where(shown["clear"]))
    grid = grid.pivot(index="intermediate", columns="target", values="value").loc[rows, columns]
    reach = max(1.0, 120 * float(shown["difference"].abs().fillna(0).max()))
    figure, axes = canvas(1.2 * len(columns) + 2.6, 0.6 * len(rows) + 1.9)
    axes.set_facecolor(GREY)
    colours = {"cmap": "RdBu", "center": 0, "vmin": -reach, "vmax": reach, "linewidths": 2}
    mesh(grid, axes, cbar_kws={"label": "points"}, **colours)
    there = set(zip(shown["intermediate"], shown["target"], strict=True))
    for down, across in ((row, column) for row in rows for column in columns if (row, column) not in there):
        corner = (columns.index(across), rows.index(down))
        axes.add_patch(plt.Rectangle(corner, 1, 1, facecolor="white", edgecolor="none"))
        axes.text(corner[0] + 0.5, corner[1] + 0.5, DASH, ha="center", va="center", fontsize=9)
    for row in shown.itertuples():
        dark = row.clear and abs(100 * row.difference) > 0.55 * reach
        place = (columns.index(row.target) + 0.5, rows.index(row.intermediate) + 0.5)
        axes.text(*place, _heat_text(row), ha="center", va="center", fontsize=9, color="white" if dark else "#222222")
    axes.set(
        ylabel="intermediate task or control" if (shown["control"] != "").any() else "intermediate task",
        title=f"Gain over '{base}', {over(matrix)}",
    )
    note = "grey: neither higher nor lower after Holm's correction" + "   † same task" * bool(shown["same_task"].any())
    note += "   ‡ not zero-shot" * bool(shown["trained"].any())
    note += f"   {DASH} does not apply" * bool(len(there) < len(rows) * len(columns))
    note += "   § met by the encoder before" * bool(shown["met"].any())
    axes.set_xlabel(f"target task\n{note}")
    axes.tick_params(axis="both", length=0)
    axes.tick_params(axis="y", rotation=0)
    sure = [f"{row.target} after {row.intermediate} {_heat_text(row)}" for row in shown.itertuples() if row.clear]
    figure.set_label(
        f"{axes.get_title()}. Higher or lower after Holm's correction in {len(sure)} of {len(shown)} cells"
        + "".join(f"; {text}" for text in sure).replace("\n", " ")
    )
    return figure


def mesh(grid: pd.DataFrame, axes: plt.Axes, **style: object) -> None:
    """A heat map; seaborn draws its names at once, so what they hold must be no mathematics before it is saved."""
    with plt.rc_context(_NO_MATHEMATICS):
        sns.heatmap(grid, ax=axes, **style)


def _heat_text(row: tuple) -> str:
    if np.isnan(row.difference):
        return NOT_RUN
    difference = f"{points(row.difference, sign=True)}{marked(row)}"
    return "\n".join(filter(None, [difference, bounds(row.diff_low, row.diff_high)]))


def dot_plot(scores: pd.DataFrame, task: str, chance: float | None = None) -> Figure:
    """Every seed a dot, one row per language, scripts as bands; `chance` (a fraction) is a dashed line."""
    rows = of_task(scores, task)
    order, kinds = language_order(rows), list(rows["intermediate"].unique())
    figure, axes = canvas(7.2, len(order) * max(0.26, 0.1 * len(kinds)) + 1.9)
    data = rows.assign(points=100 * rows["value"])
    style = {"order": order, "hue_order": kinds, "palette": palette(kinds), "dodge": len(kinds) > 1, "jitter": False}
    sns.stripplot(data, x="points", y="language", hue="intermediate", ax=axes, size=5, alpha=0.8, **style)
    _script_bands(axes, order, codes(rows))
    if chance is not None:
        axes.axvline(100 * chance, color="#555555", linestyle="--", linewidth=1)
        axes.annotate("chance", (100 * chance, 1), xycoords=("data", "axes fraction"), ha="center", va="bottom", size=8)
    axes.set(xlabel=f"{listed(rows['metric'])} (points)", ylabel="language")
    axes.set_title(f"{task}: every seed in every language", pad=16)
    handles, labels = axes.get_legend_handles_labels()
    axes.get_legend().remove()
    figure.legend(handles, labels, loc="outside lower center", ncol=min(len(kinds), 5), frameon=False)
    return figure


def _script_bands(axes: plt.Axes, order: list[str], alone: list[str]) -> None:
    """Shade every other script and write its name at the right edge; the language of training stands alone."""
    groups = ["" if code in alone else script(code) for code in order]
    for i, group in enumerate(dict.fromkeys(groups)):
        first, last = groups.index(group), len(groups) - 1 - groups[::-1].index(group)
        if i % 2:
            axes.axhspan(first - 0.5, last + 0.5, color="#f0f0f0", zorder=0)
        axes.text(1.01, (first + last) / 2, group, transform=axes.get_yaxis_transform(), va="center", fontsize=8)
    axes.set_ylim(len(order) - 0.5, -0.5)


def empty(why: str = NOT_RUN) -> Figure:
    """A figure that says why there is nothing to see."""
    figure, axes = canvas(4, 1)
    axes.set_axis_off()
    axes.text(0.5, 0.5, why, ha="center", va="center")
    return figure


def canvas(width: float, height: float) -> tuple[Figure, plt.Axes]:
    """A figure that pyplot forgets at once, so that a notebook shows it once."""
    with plt.rc_context(_NO_MATHEMATICS):
        figure, axes = plt.subplots(figsize=(width, height), layout="constrained")
        sns.despine(figure)
    plt.close(figure)
    return figure, axes


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


def loss_curves(lab: Lab, recipes: Mapping[str, Recipe]) -> Figure | str:
    """Training loss along the last stage of each recipe: a panel for each, under the name it has in the tables, every
    loss on its own scale. A sentence where there was no training."""
    curves = {name: lab.losses(one) for name, one in recipes.items() if one.stages and lab.store.done(one)}
    if not curves:
        return "no training in this phase"
    wide = min(len(curves), _PANELS)
    tall = -(-len(curves) // wide)
    figure, panels = plt.subplots(
        tall, wide, figsize=(2.6 * wide + 1.2, 1.9 * tall + 0.6), squeeze=False, layout="constrained"
    )
    plt.close(figure)
    for axes in panels.flat[len(curves) :]:
        axes.set_axis_off()
    for axes, (name, curve) in zip(panels.flat, curves.items(), strict=False):
        axes.plot(curve["step"], curve["loss"], color=FIRST, linewidth=1.2)
        axes.set_title(name, fontsize=9)
        axes.set_ylim(0, None)
        axes.tick_params(labelsize=8)
    figure.supxlabel("update", fontsize=9)
    figure.supylabel("loss, mean since the last point", fontsize=9)
    sns.despine(figure)
    told = (f"{name}: {curve['loss'].iloc[0]:.2f} to {curve['loss'].iloc[-1]:.2f}" for name, curve in curves.items())
    figure.set_label(f"Training loss, the first and the last mean of each stage. {'; '.join(told)}.")
    return figure
