"""Figures of the inference's own test: how often it errs, the p of equal arms, how often planted effects are found."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from xlt.report.figures import canvas, empty

_WANTED = (0.93, 0.97)  # coverage of an interval that says 95 %


def rates(table: pd.DataFrame) -> Figure:
    """A panel for each kind of study: false alarms of three methods over the number of records, a dot a case."""
    if table.empty:
        return empty()
    kinds = list(dict.fromkeys(zip(table["collapse"], table["both"], strict=True)))
    figure, panels = plt.subplots(
        1, len(kinds), figsize=(3.4 * len(kinds) + 1, 3.4), sharey=True, squeeze=False, layout="constrained"
    )
    plt.close(figure)
    colours = dict(zip(("this", "paired", "Welch"), sns.color_palette("colorblind"), strict=False))
    for axes, (collapse, both) in zip(panels[0], kinds, strict=True):
        part = table[(table["collapse"] == collapse) & (table["both"] == both)]
        axes.axhspan(*(100 * (1 - share) for share in _WANTED), color="#e4e4e4", zorder=0)
        for place, (method, colour) in enumerate(colours.items()):
            shifted = part["records"] * 1.25 ** (place - 1)  # side by side, or they would hide each other
            axes.scatter(shifted, 100 * part[method], s=14, color=colour, label=method)
        axes.set(xscale="log", xlabel="test records", title=_kind(collapse, both))
        axes.set_xticks(sorted(part["records"].unique()), [f"{n:,}" for n in sorted(part["records"].unique())])
    panels[0][0].set_ylabel("false alarms, % of contrasts")
    panels[0][0].legend(fontsize=8)
    worst = 100 * table["this"].max()
    figure.set_label(f"False alarms of three methods; of this one at most {worst:.1f} %.")
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
    axes.fill_between(ranks / (p.size + 1), low, high, color="#e4e4e4")
    axes.plot([0, 1], [0, 1], color="#555555", linewidth=1)
    axes.scatter(ranks / (p.size + 1), p, s=14, color=sns.color_palette("colorblind")[0])
    axes.set(xlabel="share of pairs", ylabel="p of equal arms", xlim=(0, 1), ylim=(0, 1))
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
    panels[0].set_ylabel("share of groups that find it")
    panels[1].legend(fontsize=8, loc="lower right")
    figure.set_label(f"Power of {len(plants)} planted effects of {table['strength'].nunique()} strengths.")
    return figure
