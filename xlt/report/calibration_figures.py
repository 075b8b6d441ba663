"""Figures of the inference's own test: how often it errs, the p of equal arms, how often planted effects are found."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from xlt.report.figures import canvas, empty

_WANTED = (0.93, 0.97)  # coverage of an interval that says 95 %
# Columns of the table, as a reader meets them.
_METHODS = {
    "this": "the inference of all reports",
    "paired": "paired t test over seeds",
    "Welch": "Welch's test over seeds",
}


def rates(table: pd.DataFrame) -> Figure:
    """A panel for each kind of study: false alarms of three methods over the number of records, a dot a case."""
    if table.empty:
        return empty()
    kinds = list(dict.fromkeys(zip(table["collapse"], table["both"], strict=True)))
    figure, panels = plt.subplots(
        1, len(kinds), figsize=(3.4 * len(kinds) + 1, 3.4), sharey=True, squeeze=False, layout="constrained"
    )
    plt.close(figure)
    colours = dict(zip(_METHODS, sns.color_palette("colorblind"), strict=False))
    low, high = (100 * (1 - share) for share in reversed(_WANTED))
    for axes, (collapse, both) in zip(panels[0], kinds, strict=True):
        part = table[(table["collapse"] == collapse) & (table["both"] == both)]
        axes.axhspan(low, high, color="#e4e4e4", zorder=0, label=f"within two points of 5 % ({low:.0f} to {high:.0f})")
        for place, (method, colour) in enumerate(colours.items()):
            shifted = part["records"] * 1.25 ** (place - 1)  # side by side, or they would hide each other
            axes.scatter(shifted, 100 * part[method], s=14, color=colour, label=_METHODS[method])
        axes.set(xscale="log", xlabel="test records", title=_kind(collapse, both))
        axes.set_xticks(sorted(part["records"].unique()), [f"{n:,}" for n in sorted(part["records"].unique())])
    panels[0][0].set_ylabel("false alarms, % of contrasts")
    handles, labels = panels[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncol=4, frameon=False, fontsize=8)
    worst = 100 * table["this"].max()
    figure.set_label(f"False alarms of three methods; of the inference of all reports at most {worst:.1f} %.")
    return figure


def _kind(collapse: float, both: float) -> str:
    if collapse:
        return f"{100 * collapse:g} % of runs collapse"
    return "seeds answer records alike" if both < 0.2 else "seeds differ on records"


def pvalues(pairs: pd.DataFrame) -> Figure:
    """The p of equal arms in their order, against what they must be by chance: the diagonal, with its 95 % band."""
    p = np.sort(pairs["p"].dropna()) if len(pairs) else np.array([])
    if not p.size:
        return empty()
    from scipy.stats import beta

    ranks = np.arange(1, p.size + 1)
    low, high = (beta.ppf(share, ranks, p.size + 1 - ranks) for share in (0.025, 0.975))
    figure, axes = canvas(4.4, 4.2)
    axes.fill_between(ranks / (p.size + 1), low, high, color="#e4e4e4", label="95 % of the time by chance alone")
    axes.plot([0, 1], [0, 1], color="#555555", linewidth=1)
    axes.scatter(ranks / (p.size + 1), p, s=14, color=sns.color_palette("colorblind")[0])
    axes.set(xlabel="share of pairs", ylabel="p of equal arms", xlim=(0, 1), ylim=(0, 1))
    axes.legend(loc="upper left", frameon=False, fontsize=8)
    figure.set_label(f"{(p < 0.05).sum()} of {p.size} pairs of equal arms have a p below 5 %.")
    return figure


def power_curves(table: pd.DataFrame) -> Figure:
    """How often each plant is found, with its 95 % interval, over its strength and over the size of its effect; dotted
    what the groups' standard errors foresee."""
    if table.empty:
        return empty()
    figure, panels = plt.subplots(1, 2, figsize=(9, 3.6), sharey=True, layout="constrained")
    plt.close(figure)
    plants = list(dict.fromkeys(table["plant"]))
    for plant, colour in zip(plants, sns.color_palette("colorblind"), strict=False):
        part = table[table["plant"] == plant]
        for axes, x in zip(panels, (part["strength"], 100 * part["effect"].abs()), strict=True):
            apart = (part["found"] - part["low"]).clip(lower=0), (part["high"] - part["found"]).clip(lower=0)
            axes.errorbar(x, part["found"], yerr=apart, color=colour, marker="o", markersize=4, capsize=2, label=plant)
            axes.plot(x, part["expected"], color=colour, linestyle=":")
    for axes, name in zip(panels, ("strength", "effect, points"), strict=True):
        axes.axhline(0.8, color="#bbbbbb", linewidth=1)
        axes.set(xlabel=name, ylim=(-0.03, 1.03))
    panels[0].set_ylabel(f"share of {table['groups'].iloc[0]} groups that find it")
    handles, labels = panels[0].get_legend_handles_labels()
    handles += [Line2D([], [], color="#555555", linestyle=":"), Line2D([], [], color="#bbbbbb", linewidth=1)]
    labels += ["foreseen from the groups' standard errors", "four in five"]
    figure.legend(handles, labels, loc="outside lower center", ncol=len(labels), frameon=False, fontsize=8)
    counts = dict.fromkeys(str(count) for count in table.groupby("plant", sort=False)["strength"].nunique())
    figure.set_label(f"Power of {len(plants)} planted effects of {' or '.join(counts)} strengths each.")
    return figure
