"""The sentences of the minimum-functionality tests: one YAML file for each language, the same entries in all.

[x|y] is x for a man and y for a woman, or by the gender of a thing; questions about who it is have x. What is in
braces is filled in: {a} and {b} people, {thing}, {size}, {colour}, {job} and {country} from the lists. `than` has the
names in the form that they take in the place of {b}, where that is another one. Forms were checked by eye.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml

from xlt.world.render import DIALECTS


@cache
def sentences(language: str) -> dict[str, Any]:
    """The sections of one language; those of a dialect come in one after the other as its strength grows."""
    base, _, strength = language.partition("@")
    if base not in DIALECTS:
        return _read(base.partition("-")[0])
    own = _read(base)
    shown = int(float(strength or 1) * len(own))
    return _read(DIALECTS[base]) | dict(list(own.items())[:shown])


@cache
def _read(code: str) -> dict[str, Any]:
    return yaml.safe_load(Path(__file__).with_name(f"{code}.yaml").read_text(encoding="utf-8"))
