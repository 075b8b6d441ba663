"""The languages of a task that its folder holds, and those in which a profile's generated world is told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xlt.core.errors import UserError
from xlt.core.paths import ROOT
from xlt.spec import tasks
from xlt.spec.languages import LANGUAGES, known

if TYPE_CHECKING:
    from xlt.spec.profile import Profile


def found(name: str, fields: Any, where: str) -> Any:
    """The declaration of a task with its languages: where it names none and has records by language, those found.

    That is, the languages of its table `config`, or those of its folders or its card's configs.

    Raises:
        UserError: records by language, of which none can be told.
    """
    if not isinstance(fields, Mapping) or "languages" in fields:
        return fields
    table = fields.get("config")
    task = tasks.parse(name, {**fields, "languages": list(table)} if isinstance(table, Mapping) else fields, where)
    if not task.multilingual:
        return fields
    codes = list(dict.fromkeys([*_configured(task), *task.elsewhere]))
    if not codes:
        raise UserError(f"{where}: task {name}: has records by language, and none is told; give languages: en, say")
    return {**fields, "languages": codes}


def _configured(task: tasks.Task) -> Iterable[str]:
    if isinstance(task.config, Mapping) or not ("{" in task.config or task.prefix):
        return task.languages
    if task.prefix or not task.own:
        return ()
    from xlt.data.layout import Folder, configs  # brings datasets along

    folder = ROOT / Path(task.dataset).expanduser()
    return [code for config in configs(Folder(folder, task.dataset)) for code in _codes(task, config)]


def _codes(task: tasks.Task, config: str) -> Iterator[str]:
    """The language whose records a config of that name holds, if `Task.config` says one."""
    start, _, end = task.config.partition("{code}")
    written = config.removeprefix(start).removesuffix(end)
    if declared := [code for code in LANGUAGES if task.config_for(code) == config]:
        yield declared[0]
    elif known(written) and config in (task.config_for(written), f"{start}{written}{end}"):  # in any spelling
        yield written


def of_world(profile: Profile) -> list[str]:
    """The languages in which the profile's generated world is told: those named but for tasks of the user's own."""
    from xlt.world import LANGUAGES as told

    own = {code for name in profile.tasks for code in tasks.get(name).everywhere}
    named = [code for code in profile.languages if _told(code) or code not in own] or told
    studied = [code for plan in profile.studies.values() for code in (*plan.languages, *plan.pairs)]
    return list(dict.fromkeys([*named, *filter(_told, studied)]))


def unlike_world(code: str) -> str:
    """Why a generated world has no records in a language, or how that is mended; the end of a sentence."""
    from xlt.world import LANGUAGES as told

    return "; add it to languages" if _told(code) else f": such a world speaks {', '.join(told)} alone"


def _told(code: str) -> bool:
    from xlt.world import LANGUAGES as told

    return code.partition("@")[0] in told
