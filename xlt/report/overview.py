"""Tables of the report as a whole: every run of the profile with the notebooks that use it, and the declared claims."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from xlt.analysis import claim_checks, degenerate_runs, effects
from xlt.analysis import claims as declared
from xlt.analysis.costs import cost_table
from xlt.core.text import DASH, bounds, points_or_dash
from xlt.lab import datasheet, studies
from xlt.lab.jobs import training_splits
from xlt.lab.lab import Lab
from xlt.report import results
from xlt.spec import trained
from xlt.spec.stage_rules import ENGLISH


def runs(lab: Lab) -> pd.DataFrame:
    """Cost of every run behind the notebooks of the profile, each once; `used in` names these notebooks."""
    parts = {_short(name): lab.runs(study.recipes, seeds=study.seeds) for name, study in studies.of(lab).items()}
    rows = pd.concat(parts, names=["used in", None]).reset_index("used in")
    if rows.empty:
        return rows
    used = rows.groupby("run")["used in"].agg(lambda names: _listed(names.unique(), len(parts)))
    return rows.drop_duplicates("run").drop(columns="used in").join(used, on="run").reset_index(drop=True)


def _listed(notebooks: Sequence[str], there_are: int) -> str:
    return "all" if len(notebooks) == there_are else ", ".join(notebooks)


def _short(notebook: str) -> str:
    """A notebook as a cell has room for it: "phase 3", "ordering"."""
    number, _, name = notebook.partition("_")
    return f"phase {int(number)}" if number.isdigit() else name


def cost(made: pd.DataFrame) -> pd.DataFrame:
    """`runs` summed by the notebooks that use them and by what their last stage trained; last row: all of them."""
    if made.empty:
        return cost_table(made)
    stages = made.assign(recipe=made["kind"] + (": " + made["task"]).where(made["task"] != "", ""))
    parts = {used: cost_table(rows)[:-1] for used, rows in stages.groupby("used in", sort=False)}
    return pd.concat(parts | {"": cost_table(stages)[-1:]}, names=["used in", "stage"])


def collapsed(lab: Lab, made: pd.DataFrame) -> pd.DataFrame:
    """Runs that are no better than a guess, or score the same in every language, on a task; each run and task once."""
    tables = [lab.run(study.recipes, study.evaluations, study.seeds) for study in studies.of(lab).values()]
    tables = [scores for scores in tables if len(scores)]
    name = trained.heading(pd.concat(tables)) if tables else trained.named([ENGLISH])
    columns = ["recipe", "task", "seed", name, "used in", "run"]
    if not tables:
        return pd.DataFrame(columns=columns)
    # the same label is another run in another notebook, so runs are told apart by their id
    parts = [degenerate_runs.table(scores.assign(recipe=scores["run"]), name) for scores in tables]
    found = pd.concat(parts).rename(columns={"recipe": "run"}).drop_duplicates(["run", "task"])
    about = made.set_index("run")[["recipe", "used in"]]
    return found.join(about, on="run")[columns].reset_index(drop=True)


def meaning(lab: Lab) -> str:
    """What the verdicts on claims are worth in this profile."""
    return declared.load().use(lab.profile.name).means


def claims_caption(lab: Lab) -> str:
    """What the verdicts are and are worth, and how far each claim was read."""
    return (
        "Claims of the literature, as params/claims.yaml declares them; effects and 95 % intervals in points. What a "
        f"verdict is worth here: {meaning(lab)}. Held: the claim is shown, after Holm's correction over the claims of "
        "its kind; refuted: the opposite is; not shown: neither. Status: a claim was verified in the source named, "
        "derived from values verified there, or told from memory."
    )


def claims(lab: Lab) -> pd.DataFrame:
    """The declared claims against the score files of this report, of which there may be none yet; numbers in points."""
    found = []
    for row in (result.row() for result in claim_checks.held(lab.profile, effects.read(lab.reports))):
        source = row["source"]
        about = {
            "claim": row["sentence"],
            "source": f"{source['paper']}, {source['where']}",
            "status": source["status"],
        }
        found.append(about | {key: row[key] for key in ("effect", "low", "high", "verdict", "why")})
    return pd.DataFrame(found).astype({key: float for key in ("effect", "low", "high")})  # without any effect: None


def judged(found: pd.DataFrame) -> pd.DataFrame:
    """`claims` to be read: effects with their intervals."""
    effects = [points_or_dash(effect / 100, sign=True) for effect in found["effect"]]
    intervals = [bounds(low / 100, high / 100) or DASH for low, high in zip(found["low"], found["high"], strict=True)]
    table = found.drop(columns=["low", "high"]).assign(effect=effects)
    table.insert(4, "interval", intervals)
    return table


def data_sets(lab: Lab) -> pd.DataFrame:
    """One row for each data set of the stored runs of the profile and of the scores in its report."""
    scores = results.scores(lab.reports)
    read = [place for recipe in filter(lab.store.done, studies.all_recipes(lab)) for place in training_splits(recipe)]
    if len(scores):
        read += scores[["task", "language", "split"]].drop_duplicates().itertuples(index=False, name=None)
    return datasheet.table(lab.source, read)
