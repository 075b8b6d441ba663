"""The records that runs read, looked at once before anything is trained: what is wrong in them is said first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache

from xlt.data.sources import Source
from xlt.evaluation import conditions
from xlt.lab.jobs import Job, Split, training_splits
from xlt.models import robust
from xlt.spec import tasks


def read_records(source: Source, jobs: Iterable[Job], download: bool) -> None:
    """Load once all that the jobs learn from and are evaluated on: a wrong label is said before anything is trained,
    and so is a perturbation, augmentation or attack that has no meaning or no word list in a language.

    Not the generated world's, which are right; and of those on the hub only what a run would `download` anyway.

    Raises:
        UserError: as for `Source.load`.
    """
    jobs = list(jobs)
    for job in jobs:
        for stage in job.recipe.stages[-1:]:
            robust.ready(stage)
        for evaluation in job.evaluations:
            conditions.ready(evaluation)
    for name, code, split in dict.fromkeys(one for job in jobs for one in _splits(job)):
        task = tasks.get(name)
        if task.own or not source.label and (download or source.local(task, code, split)):
            _read_once(source, name, code, split)


@cache
def _read_once(source: Source, task: str, code: str, split: str) -> None:
    source.load(tasks.get(task), code, split)


def _splits(job: Job) -> Iterator[Split]:
    """Each set of records that a job reads."""
    yield from training_splits(job.recipe)
    yield from ((e.task, e.language, e.split) for e in job.evaluations)
