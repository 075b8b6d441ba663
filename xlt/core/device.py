"""The device and the precision of all computing, chosen once for a process, with the reason; and the peak of memory."""

from __future__ import annotations

import os
import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

import torch

from xlt.core.precision import WIDE


class Compute(NamedTuple):
    device: str
    dtype: torch.dtype
    reason: str


Precision = Literal["fp32", "bf16"]
_preferred: Precision | None = None
_width = 0


def prefer(precision: Precision | None, width: int = 0) -> None:
    """Compute from now on in `precision` where this machine can (`resources.precision` of a profile).

    None: as is best for an encoder of this `width` (0: not known).
    """
    global _preferred, _width
    if (precision, width) != (_preferred, _width):
        _preferred, _width = precision, width
        compute.cache_clear()


@cache
def compute() -> Compute:
    """What is preferred, else bf16 autocast on a GPU that has it, and on a CPU with AMX for wide encoders.

    Weights are always kept in fp32. fp16 is never used: it needs loss scaling, and diverges on XLM-R Large. A CPU that
    has bf16 in vectors alone (AVX512-BF16) computes in it only if asked to, and one that has none never.
    """
    forced = os.environ.get("XLT_DEVICE") == "cpu"
    if not forced and torch.cuda.is_available():
        return _on_gpu(torch.cuda.get_device_name())
    why = "XLT_DEVICE=cpu" if forced else "no GPU found"
    able = torch.cpu.get_capabilities()
    products = bool(able.get("amx_bf16"))
    if _preferred == "bf16":
        if products or able.get("avx512_bf16"):
            return Compute("cpu", torch.bfloat16, f"bf16 autocast on the CPU: {why}, resources.precision")
        why += ", and the processor has no bf16"
    elif _preferred == "fp32":
        why += ", resources.precision"
    elif products and _width >= WIDE:
        return Compute("cpu", torch.bfloat16, f"bf16 autocast on the CPU: {why}, AMX, an encoder {_width} wide")
    elif products and _width:
        why += f", and an encoder {_width} wide gains nothing by bf16"
    return Compute("cpu", torch.float32, f"fp32 on the CPU: {why}")


def _on_gpu(name: str) -> Compute:
    if _preferred == "fp32":
        return Compute("cuda", torch.float32, f"fp32 on {name}: resources.precision")
    if torch.cuda.is_bf16_supported(including_emulation=False):
        return Compute("cuda", torch.bfloat16, f"bf16 autocast on {name}")
    return Compute("cuda", torch.float32, f"fp32 on {name}: it has no bf16")


def use_threads(count: int) -> None:
    """Compute with so many threads from now on, even on fewer cores: results depend on the number of threads."""
    torch.set_num_threads(count)


def clock() -> Callable[[], float]:
    """A clock for measurements, in seconds. Where one thread computes it is processor time, to which other programs on
    the machine add nothing."""
    alone = compute().device == "cpu" and torch.get_num_threads() == 1
    return time.process_time if alone else time.perf_counter


def forget_peak() -> str:
    """Measure the peak of memory from now on. Returns what the next `peak_mb` is the peak of: "run", or "worker" where
    the system cannot forget, so that the peak is that of the whole life of the process."""
    if compute().device == "cuda":
        torch.cuda.reset_peak_memory_stats()
        return "run"
    try:
        Path("/proc/self/clear_refs").write_text("5")  # proc(5): sets the peak to what is in use
    except OSError:
        return "worker"
    return "run"


def peak_mb() -> int:
    """Most memory in use since `forget_peak`: of the GPU, else of this process."""
    if compute().device == "cuda":
        return torch.cuda.max_memory_allocated() >> 20
    if (status := Path("/proc/self/status")).is_file():
        lines = status.read_text().splitlines()
        return next((int(line.split()[1]) >> 10 for line in lines if line.startswith("VmHWM:")), 0)
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most >> (20 if sys.platform == "darwin" else 10)  # bytes there, else kB


@contextmanager
def own_draws(seed: int | None = None) -> Iterator[None]:
    """What torch draws inside of it, by `seed` if one is given, it draws beside its stream, which goes on after it."""
    devices = [torch.cuda.current_device()] if compute().device == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        if seed is not None:
            torch.manual_seed(seed)
        yield


def autocast() -> torch.autocast:
    here = compute()
    return torch.autocast(here.device, dtype=torch.bfloat16, enabled=here.dtype is torch.bfloat16)
