"""The scores of a report as files: what was scored and its value in one, what made each run, once, in another.

scores.csv.gz has a row for each score; runs.csv.gz a row for each run, with the source of its records, commit, machine
and versions. A study has a pair of its own, such as scores_ordering.csv.gz and runs_ordering.csv.gz, and phase 1 too,
scores_pretrained.csv.gz, with the control without pretraining. The columns `run` and `origin` join them: scores of one
run that were made from another commit or on another machine have another origin.

Older reports hold both in one scores.csv, which is read as well.
"""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from xlt.core import spreadsheets
from xlt.core.files import gzipped, write_atomically
from xlt.core.provenance import MACHINE_COLUMN
from xlt.core.text import counted

_KEYS = ["run", "origin"]
_CODE = ("source", "commit", "dirty")  # of a run, beside the machine that made it


def save(scores: pd.DataFrame, folder: Path, name: str = "scores") -> str:
    """Write every score and every run behind them; says how many scores there are and from which code.

    Times and seconds are left out: the same results give the same bytes. The file of an older report is deleted, and
    without scores those of the last one too, which would be read as if they were of the settings of today.
    """
    file = Path(folder) / f"{name}.csv.gz"
    file.with_suffix("").unlink(missing_ok=True)
    if scores.empty:
        for path in (file, runs_of(file)):
            path.unlink(missing_ok=True)
        return f"{file.name}: nothing was run"
    file.parent.mkdir(parents=True, exist_ok=True)
    rows, runs = _split(scores.drop(columns=["seconds", "finished"]))
    for path, table in ((runs_of(file), runs), (file, rows)):
        write_atomically(path, gzipped(spreadsheets.csv(table)))
    dirty = int(np.sum(scores["dirty"].astype(bool)))
    commits = ", ".join(sorted(map(str, scores["commit"].unique())))
    return (
        f"{file.name}: {counted(len(rows), 'score')} from code {commits}; {dirty} of them from a changed working tree"
    )


def _split(scores: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The scores without what made their runs, and that of each run."""
    columns = [column for column in scores if column in _CODE or MACHINE_COLUMN.fullmatch(column)]
    runs = scores[["run", *columns]].drop_duplicates()
    runs.insert(1, "origin", runs.groupby("run").cumcount() + 1)
    return scores.merge(runs, on=["run", *columns], how="left").drop(columns=columns), runs


def runs_of(file: Path) -> Path:
    """The file of runs that belongs to a file of scores."""
    return file.with_name(file.name.replace("scores", "runs", 1))


def files(folder: Path) -> dict[str, Path]:
    """The score files of a report in either form, each by the name of its table, such as "scores_ordering.csv"."""
    paths = sorted([*folder.glob("scores*.csv"), *folder.glob("scores*.csv.gz")])
    return {path.name.removesuffix(".gz"): path for path in paths}  # of both forms the new one, which is sorted last


def read(file: Path, **options: Any) -> pd.DataFrame:
    """A score file in either form, each score with what made its run; `options` are those of pandas.read_csv.

    Raises:
        ValueError: the file is empty or damaged, or the runs behind it are.
    """
    options = {"dtype": {"run": "str"}} | options
    try:
        scores = spreadsheets.read(file, **options)
        if file.suffix != ".gz":
            return scores
        joined = scores.merge(spreadsheets.read(runs_of(file), **options), on=_KEYS, validate="many_to_one")
    except (OSError, EOFError, KeyError, zlib.error) as error:  # cut off, without its runs or without their names
        raise ValueError(f"{file.name}: {error}") from None
    if len(joined) < len(scores):
        raise ValueError(f"{file.name} has scores of runs that are not in {runs_of(file).name}")
    return joined.drop(columns="origin")
