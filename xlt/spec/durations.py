"""How long a stage trains where a profile says it in several places: what stands nearest holds."""

from __future__ import annotations

from typing import Any

Fields = dict[str, Any]


def nearest(own: Fields, merged: Fields, steps: bool = False) -> Fields:
    """`merged`, what a file and its bases say, without the `steps` that its `own` `epochs` set aside.

    A stage with `steps` trains for so many updates whatever its `epochs` are. So `steps` of a base, of `training` or of
    a study would make nothing of the `epochs` that the file states for a stage. A file that extends this one and
    states `steps` has the last word again.

    Args:
        steps: whether `training` further out states `steps`.
    """
    steps = steps or bool(_table(merged.get("training")).get("steps"))
    found = {name: nearest(_table(own.get(name)), value, steps) if isinstance(value, dict) else value
             for name, value in merged.items()}  # fmt: skip
    if own.get("epochs") and not own.get("steps") and (steps or merged.get("steps")):
        found["steps"] = None
    return found


def _table(value: Any) -> Fields:
    return value if isinstance(value, dict) else {}
