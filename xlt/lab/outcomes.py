"""The outcomes of stored evaluations, record by record, for the intervals of a study."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from xlt.data.store import Store, predictions
from xlt.evaluation.outcomes import Outcomes, outcomes
from xlt.spec import tasks


class StoredOutcomes:
    """Reads the outcomes of a score by the columns run, outcome and task of its row; each file once."""

    def __init__(self, store: Store):
        self.store = store
        self._folders: dict[str, Path] = {}
        self._read: dict[tuple[str, str], Outcomes | None] = {}

    def __call__(self, run: str, outcome: str, task: str) -> Outcomes | None:
        """None where the predictions are gone, or the task's main metric is no ratio of sums over records."""
        if self._read.get((run, outcome)) is None:  # what is not there yet may come
            self._read[run, outcome] = self._outcomes(run, outcome, tasks.get(task))
        return self._read[run, outcome]

    def _outcomes(self, run: str, outcome: str, task: tasks.Task) -> Outcomes | None:
        folder = self._folder(run)
        file = folder / "scores" / f"{outcome}.json" if folder else None
        if file is None or not file.with_suffix(".predictions.jsonl.gz").is_file():
            return None
        return outcomes(predictions(file), task.metrics[0], self.store.source.labels(task))

    def _folder(self, run: str) -> Path | None:
        """A run's folder is named by what was trained and its id, of which a score's row has the id."""
        if run not in self._folders:
            self._folders = {folder.name.rpartition("-")[2]: folder for folder in self.store.root.glob("[!.]*")}
        return self._folders.get(run)


@cache
def stored(store: Store) -> StoredOutcomes:
    """Those of a process: intervals, plans and the file of a report read the same predictions, thousands of files."""
    return StoredOutcomes(store)
