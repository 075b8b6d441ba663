"""What would run: runs after sharing, data sets, estimated time and disk. Starts nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from xlt.core.progress import duration
from xlt.core.text import counted
from xlt.data.sources import Source
from xlt.lab import budget, datasheet, estimate, holdings, hub, inputs, retention, slots
from xlt.lab.jobs import Job
from xlt.lab.lab import Lab
from xlt.lab.runtime import Estimator
from xlt.lab.schedule import makespan
from xlt.lab.studies import asked, by_notebook
from xlt.spec import tasks
from xlt.spec.recipe import Evaluation, Recipe


class Part(NamedTuple):
    """What a notebook would compute: its jobs, those that no notebook before it has, and seconds of one worker."""

    notebook: str
    jobs: list[Job]
    new: list[Job]
    seconds: float


def parts(lab: Lab, notebooks: Collection[str], seconds: Estimator) -> Iterator[Part]:
    """The notebooks in their order. What several of them ask for counts in the first."""
    known: dict[Recipe, set[Evaluation]] = {}
    for notebook, wanted in by_notebook(lab).items():
        if notebook not in notebooks:
            continue
        jobs = lab.missing_jobs(wanted)
        time, new = 0.0, [job for job in jobs if job.recipe not in known]
        for job in jobs:
            rest = tuple(e for e in job.evaluations if e not in known.get(job.recipe, ()))
            time += seconds(Job(job.recipe, rest), trained=job.recipe in known)
            known.setdefault(job.recipe, set()).update(rest)
        yield Part(notebook, jobs, new, time)


def wall(lab: Lab, planned: Iterable[Part], seconds: Estimator, workers: int) -> float:
    """Seconds until the runs of all notebooks are done, which go as one grid (`xlt.lab.ahead`)."""
    needed: dict[Recipe, dict[Evaluation, None]] = {}
    for job in (job for part in planned for job in part.jobs):
        needed.setdefault(job.recipe, {}).update(dict.fromkeys(job.evaluations))
    times = {recipe: seconds(Job(recipe, tuple(evaluations))) for recipe, evaluations in needed.items()}
    return makespan(times, {r: slots.width(r, workers, lab.profile.resources) for r in times}, workers)


def workers_of(lab: Lab, wanted: int | None, seconds: Estimator) -> int:
    """How many workers a plan counts with: as many as are wanted; of a device that is not here one."""
    return wanted or (1 if seconds.elsewhere else slots.workers(lab.profile.resources))


def print_plan(
    profile: str, notebooks: Collection[str], left_out: str = "", device: str | None = None, workers: int | None = None
) -> None:
    """One line for each of the notebooks, one for those `left_out`, the data sets, and the totals.

    Raises:
        UserError: as for a real run: what would stop it stops the plan; or no such `device`.
    """
    lab = Lab.from_params(profile, planned=True)
    seconds = Estimator(lab.store, lab.profile, device)
    settings, here = lab.profile, workers_of(lab, workers, seconds)
    print(f"profile {settings.name}: {settings.description}")
    if settings.benchmark:  # notebook 05 times what a plan would need to know
        print(f"  {', '.join(notebooks)}: a measurement, which is not planned; six minutes on 2 cores. Nothing started")
        return
    if lab.store.source.guessing and (missing := hub.missing(settings)):
        guess = "" if settings.encoder.model in estimate.SHAPES else ", with an encoder of unknown size like XLM-R Base"
        print(f"no network: {', '.join(missing)} taken as declared{guess}")
    print(f"records from {datasheet.sources(lab.profile, lab.source)}; encoder {settings.starts_from}")
    planned = []
    for part in parts(lab, notebooks, seconds):
        inputs.read_records(lab.store.source, part.jobs, download=False)
        evaluations = counted(sum(len(job.evaluations) for job in part.jobs), "evaluation")
        runs = counted(len(part.new), "run")
        print(f"  {part.notebook}: {runs}, {evaluations}, about {duration(part.seconds)}")
        if again := retention.told(lab.store, part.new):
            print(f"    {again}")
        planned.append(part)
    if left_out:
        print(f"  {left_out}")
    _print_data(lab)
    print(f"times of one worker: {seconds.about}")
    time = duration(wall(lab, planned, seconds, here))
    runs = [job for part in planned for job in part.new]
    print(f"in all about {time} on {counted(here, 'worker')}, {_disk(lab, runs, here)}; nothing started")


def _disk(lab: Lab, runs: list[Job], at_once: int) -> str:
    """What stays, and what the largest runs take besides while they are at work."""
    keep = lab.profile.resources.keep
    dropped = retention.ends(asked(lab)) if keep == "scores" else {}
    stays = sum(estimate.megabytes(job.recipe) for job in runs if job.recipe not in dropped)
    at_work = sum(sorted((estimate.working_megabytes(job.recipe) for job in runs), reverse=True)[:at_once])
    ends = counted(sum(job.recipe in dropped for job in runs), "run")
    left = f", without the weights of {ends} that nothing builds on" if dropped else ""
    beside = f", and up to {at_work:,.0f} MB for runs at work and their checkpoints" if runs else ""
    return f"{stays:,.0f} MB of disk{left}{beside}"


def print_budget(
    profile: str, notebooks: Collection[str], hours: float, device: str | None = None, workers: int | None = None
) -> None:
    """A smaller profile that fits so many hours, and what is lost with it.

    Raises:
        UserError: as `print_plan` does.
    """

    def needed(file: str) -> float:
        lab = Lab.from_params(file, planned=True)
        seconds = Estimator(lab.store, lab.profile, device)
        planned = parts(lab, notebooks, seconds)
        return wall(lab, planned, seconds, workers_of(lab, workers, seconds)) / 3600

    proposed = budget.propose(profile, hours, needed)
    if proposed.lost:
        print("\n".join(["lost:", *(f"  {line}" for line in proposed.lost)]))
        print(f"the profile, to be saved as a file of yours:\n\n{proposed.text}")
    fits = "which fits" if proposed.hours <= hours else f"more than {hours:g} h: nothing is left to cut"
    print(f"about {duration(3600 * proposed.hours)}, {fits}")


def _print_data(lab: Lab) -> None:
    source = lab.store.source
    for name in datasheet.used(lab.profile):
        task = tasks.get(name)
        here = len(lab.languages(name)) or len(source.languages(task, "train"))
        read = datasheet.data_set(source, task, next(iter(task.everywhere), "en"))
        there = counted(here, "language") if here else "not here"
        print(f"  {name}: {read.name}, {there}, licence {read.licence}")
        if not here and (why := source.lacking.get(task.dataset)):
            print(f"    {why}")
        if task.definition:
            _print_records(lab.store.source, task)
        if missing := lab.missing(name) if task.role == "target" else []:
            print(f"    no test records here for {' '.join(missing)}")


def _print_records(source: Source, task: tasks.Task) -> None:
    """Of a task of the user, whose files nobody has counted: records by language and split."""
    table, wrong = holdings.table(source, task)
    for line in [*table.reset_index().to_string(index=False).splitlines(), *wrong]:
        print(f"    {line}")
