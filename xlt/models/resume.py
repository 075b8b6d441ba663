"""What an interrupted stage goes on from: a file beside the runs, replaced every so many minutes."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from xlt.core.device import compute

if TYPE_CHECKING:
    from xlt.models.curve import Curve
    from xlt.models.selection import CheckpointSelector


class ResumeState:
    """What an interrupted stage needs to go on: weights, optimiser, random state and position.

    It is written to the file `path` every so many `minutes`.
    """

    def __init__(self, path: Path, minutes: float):
        self.path, self.seconds, self.last = path, 60 * minutes, time.monotonic()

    def restore(
        self, learner: torch.nn.Module, optimiser: Any, schedule: Any, selector: CheckpointSelector
    ) -> dict[str, Any]:
        """Put all back as it was kept, and give the position alone, so that the rest does not stay in memory.

        The file is read into the machine's own memory: on a GPU it would take the room of weights and moments again.
        """
        begun: dict[str, Any] = {"step": 0, "losses": [], "recent": []}
        if not self.path.is_file():
            return begun
        kept = torch.load(self.path, map_location="cpu", weights_only=True)
        if not finite(kept["model"]) or not _fits(kept["model"], learner):
            return begun
        learner.load_state_dict(kept["model"], strict=False)
        optimiser.load_state_dict(kept["optimiser"])
        schedule.load_state_dict(kept["schedule"])
        selector.restore(kept["choice"])
        torch.set_rng_state(kept["rng"])
        if "cuda" in kept and compute().device == "cuda":
            torch.cuda.set_rng_state(kept["cuda"])
        return {name: kept[name] for name in begun}

    @property
    def due(self) -> bool:
        return time.monotonic() - self.last >= self.seconds

    def keep(
        self, learner: torch.nn.Module, optimiser: Any, schedule: Any, selector: CheckpointSelector, curve: Curve
    ) -> None:
        """Write the file, unless the last update left weights that are not finite: the next loss will report that."""
        if not finite(trained(learner)):
            return
        state = {"model": trained(learner), "optimiser": optimiser.state_dict(), "schedule": schedule.state_dict()}
        # "choice" is the name of the selector in files that earlier versions wrote.
        state |= {"choice": selector.state(), "rng": torch.get_rng_state(), **curve.state()}
        state |= {"cuda": torch.cuda.get_rng_state()} if compute().device == "cuda" else {}
        temporary = self.path.with_suffix(".tmp")
        try:
            with temporary.open("wb") as file:  # given a path, torch.save does not raise when the disk is full
                torch.save(state, file)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
        temporary.replace(self.path)
        self.last = time.monotonic()


def trained(learner: torch.nn.Module) -> dict[str, torch.Tensor]:
    """The weights that the stage changes, by name."""
    return {name: weight.detach() for name, weight in learner.named_parameters() if weight.requires_grad}


def finite(tensors: dict[str, torch.Tensor]) -> bool:
    return all(bool(value.isfinite().all()) for value in tensors.values())


def _fits(kept: dict[str, torch.Tensor], learner: torch.nn.Module) -> bool:
    """Whether the kept weights have the shapes of those in training: an earlier version kept all embeddings."""
    here = trained(learner)
    return {name: value.shape for name, value in kept.items()} == {name: value.shape for name, value in here.items()}
