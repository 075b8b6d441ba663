"""What made a number: code version, library versions, machine."""

from __future__ import annotations

import importlib.metadata
import platform
import subprocess
from functools import cache
from typing import Any

from xlt.params import ROOT

PACKAGES = ("torch", "transformers", "datasets", "peft", "tokenizers", "numpy")


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, timeout=20)
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


@cache
def environment() -> dict[str, Any]:
    from xlt.device import compute

    here = compute()
    return {
        "python": platform.python_version(),
        "packages": {name: importlib.metadata.version(name) for name in PACKAGES},
        "system": f"{platform.system()} {platform.machine()}",
        "device": here.device,
        "precision": here.reason,
    }
