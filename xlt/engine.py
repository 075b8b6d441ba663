"""Where runs execute: worker processes on this machine, each taking the next run whose parent is done.

A run is a pure function of its recipe, and the store makes finishing atomic, so a run may die or be
repeated without harm. What fails is reported at the end; whatever does not depend on it still runs.
"""

from __future__ import annotations

import errno
import math
import multiprocessing
import os
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from xlt import tasks
from xlt.errors import UserError
from xlt.params import Profile, Resources
from xlt.recipe import Evaluation, Recipe
from xlt.store import Store


@dataclass(frozen=True)
class Job:
    """Train the last stage of `recipe` unless that is done, then evaluate it."""

    recipe: Recipe
    evaluations: tuple[Evaluation, ...] = ()


@dataclass
class Outcome:
    """Failures by run: one line each; `blocked` are runs whose parent failed."""

    failed: dict[Recipe, str] = field(default_factory=dict)
    blocked: list[Recipe] = field(default_factory=list)


# in a worker ----------------------------------------------------------------------------------


@cache
def _store(profile_json: str) -> Store:
    from xlt.lab import open_store

    profile = Profile.model_validate_json(profile_json)
    profile.learn_tasks()
    return open_store(profile)


def _start_worker() -> None:
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()


def _end_with(parent: int) -> None:
    """A worker whose parent was killed has nobody to work for."""
    while os.getppid() == parent:
        time.sleep(2)
    os._exit(1)


def _work(profile_json: str, job: Job, resources: Resources) -> str | None:
    """Do one job; returns None, or one line that says what went wrong."""
    from xlt import device

    device.prefer(resources.precision)
    device.use_threads(threads(job.recipe, resources))
    try:
        store = _store(profile_json)
        execute(store, job, resources)
    except UserError as error:
        return str(error)
    except Exception as error:  # a failing run must not stop the others
        if type(error).__name__ == "OutOfMemoryError":
            return f"out of GPU memory; {_smaller(job.recipe, resources, trained=store.done(job.recipe))}"
        return _describe(error)
    return None


def _smaller(recipe: Recipe, resources: Resources, trained: bool) -> str:
    """What takes less memory and changes the result least: of training the same update in smaller parts."""
    if trained:
        return f"lower resources.eval_batch ({resources.eval_batch}): no score depends on it"
    stage = recipe.stages[-1]
    factor = next((n for n in range(2, stage.batch + 1) if stage.batch % n == 0), None)
    if factor is None:
        return "batch is 1 already; take a shorter max_length, method: lora or a smaller encoder"
    now, then = (stage.batch, stage.accumulate), (stage.batch // factor, stage.accumulate * factor)
    said = "set batch: {}, accumulate: {} for {} (now {} and {}): the same records an update in smaller parts"
    return said.format(*then, stage.name, *now)


def _describe(error: BaseException) -> str:
    if getattr(error, "errno", None) == errno.ENOSPC or "No space left on device" in str(error):  # safetensors' own
        return "the disk is full; free some space and run again"
    frames = traceback.extract_tb(error.__traceback__)  # empty for an error that came from another process
    where = f" ({os.path.basename(frames[-1].filename)}:{frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {error}{where}".replace("\n", " ")


def execute(store: Store, job: Job, resources: Resources) -> None:
    from xlt.evaluate import changed, evaluate, model_for  # torch stays out of the parent process

    store.look_again()
    if not store.done(job.recipe):
        _train(store, job.recipe, resources)
    pending = [e for e in job.evaluations if not store.score_file(job.recipe, e).is_file()]
    learners: dict[str, Any] = {}
    for evaluation in pending:
        started = time.time()
        task = tasks.get(evaluation.task)
        head = (
            tasks.RETRIEVAL if task.family in tasks.SEARCHES else task.training.name
        )  # all search on the bare encoder
        if head not in learners:
            learners = {head: model_for(store, job.recipe, evaluation)}
        values, examples = evaluate(store, job.recipe, evaluation, learners[head], resources.eval_batch)
        result = {"metrics": values, "n": len(examples), "seconds": time.time() - started, "finished": time.time()}
        result |= changed(store, evaluation) | {"key": store.evaluation_key(job.recipe, evaluation), **_made_by()}
        store.save_scores(job.recipe, evaluation, result, examples)


def _train(store: Store, recipe: Recipe, resources: Resources) -> None:
    import json

    from xlt import device, train
    from xlt.evaluate import evaluate

    started, since = time.time(), device.forget_peak()
    with store.creating(recipe) as folder:
        if recipe.stages:
            cost = train.train_stage(store, recipe, folder, resources.checkpoint_minutes, evaluate)
        else:
            cost = _start(store, recipe, folder)
        record = {"name": recipe.name, "recipe": recipe.model_dump(mode="json"), "key": store.key(recipe), **cost}
        record |= {"seconds": time.time() - started, "finished": time.time(), **_made_by()}
        record |= {"peak_mb": device.peak_mb(), "peak_since": since}
        (folder / "run.json").write_text(json.dumps(record, indent=1), encoding="utf-8")


def _start(store: Store, recipe: Recipe, folder: Any) -> dict[str, Any]:
    """The starting encoder: nothing to store for pretrained weights, tokenizer and random weights otherwise."""
    from xlt import encoders, model, weights

    start = recipe.start
    if start.model:
        return model.sizes(model.read_encoder(weights.locate(start), start.revision)) | {"trainable": 0}
    texts = [
        text for code in start.languages for text in store.source.load(tasks.get(start.text), code, "train")["text"][:]
    ]
    tokenizer = encoders.train_tokenizer(texts, start.vocabulary)
    encoder = encoders.random_encoder(start, len(tokenizer))
    tokenizer.save_pretrained(folder / "encoder")
    encoder.save_pretrained(folder / "encoder")
    return model.sizes(encoder) | {"trainable": 0}


def _made_by() -> dict[str, Any]:
    from xlt import provenance

    return {"code": provenance.code(), "environment": provenance.environment()}


# in the parent --------------------------------------------------------------------------------


def workers(resources: Resources) -> int:
    """Processes at a time: as the profile says, else one for each GPU, else one for each core group."""
    if resources.workers:
        return resources.workers
    import torch

    return torch.cuda.device_count() or max(1, len(os.sched_getaffinity(0)) // resources.threads)


def threads(recipe: Recipe, resources: Resources) -> int:
    """With how many a run computes, be there more cores or fewer: its result depends on that."""
    pretrains = recipe.stages and recipe.stages[-1].role == "pretraining"
    return resources.pretraining_threads if pretrains else resources.threads


def width(recipe: Recipe, slots: int, resources: Resources) -> int:
    """How many of the slots a run takes: as many as its threads fill, if there are so many."""
    return min(slots, math.ceil(threads(recipe, resources) / resources.threads))


def run(
    profile: Profile,
    jobs: Sequence[Job],
    seconds: Callable[[Job], float],
    report: Callable[[int, int, float, str], None],
) -> Outcome:
    """Run all jobs, each after its parent; the longest remaining path first.

    A worker that is killed (out of memory, say) fails its run only: the pool is started anew.
    """
    queue = _Queue(profile, jobs, {job.recipe: seconds(job) for job in jobs})
    try:
        while queue.fill():
            if not queue.running:
                continue
            report(queue.finished, len(jobs), queue.left(), " and ".join(recipe.name for recipe in queue.running))
            wait([future for future, _ in queue.running.values()], timeout=5, return_when=FIRST_COMPLETED)
            queue.collect()
    except BaseException:
        _kill(queue.pool)
        raise
    queue.pool.shutdown()
    report(queue.finished, len(jobs), 0.0, "")
    return queue.outcome


class _Queue:
    """The runs that wait and those at work, over a pool of workers of which any can be killed."""

    def __init__(self, profile: Profile, jobs: Sequence[Job], seconds: dict[Recipe, float]):
        self.profile, self.outcome, self.finished = profile, Outcome(), 0
        self.waiting = {job.recipe: job for job in jobs}
        self.running: dict[Recipe, tuple[Future, Job]] = {}
        self.path = _longest_paths(self.waiting, seconds)
        self.slots = min(workers(profile.resources), len(jobs))
        self.pace = Pace(seconds, self.slots, profile.resources)
        self.pool = self._pool()

    def left(self) -> float:
        """Seconds that all of it will still take."""
        return self.pace.left(self.waiting, self.running)

    def fill(self) -> bool:
        """Start what is ready and has room, the longest path first; whether anything is at work or could be."""
        _drop_blocked(self.waiting, self.outcome)
        ready = [r for r in self.waiting if r.parent not in self.waiting and r.parent not in self.running]
        for recipe in sorted(ready, key=lambda r: -self.path[r]):
            taken = sum(self._width(r) for r in self.running)
            if self._width(recipe) > self.slots - taken or not self._start(recipe):
                break
        return bool(ready or self.running)

    def _width(self, recipe: Recipe) -> int:
        return width(recipe, self.slots, self.profile.resources)

    def _pool(self) -> ProcessPoolExecutor:
        return _pool(self.slots, self.profile.resources.threads)

    def _start(self, recipe: Recipe) -> bool:
        job = self.waiting[recipe]
        try:
            future = self.pool.submit(_work, self.profile.model_dump_json(), job, self.profile.resources)
        except BrokenProcessPool:  # an idle worker was killed
            self.pool = self.pool if self.running else self._pool()
            return False
        del self.waiting[recipe]
        self.running[recipe] = (future, job)
        self.pace.start(recipe)
        return True

    def collect(self) -> None:
        """Take in what is done. If a worker was killed all that was at work is lost, and goes again one at a time:
        which of several killed it shows when each goes alone."""
        alone, broken = len(self.running) == 1, False
        for recipe, (future, job) in list(self.running.items()):
            if not future.done():
                continue
            del self.running[recipe]
            killed = isinstance(future.exception(), BrokenProcessPool)
            broken |= killed
            if killed and not alone:
                self.waiting[recipe] = job
            else:
                self._finish(recipe, _result(future))
        if broken:
            self.waiting |= {recipe: job for recipe, (_, job) in self.running.items()}
            self.running.clear()
            self.slots = self.slots if alone else 1
            self.pool = self._pool()

    def _finish(self, recipe: Recipe, message: str | None) -> None:
        self.finished += 1
        self.pace.finish(recipe)
        if message is not None:
            self.outcome.failed[recipe] = message


def _pool(slots: int, threads: int) -> ProcessPoolExecutor:
    """Workers, in which the libraries beside torch (NumPy's, FAISS) have so many threads: they ask when they load."""
    os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), str(threads))
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(slots, context, initializer=_start_worker)


def _kill(pool: ProcessPoolExecutor) -> None:
    """End the workers now, in the middle of their runs: what they have not finished leaves no trace."""
    processes = list((pool._processes or {}).values())
    pool.shutdown(wait=False, cancel_futures=True)
    for process in processes:
        process.terminate()


def _result(future: Future) -> str | None:
    error = future.exception()
    if isinstance(error, BrokenProcessPool):
        return "the worker process was killed (out of memory?); lower workers, or batch and raise accumulate"
    return _describe(error) if error else future.result()


def _drop_blocked(waiting: dict[Recipe, Job], outcome: Outcome) -> None:
    """Runs whose parent failed cannot run; recipes come parents first."""
    for recipe in list(waiting):
        if recipe.parent in outcome.failed or recipe.parent in outcome.blocked:
            del waiting[recipe]
            outcome.blocked.append(recipe)


def _longest_paths(jobs: dict[Recipe, Job], cost: dict[Recipe, float]) -> dict[Recipe, float]:
    """Seconds from the start of each run to the end of the longest chain below it."""
    path = dict(cost)
    for recipe in sorted(jobs, key=lambda r: -len(r.stages)):
        if recipe.parent in path:
            path[recipe.parent] = max(path[recipe.parent], cost[recipe.parent] + path[recipe])
    return path


class Pace:
    """How long all of it will still take: estimates, scaled by how wrong those of finished runs were.

    The first minute counts as if it had been right, so that one small run at the start does not decide.
    """

    def __init__(self, seconds: Mapping[Recipe, float], slots: int, resources: Resources):
        self.slots = slots
        self.width = {recipe: width(recipe, slots, resources) for recipe in seconds}
        self.estimate = {recipe: seconds[recipe] * self.width[recipe] for recipe in seconds}
        self.started: dict[Recipe, float] = {}
        self.estimated = self.took = 60.0

    def start(self, recipe: Recipe) -> None:
        self.started[recipe] = time.monotonic()

    def finish(self, recipe: Recipe) -> None:
        self.estimated += self.estimate[recipe]
        self.took += self._since(recipe)

    def left(self, waiting: Iterable[Recipe], running: Iterable[Recipe]) -> float:
        """Seconds."""
        scale = self.took / self.estimated
        ahead = sum(self.estimate[recipe] * scale for recipe in waiting)
        return (ahead + sum(max(0, self.estimate[r] * scale - self._since(r)) for r in running)) / self.slots

    def _since(self, recipe: Recipe) -> float:
        return (time.monotonic() - self.started[recipe]) * self.width[recipe]
