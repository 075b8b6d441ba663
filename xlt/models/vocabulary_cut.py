"""During a stage the embeddings of the subwords that it learns from stand in for those of the whole vocabulary.

Two thirds of XLM-R Base are the embeddings of 250,002 subwords, of which a stage meets a tenth. The others get no
gradient, but the whole matrix would have gradients, two moments and a copy of itself in each checkpoint, and each
update would pass over all of it. The rows that the training records need are cut out before the model moves to its
device, and written back when the stage is finished.

The result is that of the whole matrix but for rounding: a row without a gradient has moments of zero, so AdamW leaves
it as it is, except for weight decay, which shrinks all such rows by the same factor; and rows of zeros add nothing to
the norm of the gradient. Where the whole vocabulary is scored (masked language modelling) nothing is cut.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from torch.nn.functional import embedding

from xlt.models.columns import Features, Ragged
from xlt.models.mixture import Learned


class CutEmbedding(torch.nn.Module):
    """`torch.nn.Embedding` of `whole` for the subwords with these ids (K,); its input are ids of the whole vocabulary.

    `weight` has K + 1 rows. The last belongs to no subword and begins as ones: as it never has a gradient, it tells
    what has become of every row that was left out, through checkpoints and the choice of one too.
    """

    def __init__(self, whole: torch.nn.Embedding, subwords: np.ndarray):
        super().__init__()
        self._whole = (whole,)  # in a tuple torch does not see it: it is neither trained, nor moved, nor counted
        kept = torch.from_numpy(subwords)
        rows = whole.weight.detach()[kept]
        self.weight = torch.nn.Parameter(torch.cat([rows, torch.ones_like(rows[:1])]))
        row_of = torch.full((whole.num_embeddings,), -1)
        row_of[kept] = torch.arange(len(kept))
        self.register_buffer("row_of", row_of, persistent=False)
        padding = whole.padding_idx  # its row has no gradient in `torch.nn.Embedding` either
        self._padding = None if padding is None else int(row_of[padding])

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """(N, T) -> (N, T, width).

        Raises:
            IndexError: a subword that was left out, in training: it would not learn. (On a GPU it is an assertion.)
        """
        rows = self.row_of[ids]
        if self.training:
            return embedding(rows, self.weight, self._padding)
        # Development records, which may choose a checkpoint, hold subwords that no training record has.
        other = rows < 0
        embedded = embedding(rows.clamp(min=0), self.weight)
        if other.any():
            read = self._left_out(ids[other].cpu())
            embedded[other] = read.to(embedded)
        return embedded

    def _left_out(self, ids: torch.Tensor) -> torch.Tensor:
        return self._whole[0].weight.detach()[ids] * self.weight[-1].detach().cpu()

    @torch.no_grad()
    def restored(self) -> torch.nn.Embedding:
        """The whole embeddings, as if they had been trained."""
        (whole,), trained = self._whole, self.weight.cpu()
        if (trained[-1] != 1).any():  # only with weight decay; else the matrix is still the file, mapped into memory
            whole.weight.mul_(trained[-1])
        kept = torch.nonzero(self.row_of.cpu() >= 0).flatten()
        whole.weight[kept] = trained[:-1]
        return whole


def cut(encoder: Any, features: Iterable[Learned], tokenizer: Any) -> None:
    """Leave out of the embeddings of `encoder` all that `features` (of every part of a stage) do not need.

    Special tokens stay. Embeddings that are not trained, or are more than a table, stay whole, and so do all where a
    part is masked language modelling.
    """
    features, whole = list(features), encoder.get_input_embeddings()
    plain = type(whole) is torch.nn.Embedding and whole.max_norm is None
    if not plain or not whole.weight.requires_grad or any(isinstance(part, dict) for part in features):
        return
    seen = np.zeros(whole.num_embeddings, bool)
    seen[[special for special in tokenizer.all_special_ids if special < len(seen)]] = True
    for part in features:
        _mark(seen, part)
    encoder.set_input_embeddings(CutEmbedding(whole, np.flatnonzero(seen)))


def _mark(seen: np.ndarray, features: Features) -> None:
    """Set `seen` at the subwords of all features, and of those within them: choices, or queries and targets."""
    seen[features.columns["input_ids"].flat] = True
    for column in features.columns.values():
        inner = column.flat if isinstance(column, Ragged) else column
        if isinstance(inner, Features):
            _mark(seen, inner)


def restore(encoder: Any) -> None:
    """Give `encoder` its whole embeddings again."""
    table = encoder.get_input_embeddings()
    if isinstance(table, CutEmbedding):
        encoder.set_input_embeddings(table.restored())
