"""What every scorer checks of its input."""

from __future__ import annotations

from collections.abc import Sequence


def same_length(gold: Sequence, predicted: Sequence, what: str) -> None:
    """A lost example would change the denominator in silence: refuse it.

    Raises:
        ValueError: the two differ in length.
    """
    if len(gold) != len(predicted):
        raise ValueError(f"{len(gold)} gold {what} but {len(predicted)} predicted")
