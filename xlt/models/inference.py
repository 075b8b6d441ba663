"""A trained model as it is read: features in, arrays out, in batches of similar length."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from xlt.core.device import compute
from xlt.models import adversarial, batching
from xlt.models.columns import Feature
from xlt.models.encoder import restart_at
from xlt.models.loss import GOLD, cross_entropy, forward
from xlt.spec.perturbations import Ball

Outputs = tuple[list[int], dict[str, np.ndarray]]  # B indices of features, {name of an output: array (B, ...)}
_INPUTS = ("input_ids", "token_type_ids", "choices")


@dataclass(frozen=True)
class Predictor:
    """`batch` features at a time decide speed and memory only; with `around` each is read at a point of that ball."""

    learner: Any
    tokenizer: Any
    batch: int
    around: Ball | None = None

    def outputs(self, features: Sequence[Feature], keep: Sequence[str]) -> Iterator[Outputs]:
        """Batch by batch, longest features first; arrays are padded to the batch's longest."""
        restart = restart_at(self.learner.config, self.tokenizer)
        wanted = _INPUTS + (GOLD if self.around else ())
        for indices in batching.batches(features, self.batch):
            inputs = [{name: value for name, value in features[i].items() if name in wanted} for i in indices]
            batch = batching.collate(inputs, self.tokenizer.pad_token_id, compute().device, restart)
            out = self._forward(batch)
            yield indices, {name: out[name].float().cpu().numpy() for name in keep}

    def _forward(self, batch: dict[str, torch.Tensor]) -> Any:
        inputs = {name: values for name, values in batch.items() if name not in GOLD}
        specials = self.tokenizer.all_special_ids if self.around else ()
        with adversarial.within(self.learner, batch, self.around, specials, cross_entropy), torch.no_grad():
            return forward(self.learner, inputs)
