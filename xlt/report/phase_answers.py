"""The answers that open the pages of phases 2 and 4, each a sentence with its intervals."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from xlt.analysis import layers, stats
from xlt.core.text import DASH, NOT_RUN, interval, plain, points
from xlt.lab.study import Study
from xlt.report.outputs import Markdown
from xlt.report.sentences import at_chance, counted

_DECLARED = {"fixed": "at the fixed layer", "held out": "at the layer that is best on all other languages"}


def every_stage(learned: pd.DataFrame, study: Study) -> pd.DataFrame:
    """`phases.learned_table` with a row for each stage of the study: "not run" where it has no score yet, a dash where
    there are no development records of what it learns."""
    if "task" not in learned:
        return learned
    read, rows = {evaluation.task for evaluation in study.evaluations}, []
    for name, recipe in study.recipes.items():
        if name not in set(learned["intermediate"]):
            trains = dict.fromkeys(recipe.stages[-1].trains)
            cell = NOT_RUN if read & trains.keys() else DASH
            about = {"intermediate": name, "task": ", ".join(trains)}
            rows.append(dict.fromkeys(learned.columns, cell) | about)
    return pd.concat([learned, pd.DataFrame(rows)], ignore_index=True) if rows else learned


def intermediate(question: str, learned: pd.DataFrame, retrieval: pd.DataFrame) -> Markdown:
    """Which stages learned what they trained on, which did not, and what each leaves of sentence retrieval.

    `learned`: `every_stage`; `retrieval`: the transfer matrix of the targets that need no training.
    """
    said = [_learned(learned), _lost(retrieval)]
    return Markdown(f"**{plain(question)}** {plain(' '.join(filter(None, said)))}")


def _learned(table: pd.DataFrame) -> str:
    if "collapsed" not in table:
        return f"{NOT_RUN.capitalize()}."
    counts = pd.to_numeric(table["collapsed"], errors="coerce").groupby(table["intermediate"], sort=False)
    known, lost = counts.count() == counts.size(), counts.max() > 0
    names = {"": known & ~lost, "unknown": ~known & ~lost}
    names = {key: ", ".join(which.index[which]) for key, which in names.items()}
    failed = at_chance(table)
    return " ".join(
        filter(
            None,
            (
                f"Learned in every seed, all of its tasks: {names['']}." if names[""] else "",
                f"At chance, where a control with shuffled labels belongs, stayed {failed}." if failed else "",
                f"Not known, without a development score or a guess: {names['unknown']}." if names["unknown"] else "",
            ),
        )
    )


def _lost(matrix: pd.DataFrame) -> str:
    """For each target the stages between which its differences to the encoder as it is lie, and their verdicts."""
    rows = matrix[matrix["difference"].notna()]
    said = []
    for target, part in rows.groupby("target", sort=False):
        ends = part.sort_values("difference").iloc[[0, -1] if len(part) > 1 else [0]]
        told = " to ".join(
            f"{interval(row.difference, row.diff_low, row.diff_high)} after {row.intermediate}"
            for row in ends.itertuples()
        )
        said.append(f"{target} {told} ({counted(part['verdict'])})")
    if not said:
        return "No sentence retrieval after a stage has run here."
    return f"Sentence retrieval against the encoder as it is, in points: {'; '.join(said)}."


def layer(question: str, sweeps: Mapping[str, pd.DataFrame], declared: int | None) -> Markdown:
    """Best layer and pooling of each encoder, and what a stage costs by each declared rule (`layers.choose`).

    The first of the `sweeps` is the encoder before any stage; intervals are over languages, in pairs.
    """
    curve = layers.layer_table(sweeps)
    rows = curve[(curve["direction"] == "en_to_xx") & ~curve["centred"]]
    if rows.empty:
        return Markdown(f"**{plain(question)}** {NOT_RUN.capitalize()}.")
    best = rows.loc[rows.groupby("recipe", sort=False)["accuracy"].idxmax()]
    oracle = "; ".join(
        f"{row.recipe} layer {row.layer} with {row.pooling} pooling, {points(row.accuracy)}"
        for row in best.itertuples()
    )
    before, *_ = sweeps
    lost = [f"{where} {told}" for rule, where in _DECLARED.items() if (told := _cost(sweeps, before, rule, declared))]
    said = f"Best of all, chosen on the test set: {oracle}."
    if lost:
        said += f" Against {before}, in points with 95 % intervals over languages: {'; '.join(lost)}."
    return Markdown(f"**{plain(question)}** {plain(said)}")


def _cost(sweeps: Mapping[str, pd.DataFrame], before: str, rule: str, declared: int | None) -> str:
    ran = {name: table for name, table in sweeps.items() if len(table)}
    if before not in ran or (rule != "fixed" and ran[before]["language"].nunique() < 2):
        return ""
    read = {name: layers.choose(table, rule, declared) for name, table in ran.items()}
    means = {name: table.groupby("language")["accuracy"].mean() for name, table in read.items()}
    differences = {
        name: stats.mean_interval((mean - means[before]).dropna()) for name, mean in means.items() if name != before
    }
    return ", ".join(f"{interval(*found)} after {name}" for name, found in differences.items())
