"""`xlt calibrate`: how fast this device trains and reads with the encoder of a profile, measured in about 20 seconds.

Two things are measured. The device, with an encoder of the profile's shape and random weights, through the very code
that trains and reads: passes of short, usual and long texts, to which the three terms of a pass are fitted. And Python,
which depends little on the encoder, with a few tiny runs and evaluations in a store of their own.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
import transformers
from scipy.optimize import nnls

from xlt.core import device
from xlt.lab import estimate, rates
from xlt.lab.python_costs import python_costs
from xlt.lab.rates import Device, Pass, Rates
from xlt.models import batching, mlm, model, update, vocabulary_cut
from xlt.models.columns import Feature, Features, Ragged
from xlt.models.encoder import random_encoder, read_encoder, restart_at
from xlt.models.features import IGNORED
from xlt.models.inference import Predictor
from xlt.models.loss import cross_entropy
from xlt.spec import tasks
from xlt.spec.profile import GPU_TOKENS, Profile
from xlt.spec.stage import Stage

LENGTHS = (16, 48, 128)  # subwords of the texts that are passed
_SUBWORDS = 20_000  # from which the texts are drawn; a stage trains the embeddings of the subwords that it meets
_ENOUGH = 1.0  # seconds of each measurement, after one pass that nobody times
_LONGEST = 0.4  # seconds of a pass, so that there are several in that time
_SPECIALS = SimpleNamespace(pad_token_id=1, sep_token_id=2, cls_token_id=0, all_special_ids=[0, 1, 2])


def calibrate(profile: Profile) -> Iterator[tuple[Device, Path]]:
    """Measure, and keep what was measured; each device (with its number of threads) and the file that holds it.

    Pretraining has its own number of threads: with another one than the other stages it is measured apart.
    """
    resources, shape = profile.resources, estimate.shape(profile.encoder)
    counts = {resources.threads} | ({resources.pretraining_threads} if profile.pretraining else set())
    device.prefer(resources.precision, shape.width)
    costs = python_costs(resources)
    seen = set()
    for threads in sorted(counts):
        at = rates.device(resources, threads)
        if at not in seen:  # of a GPU, threads make no difference
            seen.add(at)
            device.use_threads(threads)
            measured = Rates(**_Measured(profile).terms(), **costs)
            yield at, rates.keep(at, shape, rates.trained(profile), measured)


class _Measured:
    """An encoder of the profile's shape under a head, and what its passes take."""

    def __init__(self, profile: Profile):
        how = rates.trained(profile)
        self.resources = profile.resources
        batch = profile.training.get("batch", 32)
        self.stage = Stage(task="mnli", method=how.method, frozen=how.frozen, batch=batch)
        (self.encoder, self.load, self.save), self.rng = _encoder(profile), np.random.default_rng(0)
        self.vocabulary = min(_SUBWORDS, self.encoder.config.vocab_size)

    def terms(self) -> dict[str, Any]:
        """The terms of `Rates` that depend on the device and the encoder."""
        word = self._word()  # before the embeddings are cut
        learner = self._learner("mnli", ("a", "b", "c"))
        return {
            "training": _fitted(self._passes(learner, self._trained)),
            "update": self._update(learner),
            "reading": _fitted(self._passes(learner, self._read)),
            "word": word, "load": self.load, "save": self.save if self.stage.method == "full" else 0.0,
        }  # fmt: skip

    def _learner(self, task: str, labels: tuple[str, ...]) -> model.Learner:
        # Masked language modelling is what encoders are pretrained by: all of their weights, and without an adapter.
        whole = {"frozen": "nothing", "method": "full"}
        stage = self.stage.model_copy(update=whole) if task == "text" else self.stage
        encoder = model.trainable(self.encoder, stage, seed=0)
        learner = model.Learner({task: model.with_head(encoder, tasks.get(task), labels, seed=0)})
        if task != "text":
            met = Features({"input_ids": Ragged.of([range(self.vocabulary)])})
            vocabulary_cut.cut(learner.encoder, [met], _SPECIALS)
        return learner.to(device.compute().device)

    def _features(self, count: int, length: int, masked: float = 0.0) -> list[Feature]:
        """Random texts of one length, with a label each, or with a share of masked subwords."""
        texts = self.rng.integers(5, self.vocabulary, (count, length))
        if not masked:
            return [{"input_ids": text, "labels": 0} for text in texts]
        left = np.arange(length) % round(1 / masked) > 0
        return [{"input_ids": text, "labels": np.where(left, IGNORED, text)} for text in texts]

    def _passes(self, learner: model.Learner, timed: Callable[..., float]) -> list[tuple[int, int, float]]:
        """(texts, subwords of each, seconds) of passes of one text, and of a full batch of each length.

        A batch is that of the profile, or on a GPU as much as fits its budget of tokens; a smaller one where a pass
        would take too long.
        """
        measured = [(1, LENGTHS[0], timed(learner, self._features(1, LENGTHS[0])))]
        for length in LENGTHS:
            most = self.stage.batch if device.compute().device == "cpu" else GPU_TOKENS // length
            count = 1
            while count < most and timed(learner, self._features(count, length), once=True) < _LONGEST / 2:
                count = min(2 * count, most)
            measured.append((count, length, timed(learner, self._features(count, length))))
        return measured

    def _trained(self, learner: model.Learner, features: list[Feature], once: bool = False) -> float:
        """Seconds of the gradients of these features in one pass."""
        stage = self.stage.model_copy(update={"batch": len(features)})
        trained = learner.train()[learner.tasks[0]]
        loss = mlm.loss if hasattr(trained, "lm_head") else cross_entropy
        collate = partial(
            batching.collate, pad_id=_SPECIALS.pad_token_id, device=device.compute().device,
            restart_at=restart_at(self.encoder.config, _SPECIALS),
        )  # fmt: skip
        gradients = update.Gradients(stage, loss, collate)
        return _seconds(lambda: float(gradients.of(trained, features)), once)  # a float waits for a GPU

    def _read(self, learner: model.Learner, features: list[Feature], once: bool = False) -> float:
        predictor = Predictor(learner[learner.tasks[0]].eval(), _SPECIALS, len(features))
        return _seconds(lambda: list(predictor.outputs(features, ("logits",))), once)

    def _update(self, learner: model.Learner) -> float:
        """Seconds of clipping and of the optimiser, whose gradients the passes before have left."""
        self._trained(learner, self._features(1, LENGTHS[0]), once=True)
        parameters = [p for p in learner.parameters() if p.requires_grad]
        optimiser = torch.optim.AdamW(parameters, fused=True)

        def step() -> float:
            norm = torch.nn.utils.clip_grad_norm_(parameters, 1.0)
            optimiser.step()
            return float(norm)

        return _seconds(step)

    def _word(self) -> float:
        """Seconds of a masked subword: what a pass takes with half of them masked, less what it takes with very few."""
        learner, length = self._learner("text", ()), LENGTHS[1]
        few, many = (self._trained(learner, self._features(8, length, share)) for share in (1 / length, 0.5))
        return max(0.0, (many - few) / (8 * (length // 2 - 1)))


def _encoder(profile: Profile) -> tuple[transformers.PreTrainedModel, float, float]:
    """Random weights in the shape of the profile's encoder, as a run reads an encoder; seconds to load and to save it.

    Files that were just written come from memory.
    """
    start = profile.encoder
    if start.model:
        from xlt.data.weights import given_config

        drawn = transformers.AutoModel.from_config(given_config(start), dtype=torch.float32)
    else:
        drawn = random_encoder(start, start.vocabulary)
    clock = device.clock()
    with tempfile.TemporaryDirectory(prefix="xlt-") as folder:
        began = clock()
        drawn.save_pretrained(folder)
        saved = clock()
        encoder = read_encoder(folder, dropout=start.dropout)
        return encoder, clock() - saved, saved - began


def _seconds(work: Callable[[], Any], once: bool = False) -> float:
    """Seconds of a call, after one that is not timed: the lower quartile, as other programs only ever add to them.

    `once`: of a single call.
    """
    clock, taken = device.clock(), list[float]()
    if not once:
        work()
    while not taken or not (once or sum(taken) >= _ENOUGH):
        began = clock()
        work()
        taken.append(clock() - began)
    return float(np.quantile(taken, 0.25))


def _fitted(measured: list[tuple[int, int, float]]) -> Pass:
    """The terms of a pass that fit best, none below zero, by relative error: a short pass counts as much as a long."""
    terms = np.array([[1, count * length, count * length**2] for count, length, _ in measured], float)
    taken = np.array([seconds for *_, seconds in measured])
    fixed, token, pair = nnls(terms / taken[:, None], np.ones(len(taken)))[0]
    return Pass(fixed=fixed, token=token, pair=pair)
