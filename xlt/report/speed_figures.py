"""Figures of the measurement of speed: how many times as fast each way is, and where the time of a run goes."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from xlt.analysis.speeds import ratio
from xlt.report.figures import FIRST, canvas
from xlt.spec.speed import PADDED, READING, TRAINING


def ratios(rates: pd.DataFrame) -> Figure:
    """Records a second beside the scripts' defaults: a group for each case, a bar for each way, logarithmic."""
    cases = list(rates.groupby(["encoder", "records_of"], sort=False))
    ways = [way for way in dict.fromkeys(rates["way"]) if way != PADDED]
    colours = dict(zip(ways, sns.color_palette("colorblind"), strict=False))
    figure, panels = plt.subplots(
        1, 2, figsize=(9.5, 1.2 * len(cases) + 1.6), sharey=True, sharex=True, layout="constrained"
    )
    plt.close(figure)
    height, told, highest = 0.8 / len(ways), [], 2.0
    for axes, what in zip(panels, (TRAINING, READING), strict=True):
        for group, (case, found) in enumerate(cases):
            for place, way in enumerate(ways):
                times = ratio(found, what, way, PADDED)
                if np.isnan(times.value):
                    continue
                at = group + (place - (len(ways) - 1) / 2) * height
                axes.barh(at, times.value - 1, height, left=1, color=colours[way])
                axes.plot([times.low, times.high], [at, at], color=FIRST, linewidth=1.2)
                axes.text(max(times.value, 1), at, f" {times.value:.1f}", va="bottom", fontsize=7)
                highest = max(highest, times.value)
                told.append(f"{what}, {' encoder, '.join(case)}, {way}: {times.value:.1f}")
        axes.axvline(1, color="#555555", linewidth=1)
        axes.set(title=what, xscale="log", xlabel="times the records a second of the scripts' defaults")
        axes.set_xticks([1, 2, 5, 10, 20, 50], ["1", "2", "5", "10", "20", "50"])
        axes.minorticks_off()
    panels[0].set_xlim(0.5, 2.5 * highest)  # of few repetitions on a busy machine intervals may reach much farther
    panels[0].set_yticks(range(len(cases)), [f"{encoder} encoder\n{records}" for (encoder, records), _ in cases])
    panels[0].invert_yaxis()
    handles = [plt.Rectangle((0, 0), 1, 1, color=colours[way]) for way in ways]
    figure.legend(handles, ways, loc="outside lower center", ncol=4, frameon=False, fontsize=8)
    sns.despine(figure)
    figure.set_label(f"How many times as fast as the scripts' defaults. {'; '.join(told)}.")
    return figure


def minutes(spent: pd.DataFrame) -> pd.DataFrame:
    """Minutes of a whole run, a row for each way and a column for each part, both in their order in `spent`."""
    ways, parts = (list(dict.fromkeys(spent[column])) for column in ("way", "part"))
    return spent.pivot(index="way", columns="part", values="minutes").loc[ways, parts]


def stacked(spent: pd.DataFrame, title: str) -> Figure:
    """Minutes of a whole run, a bar for each way, divided into its parts."""
    table = minutes(spent)
    ways, parts = list(table.index), list(table.columns)
    figure, axes = canvas(9, 0.55 * len(ways) + 2)
    # paired hues: neighbours differ in lightness, too, so that they can be told apart without colour
    colours, left = sns.color_palette("Paired", len(parts)), np.zeros(len(ways))
    for colour, part in zip(colours, parts, strict=True):
        axes.barh(ways, table[part], left=left, color=colour, label=part, edgecolor="white", linewidth=0.4)
        left += table[part].to_numpy()
    for place, total in enumerate(left):
        axes.text(total, place, f" {total:,.0f} min", va="center", fontsize=8)
    axes.invert_yaxis()
    axes.set(title=title, xlabel="minutes, one process", xlim=(0, 1.12 * left.max()))
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncol=4, frameon=False, fontsize=8)
    shares = [f"{way}: {total:,.0f} minutes" for way, total in zip(ways, left, strict=True)]
    figure.set_label(f"{title}. {'; '.join(shares)}. Parts: {', '.join(parts)}.")
    return figure
