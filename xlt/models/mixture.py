"""What a stage is learned from: the features of each of its parts, and whose turn it is at each update."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from xlt.core.errors import UserError
from xlt.core.recent import Recent
from xlt.data import rows
from xlt.data.label_shuffle import Columns, shuffled
from xlt.data.sources import selected
from xlt.models import batching, mlm, robust, unseen
from xlt.models.columns import Feature, Features, joined
from xlt.models.features import encode
from xlt.spec import tasks
from xlt.spec.identity import digest
from xlt.spec.stage import Stage

if TYPE_CHECKING:
    from datasets import Dataset

    from xlt.data.sources import Source
    from xlt.data.store import Store

Learned = Features | mlm.Languages  # by language only for masked language modelling


class Mixture:
    """The parts of a stage. Iterating gives, for each update, the training task and its features."""

    def __init__(self, store: Store, stage: Stage, tokenizer: Any):
        self.stage, self.tokenizer, self.seed = stage, tokenizer, stage.seed or 0
        self.features = features(store, stage, tokenizer)
        self.records = [_count(part) for part in self.features]
        self.lost = Counter[str]()
        for part, learned in zip(stage.parts, self.features, strict=True):
            if isinstance(learned, Features):
                unseen.say(part.task, "training", learned, stage.max_length)
                self.lost.update(unseen.counts(learned))
        self.steps = stage.updates(self.records)
        rng = np.random.default_rng([self.seed, 0, 1])
        self.turns = rng.choice(len(self.records), self.steps, p=stage.batch_shares(self.records))

    def __iter__(self) -> Iterator[tuple[str, list[Feature]]]:
        names = [tasks.get(part.task).training.name for part in self.stage.parts]
        streams = [self._stream(place) for place in range(len(names))]
        for turn in self.turns:
            yield names[turn], next(streams[turn])

    def _stream(self, place: int) -> Iterator[list[Feature]]:
        features, rng = self.features[place], np.random.default_rng([self.seed, place])
        if isinstance(features, dict):
            return mlm.batches(features, self.stage, self.tokenizer, rng)
        return epochs(features, self.stage.update_batch, rng)

    def updates(self, done: int) -> dict[str, int]:
        """How many of the first `done` updates were of each part, by its task as the stage names it."""
        counts = np.bincount(self.turns[:done], minlength=len(self.records)).tolist()
        named = self.stage.trains
        return {name: sum(n for other, n in zip(named, counts, strict=True) if other == name) for name in named}


def features(store: Store, stage: Stage, tokenizer: Any) -> list[Learned]:
    """Training features of each part; for masked language modelling those of each language.

    Raises:
        UserError: `pair_languages="mixed"`, but the rows of the languages are not aligned.
    """
    draw = rows.RowDraw(stage)
    return [_features(store, stage, tokenizer, place, draw) for place in range(len(stage.parts))]


def _features(store: Store, stage: Stage, tokenizer: Any, place: int, draw: rows.RowDraw) -> Learned:
    """Those of the part at `place`."""
    part, seed = stage.parts[place], stage.seed or 0
    task = tasks.get(part.task).training
    mixed = stage.pair_languages == "mixed" and place == 0
    if not (part.examples or mixed or stage.shuffle_labels or stage.augment or stage.slice):
        return _learned(task, {code: _whole(store.source, task, code, tokenizer, stage) for code in part.languages})
    sets = ((code, store.source.load(task, code, "train")) for code in part.languages)
    if mixed:
        every = dict(sets)
        chosen = {code: draw.rows(part, len(dataset)) for code, dataset in every.items()}
        records = mixed_pairs(every, chosen, task.name, seed)
    else:  # one after the other: together they may be too large for the memory
        records = {code: _columns(dataset, draw.rows(part, len(dataset))) for code, dataset in sets}
    if stage.shuffle_labels:
        records = {code: shuffled(columns, task.family, seed) for code, columns in records.items()}
    if stage.augment:
        labels = store.source.labels(task)
        records = {
            code: robust.augmented(columns, stage.augment, task.family, code, seed, labels)
            for code, columns in records.items()
        }
    encoded = {
        code: _trained(encode(task.family, columns, tokenizer, stage.max_length, stage.stride))
        for code, columns in records.items()
    }
    return _learned(task, encoded)


def _learned(task: tasks.Task, languages: dict[str, Features]) -> Learned:
    return languages if task.family == tasks.MLM else joined(list(languages.values()))


def _trained(features: Features) -> Features:
    """Without what serves to read a prediction back."""
    return features.without("offsets", "words")


def _columns(records: Dataset, chosen: np.ndarray) -> Columns:
    return selected(records, chosen).to_dict()


_features_of = Recent(megabytes=256)  # the runs of a worker often learn from the same records, one after the other


def _whole(source: Source, task: tasks.Task, code: str, tokenizer: Any, stage: Stage) -> Features:
    """Features of all training records of a task in one language."""

    def make() -> Features:
        records = source.load(task, code, "train")
        return _trained(encode(task.family, records, tokenizer, stage.max_length, stage.stride))

    content = digest(source.identity(task, code, "train"))  # files may change while a process is at work
    return _features_of.get((source, task.name, code, content, tokenizer, stage.max_length, stage.stride), make)


def mixed_pairs(
    sets: Mapping[str, Dataset], chosen: Mapping[str, np.ndarray], name: str, seed: int
) -> dict[str, Columns]:
    """The chosen rows of each language, each with its second text in another language, drawn for each row.

    `sets`: all training records of the task `name` by language, aligned; `chosen`: numbers of the rows by language.

    Raises:
        UserError: the records are no pairs, or not aligned: other numbers of rows, or other labels.
    """
    where, codes = f"{name}: pair_languages: mixed", list(sets)
    if any("text_b" not in records.column_names for records in sets.values()):
        raise UserError(f"{where} is for tasks with two texts (text_a, text_b); leave it out")
    if len({len(records) for records in sets.values()}) > 1:
        counts = ", ".join(f"{len(records):,} in {code}" for code, records in sets.items())
        raise UserError(f"{where} needs rows that are aligned across languages, but there are {counts}")
    every = np.unique(np.concatenate(list(chosen.values())))
    labels = {code: records.select(every)["label"][:] for code, records in sets.items()}
    for code in codes:
        if labels[code] != labels[codes[0]]:
            raise UserError(f"{where} needs rows that are aligned, but the labels of {codes[0]} and {code} differ")
    rng, mixed = np.random.default_rng(seed), {}
    for place, code in enumerate(codes):
        others = (place + rng.integers(1, len(codes), len(chosen[code]))) % len(codes)
        second = np.empty(len(others), object)
        for other in np.unique(others):
            second[others == other] = sets[codes[other]].select(chosen[code][others == other])["text_b"][:]
        mixed[code] = _columns(sets[code], chosen[code]) | {"text_b": second.tolist()}
    return mixed


def _count(features: Learned) -> int:
    return sum(map(len, features.values())) if isinstance(features, dict) else len(features)


def epochs(features: Sequence[Feature], batch: int, rng: np.random.Generator) -> Iterator[list[Feature]]:
    """Batches without end; every feature once an epoch."""
    while True:
        for indices in batching.batches(features, batch, rng):
            yield [features[i] for i in indices]
