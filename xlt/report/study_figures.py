"""Figures of the studies, from the scores of `Study.run`; points, every seed shown where that can be read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from textwrap import fill

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from xlt.analysis import verdicts
from xlt.analysis.arms import DOUBLING
from xlt.analysis.conditions import clean, drops, tested
from xlt.analysis.degenerate_runs import guesses
from xlt.analysis.findings import Answer
from xlt.analysis.language_tables import language_order, script
from xlt.analysis.stats import mean_interval
from xlt.core.text import counted, points
from xlt.report.figures import FIRST, GREY, canvas, empty, mesh, palette
from xlt.spec import trained
from xlt.spec.conditions import CLEAN, PERTURBED
from xlt.spec.languages import language

_LIGHT = "#9a9a9a"
NO_SCORE = "grey: not valid there, changes no record, or needs a word list that is not here"

# Verdicts that are told apart by mark and colour; what has another is hollow and grey.
_MARKS = {verdicts.HIGHER: ("o", 0), verdicts.LOWER: ("o", 0), verdicts.EQUIVALENT: ("s", 2)}


def forest(answers: Sequence[Answer], detail: pd.DataFrame, seeds: int) -> Figure:
    """Every question with its effect and 95 % interval over so many `seeds`, and the effect in each target and
    condition (light dots)."""
    asked = [answer for answer in answers if answer.effect == answer.effect]
    if not asked:
        return empty()
    figure, axes = canvas(8, 0.62 * len(asked) + 1.2)
    for place, answer in enumerate(asked):
        parts = 100 * detail.loc[detail["question"] == answer.question, "value"].dropna()
        axes.scatter(parts, np.full(len(parts), place + 0.22), s=14, color=_LIGHT, zorder=2)
        bounds = [[100 * (answer.effect - answer.low)], [100 * (answer.high - answer.effect)]]
        bars = None if answer.low != answer.low else bounds
        axes.errorbar(100 * answer.effect, place, xerr=bars, capsize=3, zorder=3, **_mark(answer.verdict))
    axes.axvline(0, color="#555555", linewidth=1)
    axes.set_yticks(range(len(asked)), [fill(answer.question, 52) for answer in asked], fontsize=8)
    axes.set_ylim(len(asked) - 0.5, -0.5)
    axes.set_xlabel(f"points; bars: 95 % interval over {counted(seeds, 'seed')} and their records", fontsize=8)
    kinds = {"higher or lower": verdicts.HIGHER, "equivalent": verdicts.EQUIVALENT, "undecided or not testable": ""}
    handles = [Line2D([], [], linestyle="", **_mark(verdict)) for verdict in kinds.values()]
    handles.append(Line2D([], [], linestyle="", marker="o", markersize=4, color=_LIGHT))
    names = [*kinds, "each target and condition"]
    figure.legend(handles, names, loc="outside lower center", ncol=4, frameon=False, fontsize=8)
    figure.set_label(" ".join(map(str, asked)))
    return figure


def _mark(verdict: str) -> dict[str, object]:
    """How an effect of this verdict is drawn."""
    marker, hue = _MARKS.get(verdict, ("o", 7))
    colour = sns.color_palette("colorblind")[hue]
    return {"marker": marker, "color": colour, "markerfacecolor": colour if verdict in _MARKS else "white"}


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
    """Condition x language: points lost against clean text, mean over seeds; grey where there is no score under it
    (`NO_SCORE`)."""
    rows = tested(scores)
    rows = drops(rows[(rows["task"] == task) & (rows["arm"] == arm)])
    if rows["condition"].nunique() < 2:
        return empty()
    wide = rows.assign(points=100 * rows["drop"])
    wide = wide.pivot_table(index="condition", columns="language", values="points", sort=False)
    grid = wide.drop(index=CLEAN)[language_order(rows[rows["condition"] == CLEAN])]
    figure, axes = canvas(0.62 * grid.shape[1] + 3.2, 0.42 * grid.shape[0] + 1.7)
    axes.set_facecolor(GREY)
    texts = grid.map(lambda lost: "" if np.isnan(lost) else points(lost / 100, digits=0).replace("−0", "0"))
    style = {"annot": texts, "fmt": "", "cmap": "PuOr_r", "center": 0, "cbar_kws": {"label": "points lost"}}
    mesh(grid, axes, annot_kws={"size": 9}, **style)
    axes.set(title=f"{task} after '{arm}': points lost", ylabel="")
    axes.set_xlabel(fill(f"language ({NO_SCORE})", 12 * grid.shape[1] + 30))
    axes.tick_params(axis="both", length=0)
    axes.tick_params(axis="y", rotation=0)
    return figure


def dialled(languages: Iterable[str]) -> list[str]:
    """The dialects of which strengths ("bar@0.5") are among these languages."""
    return list(dict.fromkeys(code.partition("@")[0] for code in languages if "@" in code))


def dial(scores: pd.DataFrame, dialect: str) -> Figure:
    """Score over the strength of a dialect of the world, from its standard language on: mean over seeds, from the
    lowest seed to the highest (band), and what a guess scores (dashed)."""
    rows, standard = clean(scores), language(dialect).standard
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
        guess = 100 * guesses(part, target).mean()
        if not np.isnan(guess):
            axes.axhline(guess, color="#555555", linestyle="--", linewidth=1, label="a guess")
        names = f"{language(standard).name} (0) to {language(dialect).name} (1)"
        axes.set(title=target, xlabel=f"strength: {names}", ylabel="points; band: lowest to highest seed")
    handles, labels = panels[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncol=len(arms) + 1, frameon=False)
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
    axes.set(xlabel=f"intermediate records, in steps of log2(1 + records / {DOUBLING})", ylabel="points")
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
    axes.set(xlabel="subwords per word (of UDPOS)", ylabel="points", title=f"{task}: score and tokenisation")
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False, fontsize=8)
    first = means[means["arm"] == arms[0]]
    _named_apart(axes, dict(zip(first["language"], zip(first["subwords"], first["points"], strict=True), strict=True)))
    return figure


def _named_apart(axes: plt.Axes, places: dict[str, tuple[float, float]]) -> None:
    """A name beside each place, on the first of several sides on which it covers no place and no other name."""
    axes.figure.draw_without_rendering()  # the layout is made then, and with it where a place lies on the page
    dots = {name: axes.transData.transform(place) * 72 / axes.figure.dpi for name, place in places.items()}
    taken = [(x - 3, y - 4, 6) for x, y in dots.values()]  # left and lower edge and width in points; all are as high
    for name, (x, y) in dots.items():
        wide = 5.5 * len(name)
        sides = [(right, up) for up in (3, -10, 12, -19) for right in (5, -5 - wide)]
        free = [(right, up) for right, up in sides if not _covers(x + right, y + up, wide, taken)]
        right, up = (free or sides)[0]
        taken.append((x + right, y + up, wide))
        axes.annotate(name, places[name], textcoords="offset points", xytext=(right, up), fontsize=8)


def _covers(left: float, low: float, wide: float, others: Iterable[tuple[float, float, float]]) -> bool:
    return any(left < x + w and x < left + wide and abs(low - y) < 8 for x, y, w in others)


_ARM_MARKS = "os^vD<>Pp*hX"


def epsilon(scores: pd.DataFrame) -> Figure:
    """Score over the radius of the adversary's ball, 0 being clean, by arm: above in the language of training, below
    the mean of the others, each with its 95 % t interval over seeds. Only targets that were read in a ball. Radii stand
    one beside the other, whatever lies between them, and arms a little apart, or they would hide each other."""
    rows = scores[scores["main"].astype(bool) & (scores["split"] == "test")] if len(scores) else scores
    rows = rows[(rows["condition"] == CLEAN) | (rows["radius"] > 0)] if len(rows) else rows
    if rows.empty or rows["radius"].nunique() < 2:
        return empty()
    around = rows[rows["radius"] > 0]
    rows = rows[rows["language"].isin(around["language"]) & rows["task"].isin(around["task"])]
    name = trained.heading(rows)
    rows = rows.assign(points=100 * rows["value"], who=np.where(trained.is_source(rows), name, "other languages"))
    targets, arms = list(dict.fromkeys(rows["task"])), list(dict.fromkeys(rows["arm"]))
    groups = [who for who in (name, "other languages") if who in set(rows["who"])]
    figure, panels = plt.subplots(
        len(groups), len(targets), figsize=(4 * len(targets) + 0.6, 2.8 * len(groups) + 0.8), squeeze=False,
        layout="constrained",
    )  # fmt: skip
    plt.close(figure)
    for (down, across), axes in np.ndenumerate(panels):
        part = rows[(rows["task"] == targets[across]) & (rows["who"] == groups[down])]
        for number, (arm, of_arm) in enumerate(part.groupby("arm", sort=False)):
            style = {"color": palette(arms)[arm], "marker": _ARM_MARKS[arms.index(arm) % len(_ARM_MARKS)], "label": arm}
            _over_radii(axes, of_arm, 0.05 * number, style)
        low, high = axes.get_ylim()
        axes.set_ylim(max(low, -2), min(high, 102))  # an interval of few seeds knows no bounds
        radii = sorted(part["radius"].unique())
        axes.set_xticks(range(len(radii)), [f"{radius:g}" for radius in radii])
        axes.set(title=f"{targets[across]}, {groups[down]}", ylabel="points")
        axes.set_xlabel("radius (L2, word embeddings), not to scale")
    lines = {bars.get_label(): bars for axes in panels.flat for bars in axes.containers}  # an arm may lack a target
    figure.legend(lines.values(), lines, loc="outside lower center", ncol=5, frameon=False, fontsize=8)
    sns.despine(figure)
    return figure


def _over_radii(axes: plt.Axes, rows: pd.DataFrame, aside: float, style: dict[str, object]) -> None:
    """One arm: mean over languages within a seed, then over seeds."""
    seeds = rows.groupby(["radius", "seed"])["points"].mean().groupby("radius")
    found = pd.DataFrame([mean_interval(values) for _, values in seeds], columns=["value", "low", "high"])
    half = (found["high"] - found["value"]).fillna(0)
    axes.errorbar(found.index + aside, found["value"], yerr=half, markersize=4, linewidth=1, capsize=2, **style)
