"""Features to batches: groups of similar length, padded and as tensors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch

from xlt.core.device import compute
from xlt.models import columns
from xlt.models.columns import Feature
from xlt.models.features import IGNORED


def batches(features: Sequence[Feature], size: int, rng: np.random.Generator | None = None) -> Iterator[list[int]]:
    """Indices in batches of similar length; shuffled when `rng` is given, longest first otherwise.

    Sorting happens within chunks of 50 batches of a shuffled order, so that batches stay random.
    """
    lengths = columns.lengths(features)
    if rng is None:
        yield from _as_large(np.argsort(-lengths, kind="stable"), lengths, size)
        return
    order = rng.permutation(len(features))
    cut: list[list[int]] = []
    for i in range(0, len(order), 50 * size):
        chunk = order[i : i + 50 * size]
        chunk = chunk[np.argsort(lengths[chunk], kind="stable")]
        cut += [chunk[j : j + size].tolist() for j in range(0, len(chunk), size)]
    yield from (cut[i] for i in rng.permutation(len(cut)))


def _as_large(order: np.ndarray, lengths: np.ndarray, size: int) -> Iterator[list[int]]:
    """Batches of as many subwords as `size` features of the longest have: more of short ones, up to `_MOST` times.

    On a CPU, where padding takes as long as text, a batch ends where texts are shorter than `_ALIKE` of its longest: a
    test set of some hundred records fits into a batch or two, and half of these would be padding. Of `_FEW` texts it is
    in any case, as each batch has a start of its own. A GPU is not filled by so few. (100, 200, 300 and 1,000 pairs as
    long as MNLI's, 64 at a time, 12 layers x 384 on a core without AMX: 1.6, 1.4, 1.2 and 1.0 times as fast in bf16, in
    fp32 1.8, 1.5 and 1.3.)
    """
    start, budget, sizes = 0, size * lengths.max(initial=1), lengths[order]
    while start < len(order):
        count = min(_MOST * size, int(budget // max(1, sizes[start])))
        if compute().device == "cpu":
            alike = int(np.count_nonzero(sizes[start:] >= _ALIKE * sizes[start]))
            count = min(count, max(_FEW, alike))
        yield order[start : start + count].tolist()
        start += count


_MOST = 4  # measured on a CPU: twice as many short texts at a time are read 5 to 10 % faster, more of them no faster
_ALIKE, _FEW = 0.75, 8
_PADDING = {"token_type_ids": 0, "labels": IGNORED}
_TENSORS = ("input_ids", "token_type_ids", "labels", "start_positions", "end_positions")
Batch = dict[str, torch.Tensor]


def restart_positions(ids: np.ndarray, separator: int) -> np.ndarray:
    """XLM-R's positions (from 2), starting again at the second text of a pair "<s> A </s> </s> B </s>"; (B, T)."""
    places, ends = np.arange(ids.shape[1]), ids == separator
    first = np.where(ends.any(1), ends.argmax(1) + 1, ids.shape[1])[:, None]
    return 2 + np.where(places < first, places, places - first)


def collate(features: list[Feature], pad_id: int, device: str = "cpu", restart_at: int | None = None) -> Batch:
    """One batch: `input_ids`, `attention_mask` (B, T), and the labels, padded to the longest feature.

    Where tokens have labels there are `places` too: which of the B x T tokens do, one row after the other.
    Features with `choices` are laid out flat, (sum of choices, T), with `sizes` (B,) to group them again;
    those with `query` become two batches, `query` and `target`, with `same` (B,).
    `restart_at` is the separator at which positions start again, for encoders that were pretrained so.

    All of it is copied to `device` but `sizes`, by which the processor cuts: read from a GPU it would wait for that.
    """
    if "choices" in features[0]:
        flat = collate([pair for f in features for pair in f["choices"]], pad_id, device, restart_at)
        gold = {"labels": _on(device, [f["labels"] for f in features])} if "labels" in features[0] else {}
        return flat | gold | {"sizes": torch.tensor([len(f["choices"]) for f in features])}
    if "query" in features[0]:
        sides = {n: collate([f[n] for f in features], pad_id, device, restart_at) for n in ("query", "target")}
        return sides | {"same": _on(device, [f["same"] for f in features])}
    lengths = columns.lengths(features)
    real = np.arange(lengths.max()) < lengths[:, None]
    batch = {"attention_mask": real.astype(np.int64)}
    for name in _TENSORS:
        if name not in features[0]:
            continue
        values = [feature[name] for feature in features]
        if np.ndim(values[0]) == 0:
            batch[name] = np.array(values)
            continue
        batch[name] = np.full(real.shape, pad_id if name == "input_ids" else _PADDING[name])
        batch[name][real] = np.concatenate(values)
        if name == "labels":
            batch["places"] = np.flatnonzero(batch[name] != IGNORED)
    if restart_at is not None:
        batch["position_ids"] = np.where(real, restart_positions(batch["input_ids"], restart_at), 1)
    return {name: _on(device, values) for name, values in batch.items()}


def _on(device: str, values: Any) -> torch.Tensor:
    """The values as a tensor there. To a GPU it is copied from pinned memory, so that nobody waits for the copy."""
    tensor = torch.as_tensor(values)
    return tensor if device == "cpu" else tensor.pin_memory().to(device, non_blocking=True)
