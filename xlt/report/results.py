"""What the notebooks left in reports/<profile>, read strictly; nothing is computed and no other report is read.

tables/*.csv and figures/*.png, each with the .json that `xlt.report` wrote beside it; notebooks/*.ipynb, and in
failures/ those that stopped; scores*.csv.gz with runs*.csv.gz (see `analysis.score_tables`); summary.json with {title,
question, source, state: clean | dirty | smoke, note, left_out, answers, provenance}; and answers/<notebook>.json with
{study, label, answers: [{question, answer, effect, low, high, detectable, verdict}]}. All of it is optional; effects
are fractions like every score.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import nbformat
import pandas as pd

from xlt.analysis import score_tables
from xlt.core import spreadsheets
from xlt.core.errors import UserError
from xlt.report.artifacts import readable, shown_width

CODE = "code of this page"  # the row of a page's table that names its commit (`summary.about`)
STATES = ("clean", "dirty", "smoke")
# the studies as a reader meets them; others follow
STUDIES = (
    "ordering", "adversarial_intermediates", "dialects", "non_latin_scripts", "data_mix", "perturbations",
    "robust_training", "planted_effects",
)  # fmt: skip
FAILED = ("failed", "collapsed")  # tables of this name list runs that gave no result


class Notebook(NamedTuple):
    """An executed notebook: its content and what the index says of it.

    `problem` says what went wrong, if anything; `code` is the commit that made the page, "" where it does not say.
    """

    name: str
    title: str
    summary: str
    problem: str
    code: str
    content: nbformat.NotebookNode


class Study(NamedTuple):
    """The answers that one notebook gave."""

    notebook: str
    study: str
    label: str
    answers: list[dict[str, Any]]


class Results(NamedTuple):
    """A profile's results; `tables` and `figures` by name, as the templates show them."""

    summary: dict[str, Any]
    studies: list[Study]
    notebooks: list[Notebook]
    failures: list[Notebook]
    tables: dict[str, dict[str, Any]]
    figures: dict[str, dict[str, Any]]


def read(folder: Path) -> Results:
    """
    Raises:
        UserError: a file is missing or damaged; says which.
    """
    summary = _summary(folder / "summary.json")
    asked = studies(folder)
    if answers := summary.get("answers"):
        asked.append(Study("99_report", "The profile as a whole", "", answers))
    tables, figures = _in_order(folder / "tables", "csv"), _in_order(folder / "figures", "png")
    return Results(
        summary,
        asked,
        *([_notebook(path) for path in _in_order(folder / name, "ipynb")] for name in ("notebooks", "failures")),
        {path.stem: _table(path) for path in tables},
        {path.stem: _figure(path) for path in figures},
    )


def studies(folder: Path) -> list[Study]:
    """The answers that the notebooks gave, in their order; a study without any is not of this profile.

    Raises:
        UserError: a file is damaged; says which.
    """
    every = [_study(path) for path in _in_order(folder / "answers", "json")]
    return [study for study in every if study.answers]


# of scores; all else is text, so that commit 12e4 and version 2.10 stay what they are
_TYPES = defaultdict(lambda: "str", seed="Int64", n="Int64", dirty="boolean")


def scores(folder: Path) -> pd.DataFrame:
    """All score files as one table; empty where there is none."""
    tables = by_study(folder).values()
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def by_study(folder: Path) -> dict[str, pd.DataFrame]:
    """Each score file, by what it is of."""
    return {_study_of(name): _scores(path) for name, path in score_tables.files(folder).items()}


def _study_of(file: str) -> str:
    """ "ordering" of scores_ordering.csv; scores.csv is of the transfer matrix."""
    return file.removesuffix(".csv").removeprefix("scores").strip("_") or "transfer matrix"


def score_files(folder: Path) -> list[dict[str, Any]]:
    """Each score file of a report: its `files` to be linked, and how much it holds, from which code and devices."""
    return [_score_file(path) for path in score_tables.files(folder).values()]


def _score_file(path: Path) -> dict[str, Any]:
    table, runs = _scores(path), score_tables.runs_of(path)
    counted = {"runs": "run", "tasks": "task", "languages": "language", "seeds": "seed"}
    counts = {title: table[column].nunique() if column in table else "" for title, column in counted.items()}
    origin = {column: _values(table, column) for column in ("commit", "device")}
    return {"files": [path.name, runs.name] if runs.is_file() else [path.name], "scores": len(table)} | counts | origin


def _values(table: pd.DataFrame, column: str) -> str:
    return ", ".join(sorted(table[column].dropna().unique())) if column in table else ""


def _scores(path: Path) -> pd.DataFrame:
    return _csv(path, score_tables.read, dtype=_TYPES)


def _in_order(folder: Path, ending: str) -> list[Path]:
    """As notebooks are read: phases, studies, the report last."""

    def place(path: Path) -> tuple[bool, bool, int, str]:
        study = path.stem.removeprefix("study_")
        known = STUDIES.index(study) if study in STUDIES else len(STUDIES)
        return path.stem.startswith("99"), path.stem.startswith("study_"), known, path.stem

    return sorted(folder.glob(f"*.{ending}"), key=place)


def _where(path: Path) -> str:
    """A path as the reader of a message needs it: from the profile's folder on."""
    return "/".join(path.parts[-3:])


def _json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{_where(path)} is missing; write tables and figures with xlt.report") from None
    except ValueError:
        raise UserError(f"{_where(path)} is damaged: not valid JSON; run its notebook again") from None
    if not isinstance(content, dict):
        raise UserError(f"{_where(path)} is damaged: not a JSON object; run its notebook again")
    return content


def _csv(path: Path, read: Callable[..., pd.DataFrame] = spreadsheets.read, **options: Any) -> pd.DataFrame:
    try:
        return read(path, **options)
    except ValueError:  # every way in which pandas finds a csv empty or damaged
        raise UserError(f"{_where(path)} is empty or damaged; run its notebook again") from None


def _summary(path: Path) -> dict[str, Any]:
    summary = _json(path) if path.is_file() else {}
    if summary.get("state", "clean") not in STATES:
        raise UserError(f"{_where(path)}: state is '{summary['state']}'; known: {', '.join(STATES)}")
    return summary | {"answers": _answers(path, summary.get("answers", []))}


def _study(path: Path) -> Study:
    content = _json(path)
    answers = _answers(path, content.get("answers"))
    return Study(path.stem, content.get("study") or path.stem, content.get("label") or "", answers)


def _answers(path: Path, answers: Any) -> list[dict[str, Any]]:
    if not isinstance(answers, list) or not all(isinstance(a, dict) and a.get("question") for a in answers):
        raise UserError(f"{_where(path)}: answers must be a list, each with a question; run its notebook again")
    return answers


def _endings(path: Path, endings: tuple[str, ...]) -> list[str]:
    """Those files of a table or figure that are there to be linked."""
    return [ending for ending in endings if path.with_suffix(f".{ending}").is_file()]


def _table(path: Path) -> dict[str, Any]:
    """What the template needs of one table: as it is meant to be read, else its numbers."""
    sidecar, numbers = _json(path.with_suffix(".json")), _csv(path)
    columns, rows = list(numbers.columns), numbers.map(readable).to_numpy().tolist()
    if "rows" in sidecar:
        columns, rows = sidecar["columns"], sidecar["rows"]
    return {
        "name": path.stem,
        "caption": sidecar.get("caption", ""),
        "endings": _endings(path, ("csv", "md", "tex")),
        "columns": columns,
        "rows": rows,
        "kinds": [_kind([row[i] for row in rows]) for i in range(len(columns))],
    }


def rows(table: dict[str, Any] | None) -> list[dict[str, str]]:
    """A table as `read` gives it, row by row; nothing where there is none."""
    return [dict(zip(table["columns"], row, strict=True)) for row in table["rows"]] if table else []


def _kind(cells: list[str]) -> str:
    """How a column is set: numbers to the right, texts to the left, long texts in several lines."""
    if any(re.match(r"[+−-]?\d", cell) for cell in cells):
        return "number"
    return "long" if max(map(len, cells), default=0) > 30 else "text"


def _figure(path: Path) -> dict[str, Any]:
    sidecar = _json(path.with_suffix(".json"))
    try:
        width = shown_width(path.read_bytes())
    except OSError:
        raise UserError(f"{_where(path)} is not a PNG image; run its notebook again") from None
    links = {"name": path.stem, "endings": _endings(path, ("png", "pdf"))}
    text = {key: sidecar.get(key, "") for key in ("caption", "alt")}
    return links | text | {"width": width}


def _notebook(path: Path) -> Notebook:
    try:
        content = nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)
        nbformat.validate(content)
    except (ValueError, AttributeError, TypeError, KeyError, nbformat.ValidationError):
        raise UserError(f"{_where(path)} is empty or damaged; run it again") from None
    text = next((cell.source for cell in content.cells if cell.cell_type == "markdown"), "")
    title, _, rest = text.partition("\n")
    summary = " ".join(rest.split("\n\n")[0].split() or rest.split())
    title = title.lstrip("# ").strip() or path.stem
    summary = re.sub(r"[*`]|\[(.*?)\]\(.*?\)", r"\1", summary)
    return Notebook(path.stem, title, summary, _problem(content), _code(content), content)


def _code(content: nbformat.NotebookNode) -> str:
    """The commit in the table of `summary.about`."""
    outputs = (output for cell in content.cells for output in cell.get("outputs", ()))
    shown = "".join(output.get("data", {}).get("text/html", "") for output in outputs)
    found = re.search(rf"{CODE}</th>\s*<td>(\w+)", shown)
    return found[1] if found else ""


def _problem(content: nbformat.NotebookNode) -> str:
    """Why the outputs cannot be trusted, or nothing."""
    cells = [cell for cell in content.cells if cell.cell_type == "code" and cell.source.strip()]
    if any(output.output_type == "error" for cell in cells for output in cell.outputs):
        return "stopped with an error"
    if [cell.execution_count for cell in cells] != list(range(1, len(cells) + 1)):
        return "was not run from top to bottom"
    return ""
