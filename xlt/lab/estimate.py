"""Estimates of the time and disk that runs will take: from stored runs of the same kind, else from their size."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable
from functools import cache
from statistics import median
from typing import TYPE_CHECKING, Any

from xlt.core.errors import UserError
from xlt.spec import tasks
from xlt.spec.perturbations import Ball
from xlt.spec.recipe import Encoder, Evaluation, Recipe
from xlt.spec.stage import Part, Stage

if TYPE_CHECKING:
    from xlt.data.sources import Source
    from xlt.data.store import Store
    from xlt.lab.jobs import Job

# For runs of a kind that the store has none of: rough speeds in floating-point operations a second, usual lengths in
# subwords. The speed of a core is from finished runs of mini (an encoder of 0.5 M parameters) and of local (22 M).
CPU_CORE, GPU = 5e10, 1.5e14
SUBWORDS = {
    tasks.CLASSIFICATION: 40, tasks.TAGGING: 30, tasks.SPAN: 150, tasks.CHOICE: 160, tasks.MLM: 30, tasks.RETRIEVAL: 20,
    tasks.MINING: 25, tasks.ANSWERS: 200, tasks.DUAL: 60,
}  # fmt: skip
WORLD = 0.4  # length of the generated world's sentences, relative to usual ones
EXAMPLES, RECORDS = 2000, 20000  # of a test set and of a training set on the hub whose size is not known
XLM_R = (12, 768, 250_002)  # layers, width and vocabulary of XLM-R Base: taken where the configuration cannot be read
QUERIES = 60  # of a greedy attack on one example
OVERHEAD, EVALUATION, PASS = 0.2, 0.04, 0.0025  # seconds of a run, an evaluation, a pass of a batch, however small


def estimator(store: Store) -> Callable[..., float]:
    """Seconds that a job will take: the median of stored runs of the same stage, else from its size.

    With `trained`, what its evaluations alone will take.
    """
    past: dict[str, list[float]] = defaultdict(list)
    for file in store.root.glob("[!.]*/run.json"):
        record = json.loads(file.read_text(encoding="utf-8"))
        stages = record["recipe"]["stages"]
        past[_kind(stages[-1] if stages else None)].append(record["seconds"])

    def seconds(job: Job, trained: bool = False) -> float:
        stage = job.recipe.last_stage
        known = past.get(_kind(stage.model_dump(mode="json") if stage else None))
        training = median(known) if known else _training_seconds(store, job.recipe)
        evaluating = sum(_evaluation_seconds(store, job.recipe.start, e) for e in job.evaluations)
        evaluating += EVALUATION * len(job.evaluations)
        return OVERHEAD + evaluating + (0 if trained or store.has_weights(job.recipe) else training)

    return seconds


def _kind(stage: dict[str, Any] | None) -> str:
    """What stages have in common that take equally long: all of a stage but its seed and its names.

    Runs of earlier versions may hold fields that a stage no longer has; they do not count.
    """
    if stage is None:
        return "start"
    fields = Stage.model_fields.keys() - {"seed", "role", "label"}
    return json.dumps({name: value for name, value in stage.items() if name in fields}, sort_keys=True)


def _speed() -> float:
    import torch

    return GPU if torch.cuda.is_available() else CPU_CORE


@cache
def _shape(start: Encoder) -> tuple[int, int, int]:
    """Layers, width and vocabulary; read from the configuration where weights are given."""
    if not start.model:
        return start.layers, start.width, start.vocabulary
    from xlt.data.weights import given_config

    try:
        config = given_config(start)
    except UserError:
        return XLM_R
    return config.num_hidden_layers, config.hidden_size, config.vocab_size


def encoder_size(start: Encoder) -> int:
    """Parameters outside the embeddings."""
    layers, width, _ = _shape(start)
    return 12 * layers * width * width


def _training_seconds(store: Store, recipe: Recipe) -> float:
    if not recipe.stages:
        return OVERHEAD
    stage = recipe.stages[-1]
    records = _records(store, stage)
    batches = stage.updates(records) * stage.accumulate
    works = [_work(store.source, part.task, stage, recipe.start) for part in stage.parts]
    work = sum(share * one for share, one in zip(stage.batch_shares(records), works, strict=True))
    passes = 3 + 2 * _ascents(stage.ball)  # forward, backward to the inputs, backward to the weights
    return passes * batches * (PASS + 2 * stage.batch * work / _speed())


def _work(source: Source, task: str, stage: Stage, start: Encoder) -> float:
    """Multiplications of a forward pass over one sequence; a language model scores its vocabulary at the masks."""
    masks = stage.mask * _embeddings(start) if tasks.get(task).family == tasks.MLM else 0
    return _length(source, task, stage.max_length) * (encoder_size(start) + masks)


def _ascents(around: Ball | None) -> int:
    return {"pgd": around.steps, "fgsm": 1, "random": 0}[around.search] if around else 0


def _length(source: Source, task: str, most: int) -> float:
    declared = tasks.get(task)
    return min(most, SUBWORDS[declared.family] * (WORLD if source.label and not declared.own else 1))


def _records(store: Store, stage: Stage) -> list[int]:
    """Training records of each part of the stage in all its languages, read from the data set's own description."""
    copies = stage.augment.copies + stage.augment.keep if stage.augment else 1
    return [
        copies * (part.examples or _known_rows(store, part) or RECORDS) * len(part.languages) for part in stage.parts
    ]


def _known_rows(store: Store, part: Part) -> int | None:
    """Training records of a part in its first language: nothing is fetched to count them."""
    task, code = tasks.get(part.task).training, part.languages[0]
    return training_rows(store, part) if store.source.local(task, code, "train") else _held(store, task, code)


def training_rows(store: Store, part: Part) -> int:
    """Training records of a part in its first language; read, if need be."""
    task, code = tasks.get(part.task).training, part.languages[0]
    return _held(store, task, code) or len(store.source.load(task, code, "train"))


def _held(store: Store, task: tasks.Task, code: str) -> int | None:
    held = [_rows(store, name, code, "train") for name in task.parts or [task.name]]
    return sum(held) if all(held) else None


@cache
def _rows(store: Store, name: str, code: str, split: str) -> int | None:
    return store.source.rows(tasks.get(name), code, split)


def _evaluation_seconds(store: Store, start: Encoder, evaluation: Evaluation) -> float:
    held = _rows(store, evaluation.task, evaluation.language, evaluation.split) or EXAMPLES
    examples = min(held, evaluation.examples or held)
    length = _length(store.source, evaluation.task, evaluation.max_length)
    attack = evaluation.attack
    passes = min(QUERIES, attack.budget) if attack else 1 + 2 * _ascents(evaluation.ball)
    return 2 * encoder_size(start) * examples * length * passes / _speed()


def megabytes(recipe: Recipe) -> float:
    """What a run leaves on disk: an encoder in fp32, or an adapter, and a little for predictions."""
    stage = recipe.last_stage
    if stage and stage.method == "lora":
        return 3.0 + encoder_size(recipe.start) / 12 / 1e6 * stage.rank / 100
    whole = encoder_size(recipe.start) + _embeddings(recipe.start)
    return 1.0 + (0 if stage is None and recipe.start.model else whole * 4 / 1e6)


def _embeddings(start: Encoder) -> int:
    _, width, vocabulary = _shape(start)
    return vocabulary * width


def checkpoint_megabytes(recipe: Recipe) -> float:
    """A checkpoint of the last stage: what it trains, in fp32, with the two moments of Adam, and where a checkpoint is
    chosen by development scores the best weights so far. 9 GB of XLM-R Large."""
    stage = recipe.last_stage
    if stage is None:
        return 0.0
    frozen = _embeddings(recipe.start) * 4 / 1e6 if stage.method == "full" and stage.frozen == "embeddings" else 0.0
    return (4 if stage.watched else 3) * (megabytes(recipe) - frozen)


def working_megabytes(recipe: Recipe) -> float:
    """What a run writes until it is stored: its weights, and a checkpoint, kept twice while it is replaced."""
    return megabytes(recipe) + 2 * checkpoint_megabytes(recipe)
