"""One stage of training: AdamW, linear warm-up and decay, clipping; the same loop for every task and mixture."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from xlt.core.device import compute
from xlt.core.memory import give_back
from xlt.models import batching, dual, mlm, model, vocabulary_cut
from xlt.models.batching import Batch
from xlt.models.columns import Feature
from xlt.models.curve import Curve, Diverged
from xlt.models.encoder import restart_at, tokenizer_of
from xlt.models.loss import cross_entropy
from xlt.models.mixture import Mixture
from xlt.models.objective import Objective
from xlt.models.resume import ResumeState, finite, trained
from xlt.models.selection import CheckpointSelector, Evaluate
from xlt.models.update import Gradients
from xlt.spec import tasks
from xlt.spec.profile import Resources
from xlt.spec.recipe import Recipe
from xlt.spec.stage import Stage

if TYPE_CHECKING:
    from xlt.data.store import Store


def train_stage(store: Store, recipe: Recipe, folder: Path, resources: Resources, evaluate: Evaluate) -> dict[str, Any]:
    """Train the last stage of `recipe`, write encoder and heads to `folder`, and return the cost for the run's record.

    An interrupted stage goes on from its last checkpoint, a file beside the runs.
    """
    stage, tokenizer = recipe.stages[-1], tokenizer_of(store, recipe)
    mixture, learner = Mixture(store, stage, tokenizer), model.prepare(store, recipe)
    vocabulary_cut.cut(learner.encoder, mixture.features, tokenizer)
    learner.to(compute().device)
    selector = CheckpointSelector(store, recipe, learner, mixture.steps, evaluate, resources.eval_batch)
    resume = ResumeState(store.root / f".checkpoint-{store.id(recipe)}.pt", resources.checkpoint_minutes)
    gradients = _gradients(stage, learner, tokenizer, resources.tokens)
    try:
        steps, losses = _loop(learner, mixture, stage, mixture.steps, resume, selector, gradients)
        selected = selector.apply()
        if not finite(trained(learner)):
            raise Diverged(stage, steps + 1)
    except Diverged:
        resume.path.unlink(missing_ok=True)  # going on from there would diverge again
        raise
    vocabulary_cut.restore(learner.encoder)
    labels = {name: store.source.labels(tasks.get(name)) for name in learner.tasks}
    model.save(learner, folder, labels)
    resume.path.unlink(missing_ok=True)
    cost = {"steps": steps, "examples": sum(mixture.records), "updates": mixture.updates(steps), "losses": losses}
    return {**cost, **mixture.lost, **selected, **gradients.record, **gradients.loss.record, **model.sizes(learner)}


def _gradients(stage: Stage, learner: model.Learner, tokenizer: Any, tokens: int | None = None) -> Gradients:
    restart = restart_at(learner.encoder.config, tokenizer)
    collate = partial(
        batching.collate, pad_id=tokenizer.pad_token_id, device=compute().device, restart_at=restart
    )  # fmt: skip
    return Gradients(stage, Objective(stage, tokenizer, _loss), collate, tokens)


def _loop(
    learner: model.Learner,
    mixture: Iterable[tuple[str, list[Feature]]],
    stage: Stage,
    steps: int,
    resume: ResumeState,
    selector: CheckpointSelector,
    gradients: Gradients,
) -> tuple[int, list[float]]:
    """Make at most `steps` updates; give their number, and about 50 mean losses along the way.

    Raises:
        Diverged: the loss is no longer finite.
    """
    torch.manual_seed(stage.seed or 0)
    parameters = [p for p in learner.parameters() if p.requires_grad]  # once: to look for them takes milliseconds
    optimiser = torch.optim.AdamW(_groups(learner, stage), betas=(0.9, stage.beta2), fused=True)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _linear(step, steps, stage.warmup))
    begun = resume.restore(learner, optimiser, schedule, selector)
    curve = Curve(stage, steps, begun)
    learner.train()
    for step, (task, features) in zip(range(steps), mixture, strict=False):
        if step < begun["step"]:  # made before an interruption: drawn only so that the next ones are those behind it
            continue
        if selector.exhausted:
            break
        gradients.loss.begin(step)
        mean = gradients.of(learner[task], features)
        norm = torch.nn.utils.clip_grad_norm_(parameters, stage.clip)
        curve.add(mean, norm)
        optimiser.step()
        schedule.step()
        optimiser.zero_grad(set_to_none=True)
        give_back()
        selector.check(curve.done)
        if resume.due:
            curve.check()
            resume.keep(learner, optimiser, schedule, selector, curve)
    curve.check()
    return curve.done, curve.losses


def _linear(step: int, steps: int, warmup: float) -> float:
    """The factor of the learning rate: rising over the share `warmup` of the steps, then falling to 0."""
    rising = warmup * steps
    return (step + 1) / (rising + 1) if step < rising else max(0.0, (steps - step) / max(1.0, steps - rising))


def _groups(learner: model.Learner, stage: Stage) -> list[dict]:
    """Trained parameters, those of heads with a learning rate of their own where the stage has one.

    No weight decay on biases and LayerNorm, the vectors (Devlin et al. 2019).
    """
    encoder, groups = set(learner.encoder.parameters()), defaultdict(list)
    for parameter in (p for p in learner.parameters() if p.requires_grad):
        lr = stage.lr if parameter in encoder else stage.head_lr or stage.lr
        groups[lr, stage.weight_decay if parameter.ndim >= 2 else 0.0].append(parameter)
    return [{"params": some, "lr": lr, "weight_decay": decay} for (lr, decay), some in groups.items()]


def _loss(learner: torch.nn.Module, batch: Batch) -> torch.Tensor:
    """Cross-entropy of one batch under the head of its task."""
    if "query" in batch:
        return dual.loss(learner, batch)
    if hasattr(learner, "lm_head"):  # of the RoBERTa family
        return mlm.loss(learner, batch)
    return cross_entropy(learner, batch)
