"""The losses along a stage, and the end of a stage whose loss is no longer finite."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from xlt.core.errors import UserError
from xlt.spec.stage import Stage


class Curve:
    """The curve of losses, about 50 means along the way, for a figure; and the check that every loss is finite."""

    def __init__(self, stage: Stage, steps: int, state: dict[str, Any]):
        self.stage, self.steps, self.every = stage, steps, max(1, steps // 50)
        self.done, self.losses = state["step"], state["losses"]
        self.recent = [torch.tensor(value) for value in state["recent"]]
        self.unchecked: list[tuple[int, torch.Tensor]] = []

    def state(self) -> dict[str, Any]:
        return {"step": self.done, "losses": self.losses, "recent": [float(value) for value in self.recent]}

    def add(self, loss: torch.Tensor, norm: torch.Tensor) -> None:
        """Add the loss of the next update and the norm of its gradient, both before the weights move.

        A GPU works asynchronously: there an update is checked one update later, so that nothing waits for it.

        Raises:
            Diverged: either is not finite.
        """
        self.done += 1
        self.recent.append(torch.where(norm.isfinite(), loss, torch.nan))
        self.unchecked.append((self.done, self.recent[-1]))
        self.check(behind=1 if loss.is_cuda else 0)
        if self.done % self.every == 0 or self.done == self.steps:
            self.check()
            self.losses.append(round(float(np.mean([float(value) for value in self.recent])), 4))
            self.recent.clear()

    def check(self, behind: int = 0) -> None:
        """Raise Diverged where the loss of an update is not finite; the last `behind` updates are left for later."""
        while len(self.unchecked) > behind:
            step, loss = self.unchecked.pop(0)
            if not math.isfinite(loss):
                raise Diverged(self.stage, step)


class Diverged(UserError):
    def __init__(self, stage: Stage, step: int):
        mend = f"lower lr ({stage.lr})" if step > 1 else "before any update: look at the encoder's weights"
        super().__init__(f"{stage.task}: the loss is no longer finite at step {step}; {mend}")
