"""One stage of training: AdamW, linear warm-up and decay, clipping; the same loop for every task and mixture."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from xlt.core.device import compute
from xlt.core.errors import UserError
from xlt.models import batching, dual, mlm, model, robust
from xlt.models.encoder import restart_at, tokenizer_of
from xlt.models.loss import count_labels, cross_entropy
from xlt.models.mixture import Mixture
from xlt.models.selection import Choice, Evaluate
from xlt.spec import tasks
from xlt.spec.recipe import Recipe
from xlt.spec.stage import Stage

if TYPE_CHECKING:
    from xlt.data.store import Store

Batch = dict[str, torch.Tensor]


def train_stage(
    store: Store, recipe: Recipe, folder: Path, checkpoint_minutes: float, evaluate: Evaluate
) -> dict[str, Any]:
    """Train the last stage of `recipe`, write encoder and heads to `folder`, return what it cost.

    An interrupted stage goes on from its last checkpoint, which lies beside the runs.
    """
    stage, tokenizer = recipe.stages[-1], tokenizer_of(store, recipe)
    learner = model.prepare(store, recipe).to(compute().device)
    if compute().device == "cpu":  # fused attention is slower there in training: 1.4 times at 200 subwords
        learner.encoder.set_attn_implementation("eager")
    mixture = Mixture(store, stage, tokenizer)
    choice = Choice(store, recipe, learner, mixture.steps, evaluate)
    checkpoint = Checkpoint(store.root / f".checkpoint-{store.id(recipe)}.pt", checkpoint_minutes)
    updates, loss = _updates(mixture, learner, tokenizer), robust.objective(stage, tokenizer, _loss)
    try:
        steps, losses = _loop(learner, updates, stage, mixture.steps, checkpoint, choice, loss)
        chosen = choice.apply()
        if not _finite(_trained(learner)):
            raise Diverged(stage, steps + 1)
    except Diverged:
        checkpoint.path.unlink(missing_ok=True)  # it would diverge again
        raise
    labels = {name: store.source.labels(tasks.get(name)) for name in learner.tasks}
    model.save(learner, folder, labels)
    checkpoint.path.unlink(missing_ok=True)
    cost = {"steps": steps, "examples": sum(mixture.records), "updates": mixture.updates(steps), "losses": losses}
    return {**cost, **mixture.lost, **chosen, **model.sizes(learner)}


def _updates(mixture: Mixture, learner: model.Learner, tokenizer: Any) -> Iterator[tuple[str, list[Batch]]]:
    """For each update, the task whose turn it is and its batches as tensors."""
    restart = restart_at(learner.encoder.config, tokenizer)
    for task, batches in mixture:
        yield task, [batching.collate(rows, tokenizer.pad_token_id, compute().device, restart) for rows in batches]


class Checkpoint:
    """Weights, optimiser, random state and position of a stage on its way, written every so many minutes."""

    def __init__(self, path: Path, minutes: float):
        self.path, self.seconds, self.last = path, 60 * minutes, time.monotonic()

    def restore(self, learner: torch.nn.Module, optimiser: Any, schedule: Any, choice: Choice) -> dict[str, Any]:
        state: dict[str, Any] = {"step": 0, "losses": [], "recent": []}
        if not self.path.is_file():
            return state
        kept = torch.load(self.path, map_location=compute().device, weights_only=True)
        if not _finite(kept["model"]):
            return state
        state |= kept
        learner.load_state_dict(state["model"], strict=False)
        optimiser.load_state_dict(state["optimiser"])
        schedule.load_state_dict(state["schedule"])
        choice.restore(state["choice"])
        torch.set_rng_state(state["rng"].cpu())
        if "cuda" in state and compute().device == "cuda":
            torch.cuda.set_rng_state(state["cuda"].cpu())
        return state

    @property
    def due(self) -> bool:
        return time.monotonic() - self.last >= self.seconds

    def keep(self, learner: torch.nn.Module, optimiser: Any, schedule: Any, choice: Choice, curve: Curve) -> None:
        """Write all of it, unless the last update left weights that are no numbers: the next loss will say so."""
        if not _finite(_trained(learner)):
            return
        state = {"model": _trained(learner), "optimiser": optimiser.state_dict(), "schedule": schedule.state_dict()}
        state |= {"choice": choice.state(), "rng": torch.get_rng_state(), **curve.state()}
        state |= {"cuda": torch.cuda.get_rng_state()} if compute().device == "cuda" else {}
        temporary = self.path.with_suffix(".tmp")
        try:
            with temporary.open("wb") as file:  # given a path, torch.save would not say that the disk is full
                torch.save(state, file)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
        temporary.replace(self.path)
        self.last = time.monotonic()


class Curve:
    """About 50 mean losses along the way, for a figure; and the watch that every loss is a number."""

    def __init__(self, stage: Stage, steps: int, state: dict[str, Any]):
        self.stage, self.steps, self.every = stage, steps, max(1, steps // 50)
        self.done, self.losses = state["step"], state["losses"]
        self.recent = [torch.tensor(value) for value in state["recent"]]
        self.unseen: list[tuple[int, torch.Tensor]] = []

    def state(self) -> dict[str, Any]:
        return {"step": self.done, "losses": self.losses, "recent": [float(value) for value in self.recent]}

    def add(self, loss: torch.Tensor, norm: torch.Tensor) -> None:
        """The loss of the next update and the norm of its gradient, both before the weights move.

        A GPU runs behind: there an update is looked at one update later, so that nothing waits for it.

        Raises:
            Diverged: either is not a number.
        """
        self.done += 1
        self.recent.append(torch.where(norm.isfinite(), loss, torch.nan))
        self.unseen.append((self.done, self.recent[-1]))
        self.look(behind=1 if loss.is_cuda else 0)
        if self.done % self.every == 0 or self.done == self.steps:
            self.look()
            self.losses.append(round(float(np.mean([float(value) for value in self.recent])), 4))
            self.recent.clear()

    def look(self, behind: int = 0) -> None:
        """Raises Diverged where the loss of an update is not finite; the last `behind` are not looked at yet."""
        while len(self.unseen) > behind:
            step, loss = self.unseen.pop(0)
            if not math.isfinite(loss):
                raise Diverged(self.stage, step)


class Diverged(UserError):
    def __init__(self, stage: Stage, step: int):
        mend = f"lower lr ({stage.lr})" if step > 1 else "before any update: look at the encoder's weights"
        super().__init__(f"{stage.task}: the loss is no longer finite at step {step}; {mend}")


def _finite(tensors: dict[str, torch.Tensor]) -> bool:
    return all(bool(value.isfinite().all()) for value in tensors.values())


def _trained(learner: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: p.detach() for name, p in learner.named_parameters() if p.requires_grad}


def _loop(
    learner: model.Learner,
    updates: Iterator[tuple[str, list[Batch]]],
    stage: Stage,
    steps: int,
    checkpoint: Checkpoint,
    choice: Choice,
    loss: robust.Loss | None = None,
) -> tuple[int, list[float]]:
    """At most `steps` updates; their number, and about 50 mean losses along the way, for a curve.

    Raises:
        Diverged: the loss is no longer a number.
    """
    loss = loss or _loss
    torch.manual_seed(stage.seed or 0)
    optimiser = torch.optim.AdamW(
        _groups(learner, stage.weight_decay), lr=stage.lr, betas=(0.9, stage.beta2), fused=True
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _linear(step, steps, stage.warmup))
    state = checkpoint.restore(learner, optimiser, schedule, choice)
    curve = Curve(stage, steps, state)
    learner.train()
    for step, (task, batches) in zip(range(steps), updates, strict=False):
        if step < state["step"]:  # already done before an interruption: only the data move on
            continue
        if choice.exhausted:
            break
        mean = _gradients(loss, learner[task], batches)
        norm = torch.nn.utils.clip_grad_norm_((p for p in learner.parameters() if p.requires_grad), stage.clip)
        curve.add(mean, norm)
        optimiser.step()
        schedule.step()
        optimiser.zero_grad(set_to_none=True)
        choice.check(curve.done)
        if checkpoint.due:
            curve.look()
            checkpoint.keep(learner, optimiser, schedule, choice, curve)
    curve.look()
    return curve.done, curve.losses


def _gradients(loss: robust.Loss, learner: torch.nn.Module, batches: list[Batch]) -> torch.Tensor:
    """Gradients of the mean loss over all labels of an update, whatever batch they are in; that mean."""
    counts = [count_labels(batch) for batch in batches]
    every = sum(counts).clamp(min=1)
    return sum(_backward(loss(learner, batch) * (n / every)) for batch, n in zip(batches, counts, strict=True))


def _backward(loss: torch.Tensor) -> torch.Tensor:
    loss.backward()
    return loss.detach()


def _linear(step: int, steps: int, warmup: float) -> float:
    first = warmup * steps
    return (step + 1) / (first + 1) if step < first else max(0.0, (steps - step) / max(1.0, steps - first))


def _groups(learner: torch.nn.Module, decay: float) -> list[dict]:
    """No weight decay on biases and LayerNorm (Devlin et al. 2019)."""
    trained = [p for p in learner.parameters() if p.requires_grad]
    flat = [p for p in trained if p.ndim < 2]
    return [
        {"params": [p for p in trained if p.ndim >= 2], "weight_decay": decay},
        {"params": flat, "weight_decay": 0.0},
    ]


def _loss(learner: torch.nn.Module, batch: Batch) -> torch.Tensor:
    """Cross-entropy of one batch under the head of its task."""
    if "query" in batch:
        return dual.loss(learner, batch)
    if hasattr(learner, "lm_head"):  # of the RoBERTa family
        return mlm.loss(learner, batch)
    return cross_entropy(learner, batch)
