"""Entity linking as in Mewsli-X (Ruder et al. 2021): a mention in its context, and descriptions to choose from.

An entity is a person, an organisation or a city; its description says two things of it, and the context of a
mention one of the two again, mostly with another place or time. Namesakes are common: there is many an Anna, and
only what is said of her tells which one is meant. As in Mewsli-X each description is in one of the languages,
training pairs are English, and no entity of an evaluation set is met in training.

The hub's columns: pairs have `mention` and `entity`, mentions `mention` (its span in braces) and `entity_id`,
candidates `entity_id` and `description`.
"""

from __future__ import annotations

from random import Random
from typing import NamedTuple

from xlt.world.columns import Row, features, row_by_row
from xlt.world.concepts import NAMES, Event
from xlt.world.entities import CITIES, HERE, OFFICIAL, ORGANISATIONS, SOMEBODY, SURNAMES, Scene, say
from xlt.world.events import event_of, fits, random_filler, sensible
from xlt.world.render import span, text

_KINDS = ("PER", "PER", "PER", "ORG", "LOC")
_QUARTERS = {"train": (0, 1), "dev": (2,), "test": (3,)}  # which organisations and cities a split has
_FIRST_ID = {"train": 100_000, "dev": 200_000, "test": 300_000}


class Linked(NamedTuple):
    """An entity, what its description says of it, and what is said where it is mentioned."""

    entity_id: str
    kind: str
    facts: tuple[Scene, Scene]
    mention: Scene


def linked(rng: Random, split: str, size: int) -> list[Linked]:
    """Different entities of one split: people, and its organisations and cities as long as there are new ones."""
    new = {
        kind: [name for i, name in enumerate(names) if i % 4 in _QUARTERS[split]]
        for kind, names in (("ORG", ORGANISATIONS), ("LOC", CITIES))
    }
    entities, known = [], set()  # what is known of one Anna is said of no other
    while len(entities) < size:
        kind = rng.choice(_KINDS)
        kind = kind if kind == "PER" or new[kind] else "PER"
        name = rng.choice(SURNAMES) if kind == "PER" else new[kind][0]
        first = rng.choice(NAMES)
        events = [_event(rng, split, kind, first) for _ in range(2)]
        statements = {(first if kind == "PER" else name, *_core(kind, event)) for event in events}
        if len(statements) == 2 and not statements & known:
            known |= statements
            if kind != "PER":
                new[kind].pop(0)
            mention = _scene(kind, name, _said_again(rng, kind, rng.choice(events)))
            if kind == "PER" and rng.random() < 0.5:
                mention = mention._replace(surname=None)
            facts = (_scene(kind, name, events[0]), _scene(kind, name, events[1]))
            entities.append(Linked(f"Q{_FIRST_ID[split] + len(entities)}", kind, facts, mention))
    return entities


def _event(rng: Random, split: str, kind: str, first: str) -> Event:
    """An event that the kind of entity can take part in."""
    while True:
        event = event_of(rng, split, general=False)
        if kind == "LOC":
            event = event._replace(place=HERE)
        elif kind == "PER" or event.verb in OFFICIAL:
            event = event._replace(subject=first if kind == "PER" else SOMEBODY)
        else:
            continue
        if fits(event, split):
            return event


def _core(kind: str, event: Event) -> tuple:
    """What is said of an entity, wherever and whenever it is; of a city, who does what there."""
    return event.subject if kind == "LOC" else None, event.verb, event.noun, event.adjective, event.count


def _scene(kind: str, name: str, event: Event) -> Scene:
    return Scene(event, **{{"PER": "surname", "ORG": "organisation", "LOC": "city"}[kind]: name})


def _said_again(rng: Random, kind: str, event: Event) -> Event:
    """The event at another time, and unless it is the city that is meant, in another place."""
    place = event.place if kind == "LOC" else random_filler(rng, event, "place")
    other = event._replace(place=place, time=random_filler(rng, event, "time"))
    return other if sensible(other) else event


@row_by_row
def mention_rows(entity: Linked, language: str, i: int) -> Row:
    """A mention in its context, and which entity it is."""
    return {"mention": _marked(entity, language), "entity_id": entity.entity_id}


@row_by_row
def candidate_rows(entity: Linked, language: str, i: int) -> Row:
    """The descriptions among which to choose."""
    return {"entity_id": entity.entity_id, "description": _description(entity, language)}


@row_by_row
def pair_rows(entity: Linked, language: str, i: int) -> Row:
    """Mentions with the descriptions of their entities, to train on."""
    return {"mention": _marked(entity, language), "entity": _description(entity, language)}


def _marked(entity: Linked, language: str) -> str:
    tokens = say(entity.mention, language)
    context, (start, end) = text(tokens), span([tokens], 0, entity.kind)
    return f"{context[:start]}{{{context[start:end]}}}{context[end:]}"


def _description(entity: Linked, language: str) -> str:
    return text(*(say(fact, language) for fact in entity.facts))


_MEWSLI = "izhx/mewsli-x"
FEATURES = {
    f"{_MEWSLI}/wikipedia_pairs": features("mention entity"),
    f"{_MEWSLI}/candidate_entities": features("entity_id description"),
    _MEWSLI: features("mention entity_id"),
}
_SAY = {"wikipedia_pairs": pair_rows, "{code}": mention_rows, "candidate_entities{one}": candidate_rows}
SETS = {
    "mewsli_train": ("train", linked, _SAY, [(_MEWSLI, "wikipedia_pairs", "train")]),
    "mewsli_dev": ("dev", linked, _SAY, [(_MEWSLI, config, "validation") for config in _SAY]),
    "mewsli_test": ("test", linked, _SAY, [(_MEWSLI, config, "test") for config in list(_SAY)[1:]]),
}
