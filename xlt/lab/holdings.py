"""How many records each split of a user's task has in each language: a small table for the plan."""

from __future__ import annotations

import pandas as pd

from xlt.core.errors import UserError
from xlt.data.sources import Source
from xlt.spec.tasks import Task


def table(source: Source, task: Task) -> tuple[pd.DataFrame, list[str]]:
    """A row for each language and a column for each split that the task declares; and what of it cannot be read.

    "-" is a split that is not there or cannot be read, "?" one on the hub of which nobody says how large it is: nothing
    is fetched.
    """
    wrong: dict[str, None] = {}
    counts = {split: _counts(source, task, split, wrong) for split in task.splits}
    return pd.DataFrame(counts).rename_axis("language"), list(wrong)


def _counts(source: Source, task: Task, split: str, wrong: dict[str, None]) -> dict[str, str]:
    counts = dict.fromkeys(task.everywhere, "-")
    for code in source.languages(task, split):
        try:
            own = source.local(task, code, split)
            rows = len(source.load(task, code, split)) if own else source.rows(task, code, split)
            counts[code] = "?" if rows is None else f"{rows:,}"
        except UserError as error:
            wrong[str(error)] = None
    return counts
