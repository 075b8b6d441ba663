"""How many rows a split has: as a folder's COUNTS.tsv or the task says."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from xlt.core.errors import UserError
from xlt.core.files import State, state
from xlt.spec.tasks import Task


def of_folder(root: Path) -> dict[tuple[str, str, str], int]:
    """Rows by id, config and split, as a folder declares them in COUNTS.tsv."""
    file = root / "COUNTS.tsv"
    return _listed(state(file)) if file.is_file() else {}


@cache
def _listed(file: State) -> dict[tuple[str, str, str], int]:
    lines = Path(file[0]).read_text(encoding="utf-8-sig").splitlines()[1:]
    return {(name, config, split): int(rows) for name, config, split, rows in (line.split("\t")[:4] for line in lines)}


def declared(task: Task, code: str, split: str) -> int | None:
    rows = task.rows.get(split)
    return rows.get(code) if isinstance(rows, Mapping) else rows


def check(root: Path | None, task: Task, code: str, split: str, sizes: tuple[int, int], where: str) -> None:
    """Hold the number of rows against that of the folder's COUNTS.tsv, which counts files, or, without `root`, of the
    public data set. So a lost first line, or a file that was cut, is seen.

    `sizes`: rows of the file and, of those, what was kept; where a file holds several languages, the public data set
    is counted by language.

    Raises:
        UserError: there are more or fewer.
    """
    if root is None:
        wanted, held = declared(task, code, split), sizes[1] if task.prefix else sizes[0]
    else:
        wanted, held = of_folder(root).get((task.dataset, task.config_for(code), task.splits[split])), sizes[0]
    if wanted is not None and wanted != held:
        raise UserError(f"{where}: {held:,} rows, but the data set has {wanted:,}; fetch the file again")
