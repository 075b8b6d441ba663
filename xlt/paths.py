"""The folders of the project: where its sources, finished runs and reports lie."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def cache_root() -> Path:
    """Where runs and generated data are kept: `.cache/` of the project, or XLT_CACHE."""
    return Path(os.environ.get("XLT_CACHE") or ROOT / ".cache").expanduser().resolve()


def reports_root() -> Path:
    """Where reports are written: `reports/` of the project, or XLT_REPORTS."""
    return Path(os.environ.get("XLT_REPORTS") or ROOT / "reports").resolve()
