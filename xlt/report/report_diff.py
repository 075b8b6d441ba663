"""What differs between two reports: the numbers of their tables and the code and text of their notebooks.

Tables are compared cell by cell, rows being matched by what they are called. Numbers are equal within an absolute
tolerance, in the table's own unit; all else must be the same text. What tells of the machine and the hour and not of
the result (device, versions, seconds, commit) is left out, and so are outputs and metadata of notebooks.

So it is on equal machines. Scores whose rows say that they were made on different ones are compared as means, within
what their intervals allow (see `analysis.agreement`); the other tables, which are made of them, are then not compared.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from io import StringIO
from itertools import takewhile
from pathlib import Path
from typing import NamedTuple

import nbformat
import pandas as pd
from nbdime import diff_notebooks, prettyprint
from nbdime.diffing.notebooks import reset_notebook_differ, set_notebook_diff_targets

from xlt.analysis import agreement
from xlt.core import spreadsheets
from xlt.core.errors import UserError
from xlt.core.files import write_atomically
from xlt.core.provenance import MACHINE, UNKNOWN

TOLERANCE = 1e-9
_TABLES, _NOTEBOOKS = "**/*.csv", "notebooks/*.ipynb"
_OLD = "in the old report"
_SHOWN = 200  # changes of one table on the page: the largest
_MACHINE = re.compile(rf"{'|'.join(MACHINE)}|(?!task_)\w+_version")  # equal bits are of equal ones alone
_HOUR = re.compile(r"commit|dirty|hours|seconds|finished|peak_mb")
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


class Comparison(NamedTuple):
    """All differences, and in sentences how the reports were compared and what could not be."""

    found: list[Drift]
    how: list[str]
    elsewhere: bool  # scores differ that were made on different machines: their means are compared


class Drift(NamedTuple):
    """How a table or notebook differs: a sentence for each part that only one side has, changed cells, changed code."""

    name: str
    said: list[str]
    changes: list[Change] = []
    text: str = ""


def diff(old: Path, new: Path, tolerance: float = TOLERANCE) -> list[Drift]:
    """All differences of two report folders, as `compare` finds them; empty where they say the same."""
    return compare(old, new, tolerance).found


def compare(old: Path, new: Path, tolerance: float = TOLERANCE) -> Comparison:
    """All differences of two report folders, and how they were found.

    Raises:
        UserError: one of them is no report, or holds a damaged file; a tolerance below zero.
    """
    if not tolerance >= 0:
        raise UserError(f"--tolerance must be zero or more, got {tolerance}")
    for folder in (old, new):
        if not any(_files(folder, pattern) for pattern in (_TABLES, _NOTEBOOKS)):
            raise UserError(f"{folder} holds no tables and no notebooks; give the folder of a report: reports/mini")
    tables = [_table(*pair, tolerance) for pair in _pairs(old, new, _TABLES)]
    means = [mean for table in tables for mean in table.means]
    of_them = [table.drift for table in tables if means and not table.scores and table.paired]  # made of those scores
    found = [table.drift for table in tables if table.drift not in of_them]
    found += [_notebook(*pair) for pair in _pairs(old, new, _NOTEBOOKS)]
    machines = list(dict.fromkeys(told for table in tables for told in table.machines))
    how = _how(machines, means, sum(map(_differs, of_them)))
    return Comparison(list(filter(_differs, found)), how, bool(means))


def _differs(drift: Drift) -> bool:
    return bool(drift.said or drift.changes or drift.text)


def _how(machines: list[str], means: list[agreement.Mean], tables: int) -> list[str]:
    """How the reports were compared, and what could not be."""
    if not means:
        kind = "different machines" if any(_OLD in told for told in machines) else "equal machines, as far as they tell"
        return [f"made on {kind} ({'; '.join(machines) or 'nothing'}): compared number by number"]
    judged = [mean for mean in means if mean.judged]
    single = sum(mean.runs == 1 for mean in judged)
    how = [
        f"made on different machines ({'; '.join(told for told in machines if _OLD in told)}), where equal bits cannot "
        "be had: scores are compared as means over seeds, in each language and over languages; two agree where their "
        "95 % intervals overlap",
        f"compared: {len(judged)} means, by their spread over seeds and the size of the test set"
        + (f", {single} of them of one run each, by the size of the test set alone" if single else ""),
    ]
    left = []
    if without := len(means) - len(judged):
        left.append(f"{without} means without an interval (of missing numbers, or of one run and no shares)")
    if tables:
        left.append(f"{tables} tables that are made of the scores and differ")
    return how + ([f"not compared: {' and '.join(left)}"] if left else [])


def _files(folder: Path, pattern: str) -> dict[str, Path]:
    return {path.relative_to(folder).as_posix(): path for path in folder.glob(pattern)}


def _pairs(old: Path, new: Path, pattern: str) -> list[tuple[str, Path | None, Path | None]]:
    """(name, file, file), in the order of their names; None where there is none."""
    before, after = _files(old, pattern), _files(new, pattern)
    return [(name, before.get(name), after.get(name)) for name in sorted({**before, **after})]


def _once(name: str, old: Path | None) -> Drift:
    return Drift(name, ["not in the new report" if old else "not in the old report"])


# ---- tables ----------------------------------------------------------------------------------------


class _Compared(NamedTuple):
    """A table of both reports: how it differs and, of scores, on what machines they were made and which means agree."""

    drift: Drift
    scores: bool = False
    paired: bool = True
    machines: list[str] = []
    means: list[agreement.Mean] = []


def _table(name: str, old: Path | None, new: Path | None, tolerance: float) -> _Compared:
    scores = name.startswith("scores")
    if not (old and new):
        return _Compared(_once(name, old), scores, paired=False)
    before, after = (_read(path) for path in (old, new))
    made = [table[[column for column in table if _MACHINE.fullmatch(column)]] for table in (before, after)]
    before, after = (table.drop(columns=of.columns) for table, of in zip((before, after), made, strict=True))
    said = _parted("column", before.columns, after.columns)
    keys = _keys(before, after, scores)
    before, after = (_indexed(table, keys) for table in (before, after))
    said += _parted("row", before.index, after.index)
    rows = before.index[before.index.isin(after.index)]
    moved, machines = _moved(*(of.set_axis(at.index) for of, at in zip(made, (before, after), strict=True)), rows)
    pairs = list(_scores(before.loc[moved], after.loc[moved], keys)) if scores else []
    means = list(agreement.means(pairs)) if any(pair.differs(tolerance) for pair in pairs) else []
    elsewhere = {row for row in moved if means}
    changes = [
        change
        for column in before.columns.intersection(after.columns, sort=False).difference(keys, sort=False)
        for change in _changes(column, before.loc[rows, column], after.loc[rows, column], tolerance)
        if column != "value" or change.row not in elsewhere
    ]
    changes += [_parting(mean) for mean in means if not mean.agrees]
    changes.sort(key=lambda change: -math.inf if change.by is None else -abs(change.by))
    return _Compared(Drift(name, said, changes), scores, True, machines if scores else [], means)


def _moved(old: pd.DataFrame, new: pd.DataFrame, rows: pd.Index) -> tuple[pd.Index, list[str]]:
    """The rows that were made on different machines, and in words what the two tables say of theirs."""
    columns = list(dict.fromkeys([*MACHINE, *old, *new])) if len(old.columns) + len(new.columns) else []
    old, new = (table.reindex(columns=columns, fill_value=UNKNOWN).loc[rows] for table in (old, new))
    told = []
    for column in columns:
        here, there = (", ".join(sorted(set(table[column]))) for table in (old, new))
        name = column.replace("_", " ")
        told.append(f"{name} {here}" if here == there else f"{name} {here} {_OLD} and {there} in the new")
    return rows[(old != new).any(axis=1).to_numpy(bool)], told


def _scores(before: pd.DataFrame, after: pd.DataFrame, keys: list[str]) -> Iterator[agreement.Pair]:
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


def _parting(mean: agreement.Mean) -> Change:
    """Two means whose intervals lie apart."""
    old, new = (f"{side.value:.4g} [{side.low:.4g}, {side.high:.4g}]" for side in (mean.old, mean.new))
    return Change(f"{mean.name} · {mean.runs} runs", "value", old, new, mean.new.value - mean.old.value)


def _read(path: Path) -> pd.DataFrame:
    try:
        table = spreadsheets.read(path, dtype=str, keep_default_na=False)
    except (ValueError, OSError):  # every way in which pandas finds a csv empty or damaged
        raise UserError(f"{path} is empty or damaged; write it again") from None
    if "precision" in table:  # without the reason for it
        table["precision"] = table["precision"].str.partition(":")[0]
    return table[[column for column in table if not _HOUR.fullmatch(column)]]


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
    names = _joined(table, keys)
    return table.set_axis(_numbered(names, names.groupby(names).cumcount()))


def _joined(table: pd.DataFrame, columns: list[str]) -> pd.Series:
    """Of each row what stands in these columns."""
    if not len(table):
        return pd.Series(dtype=str)
    return table[columns].agg(lambda parts: " · ".join(filter(None, parts)), axis=1)


def _numbered(names: Iterable[str], nth: Iterable[int]) -> list[str]:
    return [f"{name} ({n + 1})" if n else name for name, n in zip(names, nth, strict=True)]


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


def summary(compared: Comparison) -> str:
    """A line for each table or notebook that differs, how many there are, and how they were compared."""
    found = compared.found
    lines = [f"{drift.name}: {'; '.join(_counted(drift))}" for drift in found]
    same = "the reports agree within their intervals" if compared.elsewhere else "the reports say the same"
    lines.append(f"{len(found)} tables or notebooks differ" if found else same)
    return "\n".join(lines)


def _counted(drift: Drift) -> list[str]:
    many = [f"{drift.said[0]} and {len(drift.said) - 1} more"] if len(drift.said) > 2 else drift.said
    if not drift.changes:
        return many
    largest = drift.changes[0]
    numbers = [change for change in drift.changes if change.by is not None]
    by = f", the largest by {max((change.by for change in numbers), key=abs):+.4g}" if numbers else ""
    return [*many, f"{len(drift.changes)} cells changed{by} (first: {largest.row}, {largest.column})"]


def write_page(compared: Comparison, old: Path, new: Path, tolerance: float, page: Path) -> None:
    """One self-contained page of all differences; the same reports give the same bytes."""
    from xlt.report.site import render

    fields = {
        "old": str(old),
        "new": str(new),
        "tolerance": f"{tolerance:g}",
        "drifts": compared.found,
        "shown": _SHOWN,
    }
    fields |= {"how": compared.how, "said": summary(compared).splitlines()[-1]}
    page.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(page, render("drift.html.j2", title="Differences of two reports", **fields))
