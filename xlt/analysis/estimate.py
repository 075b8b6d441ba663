"""The one estimator: languages are averaged within a seed; `inference` takes the interval from there.

All scores of one seed come from the same training, so languages, targets and conditions tell nothing about how far
another training would lie; another seed does. A seed that lacks one of the languages is left out, as its mean would be
over another set. Everything here is in fractions.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from xlt.analysis import stats
from xlt.core.errors import UserError
from xlt.core.text import fewer_seeds
from xlt.spec import tasks

DIRECT = "none"  # what a score's intermediate stages are called after direct fine-tuning


def seed_means(
    rows: pd.DataFrame,
    by: Sequence[str] = (),
    over: Sequence[str] = ("language",),
    within: Sequence[str] | None = None,
    values: Sequence[str] = ("value",),
) -> pd.DataFrame:
    """Columns `by`, seed and `values`: in each group `by` and each seed, the mean of the values over the cells `over`.

    It is nan where a seed lacks one of the cells that the rows hold anywhere in the group `within` (default: `by`).
    """
    within = by if within is None else within
    rows = rows[list(dict.fromkeys([*by, *within, *over, "seed", *values]))]
    # a missing score is no cell, so that a seed without it counts one too few
    cell = rows.groupby([*over], sort=False, dropna=False).ngroup().where(rows[[*values]].notna().all(axis=1))
    wanted = cell.groupby([rows[name] for name in within]).transform("nunique") if within else cell.nunique()
    groups = rows.assign(cell=cell, wanted=wanted).groupby([*by, "seed"], sort=False)
    complete = groups["cell"].nunique() == groups["wanted"].first()
    return groups[[*values]].mean().where(complete, axis=0).reset_index()


def shares(rows: pd.DataFrame, by: Sequence[str] = (), over: Sequence[str] = ("language",)) -> pd.DataFrame:
    """The rows of complete seeds, with `weight` divided by how many cells `over` their group `by` has in a seed.

    The weighted sum of a seed is then what `seed_means` gives, and it is known which scores it is made of.
    """
    wanted, have = (different(rows, over, names) for names in (by, [*by, "seed"]))
    return rows.assign(weight=rows["weight"] / have)[have == wanted]


def different(rows: pd.DataFrame, names: Sequence[str], by: Sequence[str]) -> np.ndarray:
    """How many different combinations of values of the columns `names` the group `by` of each row has.

    A report counts them thousands of times, in some hundred rows each, where grouping by pandas takes milliseconds.
    """
    groups = _numbered(rows, by)
    pairs = np.unique(np.column_stack([groups, _numbered(rows, names)]), axis=0)
    return np.bincount(pairs[:, 0], minlength=1)[groups]


def _numbered(rows: pd.DataFrame, names: Sequence[str]) -> np.ndarray:
    """One number for each combination of values of the columns `names`, by row."""
    numbers = np.zeros(len(rows), dtype=np.int64)
    for name in names:
        codes, values = pd.factorize(rows[name].to_numpy(), use_na_sentinel=False)
        numbers = np.unique(numbers * max(len(values), 1) + codes, return_inverse=True)[1]
    return numbers


def repeated(rows: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """The rows of the first combination of values of the columns `names` that has several; none where each has one."""
    several = rows[rows.duplicated(names, keep=False)]
    return several[(several[names] == several[names].iloc[0]).all(axis=1)] if len(several) else several


def refuse_repeated(rows: pd.DataFrame, names: Sequence[str]) -> None:
    """Of scores that are averaged: one that is there twice would count twice.

    Raises:
        UserError: several scores have the same values in the columns `names`.
    """
    found = repeated(rows, names)
    if len(found):
        cell = ", ".join(f"{name} {found[name].iloc[0]}" for name in names)
        differ = [name for name in found if found[name].nunique(dropna=False) > 1]
        how = f"they differ in {' and '.join(differ[:3])}: keep one" if differ else "they are copies: drop_duplicates()"
        raise UserError(f"scores hold two main values of {cell}; {how}")


def over_seeds(rows: pd.DataFrame, over: Sequence[str] = ("language",)) -> stats.Interval:
    """The mean over the cells within each seed, then over seeds, with its 95 % t interval."""
    return stats.mean_interval(seed_means(rows, over=over)["value"].dropna())


def of_fewer_seeds(texts: Iterable[str], table: pd.DataFrame) -> list[str]:
    """The texts of a table's means, with the number of seeds where the arm has more of them on the same target."""
    most = table.groupby(["arm", "target"])["seeds"].transform("max")
    counts = map(fewer_seeds, table["seeds"], most)
    return [f"{text} {count}".rstrip() for text, count in zip(texts, counts, strict=True)]


def figures(means: pd.DataFrame) -> pd.Series:
    """One figure for each complete seed, from `seed_means` of a single group."""
    return means.dropna(subset="value").set_index("seed")["value"].sort_index()


def headless(task: str) -> bool:
    """Whether the task is done with the encoder alone, so that an untrained encoder has a score on it."""
    return task in tasks.TASKS and tasks.TASKS[task].headless


def beside_every_seed(rows: pd.DataFrame, seeds: Iterable[int] | None = None) -> pd.DataFrame:
    """The rows, with the scores of an encoder that nothing was trained on repeated for each of `seeds` (default: all).

    Such an encoder has no seeds: its one score stands beside every seed of what is compared with it.
    """
    seeds = rows["seed"].unique() if seeds is None else seeds
    untrained = rows["task"].map(headless).astype(bool) & (rows["intermediate"] == DIRECT)
    once = rows.groupby(["recipe", "task"], sort=False)["seed"].transform("nunique") == 1
    constant = rows[untrained & once]
    if constant.empty:
        return rows
    return pd.concat([rows[~(untrained & once)], *(constant.assign(seed=seed) for seed in seeds)])
