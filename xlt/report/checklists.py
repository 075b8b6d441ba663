"""The reproducibility checklists of ARR and NeurIPS, answered from the records as far as these go.

templates/checklists.yaml declares the items: {code, asks, says, from}. `says` holds for every report; `from` names
functions below, each of which reads one kind of record and returns lines, none where nothing is recorded.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import pandas as pd

from xlt.core import paths
from xlt.core.files import read_yaml
from xlt.core.text import counted
from xlt.data.sources import WORLD
from xlt.report import results

FILE = Path(__file__).parent / "templates" / "checklists.yaml"
_COST = {"runs", "hours", "parameters", "trainable", "peak_mb", "device"}


class Link(NamedTuple):
    text: str
    to: str


Lines = list[str | Link]


class Records(NamedTuple):
    profile: str
    scores: pd.DataFrame
    found: results.Results

    @classmethod
    def of(cls, folder: Path, found: results.Results) -> Records:
        tables = [table.assign(study=study) for study, table in results.by_study(folder).items()]
        return cls(folder.name, pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(), found)

    def values(self, column: str) -> list[Any]:
        """The different values of a column of the scores."""
        return sorted(self.scores[column].dropna().unique()) if column in self.scores else []

    def data_sets(self) -> list[dict[str, str]]:
        """The rows of the table of data sets, as xlt.lab.datasheet makes it."""
        return results.rows(self.found.tables.get("data_sets"))

    def total(self) -> dict[str, str]:
        """The last row of the cost table: every run counted once; empty where it is another table."""
        cost = self.found.tables.get("cost")
        total = dict(zip(cost["columns"], cost["rows"][-1], strict=True)) if cost and cost["rows"] else {}
        return total if total.keys() >= _COST else {}


def filled(records: Records) -> list[dict[str, Any]]:
    """The lists with `lines` in each item; an item without any is to be answered by the authors."""
    return [part | {"items": [_filled(item, records) for item in part["items"]]} for part in read_yaml(FILE)]


def _filled(item: dict[str, Any], records: Records) -> dict[str, Any]:
    lines = [line for name in item.get("from", "").split() for line in READERS[name](records)]
    return item | {"lines": [*lines, item["says"]] if lines and "says" in item else lines}


def limits(records: Records) -> Lines:
    told = [n for n in records.found.notebooks if any(c.source.startswith("## Limits") for c in n.content.cells)]
    return [Link(f"Limits: {n.title}", f"notebooks/{quote(n.name)}.html#Limits") for n in told]


def answers(records: Records) -> Lines:
    effects = [a for study in records.found.studies for a in study.answers]
    bounded = sum(isinstance(a.get("low"), int | float) and a["low"] == a["low"] for a in effects)
    return [
        Link(f"{counted(len(effects), 'answer')}, {bounded} of them with an interval", "index.html#answers")
    ] * bool(effects)


def data(records: Records) -> Lines:
    """Each data set with its licence."""
    if [row["records"] for row in records.data_sets()] == [WORLD]:
        return ["Only the generated world of this repository, under the repository's licence; no records of others."]
    return [f"{_named(row)}: {row['licence']}" for row in records.data_sets()]


def citations(records: Records) -> Lines:
    """Each data set with what its makers are cited by."""
    return [f"{_named(row)}: {row['citation']}" for row in records.data_sets()]


def _named(row: dict[str, str]) -> str:
    return f"{row['data set']} ({row['tasks']}), from {row['records']}"


def coverage(records: Records) -> Lines:
    """For each task: splits, languages, and how many examples a language has."""
    if records.scores.empty:
        return []
    groups = records.scores.groupby("task", sort=True).agg(
        {"split": lambda s: ", ".join(sorted(s.unique())), "language": lambda s: " ".join(sorted(s.unique())),
         "n": ["min", "max"]}
    )  # fmt: skip
    return [
        f"{task}: {split}; {languages}; {f'{low:,} to ' if low < high else ''}{counted(high, 'example')} in each"
        for task, split, languages, low, high in groups.itertuples(name=None)
    ]


def sizes(records: Records) -> Lines:
    total = records.total()
    return [f"At most {total['parameters']} parameters, {total['trainable']} of them trained."] if total else []


def compute(records: Records) -> Lines:
    total = records.total()
    if not total:
        return []
    runs, hours = (counted(total[noun + "s"], noun) for noun in ("run", "hour"))
    spent = f"{runs} in {hours} on {total['device']}, at most {total['peak_mb']} MB"
    return [f"{spent} ({', '.join(records.values('precision'))}).", Link("Cost by notebook", "index.html#cost")]


def seeds(records: Records) -> Lines:
    """How many seeds, study by study where they differ; the encoder as it is has none and counts as one."""
    studies: dict[str, list[str]] = {}  # by their seeds
    rows = records.scores.dropna(subset="seed") if "seed" in records.scores else records.scores
    for study, found in rows.groupby("study", sort=False)["seed"].unique().items() if len(rows) else ():
        studies.setdefault(f"{counted(len(found), 'seed')} ({', '.join(map(str, sorted(found)))})", []).append(study)
    told = [f"{seeds}: {', '.join(names)}" if len(studies) > 1 else seeds for seeds, names in studies.items()]
    return [f"{'; '.join(told)}; {counted(len(records.values('run')), 'model')} evaluated."] if told else []


def failed(records: Records) -> Lines:
    kept = [t for name, t in records.found.tables.items() if name.startswith(results.FAILED)]
    rows = sum(len(table["rows"]) for table in kept)
    return [Link(f"{counted(rows or 'No', 'failed or collapsed run')}", "index.html#failures")] if kept else []


def settings(records: Records) -> Lines:
    known = records.found.summary.get("provenance") or {}
    file = paths.params_file(records.profile)
    called = f"params/{file.name}" if file.is_file() else file.name  # a user's own lies elsewhere
    return [f"{called}, of which the digest is {known['settings']}."] if "settings" in known else []


def code(records: Records) -> Lines:
    commits = records.values("commit")
    if not commits:
        return []
    changed = ", with uncommitted changes" if any(records.values("dirty")) else ""
    command = f"./run_all.sh --profile {paths.as_profile(records.profile)}"
    return [
        f"{command}, at commit {', '.join(map(str, commits))}{changed}.",
        *(Link(n.title, f"notebooks/{quote(n.name)}.html") for n in records.found.notebooks),
    ]


def versions(records: Records) -> Lines:
    names = [name for name in records.scores if name.endswith("_version") and name != "task_version"]
    found = [f"{name.removesuffix('_version')} {', '.join(map(str, records.values(name)))}" for name in names]
    return ["; ".join(found) + "."] if found else []


READERS: dict[str, Callable[[Records], Lines]] = {
    read.__name__: read
    for read in (limits, answers, data, citations, coverage, sizes, compute, seeds, failed, settings, code, versions)
}
