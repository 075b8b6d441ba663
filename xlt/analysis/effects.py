"""What a claim compares, taken from the files of a report: the effect over seeds and records, or why there is none.

Within a seed languages are averaged, then tasks; a seed that lacks one of them is left out. Seeds are compared in
pairs, and crossed with the records where their outcomes lie beside the scores (outcomes*.parquet). Of several target
tasks those count that have scores; of several intermediate tasks too, if at least half of them have: an average over
fewer is another claim. What is left out is in `Effect.absent`.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from xlt.analysis import estimate, inference, pairs, score_tables, stats
from xlt.analysis.arms import figures
from xlt.analysis.claims import Claim, Rows
from xlt.analysis.degenerate_runs import collapsed
from xlt.analysis.family import components_of
from xlt.analysis.outcome_tables import SavedOutcomes
from xlt.analysis.records import Records
from xlt.core.errors import UserError
from xlt.core.paths import as_profile
from xlt.spec import trained

_NEEDED = ("recipe", "intermediate", "seed", "task", "language", "metric", "value", "main")
OTHER = ("other",)
_CELL = ["seed", "task", "language"]


class Effect(NamedTuple):
    """In fractions, with its standard error and degrees of freedom.

    `p` is of this claim alone, against zero, until `claim_checks` asks what is claimed, corrects it, and says what is
    `detectable` among all claims; of a claim that something is not higher `beyond` is the p of the reverse. `seeds` are
    those of each side, `shared` those that all have, which decide; `records` the clusters of test records (0: over
    seeds alone). `without` is the effect without the `collapsed` runs, if any.
    """

    value: float = stats.NAN
    low: float = stats.NAN
    high: float = stats.NAN
    p: float = stats.NAN
    beyond: float = stats.NAN
    error: float = stats.NAN
    freedom: float = stats.NAN
    seeds: tuple[int, ...] = ()
    shared: int = 0
    records: int = 0
    detectable: float = stats.NAN
    collapsed: int = 0
    without: float = stats.NAN
    absent: tuple[str, ...] = ()


class Table(NamedTuple):
    """A score file with a column `collapsed`; the outcomes behind it, None where they do not lie beside it."""

    scores: pd.DataFrame
    records: Records | None = None


class Missing(Exception):
    """The scores do not hold what a claim compares; the message says what is not there, `names` what to look for."""

    def __init__(self, message: str, names: Iterable[str] = ()):
        super().__init__(message)
        self.names = tuple(names)


class _Side(NamedTuple):
    """Rows whose weighted sum in a seed is its value; the tasks and languages behind it; the pairs of intermediate and
    target task that have no score; seeds with a collapsed run, and how many such runs."""

    rows: pd.DataFrame
    cells: set[tuple[str, str]]
    without: tuple[str, ...]
    collapsed: set[int]
    runs: int


def read(folder: Path) -> dict[str, Table]:
    """The score files of a report by name; of a report without any {}.

    Raises:
        UserError: a file is empty, damaged or lacks a column.
    """
    tables = {}
    for name, path in score_tables.files(folder).items():
        where = f"{folder.name}/{path.name}"
        try:
            table = score_tables.read(path, keep_default_na=False, na_values=[""], low_memory=False).drop_duplicates()
        except ValueError:  # every way in which pandas finds a csv empty or damaged
            raise UserError(
                f"{where} is empty or damaged; run ./run_all.sh --profile {as_profile(folder.name)} again"
            ) from None
        if missing := [column for column in _NEEDED if column not in table]:
            raise UserError(f"{where} lacks the column {', '.join(missing)}; run the notebook that writes it again")
        table["main"] = table["main"].astype(str) == "True"
        tables[name] = Table(table.assign(collapsed=collapsed(table)), _outcomes(path, table))
    return tables


def _outcomes(scores: Path, table: pd.DataFrame) -> Records | None:
    """The outcomes beside a score file: of scores_ordering.csv.gz those in outcomes_ordering.parquet."""
    name = scores.name.partition(".")[0].replace("scores", "outcomes", 1)
    file = scores.with_name(f"{name}.parquet")
    if not file.exists() or not {"run", "outcome"}.issubset(table):
        return None
    try:
        return Records(SavedOutcomes(file))
    except (OSError, ValueError):  # both come from files that are cut off
        where = f"{file.parent.name}/{file.name}"
        raise UserError(
            f"{where} is damaged; run ./run_all.sh --profile {as_profile(file.parent.name)} again"
        ) from None


def effect(claim: Claim, table: Table) -> Effect:
    """
    Raises:
        Missing: the scores do not hold what the claim compares.
    """
    scores = table.scores
    sides = [_difference(claim, who, scores) for who in (claim.compare, claim.against) if who]
    if len({frozenset(side.cells) for side in sides}) > 1:
        task, language = sorted(sides[0].cells ^ sides[1].cells)[0]
        raise Missing(f"one side has {task} in {language}, the other has not")
    parts = components_of(_less(*(side.rows for side in sides)), table.records)
    if not parts.seeds:
        raise Missing("no seed in common")
    found = inference.estimate(parts)._asdict()
    if not claim.against:
        found["p"] = stats.NAN  # zero is no hypothesis here
    kept = _less(*(side.rows[~side.rows["seed"].isin(side.collapsed)] for side in sides))
    seeds = tuple(side.rows["seed"].nunique() for side in sides)
    runs = sum(side.runs for side in sides)
    absent = _absent(claim, scores, {task for task, _ in sides[0].cells})
    absent = tuple(dict.fromkeys([*absent, *(pair for side in sides for pair in side.without)]))
    about = {"seeds": seeds, "shared": parts.seeds, "records": parts.clusters, "absent": absent}
    return Effect(**found, **about, collapsed=runs, without=figures(kept).mean() if runs else stats.NAN)


def _less(rows: pd.DataFrame, others: pd.DataFrame | None = None) -> pd.DataFrame:
    """The rows of a claim of one side, the difference of the two sides of another."""
    return rows if others is None else pairs.difference(rows, others)


def _absent(claim: Claim, scores: pd.DataFrame, targets: set[str]) -> tuple[str, ...]:
    """Intermediate and target tasks that the claim names and that are not among the effect's, such as its `targets`."""
    named = [rows for rows in (claim.on, claim.compare, claim.against, claim.minus) if rows]
    stages = [name for rows in named for name in rows.intermediate or () if name not in set(scores["intermediate"])]
    return tuple(dict.fromkeys(stages + [name for rows in named for name in rows.task or () if name not in targets]))


def _difference(claim: Claim, who: Rows, scores: pd.DataFrame) -> _Side:
    """The rows `on` of one side; less the rows `minus`, seed by seed, where the claim has them."""
    side = _side(scores, claim.on.over(who))
    if claim.minus:
        other = _side(scores, claim.on.over(claim.minus).over(who))
        lost, runs = side.collapsed | other.collapsed, side.runs + other.runs
        rows, cells = pairs.difference(side.rows, other.rows), side.cells | other.cells
        side = _Side(rows, cells, side.without + other.without, lost, runs)
    if side.rows.empty:
        raise Missing(f"no seed of {_told(who)} is complete")
    return side


def _told(rows: Rows) -> str:
    fields = rows.model_dump(exclude_unset=True)
    return ", ".join(f"{column} {' '.join(map(str, values))}" for column, values in fields.items() if values)


def _side(scores: pd.DataFrame, wanted: Rows) -> _Side:
    rows = _chosen(scores, wanted)
    if rows["collapsed"].all():
        raise Missing(f"every run of {_told(wanted)} collapsed")
    values = {name: getattr(wanted, name) or () for name in Rows.model_fields if name not in _CELL}
    several = [name for name, chosen in values.items() if len(chosen) > 1 or chosen == OTHER]
    _refuse_doubles(rows, _CELL + several)
    seeded = estimate.beside_every_seed(rows, scores["seed"].unique()).dropna(subset="value")
    if "outcome" in seeded:  # which are of the main metrics
        seeded = seeded.assign(outcome=seeded["outcome"].where(seeded["main"]))
    shares = estimate.shares(seeded.assign(weight=1.0), by=["task"], over=["language", *several])
    weighted = estimate.shares(shares, over=["task"])
    cells, lost = set(zip(rows["task"], rows["language"], strict=True)), rows[rows["collapsed"]]
    return _Side(weighted, cells, _holes(rows), set(lost["seed"]), len(lost.groupby(["recipe", "seed", "task"])))


def _holes(rows: pd.DataFrame) -> tuple[str, ...]:
    """The pairs that have no score of intermediate and target tasks that each have some: their mean lacks them."""
    have = set(zip(rows["intermediate"], rows["task"], strict=True))
    stages, targets = (dict.fromkeys(rows[name]) for name in ("intermediate", "task"))
    return tuple(f"{task} after {stage}" for stage in stages for task in targets if (stage, task) not in have)


def _chosen(scores: pd.DataFrame, wanted: Rows) -> pd.DataFrame:
    rows = scores if wanted.metric else scores[scores["main"]]
    for name, field in Rows.model_fields.items():
        values = getattr(wanted, name)
        if values is None or name == "language":
            continue
        if name not in rows:
            if values == field.default:
                continue
            raise Missing(f"the scores have no column {name}")
        rows = rows[rows[name] != "none"] if values == OTHER else rows[rows[name].isin(values)]
        absent = sorted({*values} - {*rows[name], *OTHER}, key=str)
        if absent and not _enough(name, len(values), len(absent)):
            named = map(str, absent) if name in ("task", "intermediate") else ()
            raise Missing(f"no scores of {name} {', '.join(map(str, absent))}", named)
    rows = rows[trained.in_languages(rows, wanted.language)]
    if rows.empty:
        raise Missing(f"no scores in the languages {' '.join(wanted.language)}")
    return rows


def _enough(column: str, wanted: int, absent: int) -> bool:
    """Whether what is left of the values asked for in a column still stands for all of them."""
    return {"task": absent < wanted, "intermediate": 2 * absent <= wanted}.get(column, False)


def _refuse_doubles(rows: pd.DataFrame, key: list[str]) -> None:
    first = estimate.repeated(rows, key)
    if not first.empty:
        names = [name for name in Rows.model_fields if name in first and first[name].nunique(dropna=False) > 1]
        raise Missing(f"several scores of one seed, task and language: say which {names[0] if names else 'layer'}")
