"""What differs between two reports: the numbers of their tables and the code and text of their notebooks.

What tells of the machine and the hour and not of the result (device, versions, seconds, commit) is left out, and so are
outputs and metadata of notebooks. Where scores were made on different machines their means are compared (see
`report.table_diff`); the other tables, which are made of these scores, are then not compared.
"""

from __future__ import annotations

from importlib.util import find_spec
from io import StringIO
from pathlib import Path
from typing import NamedTuple

import nbformat

from xlt.analysis import agreement, score_tables
from xlt.core.errors import UserError
from xlt.core.files import write_atomically
from xlt.core.text import counted
from xlt.report import table_diff
from xlt.report.table_diff import OLD, Difference

TOLERANCE = 1e-9
_ON_PAGE = 200  # changes of one table on the page: the largest


class Comparison(NamedTuple):
    """All differences, and in sentences how the reports were compared and what could not be."""

    differences: list[Difference]
    how: list[str]
    elsewhere: bool  # scores differ that were made on different machines: their means are compared


def diff(old: Path, new: Path, tolerance: float = TOLERANCE) -> list[Difference]:
    """All differences of two report folders, as `compare` finds them; empty where they say the same."""
    return compare(old, new, tolerance).differences


def compare(old: Path, new: Path, tolerance: float = TOLERANCE) -> Comparison:
    """All differences of two report folders, and how they were found.

    Raises:
        UserError: one of them is no report, or holds a damaged file; a tolerance below zero; nbdime is not installed.
    """
    if find_spec("nbdime") is None:  # a run does without it
        raise UserError("comparing notebooks takes the package nbdime: pip install -c constraints.txt -e '.[lab]'")
    if not tolerance >= 0:
        raise UserError(f"--tolerance must be zero or more, got {tolerance}")
    for folder in (old, new):
        if not (_tables(folder) or _notebooks(folder)):
            raise UserError(f"{folder} holds no tables and no notebooks; give the folder of a report: reports/mini")
    tables = [table_diff.compare(*files, tolerance) for files in _paired(_tables(old), _tables(new))]
    means = [mean for table in tables for mean in table.means]
    of_means = [table.difference for table in tables if means and not table.scores and table.paired]
    differences = [table.difference for table in tables if table.difference not in of_means]
    differences += [_notebook(*files) for files in _paired(_notebooks(old), _notebooks(new))]
    machines = list(dict.fromkeys(sentence for table in tables for sentence in table.machines))
    how = _how(machines, means, sum(map(bool, of_means)))
    return Comparison(list(filter(None, differences)), how, bool(means))


def _how(machines: list[str], means: list[agreement.Mean], tables: int) -> list[str]:
    """How the reports were compared, and what could not be."""
    different = [sentence for sentence in machines if OLD in sentence]
    if not means:
        kind = "different machines" if different else "equal machines, as far as they tell"
        return [f"made on {kind} ({'; '.join(machines) or 'nothing'}): compared number by number"]
    judged = sum(mean.judged for mean in means)
    how = [
        f"made on different machines ({'; '.join(different)}), where equal bits cannot "
        "be had: scores are compared as means over seeds, in each language and over languages; two agree where their "
        "95 % intervals overlap",
        f"compared: {judged} means, by their spread over seeds and the size of the test set",
    ]
    left = []
    if without := len(means) - judged:
        left.append(f"{without} means without an interval (of one run, or of missing numbers)")
    if tables:
        left.append(f"{tables} tables that are made of the scores and differ")
    return how + ([f"not compared: {' and '.join(left)}"] if left else [])


# ---- files -----------------------------------------------------------------------------------------


def _tables(folder: Path) -> dict[str, Path]:
    """Every table of a report by its path there; a score file is compared with the runs behind it, in either form."""
    tables = {path.relative_to(folder).as_posix(): path for path in folder.glob("**/*.csv")}
    return tables | score_tables.files(folder)


def _notebooks(folder: Path) -> dict[str, Path]:
    return {path.relative_to(folder).as_posix(): path for path in folder.glob("notebooks/*.ipynb")}


def _paired(old: dict[str, Path], new: dict[str, Path]) -> list[tuple[str, Path | None, Path | None]]:
    """(name, file, file), in the order of their names; None where there is none."""
    return [(name, old.get(name), new.get(name)) for name in sorted({**old, **new})]


# ---- notebooks -------------------------------------------------------------------------------------


def _notebook(name: str, old: Path | None, new: Path | None) -> Difference:
    if not (old and new):
        return table_diff.missing(name, old)
    from nbdime import diff_notebooks, prettyprint  # not installed for a run alone
    from nbdime.diffing.notebooks import reset_notebook_differ, set_notebook_diff_targets

    before, after = (_open(path) for path in (old, new))
    set_notebook_diff_targets(outputs=False, metadata=False, identifier=False, details=False)
    try:
        changes = diff_notebooks(before, after)
    finally:
        reset_notebook_differ()
    if not changes:
        return Difference(name, [])
    page = StringIO()
    plain = prettyprint.PrettyPrintConfig(out=page, use_git=False, use_diff=False, use_color=False)
    prettyprint.pretty_print_notebook_diff(f"old/{name}", f"new/{name}", before, changes, plain)
    return Difference(name, ["code or text differs"], text=page.getvalue())


def _open(path: Path) -> nbformat.NotebookNode:
    try:
        notebook = nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)
        nbformat.validate(notebook)
    except (ValueError, AttributeError, TypeError, KeyError, nbformat.ValidationError):
        raise UserError(f"{path} is empty or damaged; run it again") from None
    return notebook


# ---- the summary and the page ----------------------------------------------------------------------


def summary(comparison: Comparison) -> str:
    """A line for each table or notebook that differs, and how many there are."""
    differences = comparison.differences
    lines = [f"{difference.name}: {'; '.join(_counted(difference))}" for difference in differences]
    same = "the reports agree within their intervals" if comparison.elsewhere else "the reports say the same"
    several = (
        "1 table or notebook differs" if len(differences) == 1 else f"{len(differences)} tables or notebooks differ"
    )
    lines.append(several if differences else same)
    return "\n".join(lines)


def _counted(difference: Difference) -> list[str]:
    notes = difference.notes
    if len(notes) > 2:
        notes = [f"{notes[0]} and {len(notes) - 1} more"]
    if not difference.changes:
        return notes
    largest = difference.changes[0]
    numbers = [change.by for change in difference.changes if change.by is not None]
    by = f", the largest by {max(numbers, key=abs):+.4g}" if numbers else ""
    return [*notes, f"{counted(len(difference.changes), 'cell')} changed{by} (first: {largest.row}, {largest.column})"]


def write_page(comparison: Comparison, old: Path, new: Path, tolerance: float, page: Path) -> None:
    """One self-contained page of all differences; the same reports give the same bytes."""
    from xlt.report.site import render

    fields = {
        "old": str(old),
        "new": str(new),
        "tolerance": f"{tolerance:g}",
        "differences": comparison.differences,
        "on_page": _ON_PAGE,
        "how": comparison.how,
        "conclusion": summary(comparison).splitlines()[-1],
    }
    page.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(page, render("report_diff.html.j2", title="Differences of two reports", **fields))
