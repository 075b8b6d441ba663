"""How long a stage trains when several files say so: the setting nearest to the stage holds."""

from __future__ import annotations

from typing import Any

Fields = dict[str, Any]


def nearest(own: Fields, merged: Fields, steps: bool = False) -> Fields:
    """`merged` with `steps: null` wherever the file itself states `epochs` and something else states `steps`.

    In a Stage `steps` overrides `epochs`. So `steps` inherited from a base file, from `training` or from a study would
    silently undo the `epochs` that a file states for a stage.

    Args:
        own: what the file says.
        merged: what the file and the files that it extends say together.
        steps: whether a table around this one states `steps` under `training`.
    """
    steps = steps or bool(_table(merged.get("training")).get("steps"))
    fields: Fields = {}
    for name, value in merged.items():
        inner = isinstance(value, dict)
        fields[name] = nearest(_table(own.get(name)), value, steps) if inner else value
    if own.get("epochs") and not own.get("steps") and (steps or merged.get("steps")):
        fields["steps"] = None
    return fields


def _table(value: Any) -> Fields:
    """The value if it is a table; YAML of a user may hold anything, which is refused elsewhere."""
    return value if isinstance(value, dict) else {}
