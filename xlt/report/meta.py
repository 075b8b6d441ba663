"""`xlt meta`: the primary questions over all profiles that have run, from their reports alone, as one page.

A report folder is read as it lies there (answers/*.json, summary.json, scores*.csv.gz), so folders of others serve as
well; what they hold is checked first. A question is the same where its notebook, its words and its targets are. It is
primary if any profile says so. Effects are pooled where two profiles at least have an interval (see `analysis.meta`);
what was not testable in a profile means nothing there, so it is shown as such and not pooled.
"""

from __future__ import annotations

import math
from base64 import b64encode
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from xlt.analysis import meta, score_tables
from xlt.analysis.verdicts import NOT_TESTABLE
from xlt.core import paths, spreadsheets
from xlt.core.errors import UserError
from xlt.core.files import write_atomically
from xlt.core.text import DASH, NOT_RUN, bounds, points, points_or_dash
from xlt.report import results
from xlt.report.checklists import Records
from xlt.report.figures import FIRST, canvas

COLUMNS = ["study", "question", "profile", "effect", "low", "high", "verdict", "primary"]


class Question(NamedTuple):
    """A question with a row of COLUMNS for each profile that has an interval or could not test it; pooled over those
    that tested it: None with fewer than two."""

    study: str
    text: str
    rows: pd.DataFrame
    pooled: meta.Pooled | None

    @property
    def tested(self) -> pd.DataFrame:
        return _tested(self.rows)


def folders(named: Sequence[Path]) -> dict[str, Path]:
    """Report folders, each once, by the name of their profile; without any named, those of this project.

    Equal names have as many folders above them written before them as tell all apart: "theirs/mini", "ours/mini".

    Raises:
        UserError: a folder is no report, or there is none.
    """
    if not named:
        named = sorted(path.parent for path in paths.reports_root().glob("*/answers"))
    for folder in named:
        if not (folder / "answers").is_dir():
            raise UserError(
                f"{folder} is no report: it has no folder answers; ./run_all.sh --profile P makes reports/P"
            )
    if not named:
        raise UserError(f"{paths.reports_root().name} has no report yet; run ./run_all.sh first")
    places = list(dict.fromkeys(folder.resolve() for folder in named))
    deepest = max(len(path.parts) for path in places)
    tried = ({Path(*path.parts[-length:]).as_posix(): path for path in places} for length in range(1, deepest + 1))
    return next(names for names in tried if len(names) == len(places))


def answers(reports: dict[str, Path]) -> pd.DataFrame:
    """Every answer of the reports, a row each with the columns COLUMNS; effects and bounds are fractions, nan for none.

    Raises:
        UserError: a file does not hold what answers hold, or has one question twice; says which and what.
    """
    rows = [
        (study.notebook, _named(answer), profile, *_numbers(answer, f"{profile}/answers/{study.notebook}.json"),
         answer.get("verdict") or "", bool(answer.get("primary")))
        for profile, folder in reports.items()
        for study in results.studies(folder)
        for answer in study.answers
    ]  # fmt: skip
    found = pd.DataFrame(rows, columns=COLUMNS)
    for twice in found[found.duplicated(["study", "question", "profile"])].itertuples():
        where = f"{twice.profile}/answers/{twice.study}.json"
        raise UserError(f"{where}: '{twice.question}' stands there twice; give each question words of its own")
    return found


def _named(answer: dict[str, Any]) -> str:
    """The question with its targets, which it names by itself only where its profile asks it of several kinds."""
    text, targets = answer["question"], answer.get("targets")
    return f"{text} ({', '.join(targets)})" if targets and not text.endswith(")") else text


def _numbers(answer: dict[str, Any], where: str) -> list[float]:
    """Effect, low and high of an answer, checked."""
    names = ("effect", "low", "high")
    values = [math.nan if answer.get(name) is None else answer[name] for name in names]
    for name, value in zip(names, values, strict=True):
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise UserError(f"{where}: {name} of '{answer['question']}' is {value!r}; it must be a fraction or null")
    effect, low, high = values
    if not (math.isnan(low + high) or low <= effect <= high):
        raise UserError(f"{where}: the effect {effect:g} of '{answer['question']}' lies outside [{low:g}, {high:g}]")
    return values


def questions(found: pd.DataFrame) -> list[Question]:
    """The primary questions, each pooled over the profiles that have tested it."""
    asked = found.groupby(["study", "question"], sort=False)["primary"].transform("any")
    return [
        _question(study, text, rows.reset_index(drop=True))
        for (study, text), rows in found[asked.astype(bool)].groupby(["study", "question"], sort=False)
    ]


def _question(study: str, text: str, rows: pd.DataFrame) -> Question:
    untested = rows["verdict"] == NOT_TESTABLE
    rows = rows[untested | ((rows["high"] - rows["low"]) > 0)].reset_index(drop=True)
    tested = _tested(rows)
    errors = [meta.error(low, high) for low, high in zip(tested["low"], tested["high"], strict=True)]
    return Question(study, text, rows, meta.pool(tested["effect"], errors) if len(tested) > 1 else None)


def _tested(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[rows["verdict"] != NOT_TESTABLE]


def differences(reports: dict[str, Path], study: str) -> pd.DataFrame:
    """What differs between the profiles of a study, a row each; a dash where the report does not say."""
    facts = [{"profile": name} | _facts(folder, study) for name, folder in reports.items()]
    return pd.DataFrame(facts, columns=list(dict.fromkeys(key for one in facts for key in one))).fillna(DASH)


def _facts(folder: Path, study: str) -> dict[str, str]:
    report = results.read(folder)
    told = report.summary.get("provenance") or {}
    facts = {"encoder": told.get("encoder"), "records from": told.get("records"), "precision": told.get("device")}
    facts["parameters"] = Records(folder.name, pd.DataFrame(), report).total().get("parameters")
    path = score_tables.files(folder).get(f"scores_{study.removeprefix('study_')}.csv")
    if path:
        scores = score_tables.read(path, low_memory=False)
        scores = scores[scores["split"] == "test"]
        fewest, most = scores["n"].min(), scores["n"].max()
        facts |= {"seeds": scores["seed"].nunique(), "languages": " ".join(sorted(scores["language"].unique()))}
        facts |= {"targets": ", ".join(sorted(scores["task"].unique()))}
        facts["test records"] = f"{fewest:,.0f}" + (f" to {most:,.0f}" if most > fewest else "")
    return {name: str(value or DASH) for name, value in facts.items()}


def forest(question: Question) -> Figure:
    """Each profile that tested it with its interval; below them the pooled mean (black), one more profile (grey)."""
    rows, pooled = question.tested, question.pooled
    figure, axes = canvas(7, 0.4 * len(rows) + 1.6)
    colour = sns.color_palette("colorblind")[0]
    for place, row in enumerate(rows.itertuples()):
        half = [[100 * (row.effect - row.low)], [100 * (row.high - row.effect)]]
        axes.errorbar(100 * row.effect, place, xerr=half, fmt="o", color=colour, capsize=3)
    last = len(rows)
    axes.plot([100 * pooled.next_low, 100 * pooled.next_high], [last, last], color="#bbbbbb", linewidth=6)
    axes.plot([100 * pooled.low, 100 * pooled.high], [last, last], color=FIRST, linewidth=3)
    axes.plot(100 * pooled.value, last, "D", color=FIRST)
    axes.axvline(0, color="#555555", linewidth=1)
    axes.set_yticks(range(last + 1), [*rows["profile"], "all (random effects)"])
    axes.set_ylim(last + 0.5, -0.5)
    axes.set_xlabel("points: 95 % intervals; black: the mean over profiles; grey: one more profile")
    return figure


def said(pooled: meta.Pooled) -> str:
    """A pooled effect in words."""
    ahead = bounds(pooled.next_low, pooled.next_high)
    return (
        f"{points(pooled.value, sign=True)} points {bounds(pooled.low, pooled.high)} over {pooled.profiles} profiles; "
        f"between profiles SD {points(pooled.between)} points, {100 * pooled.apart:.0f} % of the variation (I²); "
        + (f"one more profile is expected in {ahead}." if ahead else "two profiles say nothing of a third.")
    )


def write(reports: dict[str, Path], page: Path) -> list[Question]:
    """Write the page, self-contained, and beside it the answers behind it as csv; the primary questions.

    Raises:
        UserError: as `answers`; or no report has a primary question.
    """
    from xlt.report.site import render

    found = answers(reports)
    asked = questions(found)
    if not asked:
        raise UserError(f"no primary question in {', '.join(reports)}; reports of this version have some: run it again")
    sections = []
    for study in dict.fromkeys(one.study for one in asked):
        own = [one for one in asked if one.study == study]
        ran = {name for one in own for name in one.rows["profile"]}
        table = differences({name: folder for name, folder in reports.items() if name in ran}, study)
        sections.append({"study": study.removeprefix("study_").replace("_", " "), "questions": list(map(_shown, own)),
                         "columns": list(table.columns), "rows": table.to_numpy().tolist()})  # fmt: skip
    page.parent.mkdir(parents=True, exist_ok=True)
    fields = {"title": "Over all profiles", "profiles": list(reports), "sections": sections}
    write_atomically(page, render("meta.html.j2", **fields))
    write_atomically(page.with_suffix(".csv"), spreadsheets.csv(found))
    return asked


def _shown(question: Question) -> dict[str, Any]:
    """A question as the template shows it."""
    rows = [
        (row.profile, points_or_dash(row.effect, sign=True), bounds(row.low, row.high), row.verdict or DASH)
        for row in question.rows.itertuples()
    ]
    tested = "; ".join(question.tested["profile"])
    few = f"Only {tested} has tested it" if tested else "No profile could test it"
    few = f"{few}, so nothing is pooled." if rows else f"{NOT_RUN}."
    shown = {"text": question.text, "rows": rows, "said": few, "picture": ""}
    if question.pooled:
        drawn = BytesIO()
        forest(question).savefig(drawn, format="png", dpi=110, bbox_inches="tight")
        shown |= {"said": said(question.pooled), "picture": b64encode(drawn.getvalue()).decode()}
    return shown
