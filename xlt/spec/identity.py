"""Values that are identified by their content: what a run or a score is stored under.

A field at its default is not part of the content, so a field that is added later leaves the keys of old results as
they are. A default, once released, must therefore never change.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from pydantic import BaseModel, ConfigDict


class Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=False)

    def key(self) -> dict[str, Any]:
        """What identifies the value: every field that differs from its default, JSON-ready."""
        return self.model_dump(mode="json", exclude_defaults=True)


def canonical_json(value: Any) -> str:
    """One JSON text for one value, on every machine."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def digest(value: Any) -> str:
    """12 hexadecimal digits of the SHA-256 of the canonical JSON."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()[:12]
