"""The report as a website that needs no network: one index, one page per notebook.

Everything on the index is read back from result files, nothing is computed: tables/*.csv and
figures/*.png, each with the .json that `xlt.report` wrote beside it, and summary.json, which the
report notebook writes: {title, question, source, state: clean | dirty | smoke, note,
answers: [{question, answer, effect, low, high}], provenance: {...}}; all of it is optional, and
effects are fractions like every score.
"""

from __future__ import annotations

import json
import math
import re
from base64 import b64encode
from pathlib import Path
from typing import Any, NamedTuple

import jinja2
import nbformat
import pandas as pd
from markupsafe import Markup
from nbconvert import HTMLExporter

from xlt.artifacts import NOT_RUN, readable
from xlt.errors import UserError
from xlt.tables import points

TEMPLATES = Path(__file__).parent / "templates"
STATES = ("clean", "dirty", "smoke")


class Notebook(NamedTuple):
    """An executed notebook: its content and what the index says of it; `problem` says what went wrong, if anything."""

    name: str
    title: str
    summary: str
    problem: str
    content: nbformat.NotebookNode


def build(profile: str, reports: Path = Path("reports")) -> Path:
    """Make reports/<profile>/index.html and a page beside each notebook; the same input gives the same bytes.

    Returns:
        The index.

    Raises:
        UserError: there is nothing to report, or a file is missing or damaged; says which.
    """
    folder = Path(reports) / profile
    notebooks = [_notebook(path) for path in sorted((folder / "notebooks").glob("*.ipynb"))]
    tables = [_table(path) for path in sorted((folder / "tables").glob("*.csv"))]
    figures = [_figure(path) for path in sorted((folder / "figures").glob("*.png"))]
    if not (notebooks or tables or figures):
        raise UserError(f"profile {profile} has no results to report; run ./run_all.sh --profile {profile} first")
    page = _index_fields(_summary(folder / "summary.json"), profile) | {"notebooks": notebooks, "figures": figures}
    page["cost"] = [table for table in tables if table["name"].startswith("cost")]
    page["tables"] = [table for table in tables if table not in page["cost"]]
    page["sections"] = [(name, name.capitalize()) for name in _SECTIONS if page[name]]
    _write_notebooks(notebooks, folder / "notebooks", profile)
    index = folder / "index.html"
    index.write_text(render("index.html.j2", **page), encoding="utf-8", newline="\n")
    return index


_SECTIONS = ("answers", "tables", "figures", "notebooks", "cost", "provenance")


def render(template: str, **fields: Any) -> str:
    """Fill a template of xlt/templates; every value is escaped."""
    loader = jinja2.FileSystemLoader(TEMPLATES)
    environment = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    style = Markup((TEMPLATES / "style.css").read_text(encoding="utf-8"))
    return environment.get_template(template).render(style=style, not_run=NOT_RUN, **fields)


# ---- reading ---------------------------------------------------------------------------------


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


def _endings(path: Path, endings: tuple[str, ...]) -> list[str]:
    """Those files of a table or figure that are there to be linked."""
    return [ending for ending in endings if path.with_suffix(f".{ending}").is_file()]


def _table(path: Path) -> dict[str, Any]:
    """What the template needs of one table: as it is meant to be read, else its numbers."""
    sidecar = _json(path.with_suffix(".json"))
    table = {"name": path.stem, "caption": sidecar.get("caption", ""), "endings": _endings(path, ("csv", "md", "tex"))}
    try:
        numbers = pd.read_csv(path)
    except ValueError:  # every way in which pandas finds a csv empty or damaged
        raise UserError(f"{_where(path)} is empty or damaged; run its notebook again") from None
    if "rows" in sidecar:
        return table | {"columns": sidecar["columns"], "rows": sidecar["rows"]}
    return table | {"columns": list(numbers.columns), "rows": numbers.map(readable).to_numpy().tolist()}


def _figure(path: Path) -> dict[str, Any]:
    sidecar, data = _json(path.with_suffix(".json")), path.read_bytes()
    if not data.startswith(b"\x89PNG"):
        raise UserError(f"{_where(path)} is not a PNG image; run its notebook again")
    links = {"name": path.stem, "endings": _endings(path, ("png", "pdf"))}
    text = {key: sidecar.get(key, "") for key in ("caption", "alt")}
    return links | text | {"data": "data:image/png;base64," + b64encode(data).decode()}


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
    return Notebook(path.stem, title, re.sub(r"[*`]", "", summary), _problem(content), content)


def _problem(content: nbformat.NotebookNode) -> str:
    """Why the outputs cannot be trusted, or nothing."""
    cells = [cell for cell in content.cells if cell.cell_type == "code" and cell.source.strip()]
    if any(output.output_type == "error" for cell in cells for output in cell.outputs):
        return "stopped with an error"
    if [cell.execution_count for cell in cells] != list(range(1, len(cells) + 1)):
        return "was not run from top to bottom"
    return ""


def _summary(path: Path) -> dict[str, Any]:
    summary = _json(path) if path.is_file() else {}
    if summary.get("state", "clean") not in STATES:
        raise UserError(f"{_where(path)}: state is '{summary['state']}'; known: {', '.join(STATES)}")
    answers = summary.get("answers", [])
    if not isinstance(answers, list) or not all(isinstance(a, dict) and a.get("question") for a in answers):
        raise UserError(f"{_where(path)}: answers must be a list, each with a question")
    return summary


# ---- writing ---------------------------------------------------------------------------------


def _index_fields(summary: dict[str, Any], profile: str) -> dict[str, Any]:
    provenance = summary.get("provenance") or {}
    plain = {key: summary.get(key, "") for key in ("question", "state", "note")}
    return plain | {
        "profile": profile,
        "title": summary.get("title") or f"Results of the profile {profile}",
        "world": "world" in (summary.get("source"), provenance.get("source")),
        "answers": _answers(summary.get("answers", [])),
        "provenance": [
            (key, value if isinstance(value, str) else json.dumps(value)) for key, value in provenance.items()
        ],
    }


def _answers(answers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The answers with their effects as text and as places on one shared axis from 0 to 200, zero at 100."""
    keys = ("effect", "low", "high")
    values = [{key: _number(answer.get(key)) for key in keys} for answer in answers]
    reach = max((abs(v) for value in values for v in value.values() if v is not None), default=0) or 1
    return [_answer(answer, value, reach) for answer, value in zip(answers, values, strict=True)]


def _answer(answer: dict[str, Any], value: dict[str, float | None], reach: float) -> dict[str, Any]:
    at, low, high = (None if v is None else round(100 + 90 * v / reach, 1) for v in value.values())
    bounded = None not in (at, low, high)
    text = "" if at is None else f"{points(value['effect'], sign=True)} points"
    text += f" [{points(value['low'])}, {points(value['high'])}]" if bounded else ""
    words = {"question": answer["question"], "answer": answer.get("answer") or NOT_RUN, "text": text}
    return words | {"at": at, "range": (low, high) if bounded else None, "sure": bounded and (low > 100 or high < 100)}


def _number(value: Any) -> float | None:
    """A finite number, or None: the report notebook writes what it has, nan included."""
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def _write_notebooks(notebooks: list[Notebook], folder: Path, profile: str) -> None:
    exporter = HTMLExporter(template_name="folded", extra_template_basedirs=[str(TEMPLATES)], exclude_anchor_links=True)
    for i, notebook in enumerate(notebooks):
        _describe_images(notebook)
        body, _ = exporter.from_notebook_node(notebook.content)
        fields = {"before": notebooks[i - 1] if i else None, "after": (notebooks[i + 1 :] or [None])[0]}
        page = render("notebook.html.j2", body=Markup(body), profile=profile, **notebook._asdict(), **fields)
        (folder / f"{notebook.name}.html").write_text(page, encoding="utf-8", newline="\n")


def _describe_images(notebook: Notebook) -> None:
    """Give each picture without an alternative text the sentence that stands before it."""
    said = notebook.title
    for cell in notebook.content.cells:
        if cell.cell_type == "markdown":
            said = re.sub(r"[#*`]", "", cell.source).strip().split("\n")[-1]
        for output in cell.get("outputs", []):
            if "image/png" in output.get("data", {}):
                output.metadata.setdefault("image/png", {}).setdefault("alt", f"Figure. {said}")
