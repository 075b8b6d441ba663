"""Word order: words of a clause change places. A gold span counts as one word, so it moves as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from xlt.perturb.registry import MOVE, perturbation

Reordering = tuple[int, list[int]]  # start, order: the unit start + order[k] stands at start + k
_WINDOW = 3


@perturbation(
    "shuffle", "order", "words; position within two words", unit=f"window of {_WINDOW} words", form=MOVE, spaces=True
)
def shuffle(length: int, rng: Random) -> Iterator[Reordering]:
    """Words change places within a window of three."""
    for start in range(rng.randrange(_WINDOW), length - 1, _WINDOW):
        size = min(_WINDOW, length - start)
        order = list(range(size))
        while order == sorted(order):
            rng.shuffle(order)
        yield start, order


@perturbation("last", "order", "words; order of the others", unit="clause", form=MOVE, spaces=True)
def last(length: int, rng: Random) -> Iterator[Reordering]:
    """One word of the clause moves to its end, as a verb-last order would have its verb."""
    if length > 1:
        start = rng.randrange(length - 1)
        yield start, [*range(1, length - start), 0]


@perturbation("reverse", "order", "words", unit="clause", form=MOVE, spaces=True)
def reverse(length: int, _: Random) -> Iterator[Reordering]:
    """The clause back to front."""
    if length > 1:
        yield 0, list(reversed(range(length)))
