"""Reads all records of a grid once before anything is trained, so that an error in them costs no training."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache

from xlt.data.sources import Source
from xlt.evaluation import conditions
from xlt.lab.jobs import Job, Split, training_splits
from xlt.models import robust
from xlt.spec import tasks
from xlt.spec.identity import digest


def read_records(source: Source, jobs: Iterable[Job], download: bool) -> None:
    """Load once whatever the jobs train or are evaluated on, and check their perturbations, augmentations and attacks.

    Records of the generated world are not loaded, as they are right by construction; those on the hub only with
    `download`, as a plan must fetch nothing.

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
            _read_once(source, name, code, split, digest(source.identity(task, code, split)))


@cache
def _read_once(source: Source, task: str, code: str, split: str, content: str) -> None:
    """`content` says what the records are: files that have changed are read again."""
    source.load(tasks.get(task), code, split)


def _splits(job: Job) -> Iterator[Split]:
    """Each set of records that a job reads."""
    yield from training_splits(job.recipe)
    yield from ((e.task, e.language, e.split) for e in job.evaluations)
