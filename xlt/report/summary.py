"""What a report says of itself: what stands behind its numbers, the answers of each notebook, a look at the records."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable
from typing import Any

import pandas as pd

from xlt.analysis import claims
from xlt.analysis.findings import Answer
from xlt.core import provenance
from xlt.core.errors import UserError
from xlt.core.files import write_atomically
from xlt.core.text import counted
from xlt.lab import datasheet, hub, selection
from xlt.lab.lab import Lab
from xlt.lab.studies import all_recipes
from xlt.report.results import CODE
from xlt.spec import tasks
from xlt.spec.identity import digest
from xlt.spec.languages import language
from xlt.spec.recipe import Recipe
from xlt.spec.trained import named, names


def about(lab: Lab, runs: Iterable[Recipe] = ()) -> pd.DataFrame:
    """What stands behind the numbers of a notebook: profile, records, encoder, code, versions, machine.

    The machine is that of these `runs`; without any that are stored, the one at hand. Code and versions are those that
    made the page: each score has its own beside it.
    """
    code, here = provenance.code(), _environment(lab)
    facts = {
        "profile": f"{lab.profile.name}: {lab.profile.description}",
        "records": datasheet.sources(lab.profile, lab.source),
        "encoder": _encoder(lab),
        "settings": f"{_settings(lab)} (digest)",
        CODE: f"{code['commit']}, state {provenance.state(lab.profile.name)}",
        "its versions": ", ".join(f"{name} {version}" for name, version in here["packages"].items()),
        **_machine(lab, runs),
    }
    return pd.DataFrame({"": facts}).rename_axis("what")


def save_summary(lab: Lab, title: str, asked: str = "") -> str:
    """summary.json for the report page: provenance, and whether the results are clean, dirty or smoke.

    `asked`: what the report answers, where that is not transfer.
    """
    code, here = provenance.code(), _environment(lab)
    summary = {
        "title": title, "question": asked or question(lab),
        "source": lab.profile.data.source,
        "state": provenance.state(lab.profile.name), "note": lab.profile.description,
        "left_out": [path.stem for path in selection.of_profile(lab.profile).left_out],
        "provenance": {
            "profile": lab.profile.name, "records": datasheet.sources(lab.profile, lab.source), "code": code["commit"],
            "encoder": _encoder(lab),
            "settings": _settings(lab),
            **here["packages"], "python": here["python"], **_machine(lab, all_recipes(lab)),
        },
    }  # fmt: skip
    if commits := hub.revisions(lab.profile):
        summary["provenance"]["revisions on the hub"] = commits
    lab.reports.mkdir(parents=True, exist_ok=True)
    write_atomically(lab.reports / "summary.json", json.dumps(summary, indent=1, ensure_ascii=False) + "\n")
    return f"summary.json: state {summary['state']}"


def save_answers(lab: Lab, notebook: str, question: str, found: list[Answer]) -> str:
    """answers/NOTEBOOK.json for the report page; what a profile's answers mean stands in params/claims.yaml."""
    label = claims.load().use(lab.profile.name).means
    content = {"study": question, "label": label, "answers": [answer.row() for answer in found]}
    folder = lab.reports / "answers"
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / f"{notebook}.json", json.dumps(content, indent=1, ensure_ascii=False) + "\n")
    return f"answers/{notebook}.json: {counted(len(found), 'answer')} ({label})"


def showcase(lab: Lab) -> pd.DataFrame:
    """One sentence of the generated world in every language; of real data sets no record is ever shown."""
    if lab.profile.data.source != "world":
        return pd.DataFrame({"records": [f"{lab.source}: not shown, see the licences in `xlt tasks`"]})
    pairs = tasks.get("tatoeba")
    found = {code: lab.source.load(pairs, code, "test", 3) for code in lab.languages(pairs.name)}
    if not found:
        return pd.DataFrame({"records": ["no language beside English to show one in"]})
    rows = {"en": next(iter(found.values()))["target"][:]} | {code: table["source"][:] for code, table in found.items()}
    return pd.DataFrame({language(code).name: rows[code] for code in rows}).T.rename_axis("language")


def missing(lab: Lab, names: Iterable[str]) -> pd.DataFrame:
    """The languages of each task in which it has no test records here; tasks that lack none are left out."""
    lacking = {name: " ".join(lab.missing(name)) for name in names}
    rows = [{"task": name, "no test records in": codes} for name, codes in lacking.items() if codes]
    return pd.DataFrame(rows or {"task": ["none lacks a language"]})


def _settings(lab: Lab) -> str:
    """Digest of all in the profile that can decide a result."""
    return digest(lab.profile.model_dump(mode="json", exclude={"resources"}))


def _encoder(lab: Lab) -> str:
    if lab.profile.benchmark:
        return "random weights of XLM-R's shape"
    return lab.profile.starts_from


def _environment(lab: Lab) -> dict[str, Any]:
    from xlt.core import device  # brings torch along
    from xlt.data import weights

    device.prefer(lab.profile.resources.precision, weights.width(lab.profile.encoder))
    return provenance.environment()


def _machine(lab: Lab, runs: Iterable[Recipe] = ()) -> dict[str, str]:
    """What these runs were made on, if they are stored; without any, what runs would be made on here."""
    made = []
    for recipe in runs:
        with contextlib.suppress(UserError):  # records that cannot be had: no run was made of them
            made += lab.environments(recipe)[-1:]
    found = provenance.made_on(made or [_environment(lab) | {"threads": lab.profile.resources.threads}])
    machine = {
        "device": found["precision"], "processor": found["processor"],
        "instruction set": found["instructions"], "threads": found["threads"],
    }  # fmt: skip
    return machine | flagged(made)


def flagged(made: Iterable[dict[str, Any]]) -> dict[str, str]:
    """What a reader must know who compares scores of these runs: nothing where all were computed in one precision."""
    several = provenance.precisions(made)
    if len(several) < 2:
        return {}
    return {
        "beware": f"runs in {' and '.join(several)} stand side by side, and the precision is part of what a score "
        "says: runs.csv.gz tells which are which; set resources.precision to compute all alike"
    }


def question(lab: Lab) -> str:
    """What the report of a profile answers."""
    tested = [(code, tasks.get(name)) for name in lab.profile.target for code in lab.languages(name)]
    other = not tested or any(code not in lab.sources.of(task) for code, task in tested)
    where = "zero-shot transfer, and where" if other else f"in {named(lab.sources.all)}"
    learned = " and ".join(names(lab.sources.before))
    return " ".join(filter(None, ["Which", learned, "intermediate tasks help", where])) + "?"
