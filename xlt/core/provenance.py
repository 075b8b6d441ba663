"""What made a number: code version, library versions, machine.

The machine is recorded because the same run gives other numbers on another one. The order in which a sum is added up
depends on the processor, its vector instructions and the number of threads, and rounding depends on the order. Training
amplifies such differences until they change scores.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import subprocess
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from xlt.core.paths import ROOT

PACKAGES = ("torch", "transformers", "datasets", "peft", "tokenizers", "numpy")
MACHINE = ("device", "precision", "processor", "instructions", "threads")  # of an environment
# The columns of a table that say on what a number was made: equal bits come of equal ones alone.
MACHINE_COLUMN = re.compile(rf"{'|'.join(MACHINE)}|(?!task_)\w+_version")
UNKNOWN = "not recorded"  # of runs that are older than the field
# Variables that limit the instructions of the libraries below torch. torch reports its own limit (ATEN_CPU_CAPABILITY).
_LIMITS = ("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA", "MKL_ENABLE_INSTRUCTIONS", "MKL_CBWR")


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


@cache
def committed(commit: str) -> str:
    """The day of a commit, "2026-11-27"; "" where its history is not here."""
    return _git("show", "--no-patch", "--format=%cs", f"{commit}^{{commit}}") or ""


def state(profile: str) -> str:
    """ "clean", "dirty" or "smoke": results of different states never share a table."""
    if profile == "smoke":
        return "smoke"
    return "clean" if code()["dirty"] is False else "dirty"


def processor() -> str:
    """Its name; on Linux with family and model, because clouds give different processors one name."""
    if (file := Path("/proc/cpuinfo")).is_file():
        first = file.read_text(encoding="utf-8", errors="replace").split("\n\n")[0]
        pairs = (line.partition(":") for line in first.splitlines())
        fields = {name.strip(): value.strip() for name, _, value in pairs}
        parts = ("cpu family", "model", "CPU implementer", "CPU part")  # the last two on ARM, which has no name
        numbers = ", ".join(f"{part} {fields[part]}" for part in parts if part in fields)
        return f"{fields.get('model name', platform.machine())} ({numbers})"
    if platform.system() == "Darwin":
        return _output("sysctl", "-n", "machdep.cpu.brand_string") or platform.machine()
    return platform.processor() or platform.machine()


def instructions() -> str:
    """The vector instructions that torch uses here ("AVX512"), then the variables that limit its libraries."""
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
    """The machines and versions behind a result, as columns of a table.

    A result comes from several runs (pretraining, intermediate, target, evaluation), which may have been made on
    several machines. Then a column holds each value once, in the order of the runs: "cpu + cuda".

    Args:
        environments: of these runs in their order, as `environment` gives them.
    """
    steps = []
    for environment in environments:
        packages = {f"{name}_version": version for name, version in environment.get("packages", {}).items()}
        steps.append({name: str(environment.get(name, UNKNOWN)) for name in MACHINE} | packages)
    columns = dict.fromkeys(name for step in steps for name in step)
    return {name: " + ".join(dict.fromkeys(step.get(name, UNKNOWN) for step in steps)) for name in columns}


def precisions(environments: Iterable[Mapping[str, Any]]) -> list[str]:
    """The precisions in which these runs were computed, each once: "fp32", "bf16"."""
    reasons = (str(environment.get("precision", "")) for environment in environments)
    return sorted({reason.partition(" ")[0] for reason in reasons if reason})
