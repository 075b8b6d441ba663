"""The gradients of an update, in as many passes as the memory asks for.

The records of an update go through the model in micro-batches. A GPU is slow with few tokens at a time, so there as
many records go together as `resources.tokens` allows, grouped by length so that little is padding. On a CPU, which
gains nothing by it, it is the `batch` of the stage. How an update is divided changes rounding, the draws of dropout and
of random points in a ball; it is no part of what a run is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import torch

from xlt.core.device import compute
from xlt.models.batching import Batch
from xlt.models.columns import Feature
from xlt.models.features import IGNORED
from xlt.spec.profile import GPU_TOKENS
from xlt.spec.stage import Stage

Loss = Callable[[Any, Batch], torch.Tensor]
Collate = Callable[[list[Feature]], Batch]


class Gradients:
    """Computes the gradients of updates, with at most `tokens` at a time; fewer after the memory was not enough."""

    def __init__(self, stage: Stage, loss: Loss, collate: Collate, tokens: int | None = None):
        self.loss, self.collate, self.batch = loss, collate, stage.batch
        self.tokens = tokens or (GPU_TOKENS if compute().device == "cuda" else None)
        self.halved = 0

    def of(self, learner: torch.nn.Module, features: list[Feature]) -> torch.Tensor:
        """Add the gradients of the mean loss over all labels of an update to the weights; give that mean.

        Where the memory is not enough, the update is made again in smaller parts, and so are all that follow.

        Raises:
            OutOfMemoryError: of torch, where it is not enough for a single record.
        """
        while (mean := self._tried(learner, features)) is None:
            learner.zero_grad(set_to_none=True)
            torch.cuda.empty_cache()
        return mean

    @property
    def record(self) -> dict[str, int]:
        """What a run's record says of it: how often the memory was not enough, and the tokens at a time in the end."""
        return {"out_of_memory": self.halved, "tokens": self.tokens or 0} if self.halved else {}

    def _tried(self, learner: torch.nn.Module, features: list[Feature]) -> torch.Tensor | None:
        """None: out of memory. The error must be gone before the next try, because it holds on to what was computed."""
        parts = list(self.cut(features))
        try:
            return self._sum(learner, parts)
        except torch.OutOfMemoryError:
            if "query" in features[0] or all(len(part) == 1 for part in parts):
                raise
            self.tokens, self.halved = max(map(padded, parts)) // 2, self.halved + 1
            return None

    def _sum(self, learner: torch.nn.Module, parts: list[list[Feature]]) -> torch.Tensor:
        """Every label weighs the same, whatever part it is in: the loss of each counts by its number of labels.

        They are counted here and not on the device, which would have to be waited for.
        """
        if len(parts) == 1:
            return _backward(self.loss(learner, self.collate(parts[0])))
        counts = [sum(map(labels, part)) for part in parts]
        total = max(1, sum(counts))
        return sum(
            _backward(self.loss(learner, self.collate(part)) * (count / total))
            for part, count in zip(parts, counts, strict=True)
        )

    def cut(self, features: list[Feature]) -> Iterator[list[Feature]]:
        """The update in micro-batches. A dual encoder's `batch` stays together: its records are its negatives."""
        if "query" in features[0] or (self.tokens is None and len(features) <= self.batch):
            return (features[i : i + self.batch] for i in range(0, len(features), self.batch))
        return _grouped(features, self._fits)

    def _fits(self, part: list[Feature]) -> bool:
        return len(part) <= self.batch if self.tokens is None else padded(part) <= self.tokens


def _grouped(features: Iterable[Feature], fits: Callable[[list[Feature]], bool]) -> Iterator[list[Feature]]:
    """Groups of similar length, longest first, each as large as fits, and of one feature at least."""
    part: list[Feature] = []
    for feature in sorted(features, key=lambda feature: -len(feature["input_ids"])):
        if part and not fits([*part, feature]):
            yield part
            part = []
        part.append(feature)
    yield part


def padded(part: list[Feature]) -> int:
    """Tokens of a micro-batch with padding; a record with choices is a text for each of them."""
    texts = sum(len(feature.get("choices", (feature,))) for feature in part)
    return texts * max(len(feature["input_ids"]) for feature in part)


def labels(feature: Feature) -> int:
    """Over how many labels the loss of a feature is a mean; in dual training each query counts as one."""
    return int(np.sum(np.asarray(feature["labels"]) != IGNORED)) if "labels" in feature else 1


def _backward(loss: torch.Tensor) -> torch.Tensor:
    loss.backward()
    return loss.detach()
