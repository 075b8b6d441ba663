"""What everybody in the world knows: causes and effects, what things are for, and where they are found.

A happening is written as a verb, after "-" if it does not happen, with ":adjective" of the thing, after "other "
if somebody else does it. `LINKS` says what comes of what, if all of it is about one person and one thing
("Anna breaks a phone", so "Anna repairs a phone"). What else could come of it stands there too: such an
effect is never offered as a wrong answer, and its cause never as a wrong cause.
"""

from __future__ import annotations

from itertools import combinations, permutations
from typing import NamedTuple

from xlt.world.concepts import HYPERNYMS, NOUNS, Event


class Link(NamedTuple):
    """A cause, its effect, and other effects that could be thought of."""

    cause: str
    effect: str
    thinkable: tuple[str, ...] = ()


LINKS = tuple(
    Link(cause, effect, tuple(thinkable.split(", ")))
    for cause, effect, thinkable in (
        ("want", "buy", "carry, eat, -sell, other find"),
        ("see:cheap", "buy", "carry, eat, show, -sell"),
        ("see:expensive", "-buy", "sell, -sell, -carry, show"),
        ("see:dirty", "wash", "-buy, -carry, sell, -sell"),
        ("see:heavy", "-carry", "-buy, sell, -sell"),
        ("see:light", "carry", "buy, show, -sell"),
        ("hate", "sell", "-buy, -carry, other find"),
        ("love", "-sell", "buy, carry, show, wash, repair, eat, other see"),
        ("break", "repair", "buy, sell, -sell, -carry"),
        ("buy", "carry", "eat, show, wash, repair, sell, -sell, other see"),
        ("lose", "other find", "buy, -carry, -sell, other -find, other see"),
        ("hide", "other -find", "carry, -carry, -sell, other find"),
        ("write", "show", "sell, -sell, carry, other find, other see"),
        ("show", "other see", "buy, sell, -sell, carry, wash"),
        ("cook", "eat", "wash, show, sell, -sell, carry, other see"),
    )
)


def _exclusive(one: Link, two: Link) -> bool:
    """Whether, about the same thing, neither cause could lead to the effect of the other."""
    crossed = [(a.cause, b.effect) for a, b in ((one, two), (two, one))]
    return not any(
        effect in (cause, link.effect, *link.thinkable)
        for link, (cause, effect) in zip((one, two), crossed, strict=True)
    )


EXCLUSIVE = tuple(two for two in combinations(LINKS, 2) if _exclusive(*two))
CHAINS = tuple((one, two) for one, two in permutations(LINKS, 2) if one.effect == two.cause)

# English, what one does with it -> with which things; never with those of another line
USES = {
    "wears it": ("shirt", "hat", "coat", "dress"), "plays it": ("guitar", "piano", "violin"),
    "feeds it": ("dog", "cat", "horse", "bird"), "eats it": ("cake", "egg", "apple", "pear", "banana", "tomato"),
    "reads it": ("book", "letter", "newspaper"), "waters it": ("rose", "tulip"), "parks it": ("car", "bicycle"),
}  # fmt: skip

# place -> what one would look for there first
FOUND = {
    "kitchen": ("plate", "cup", "knife"), "garden": ("rose", "tulip"), "school": ("teacher", "student"),
    "hospital": ("doctor",), "library": ("book",), "village": ("farmer", "cow", "horse"), "forest": ("rabbit",),
    "beach": ("boat",), "street": ("car", "bicycle"),
}  # fmt: skip
KINDS = {above: tuple(noun for noun in NOUNS if NOUNS[noun][1] == above) for above in HYPERNYMS} | {
    "piece of clothing": USES["wears it"], "piece of furniture": ("chair", "table"),
}  # fmt: skip


def by_another(happening: str) -> bool:
    """Whether somebody else does it than the one whom the link is about."""
    return happening.startswith("other ")


def happen(happening: str, thing: Event, subject: str) -> Event:
    """The event of a happening, with the noun (and adjective, if it has none of its own) of `thing`.

    >>> happen("see:dirty", Event("anna", "see", "cup"), "david")
    Event(subject='david', verb='see', noun='cup', adjective='dirty', count=None, place=None, time=None, negated=False)
    """
    verb, _, adjective = happening.removeprefix("other ").partition(":")
    return Event(subject, verb.removeprefix("-"), thing.noun)._replace(
        adjective=adjective or thing.adjective,
        negated=verb.startswith("-"),
    )
