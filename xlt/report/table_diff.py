"""How one table differs between two reports.

Tables are compared cell by cell, rows being matched by their names. Numbers are equal within an absolute tolerance, in
the table's own unit; all else must be the same text. Scores that were made on different machines are compared as means,
within what their intervals allow (see `analysis.agreement`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from itertools import takewhile
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from xlt.analysis import agreement, score_tables
from xlt.core import spreadsheets
from xlt.core.errors import UserError
from xlt.core.provenance import MACHINE, MACHINE_COLUMN, UNKNOWN
from xlt.core.text import counted

OLD = "in the old report"  # in the sentence about a machine only where the two reports name different ones
_HOUR = re.compile(r"commit|dirty|hours|seconds|finished|peak_mb")
# the name of a row of a score file; of other tables it is the columns before the first number
_SCORE_KEYS = (
    "recipe", "intermediate", "target", "pretrained", "seed", "task", "language", "language_b", "perturbation",
    "strength", "perturbation_seed", "attack", "budget", "radius", "metric", "split", "limit", "layer", "pooling",
    "centred",
)  # fmt: skip


class Change(NamedTuple):
    """One cell; `by` is new minus old, None where either is no number."""

    row: str
    column: str
    old: str
    new: str
    by: float | None


class Difference(NamedTuple):
    """How a table or notebook differs: a note for each part that only one side has, changed cells, changed code."""

    name: str
    notes: list[str]
    changes: list[Change] = []
    text: str = ""

    def __bool__(self) -> bool:
        return bool(self.notes or self.changes or self.text)


class TablePair(NamedTuple):
    """A table of both reports: how it differs and, of scores, on what machines they were made and which means agree."""

    difference: Difference
    scores: bool = False
    paired: bool = True
    machines: list[str] = []
    means: list[agreement.Mean] = []


def missing(name: str, old: Path | None) -> Difference:
    """Of a file that only one of the reports has: the old one if `old` is its path there."""
    return Difference(name, ["not in the new report" if old else "not in the old report"])


def compare(name: str, old: Path | None, new: Path | None, tolerance: float) -> TablePair:
    """
    Raises:
        UserError: one of the files is damaged.
    """
    scores = name.startswith("scores")
    if not (old and new):
        return TablePair(missing(name, old), scores, paired=False)
    before, after = (_read(path, scores) for path in (old, new))
    made_on = [table[[column for column in table if MACHINE_COLUMN.fullmatch(column)]] for table in (before, after)]
    before, after = (table.drop(columns=of.columns) for table, of in zip((before, after), made_on, strict=True))
    notes = _on_one_side("column", before.columns, after.columns)
    keys = _keys(before, after, scores)
    before, after = (_indexed(table, keys) for table in (before, after))
    notes += _on_one_side("row", before.index, after.index)
    rows = before.index[before.index.isin(after.index)]
    made_on = [of.set_axis(table.index) for of, table in zip(made_on, (before, after), strict=True)]
    moved, machines = _moved(*made_on, rows)
    pairs = list(_pairs(before.loc[moved], after.loc[moved], keys)) if scores else []
    means = list(agreement.means(pairs)) if any(pair.differs(tolerance) for pair in pairs) else []
    as_means = set(moved) if means else set()
    changes = [
        change
        for column in before.columns.intersection(after.columns, sort=False).difference(keys, sort=False)
        for change in _changes(column, before.loc[rows, column], after.loc[rows, column], tolerance)
        if column != "value" or change.row not in as_means
    ]
    changes += [_apart(mean) for mean in means if not mean.agrees]
    changes.sort(key=lambda change: -math.inf if change.by is None else -abs(change.by))
    return TablePair(Difference(name, notes, changes), scores, True, machines if scores else [], means)


# ---- rows and their names --------------------------------------------------------------------------


def _read(path: Path, scores: bool) -> pd.DataFrame:
    """The table as texts, without the columns that tell the hour."""
    read = score_tables.read if scores else spreadsheets.read
    try:
        table = read(path, dtype=str, keep_default_na=False)
    except (ValueError, OSError):  # every way in which pandas finds a csv empty or damaged
        raise UserError(f"{path} is empty or damaged; write it again") from None
    if "precision" in table:  # without the reason for it
        table["precision"] = table["precision"].str.partition(":")[0]
    return table[[column for column in table if not _HOUR.fullmatch(column)]]


def _keys(before: pd.DataFrame, after: pd.DataFrame, scores: bool) -> list[str]:
    """The columns that name a row, of those that both tables have."""
    both = [column for column in before if column in after]
    if scores:
        return [column for column in _SCORE_KEYS if column in both]
    return list(takewhile(lambda c: all(_number(cell) is None for cell in (*before[c], *after[c])), both))


def _indexed(table: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Rows by their names; the second of one name has its number beside it, rows without a name only a number."""
    if not keys:
        return table.set_axis([f"row {i + 1}" for i in range(len(table))])
    names = _joined(table, keys)
    return table.set_axis(_numbered(names, names.groupby(names).cumcount()))


def _joined(table: pd.DataFrame, columns: list[str]) -> pd.Series:
    """For each row the texts in these columns as one."""
    if not len(table):
        return pd.Series(dtype=str)
    return table[columns].agg(lambda parts: " · ".join(filter(None, parts)), axis=1)


def _numbered(names: Iterable[str], nth: Iterable[int]) -> list[str]:
    return [f"{name} ({n + 1})" if n else name for name, n in zip(names, nth, strict=True)]


def _on_one_side(kind: str, before: Iterable[str], after: Iterable[str]) -> list[str]:
    before, after = dict.fromkeys(before), dict.fromkeys(after)
    vanished = [f"{kind} vanished: {name}" for name in before if name not in after]
    return vanished + [f"{kind} appeared: {name}" for name in after if name not in before]


# ---- cells -----------------------------------------------------------------------------------------


def _changes(column: str, before: pd.Series, after: pd.Series, tolerance: float) -> list[Change]:
    changes = []
    for row, old, new in zip(before.index, before, after, strict=True):
        if old != new:
            a, b = _number(old), _number(new)
            by = None if a is None or b is None else b - a
            if by is None or abs(by) > tolerance:
                changes.append(Change(row, column, old, new, by))
    return changes


def _number(text: str) -> float | None:
    """None also for nan, which is no distance from anything."""
    try:
        return None if math.isnan(value := float(text)) else value
    except ValueError:
        return None


# ---- scores of different machines ------------------------------------------------------------------


def _moved(old: pd.DataFrame, new: pd.DataFrame, rows: pd.Index) -> tuple[pd.Index, list[str]]:
    """The rows that were made on different machines, and in words what the two tables say of theirs."""
    columns = list(dict.fromkeys([*MACHINE, *old, *new])) if len(old.columns) + len(new.columns) else []
    old, new = (table.reindex(columns=columns, fill_value=UNKNOWN).loc[rows] for table in (old, new))
    sentences = []
    for column in columns:
        here, there = (", ".join(sorted(set(table[column]))) for table in (old, new))
        name = column.replace("_", " ")
        sentences.append(f"{name} {here}" if here == there else f"{name} {here} {OLD} and {there} in the new")
    return rows[(old != new).any(axis=1).to_numpy(bool)], sentences


def _pairs(before: pd.DataFrame, after: pd.DataFrame, keys: list[str]) -> Iterator[agreement.Pair]:
    """The scores of the same rows in both reports."""
    if not {"value", "n", "language", "seed"}.issubset(before) or "value" not in after:
        return
    nth = before.groupby(keys, sort=False).cumcount()
    cells = _numbered(_joined(before, [key for key in keys if key not in ("language", "seed")]), nth)
    columns = (before["language"], before["seed"], before["value"], after["value"], before["n"])
    for cell, language, seed, *texts in zip(cells, *columns, strict=True):
        numbers = map(_number, texts)
        numbers = (math.nan if number is None else number for number in numbers)
        yield agreement.Pair(cell, language, seed, *numbers)


def _apart(mean: agreement.Mean) -> Change:
    """Two means whose intervals lie apart."""
    old, new = (f"{side.value:.4g} [{side.low:.4g}, {side.high:.4g}]" for side in (mean.old, mean.new))
    return Change(f"{mean.name} · {counted(mean.runs, 'run')}", "value", old, new, mean.new.value - mean.old.value)
