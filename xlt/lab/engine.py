"""Runs the grid: each run after its parent, the longest remaining path first, one run a worker of dask.distributed.

The graph is that of the recipes. It is not handed to dask whole: dask gives work to workers that are not free yet, and
where one is killed it blames all that was waiting there. So no more runs are submitted than there are workers, in the
order of their paths; what was at work in a worker that died is then known exactly.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from distributed import Client, Future, KilledWorker, TimeoutError, wait

from xlt.core.errors import UserError
from xlt.core.text import counted
from xlt.lab import cluster
from xlt.lab.jobs import Job
from xlt.lab.pace import Pace
from xlt.lab.schedule import longest_paths
from xlt.lab.slots import width
from xlt.lab.work import Failure, failure, work
from xlt.spec.profile import Profile
from xlt.spec.recipe import Recipe

KILLS = 3  # a run that killed its worker goes again once, then alone; the third time it has failed
_WAIT = 5  # seconds between two reports
_STOP = 10  # seconds until a worker that is stopped is given up


@dataclass
class Outcome:
    """Failures by run, one line each; `blocked` did not start: their parent failed, or the disk is full."""

    failed: dict[Recipe, str] = field(default_factory=dict)
    blocked: list[Recipe] = field(default_factory=list)

    def check(self) -> None:
        """Raises UserError where a run failed; names the first and says how many did not succeed."""
        if not self.failed:
            return
        recipe, message = next(iter(self.failed.items()))
        more = f"; {len(self.failed) - 1} more failed" if len(self.failed) > 1 else ""
        blocked = f"; {counted(len(self.blocked), 'run')} after them did not start" if self.blocked else ""
        raise UserError(
            f"run {recipe.name} failed: {message}{more}{blocked}. What finished is kept: run again to go on"
        )


def run(
    profile: Profile,
    jobs: Sequence[Job],
    seconds: Callable[[Job], float],
    report: Callable[[int, int, float, str], None],
) -> Outcome:
    """Run all jobs; what fails stops what builds on it and nothing else.

    Args:
        seconds: how long a job will take.
        report: told runs done, runs in all, seconds left, and the names of those at work.

    Raises:
        UserError: a scheduler that does not answer, or workers that do not fit.
    """
    grid = _Grid(profile, jobs, {job.recipe: seconds(job) for job in jobs})
    try:
        while grid.fill():
            report(grid.finished, len(jobs), grid.left(), " and ".join(recipe.name for recipe in grid.running))
            grid.wait()
    except BaseException:
        grid.stop()
        raise
    report(grid.finished, len(jobs), 0.0, "")
    return grid.outcome


class _Grid:
    """The runs that wait and those at work."""

    def __init__(self, profile: Profile, jobs: Sequence[Job], seconds: dict[Recipe, float]):
        self.resources, self.profile_json = profile.resources, profile.model_dump_json()
        self.outcome, self.finished = Outcome(), 0
        self.waiting = {job.recipe: job for job in jobs}
        self.running: dict[Recipe, tuple[Future, Job]] = {}
        self.kills: Counter[Recipe] = Counter()
        self.path = longest_paths({recipe: seconds[recipe] for recipe in self.waiting})
        self.client = cluster.client(self.resources, len(jobs))
        self.foreign, self.trusted = cluster.foreign(self.client), set[str]()  # workers held against this process
        self.slots = self._workers()
        self.pace = Pace(seconds, self.slots, {recipe: self._width(recipe) for recipe in seconds})

    def left(self) -> float:
        """Seconds that all of it will still take."""
        return self.pace.left(self.waiting, self.running)

    def fill(self) -> bool:
        """Start what is ready and has room, the longest path first; whether anything is at work."""
        _drop_blocked(self.waiting, self.outcome)
        self.slots = self._workers()
        ready = [r for r in self.waiting if r.parent not in self.waiting and r.parent not in self.running]
        for recipe in sorted(ready, key=lambda r: (self.kills[r], -self.path[r])):
            taken = sum(self._width(r) for r in self.running)
            if self._width(recipe) > self.slots - taken:
                break
            self._start(recipe)
        return bool(self.running)

    def _width(self, recipe: Recipe) -> int:
        """Slots of a run; one that killed two workers goes alone."""
        return self.slots if self.kills[recipe] == KILLS - 1 else width(recipe, self.slots, self.resources)

    def _workers(self) -> int:
        """How many workers there are; those that came from elsewhere are checked first."""
        addresses = set(_addresses(self.client))
        if self.foreign and (new := addresses - self.trusted):
            cluster.check(self.client, new)
            self.trusted |= new
        return max(1, len(addresses))

    def _start(self, recipe: Recipe) -> None:
        job = self.waiting.pop(recipe)
        future = self.client.submit(work, self.profile_json, job, self.resources, pure=False)
        self.running[recipe] = (future, job)
        self.pace.start(recipe)

    def wait(self) -> None:
        """Until a run has ended, or it is time to report; what has ended is taken in."""
        futures = [future for future, _ in self.running.values()]
        try:
            wait(futures, timeout=_WAIT, return_when="FIRST_COMPLETED")
        except TimeoutError:
            return
        for recipe, (future, job) in list(self.running.items()):
            if future.done():
                del self.running[recipe]
                self._end(recipe, job, future)

    def _end(self, recipe: Recipe, job: Job, future: Future) -> None:
        error = future.exception()
        if isinstance(error, KilledWorker):
            self.kills[recipe] += 1
            if self.kills[recipe] < KILLS:
                self.waiting[recipe] = job
                return
        self.finished += 1
        self.pace.finish(recipe)
        result = _result(future, error)
        if result is None:
            return
        self.outcome.failed[recipe] = result.message
        if result.ends == "worker":
            self.client.restart_workers([result.worker], raise_for_error=False)
        if result.ends == "all":
            self.outcome.blocked += list(self.waiting)
            self.waiting.clear()

    def stop(self) -> None:
        """End the runs at work now: what they have not finished leaves no trace."""
        ours = {future.key for future, _ in self.running.values()}
        busy = [address for address, keys in self.client.processing().items() if ours & set(keys)]
        self.client.cancel([future for future, _ in self.running.values()], force=True)
        self.client.restart_workers(busy, timeout=_STOP, raise_for_error=False)


def _addresses(client: Client) -> list[str]:
    return list(client.scheduler_info()["workers"])


def _result(future: Future, error: BaseException | None) -> Failure | None:
    if isinstance(error, KilledWorker):
        return Failure("the worker process was killed (out of memory?); lower workers, or batch and raise accumulate")
    return failure(error) if error else future.result()


def _drop_blocked(waiting: dict[Recipe, Job], outcome: Outcome) -> None:
    """Runs whose parent failed cannot run; recipes come parents first."""
    for recipe in list(waiting):
        if recipe.parent in outcome.failed or recipe.parent in outcome.blocked:
            del waiting[recipe]
            outcome.blocked.append(recipe)
