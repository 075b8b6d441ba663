"""What a model under its head gives for one batch, and the loss: cross-entropy for every family."""

from __future__ import annotations

from typing import Any

import torch

from xlt.models.features import IGNORED

GOLD = ("labels", "places", "start_positions", "end_positions")  # what of a batch is to be predicted, and where


def forward(model: torch.nn.Module, batch: dict[str, torch.Tensor]) -> Any:
    """The outputs for one batch without labels, of any family; for choices `logits` (B, most choices)."""
    if "sizes" in batch:
        return {"logits": choice_logits(model, dict(batch))}
    return model(**batch)


def choice_logits(model: torch.nn.Module, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    """Scores (B, most choices) of a flat batch of choices; where a row has fewer choices, minus infinity."""
    sizes = batch.pop("sizes").tolist()
    flat = model(**batch).logits[:, 0]
    return torch.nn.utils.rnn.pad_sequence(flat.split(sizes), batch_first=True, padding_value=float("-inf"))


def cross_entropy(model: torch.nn.Module, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    """Mean cross-entropy over the labels of one batch, of any family that has a head.

    For spans it is the mean of start and end, each a choice among the tokens of its window without padding.
    """
    outputs = forward(model, {name: value for name, value in batch.items() if name not in GOLD})
    if "start_positions" not in batch:
        return mean_loss(outputs["logits"], batch["labels"])
    padding = ~batch["attention_mask"].bool()
    start, end = (
        mean_loss(outputs[f"{side}_logits"].masked_fill(padding, float("-inf")), batch[f"{side}_positions"])
        for side in ("start", "end")
    )
    return (start + end) / 2


def mean_loss(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Cross-entropy of logits (..., classes) against labels (...), mean over the labels not ignored; 0 without any."""
    logits, labels = logits.float().flatten(0, -2), labels.flatten()
    total = torch.nn.functional.cross_entropy(logits, labels, ignore_index=IGNORED, reduction="sum")
    return total / (labels != IGNORED).sum().clamp(min=1)
