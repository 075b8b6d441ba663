"""Masked and translation language modelling: examples, masks, batches and the loss."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import torch

from xlt.core.device import autocast
from xlt.models import batching
from xlt.models.columns import Feature, Features
from xlt.models.features import IGNORED
from xlt.models.loss import GOLD, mean_loss
from xlt.spec.stage import Stage

Languages = dict[str, Features]  # by language, rows aligned


class _Vocabulary(NamedTuple):
    """What masking asks of a tokenizer, which takes long to say it: a tenth of a millisecond an example."""

    first: int
    last: int
    mask: int
    ordinary: np.ndarray  # for each id whether it may be masked

    def between(self, feature: Feature, first: int | None = None) -> np.ndarray:
        ids = feature["input_ids"]
        text = np.empty(len(ids) + 2, np.int64)
        text[0], text[1:-1], text[-1] = self.first if first is None else first, ids, self.last
        return text


@lru_cache(maxsize=2)
def _vocabulary(tokenizer: Any) -> _Vocabulary:
    ordinary = np.ones(len(tokenizer), bool)
    ordinary[tokenizer.all_special_ids] = False
    return _Vocabulary(tokenizer.cls_token_id, tokenizer.sep_token_id, tokenizer.mask_token_id, ordinary)


def batches(languages: Languages, stage: Stage, tokenizer: Any, rng: np.random.Generator) -> Iterator[list]:
    """Batches for one update each: rows drawn at random; a share `stage.pairs` of them are a row and its translation.

    Examples are drawn 50 batches at a time and grouped by length.
    """
    while True:
        drawn = [example(languages, stage, tokenizer, rng) for _ in range(50 * stage.update_batch)]
        for indices in batching.batches(drawn, stage.update_batch, rng):
            yield [drawn[i] for i in indices]


def example(languages: Languages, stage: Stage, tokenizer: Any, rng: np.random.Generator) -> Feature:
    vocabulary, several = _vocabulary(tokenizer), list(languages.values())
    both = [stage.mask, stage.mask if stage.mask_other is None else stage.mask_other]
    if len(several) == 1 or rng.random() >= stage.pairs:
        features = several[rng.integers(len(several))]
        parts = [vocabulary.between(features[rng.integers(len(features))])]
        shares = [float(np.mean(both))]
    else:
        first, second = _two_languages(list(languages), stage.pivot, rng)
        row = rng.integers(min(len(several[first]), len(several[second])))
        parts = [vocabulary.between(several[first][row]), vocabulary.between(several[second][row], vocabulary.last)]
        shares = list(rng.permutation(both))
    return masked(np.concatenate(parts), np.repeat(shares, [len(part) for part in parts]), tokenizer, rng)


def _two_languages(codes: list[str], pivot: str | None, rng: np.random.Generator) -> np.ndarray:
    """Indices of two different languages in random order, one of them the pivot if there is one."""
    if pivot is None:
        return rng.choice(len(codes), 2, replace=False)
    place = codes.index(pivot)
    other = rng.choice([i for i in range(len(codes)) if i != place])
    return rng.permutation([place, other])


def masked(before: np.ndarray, shares: np.ndarray, tokenizer: Any, rng: np.random.Generator) -> Feature:
    """A share of the ordinary subwords is to be predicted: 80 % become <mask>, 10 % another one, 10 % stay."""
    before, vocabulary = np.asarray(before), _vocabulary(tokenizer)
    ordinary = vocabulary.ordinary[before]
    chosen = ordinary & (rng.random(len(before)) < shares)
    if not chosen.any() and ordinary.any():
        chosen[rng.choice(np.flatnonzero(ordinary))] = True
    kind = rng.random(len(before))
    others = rng.integers(len(vocabulary.ordinary), size=len(before))
    after = np.where(chosen & (kind >= 0.9), others, before)
    after[chosen & (kind < 0.8)] = vocabulary.mask
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
