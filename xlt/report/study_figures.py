"""Figures of the studies, from the scores of `Study.run`; points, every seed shown where that can be read."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import fill

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from xlt.analysis.conditions import clean, drops, tested
from xlt.analysis.findings import Answer
from xlt.analysis.language_tables import language_order, script
from xlt.analysis.verdicts import DECIDED
from xlt.report.figures import FIRST, GREY, canvas, empty, mesh, palette
from xlt.spec import trained
from xlt.spec.conditions import CLEAN, PERTURBED
from xlt.spec.languages import language


def forest(answers: Sequence[Answer], detail: pd.DataFrame) -> Figure:
    """Every question with its effect and 95 % interval (dark), and the effect in each target and condition (light)."""
    asked = [answer for answer in answers if answer.effect == answer.effect]
    if not asked:
        return empty()
    figure, axes = canvas(8, 0.62 * len(asked) + 1.2)
    for place, answer in enumerate(asked):
        parts = 100 * detail.loc[detail["question"] == answer.question, "value"].dropna()
        axes.scatter(parts, np.full(len(parts), place + 0.22), s=14, color="#9a9a9a", zorder=2)
        bounds = [[100 * (answer.effect - answer.low)], [100 * (answer.high - answer.effect)]]
        sure = answer.verdict in DECIDED
        colour = sns.color_palette("colorblind")[0 if sure else 7]
        bars = None if answer.low != answer.low else bounds
        axes.errorbar(100 * answer.effect, place, xerr=bars, fmt="o", color=colour, capsize=3, zorder=3)
    axes.axvline(0, color="#555555", linewidth=1)
    axes.set_yticks(range(len(asked)), [fill(answer.question, 52) for answer in asked], fontsize=8)
    axes.set_ylim(len(asked) - 0.5, -0.5)
    axes.set_xlabel(
        "points, 95 % interval over seeds and records (blue: decided); small dots: targets and conditions one by one",
        fontsize=8,
    )
    figure.set_label(" ".join(map(str, asked)))
    return figure


def dots(scores: pd.DataFrame, arms: Sequence[str]) -> Figure:
    """Every arm a row, every seed a dot, one panel for each target: clean, and the mean of the other conditions.

    Of these only what every arm and seed of the target was read under, in the same languages: a mean over others
    would set easy conditions of one arm beside hard ones of another.
    """
    rows, name = read_by_all(scores, arms), trained.heading(tested(scores))
    if rows.empty:
        return empty()
    rows = rows.assign(points=100 * rows["value"], text=np.where(rows["condition"] == CLEAN, CLEAN, PERTURBED))
    keys = ["arm", "task", "seed", "text"]
    means = rows.groupby([*keys, "condition"])["points"].mean().groupby(keys).mean().reset_index()
    targets = list(dict.fromkeys(rows["task"]))
    height = 0.32 * len(arms) + 1.6
    figure, panels = plt.subplots(
        1, len(targets), figsize=(3.2 * len(targets) + 2.4, height), sharey=True, squeeze=False, layout="constrained"
    )
    plt.close(figure)
    colours = {CLEAN: FIRST, PERTURBED: sns.color_palette("colorblind")[1]}
    for axes, target in zip(panels[0], targets, strict=True):
        style = {"order": [arm for arm in arms if arm in set(rows["arm"])], "hue_order": list(colours), "jitter": False}
        part = means[means["task"] == target]
        sns.stripplot(part, x="points", y="arm", hue="text", palette=colours, dodge=True, size=5, ax=axes, **style)
        axes.set(title=target, xlabel=f"points, mean over languages but {name}", ylabel="")
        axes.grid(axis="y", color="#eeeeee")
        axes.get_legend().remove()
    handles, labels = panels[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncol=2, frameon=False)
    sns.despine(figure)
    return figure


def read_by_all(scores: pd.DataFrame, arms: Sequence[str]) -> pd.DataFrame:
    """What `dots` draws, zero-shot: clean rows, and those of a condition and language in which every arm and seed of
    the target has a score."""
    rows = tested(scores)
    rows = trained.zero_shot(rows[rows["arm"].isin(list(arms))])
    runs = rows[["task", "arm", "seed"]].drop_duplicates().value_counts("task")
    have = rows.groupby(["task", "condition", "language"])["value"].transform("count")
    return rows[(rows["condition"] == CLEAN) | (have == rows["task"].map(runs))]


def lost_map(scores: pd.DataFrame, task: str, arm: str = "none") -> Figure:
    """Condition x language: points lost against clean text, mean over seeds; grey where there is no score under it: it
    is not valid there, changes no record, or needs a word list that is not here."""
    rows = tested(scores)
    rows = drops(rows[(rows["task"] == task) & (rows["arm"] == arm)])
    if rows["condition"].nunique() < 2:
        return empty()
    wide = rows.assign(points=100 * rows["drop"])
    wide = wide.pivot_table(index="condition", columns="language", values="points", sort=False)
    grid = wide.drop(index=CLEAN)[language_order(rows[rows["condition"] == CLEAN])]
    figure, axes = canvas(0.62 * grid.shape[1] + 3.2, 0.42 * grid.shape[0] + 1.7)
    axes.set_facecolor(GREY)
    style = {"annot": True, "fmt": ".0f", "cmap": "PuOr_r", "center": 0, "cbar_kws": {"label": "points lost"}}
    mesh(grid, axes, annot_kws={"size": 9}, **style)
    axes.set(title=f"{task} after '{arm}': points lost", ylabel="")
    axes.set_xlabel("language (grey: not valid there, changes nothing, or has no word list)")
    axes.tick_params(axis="both", length=0)
    axes.tick_params(axis="y", rotation=0)
    return figure


def dial(scores: pd.DataFrame, dialect: str, standard: str) -> Figure:
    """Score over the strength of a dialect of the world, from the standard language on; band: 95 % t interval."""
    rows = clean(scores)
    strengths = {standard: 0.0, dialect: 1.0} | {
        code: float(code.partition("@")[2]) for code in rows["language"].unique() if code.startswith(f"{dialect}@")
    }
    rows = rows[rows["language"].isin(list(strengths))]
    if rows["language"].nunique() < 3:
        return empty()
    rows = rows.assign(points=100 * rows["value"], strength=rows["language"].map(strengths))
    targets, arms = list(dict.fromkeys(rows["task"])), list(dict.fromkeys(rows["arm"]))
    figure, panels = plt.subplots(
        1, len(targets), figsize=(3.6 * len(targets) + 0.6, 3.2), squeeze=False, layout="constrained"
    )
    plt.close(figure)
    for axes, target in zip(panels[0], targets, strict=True):
        part = rows[rows["task"] == target]
        for arm in arms:
            curve = part[part["arm"] == arm].groupby("strength")["points"].agg(["mean", "min", "max"])
            axes.plot(curve.index, curve["mean"], "o-", color=palette(arms)[arm], label=arm, markersize=4)
            axes.fill_between(curve.index, curve["min"], curve["max"], color=palette(arms)[arm], alpha=0.12)
        names = f"{language(standard).name} (0) to {language(dialect).name} (1)"
        axes.set(title=target, xlabel=f"strength: {names}", ylabel="points; band: all seeds")
    handles, labels = panels[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncol=len(arms), frameon=False)
    sns.despine(figure)
    return figure


def dose(curve: pd.DataFrame, question: str) -> Figure:
    """Score over the dose of a contrast (`doses.curve`), a line for each target and condition; bars: 95 % intervals."""
    lines = curve.dropna(subset="mean")
    if lines.empty:
        return empty()
    conditions = list(dict.fromkeys(lines["condition"]))
    name = lines["target"] + ("" if conditions == [CLEAN] else ", " + lines["condition"])
    lines = lines.assign(line=name, points=100 * lines["mean"])
    kinds = list(dict.fromkeys(lines["line"]))
    figure, axes = canvas(6.6, 3.8)
    style = {"palette": palette(kinds), "markers": True, "dashes": False, "legend": len(kinds) > 1}
    sns.lineplot(lines, x="doublings", y="points", hue="line", style="line", ax=axes, **style)
    for kind, part in lines.groupby("line", sort=False):
        half = 100 * (part["high"] - part["mean"])
        axes.errorbar(part["doublings"], part["points"], yerr=half, fmt="none", capsize=3, color=palette(kinds)[kind])
    ticks = lines.drop_duplicates("doublings")
    axes.set_xticks(ticks["doublings"], [f"{records:,.0f}" for records in ticks["records"]])
    axes.set(xlabel="intermediate records, on the scale of log2(1 + records / 500)", ylabel="points")
    axes.set_title(fill(question, 80), fontsize=9)
    if len(kinds) > 1:
        sns.move_legend(axes, "upper left", bbox_to_anchor=(1.01, 1), frameon=False, title=None)
    said = (
        f"{kind} {', '.join(f'{row.points:.1f} after {row.records:,.0f}' for row in part.itertuples())}"
        for kind, part in lines.groupby("line", sort=False)
    )
    figure.set_label(f"{question} Points after so many intermediate records: {'; '.join(said)}.")
    return figure


def covariate(scores: pd.DataFrame, per_word: pd.Series, task: str) -> Figure:
    """Score of each language over its subwords per word, one mark for each script; mean over seeds, by arm."""
    rows = clean(scores)
    rows = trained.zero_shot(rows[(rows["task"] == task) & rows["language"].isin(per_word.index)])
    if rows.empty:
        return empty()
    means = rows.groupby(["arm", "language"], sort=False)["value"].mean().mul(100).rename("points").reset_index()
    means = means.assign(subwords=means["language"].map(per_word), script=means["language"].map(script))
    arms = list(dict.fromkeys(means["arm"]))
    figure, axes = canvas(6.6, 4)
    sns.scatterplot(
        means, x="subwords", y="points", hue="arm", style="script", palette=palette(arms), s=50, alpha=0.85, ax=axes
    )
    for row in means[means["arm"] == arms[0]].itertuples():
        axes.annotate(row.language, (row.subwords, row.points), textcoords="offset points", xytext=(5, 3), fontsize=8)
    axes.set(xlabel="subwords per word (of UDPOS)", ylabel="points", title=f"{task}: score and tokenisation")
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False, fontsize=8)
    return figure


def epsilon(scores: pd.DataFrame) -> Figure:
    """Score over the radius of the adversary's ball, 0 being clean: language of training, mean of others; by arm. Only
    targets that were read in a ball."""
    rows = scores[scores["main"].astype(bool) & (scores["split"] == "test")] if len(scores) else scores
    rows = rows[(rows["condition"] == CLEAN) | (rows["radius"] > 0)] if len(rows) else rows
    if rows.empty or rows["radius"].nunique() < 2:
        return empty()
    around = rows[rows["radius"] > 0]
    rows = rows[rows["language"].isin(around["language"]) & rows["task"].isin(around["task"])]
    name = trained.heading(rows)
    rows = rows.assign(points=100 * rows["value"], who=np.where(trained.is_source(rows), name, "other languages"))
    targets, arms = list(dict.fromkeys(rows["task"])), list(dict.fromkeys(rows["arm"]))
    figure, panels = plt.subplots(
        1, len(targets), figsize=(4 * len(targets) + 0.6, 3.6), squeeze=False, layout="constrained"
    )
    plt.close(figure)
    for axes, target in zip(panels[0], targets, strict=True):
        for (arm, who), part in rows[rows["task"] == target].groupby(["arm", "who"], sort=False):
            line = part.groupby("radius")["points"].mean()
            style = "o-" if who == name else "s--"
            axes.plot(range(len(line)), line, style, color=palette(arms)[arm], label=f"{arm}, {who}", markersize=4)
            axes.set_xticks(range(len(line)), [f"{radius:g}" for radius in line.index])
        axes.set(title=target, xlabel="radius (L2, word embeddings)", ylabel="points, mean over seeds")
    lines = {line.get_label(): line for axes in panels[0] for line in axes.lines}  # an arm may have one target alone
    figure.legend(lines.values(), lines, loc="outside lower center", ncol=4, frameon=False, fontsize=8)
    sns.despine(figure)
    return figure
