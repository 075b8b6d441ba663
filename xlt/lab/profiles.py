"""Reads profiles from files: params/NAME.yaml or a file of the user's own, merged over the files that it extends.

A file states only what differs from its base. `bare` is the empty base.
"""

from __future__ import annotations

from functools import reduce
from itertools import takewhile
from pathlib import Path
from typing import Any

import yaml

from xlt.core.errors import UserError, unknown
from xlt.core.files import read_yaml
from xlt.core.paths import ROOT
from xlt.data import spoken
from xlt.lab import validate
from xlt.models import robust
from xlt.spec import durations, stage_rules, tasks
from xlt.spec.languages import language
from xlt.spec.profile import Profile
from xlt.spec.recipe import PACKAGED
from xlt.spec.settings import parse
from xlt.spec.study import written_out


def _merge(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """`base` with the values of `over` in its place, table by table.

    A null in `over` removes the entry of the base. Where the base has none it is kept, as the value of a setting.
    """
    merged = dict(base)
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = _merge(merged[key], value) if both else value
    taken_out = {key for key, value in over.items() if value is None and base.get(key) is not None}
    return {key: value for key, value in merged.items() if key not in taken_out}


def _merged(files: list[dict[str, Any]]) -> dict[str, Any]:
    """What the files, in the order of `_files`, say together."""
    return reduce(_over, reversed(files), {})


def _over(base: dict[str, Any], content: dict[str, Any]) -> dict[str, Any]:
    return durations.nearest(content, _merge(base, content))


def _files(path: Path, above: tuple[Path, ...] = ()) -> list[dict[str, Any]]:
    """The content of the file at `path`, then that of the file that it extends, and so on."""
    if path in above:
        raise UserError(f"{path.name} extends itself; give it another base")
    try:
        content = read_yaml(path)
    except UnicodeDecodeError as error:
        raise UserError(f"{path.name} is not UTF-8 (byte {error.start}); save it as UTF-8") from None
    except yaml.YAMLError as error:
        raise UserError(f"{path.name} is not valid YAML: {' '.join(str(error).split())}") from None
    if not isinstance(content, dict):
        raise UserError(f"{path.name} holds no settings; begin with `extends: bare`")
    if "tasks" in content:
        content["tasks"] = _placed(content["tasks"], path.resolve().parent)
    if isinstance(content.get("studies"), dict):
        content["studies"] = {name: written_out(study) for name, study in content["studies"].items()}
    base = content.pop("extends", None)
    return [content, *(_files(_find(str(base), _PARTS[:2]), (*above, path)) if base else [])]


def _added(files: list[dict[str, Any]]) -> frozenset[str]:
    """The tasks that are declared by files before the first, in the order of `_files`, that names languages."""
    silent = takewhile(lambda content: not content.get("languages"), files)
    return frozenset(name for content in silent for name in content.get("tasks") or ())


def _placed(declared: Any, folder: Path) -> Any:
    """The tasks, with the relative paths of data sets resolved against the folder of the file that declares them.

    Within the project they are relative to its root, so that they do not depend on where the project lies.
    """
    if not isinstance(declared, dict):
        return declared
    placed = {key: _placed(value, folder) for key, value in declared.items()}
    if str(placed.get("dataset")).startswith("."):
        place = (folder / placed["dataset"]).resolve()
        placed["dataset"] = f"./{place.relative_to(ROOT)}" if place.is_relative_to(ROOT) else str(place)
    return placed


_PARTS = ("studies", "studies_hub", "claims")  # in params/, but no profiles: to be extended, and of `xlt check`


def profiles() -> list[str]:
    return sorted(path.stem for path in (ROOT / "params").glob("*.yaml") if path.stem not in _PARTS)


def _find(name: str, known: tuple[str, ...] = ()) -> Path:
    path = Path(name)
    if path.suffix == ".yaml" and path.is_file():
        return path
    if name not in (*profiles(), *known):
        raise unknown("profile", name, profiles())
    return ROOT / "params" / f"{name}.yaml"


def extra(name: str) -> str:
    """The extra of the installation that a profile needs, "local" where its weights come in a package; else "".

    Raises:
        UserError: no such profile, or a file that cannot be read; nothing else of it is checked.
    """
    encoder = _merged(_files(_find(name))).get("encoder")
    model = encoder.get("model") if isinstance(encoder, dict) else None
    return "local" if model in PACKAGED else ""


def load(name: str) -> Profile:
    """The profile `name` (a file in params/) or the YAML file at that path, wholly checked.

    Raises:
        UserError: unknown profile, setting, task or language, or a value of the wrong type.
    """
    path = _find(name)
    files = _files(path)
    profile: Profile = parse(Profile, {"name": path.stem, **_merged(files)}, path.name)
    # What a user's task leaves out, such as the languages, is taken from its files.
    declared = {name: spoken.found(name, fields, profile.name) for name, fields in profile.tasks.items()}
    profile = profile.model_copy(update={"tasks": declared})
    profile._added = _added(files)
    profile.learn_tasks()
    if not (profile.encoder.model or profile.encoder.text):
        raise UserError(f"{path.name}: encoder: give either model, or text and languages")
    if profile.pretraining:
        stage_rules.check(profile.pretraining, f"{path.name}: pretraining")
    for task in [*profile.target, *(name for name in profile.evaluation if name != "default")]:
        tasks.get(task)
        profile.evaluate(task, "en")
    for code in (*profile.languages, *profile.encoder.languages):
        language(code)
    if taken := [name for name in profile.controls if name in profile.intermediate or name == "none"]:
        raise UserError(f"{path.name}: controls.{taken[0]}: another row has that name; give the control one of its own")
    for stage in profile.phases:
        robust.check(stage)
    for study in profile.studies:
        validate.study(profile, study)
    if not profile.encoder.model:  # of given weights the number of positions is not known here
        validate.lengths(profile, profile.encoder.positions, True, path.name)
    return profile
