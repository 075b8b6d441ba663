"""Whether a report is just as the last whole run of its profile left it: then there is nothing to execute again.

Asked of the generated world alone. Records and weights from elsewhere can change without notice, and code that is not
committed too: there every notebook is executed, and only finished runs are not repeated.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import tomllib
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

from xlt.core import paths, provenance
from xlt.core.files import write_atomically
from xlt.perturb import lexicons
from xlt.spec.identity import digest
from xlt.spec.profile import Profile


def unchanged(profile: Profile) -> bool:
    """Whether code, settings, packages, word lists and all files of the report are as the last whole run left them."""
    stamp, key = _stamp(profile), _key(profile)
    return key is not None and stamp.is_file() and stamp.read_text(encoding="utf-8") == key


def note(profile: Profile) -> None:
    """Remember the report as it is now, after a whole run."""
    if key := _key(profile):
        _stamp(profile).parent.mkdir(parents=True, exist_ok=True)
        write_atomically(_stamp(profile), key)


def _stamp(profile: Profile) -> Path:
    return paths.cache_root() / "finished" / f"{profile.name}-{digest(str(_report(profile)))}"


def _report(profile: Profile) -> Path:
    return paths.reports_root() / profile.name


def _key(profile: Profile) -> str | None:
    """Everything that decides a report, and its files; None where that cannot be known."""
    code, ours = provenance.code(), profile.data.source == "world" and not profile.encoder.model and not profile.tasks
    if code["dirty"] is not False or not ours:
        return None
    files = sorted(path for path in _report(profile).rglob("*") if path.is_file())
    report = [
        (str(path.relative_to(_report(profile))), hashlib.sha256(path.read_bytes()).hexdigest()) for path in files
    ]
    settings = profile.model_dump(mode="json")
    made = [platform.python_version(), os.environ.get("XLT_DEVICE"), _packages()]
    return digest([code["commit"], settings, lexicons.held(_texts(settings)), made, report])


def _packages() -> dict[str, str]:
    """The version of each package that the project needs: some hold tables of words, others draw the figures."""
    needed = tomllib.loads((paths.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    names = [re.split(r"[^\w.-]", requirement)[0] for requirement in needed]
    return {name: version(name) for name in names}


def _texts(settings: Any) -> Iterator[str]:
    """Every text in these settings: perturbations, which may name a word list, stand in many places."""
    if isinstance(settings, str):
        yield settings
    elif isinstance(settings, dict | list):
        for one in settings.values() if isinstance(settings, dict) else settings:
            yield from _texts(one)
