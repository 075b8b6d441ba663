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
from xlt.models import batching, dual, mlm, model, robust, vocabulary_cut
from xlt.models.encoder import restart_at, tokenizer_of
from xlt.models.loss import count_labels, cross_entropy
from xlt.models.mixture import Mixture
from xlt.models.selection import CheckpointSelector, Evaluate
from xlt.spec import tasks
from xlt.spec.recipe import Recipe
from xlt.spec.stage import Stage

if TYPE_CHECKING:
    from xlt.data.store import Store

Batch = dict[str, torch.Tensor]


def train_stage(
    store: Store, recipe: Recipe, folder: Path, checkpoint_minutes: float, evaluate: Evaluate
) -> dict[str, Any]:
    """Train the last stage of `recipe`, write encoder and heads to `folder`, and return the cost for the run's record.

    An interrupted stage goes on from its last checkpoint, a file beside the runs.
    """
    stage, tokenizer = recipe.stages[-1], tokenizer_of(store, recipe)
    mixture, learner = Mixture(store, stage, tokenizer), model.prepare(store, recipe)
    vocabulary_cut.cut(learner.encoder, mixture.features, tokenizer)
    learner.to(compute().device)
    if compute().device == "cpu":  # fused attention is slower there in training: 1.4 times at 200 subwords
        learner.encoder.set_attn_implementation("eager")
    selector = CheckpointSelector(store, recipe, learner, mixture.steps, evaluate)
    resume = ResumeState(store.root / f".checkpoint-{store.id(recipe)}.pt", checkpoint_minutes)
    updates, loss = _updates(mixture, learner, tokenizer), robust.objective(stage, tokenizer, _loss)
    try:
        steps, losses = _loop(learner, updates, stage, mixture.steps, resume, selector, loss)
        selected = selector.apply()
        if not _finite(_trained(learner)):
            raise Diverged(stage, steps + 1)
    except Diverged:
        resume.path.unlink(missing_ok=True)  # going on from there would diverge again
        raise
    vocabulary_cut.restore(learner.encoder)
    labels = {name: store.source.labels(tasks.get(name)) for name in learner.tasks}
    model.save(learner, folder, labels)
    resume.path.unlink(missing_ok=True)
    cost = {"steps": steps, "examples": sum(mixture.records), "updates": mixture.updates(steps), "losses": losses}
    return {**cost, **mixture.lost, **selected, **model.sizes(learner)}


def _updates(mixture: Mixture, learner: model.Learner, tokenizer: Any) -> Iterator[tuple[str, list[Batch]]]:
    """For each update, the task whose turn it is and its batches as tensors."""
    restart = restart_at(learner.encoder.config, tokenizer)
    for task, batches in mixture:
        yield task, [batching.collate(rows, tokenizer.pad_token_id, compute().device, restart) for rows in batches]


class ResumeState:
    """What an interrupted stage needs to go on: weights, optimiser, random state and position.

    It is written to the file `path` every so many `minutes`.
    """

    def __init__(self, path: Path, minutes: float):
        self.path, self.seconds, self.last = path, 60 * minutes, time.monotonic()

    def restore(
        self, learner: torch.nn.Module, optimiser: Any, schedule: Any, selector: CheckpointSelector
    ) -> dict[str, Any]:
        state: dict[str, Any] = {"step": 0, "losses": [], "recent": []}
        if not self.path.is_file():
            return state
        kept = torch.load(self.path, map_location=compute().device, weights_only=True)
        if not _finite(kept["model"]) or not _fits(kept["model"], learner):
            return state
        state |= kept
        learner.load_state_dict(state["model"], strict=False)
        optimiser.load_state_dict(state["optimiser"])
        schedule.load_state_dict(state["schedule"])
        selector.restore(state["choice"])
        torch.set_rng_state(state["rng"].cpu())
        if "cuda" in state and compute().device == "cuda":
            torch.cuda.set_rng_state(state["cuda"].cpu())
        return state

    @property
    def due(self) -> bool:
        return time.monotonic() - self.last >= self.seconds

    def keep(
        self, learner: torch.nn.Module, optimiser: Any, schedule: Any, selector: CheckpointSelector, curve: Curve
    ) -> None:
        """Write the file, unless the last update left weights that are not finite: the next loss will report that."""
        if not _finite(_trained(learner)):
            return
        state = {"model": _trained(learner), "optimiser": optimiser.state_dict(), "schedule": schedule.state_dict()}
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


def _finite(tensors: dict[str, torch.Tensor]) -> bool:
    return all(bool(value.isfinite().all()) for value in tensors.values())


def _trained(learner: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: p.detach() for name, p in learner.named_parameters() if p.requires_grad}


def _fits(kept: dict[str, torch.Tensor], learner: torch.nn.Module) -> bool:
    """Whether the kept weights have the shapes of those in training: an earlier version kept all embeddings."""
    return {name: value.shape for name, value in kept.items()} == {n: p.shape for n, p in _trained(learner).items()}


def _loop(
    learner: model.Learner,
    updates: Iterator[tuple[str, list[Batch]]],
    stage: Stage,
    steps: int,
    resume: ResumeState,
    selector: CheckpointSelector,
    loss: robust.Loss | None = None,
) -> tuple[int, list[float]]:
    """Make at most `steps` updates; give their number, and about 50 mean losses along the way.

    Raises:
        Diverged: the loss is no longer finite.
    """
    loss = loss or _loss
    torch.manual_seed(stage.seed or 0)
    optimiser = torch.optim.AdamW(
        _groups(learner, stage.weight_decay), lr=stage.lr, betas=(0.9, stage.beta2), fused=True
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _linear(step, steps, stage.warmup))
    state = resume.restore(learner, optimiser, schedule, selector)
    curve = Curve(stage, steps, state)
    learner.train()
    for step, (task, batches) in zip(range(steps), updates, strict=False):
        if step < state["step"]:  # done before an interruption: its batch is read, so that the data go on behind it
            continue
        if selector.exhausted:
            break
        mean = _gradients(loss, learner[task], batches)
        norm = torch.nn.utils.clip_grad_norm_((p for p in learner.parameters() if p.requires_grad), stage.clip)
        curve.add(mean, norm)
        optimiser.step()
        schedule.step()
        optimiser.zero_grad(set_to_none=True)
        selector.check(curve.done)
        if resume.due:
            curve.check()
            resume.keep(learner, optimiser, schedule, selector, curve)
    curve.check()
    return curve.done, curve.losses


def _gradients(loss: robust.Loss, learner: torch.nn.Module, batches: list[Batch]) -> torch.Tensor:
    """Compute the gradients of the mean loss over all labels of an update; give that mean.

    Every label weighs the same, whatever batch it is in: the loss of each batch counts by its number of labels.
    """
    counts = [count_labels(batch) for batch in batches]
    total = sum(counts).clamp(min=1)
    return sum(_backward(loss(learner, batch) * (n / total)) for batch, n in zip(batches, counts, strict=True))


def _backward(loss: torch.Tensor) -> torch.Tensor:
    loss.backward()
    return loss.detach()


def _linear(step: int, steps: int, warmup: float) -> float:
    """The factor of the learning rate: rising over the share `warmup` of the steps, then falling to 0."""
    rising = warmup * steps
    return (step + 1) / (rising + 1) if step < rising else max(0.0, (steps - step) / max(1.0, steps - rising))


def _groups(learner: torch.nn.Module, decay: float) -> list[dict]:
    """Trained parameters, with no weight decay on biases and LayerNorm, the vectors (Devlin et al. 2019)."""
    trained = [p for p in learner.parameters() if p.requires_grad]
    return [
        {"params": [p for p in trained if p.ndim >= 2], "weight_decay": decay},
        {"params": [p for p in trained if p.ndim < 2], "weight_decay": 0.0},
    ]


def _loss(learner: torch.nn.Module, batch: Batch) -> torch.Tensor:
    """Cross-entropy of one batch under the head of its task."""
    if "query" in batch:
        return dual.loss(learner, batch)
    if hasattr(learner, "lm_head"):  # of the RoBERTa family
        return mlm.loss(learner, batch)
    return cross_entropy(learner, batch)
