"""xlt: intermediate-task training in zero-shot cross-lingual transfer. Notebooks need `Lab` and `report`."""

from __future__ import annotations

from typing import Any

__version__ = "0.1.0"
__all__ = ["Encoder", "Evaluation", "Lab", "Recipe", "Stage", "report", "studies"]


def __getattr__(name: str) -> Any:
    """Import on first use, so that `xlt --help` does not wait for torch."""
    import importlib

    if name == "Lab":
        return importlib.import_module("xlt.lab.whole").Lab
    if name in ("Encoder", "Evaluation", "Recipe", "Stage"):
        return getattr(importlib.import_module("xlt.spec.recipe"), name)
    if name in ("report", "studies"):
        return importlib.import_module({"report": "xlt.report", "studies": "xlt.lab.studies"}[name])
    raise AttributeError(f"module 'xlt' has no attribute {name!r}")
