"""Tables from one tidy table of scores.

`scores` has one row per recipe, seed, task, language, perturbation and metric; `value` is a
fraction. Whatever is shown is in points (x 100). The average over languages is taken within a seed, over
those in which the task is not trained (see xlt.spec.trained); differences are taken in pairs of seeds. A cell
without a finished run says "not run"; none is left out.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import pandas as pd

from xlt.analysis import estimate, matrix_gates, matrix_runs, stats, verdicts
from xlt.analysis.family import effects
from xlt.analysis.records import Records
from xlt.core.errors import UserError, unknown
from xlt.core.text import DASH, NOT_RUN, detectable, fewer_seeds, interval, plus_minus, points
from xlt.data import exposure
from xlt.spec import trained
from xlt.spec.conditions import CLEAN
from xlt.spec.groups import ALL, SOURCE, ZERO_SHOT
from xlt.spec.study import Contrast, Control

_NEEDED = ("recipe", "intermediate", "seed", "task", "language", "metric", "value", "main")
_MATRIX = ["intermediate", "target", "metric", "mean", "low", "high", "sd", "n_seeds", "seeds"]
_DECIDED = ["value", "low", "high", "p", "equivalence", "detectable", "verdict", "why"]
_READ_AS = {"split": "test", "changed": None, "n": 0}  # of scores from elsewhere, which may lack these columns


# ---- from rows to seeds ------------------------------------------------------------------


def main_scores(scores: pd.DataFrame, languages: str | Collection[str] = ALL) -> pd.DataFrame:
    """The rows of the main metrics in `languages`, refused where averaging them would mix things up."""
    if missing := [name for name in _NEEDED if name not in scores]:
        raise UserError(f"scores lack the column {', '.join(missing)}")
    rows = scores[scores["main"].astype(bool)]
    if "perturbation" in rows and rows["perturbation"].nunique(dropna=False) > 1:
        raise UserError(f"scores hold perturbations {listed(rows['perturbation'])}; keep one of them")
    for (intermediate, task), recipes in rows.groupby(["intermediate", "task"])["recipe"]:
        if recipes.nunique() > 1:
            raise UserError(f"{task} after {intermediate} has recipes {listed(recipes)}; keep one of them")
    estimate.refuse_repeated(rows, ["intermediate", "task", "language", "seed"])
    return rows[_chosen(rows, languages)]


def listed(names: pd.Series) -> str:
    """The different values, sorted, as text."""
    return ", ".join(sorted(map(str, names.unique())))


def _chosen(rows: pd.DataFrame, languages: str | Collection[str]) -> pd.Series:
    chosen = trained.in_languages(rows, [languages] if isinstance(languages, str) else languages)
    # a task that is tested in no other language than that of its training has its cell in the matrix all the same
    return chosen | trained.never_zero_shot(rows) if languages == ZERO_SHOT else chosen


def seed_means(scores: pd.DataFrame, languages: str | Collection[str] = ZERO_SHOT) -> pd.DataFrame:
    """Columns intermediate, task, metric, seed, value: the mean over `languages` within each seed.

    `languages` is "zero-shot" (all but those of training), "source" (those), "all", one code or several. A seed that
    lacks one of its task's languages has the value nan: its mean would be over another set.
    """
    rows = main_scores(scores, languages)
    return estimate.seed_means(rows, by=["intermediate", "task", "metric"], within=["task"])


def transfer_matrix(
    scores: pd.DataFrame,
    baseline: str = estimate.DIRECT,
    languages: str | Collection[str] = ZERO_SHOT,
    intermediates: Sequence[str] = (),
    targets: Sequence[str] = (),
    controls: Mapping[str, Control] | None = None,
    smallest: float = verdicts.SMALLEST,
    records: Records | None = None,
    met: Collection[str] = (),
) -> pd.DataFrame:
    """Each intermediate task (rows, `baseline` first, `controls` last) on each target task, tidy, in fractions.

    Columns: intermediate, target, metric; mean, low, high, sd over seeds (95 % t interval);
    difference to the baseline, in pairs of seeds and records, with diff_low, diff_high (95 %), p and equivalence (Holm
    over the whole table), detectable, verdict and why (see `verdicts`, and `matrix_gates` for what is not testable);
    n_seeds of the `seeds` that the target has at
    all; languages that are averaged; same_task (trained on the target's own data); trained (zero-shot by its languages,
    in some of which a stage learned a task all the same); met (the encoder has learned from the target's data before
    any stage); unseeded, and twin, the row above that has the same scores (`matrix_runs`); how many of the n_seeds have
    collapsed (see `degenerate_runs`), and the mean `without` them; control: what a control is in words, "" for an
    intermediate task.
    `intermediates` and `targets` name what was planned, so that what never ran has its cell too. `smallest` is the
    smallest effect of interest, `records` the outcomes behind the scores, `met` names targets (`exposure.learned`).
    """
    means, controls = seed_means(scores, languages), controls or {}
    ran = [name for name in dict.fromkeys(means["intermediate"]) if name not in controls]
    rows = list(dict.fromkeys([baseline, *intermediates, *ran, *controls]))
    lacking = {(row, column) for row, control in controls.items() for column in control.without}
    columns = [name for name in dict.fromkeys([*targets, *means["task"]]) if (baseline, name) not in lacking]
    if baseline not in {estimate.DIRECT, *intermediates, *controls, *means["intermediate"]}:
        raise unknown("baseline", baseline, means["intermediate"].unique())
    cells = [(row, column) for row in rows for column in columns if (row, column) not in lacking]
    matrix = pd.DataFrame([_cell(means, row, column) for row, column in cells], columns=_MATRIX)
    lost = matrix_gates.collapsed_runs(scores, means)
    matrix = matrix.join(_differences(scores, languages, matrix, baseline, smallest, records, lost))
    matrix["control"] = [controls[row].told if row in controls else "" for row in matrix["intermediate"]]
    matrix["languages"] = matrix["target"].map({name: _averaged(scores, name, languages) for name in columns})
    matrix["met"] = matrix["target"].isin(list(met))
    bare = matrix_runs.unseeded(scores)
    matrix["unseeded"] = [cell in bare for cell in zip(matrix["intermediate"], matrix["target"], strict=True)]
    matrix["twin"] = matrix_runs.twins(scores, matrix)
    same = scores[scores["same_task"]] if "same_task" in scores else scores[:0]
    seen = main_scores(scores, ZERO_SHOT) if languages == ZERO_SHOT and "trained_in" in scores else scores[:0]
    seen = seen[seen["trained_in"] != ""] if len(seen) else seen
    for column, rows in {"same_task": same, "trained": seen}.items():
        pairs = set(zip(rows["intermediate"], rows["task"], strict=True))
        matrix[column] = [pair in pairs for pair in zip(matrix["intermediate"], matrix["target"], strict=True)]
    return matrix.join(lost.drop(columns="runs"), on=["intermediate", "target"]).fillna({"collapsed": 0})


def _averaged(scores: pd.DataFrame, task: str, languages: str | Collection[str]) -> str:
    """The languages of a cell in words; of a task that is tested in those of its training alone, their codes."""
    if languages not in (ZERO_SHOT, SOURCE):
        return languages if isinstance(languages, str) else " ".join(languages)
    rows = scores[scores["task"] == task]
    if languages == SOURCE:
        return " ".join(trained.codes(rows) or trained.codes(scores)) or SOURCE
    return " ".join(trained.codes(rows)) if len(rows) and trained.is_source(rows).all() else ZERO_SHOT


def over(matrix: pd.DataFrame) -> str:
    """The languages that the cells of a matrix are averaged over: "zero-shot languages", "en languages"."""
    by = matrix.groupby("languages", sort=False)["target"].unique()
    usual = ZERO_SHOT if ZERO_SHOT in by else by.index[0]
    others = "; ".join(f"of {', '.join(names)} {codes}" for codes, names in by.items() if codes != usual)
    return f"{usual} languages{f' ({others})' if others else ''}"


def _cell(means: pd.DataFrame, intermediate: str, target: str) -> dict:
    """What one row of the matrix says of its own seeds."""
    column = means[means["task"] == target]
    values = column.loc[column["intermediate"] == intermediate, "value"].dropna().to_numpy()
    mean, low, high = stats.mean_interval(values)
    cell = {"intermediate": intermediate, "target": target, "metric": listed(column["metric"])}
    cell |= {"mean": mean, "low": low, "high": high, "sd": values.std(ddof=1) if values.size > 1 else np.nan}
    return cell | {"n_seeds": values.size, "seeds": column["seed"].nunique()}


def _differences(
    scores: pd.DataFrame,
    languages: str | Collection[str],
    matrix: pd.DataFrame,
    baseline: str,
    smallest: float,
    records: Records | None,
    lost: pd.DataFrame,
) -> pd.DataFrame:
    """Each cell against the baseline's of its target, decided as one family; nan in the baseline's own row."""
    every = main_scores(scores).assign(condition=CLEAN)
    every = every.assign(**{name: value for name, value in _READ_AS.items() if name not in every})
    arms = every[_chosen(every, languages)].assign(arm=lambda rows: rows["intermediate"])
    held = matrix[(matrix["intermediate"] != baseline) & (matrix["n_seeds"] > 0)]
    cells = list(zip(held["intermediate"], held["target"], strict=True))
    asked = [
        (Contrast(question="", of=(name,), against=(baseline,), languages=(ALL,)), [(target, CLEAN)])
        for name, target in cells
    ]
    gates = matrix_gates.failed(every, lost, cells, baseline, records)
    found = effects(arms, asked, smallest, records, gates)
    names = {"value": "difference", "low": "diff_low", "high": "diff_high"}
    table = pd.DataFrame([one._asdict() for one in found], index=held.index, columns=_DECIDED)
    table = table.astype(dict.fromkeys(_DECIDED[:6], float))  # also where nothing ran
    return table.rename(columns=names).reindex(matrix.index)


def most_changed(scores: pd.DataFrame, matrix: pd.DataFrame, task: str, count: int = 4) -> pd.DataFrame:
    """The rows of the baseline and of the `count` intermediate tasks that change `task` most, either way."""
    cell = matrix[(matrix["target"] == task) & matrix["difference"].notna() & (matrix["control"] == "")]
    largest = cell.sort_values("difference", key=abs, ascending=False)["intermediate"].head(count)
    return scores[scores["intermediate"].isin([matrix["intermediate"].iloc[0], *largest])]


# ---- tables ------------------------------------------------------------------------------


def clear(matrix: pd.DataFrame) -> pd.Series:
    """Whether a difference is decided to be higher or lower."""
    return matrix["verdict"].isin([verdicts.HIGHER, verdicts.LOWER])


def untested(row: tuple) -> bool:
    """Whether a gate failed in a cell of the matrix; one without an interval shows by itself that it is not tested."""
    return row.verdict == verdicts.NOT_TESTABLE and not np.isnan(row.diff_low)


def cells(matrix: pd.DataFrame) -> pd.DataFrame:
    """The matrix as text, intermediate x target: "71.3 ± 1.2" over "+2.1 [0.4, 3.8]*"."""
    rows, columns = names(matrix)
    texts = [_cell_text(row) for row in matrix.itertuples()]
    wide = matrix.assign(text=texts).pivot(index="intermediate", columns="target", values="text")
    return wide.loc[rows, columns].fillna(DASH)  # a control that a target does not have


def names(matrix: pd.DataFrame) -> tuple[list[str], list[str]]:
    """Intermediate and target tasks in the order of the matrix."""
    return list(matrix["intermediate"].unique()), list(matrix["target"].unique())


def marked(row: tuple | pd.Series) -> str:
    """ " †" of a cell that is trained on the target's own data, " ‡" where it is not zero-shot, " §" where the encoder
    has learned from the target's data before any stage."""
    return f"{' †' if row.same_task else ''}{' ‡' if row.trained else ''}{exposure.SIGN if row.met else ''}"


def _cell_text(row: tuple) -> str:
    if row.n_seeds == 0:
        return NOT_RUN
    text = f"{plus_minus(row.mean, row.high)}{marked(row)}"
    if not np.isnan(row.difference):
        sign = verdicts.SIGNS.get(row.verdict, "")
        text += f"\n{interval(row.difference, row.diff_low, row.diff_high, sign=False)}{sign}"
        text += f" {verdicts.NOT_TESTABLE}" if untested(row) else ""
    if row.collapsed:
        some = f"{row.collapsed:.0f} of {row.n_seeds} collapsed; without {points(row.without)}"
        text += "\n(every run collapsed)" if row.collapsed == row.n_seeds else f"\n({some})"
    seeds = "(has no seeds)" if row.unseeded else fewer_seeds(row.n_seeds, row.seeds)
    return "\n".join(filter(None, (text, seeds, f"(equal to {row.twin})" if row.twin else "")))


def footnote(matrix: pd.DataFrame) -> str:
    """What the cells of the matrix mean, and how small a difference its seeds can detect."""
    ran = matrix[matrix["n_seeds"] > 0]
    if ran.empty:
        return "Nothing in this table has run."
    counts = ran.loc[~ran["unseeded"], "n_seeds"] if not ran["unseeded"].all() else ran["n_seeds"]
    fewest, most, base = counts.min(), counts.max(), matrix["intermediate"].iloc[0]
    seeds = f"{fewest} to {most} seeds" if fewest < most else f"{most} seeds" if most > 1 else "1 seed"
    reach = detectable(ran.loc[ran["verdict"] != verdicts.NOT_TESTABLE, "detectable"])
    power = f" True differences that are found with 80 % power, as decided: {reach}." if reach else ""
    gates = " Not testable: every run of one side has collapsed, or neither lies three standard errors above a guess."
    gates = gates if any(map(untested, ran.itertuples())) else ""
    twins = " † The intermediate task is the target's own training task." if ran["same_task"].any() else ""
    controls = control_note(dict(zip(ran["intermediate"], ran["control"], strict=True)))
    twins += " ‡ Not zero-shot: a stage learned a task in some of these languages." if ran["trained"].any() else ""
    twins += f" {exposure.LEGEND}" if ran["met"].any() else ""
    twins += " Has no seeds: the encoder as it is, beside every seed of the others." if ran["unseeded"].any() else ""
    same = ran[ran["twin"] != ""].groupby(["intermediate", "twin"], sort=False)["target"].agg(", ".join)
    twins += "".join(f" '{a}' is equal to '{b}' score by score on {on}: trained alike." for (a, b), on in same.items())
    metrics = ", ".join(f"{row.target} {row.metric}" for row in ran.drop_duplicates("target").itertuples())
    return (
        f"Points ({metrics}): mean over {over(matrix)} within a seed, then over {seeds}, ± 95 % t interval; below "
        f"it the difference to '{base}' with its 95 % interval over seeds and records. ▲ higher, ▼ lower, ≈ equivalent "
        f"(p < 0.05 after Holm's correction over the table); without a sign undecided.{gates}{twins}{controls}{power}"
    )


def control_note(meanings: Mapping[str, str]) -> str:
    """A sentence on the control rows, of which `meanings` says what they are; "" where it has none."""
    controls = "; ".join(f"'{name}' is {what}" for name, what in meanings.items() if what)
    return f" Controls, no intermediate tasks: {controls}." if controls else ""
