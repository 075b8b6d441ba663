"""What differs between two reports: the numbers of their tables and the code and text of their notebooks.

Tables are compared cell by cell, rows being matched by what they are called. Numbers are equal within an absolute
tolerance, in the table's own unit; all else must be the same text. What tells of the machine and the hour and not of
the result (device, versions, seconds, commit) is left out, and so are outputs and metadata of notebooks.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from io import StringIO
from itertools import takewhile
from pathlib import Path
from typing import NamedTuple

import nbformat
import pandas as pd
from nbdime import diff_notebooks, prettyprint
from nbdime.diffing.notebooks import reset_notebook_differ, set_notebook_diff_targets

from xlt.errors import UserError
from xlt.files import write_atomically

TOLERANCE = 1e-9
_TABLES, _NOTEBOOKS = "**/*.csv", "notebooks/*.ipynb"
_SHOWN = 200  # changes of one table on the page: the largest
_MACHINE = re.compile(r"commit|dirty|device|precision|hours|seconds|finished|peak_mb|\w+_version")
# what a row of a score file is called; of other tables it is the columns before the first number
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


class Drift(NamedTuple):
    """How a table or notebook differs: a sentence for each part that only one side has, changed cells, changed code."""

    name: str
    said: list[str]
    changes: list[Change] = []
    text: str = ""


def diff(old: Path, new: Path, tolerance: float = TOLERANCE) -> list[Drift]:
    """All differences of two report folders; empty where they say the same.

    Raises:
        UserError: one of them is no report, or holds a damaged file; a tolerance below zero.
    """
    if not tolerance >= 0:
        raise UserError(f"--tolerance must be zero or more, got {tolerance}")
    for folder in (old, new):
        if not any(_files(folder, pattern) for pattern in (_TABLES, _NOTEBOOKS)):
            raise UserError(f"{folder} holds no tables and no notebooks; give the folder of a report: reports/mini")
    tables = [_table(*pair, tolerance) for pair in _pairs(old, new, _TABLES)]
    notebooks = [_notebook(*pair) for pair in _pairs(old, new, _NOTEBOOKS)]
    return [found for found in tables + notebooks if found.said or found.changes or found.text]


def _files(folder: Path, pattern: str) -> dict[str, Path]:
    return {path.relative_to(folder).as_posix(): path for path in folder.glob(pattern)}


def _pairs(old: Path, new: Path, pattern: str) -> list[tuple[str, Path | None, Path | None]]:
    """(name, file, file), in the order of their names; None where there is none."""
    before, after = _files(old, pattern), _files(new, pattern)
    return [(name, before.get(name), after.get(name)) for name in sorted({**before, **after})]


def _once(name: str, old: Path | None) -> Drift:
    return Drift(name, ["not in the new report" if old else "not in the old report"])


# ---- tables ----------------------------------------------------------------------------------------


def _table(name: str, old: Path | None, new: Path | None, tolerance: float) -> Drift:
    if not (old and new):
        return _once(name, old)
    before, after = (_read(path) for path in (old, new))
    said = _parted("column", before.columns, after.columns)
    keys = _keys(before, after, scores=name.startswith("scores"))
    before, after = (_indexed(table, keys) for table in (before, after))
    said += _parted("row", before.index, after.index)
    rows = before.index[before.index.isin(after.index)]
    changes = [
        change
        for column in before.columns.intersection(after.columns, sort=False)
        for change in _changes(column, before.loc[rows, column], after.loc[rows, column], tolerance)
    ]
    return Drift(name, said, sorted(changes, key=lambda change: -math.inf if change.by is None else -abs(change.by)))


def _read(path: Path) -> pd.DataFrame:
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (ValueError, OSError):  # every way in which pandas finds a csv empty or damaged
        raise UserError(f"{path} is empty or damaged; write it again") from None
    return table[[column for column in table if not _MACHINE.fullmatch(column)]]


def _keys(before: pd.DataFrame, after: pd.DataFrame, scores: bool) -> list[str]:
    """The columns that say what a row is called, of those that both tables have."""
    both = [column for column in before if column in after]
    if scores:
        return [column for column in _SCORE_KEYS if column in both]
    return list(takewhile(lambda c: all(_number(cell) is None for cell in (*before[c], *after[c])), both))


def _indexed(table: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Rows by what they are called; the second of one name is called so, rows without a name by their number."""
    if not keys:
        return table.set_axis([f"row {i + 1}" for i in range(len(table))])
    names = (
        table[keys].agg(lambda parts: " · ".join(filter(None, parts)), axis=1) if len(table) else pd.Series(dtype=str)
    )
    nth = names.groupby(names).cumcount()
    return table.drop(columns=keys).set_axis([f"{a} ({n + 1})" if n else a for a, n in zip(names, nth, strict=True)])


def _parted(what: str, before: Iterable[str], after: Iterable[str]) -> list[str]:
    before, after = dict.fromkeys(before), dict.fromkeys(after)
    vanished = [f"{what} vanished: {name}" for name in before if name not in after]
    return vanished + [f"{what} appeared: {name}" for name in after if name not in before]


def _changes(column: str, before: pd.Series, after: pd.Series, tolerance: float) -> list[Change]:
    found = []
    for row, old, new in zip(before.index, before, after, strict=True):
        if old != new:
            a, b = _number(old), _number(new)
            by = None if a is None or b is None else b - a
            if by is None or abs(by) > tolerance:
                found.append(Change(row, column, old, new, by))
    return found


def _number(text: str) -> float | None:
    """None also for nan, which is no distance from anything."""
    try:
        return None if math.isnan(value := float(text)) else value
    except ValueError:
        return None


# ---- notebooks -------------------------------------------------------------------------------------


def _notebook(name: str, old: Path | None, new: Path | None) -> Drift:
    if not (old and new):
        return _once(name, old)
    before, after = (_open(path) for path in (old, new))
    set_notebook_diff_targets(outputs=False, metadata=False, identifier=False, details=False)
    try:
        found = diff_notebooks(before, after)
    finally:
        reset_notebook_differ()
    if not found:
        return Drift(name, [])
    page = StringIO()
    plain = prettyprint.PrettyPrintConfig(out=page, use_git=False, use_diff=False, use_color=False)
    prettyprint.pretty_print_notebook_diff(f"old/{name}", f"new/{name}", before, found, plain)
    return Drift(name, ["code or text differs"], text=page.getvalue())


def _open(path: Path) -> nbformat.NotebookNode:
    try:
        notebook = nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)
        nbformat.validate(notebook)
    except (ValueError, AttributeError, TypeError, KeyError, nbformat.ValidationError):
        raise UserError(f"{path} is empty or damaged; run it again") from None
    return notebook


# ---- telling ---------------------------------------------------------------------------------------


def summary(found: list[Drift]) -> str:
    """A line for each table or notebook that differs, and how many there are."""
    lines = [f"{drift.name}: {'; '.join(_counted(drift))}" for drift in found]
    return "\n".join([*lines, f"{len(found)} tables or notebooks differ" if found else "the reports say the same"])


def _counted(drift: Drift) -> list[str]:
    many = [f"{drift.said[0]} and {len(drift.said) - 1} more"] if len(drift.said) > 2 else drift.said
    if not drift.changes:
        return many
    largest = drift.changes[0]
    numbers = [change for change in drift.changes if change.by is not None]
    by = f", the largest by {max((change.by for change in numbers), key=abs):+.4g}" if numbers else ""
    return [*many, f"{len(drift.changes)} cells changed{by} (first: {largest.row}, {largest.column})"]


def write_page(found: list[Drift], old: Path, new: Path, tolerance: float, page: Path) -> None:
    """One self-contained page of all differences; the same reports give the same bytes."""
    from xlt.site import render

    fields = {"old": str(old), "new": str(new), "tolerance": f"{tolerance:g}", "drifts": found, "shown": _SHOWN}
    page.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(page, render("drift.html.j2", title="Differences of two reports", **fields))
