"""Remembers which file a report is of, because two profiles with one file name would overwrite each other's report."""

from __future__ import annotations

import os
from pathlib import Path

from xlt.core.errors import UserError
from xlt.core.files import write_atomically
from xlt.core.paths import cache_root, params_file, reports_root
from xlt.spec.identity import digest


def check(profile: str) -> None:
    """Make sure that the report of this name is of `profile`, a name in params/ or the path of a file.

    A report that nobody has claimed here, as in a fresh clone, is of the file of its name in params/ if there is one.

    Raises:
        UserError: it is of another file, and that one is still there.
    """
    file, report, note = _places(profile)
    owner = Path(note.read_text(encoding="utf-8")) if note.is_file() else params_file(file.stem)
    if report.is_dir() and owner != file and owner.is_file():
        theirs, ours = os.path.relpath(owner), os.path.relpath(file)
        raise UserError(f"{report.name}: its report is of {theirs}, not of {ours}; rename one of the two files")


def claim(profile: str) -> None:
    """Remember that the report of this name is of `profile`.

    Raises:
        UserError: as `check`.
    """
    check(profile)
    file, _, note = _places(profile)
    note.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(note, str(file))


def _places(profile: str) -> tuple[Path, Path, Path]:
    """The file of a profile, the folder of its report, and the file that says whose that is."""
    file = Path(profile).resolve() if profile.endswith(".yaml") else params_file(profile)
    report = reports_root() / file.stem
    return file, report, cache_root() / "owners" / f"{file.stem}-{digest(str(report))}"
