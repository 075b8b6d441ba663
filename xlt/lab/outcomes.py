"""The outcomes of stored evaluations, record by record, for the intervals of a study."""

from __future__ import annotations

from xlt.data.store import Store, predictions
from xlt.evaluation.outcomes import Outcomes, outcomes
from xlt.spec import tasks


class StoredOutcomes:
    """Reads the outcomes of a score by the columns run and outcome of its row."""

    def __init__(self, store: Store):
        self.store = store
        # a run's folder is named by what was trained and its id; a score's row has the id
        self.folders = {folder.name.rpartition("-")[2]: folder for folder in store.root.glob("[!.]*")}

    def __call__(self, run: str, outcome: str) -> Outcomes | None:
        """None where the predictions are gone, or the task's main metric is no ratio of sums over records."""
        file = self.folders[run] / "scores" / f"{outcome}.json" if run in self.folders else None
        if file is None or not file.with_suffix(".predictions.jsonl.gz").is_file():
            return None
        # a task's name may have hyphens; what stands behind it is a language and a hash
        task = tasks.get(_task(outcome))
        return outcomes(predictions(file), task.metrics[0], self.store.source.labels(task))


def _task(outcome: str) -> str:
    return max((name for name in tasks.TASKS if outcome.startswith(f"{name}-")), key=len)
