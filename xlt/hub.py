"""Can what a profile needs be had? Asked before any work. What only a study needs of the hub may be missing."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from xlt import tasks
from xlt.errors import UserError
from xlt.params import ROOT, Profile
from xlt.tasks import Task

NOT_ON_THE_HUB = "xlt/"  # ids of data sets that are converted from elsewhere, or the generated world's
Repository = tuple[str, str, str | None]  # id, "model" or "dataset", revision


def ready(profile: Profile) -> None:
    """All that can be known before any work: data and encoder can be had, and no sequence is too long for it.

    Raises:
        UserError: what is missing or too long.
    """
    check(profile)
    if profile.encoder.model:
        from xlt.encoders import given_positions  # brings torch along

        profile.check_lengths(given_positions(profile.encoder), False, profile.name)


def folder() -> Path | None:
    """The folder XLT_HUB_ROOT, if it is set.

    Raises:
        UserError: it is no folder.
    """
    root = os.environ.get("XLT_HUB_ROOT")
    if root and not Path(root).expanduser().is_dir():
        raise UserError(f"XLT_HUB_ROOT={root} is not a folder; point it at data sets in hub layout, or unset it")
    return Path(root).expanduser().resolve() if root else None


def check(profile: Profile) -> None:
    """Stop at once, naming every missing id, when there is no network and something is not at hand.

    Without network, everything that follows is told to use the hub's cache only.

    Raises:
        UserError: what is missing and how to get it.
    """
    needed = _needed(profile)
    if homeless := [name for name, *_ in needed if name.startswith(NOT_ON_THE_HUB)]:
        raise UserError(
            f"profile {profile.name} needs {', '.join(homeless)}, which the hub does not have: set XLT_HUB_ROOT to a "
            f"folder that holds them in hub layout (the rest still comes from the hub), or set their tasks to null"
        )
    studied = [one for one in _data(profile, profile.studied) if not one[0].startswith(NOT_ON_THE_HUB)]
    if not (needed or studied) or _online():
        return
    _use_cache_only()
    missing = [repository for repository in needed if not _cached(*repository)]
    if missing:
        names, fetched = ", ".join(name for name, *_ in missing), "; ".join(fetch(*one) for one in missing)
        data = any(kind == "dataset" for _, kind, _ in missing)
        instead = ", or set XLT_HUB_ROOT to a folder that holds the data sets in hub layout" if data else ""
        raise UserError(
            f"profile {profile.name} needs {names} and there is no network; "
            f"where there is one: {fetched}{instead}. Without the hub: mini, or local with XLT_HUB_ROOT"
        )


def reachable(name: str, revision: str | None = None) -> bool:
    """Whether the hub or, without network, its cache has the data set."""
    from huggingface_hub import constants

    return not name.startswith(NOT_ON_THE_HUB) and (not constants.HF_HUB_OFFLINE or _cached(name, "dataset", revision))


def fetch(name: str, kind: str, revision: str | None = None) -> str:
    """The command that puts a repository of this kind, "model" or "dataset", into the hub's cache."""
    of_kind, of_revision = " --repo-type dataset" * (kind == "dataset"), f" --revision {revision}" if revision else ""
    return f"hf download {name}{of_kind}{of_revision}"


def _needed(profile: Profile) -> list[Repository]:
    """The encoder and the data sets of the main part that are to come from the hub itself."""
    model, revision = profile.encoder.model, profile.encoder.revision
    remote = model and not model.startswith(("package:", ".", "/", "~")) and not (ROOT / model).is_dir()
    models: list[Repository] = [(model, "model", revision)] if remote else []
    stages = [*profile.phases, *([profile.pretraining] if profile.pretraining else [])]
    return models + _data(profile, [*profile.target, *(part.task for stage in stages for part in stage.parts)])


def _data(profile: Profile, names: Iterable[str]) -> list[Repository]:
    """The data sets of these tasks that the folder XLT_HUB_ROOT does not have."""
    if profile.data.source == "world":
        return []
    root = folder()
    named = [tasks.get(name) for name in names]
    used = [tasks.get(name) for task in named for name in (task.name, task.training.name, *task.parts, *task.pool)]
    places = [place for task in used for place in _places(task, profile.languages)]
    pinned = profile.data.revisions
    data = {(place.dataset, pinned.get(place.dataset) or place.revision or None) for place in places}
    if root:
        data = {one for one in data if not (root / one[0]).is_dir()}
    return [(name, "dataset", revision) for name, revision in sorted(data, key=str)]


def _places(task: Task, languages: tuple[str, ...]) -> list[Task]:
    """The task as it is in each language that is asked for, where its records come from the hub."""
    codes = [code for code in task.everywhere if code in languages] if languages else task.languages
    return [place for place in (task, *map(task.at, codes)) if place.dataset and not place.own]


def _online() -> bool:
    import huggingface_hub.constants

    if huggingface_hub.constants.HF_HUB_OFFLINE:
        return False
    try:
        huggingface_hub.get_session().head(huggingface_hub.constants.ENDPOINT, timeout=5)
    except Exception:  # whatever the HTTP library raises: it cannot be reached
        return False
    return True


def _use_cache_only() -> None:
    import datasets
    import huggingface_hub.constants

    os.environ["HF_HUB_OFFLINE"] = "1"  # for the worker processes
    huggingface_hub.constants.HF_HUB_OFFLINE = True
    datasets.config.HF_HUB_OFFLINE = True


def _cached(name: str, kind: str, revision: str | None = None) -> bool:
    from huggingface_hub.constants import HF_HUB_CACHE

    folder = Path(HF_HUB_CACHE) / f"{kind}s--{name.replace('/', '--')}"
    if revision:
        return any((folder / place / revision).exists() for place in ("refs", "snapshots"))
    return (folder / "snapshots").is_dir() and any((folder / "snapshots").iterdir())
