"""Events with more names in them: people with surnames, organisations that act, cities where things happen.

    >>> text(say(Scene(Event("anna", "buy", "apple", place="village"), surname="weber", city="new_york"), "de"))
    'Anna Weber kauft in New York einen Apfel.'

A scene is said by the grammar of its language, with an ordinary event in its place, and then the phrases of the
lexicon are put in. So no grammar knows of cities, and no record without them changes.
"""

from __future__ import annotations

from collections.abc import Iterable
from random import Random
from typing import NamedTuple

from xlt.world.concepts import NAMES, Event, Token
from xlt.world.draws import different
from xlt.world.events import event_of, split_of
from xlt.world.lexicon import lexicon
from xlt.world.render import DIALECTS, capitalised, grammar, replaced, text

SURNAMES = ("novak", "weber", "costa", "kim", "silva", "haddad")
CITIES = (
    "paris", "berlin", "london", "rome", "vienna", "moscow", "athens", "cairo", "istanbul", "new_york", "new_delhi",
    "buenos_aires", "san_francisco", "nizhny_novgorod",
)  # fmt: skip
ORGANISATIONS = (
    "red_cross", "unesco", "unicef", "greenpeace", "world_bank", "european_union", "nasa", "university_vienna",
    "university_cairo", "university_athens",
)  # fmt: skip
KINDS = ("PER", "ORG", "LOC")
OFFICIAL = ("buy", "sell", "find", "show", "want", "repair")  # what an organisation does, if it is to be believed
SOMEBODY, HERE = "david", "village"  # the subject and the place of an event, where a name stands instead


class Scene(NamedTuple):
    """An event; a surname after the name of its subject, an organisation or a city instead of subject or place."""

    event: Event
    surname: str | None = None
    organisation: str | None = None
    city: str | None = None


def say(scene: Scene, language: str) -> list[Token]:
    """The statement of the scene. The tokens of a name have its kind (PER, ORG, LOC) as their `part`."""
    tokens = grammar(language).sentence(_stand_in(scene, language))
    if scene.organisation:
        tokens = replaced(tokens, "subject", _names(language, "organisations", scene.organisation, "subject"))
    if scene.surname:
        subject = [token for token in tokens if token.part == "subject"]
        tokens = replaced(tokens, "subject", [*subject, *_names(language, "surnames", scene.surname, "subject")])
    if scene.city:
        tokens = replaced(tokens, "place", _names(language, "cities", scene.city, "place"))
        tokens = _marked(tokens, "place", "LOC")
    if scene.organisation or scene.event.subject in NAMES:
        tokens = _marked(tokens, "subject", "ORG" if scene.organisation else "PER")
    return capitalised(tokens, language)


def _stand_in(scene: Scene, language: str) -> Event:
    """An event that agrees with the scene: its subject has the gender of the organisation."""
    if not scene.organisation:
        return scene.event
    _, gender = _entry(language, "organisations", scene.organisation)
    return scene.event._replace(subject="anna" if gender == "f" else SOMEBODY)


def _entry(language: str, section: str, name: str) -> tuple[str, str]:
    """Phrase and gender; masculine where the language does not say, because its verbs do not mind."""
    base = language.partition("@")[0]
    entry = lexicon(DIALECTS.get(base, base).partition("-")[0])[section][name]
    return tuple(entry) if isinstance(entry, list) else (entry, "m")


def _names(language: str, section: str, name: str, part: str) -> list[Token]:
    return grammar(language).phrase(_entry(language, section, name)[0], part)


def _marked(tokens: list[Token], role: str, kind: str) -> list[Token]:
    """The tokens with `kind` as the part of the name in a role: all from its first proper noun to its last."""
    where = [i for i, token in enumerate(tokens) if token.part == role and token.upos == "PROPN"]
    inside = range(where[0], where[-1] + 1) if where else ()
    return [token._replace(part=kind) if i in inside else token for i, token in enumerate(tokens)]


@different
def scenes(rng: Random, split: str) -> Scene | None:
    """Scenes of one split, which is that of their event, with names more often than not.

    What is not said is the same in all scenes (any organisation stands where David would), so that
    no sentence belongs to two splits.
    """
    event = event_of(rng, split, general=False, negated=0.05)
    organisation = rng.choice(ORGANISATIONS) if event.verb in OFFICIAL and rng.random() < 0.7 else None
    city = rng.choice(CITIES) if event.place and rng.random() < 0.6 else None
    named = event.subject in NAMES and not organisation
    surname = rng.choice(SURNAMES) if named and rng.random() < 0.5 else None
    event = event._replace(
        subject=SOMEBODY if organisation else event.subject,
        place=HERE if city else event.place,
    )
    return Scene(event, surname, organisation, city) if split_of(event) == split else None


def scene_text_rows(records: Iterable[Scene], language: str) -> list[dict[str, str]]:
    """Pretraining text that holds the names: without it, no encoder has read the letters of some of them."""
    return [{"text": text(say(scene, language))} for scene in records]
