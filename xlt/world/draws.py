"""How the forms draw their records: without repetition, and as many of each label as are wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial, wraps
from itertools import cycle, islice
from random import Random
from typing import Any, TypeVar

from xlt.world.concepts import Event
from xlt.world.events import split_of

Item = TypeVar("Item")
Label = TypeVar("Label")


def distinct(draw: Callable[[], Item | None], key: Callable[[Item], Any] = lambda item: item) -> Iterator[Item]:
    """Draws without repetition; None stands for a draw that failed."""
    seen = set()
    while True:
        item = draw()
        if item is not None and key(item) not in seen:
            seen.add(key(item))
            yield item


def take(size: int, draw: Callable[[], Item | None], key: Callable[[Item], Any] = lambda item: item) -> list[Item]:
    """`size` different draws."""
    return list(islice(distinct(draw, key), size))


def different(draw: Callable[..., Item | None]) -> Callable[..., list[Item]]:
    """The draw of one record of a split (`rng`, `split`) becomes that of `size` different ones."""

    @wraps(draw)
    def records(rng: Random, split: str, size: int, *options: Any, **named: Any) -> list[Item]:
        return take(size, lambda: draw(rng, split, *options, **named))

    return records


def in_turn(labels: Sequence[Label], size: int) -> list[Label]:
    """`size` labels, of each as many."""
    return list(islice(cycle(labels), size))


def labelled(rng: Random, labels: list[Label], draw: Callable[[Label], Item | None]) -> list[tuple[Item, Label]]:
    """A draw for each of the labels, in random order. The draws of one label are different."""
    rng.shuffle(labels)
    draws = {label: distinct(partial(draw, label)) for label in labels}
    return [(next(draws[label]), label) for label in labels]


def askable(event: Event, split: str) -> bool:
    """Whether a hypothesis or question of this split may be about the event.

    Those of training are of the training split too, so that no premise of an evaluation set is met in training.
    """
    return split != "train" or split_of(event) == split
