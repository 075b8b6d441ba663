"""Adversarial filtering: of a pool of training records, those that models trained on the rest of it get wrong.

The pool is cut in two at random. On each half a model is trained, from the profile's encoder and as it trains, and
reads the other half: no model reads what it has learned. Three sets of equal size and with equally many records of each
label are then drawn: `hard` of what was read wrongly, `easy` of what was read rightly, `random` of all. Adversarial
data of this kind need no annotators. Hard records are also more often mislabelled, so they must be looked at: each
keeps its data set and row.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa

from xlt.core import paths
from xlt.core.console import print_table
from xlt.core.errors import UserError
from xlt.data import writing
from xlt.data.rows import bounds
from xlt.data.store import predictions
from xlt.lab.lab import Lab
from xlt.spec import slices, tasks

SETS = ("hard", "easy", "random")
HELD_OUT = 1000  # records like the pool, at most, that tell for all three sets whether their task was learned
_HALVES = ("a", "b")
_TEXTS = ("text_a", "text_b")  # columns of a record, the second of pairs alone
_FEWEST = 4  # records of a label: two that may be read rightly, and two wrongly
_TAKEN = 0.9  # of what was read wrongly of a label, at most, for some to be left to test with


class Filtered(NamedTuple):
    """The folder of the three sets; by data set of the pool, how many records were read and the share read wrongly; and
    how many records each set has."""

    folder: Path
    read: pd.DataFrame
    size: int


def command(profile: str, of: Sequence[str], keep: int, name: str) -> None:
    """`xlt filter`: makes the sets and prints what was read wrongly.

    Raises:
        UserError: as for `filtered`; or the profile's records are generated.
    """
    lab = Lab.from_params(profile)
    if lab.source.label:
        called = lab.profile.name
        raise UserError(f"filter: {called} reads the generated world, which has adversarial records; name another")
    found = filtered(lab, of, keep, name)
    print_table(tuple(found.read.columns), (tuple(map(str, row)) for row in found.read.itertuples(index=False)))
    print(f"{', '.join(SETS)}: {found.size:,} records each, in {paths.shortened(found.folder)}")


def filtered(lab: Lab, of: Sequence[str], keep: int, name: str, seed: int = 0) -> Filtered:
    """Make the data set xlt/filtered-NAME, with the configs hard, easy and random, in the cache.

    Args:
        of: tasks, each with or without a slice of its training rows: "mnli[:70%]", "snli".
        keep: records of each set; less where too few of a label were read wrongly.

    Raises:
        UserError: a name that is a path; tasks of other families than classification, of unlike labels or texts; what
            is no slice; a pool that is too small.
    """
    folder = paths.made_root() / f"{tasks.FILTERED}{paths.as_file_name(name, 'filter: --name')}"
    pool, labels = _pool(lab, of, seed)
    if _least(pool, labels) < _FEWEST:  # which is known before anything is trained
        raise _too_few(pool)
    pool["wrong"] = _read(lab, folder, pool, labels, name)
    rng = np.random.default_rng(seed)
    chosen = dict(zip(SETS, (pool[pool["wrong"]], pool[~pool["wrong"]], pool), strict=True))
    each = min(keep // len(labels), *(int(_TAKEN * _least(part, labels)) for part in chosen.values()))
    if not each:
        raise _too_few(pool)
    sets = {kind: _balanced(part, int(each), rng) for kind, part in chosen.items()}
    dev = _like(pool, pool.drop(index=pd.concat(sets.values()).index.unique()), rng)
    for kind, rows in sets.items():
        _write(folder, kind, {"train": rows, "dev": dev})
    writing.card(folder, f"Made by `xlt filter` of {', '.join(of)}.")
    lab.source.look_again()
    return Filtered(folder, _told(pool), int(each) * len(labels))


def _least(rows: pd.DataFrame, labels: Sequence[str]) -> int:
    """How many records the label has that has fewest."""
    return rows["label"].value_counts().reindex(labels, fill_value=0).min()


def _too_few(pool: pd.DataFrame) -> UserError:
    few = "of each label two must have been read rightly and two wrongly, which is not so"
    return UserError(f"filter: {few} among {len(pool):,} records; give more")


def _balanced(rows: pd.DataFrame, each: int, rng: np.random.Generator) -> pd.DataFrame:
    """So many records of each label at random, in the order of the pool."""
    drawn = [rng.permutation(part.index)[:each] for _, part in rows.groupby("label")]
    return rows.loc[np.sort(np.concatenate(drawn))]


def _like(pool: pd.DataFrame, rest: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Records of the `rest`, HELD_OUT at most, with the shares of labels and of wrongly read ones that the pool has.

    The sets have taken most of what was read wrongly. On the rest as it is, any model would look too good, and one that
    has learned the hard records too bad. What is left of each label, wrong or right, was left by chance.

    Raises:
        UserError: of one of them nothing is left.
    """
    parts = ["label", "wrong"]
    shares = pool.groupby(parts).size() / len(pool)
    left = rest.groupby(parts).size().reindex(shares.index, fill_value=0)
    size = min(HELD_OUT, int((left / shares).min()))
    if not size:
        label, wrong = left.idxmin()
        how = "wrongly" if wrong else "rightly"
        raise UserError(
            f"filter: of the records of {label} that were read {how} none is left to test with; lower --keep"
        )
    drawn = [
        rng.permutation(rest.index[(rest["label"] == label) & (rest["wrong"] == wrong)])[:count]
        for (label, wrong), count in (shares * size).round().astype(int).items()
    ]
    return rest.loc[np.sort(np.concatenate(drawn))]


def _pool(lab: Lab, of: Sequence[str], seed: int) -> tuple[pd.DataFrame, list[str]]:
    """All records in an order drawn at random: texts, name of the label, task, row; and the labels."""
    asked, parts = [_asked(wanted) for wanted in of], []
    first, _ = asked[0]
    for wanted, (task, cut) in zip(of, asked, strict=True):
        if task.labels != first.labels:
            theirs = ", ".join(first.labels)
            raise UserError(f"filter: {wanted} has labels {', '.join(task.labels)}, but {of[0]} {theirs}")
        if _texts(task) != _texts(first):
            raise UserError(f"filter: {wanted} and {of[0]} have records of one text and of two; filter them apart")
        records = lab.source.load(task, task.languages[0], "train")
        low, high = bounds(cut, len(records))
        columns = {column: records[column][low:high] for column in _texts(task)}
        columns["label"] = [task.labels[number] for number in records["label"][low:high]]
        parts.append(pd.DataFrame({**columns, "task": task.name, "row": np.arange(low, high)}))
    pool = pd.concat(parts, ignore_index=True)
    order = np.random.default_rng(seed).permutation(len(pool))
    return pool.iloc[order].reset_index(drop=True), list(first.labels)


def _asked(wanted: str) -> tuple[tasks.Task, str]:
    """The training task and the slice of its rows that "mnli[:70%]" names."""
    try:
        name, start, stop = slices.taken_apart(wanted)
    except ValueError as error:
        raise UserError(f"filter: --of {error}") from None
    task = tasks.get(name).training
    if task.family != tasks.CLASSIFICATION:
        raise UserError(f"filter: {name} is of family {task.family}; only classification can be filtered")
    return task, f"{start}:{stop}"


def _texts(task: tasks.Task) -> list[str]:
    return [column for column in _TEXTS if column in task.columns]


def _read(lab: Lab, folder: Path, pool: pd.DataFrame, labels: list[str], name: str) -> np.ndarray:
    """Whether each record was read wrongly by the model of the other half, (records,)."""
    halves = [pool.iloc[place::2] for place in range(2)]
    for place, half in enumerate(_HALVES):
        _write(folder, half, {"train": halves[place], "test": halves[1 - place]})
    writing.card(folder, "Halves of a pool, for `xlt filter`.")
    names = {half: f"filtered-{name}-{half}" for half in _HALVES}
    columns = {column: column if column in pool else None for column in _TEXTS}
    declared = {task: _half(folder, half, labels, columns) for half, task in names.items()}
    changes = {"tasks": lab.profile.tasks | declared, "target": dict.fromkeys(declared, {})}
    profile = lab.profile.model_copy(update=changes)
    profile.learn_tasks()
    reader = Lab(profile)
    recipes = {task: reader.recipe(target=task) for task in declared}
    evaluations = [profile.evaluate(task, "en", {"examples": None}) for task in declared]
    reader.run(recipes, evaluations, seeds=1)
    wrong = np.zeros(len(pool), dtype=bool)
    for place, evaluation in enumerate(evaluations):
        made = predictions(reader.store.score_file(recipes[evaluation.task].seeded(0), evaluation))
        wrong[1 - place :: 2] = [one["gold"] != one["prediction"] for one in made]
    return wrong


def _half(folder: Path, half: str, labels: list[str], columns: dict[str, str | None]) -> dict[str, Any]:
    """The task of one half: its training records, and as test records those of the other."""
    return {
        "family": tasks.CLASSIFICATION, "role": "target", "dataset": str(folder), "config": half, "labels": labels,
        "columns": columns, "splits": {"train": "train", "test": "test"}, "languages": "en",
    }  # fmt: skip


def _write(folder: Path, config: str, splits: dict[str, pd.DataFrame]) -> None:
    for split, rows in splits.items():
        kept = rows.drop(columns="wrong", errors="ignore")
        writing.split(folder, config, split, pa.Table.from_pandas(kept, preserve_index=False))


def _told(pool: pd.DataFrame) -> pd.DataFrame:
    """One row for each task of the pool and label: records, share read wrongly."""
    found = pool.groupby(["task", "label"])["wrong"].agg(records="count", wrong="mean").reset_index()
    return found.assign(wrong=[f"{100 * share:.1f} %" for share in found["wrong"]])
