"""The folders of the project: where its sources, finished runs and reports lie."""

from __future__ import annotations

import os
from pathlib import Path

from xlt.core.errors import UserError

ROOT = Path(__file__).resolve().parents[2]


def cache_root() -> Path:
    """Where runs and generated data are kept: `.cache/` of the project, or XLT_CACHE."""
    return Path(os.environ.get("XLT_CACHE") or ROOT / ".cache").expanduser().resolve()


def reports_root() -> Path:
    """Where reports are written: `reports/` of the project, or XLT_REPORTS."""
    return Path(os.environ.get("XLT_REPORTS") or ROOT / "reports").resolve()


def hub_root() -> Path | None:
    """The folder XLT_HUB_ROOT, if it is set.

    Raises:
        UserError: it is no folder.
    """
    root = os.environ.get("XLT_HUB_ROOT")
    if root and not Path(root).expanduser().is_dir():
        raise UserError(f"XLT_HUB_ROOT={root} is not a folder; point it at data sets in hub layout, or unset it")
    return Path(root).expanduser().resolve() if root else None


def shortened(path: Path) -> str:
    """A path as messages name it: relative to where the reader is, if it is below."""
    path = path.resolve()
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)
