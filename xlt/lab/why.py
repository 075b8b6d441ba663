"""Why a stored run and its scores are current or stale, field by field: `xlt why`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from xlt.core.errors import UserError, unknown
from xlt.data.store import Store
from xlt.lab import studies
from xlt.lab.lab import Lab
from xlt.spec.recipe import Evaluation, Recipe


def _differences(old: Any, new: Any, path: str = "") -> Iterator[str]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            yield from _differences(old.get(key, "(default)"), new.get(key, "(default)"), f"{path}.{key}".lstrip("."))
    elif old != new:
        yield f"{path}: was {json.dumps(old)}, is now {json.dumps(new)}"


def why(profile: str, run: str) -> list[str]:
    """Why the stored runs called `run` (name, id or a part of them) and their scores are or are not current, field by
    field. Those that the profile uses come before others: of these alone it is said where there are some.

    Raises:
        UserError: no stored run is called so, or runs of several names are.
    """
    lab = Lab.from_params(profile)
    current = {lab.store.folder(recipe).name: recipe for recipe in studies.all_recipes(lab)}
    called = _called(run, sorted(path.parent for path in lab.store.root.glob("[!.]*/run.json")))
    chosen = [folder for folder in called if folder.name in current] or called
    if len(names := sorted({_name(folder.name) for folder in chosen})) > 1:
        raise UserError(f"'{run}' is a part of the names of several runs: {', '.join(names)}; give one of these")
    return [line for folder in chosen for line in _explained(lab, profile, folder, current)]


def _called(run: str, folders: list[Path]) -> list[Path]:
    """The folders of runs with that name or id; without any, those that have it in their name.

    Raises:
        UserError: there is none.
    """
    whole = [folder for folder in folders if run in (folder.name, *folder.name.rsplit("-", 1))]
    called = whole or [folder for folder in folders if run and run in folder.name]
    if not called:
        raise unknown("run", run, [folder.name for folder in folders])
    return called


def _name(folder: str) -> str:
    """The name of a run without its id."""
    return folder.rsplit("-", 1)[0]


def _explained(lab: Lab, profile: str, folder: Path, current: dict[str, Recipe]) -> list[str]:
    """Why one stored run is current or not; `current`: what the profile uses, by folder."""
    if folder.name in current:
        recipe = current[folder.name]
        stale, dropped = list(_stale_scores(lab.store, recipe)), _dropped(lab.store, recipe)
        if not stale:
            return [f"{folder.name} is current: profile {profile} uses it as it is{dropped}"]
        head = f"{folder.name} is current, but these of its scores are stale{dropped}:"
        return [head, *(f"  {change}" for change in stale)]
    rivals = [recipe for other, recipe in current.items() if _name(other) == _name(folder.name)]
    if not rivals:
        return [f"{folder.name} is of no use to profile {profile}: it has no recipe {_name(folder.name)}"]
    record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    changes = min((_changes(lab.store, record["key"], rival) for rival in rivals), key=len)
    return [f"{folder.name} is stale:", *(f"  {change}" for change in changes)]


def _dropped(store: Store, recipe: Recipe) -> str:
    more = "; its weights were dropped (resources.keep: scores), so it is trained again if more is asked of it"
    return "" if store.has_weights(recipe) else more


def _stale_scores(store: Store, recipe: Recipe) -> Iterator[str]:
    """What differs in the key of each stale score of a run. A score that has been made again since is not stale."""
    for file in sorted((store.folder(recipe) / "scores").glob("*.json")):
        key = json.loads(file.read_text(encoding="utf-8"))["key"]
        try:
            evaluation = Evaluation(**key["evaluation"])
            now = store.evaluation_key(recipe, evaluation)
        except (UserError, ValueError):  # a score of another profile, whose task or word list is not known here
            continue
        if not store.score_file(recipe, evaluation).is_file():
            under = evaluation.perturbation or (evaluation.attack and f"attack {evaluation.attack.name}")
            name = f"{evaluation.task} in {evaluation.language}" + (f" under {under}" if under else "")
            yield from (f"{name}: {change}" for change in _differences(key, now))


def _changes(store: Store, key: dict[str, Any], recipe: Recipe) -> list[str]:
    """What differs between a stored key and that of `recipe`.

    A change in an early stage changes the key of every later run, where it shows only as another parent. So the parents
    are compared too, as far as they are stored.
    """
    now = store.key(recipe)
    old, new = key.get("parent"), now.get("parent")
    file = next(store.root.glob(f"[!.]*-{old}/run.json"), None)
    if old == new or recipe.parent is None or file is None:
        return list(_differences(key, now))
    above = _changes(store, json.loads(file.read_text(encoding="utf-8"))["key"], recipe.parent)
    return [f"in {recipe.parent.name}: {c}" if not c.startswith("in ") else c for c in above] + list(
        _differences(key | {"parent": new}, now)
    )
