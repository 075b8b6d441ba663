"""One run in a worker process: train the last stage of a recipe, then evaluate it.

A run is a pure function of its recipe, and the store makes finishing atomic, so a run may die or be repeated without
harm. torch is imported here alone: the process that hands out runs does without it.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import time
import traceback
from functools import cache
from typing import Any, Literal, NamedTuple

from xlt.core.errors import UserError
from xlt.core.memory import give_back
from xlt.data.store import Store
from xlt.lab import estimate
from xlt.lab.jobs import Job
from xlt.lab.slots import threads
from xlt.spec import tasks
from xlt.spec.profile import Profile, Resources
from xlt.spec.recipe import Recipe

DISK_FULL = "the disk is full; free some space and run again"


@cache
def _store(profile_json: str) -> Store:
    profile = Profile.model_validate_json(profile_json)
    profile.learn_tasks()
    return Store.of(profile)


class Failure(NamedTuple):
    """What went wrong in a run, in one line; `ends` says what cannot go on after it.

    run     nothing else: the next run may succeed
    worker  the process: after an error of CUDA every later call in it fails
    all     every run: on a full disk the next one would train for hours and fail when it is saved
    """

    message: str
    ends: Literal["run", "worker", "all"] = "run"
    worker: str = ""  # the address of the process


def work(profile_json: str, job: Job, resources: Resources) -> Failure | None:
    """Do one job; what goes wrong is returned, as it must not stop the others."""
    from xlt.core import device
    from xlt.data import weights

    device.use_threads(threads(job.recipe, resources))
    try:
        device.prefer(resources.precision, weights.width(job.recipe.start))
        store = _store(profile_json)
        execute(store, job, resources)
    except UserError as error:
        return Failure(str(error))
    except Exception as error:
        if type(error).__name__ == "OutOfMemoryError":
            trained = store.has_weights(job.recipe)
            return Failure(f"out of GPU memory; {_smaller(job.recipe, resources, trained)}")
        return failure(error)
    return None


def _smaller(recipe: Recipe, resources: Resources, trained: bool) -> str:
    """What takes less memory. In training an update was divided already, as far as it can be (`xlt.models.update`)."""
    evaluation = f"lower resources.eval_batch ({resources.eval_batch}): no score depends on it"
    stage = recipe.stages[-1]
    if trained:
        return evaluation
    if any(tasks.get(name).training.family in (tasks.ANSWERS, tasks.DUAL) for name in stage.trains):
        return f"lower batch ({stage.batch}) of {stage.name}: these records are each other's negatives, so go together"
    advice = f"not one record of {stage.name} fits: take a shorter max_length, method: lora or a smaller encoder"
    return f"{advice}; or, if it was a check on development records, {evaluation}" if stage.watched else advice


def failure(error: BaseException) -> Failure:
    """An error as one line, with the place where it was raised."""
    if getattr(error, "errno", None) == errno.ENOSPC or "No space left on device" in str(error):  # safetensors' own
        more = "" if "No space left" in str(error) else f": {error.strerror}"
        return Failure(DISK_FULL + more, "all")
    frames = traceback.extract_tb(error.__traceback__)  # empty for an error that came from another process
    where = f" ({os.path.basename(frames[-1].filename)}:{frames[-1].lineno})" if frames else ""
    message = f"{type(error).__name__}: {error}{where}".replace("\n", " ")
    return Failure(message, "worker", _address()) if "CUDA error" in message else Failure(message)


def _address() -> str:
    from distributed import get_worker

    try:
        return get_worker().address
    except ValueError:  # in the process that hands out runs
        return ""


def _check_disk(store: Store, recipe: Recipe) -> None:
    """A run that could not be saved does not start.

    Raises:
        OSError: less room than the run writes until it is stored.
    """
    needed = estimate.working_megabytes(recipe)
    store.root.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(store.root).free / 1e6
    if free < needed:
        twice = f"{2 * estimate.checkpoint_megabytes(recipe):,.0f} MB for a checkpoint and the one that replaces it"
        raise OSError(errno.ENOSPC, f"{recipe.name} needs {needed:,.0f} MB ({twice}), {free:,.0f} MB are free")


def execute(store: Store, job: Job, resources: Resources) -> None:
    from xlt.evaluation.evaluate import changed, evaluate, guessed, model_for  # torch stays out of the parent process

    store.look_again()
    if not (job.evaluations and store.done(job.recipe)):  # else training it again may not be needed at all
        _make_ready(store, job.recipe, resources)
    pending = [e for e in job.evaluations if not store.score_file(job.recipe, e).is_file()]
    learners: dict[str, Any] = {}
    for evaluation in pending:
        started = time.time()
        task = tasks.get(evaluation.task)
        head = (
            tasks.RETRIEVAL if task.family in tasks.SEARCHES else task.training.name
        )  # all search on the bare encoder
        if head not in learners:
            _make_ready(store, job.recipe, resources)  # again, as others may drop weights in the same store
            learners = {head: model_for(store, job.recipe, evaluation)}
        values, examples = evaluate(store, job.recipe, evaluation, learners[head], resources.eval_batch)
        result = {"metrics": values, "n": len(examples), "seconds": time.time() - started, "finished": time.time()}
        result |= changed(store, evaluation) | guessed(store, evaluation)
        result |= {"key": store.evaluation_key(job.recipe, evaluation), **_made_by()}
        store.save_scores(job.recipe, evaluation, result, examples)
        give_back()
    if job.drop:
        store.drop_weights(job.recipe)


def _make_ready(store: Store, recipe: Recipe, resources: Resources) -> None:
    """Train what the run needs to be loaded and is not here.

    That is the run itself. Its parents are jobs of their own that come before it; one is trained here only if another
    grid has dropped its weights since this one was planned. Each with its own number of threads, which rounding
    depends on.
    """
    from xlt.core import device

    for step in store.lacking(recipe):
        device.use_threads(threads(step, resources))
        _train(store, step, resources)
        device.use_threads(threads(recipe, resources))


def _train(store: Store, recipe: Recipe, resources: Resources) -> None:
    from xlt.core import device
    from xlt.evaluation.evaluate import evaluate
    from xlt.models import train

    _check_disk(store, recipe)
    started, since = time.time(), device.forget_peak()
    with store.creating(recipe) as folder:
        if recipe.stages:
            cost = train.train_stage(store, recipe, folder, resources, evaluate)
        else:
            cost = _start(store, recipe, folder)
        record = {"name": recipe.name, "recipe": recipe.model_dump(mode="json"), "key": store.key(recipe), **cost}
        record |= {"seconds": time.time() - started, "finished": time.time(), **_made_by()}
        record |= {"peak_mb": device.peak_mb(), "peak_since": since}
        (folder / "run.json").write_text(json.dumps(record, indent=1), encoding="utf-8")


def _start(store: Store, recipe: Recipe, folder: Any) -> dict[str, Any]:
    """The starting encoder: nothing to store for pretrained weights, tokenizer and random weights otherwise."""
    from xlt.data import weights
    from xlt.models.encoder import random_encoder, read_encoder, train_tokenizer
    from xlt.models.model import sizes

    start = recipe.start
    if start.model:
        return sizes(read_encoder(weights.locate(start), start.revision)) | {"trainable": 0}
    texts = [
        text for code in start.languages for text in store.source.load(tasks.get(start.text), code, "train")["text"][:]
    ]
    tokenizer = train_tokenizer(texts, start.vocabulary)
    encoder = random_encoder(start, len(tokenizer))
    tokenizer.save_pretrained(folder / "encoder")
    encoder.save_pretrained(folder / "encoder")
    return sizes(encoder) | {"trainable": 0}


def _made_by() -> dict[str, Any]:
    from xlt.core import provenance

    return {"code": provenance.code(), "environment": provenance.environment()}
