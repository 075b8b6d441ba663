"""Points near a text in embedding space: word embeddings move within an L2 ball (xlt.spec.perturbations.Ball)."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch

from xlt.spec.perturbations import Ball

Batch = dict[str, torch.Tensor]
Loss = Callable[[Any, Batch], torch.Tensor]


@contextmanager
def within(model: Any, batch: Batch, around: Ball | None, specials: Sequence[int], loss: Loss) -> Iterator[None]:
    """Inside of it `model` reads the batch at a fixed point of the ball; without a ball, or of radius 0, as it is."""
    if around is None or around.radius == 0:
        yield
        return
    shift = find(model, batch, around, specials, loss, fixed=True)
    with shifted(model, shift):
        yield


def find(
    model: Any, batch: Batch, around: Ball, specials: Sequence[int], loss: Loss, fixed: bool = False
) -> torch.Tensor:
    """A shift (N, T, width) of the word embeddings, at most `radius` long in each subword, zero where none may move.

    `loss(model, batch)` is what fgsm and pgd increase; the model's gradients and its mode (dropout) stay as they were.
    With `fixed` the random points are decided by the ball's seed and each text's own subwords, whatever batch it is in
    (for evaluation); without, by torch's own random stream, anew each time (for training).
    """
    table = model.get_input_embeddings().weight
    free = batch["attention_mask"].bool()
    for special in specials:  # numbers and no tensor of them: to copy one to a GPU, the processor would wait for it
        free = free & (batch["input_ids"] != special)
    free = free.unsqueeze(-1)
    shape = (*batch["input_ids"].shape, table.shape[1])
    if around.search == "fgsm":
        return around.radius * _ascent(model, batch, torch.zeros(shape, device=table.device), loss) * free
    points = _uniform_fixed(batch, shape, around.seed) if fixed else _uniform(shape, table.device)
    shift = around.radius * points * free
    if around.search == "random":
        return shift
    for _ in range(around.steps):
        shift = shift + 2.5 * around.radius / around.steps * _ascent(model, batch, shift, loss) * free
        shift = shift * (around.radius / shift.norm(dim=-1, keepdim=True).clamp(min=around.radius))
    return shift


def _ascent(model: Any, batch: Batch, shift: torch.Tensor, loss: Loss) -> torch.Tensor:
    """The direction, of length 1 in each subword, in which the loss grows fastest at `shift`; 0 where it is flat."""
    shift = shift.detach().requires_grad_(True)
    with torch.enable_grad(), shifted(model, shift):
        gradient = torch.autograd.grad(loss(model, dict(batch)), shift)[0]
    return torch.nn.functional.normalize(gradient.float(), dim=-1, eps=1e-30)


def _uniform(shape: Sequence[int], device: torch.device) -> torch.Tensor:
    """Points (N, T, width) uniform in the unit ball: a normal direction, at u^(1/width) from the centre."""
    return _scaled(torch.randn(shape, device=device), torch.rand((*shape[:-1], 1), device=device))


def _uniform_fixed(batch: Batch, shape: Sequence[int], seed: int) -> torch.Tensor:
    """The same, drawn by `seed` and each text's own subwords; on the CPU, so that they are the same everywhere."""
    points = torch.zeros(tuple(shape))
    for row, text, real in zip(points, batch["input_ids"].cpu(), batch["attention_mask"].bool().cpu(), strict=True):
        rng = torch.Generator().manual_seed(zlib.crc32(f"{seed} {text[real].tolist()}".encode()))
        drawn = torch.randn((int(real.sum()), shape[-1] + 1), generator=rng)
        row[real] = _scaled(drawn[:, 1:], torch.special.ndtr(drawn[:, :1]))
    return points.to(batch["input_ids"].device)


def _scaled(direction: torch.Tensor, share: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.normalize(direction, dim=-1) * share ** (1 / direction.shape[-1])


@contextmanager
def shifted(model: Any, shift: torch.Tensor) -> Iterator[None]:
    """Inside of it `shift` is added to what the embedding table gives, before positions and LayerNorm."""
    table = model.get_input_embeddings()
    hook = table.register_forward_hook(lambda _, __, embedded: embedded + shift.to(embedded.dtype))
    try:
        yield
    finally:
        hook.remove()
