"""The loss that a stage lowers: that of its records, or that at a point of a ball around their word embeddings.

`xlt.models.robust` says which forms of robust training the balls are.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

import torch

from xlt.core.device import own_draws
from xlt.models import adversarial
from xlt.spec.stage import Stage

Loss = Callable[[Any, dict], torch.Tensor]
MEASURED = 10  # one update in so many also computes the loss on the clean records: some 1 % of the work of ADV


class Objective:
    """`objective(model, batch)`: the loss, or with a ball the loss at a point of it.

    What the search for that point draws is a stream of its own, decided by the stage's seed, the update and its part.
    So dropout draws what it draws without a ball, and arms with and without one are pairs.
    """

    def __init__(self, stage: Stage, tokenizer: Any, loss: Loss):
        self.stage, self.loss, self.specials = stage, loss, tokenizer.all_special_ids
        self.ball = stage.ball if stage.ball and stage.ball.radius else None
        self._update, self._part = 0, 0
        self._measured: list[tuple[torch.Tensor, torch.Tensor]] = []

    def begin(self, update: int) -> None:
        """What follows is of the update of this number."""
        self._update, self._part = update, 0

    def __call__(self, model: Any, batch: dict) -> torch.Tensor:
        if self.ball is None:
            return self.loss(model, batch)
        measure = self._update % MEASURED == 0 and self._part == 0
        with own_draws(zlib.crc32(f"{self.stage.seed or 0} {self._update} {self._part}".encode())):
            shift = adversarial.find(model, batch, self.ball, self.specials, self.loss)
        self._part += 1
        clean = None
        if measure:  # with the draws of dropout that the loss below has
            with torch.no_grad(), own_draws():
                clean = self.loss(model, dict(batch))
        with adversarial.shifted(model, shift):
            nearby = self.loss(model, dict(batch))
        if clean is not None:
            self._measured.append((clean, nearby.detach()))
        return nearby

    @property
    def record(self) -> dict[str, dict[str, float]]:
        """What the ball did, for the run's record: the mean loss on clean records and at the points in the ball, over
        one in `MEASURED` updates (of a run that was interrupted, since it went on)."""
        if not self._measured:
            return {}
        clean, nearby = torch.tensor(self._measured).mean(dim=0).tolist()
        return {"ball": {"clean_loss": round(clean, 5), "loss": round(nearby, 5)}}
