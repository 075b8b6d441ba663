"""Where the records of a task lie: which folder or repository, which files of it, and how those are read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from xlt.core.errors import UserError
from xlt.core.paths import ROOT, made_root
from xlt.data import repository
from xlt.data.layout import Folder, Layout, Location, layout, usual
from xlt.spec import tasks
from xlt.spec.tasks import Task


@dataclass
class Places:
    """Data sets by hub id under `root`, or on the hub when `root` is None; what a folder `root` lacks is on the hub,
    unless it is the generated `world`. What a command of this project has made lies in the cache, whatever `root` is.
    Folders are listed again where `seen` has changed."""

    root: Path | None
    revisions: Mapping[str, str] = field(default_factory=dict)
    world: bool = False
    seen: int = 0

    def folder(self, task: Task) -> Path | None:
        """The data set's folder; None where its records come from the hub: what a folder XLT_HUB_ROOT lacks."""
        if task.own:
            return ROOT / Path(task.dataset).expanduser()
        if not self.world and (folder := made(task.dataset)):
            return folder
        if self.root is None:
            return None
        folder = self.root / task.dataset
        here = self.world or task.dataset.startswith(tasks.NOT_ON_THE_HUB) or folder.is_dir()
        return folder if here else None

    def files(self, task: Task, code: str, split: str) -> tuple[Location, tuple[str, ...], Layout]:
        """Where the split lies: a folder or repository, paths in it, and how they are read."""
        place, layout = self.config(task, code)
        name = layout.called(split, task.splits)
        if name in layout.splits:
            return place, layout.splits[name], layout
        here = ", ".join(f"{name} ({_files(paths)})" for name, paths in layout.splits.items())
        looked = " or ".join(dict.fromkeys((task.splits[split], *usual(task.splits[split]))))
        mend = f"give splits: {{{split}: ...}} in task {task.name}, or {self.mend(task)}"
        raise UserError(f"{named(task, code, split)}: no such split: looked for {looked}; there is {here}; {mend}")

    def config(self, task: Task, code: str) -> tuple[Location, Layout]:
        """Of a repository that is a loading script, the branch into which the hub has converted it."""
        place, config = self._place(task), task.config_for(code)
        try:
            return place, layout(place, config)
        except UserError as error:
            converted = tasks.PARQUET
            script = f"{task.dataset.rpartition('/')[2]}.py" in place.paths
            if isinstance(place, Folder) or not script or place.revision == converted:
                mend = f"; {self.mend(task)}" if isinstance(place, Folder) else ""
                raise UserError(f"task {task.name}: {error}{mend}") from None
        try:
            place = repository.resolve(task.dataset, revision=converted)
        except UserError:
            script = f"{task.dataset} is a loading script, which is not run, and has no branch {converted}"
            raise UserError(f"task {task.name}: {script}; name another data set") from None
        return place, layout(place, config)

    def _place(self, task: Task) -> Location:
        folder = self.folder(task)
        if folder is None and task.dataset.startswith(tasks.NOT_ON_THE_HUB):
            raise UserError(f"{task.dataset} is on no hub; {made_by(task)}")
        if folder is None:
            revision = self.revisions.get(task.dataset) or task.revision or None
            try:
                return repository.resolve(task.dataset, revision=revision)
            except UserError as error:
                raise type(error)(f"task {task.name}: {error}") from None
        if not (folder.is_dir() or task.own and folder.is_file()):
            raise UserError(f"{task.dataset}: there is no such folder; {self.mend(task)}")
        return _folder_at(folder, task.dataset, self.seen)

    def mend(self, task: Task) -> str:
        if task.own:
            return f"look into {task.dataset}"
        if self.folder(task) is not None:
            return f"look into {self.root.name}/{task.dataset}, or take it away to use the hub"
        return f"correct task {task.name}"


def made(dataset: str) -> Path | None:
    """The folder of a data set that a command of this project has made; None for others."""
    folder = made_root() / dataset
    return folder if dataset.startswith(tasks.FILTERED) and folder.is_dir() else None


def made_by(task: Task) -> str:
    """How a data set is had that is on no hub."""
    if task.dataset.startswith(tasks.FILTERED):
        return "`xlt filter` makes it, see xlt filter --help"
    return "set XLT_HUB_ROOT to a folder that has it"


def _files(paths: tuple[str, ...]) -> str:
    return paths[0] if len(paths) == 1 else f"{paths[0]} and {len(paths) - 1} more"


@cache
def _folder_at(root: Path, name: str, seen: int) -> Folder:
    """One for each place, so that its files are listed once."""
    return Folder(root, name, seen)


def named(task: Task, code: str, split: str) -> str:
    """What messages call a split."""
    return f"{task.dataset}/{task.config_for(code)}/{task.splits.get(split, split)}"
