"""Masked and translation language modelling: examples, masks, batches and the loss."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from xlt.core.device import autocast
from xlt.models import batching
from xlt.models.columns import Feature, Features
from xlt.models.features import IGNORED
from xlt.models.loss import GOLD, mean_loss
from xlt.spec.stage import Stage

Languages = dict[str, Features]  # by language, rows aligned


def batches(languages: Languages, stage: Stage, tokenizer: Any, rng: np.random.Generator) -> Iterator[list]:
    """Batches for one update each: rows drawn at random; a share `stage.pairs` of them are a row and its translation.

    Examples are drawn 50 batches at a time and grouped by length.
    """
    while True:
        drawn = [example(languages, stage, tokenizer, rng) for _ in range(50 * stage.update_batch)]
        for indices in batching.batches(drawn, stage.update_batch, rng):
            yield [drawn[i] for i in indices]


def example(languages: Languages, stage: Stage, tokenizer: Any, rng: np.random.Generator) -> Feature:
    bos, eos, several = tokenizer.cls_token_id, tokenizer.sep_token_id, list(languages.values())
    both = [stage.mask, stage.mask if stage.mask_other is None else stage.mask_other]
    if len(several) == 1 or rng.random() >= stage.pairs:
        features = several[rng.integers(len(several))]
        parts = [_between(bos, features[rng.integers(len(features))], eos)]
        shares = [float(np.mean(both))]
    else:
        first, second = _two_languages(list(languages), stage.pivot, rng)
        row = rng.integers(min(len(several[first]), len(several[second])))
        parts = [_between(bos, several[first][row], eos), _between(eos, several[second][row], eos)]
        shares = list(rng.permutation(both))
    return masked(np.concatenate(parts), np.repeat(shares, [len(part) for part in parts]), tokenizer, rng)


def _between(first: int, feature: Feature, last: int) -> np.ndarray:
    return np.concatenate([[first], feature["input_ids"], [last]])


def _two_languages(codes: list[str], pivot: str | None, rng: np.random.Generator) -> np.ndarray:
    """Indices of two different languages in random order, one of them the pivot if there is one."""
    if pivot is None:
        return rng.choice(len(codes), 2, replace=False)
    place = codes.index(pivot)
    other = rng.choice([i for i in range(len(codes)) if i != place])
    return rng.permutation([place, other])


def masked(before: np.ndarray, shares: np.ndarray, tokenizer: Any, rng: np.random.Generator) -> Feature:
    """A share of the ordinary subwords is to be predicted: 80 % become <mask>, 10 % another one, 10 % stay."""
    ordinary = ~np.isin(before, tokenizer.all_special_ids)
    chosen = ordinary & (rng.random(len(before)) < shares)
    if ordinary.any() and not chosen.any():
        chosen[rng.choice(np.flatnonzero(ordinary))] = True
    kind = rng.random(len(before))
    after = np.where(chosen & (kind < 0.8), tokenizer.mask_token_id, before)
    after = np.where(chosen & (kind >= 0.9), rng.integers(len(tokenizer), size=len(before)), after)
    return {"input_ids": after, "labels": np.where(chosen, before, IGNORED)}


def loss(model: torch.nn.Module, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    """Cross-entropy at the masked positions only: a tenth of the work of scoring all of them.

    This head computes under autocast, unlike those whose scores are answers: scoring the vocabulary is much work.
    """
    inputs = {name: values for name, values in batch.items() if name not in GOLD}
    hidden = model.base_model(**inputs)[0].flatten(0, 1)
    with autocast():
        logits = model.lm_head(hidden.index_select(0, batch["places"]))
    return mean_loss(logits, batch["labels"].flatten().index_select(0, batch["places"]))
