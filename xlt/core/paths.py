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
    root = named_folder("XLT_HUB_ROOT", "data sets in hub layout")
    return root.resolve() if root else None


def made_root() -> Path:
    """Where commands of this project put data sets that they make, in hub layout."""
    return cache_root() / "made"


def named_folder(variable: str, content: str) -> Path | None:
    """The folder that an environment variable names, if it is set; `content` is what should lie there.

    Raises:
        UserError: it is no folder.
    """
    named = os.environ.get(variable)
    if named and not Path(named).expanduser().is_dir():
        raise UserError(f"{variable}={named} is not a folder; point it at {content}, or unset it")
    return Path(named).expanduser() if named else None


def params_file(name: str) -> Path:
    """Where the project has its profile of that name, if it has one."""
    return ROOT / "params" / f"{name}.yaml"


def as_profile(name: str) -> str:
    """A profile as commands take it, by the name of its report: "mini" of params/; of a user's own file its name."""
    return name if params_file(name).is_file() else f"{name}.yaml"


def as_file_name(name: str, what: str) -> str:
    """A name that files are called by, which must not lead into another folder; `what` it names is said first.

    Raises:
        UserError: it is empty, hidden or a path.
    """
    if not name or name.startswith(".") or "/" in name or "\0" in name:
        raise UserError(f"{what}: '{name}' cannot name a file: leave out / and a dot at the beginning")
    return name


def shortened(path: Path) -> str:
    """A path as messages name it: relative to where the reader is, if it is below."""
    path = path.resolve()
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)
