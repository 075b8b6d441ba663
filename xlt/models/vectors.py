"""Sentence vectors: any number of layers and poolings in one pass of the encoder."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from typing import Any

import numpy as np
import torch

from xlt.core.device import compute
from xlt.core.recent import Recent
from xlt.models import batching, unseen
from xlt.models.cells import Cell
from xlt.models.columns import Features
from xlt.models.encoder import restart_at
from xlt.models.features import encode_sentences
from xlt.spec.identity import digest

_encoded = Recent(megabytes=64)  # by their texts: a worker reads the same pools with many encoders


def embed(
    texts: Sequence[str] | Sequence[tuple[str, str]],
    tokenizer: Any,
    encoder: Any,
    cells: Iterable[Cell],
    max_length: int,
    batch: int,
    of: tuple[str, str] | None = None,
) -> dict[Cell, np.ndarray]:
    """Vectors of n texts, or pairs of texts, in each cell: arrays (n, width) in single precision.

    Centred cells have the mean over these texts subtracted (the vectors of one language: its centre).
    Where texts are cut, that is said `of` a task and its language. `batch` decides speed and memory only; the memory
    for results is 4 bytes x cells x n x width.
    """
    cells = list(cells)
    features = _encoded.get(
        (tokenizer, max_length, digest(list(texts))), lambda: encode_sentences(texts, tokenizer, max_length)
    )
    if of:
        unseen.say(*of, features, max_length)
    read = dict.fromkeys(cell._replace(centred=False) for cell in cells)
    vectors = {cell: np.zeros((len(texts), encoder.config.hidden_size), dtype=np.float32) for cell in read}
    layers = {cell.layer for cell in read}
    for indices, states, inputs in _states(features, tokenizer, encoder, batch, layers):
        weights = _weights(inputs, tokenizer)
        for cell in read:
            pooled = _pool(states[cell.layer].float(), weights[cell.pooling])
            vectors[cell][indices] = pooled.cpu().numpy()
    return {cell: centre(vectors[cell._replace(centred=False)]) if cell.centred else vectors[cell] for cell in cells}


def centre(vectors: np.ndarray) -> np.ndarray:
    """Less their mean: what all sentences of a language share is gone; same shape (n, width)."""
    return vectors - vectors.mean(axis=0, keepdims=True)


@torch.no_grad()
def _states(
    features: Features, tokenizer: Any, encoder: Any, batch: int, layers: Set[int]
) -> Iterator[tuple[list[int], dict[int, torch.Tensor], dict[str, torch.Tensor]]]:
    restart = restart_at(encoder.config, tokenizer)
    for indices in batching.batches(features, batch):
        chosen = [features[i] for i in indices]
        inputs = batching.collate(chosen, tokenizer.pad_token_id, compute().device, restart)
        yield indices, hidden_states(encoder, inputs, layers), inputs


class _Reached(Exception):
    """The highest layer that is asked for is there, so the pass ends."""


def hidden_states(encoder: Any, inputs: dict[str, torch.Tensor], layers: Set[int]) -> dict[int, torch.Tensor]:
    """`hidden_states[layer]` of a pass for these layers (0: the embeddings), each (B, T, width).

    They are taken on their way into the next layer. What lies above the highest is not computed: for layer 14 of 24
    that is two fifths of the pass; and no other states are kept.
    """
    blocks = _blocks(encoder)
    if blocks is None:
        states = encoder(**inputs, output_hidden_states=True).hidden_states
        return {layer: states[layer] for layer in layers}
    found: dict[int, torch.Tensor] = {}

    def taken_at(layer: int) -> Callable:
        def take(_: Any, given: tuple, named: dict[str, Any]) -> None:
            found[layer] = given[0] if given else named["hidden_states"]
            if layer == max(layers):
                raise _Reached

        return take

    hooks = [
        blocks[layer].register_forward_pre_hook(taken_at(layer), with_kwargs=True)
        for layer in layers
        if layer < len(blocks)
    ]
    try:
        found[len(blocks)] = encoder(**inputs).last_hidden_state
    except _Reached:
        pass
    finally:
        for hook in hooks:
            hook.remove()
    return found


def _blocks(encoder: Any) -> torch.nn.ModuleList | None:
    """The layers of the encoder, one module each; None where they are not to be told (ALBERT has one for all)."""
    lists = (module for module in encoder.modules() if isinstance(module, torch.nn.ModuleList))
    return next((blocks for blocks in lists if len(blocks) == encoder.config.num_hidden_layers), None)


def _weights(inputs: dict[str, torch.Tensor], tokenizer: Any) -> dict[str, torch.Tensor]:
    """Pooling: which tokens it averages, (B, T). "mean" is over all including the special ones, as in XTREME."""
    ids, mask = inputs["input_ids"], inputs["attention_mask"]
    ends = torch.tensor([tokenizer.cls_token_id, tokenizer.sep_token_id], device=ids.device)  # <unk> is a word
    first = torch.zeros_like(mask)
    first[:, 0] = 1
    return {"mean": mask, "inner": mask * ~torch.isin(ids, ends), "cls": first}


def _pool(hidden: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """(B, T, width), (B, T) -> (B, width); what has no weight counts nothing, whatever its value."""
    weights = weights.unsqueeze(-1)
    return torch.where(weights == 1, hidden, 0.0).sum(1) / weights.sum(1).clamp(min=1)
