"""What a contrast is made of: the scores that it weighs, over languages, then cells, then arms, seed by seed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from xlt.analysis.conditions import drops, tested
from xlt.analysis.estimate import beside_every_seed, different, refuse_repeated, shares
from xlt.spec import tasks
from xlt.spec.languages import language
from xlt.spec.study import Contrast
from xlt.spec.trained import in_languages

Cells = list[tuple[str, str]]  # target, condition
CELL = ["arm", "task", "condition"]
READ = [*CELL, "recipe", "intermediate", "seed", "language", "source_language", "split", "changed", "n", "main"]
READ += ["value", "run", "outcome"]
CLEAN_PART, PERTURBED_PART = "clean", "perturbed"  # of a drop
UPPER, LOWER = "upper languages", "lower ones"  # of a gap
DOUBLING = 500  # intermediate records that are one step of a dose; each further step doubles what there is, these added


def weighted(scores: pd.DataFrame, contrast: Contrast, over: Cells) -> pd.DataFrame:
    """The scores behind a contrast with the column `weight`: in each seed their weighted sum is the contrast.

    The column `arm_weight` is the weight of a row's arm, whatever the row's share in the figure of that arm (`scale`).
    The column `side` is 1 for the arms `of`, -1 for those `against`; a contrast may have one arm on both. Of a dose it
    is the sign of the arm's weight. Of a drop the column `part` says which of its two scores a row is; of a gap,
    on which side of it. A difference is taken within seeds: a seed counts that all sides have. Without such a seed
    there are no rows. All arms are averaged over the same languages and cells: those in which each of them has a score.

    Raises:
        UserError: a score is there twice, as where two reports were joined, and would count twice.
    """
    arms = set(contrast.arms)
    read = {name for task, _ in over for name in (task, tasks.get(task).clean)}
    rows = scores.filter(items=READ)  # score files are wide, and copies of all their columns take time
    rows = tested(rows[rows["arm"].isin(arms) & rows["task"].isin(read)]).dropna(subset="value")
    rows = _shared(rows, arms, ["task", "condition", "language"])
    if contrast.outcome == "drop":
        rows = drops(rows)
    rows = rows[pd.MultiIndex.from_frame(rows[["task", "condition"]]).isin(over)]
    rows = beside_every_seed(rows)  # before the sides part: an untrained encoder has no seeds
    refuse_repeated(rows, [*CELL, "language", "seed"])
    cells = _shared(_cells(rows.assign(weight=1.0), contrast), arms, ["task", "condition"])
    sides = [
        side.assign(weight=factor * side["weight"], side=int(np.sign(factor)), arm_weight=factor / len(names))
        for names, factor in _factors(contrast)
        for side in [_side(cells, names)]
    ]
    seeds = set.intersection(*(set(side["seed"]) for side in sides))
    chosen = pd.concat([side[side["seed"].isin(seeds)] for side in sides], ignore_index=True)
    return _clean_and_perturbed(chosen) if contrast.outcome == "drop" else chosen


def figures(rows: pd.DataFrame) -> pd.Series:
    """Of weighted scores: the contrast in each seed, by seed."""
    return (rows["weight"] * rows["value"]).groupby(rows["seed"]).sum().sort_index()


def scale(rows: pd.DataFrame) -> float:
    """Of weighted scores: the sum of the squared weights of the arms.

    Of a difference of two arms it is 2, of the mean of three less one 1/3 + 1, of a slope the sum over its doses, of
    what one arm scores 1. Arms that vary alike over seeds make contrasts whose variances are as these sums. A drop or a
    gap of one arm counts as 1, too, and the difference of two of them as 2: both scores are of the same run, and what a
    seed does to the one it mostly does to the other, so that they do not vary like two runs.
    """
    arms = rows.drop_duplicates(["arm", "arm_weight"])
    net = arms["arm_weight"].groupby(arms["arm"]).sum()  # an arm may stand on both sides
    return float(net @ net)


def _factors(contrast: Contrast) -> Iterator[tuple[Sequence[str], float]]:
    """Groups of arms, and the factor with which the mean over each enters the contrast."""
    if contrast.dose:
        yield from (((arm,), factor) for arm, factor in slope(contrast.dose).items())
    else:
        yield from ((names, sign) for names, sign in ((contrast.of, 1.0), (contrast.against, -1.0)) if names)


def steps(dose: Mapping[str, float]) -> dict[str, float]:
    """Each arm's dose in doublings: 0 for no records, 1 for DOUBLING, 2 for three times as many."""
    return {arm: float(np.log2(1 + records / DOUBLING)) for arm, records in dose.items()}


def slope(dose: Mapping[str, float]) -> dict[str, float]:
    """The weight of each arm's score in the least-squares slope over `steps`.

    The slope is a weighted sum of the scores, so what holds of a difference of arms holds of it: seeds are paired,
    records are crossed with them.
    """
    doubled = steps(dose)
    centred = np.array(list(doubled.values())) - np.mean(list(doubled.values()))
    return dict(zip(doubled, (centred / (centred @ centred)).tolist(), strict=True))


def _shared(rows: pd.DataFrame, arms: set[str], names: Sequence[str]) -> pd.DataFrame:
    """The rows, all of them of `arms`, with those values of the columns `names` that all of these have."""
    return rows[different(rows, ["arm"], names) == len(arms)]


def _cells(rows: pd.DataFrame, contrast: Contrast) -> pd.DataFrame:
    """The rows whose weighted sum in a cell of an arm and seed is its mean over languages, or the gap between two
    groups of them, in complete seeds. A cell of which no seed is complete is left out, not the arm."""
    upper = rows[in_languages(rows, contrast.languages)]
    if not contrast.minus:
        return shares(upper, by=CELL)
    sides = _beside_their_standards(upper, rows[in_languages(rows, contrast.minus)])
    upper, lower = (shares(side, by=CELL, over=["variety"]) for side in sides)
    lower = lower.assign(weight=-lower["weight"], part=LOWER)
    gap = pd.concat([upper.assign(part=UPPER), lower], ignore_index=True)
    return gap[different(gap, ["part"], [*CELL, "seed"]) == 2]


def _side(cells: pd.DataFrame, arms: Sequence[str]) -> pd.DataFrame:
    """The rows whose weighted sum is the mean over `arms` of each one's mean over the cells, in complete seeds.

    Empty where one of the arms has not run.
    """
    means = shares(cells[cells["arm"].isin(arms)], by=["arm"], over=["task", "condition"])
    return shares(means if set(means["arm"]) == set(arms) else means[:0], over=["arm"])


def _beside_their_standards(upper: pd.DataFrame, lower: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Both sides of a gap with the column `variety`, over which each is averaged: its languages.

    Varieties whose standard language is on the upper side are each held against their own: there it stands once for
    each of them, and what is nobody's standard in a cell is left out, as are varieties without theirs.
    """
    standards = {code: language(code).standard for code in lower["language"].unique()}
    if not set(standards.values()) & set(upper["language"]):
        return upper.assign(variety=upper["language"]), lower.assign(variety=lower["language"])
    lower = lower.assign(variety=lower["language"], standard=lower["language"].map(standards).astype(object))
    place = [*CELL, "seed"]
    pairs = lower[[*place, "variety", "standard"]].rename(columns={"standard": "language"})
    upper = pairs.merge(upper.astype({"language": object}), on=[*place, "language"])
    held, has = (pd.MultiIndex.from_frame(side[[*place, "variety"]]) for side in (lower, upper))
    return upper, lower[held.isin(has)].drop(columns="standard")


def _clean_and_perturbed(rows: pd.DataFrame) -> pd.DataFrame:
    """Each drop as its two scores: the clean one, less the perturbed one."""
    clean = rows.assign(value=rows["clean"], **({"outcome": rows["clean_outcome"]} if "outcome" in rows else {}))
    perturbed = rows.assign(weight=-rows["weight"], part=PERTURBED_PART)
    return pd.concat([clean.assign(part=CLEAN_PART), perturbed], ignore_index=True)
