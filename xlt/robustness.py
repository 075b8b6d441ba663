"""Tables and figures of perturbed scores: what a perturbation costs, and whether an intermediate task changes that.

`scores` holds the clean rows (perturbation "none") and the perturbed ones of the same recipes and seeds. A drop is
clean minus perturbed, in the languages for which the perturbation is valid, other than English, averaged within a
seed; seeds are the unit of every interval.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from xlt import stats
from xlt.figures import GREY, canvas
from xlt.tables import language_order, points

_RUN = ["intermediate", "task", "perturbation", "seed"]


def drops(scores: pd.DataFrame, languages: str = "zero-shot") -> pd.DataFrame:
    """One row for each intermediate, task, perturbation and seed: clean, perturbed and their difference, fractions."""
    rows = by_language(scores)
    rows = rows[(rows["language"] != "en") if languages == "zero-shot" else (rows["language"] == languages)]
    means = rows.groupby(_RUN, sort=False)[["clean", "perturbed"]].mean().reset_index()
    return means.assign(drop=means["clean"] - means["perturbed"])


def by_language(scores: pd.DataFrame) -> pd.DataFrame:
    """The perturbed rows of the main metric, each beside its clean score: columns clean, perturbed."""
    rows = scores[scores["main"].astype(bool)]
    keys = ["intermediate", "task", "seed", "language"]
    clean = rows[rows["perturbation"] == "none"].set_index(keys)["value"]
    noisy = rows[rows["perturbation"] != "none"].rename(columns={"value": "perturbed"})
    return noisy.join(clean.rename("clean"), on=keys)


def drop_table(found: pd.DataFrame, intermediate: str = "none") -> pd.DataFrame:
    """task x perturbation for one intermediate: clean and perturbed score, drop with its 95 % t interval, relative."""
    rows = []
    part = found[found["intermediate"] == intermediate]
    for (task, name), cell in part.groupby(["task", "perturbation"], sort=False):
        mean, low, high = stats.mean_interval(cell["drop"].to_numpy())
        clean, noisy = cell["clean"].mean(), cell["perturbed"].mean()
        rows.append({"task": task, "perturbation": name, "clean": clean, "perturbed": noisy, "drop": mean, "low": low,
                     "high": high, "relative drop": mean / clean if clean else np.nan, "seeds": len(cell)})  # fmt: skip
    return pd.DataFrame(rows).round(4)


def changed_by_intermediate(found: pd.DataFrame, baseline: str = "none") -> pd.DataFrame:
    """How much more (+) or less is lost after each intermediate task than directly: 95 % Welch interval, Holm p."""
    rows = []
    for (task, name, intermediate), cell in found.groupby(["task", "perturbation", "intermediate"], sort=False):
        if intermediate == baseline:
            continue
        same = (found["task"] == task) & (found["perturbation"] == name) & (found["intermediate"] == baseline)
        difference = stats.welch_interval(cell["drop"].to_numpy(), found.loc[same, "drop"].to_numpy())
        rows.append({"task": task, "perturbation": name, "intermediate": intermediate, "extra drop": difference.value,
                     "low": difference.low, "high": difference.high, "p": difference.p})  # fmt: skip
    table = pd.DataFrame(rows)
    table["p"] = stats.holm(table["p"])
    return table.round(4)


def said(table: pd.DataFrame) -> str:
    """The clear effects of `changed_by_intermediate` in a sentence, the largest first."""
    clear = table[(table["low"] > 0) | (table["high"] < 0)].sort_values("extra drop", key=abs, ascending=False)
    if clear.empty:
        return f"No intermediate task changes any drop beyond what these seeds can show ({len(table)} comparisons)."
    told = [
        f"{row.intermediate} under {row.perturbation} on {row.task}: {points(row[4], sign=True)} points "
        f"[{points(row.low, sign=True)}, {points(row.high, sign=True)}]"
        for row in clear.itertuples()
    ]
    return f"{len(clear)} of {len(table)} drops change clearly (single intervals): " + "; ".join(told) + "."


def drop_map(scores: pd.DataFrame, task: str, intermediate: str = "none") -> Figure:
    """Perturbation x language: points lost, mean over seeds; empty where the perturbation is not valid."""
    rows = by_language(scores)
    rows = rows[(rows["task"] == task) & (rows["intermediate"] == intermediate)]
    lost = rows.assign(points=100 * (rows["clean"] - rows["perturbed"]))
    grid = lost.pivot_table(index="perturbation", columns="language", values="points", sort=False)
    grid = grid[language_order(rows.assign(value=rows["clean"]))]
    figure, axes = canvas(0.75 * grid.shape[1] + 3.4, 0.42 * grid.shape[0] + 1.9)
    axes.set_facecolor(GREY)
    style = {"annot": True, "fmt": ".0f", "cmap": "PuOr_r", "center": 0, "cbar_kws": {"label": "points lost"}}
    sns.heatmap(grid, ax=axes, **style)
    axes.set(title=f"{task}: points lost under each perturbation", xlabel="language (grey: not valid)", ylabel="")
    axes.tick_params(axis="both", length=0)
    axes.tick_params(axis="y", rotation=0)
    return figure
