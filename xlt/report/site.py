"""The report as a website that needs no network: an index, the checklists, one page per notebook.

Everything on the pages is read back from result files (see xlt.report.results); nothing is computed.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import jinja2
from markupsafe import Markup
from nbconvert import HTMLExporter

from xlt.analysis.verdicts import DECIDED
from xlt.core import provenance
from xlt.core.errors import UserError
from xlt.core.paths import as_profile
from xlt.core.text import DASH, NOT_RUN, bounds, points, within_scale
from xlt.data.sources import WORLD
from xlt.report import checklists, results
from xlt.report.results import Notebook, Results, Study

TEMPLATES = Path(__file__).parent / "templates"

# Sections of the index that hold tables by the beginning of their name; all others are results.
_NAMED = {"claims": ("claims",), "failures": results.FAILED, "cost": ("cost",), "data": ("data_sets",)}


def build(profile: str, reports: Path = Path("reports"), asked: Sequence[str] = ()) -> Path:
    """Make index.html and checklists.html in reports/<profile>, and a page beside each notebook.

    `asked` names the notebooks of the profile: the index says which of them were not made. The same input gives the
    same bytes.

    Returns:
        The index.

    Raises:
        UserError: there is nothing to report, or a file is missing or damaged; says which.
    """
    folder = Path(reports) / profile
    report = results.read(folder)
    if not (report.notebooks or report.tables or report.figures):
        mend = f"run ./run_all.sh --profile {as_profile(profile)} first"
        raise UserError(f"profile {profile} has no results to report; {mend}")
    _write_notebooks(report.notebooks, folder / "notebooks", profile)
    _write_notebooks(report.failures, folder / "failures", profile)
    lists = checklists.filled(checklists.Records.of(folder, report))
    _write(folder / "checklists.html", "checklists.html.j2", profile=profile, title="Checklists", lists=lists)
    return _write(folder / "index.html", "index.html.j2", **_index_fields(report, folder, asked))


def render(template: str, **fields: Any) -> str:
    """Fill a template of xlt/templates; every value is escaped."""
    loader = jinja2.FileSystemLoader(TEMPLATES)
    environment = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    style = Markup((TEMPLATES / "style.css").read_text(encoding="utf-8"))
    return environment.get_template(template).render(style=style, not_run=NOT_RUN, **fields)


def _write(path: Path, template: str, **fields: Any) -> Path:
    path.write_text(render(template, **fields), encoding="utf-8", newline="\n")
    return path


# ---- the index -------------------------------------------------------------------------------


def _index_fields(report: Results, folder: Path, asked: Sequence[str]) -> dict[str, Any]:
    summary, known = report.summary, report.summary.get("provenance") or {}
    named = {section: [t for t in report.tables.values() if t["name"].startswith(w)] for section, w in _NAMED.items()}
    page = {key: summary.get(key, "") for key in ("question", "state", "note")} | named
    page |= {
        "profile": folder.name,
        "title": summary.get("title") or f"Results of the profile {folder.name}",
        "world": "world" in (summary.get("source"), known.get("source")),
        "others": [row for row in results.rows(report.tables.get("data_sets")) if row["records"] != WORLD],
        "answers": (answers := _answers(report)),
        "in_points": any(answer["effect"] for study in answers for answer in study["answers"]),
        "results": _groups(report, {table["name"] for tables in named.values() for table in tables}),
        "notebooks": report.notebooks,
        "made": _made(report.notebooks),
        "lacking": [name for name in asked if name not in {notebook.name for notebook in report.notebooks}],
        "left_out": summary.get("left_out", []),
        "stopped": report.failures,
        "scores": results.score_files(folder),
        "provenance": [(k, v if isinstance(v, str) else json.dumps(v)) for k, v in known.items()],
    }
    there = page | {"failures": page["failures"] or page["stopped"]}
    gathered = [_SECTIONS[key].lower() for key in _GATHERED if not there[key]]
    return page | {"gathered": gathered, "sections": [(key, name) for key, name in _SECTIONS.items() if there[key]]}


_SECTIONS = {
    "answers": "Answers",
    "claims": "Claims",
    "results": "Results",
    "failures": "Failed and collapsed runs",
    "notebooks": "Notebooks",
    "cost": "Cost",
    "data": "Data sets",
    "scores": "Scores",
    "provenance": "Provenance",
}
_GATHERED = ("claims", "failures", "cost", "data", "provenance")  # that the notebook of the report writes


def _made(notebooks: Sequence[Notebook]) -> dict[str, str]:
    """Of which commit and day each page is, by notebook; nothing where all that say so are of one."""
    codes = {notebook.name: notebook.code for notebook in notebooks if notebook.code}
    if len(set(codes.values())) < 2:
        return {}
    return {name: " of ".join(filter(None, (code, provenance.committed(code)))) for name, code in codes.items()}


def _groups(report: Results, elsewhere: set[str]) -> list[dict[str, Any]]:
    """Tables and figures by the notebook that their names begin with; first those of none.

    "03_zero_shot_transfer" has "3_...", "study_ordering" has "ordering_...". Those of one name are shown together,
    and tables and figures by language are folded.
    """
    titles = {"": "Overview"} | {notebook.name: notebook.title for notebook in report.notebooks}
    groups = {name: {"notebook": name, "title": title, "open": [], "folded": []} for name, title in titles.items()}
    for name in sorted((report.figures.keys() | report.tables.keys()) - elsewhere):
        item = {"name": name, "figure": report.figures.get(name), "table": report.tables.get(name)}
        owners = [notebook for notebook in titles if f"{name}_".startswith(f"{_prefix(notebook)}_")]
        groups[max(owners, key=len, default="")]["folded" if "_languages_" in name else "open"].append(item)
    return [group for group in groups.values() if group["open"] or group["folded"]]


def _prefix(notebook: str) -> str:
    number = re.match(r"0*(\d+)_", notebook)
    return number[1] if number else notebook.removeprefix("study_")


def _answers(report: Results) -> list[dict[str, Any]]:
    """The studies with the effects of their answers as text, and as places on one axis a study.

    An axis goes from 0 to 200, zero at 100. What leads the reader stands first: the main question, then the test of
    the instrument itself.
    """
    linked = {notebook.name for notebook in report.notebooks}
    first = {name: place for place, name in enumerate(_FIRST)}
    studies = sorted(report.studies, key=lambda study: first.get(study.notebook, len(first)))
    made = _made(report.notebooks)
    return [_study(study, study.notebook in linked) | {"made": made.get(study.notebook, "")} for study in studies]


_FIRST = ("99_report", "study_planted_effects")


def _study(study: Study, linked: bool) -> dict[str, Any]:
    reach = max((abs(v) for answer in study.answers for v in _effect(answer) if v is not None), default=0)
    apart = {bool(answer.get("primary")) for answer in study.answers} == {True, False}
    rows = [_answer(answer, reach or 1) | {"primary": apart and answer["primary"]} for answer in study.answers]
    about = {"notebook": study.notebook if linked else "", "reach": points(reach) if reach else "", "answers": rows}
    return study._asdict() | about


def _answer(answer: dict[str, Any], reach: float) -> dict[str, Any]:
    (effect, low, high), detectable = _effect(answer), _number(answer.get("detectable"))
    places = [None if v is None else round(100 + 95 * v / reach, 1) for v in (effect, low, high)]
    bounded = None not in places
    texts = {key: answer.get(key) or "" for key in ("question", "answer")}
    return texts | {
        "effect": "" if effect is None else points(effect, sign=True),
        "interval": bounds(low, high) if bounded else "",
        "detectable": "" if detectable is None else within_scale(detectable),
        "at": places[0],
        "range": places[1:] if bounded else None,
        "verdict": answer.get("verdict") or (DASH if answer.get("answer") else NOT_RUN),
        "sure": answer.get("verdict") in DECIDED,  # an interval may exclude zero where its family decides nothing
    }


def _effect(answer: dict[str, Any]) -> list[float | None]:
    return [_number(answer.get(key)) for key in ("effect", "low", "high")]


def _number(value: Any) -> float | None:
    """A finite number, or None: the notebooks write what they have, nan included."""
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


# ---- pages of notebooks ----------------------------------------------------------------------


def _write_notebooks(notebooks: list[Notebook], folder: Path, profile: str) -> None:
    exporter = HTMLExporter(template_name="folded", extra_template_basedirs=[str(TEMPLATES)])
    for i, notebook in enumerate(notebooks):
        _prepare_images(notebook, folder)
        body, _ = exporter.from_notebook_node(notebook.content)
        fields = {"before": notebooks[i - 1] if i else None, "after": (notebooks[i + 1 :] or [None])[0]}
        fields |= notebook._asdict() | {"body": Markup(body), "profile": profile}
        _write(folder / f"{notebook.name}.html", "notebook.html.j2", **fields)


def _prepare_images(notebook: Notebook, folder: Path) -> None:
    """Give each picture an alternative text, if need be the sentence before it.

    The page shows a figure from its file in the report; a picture whose file is not there is held by the page.
    """
    sentence = notebook.title
    for cell in notebook.content.cells:
        if cell.cell_type == "markdown":
            sentence = re.sub(r"[#*`]", "", cell.source).strip().split("\n")[-1]
        for output in cell.get("outputs", []):
            if "image/png" in output.get("data", {}):
                about = output.metadata.setdefault("image/png", {})
                about.setdefault("alt", f"Figure. {sentence}")
                if not (folder / unquote(about.get("file", ""))).is_file():
                    about.pop("file", None)
