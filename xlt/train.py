"""One stage of training: AdamW, linear warm-up and decay, clipping; the same loop for every task.

The last checkpoint is kept. Checkpoint selection on English dev scores is known to select badly
for other languages (Keung et al. 2020), so nothing here looks at development data.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from xlt import encode, model, tasks
from xlt.device import autocast, compute
from xlt.errors import UserError
from xlt.recipe import Recipe, Stage

if TYPE_CHECKING:
    from xlt.store import Store

Batch = dict[str, torch.Tensor]


def train_stage(store: Store, recipe: Recipe, folder: Path, checkpoint_minutes: float) -> dict[str, Any]:
    """Train the last stage of `recipe`, write encoder and head to `folder`, return what it cost.

    An interrupted stage goes on from its last checkpoint, which lies beside the runs.
    """
    stage = recipe.stages[-1]
    task, tokenizer = tasks.get(stage.task), model.tokenizer_of(store, recipe)
    learner = model.prepare(store, recipe).to(compute().device)
    features = _features(store, stage, tokenizer)
    steps = stage.steps or max(1, math.ceil(_count(features) * stage.epochs / (stage.batch * stage.accumulate)))
    rows = _mlm_batches(features, stage, tokenizer) if task.family == tasks.MLM else _epochs(features, stage)
    restart = model.restart_at(learner.config, tokenizer)
    stream = (encode.collate(batch, tokenizer.pad_token_id, compute().device, restart) for batch in rows)
    loss = _mlm_loss if task.family == tasks.MLM else _head_loss
    checkpoint = Checkpoint(store.root / f".checkpoint-{store.id(recipe)}.pt", checkpoint_minutes)
    losses = _loop(learner, stream, loss, stage, steps, checkpoint)
    model.save(learner, folder, task.training, store.source.labels(task))
    checkpoint.path.unlink(missing_ok=True)
    return {"steps": steps, "examples": _count(features), "losses": losses, **model.sizes(learner)}


class Checkpoint:
    """Weights, optimiser and position of a stage on its way, written every so many minutes."""

    def __init__(self, path: Path, minutes: float):
        self.path, self.seconds, self.last = path, 60 * minutes, time.monotonic()

    def restore(self, learner: torch.nn.Module, optimiser: Any, schedule: Any) -> dict[str, Any]:
        if not self.path.is_file():
            return {"step": 0, "losses": []}
        state = torch.load(self.path, map_location=compute().device, weights_only=True)
        learner.load_state_dict(state["model"], strict=False)
        optimiser.load_state_dict(state["optimiser"])
        schedule.load_state_dict(state["schedule"])
        torch.set_rng_state(state["rng"].cpu())
        return state

    def keep(self, learner: torch.nn.Module, optimiser: Any, schedule: Any, step: int, losses: list) -> None:
        if time.monotonic() - self.last < self.seconds:
            return
        trainable = {name: p.detach() for name, p in learner.named_parameters() if p.requires_grad}
        state = {"model": trainable, "optimiser": optimiser.state_dict(), "schedule": schedule.state_dict()}
        temporary = self.path.with_suffix(".tmp")
        torch.save(state | {"rng": torch.get_rng_state(), "step": step, "losses": losses}, temporary)
        temporary.replace(self.path)
        self.last = time.monotonic()


def _loop(
    learner: torch.nn.Module,
    stream: Iterator[Batch],
    loss_of: Callable,
    stage: Stage,
    steps: int,
    checkpoint: Checkpoint,
) -> list[float]:
    """`steps` updates; returns about 50 mean losses along the way, for a curve.

    Raises:
        UserError: the loss is no longer a number.
    """
    torch.manual_seed(stage.seed or 0)
    optimiser = torch.optim.AdamW(_groups(learner, stage.weight_decay), lr=stage.lr, betas=(0.9, stage.beta2), eps=1e-8)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _linear(step, steps, stage.warmup))
    state = checkpoint.restore(learner, optimiser, schedule)
    losses, recent, every = state["losses"], [], max(1, steps // 50)
    learner.train()
    for step in range(steps):
        parts = [next(stream) for _ in range(stage.accumulate)]
        if step < state["step"]:  # already done before an interruption: only the data move on
            continue
        recent.append(sum(_backward(loss_of(learner, part) / stage.accumulate) for part in parts))
        torch.nn.utils.clip_grad_norm_((p for p in learner.parameters() if p.requires_grad), stage.clip)
        optimiser.step()
        schedule.step()
        optimiser.zero_grad(set_to_none=True)
        if (step + 1) % every == 0 or step + 1 == steps:
            losses.append(round(float(np.mean([float(value) for value in recent])), 4))
            recent.clear()
            if not math.isfinite(losses[-1]):
                raise UserError(f"{stage.task}: the loss is no longer finite at step {step + 1}; lower lr ({stage.lr})")
        checkpoint.keep(learner, optimiser, schedule, step + 1, losses)
    return losses


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


def _head_loss(learner: torch.nn.Module, batch: Batch) -> torch.Tensor:
    if "sizes" in batch:
        labels = batch.pop("labels")
        return torch.nn.functional.cross_entropy(model.choice_logits(learner, batch), labels)
    with autocast():
        return learner(**batch).loss.float()


# features and batches -------------------------------------------------------------------------


def _features(store: Store, stage: Stage, tokenizer: Any) -> Any:
    """Training features: one list, or for masked language modelling one list for each language (rows aligned)."""
    task = tasks.get(stage.task).training
    per_language = {}
    for code in stage.languages:
        seed = 0 if task.family == tasks.MLM else stage.seed or 0
        rows = store.source.load(task, code, "train", stage.examples, seed)
        per_language[code] = encode.encode(task.family, rows, tokenizer, stage.max_length, stage.stride)
    if task.family == tasks.MLM:
        return list(per_language.values())
    return [feature for features in per_language.values() for feature in features]


def _count(features: Any) -> int:
    return sum(map(len, features)) if isinstance(features[0], list) else len(features)


def _epochs(features: list, stage: Stage) -> Iterator[list]:
    rng = np.random.default_rng(stage.seed or 0)
    while True:
        for indices in encode.batches(features, stage.batch, rng):
            yield [features[i] for i in indices]


# masked and translation language modelling ----------------------------------------------------


def _mlm_batches(languages: list[list], stage: Stage, tokenizer: Any) -> Iterator[list]:
    """Rows drawn at random; a share `pairs` of them are a row and its translation.

    Examples are drawn 50 batches at a time and grouped by length.
    """
    rng = np.random.default_rng(stage.seed or 0)
    while True:
        drawn = [_mlm_example(languages, stage, tokenizer, rng) for _ in range(50 * stage.batch)]
        for indices in encode.batches(drawn, stage.batch, rng):
            yield [drawn[i] for i in indices]


def _mlm_example(languages: list[list], stage: Stage, tokenizer: Any, rng: np.random.Generator) -> encode.Feature:
    bos, eos = tokenizer.cls_token_id, tokenizer.sep_token_id
    both = [stage.mask, stage.mask if stage.mask_other is None else stage.mask_other]
    if len(languages) == 1 or rng.random() >= stage.pairs:
        features = languages[rng.integers(len(languages))]
        parts, shares = [[bos, *features[rng.integers(len(features))]["input_ids"], eos]], [float(np.mean(both))]
    else:
        first, second = _two_languages(stage, rng)
        row = rng.integers(min(len(languages[first]), len(languages[second])))
        parts = [[bos, *languages[first][row]["input_ids"], eos], [eos, *languages[second][row]["input_ids"], eos]]
        shares = list(rng.permutation(both))
    return _masked(sum(parts, []), np.repeat(shares, [len(part) for part in parts]), tokenizer, rng)


def _two_languages(stage: Stage, rng: np.random.Generator) -> np.ndarray:
    """Indices of two different languages in random order, one of them the pivot if there is one."""
    if stage.pivot is None:
        return rng.choice(len(stage.languages), 2, replace=False)
    pivot = stage.languages.index(stage.pivot)
    other = rng.choice([i for i in range(len(stage.languages)) if i != pivot])
    return rng.permutation([pivot, other])


def _masked(ids: list[int], shares: np.ndarray, tokenizer: Any, rng: np.random.Generator) -> encode.Feature:
    """A share of the ordinary subwords is to be predicted: 80 % become <mask>, 10 % another one, 10 % stay."""
    before = np.array(ids)
    ordinary = ~np.isin(before, tokenizer.all_special_ids)
    chosen = ordinary & (rng.random(len(before)) < shares)
    if ordinary.any() and not chosen.any():
        chosen[rng.choice(np.flatnonzero(ordinary))] = True
    kind = rng.random(len(before))
    after = np.where(chosen & (kind < 0.8), tokenizer.mask_token_id, before)
    after = np.where(chosen & (kind >= 0.9), rng.integers(len(tokenizer), size=len(before)), after)
    return {"input_ids": after.tolist(), "labels": np.where(chosen, before, encode.IGNORED).tolist()}


def _mlm_loss(learner: torch.nn.Module, batch: Batch) -> torch.Tensor:
    """Cross-entropy at the masked positions only: a tenth of the work of scoring all of them."""
    labels = batch.pop("labels")
    if not hasattr(learner, "lm_head"):  # not of the RoBERTa family
        return _head_loss(learner, {**batch, "labels": labels})
    with autocast():
        hidden = learner.base_model(**batch)[0]
        chosen = labels != encode.IGNORED
        logits = learner.lm_head(hidden[chosen])
    return torch.nn.functional.cross_entropy(logits.float(), labels[chosen])
