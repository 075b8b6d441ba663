"""The outcomes behind a score file, record by record, as a Parquet file: every interval can be made again from it.

One row a score: run, outcome (the columns of the score file that name it), item, numerator, denominator. The score is
the sum of the second over that of the third. Means have no denominator stored: each record counts one.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from xlt.analysis.records import Read
from xlt.evaluation.outcomes import Outcomes

_SCHEMA = pa.schema(
    {
        "run": pa.string(), "outcome": pa.string(), "item": pa.list_(pa.string()),
        "numerator": pa.list_(pa.float32()), "denominator": pa.list_(pa.float32()),
    }
)  # fmt: skip


def save(scores: pd.DataFrame, read: Read, file: Path) -> int:
    """Write the outcomes of the main scores on test records; says of how many scores there are any."""
    rows = scores[scores["main"].astype(bool) & (scores["split"] == "test")] if len(scores) else scores
    names = rows[["run", "outcome", "task"]].drop_duplicates().itertuples(index=False) if len(rows) else ()
    kept = [(run, outcome, read(run, outcome, task)) for run, outcome, task in names]
    found = [{"run": run, "outcome": outcome, **_columns(one)} for run, outcome, one in kept if one is not None]
    file.parent.mkdir(parents=True, exist_ok=True)
    table = pa.Table.from_pylist(found, schema=_SCHEMA)
    # sorted, the items of one test set lie side by side and are stored once
    pq.write_table(table.sort_by([("outcome", "ascending"), ("run", "ascending")]), file, compression="zstd")
    return len(found)


def _columns(kept: Outcomes) -> dict[str, list]:
    mean = (kept.denominator == 1).all()
    return {
        "item": kept.item.tolist(),
        "numerator": kept.numerator.tolist(),
        "denominator": [] if mean else kept.denominator.tolist(),
    }


class SavedOutcomes:
    """Reads what `save` wrote, as `Records` asks for it.

    Raises:
        OSError: there is no such file, or it is damaged.
    """

    def __init__(self, file: Path):
        columns = pq.read_table(file).to_pydict()
        keys = zip(columns["run"], columns["outcome"], strict=True)
        values = zip(columns["item"], columns["numerator"], columns["denominator"], strict=True)
        self._kept = dict(zip(keys, values, strict=True))

    def __call__(self, run: str, outcome: str, task: str) -> Outcomes | None:
        """Of a file that holds no such score: None. The task says nothing more, as outcomes are stored ready."""
        if (run, outcome) not in self._kept:
            return None
        item, numerator, denominator = self._kept[run, outcome]
        counts = np.array(denominator) if denominator else np.ones(len(numerator))
        return Outcomes(np.array(item), np.array(numerator), counts)
