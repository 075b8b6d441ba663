"""Where and in which precision things run: decided here, once, with a reason."""

from __future__ import annotations

import os
from functools import cache
from typing import NamedTuple

import torch


class Compute(NamedTuple):
    device: str
    dtype: torch.dtype
    reason: str


@cache
def compute() -> Compute:
    """bf16 autocast on a GPU that has it, fp32 elsewhere; weights are always kept in fp32.

    fp16 is never used: it needs loss scaling, and diverges on XLM-R Large.
    """
    if os.environ.get("XLT_DEVICE") != "cpu" and torch.cuda.is_available():
        name = torch.cuda.get_device_name()
        if torch.cuda.is_bf16_supported():
            return Compute("cuda", torch.bfloat16, f"bf16 autocast on {name}")
        return Compute("cuda", torch.float32, f"fp32 on {name}: it has no bf16")
    why = "XLT_DEVICE=cpu" if os.environ.get("XLT_DEVICE") == "cpu" else "no GPU found"
    return Compute("cpu", torch.float32, f"fp32 on the CPU: {why}")


def autocast() -> torch.autocast:
    here = compute()
    return torch.autocast(here.device, dtype=torch.bfloat16, enabled=here.dtype is torch.bfloat16)
