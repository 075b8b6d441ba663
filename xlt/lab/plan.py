"""What would run: runs after sharing, data sets, estimated time and disk. Starts nothing."""

from __future__ import annotations

from collections.abc import Collection

from xlt.core.progress import duration
from xlt.core.text import counted
from xlt.data.sources import Source
from xlt.lab import datasheet, estimate, holdings, hub, inputs, retention, slots
from xlt.lab.jobs import Job
from xlt.lab.lab import Lab
from xlt.lab.studies import asked, of
from xlt.spec import tasks


def print_plan(profile: str, notebooks: Collection[str], left_out: str = "") -> None:
    """One line for each of the notebooks, one for those `left_out`, the data sets, and the totals.

    Raises:
        UserError: as for a real run: what would stop it stops the plan.
    """
    lab = Lab.from_params(profile, planned=True)
    seconds, planned = estimate.estimator(lab.store), set()
    settings = lab.profile
    print(f"profile {settings.name}: {settings.description}")
    if lab.store.source.guessing and (missing := hub.missing(settings)):
        print(f"no network: {', '.join(missing)} taken as declared, with an encoder of unknown size like XLM-R Base")
    encoder = settings.encoder.called if settings.encoder.model else "random XLM-R, pretrained here"
    print(f"records from {datasheet.sources(lab.profile, lab.source)}; encoder {encoder}")
    total, here = 0.0, slots.workers(settings.resources)
    runs: list[Job] = []
    for notebook, study in of(lab).items():
        if notebook not in notebooks:
            continue
        jobs = lab.jobs(study.recipes, study.evaluations, study.plan and study.plan.seeds)
        inputs.read_records(lab.store.source, jobs, download=False)
        new = [job for job in jobs if job.recipe not in planned]
        width = {job.recipe: slots.width(job.recipe, here, settings.resources) for job in jobs}
        time = sum(seconds(job, job.recipe in planned) * width[job.recipe] for job in jobs) / here
        evaluations = sum(len(job.evaluations) for job in jobs)
        print(f"  {notebook}: {len(new)} runs, {evaluations} evaluations, about {duration(time)}")
        if again := retention.told(lab.store, new):
            print(f"    {again}")
        total += time
        runs += new
        planned.update(job.recipe for job in new)
    if left_out:
        print(f"  {left_out}")
    _print_data(lab)
    on = f"{here} process{'es' if here > 1 else ''}"
    print(f"in all about {duration(total)} on {on}, {_disk(lab, runs, here)}; nothing started")


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


def _print_data(lab: Lab) -> None:
    source = lab.store.source
    for name in datasheet.used(lab.profile):
        task = tasks.get(name)
        here = len(lab.languages(name)) or len(source.languages(task, "train"))
        read = datasheet.data_set(source, task, next(iter(task.everywhere), "en"))
        there = f"{here} languages" if here else "not here"
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
