"""What a stage is learned from: the features of each of its parts, and whose turn it is at each update."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from xlt import encode, mlm, robust, tasks
from xlt.errors import UserError
from xlt.recipe import Part, Stage
from xlt.shuffle import Columns, shuffled

if TYPE_CHECKING:
    from xlt.sources import Source
    from xlt.store import Store

Features = list[encode.Feature] | mlm.Languages  # by language only for masked language modelling


class Mixture:
    """The parts of a stage. Iterating gives, for each update, the training task and its batches of features."""

    def __init__(self, store: Store, stage: Stage, tokenizer: Any):
        self.stage, self.tokenizer, self.seed = stage, tokenizer, stage.seed or 0
        self.features = [features(store, stage, part, tokenizer) for part in stage.parts]
        self.records = [_count(found) for found in self.features]
        self.steps = stage.updates(self.records)
        rng = np.random.default_rng([self.seed, 0, 1])
        self.turns = rng.choice(len(self.records), self.steps, p=stage.batch_shares(self.records))

    def __iter__(self) -> Iterator[tuple[str, list[list[encode.Feature]]]]:
        names = [tasks.get(part.task).training.name for part in self.stage.parts]
        streams = [self._stream(place) for place in range(len(names))]
        for turn in self.turns:
            yield names[turn], list(islice(streams[turn], self.stage.accumulate))

    def _stream(self, place: int) -> Iterator[list[encode.Feature]]:
        found, rng = self.features[place], np.random.default_rng([self.seed, place])
        if isinstance(found, dict):
            return mlm.batches(found, self.stage, self.tokenizer, rng)
        return epochs(found, self.stage.batch, rng)

    def updates(self, done: int) -> dict[str, int]:
        """How many of the first `done` updates were of each part, by its task as the stage names it."""
        counts = np.bincount(self.turns[:done], minlength=len(self.records)).tolist()
        named = self.stage.trains
        return {name: sum(n for other, n in zip(named, counts, strict=True) if other == name) for name in named}


def features(store: Store, stage: Stage, part: Part, tokenizer: Any) -> Features:
    """Training features of one part: one list; for masked language modelling one for each language, rows aligned.

    Raises:
        UserError: `pair_languages="mixed"`, but the rows of the languages are not aligned.
    """
    task, seed = tasks.get(part.task).training, stage.seed or 0
    if not (part.examples or stage.pair_languages == "mixed" or stage.shuffle_labels or stage.augment):
        read = {code: _whole(store.source, task.name, code, tokenizer, stage.max_length, stage.stride)
                for code in part.languages}  # fmt: skip
        return read if task.family == tasks.MLM else [feature for found in read.values() for feature in found]
    sampled = 0 if task.family == tasks.MLM else seed  # every run reads the same text
    rows: dict[str, Columns] = {}
    for code in part.languages:
        found = store.source.load(task, code, "train", part.examples, sampled)
        rows[code] = {name: found[name][:] for name in found.column_names}
    if stage.pair_languages == "mixed" and part == stage.parts[0]:
        totals = {code: len(store.source.load(task, code, "train")) for code in part.languages}
        rows = mixed_pairs(rows, totals, task.name, seed)
    if stage.shuffle_labels:
        rows = {code: shuffled(columns, task.family, seed) for code, columns in rows.items()}
    if stage.augment:
        labels = store.source.labels(task)
        rows = {
            code: robust.augmented(columns, stage.augment, task.family, code, seed, labels)
            for code, columns in rows.items()
        }
    encoded = {
        code: encode.encode(task.family, columns, tokenizer, stage.max_length, stage.stride)
        for code, columns in rows.items()
    }
    if task.family == tasks.MLM:
        return encoded
    return [feature for found in encoded.values() for feature in found]


@lru_cache(maxsize=2)  # the runs of a worker often learn from the same records, one after the other
def _whole(source: Source, name: str, code: str, tokenizer: Any, length: int, stride: int) -> list[encode.Feature]:
    """Features of all training records of a task in one language."""
    task = tasks.get(name)
    return encode.encode(task.family, source.load(task, code, "train"), tokenizer, length, stride)


def mixed_pairs(rows: dict[str, Columns], totals: dict[str, int], name: str, seed: int) -> dict[str, Columns]:
    """Each language's first texts, each with its second text in another language, drawn for each row.

    `rows` are samples of the same places of aligned data sets with `totals` rows.

    Raises:
        UserError: the records are no pairs, or not aligned: other numbers of rows, or other labels.
    """
    where, codes = f"{name}: pair_languages: mixed", list(rows)
    if any("text_b" not in columns for columns in rows.values()):
        raise UserError(f"{where} is for tasks with two texts (text_a, text_b); leave it out")
    if len(set(totals.values())) > 1:
        counts = ", ".join(f"{total:,} in {code}" for code, total in totals.items())
        raise UserError(f"{where} needs rows that are aligned across languages, but there are {counts}")
    labels = rows[codes[0]]["label"]
    for code in codes:
        if rows[code]["label"] != labels:
            raise UserError(f"{where} needs rows that are aligned, but the labels of {codes[0]} and {code} differ")
    rng, found = np.random.default_rng(seed), {}
    for place, code in enumerate(codes):
        others = (place + rng.integers(1, len(codes), len(labels))) % len(codes)
        found[code] = {**rows[code], "text_b": [rows[codes[o]]["text_b"][i] for i, o in enumerate(others)]}
    return found


def _count(found: Features) -> int:
    return sum(map(len, found.values())) if isinstance(found, dict) else len(found)


def epochs(found: list[encode.Feature], batch: int, rng: np.random.Generator) -> Iterator[list[encode.Feature]]:
    """Batches without end; every feature once an epoch."""
    while True:
        for indices in encode.batches(found, batch, rng):
            yield [found[i] for i in indices]
