"""Checks before any work that the data sets and weights of a profile can be had.

What the phases need must be there. What a study alone needs may be missing: its cells then read "not run".
"""

from __future__ import annotations

from collections.abc import Iterable

import huggingface_hub

from xlt.core.errors import UserError
from xlt.core.paths import ROOT, hub_root
from xlt.data import places, repository
from xlt.lab import validate
from xlt.spec import tasks
from xlt.spec.profile import Profile
from xlt.spec.tasks import Task

Repository = tuple[str, str, str | None]  # id, "model" or "dataset", revision


def ready(profile: Profile, planned: bool = False) -> Profile:
    """All that can be known before any work: data and encoder can be had, and no sequence is too long for it.

    Returns the profile without the intermediate tasks whose data sets the hub no longer has, which it says. Of what is
    only `planned` anything may be missing where there is no network.

    Raises:
        UserError: what is missing or too long.
    """
    profile = check(profile, planned)
    if profile.encoder.model and not (planned and repository.offline() and lost([_encoder(profile)])):
        from xlt.data.weights import given_positions  # brings transformers along

        validate.lengths(profile, given_positions(profile.encoder), False, profile.name)
    return profile


def check(profile: Profile, planned: bool = False) -> Profile:
    """Stop at once, naming every missing id, when something that the main part needs cannot be had.

    Without network, everything that follows is told to use the hub's cache only.

    Raises:
        UserError: what is missing and how to get it.
    """
    needed = _needed(profile)
    if homeless := [name for name, *_ in needed if name.startswith(tasks.NOT_ON_THE_HUB)]:
        raise UserError(
            f"profile {profile.name} needs {', '.join(homeless)}, which the hub does not have: set XLT_HUB_ROOT to a "
            f"folder that holds them in hub layout (the rest still comes from the hub), or set their tasks to null. "
            "Without such a folder: mini"
        )
    if not (needed or _studied(profile)):
        return profile
    if not _online():
        repository.use_cache_only()
    lacks = lost(needed)
    if not repository.offline():
        profile = _without(profile, [one for one, error in lacks.items() if isinstance(error, repository.Gone)])
        still = _needed(profile)
        for (name, kind, _), error in ((one, error) for one, error in lacks.items() if one in still):
            raise UserError(f"profile {profile.name}, {_field(profile, name, kind)}: {error}")
    elif lacks and not planned:
        names, fetched = ", ".join(name for name, *_ in lacks), "; ".join(repository.fetch(*one) for one in lacks)
        data = any(kind == "dataset" for _, kind, _ in lacks)
        instead = ", or set XLT_HUB_ROOT to a folder that holds the data sets in hub layout" if data else ""
        raise UserError(
            f"profile {profile.name} needs {names} and there is no network; "
            f"where there is one: {fetched}{instead}. Without the hub: mini, or local with XLT_HUB_ROOT"
        )
    return profile


def lost(wanted: Iterable[Repository]) -> dict[Repository, UserError]:
    """Those of the repositories that cannot be had, and why; without network: of which the cache has nothing."""
    errors = {}
    for name, kind, revision in wanted:
        try:
            there = repository.resolve(name, kind, revision)
            if repository.offline() and not any(map(there.cached, there.contents)):
                raise UserError(f"nothing of {name} is in the hub's cache")
        except UserError as error:
            errors[name, kind, revision] = error
            if isinstance(error, repository.Unreachable):  # so would the others be, each after as long a wait
                break
    return errors


def missing(profile: Profile) -> list[str]:
    """The ids that the profile, with its studies, needs of the hub and that cannot be had."""
    return list(dict.fromkeys(name for name, *_ in lost([*_needed(profile), *_studied(profile)])))


def revisions(profile: Profile) -> dict[str, str]:
    """The commit of every data set and model of the hub that this run uses or, if it is over, used last."""
    known = {one: repository.last(*one) for one in [*_needed(profile), *_studied(profile)]}
    return {f"{name} {revision or ''}".strip(): last.commit for (name, _, revision), last in known.items() if last}


def _without(profile: Profile, gone: list[Repository]) -> Profile:
    """The profile without the intermediate stages that learn from what is gone."""
    kept = dict(profile.intermediate)
    for label in profile.intermediate:
        parts = [part.task for part in profile.stage(label, "intermediate").parts]
        here = [name for name, *_ in _data(profile, parts)]
        if lacks := [name for name, *_ in gone if name in here]:
            print(f"{label} is left out: the hub no longer has {', '.join(lacks)}")
            del kept[label]
    return profile.model_copy(update={"intermediate": kept}) if len(kept) < len(profile.intermediate) else profile


def _field(profile: Profile, name: str, kind: str) -> str:
    """Where the profile names the repository."""
    if kind == "model":
        return "encoder.model"
    named = [task for task in _main(profile) if name in [one for one, *_ in _data(profile, [task])]]
    return f"{'task' if len(named) == 1 else 'tasks'} {', '.join(named)}"


def _encoder(profile: Profile) -> Repository:
    return profile.encoder.model or "", "model", profile.encoder.revision


def _main(profile: Profile) -> list[str]:
    """The tasks of the main part: what a study needs besides may be missing."""
    stages = [*profile.phases, *([profile.pretraining] if profile.pretraining else [])]
    return list(dict.fromkeys([*profile.target, *(part.task for stage in stages for part in stage.parts)]))


def _needed(profile: Profile) -> list[Repository]:
    """The encoder and the data sets of the main part that are to come from the hub itself."""
    model = profile.encoder.model
    local = not model or model.startswith(("package:", ".", "/", "~")) or (ROOT / model).is_dir()
    return ([] if local else [_encoder(profile)]) + _data(profile, _main(profile))


def _studied(profile: Profile) -> list[Repository]:
    return [one for one in _data(profile, profile.studied) if not one[0].startswith(tasks.NOT_ON_THE_HUB)]


def _data(profile: Profile, names: Iterable[str]) -> list[Repository]:
    """The data sets of these tasks that the folder XLT_HUB_ROOT does not have."""
    if profile.data.source == "world":
        return []
    root = hub_root()
    named = [tasks.get(name) for name in names]
    used = [tasks.get(name) for task in named for name in (task.name, task.training.name, *task.parts, *task.pool)]
    everywhere = [place for task in used for place in _places(task, profile.test_languages(task.name))]
    pinned = profile.data.revisions
    data = {(place.dataset, pinned.get(place.dataset) or place.revision or None) for place in everywhere}
    data = {one for one in data if not (places.made(one[0]) or root and (root / one[0]).is_dir())}
    return [(name, "dataset", revision) for name, revision in sorted(data, key=str)]


def _places(task: Task, languages: tuple[str, ...]) -> list[Task]:
    """The task as it is in each language that is asked for, where its records come from the hub."""
    codes = [code for code in task.everywhere if code in languages] if languages else task.languages
    return [place for place in (task, *map(task.at, codes)) if place.dataset and not place.own]


def _online() -> bool:
    if repository.offline():
        return False
    try:
        huggingface_hub.get_session().head(huggingface_hub.constants.ENDPOINT, timeout=5)
    except Exception:  # whatever the HTTP library raises: it cannot be reached
        return False
    return True
