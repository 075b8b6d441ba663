"""What decides the result of a perturbation besides its name, the text and the draw: it belongs to the key of a run.

Of a table the hash is of what a language reads of it, so that another German keyboard leaves the French scores valid.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import version
from typing import Any

from xlt.perturb.lexicons import files
from xlt.perturb.registry import get
from xlt.spec.identity import digest
from xlt.spec.languages import OWN

installed = cache(version)  # of a package; tables of scores ask for it a hundred thousand times


def identity(name: str, language: str) -> dict[str, Any]:
    """The version of perturbation `name`, the hashes of its word lists and, if it reads any, its tables.

    Raises:
        UserError: no such perturbation, or a word list that cannot be read.
    """
    key = {"version": get(name)[0].version_in(language), "files": files(name, language)}
    return key | ({"tables": read} if (read := tables(name, language)) else {})


def tables(name: str, language: str) -> dict[str, str]:
    """Table -> 12 digits of the hash of what perturbation `name` reads of it; package -> its version."""
    perturbation = get(name)[0]
    hashes = {file: digest(content(language)) for file, content in perturbation.tables.items()}
    if declared := OWN.get(language):
        hashes["own_languages"] = digest(declared)  # its script may be changed in the profile
    return hashes | {package: installed(package) for package in perturbation.packages}
