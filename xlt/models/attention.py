"""The form of attention that is fastest where a model is at work; all forms give the same up to rounding.

Torch's fused attention is the fastest but in two cases, both in training on a CPU, where its backward pass is slow or
missing: bf16, and dropout on the weights of attention. There the two matrix products are taken one by one. Measured on
one core with AMX: time of a training step of an encoder of width 64, fused attention over products.

    subwords           16    40    64   128   256   512
    fp32             0.94  0.95  0.82  0.86  0.67  0.55
    bf16             1.1   3.2   3.0   2.4   1.6   1.4
    fp32, dropout    1.0   1.1   1.1   1.2   1.1   1.2
    bf16, dropout    1.1   1.2   1.3   1.3   1.4   1.6

At width 384 it is the same with smaller differences (fp32 1.0 to 0.8, bf16 2.4 to 1.2). In reading, where nothing goes
backward, fused attention takes a tenth more (bf16, 40 subwords) to half as much (256).

On a GPU it is fused attention, but not cuDNN's form of it, which torch 2.11 prefers on H100, H200 and newer cards where
a mask hides padding. That one builds a plan for each new shape of a batch, and texts come in hundreds of shapes
(github.com/modelscope/FunASR/issues/3704 has a profile). On an H200 an update of XLM-R Large with 32 pairs took 142 ms
where most shapes were new, 20 of them at work on the GPU, and 66 to 72 ms where shapes were known
(`benchmarks/gpu_check.json`, which was measured before cuDNN's form was left out).

Attention without padding (`torch.nn.attention.varlen`) is not taken: it is for GPUs alone and wants texts laid end to
end, which the heads of `transformers` do not read. Texts of similar length go together instead.
"""

from __future__ import annotations

from typing import Any

import torch
import transformers
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

FASTEST = "fastest"  # our name in transformers' list of forms

Tensor = torch.Tensor


def fastest(
    module: Any, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None, dropout: float = 0.0,
    scaling: float | None = None, **rest: Any,
) -> tuple[Tensor, None]:  # fmt: skip
    """Attention (B, T, heads, width of a head) of `query`, `key`, `value` (B, heads, T, width of a head).

    The arguments are those that `transformers` gives to every form; in the mask (B, 1, T, T) what may be seen is true.
    """
    if not by_products(query, dropout):
        return sdpa_attention_forward(
            module, query, key, value, attention_mask, dropout=dropout, scaling=scaling, **rest
        )  # fmt: skip
    # The query is scaled, and not the products: it is the smaller of the two.
    scores = (query * (scaling or query.shape[-1] ** -0.5)) @ key.transpose(2, 3)
    if attention_mask is not None:
        unseen = torch.zeros_like(attention_mask, dtype=scores.dtype)
        scores = scores + unseen.masked_fill_(~attention_mask, torch.finfo(scores.dtype).min)
    weights = torch.nn.functional.dropout(scores.softmax(-1), dropout)
    return (weights @ value).transpose(1, 2).contiguous(), None


def by_products(query: Tensor, dropout: float) -> bool:
    """Whether the products are taken one by one: on a CPU, in training, where the fused backward pass is slow."""
    trained = torch.is_grad_enabled() and query.requires_grad
    slow = dropout > 0 or query.dtype is torch.bfloat16
    return query.device.type == "cpu" and trained and slow


def mask(*sizes: Any, device: torch.device | str = "cpu", **rest: Any) -> Tensor | None:
    """The mask of fused attention, which `transformers` leaves out where it finds that a batch has no padding."""
    rest["allow_is_bidirectional_skip"] = rest.get("allow_is_bidirectional_skip", False) and may_look(device)
    return sdpa_mask(*sizes, device=device, **rest)


def may_look(device: torch.device | str) -> bool:
    """Whether values may be read that are there. Not from a GPU: the processor would wait for it at every pass."""
    return torch.device(device).type == "cpu"


torch.backends.cuda.enable_cudnn_sdp(False)
transformers.AttentionInterface.register(FASTEST, fastest)
transformers.AttentionMaskInterface.register(FASTEST, mask)


def use_fastest(encoder: transformers.PreTrainedModel) -> None:
    """Let the encoder choose at each pass; one whose attention is written otherwise stays as it is."""
    if encoder.config._attn_implementation == "sdpa":
        encoder.set_attn_implementation(FASTEST)
