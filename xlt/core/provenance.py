"""What made a number: code version, library versions, machine.

Equal records give equal bits only on equal machines: the order of a sum, so its last digits, depends on the processor,
on the instructions that the libraries take and on the number of threads; training makes large differences of them.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from xlt.core.paths import ROOT

PACKAGES = ("torch", "transformers", "datasets", "peft", "tokenizers", "numpy")
MACHINE = ("device", "precision", "processor", "instructions", "threads")  # of an environment
UNKNOWN = "not recorded"  # of a run that was made before it was
_LIMITS = (
    "ONEDNN_MAX_CPU_ISA",
    "DNNL_MAX_CPU_ISA",
    "MKL_ENABLE_INSTRUCTIONS",
    "MKL_CBWR",
)  # what torch itself is forbidden, it says


def _git(*arguments: str) -> str | None:
    return _output("git", "-C", str(ROOT), *arguments)


def _output(*command: str) -> str | None:
    """What a command prints; None where it fails or does not exist."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


@cache
def code() -> dict[str, Any]:
    """Commit and whether the working tree differs from it (reports/ aside: it is written by the runs)."""
    changed = _git("status", "--porcelain", "--", ".", ":!reports")
    return {"commit": _git("rev-parse", "--short=10", "HEAD"), "dirty": None if changed is None else bool(changed)}


def state(profile: str) -> str:
    """ "clean", "dirty" or "smoke": results of different states never share a table."""
    if profile == "smoke":
        return "smoke"
    return "clean" if code()["dirty"] is False else "dirty"


def processor() -> str:
    """Its name; on Linux with its family and model, as clouds call many processors alike."""
    if (file := Path("/proc/cpuinfo")).is_file():
        first = file.read_text(encoding="utf-8", errors="replace").split("\n\n")[0]
        told = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in first.splitlines())}
        parts = ("cpu family", "model", "CPU implementer", "CPU part")  # the last two on ARM, which has no name
        numbers = ", ".join(f"{part} {told[part]}" for part in parts if part in told)
        return f"{told.get('model name', platform.machine())} ({numbers})"
    if platform.system() == "Darwin":
        return _output("sysctl", "-n", "machdep.cpu.brand_string") or platform.machine()
    return platform.processor() or platform.machine()


def instructions() -> str:
    """The vector instructions that torch takes here, and what the environment forbids its libraries: "AVX512"."""
    import torch

    limits = [f"{name}={value}" for name in _LIMITS if (value := os.environ.get(name))]
    return ", ".join([torch.backends.cpu.get_cpu_capability(), *limits])


def environment() -> dict[str, Any]:
    """Versions and machine; precision and `threads` are those of this process at this moment."""
    import torch

    from xlt.core.device import compute

    here = compute()
    return _installed() | {"device": here.device, "precision": here.reason, "threads": torch.get_num_threads()}


@cache
def _installed() -> dict[str, Any]:
    return {
        "python": platform.python_version(),
        "packages": {name: importlib.metadata.version(name) for name in PACKAGES},
        "system": f"{platform.system()} {platform.machine()}",
        "processor": processor(),
        "instructions": instructions(),
    }


def made_on(environments: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """The machines and versions behind a result, as columns: of each what all its steps had, each value once.

    `environments` are those of the steps, in their order, as `environment` gives them.
    """
    told = []
    for one in environments:
        packages = {f"{name}_version": version for name, version in one.get("packages", {}).items()}
        told.append({name: str(one.get(name, UNKNOWN)) for name in MACHINE} | packages)
    names = dict.fromkeys(name for one in told for name in one)
    return {name: " + ".join(dict.fromkeys(one.get(name, UNKNOWN) for one in told)) for name in names}
