"""The ways of training and reading that are compared; all have the same encoder, head, records, batch and schedule.

`transformers` is its Trainer with the arguments that the example scripts leave as they are (run_xnli.py, run_ner.py,
run_qa.py of transformers 5: fp32, AdamW, linear decay, clipping at 1, no grouping by length, fused attention). Only the
batch is the one that the scripts' documentation passes, 32, where their default is 8.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any, NamedTuple

import numpy as np
import torch
import transformers

from xlt.core import device
from xlt.core.device import compute
from xlt.data import weights
from xlt.data.store import Store
from xlt.evaluation.evaluate import model_for
from xlt.lab import work
from xlt.lab.jobs import Job
from xlt.lab.speed.stopwatch import Stopwatch, now
from xlt.models import batching, model
from xlt.models.columns import Feature
from xlt.models.encoder import tokenizer_of
from xlt.models.features import IGNORED, encode
from xlt.models.inference import Predictor
from xlt.models.loss import GOLD, cross_entropy
from xlt.models.mixture import Mixture
from xlt.spec import tasks
from xlt.spec.profile import Resources
from xlt.spec.recipe import Evaluation, Recipe
from xlt.spec.speed import DYNAMIC, OWN, PADDED, PLAIN, XLT
from xlt.spec.stage import Stage
from xlt.spec.tasks import Task


@dataclass(frozen=True)
class Setting:
    """What all ways have in common: a recipe of one stage, of which each makes as many updates as it is told."""

    store: Store
    recipe: Recipe
    resources: Resources
    profiler: Any = None

    @property
    def stage(self) -> Stage:
        return self.recipe.stages[-1]

    @property
    def task(self) -> Task:
        return tasks.get(self.stage.task).training

    @cached_property
    def tokenizer(self) -> Any:
        return tokenizer_of(self.store, self.recipe)

    @cached_property
    def pool(self) -> Sequence[Feature]:
        """The features that updates take their batches from."""
        return self.features("train")

    def features(self, split: str, count: int | None = None) -> Sequence[Feature]:
        rows = self.store.source.load(self.task, "en", split, count)
        columns = {name: rows[name][:] for name in rows.column_names}
        return encode(self.task.family, columns, self.tokenizer, self.stage.max_length, self.stage.stride)

    def with_updates(self, updates: int) -> Setting:
        stage = self.stage.model_copy(update={"steps": updates})
        return replace(self, recipe=self.recipe.model_copy(update={"stages": (stage,)}))

    def learner(self) -> torch.nn.Module:
        """The encoder under a new head, the same for every way."""
        return model.prepare(self.store, self.recipe)[self.task.name].to(compute().device)


class Trained(NamedTuple):
    """Of the updates that were timed: useful tokens, records, seconds, and those of them that made batches."""

    tokens: int
    records: int
    padding: float
    watch: Stopwatch
    model: Any


class Way(NamedTuple):
    """A way of training and reading.

    speed    how many times the updates and records of the slowest way it is given, to be at work for about as long
    grouped  whether batches are of similar length: then some batches have more tokens than others, so that tokens a
             second are measured; of random batches, records a second
    """

    precision: str | None
    train: Callable[[Setting, int], Trained]
    read: Callable[[Setting, Any, Sequence[Feature]], float]
    speed: int
    grouped: bool = False


# transformers.Trainer ---------------------------------------------------------------------------


class _Counting:
    """A collator that counts the useful tokens of each batch, and the time that it takes."""

    def __init__(self, collate: Callable[[list[Any]], Any]):
        self.collate, self.tokens, self.records, self.seconds = collate, [], [], []

    def __call__(self, rows: list[Any]) -> Any:
        started = time.process_time()
        batch = self.collate(rows)
        self.seconds.append(time.process_time() - started)
        self.tokens.append(int(batch["attention_mask"].sum()))
        self.records.append(len(rows))
        return batch

    def trained(self, updates: int, watch: Stopwatch, learner: Any) -> Trained:
        timed = slice(1, updates)
        return Trained(
            sum(self.tokens[timed]), sum(self.records[timed]), sum(self.seconds[timed]), watch, learner.eval()
        )


def _trainer(setting: Setting, learner: Any, padded: bool, updates: int = 1, data: Any = None) -> transformers.Trainer:
    scratch = setting.store.root / "trainer"
    arguments = transformers.TrainingArguments(
        output_dir=str(scratch), max_steps=updates, per_device_train_batch_size=setting.stage.batch,
        per_device_eval_batch_size=setting.stage.batch, learning_rate=setting.stage.lr, save_strategy="no",
        use_cpu=compute().device == "cpu", disable_tqdm=True,
    )  # fmt: skip
    dynamic = transformers.DataCollatorWithPadding
    if setting.task.family == tasks.TAGGING:
        dynamic = transformers.DataCollatorForTokenClassification
    collate = transformers.default_data_collator if padded else dynamic(setting.tokenizer)
    trainer = transformers.Trainer(learner, arguments, data_collator=_Counting(collate), train_dataset=data)
    trainer.remove_callback(transformers.trainer_callback.PrinterCallback)
    return trainer


def _examples(setting: Setting, features: Sequence[Feature], padded: bool) -> list[dict[str, Any]]:
    """Features as the scripts keep them: with an attention mask, and padded to the maximum where a script does that."""
    width = setting.stage.max_length if padded else 0
    return [_example(feature, width, setting.tokenizer.pad_token_id) for feature in features]


def _example(feature: Feature, width: int, padding: int) -> dict[str, Any]:
    ids = [int(number) for number in feature["input_ids"]]
    room = max(0, width - len(ids))
    example: dict[str, Any] = {"input_ids": ids + [padding] * room, "attention_mask": [1] * len(ids) + [0] * room}
    for name in filter(feature.__contains__, GOLD):
        whole = np.ndim(feature[name]) == 0
        example[name] = int(feature[name]) if whole else [int(tag) for tag in feature[name]] + [IGNORED] * room
    return example


def _train_by_trainer(setting: Setting, updates: int, padded: bool) -> Trained:
    learner = setting.learner()
    trainer = _trainer(setting, learner, padded, updates, _examples(setting, setting.pool, padded))
    counted = trainer.data_collator
    with Stopwatch(updates, setting.profiler) as watch:
        trainer.train()
    return counted.trained(updates, watch, learner)


def _read_by_trainer(setting: Setting, learner: Any, features: Sequence[Feature], padded: bool) -> float:
    trainer, examples = _trainer(setting, learner, padded), _examples(setting, features, padded)
    started = now()
    trainer.predict(examples)
    return now() - started


# the plain path ---------------------------------------------------------------------------------


def _train_plainly(setting: Setting, updates: int) -> Trained:
    """The same updates with nothing that makes them fast: what every other way must learn, up to rounding."""
    learner, pad = setting.learner().train(), setting.tokenizer.pad_token_id
    learner.set_attn_implementation("eager")
    parameters = [parameter for parameter in learner.parameters() if parameter.requires_grad]
    optimiser = torch.optim.AdamW(parameters, lr=setting.stage.lr, weight_decay=0.0)
    schedule = transformers.get_linear_schedule_with_warmup(optimiser, 0, updates)
    counted = _Counting(partial(batching.collate, pad_id=pad, device=compute().device))
    batches = _shuffled(setting.pool, setting.stage.batch)
    with Stopwatch(updates, setting.profiler) as watch:
        for _, rows in zip(range(updates), batches, strict=False):
            cross_entropy(learner, counted(rows)).backward()
            torch.nn.utils.clip_grad_norm_(parameters, setting.stage.clip)
            optimiser.step()
            schedule.step()
            optimiser.zero_grad()
    return counted.trained(updates, watch, learner)


def _shuffled(features: Sequence[Feature], size: int) -> Iterator[Sequence[Feature]]:
    rng = np.random.default_rng(0)
    while True:
        order = rng.permutation(len(features))
        yield from ([features[i] for i in order[j : j + size]] for j in range(0, len(order), size))


def _read_plainly(setting: Setting, learner: Any, features: Sequence[Feature]) -> float:
    started, pad = now(), setting.tokenizer.pad_token_id
    with torch.no_grad():
        for first in range(0, len(features), setting.stage.batch):
            rows = [_inputs(feature) for feature in features[first : first + setting.stage.batch]]
            _logits(learner(**batching.collate(rows, pad, compute().device)))
    return now() - started


def _inputs(feature: Feature) -> Feature:
    return {name: feature[name] for name in ("input_ids", "token_type_ids") if name in feature}


def _logits(outputs: Any) -> dict[str, Any]:
    return {name: values.float().cpu().numpy() for name, values in outputs.items() if name.endswith("logits")}


# xlt --------------------------------------------------------------------------------------------


def _train_as_runs_do(setting: Setting, updates: int) -> Trained:
    """A whole run as `./run_all.sh` makes it: weights are read, the stage is trained, weights are written."""
    setting = setting.with_updates(updates)
    counted = _of_mixture(setting, updates)
    with Stopwatch(updates, setting.profiler) as watch:
        work.execute(setting.store, Job(setting.recipe), setting.resources)
    learner = model_for(setting.store, setting.recipe, Evaluation(task=setting.task.name))
    shutil.rmtree(setting.store.folder(setting.recipe))
    return counted.trained(updates, watch, learner)


def _of_mixture(setting: Setting, updates: int) -> _Counting:
    """What the batches of a run hold: they are the same whenever they are drawn for the same stage."""
    counted = _Counting(partial(batching.collate, pad_id=setting.tokenizer.pad_token_id, device=compute().device))
    mixture = Mixture(setting.store, setting.stage, setting.tokenizer)
    for _, (_, features) in zip(range(updates), mixture, strict=False):
        counted(features)
    return counted


def _train_as_on_a_cpu(setting: Setting, updates: int) -> Trained:
    """The same with what params/local.yaml and params/mini.yaml say besides: no dropout, and frozen embeddings."""
    start = setting.recipe.start.model_copy(update={"dropout": 0.0})
    stage = setting.stage.model_copy(update={"frozen": "embeddings"})
    return _train_as_runs_do(replace(setting, recipe=Recipe(start=start, stages=(stage,))), updates)


def _read_as_runs_do(setting: Setting, learner: Any, features: Sequence[Feature]) -> float:
    keep = ("start_logits", "end_logits") if setting.task.family == tasks.SPAN else ("logits",)
    started = now()
    for _ in Predictor(learner, setting.tokenizer, setting.resources.eval_batch).outputs(features, keep):
        pass
    return now() - started


WAYS: dict[str, Way] = {
    PADDED: Way("fp32", partial(_train_by_trainer, padded=True), partial(_read_by_trainer, padded=True), 1),
    DYNAMIC: Way("fp32", partial(_train_by_trainer, padded=False), partial(_read_by_trainer, padded=False), 1),
    PLAIN: Way("fp32", _train_plainly, _read_plainly, 1),
    XLT: Way(None, _train_as_runs_do, _read_as_runs_do, 5, grouped=True),
    OWN: Way(None, _train_as_on_a_cpu, _read_as_runs_do, 5, grouped=True),
}


def prefer(way: Way, setting: Setting) -> None:
    """Compute in the precision of this way from now on; ours is what the profile says, or what is best here."""
    device.prefer(way.precision or setting.resources.precision, weights.width(setting.recipe.start))
