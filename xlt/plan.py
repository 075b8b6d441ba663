"""What would run: runs after sharing, data sets, estimated time and disk. Starts nothing."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable
from functools import cache
from statistics import median
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq

from xlt import engine, tasks
from xlt.progress import duration
from xlt.recipe import Ball, Encoder, Evaluation, Part, Recipe, Stage

if TYPE_CHECKING:
    from xlt.store import Store

# for runs that have no like in the store: rough speeds in floating-point operations a second, and usual lengths
CPU_CORE, GPU = 4e10, 1.5e14
SUBWORDS = {
    tasks.CLASSIFICATION: 40, tasks.TAGGING: 30, tasks.SPAN: 150, tasks.CHOICE: 160, tasks.MLM: 30, tasks.RETRIEVAL: 20,
    tasks.MINING: 25, tasks.ANSWERS: 200, tasks.DUAL: 60,
}  # fmt: skip
EXAMPLES = 2000  # of a test set of unknown size
QUERIES = 60  # of a greedy attack on one example
OVERHEAD = 1.0  # seconds a run takes whatever its size


def short(data: dict[str, Any]) -> str:
    """The fingerprint of a data set as it stands in a score row."""
    return json.dumps(data, sort_keys=True)


def estimator(store: Store) -> Callable[..., float]:
    """Seconds that a job will take: the median of stored runs of the same stage, else from its size.

    With `trained`, what its evaluations alone will take.
    """
    past: dict[str, list[float]] = defaultdict(list)
    for file in store.root.glob("[!.]*/run.json"):
        record = json.loads(file.read_text(encoding="utf-8"))
        stages = record["recipe"]["stages"]
        past[_kind(stages[-1] if stages else None)].append(record["seconds"])

    def seconds(job: engine.Job, trained: bool = False) -> float:
        stage = job.recipe.stages[-1] if job.recipe.stages else None
        known = past.get(_kind(stage.model_dump(mode="json") if stage else None))
        training = median(known) if known else _training_seconds(store, job.recipe)
        evaluating = sum(_evaluation_seconds(store, job.recipe.start, e) for e in job.evaluations)
        return OVERHEAD + evaluating + (0 if trained or store.done(job.recipe) else training)

    return seconds


def _kind(stage: dict[str, Any] | None) -> str:
    return (
        json.dumps({k: v for k, v in stage.items() if k not in ("seed", "role")}, sort_keys=True) if stage else "start"
    )


def _speed() -> float:
    import torch

    return GPU if torch.cuda.is_available() else CPU_CORE


@cache
def _shape(start: Encoder) -> tuple[int, int, int]:
    """Layers, width and vocabulary; read from the configuration where weights are given."""
    if not start.model:
        return start.layers, start.width, start.vocabulary
    from xlt.encoders import given_config

    config = given_config(start)
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
    sequences = stage.updates(records) * stage.batch * stage.accumulate
    lengths = [_length(part.task, stage.max_length) for part in stage.parts]
    length = sum(share * n for share, n in zip(stage.batch_shares(records), lengths, strict=True))
    passes = 3 + 2 * _ascents(stage.ball)  # forward, backward to the inputs, backward to the weights
    return 2 * passes * encoder_size(recipe.start) * sequences * length / _speed()


def _ascents(around: Ball | None) -> int:
    return {"pgd": around.steps, "fgsm": 1, "random": 0}[around.search] if around else 0


def _length(task: str, most: int) -> int:
    return min(most, SUBWORDS[tasks.get(task).family])


def _records(store: Store, stage: Stage) -> list[int]:
    """Training records of each part of the stage in all its languages, read from the data set's own description."""
    copies = stage.augment.copies + stage.augment.keep if stage.augment else 1
    return [copies * (part.examples or _training_rows(store, part)) * len(part.languages) for part in stage.parts]


def _training_rows(store: Store, part: Part) -> int:
    task, code = tasks.get(part.task).training, part.languages[0]
    held = [_rows(store, name, code, "train") for name in task.parts or [task.name]]
    return sum(held) if all(held) else len(store.source.load(task, code, "train"))


@cache
def _rows(store: Store, name: str, code: str, split: str) -> int | None:
    """As the data set's card or its local Parquet files say without being read; None where they do not."""
    task = tasks.get(name).at(code)
    splits = store.source._builder(task, code).info.splits or {}
    if task.splits[split] in splits:
        return splits[task.splits[split]].num_examples
    files = [str(file) for file in store.source._files(task, code, split)]
    local = files and all(file.endswith(".parquet") and "://" not in file for file in files)
    return sum(pq.read_metadata(file).num_rows for file in files) if local else None


def _evaluation_seconds(store: Store, start: Encoder, evaluation: Evaluation) -> float:
    held = _rows(store, evaluation.task, evaluation.language, evaluation.split) or EXAMPLES
    examples, length = min(held, evaluation.examples or held), _length(evaluation.task, evaluation.max_length)
    attack = evaluation.attack
    passes = min(QUERIES * attack.beam, attack.budget) if attack else 1 + 2 * _ascents(evaluation.ball)
    return 2 * encoder_size(start) * examples * length * passes / _speed()


def print_plan(profile: str) -> None:
    """One line for each notebook, the data sets, and the totals.

    Raises:
        UserError: as for a real run: what would stop it stops the plan.
    """
    from xlt.lab import Lab
    from xlt.studies import of

    lab = Lab.from_params(profile)
    seconds, planned = estimator(lab.store), set()
    settings = lab.profile
    print(f"profile {settings.name}: {settings.description}")
    print(f"records from {lab.store.source}; encoder {settings.encoder.model or 'random XLM-R, pretrained here'}")
    total, disk = 0.0, 0.0
    for notebook, chosen in of(lab).items():
        jobs = lab.jobs(chosen.recipes, chosen.evaluations, chosen.plan and chosen.plan.seeds)
        new = [job for job in jobs if job.recipe not in planned]
        time = sum(seconds(job, job.recipe in planned) for job in jobs) / engine.workers(settings.resources)
        evaluations = sum(len(job.evaluations) for job in jobs)
        print(f"  {notebook}: {len(new)} runs, {evaluations} evaluations, about {duration(time)}")
        total, disk = total + time, disk + sum(_megabytes(job.recipe) for job in new)
        planned.update(job.recipe for job in new)
    _print_data(lab)
    here = engine.workers(settings.resources)
    on = f"{here} process{'es' if here > 1 else ''}"
    print(f"in all about {duration(total)} on {on}, {disk:,.0f} MB of disk; nothing started")


def _print_data(lab: Any) -> None:
    learned = [part.task for stage in lab.profile.phases for part in stage.parts]
    for name in dict.fromkeys([*learned, *lab.profile.target, *lab.profile.studied]):
        task = tasks.get(name)
        here = len(lab.languages(name)) or len(lab.store.source.languages(task, "train"))
        print(f"  {name}: {task.dataset}, {f'{here} languages' if here else 'not here'}, licence {task.licence}")
        if missing := lab.missing(name) if task.role == "target" else []:
            print(f"    no test records here for {' '.join(missing)}")


def _megabytes(recipe: Recipe) -> float:
    """What a run leaves on disk: an encoder in fp32, or an adapter, and a little for predictions."""
    stage = recipe.stages[-1] if recipe.stages else None
    if stage and stage.method == "lora":
        return 3.0 + encoder_size(recipe.start) / 12 / 1e6 * stage.rank / 100
    whole = encoder_size(recipe.start) + _embeddings(recipe.start)
    return 1.0 + (0 if stage is None and recipe.start.model else whole * 4 / 1e6)


def _embeddings(start: Encoder) -> int:
    _, width, vocabulary = _shape(start)
    return vocabulary * width
