"""Where records come from: the generated world, a folder in hub layout, or the hub. One way in for all.

The world is written as a folder in hub layout, so a folder and the world are the same thing; a folder
and the hub go through the same `datasets` calls. `Source.load` gives a `datasets.Dataset` with our
column names, checked: no missing column, no label outside the declared set, not empty.
"""

from __future__ import annotations

import copy
import hashlib
import os
import re
import tempfile
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

import datasets
import huggingface_hub
import numpy as np
import pyarrow as pa
import yaml

from xlt import hub, records, tasks
from xlt.errors import UserError, unknown
from xlt.params import ROOT, Profile, cache_root
from xlt.tasks import Task

datasets.disable_progress_bars()

_NO_ROWS = "BatchSize must be greater than 0"  # what Arrow says of a group of no rows
_SNAPSHOT = re.compile(r"/datasets--([^/]+?)--([^/]+)/snapshots/([0-9a-f]{40})/(.+)$")


class Source:
    """Data sets by hub id under `root`, or on the hub when `root` is None; `asked`: the languages of a profile."""

    def __init__(
        self, root: Path | None, revisions: dict[str, str] | None = None, label: dict | None = None,
        asked: tuple[str, ...] = (),
    ):  # fmt: skip
        self.root, self.revisions, self.label, self.asked = root, revisions or {}, label, asked
        self._holding: set[tuple[str, ...]] = set()  # what was found here; asked for every score, so kept

    @classmethod
    def of(cls, profile: Profile) -> Source:
        """The profile's source; writes the generated world first if that is it."""
        if profile.data.source == "world":
            return _world(profile)
        return cls(hub.folder(), profile.data.revisions, asked=profile.languages)

    def __str__(self) -> str:
        if self.label:
            return "the generated world"
        return f"the folder {self.root.name}" if self.root else "the hub"

    def languages(self, task: Task, split: str) -> tuple[str, ...]:
        """Languages of `task` that have `split` here; on the hub, those that the task declares (XTREME's, and what
        XTREME-R adds where the profile names languages), or none without network and with nothing in its cache."""
        if task.parts and split == "train":
            return task.languages if all(self.languages(tasks.get(part), split) for part in task.parts) else ()
        codes = self._codes(task, split)
        named = self.languages(tasks.get(task.rows_of), split) if task.rows_of else codes
        return tuple(code for code in codes if code in named)

    def _codes(self, task: Task, split: str) -> tuple[str, ...]:
        if self._folder(task) is None:
            declared = task.everywhere if self.asked else task.languages
            here = hub.reachable(task.dataset, self._revision(task))
            return tuple(code for code in declared if here and split in task.at(code).splits)
        codes = self.label["languages"] if self.label and task.multilingual and not task.own else task.everywhere
        return tuple(code for code in codes if self._has(task, code, split))

    def local(self, task: Task, code: str, split: str) -> bool:
        """Whether the records lie in a folder; else the hub has them, or its cache."""
        if task.parts and split == "train":
            return all(self.local(tasks.get(part), code, split) for part in task.parts)
        return self._folder(task.at(code)) is not None

    def _has(self, task: Task, code: str, split: str) -> bool:
        task = task.at(code)
        folder = self._folder(task)
        if self.label and task.definition and not (task.own or folder.is_dir()):
            raise UserError(f"task {task.name}: {task.dataset} is not in the generated world; give a folder's path")
        if split not in task.splits or folder is None or not folder.is_dir():
            return False
        name, config = task.splits[split], task.config_for(code)
        place = (task.dataset, config, code, name, str(task.prefix))
        if place in self._holding:
            return True
        here = any(any(folder.glob(f"{config}/{name}{rest}")) for rest in ("-*", ".*", "/*"))
        if not here and not (task.definition and self._files(task, code, split)):  # a user's own layout
            return False
        found = not task.prefix or self._has_rows(task, code, split)
        self._holding |= {place} if found else set()
        return found

    def _has_rows(self, task: Task, code: str, split: str) -> bool:
        """Whether a file of several languages holds any row of this one."""
        try:
            return len(self.load(task, code, split, 1)) > 0
        except UserError:
            return False

    def identity(self, task: Task, code: str, split: str) -> dict:
        """What the records are: the world's version and sizes, the files' SHA-256, or the hub's revision.

        Raises:
            UserError: no such data set, config or split; or a language that the task does not have.
        """
        if not task.multilingual and code not in task.languages:
            raise UserError(f"{task.dataset}, task {task.name}: only in {', '.join(task.languages)}, not in {code}")
        task = task.at(code)
        if split not in task.splits:
            raise unknown("split", split, task.splits, f"task {task.name}")
        if task.parts and split == "train":
            return {"parts": {part: self.identity(tasks.get(part), code, split) for part in task.parts}}
        where = {"dataset": task.dataset, "config": task.config_for(code), "split": task.splits[split]}
        if task.definition:
            where["task"] = task.definition
        if task.rows_of:
            where["rows_of"] = self.identity(tasks.get(task.rows_of), code, split)
        if task.own:
            del where["dataset"]  # what the records are, not where they lie
        elif self.label:
            if not self._has(task, code, split):
                raise UserError(
                    f"the generated world of this profile has no {task.name} in {code}; add it to languages"
                )
            return where | self._made(where)
        files = self._files(task, code, split)
        if not files:
            raise UserError(f"{_where(task, code, split)}: no such split; {self._mend(task)}")
        return where | {"files": [_fingerprint(str(file)) for file in files]}

    def _files(self, task: Task, code: str, split: str) -> list:
        return (self._builder(task, code).config.data_files or {}).get(task.splits[split]) or []

    def _made(self, where: dict) -> dict[str, int]:
        """What decides the records of a split of the generated world: a set more changes nothing for the others."""
        from xlt.world.files import size_of, version_of

        size = size_of(where["dataset"], where["config"], where["split"])
        return {"world": version_of(size), "seed": self.label["seed"], "size": self.label["sizes"][size]}

    def labels(self, task: Task) -> tuple[str, ...]:
        """The names of the task's labels: as declared, else as its training file names them."""
        task = task.training
        if task.labels or task.family not in (tasks.CLASSIFICATION, tasks.TAGGING):
            return task.labels
        task = task.at(task.languages[0])
        names = records.label_names(self._read(task, task.languages[0], "train"), task)
        if not names:
            raise UserError(f"{task.dataset}: the file does not name its labels; give labels: in task {task.name}")
        return tuple(name for name in names if name not in task.drop)

    def _builder(self, task: Task, code: str) -> datasets.DatasetBuilder:
        config = task.config_for(code)
        try:
            in_folders = self._folder(task) is None and task.revision == tasks.PARQUET
            return _builder(self._path(task), config, self._revision(task), in_folders)
        except (FileNotFoundError, ValueError, yaml.YAMLError, datasets.exceptions.DatasetNotFoundError) as error:
            raise UserError(f"{task.dataset}, config {config}: {_first_line(error)}; {self._mend(task)}") from None
        except ConnectionError:
            raise UserError(
                f"{task.dataset} is not in the hub's cache and there is no network; {self._mend(task)}"
            ) from None

    def _revision(self, task: Task) -> str | None:
        return self.revisions.get(task.dataset) or task.revision or None

    def _folder(self, task: Task) -> Path | None:
        """The data set's folder; None where its records come from the hub: what a folder XLT_HUB_ROOT lacks."""
        if task.own:
            return ROOT / Path(task.dataset).expanduser()
        if self.root is None:
            return None
        folder = self.root / task.dataset
        here = self.label or task.dataset.startswith(hub.NOT_ON_THE_HUB) or folder.is_dir()
        return folder if here else None

    def _path(self, task: Task) -> str:
        """Folder of the data set, or its hub id; without network the snapshot that `hf download` left."""
        if (folder := self._folder(task)) is not None:
            return str(folder)
        if not huggingface_hub.constants.HF_HUB_OFFLINE:
            return task.dataset
        return huggingface_hub.snapshot_download(
            task.dataset, repo_type="dataset", revision=self._revision(task), local_files_only=True
        )

    def _mend(self, task: Task) -> str:
        if task.own:
            return f"look into {task.dataset}"
        if self._folder(task) is not None:
            return f"look into {self.root.name}/{task.dataset}, or take it away to use the hub"
        fetch = hub.fetch(task.dataset, "dataset", self._revision(task))
        return f"fetch it with '{fetch}', or set XLT_HUB_ROOT to a folder that has it"

    def load(self, task: Task, code: str, split: str, examples: int | None = None, seed: int = 0) -> datasets.Dataset:
        """The records of one language and split: all, or `examples` of them drawn with `seed`.

        Row order is that of the file, so parallel test sets stay parallel under the same seed.

        Raises:
            UserError: no such split, empty or damaged file, missing column, label outside the declared set.
        """
        task = task.at(code)
        if task.parts and split == "train":
            parts = [self.load(tasks.get(part), code, split) for part in task.parts]
            rows = datasets.concatenate_datasets(parts)
        else:
            where = _where(task, code, split)
            raw = self._read(task, code, split)
            rows = records.canonical(raw, task, code, where)
            self._check_count(task, code, split, (len(raw), len(rows)), where)
            if task.rows_of:
                rows = rows.select(self._numbers(tasks.get(task.rows_of).at(code), code, split, len(rows)))
        if examples and examples < len(rows):
            rows = rows.select(np.sort(np.random.default_rng(seed).permutation(len(rows))[:examples]))
        return rows

    def _numbers(self, task: Task, code: str, split: str, most: int) -> list[int]:
        """The column `idx` of a task: numbers of the rows of another one, which has `most`."""
        rows, where = self._read(task, code, split), _where(task, code, split)
        if "idx" not in rows.column_names:
            raise UserError(f"{where}: no column idx with the numbers of the rows; {self._mend(task)}")
        numbers = list(rows["idx"])
        if strange := [number for number in numbers if number not in range(most)]:
            raise UserError(f"{where}: idx {strange[0]!r} is no row of the other set, which has {most:,} rows")
        return numbers

    def _read(self, task: Task, code: str, split: str) -> datasets.Dataset:
        """The rows as they lie there, every column."""
        where = _where(task, code, split)
        builder = self._builder(task, code)
        if blank := _blank(self._files(task, code, split)):
            raise UserError(f"{where}: {blank} is empty; fetch the file again")
        try:
            builder.download_and_prepare()
            return builder.as_dataset(split=task.splits[split])
        except (OSError, pa.ArrowInvalid, datasets.exceptions.DatasetGenerationError) as error:
            cause = error.__cause__ or error
            if getattr(cause, "errno", None) == 28:  # disk full
                raise cause from None
            bad, name, said = _culprit(builder) or (task.splits[split], "", _first_line(error))
            place = f"{task.dataset}/{task.config_for(code)}/{bad}"
            if said == "empty":
                raise UserError(f"{place}: {name} is empty; fetch the file again") from None
            raise UserError(
                f"{place}: damaged or unreadable{name and f': {name}'} ({said}); {self._mend(task)}"
            ) from None
        except StopIteration:  # of JSON lines, where the first file of any split holds nothing
            blank = _blank(file for files in builder.config.data_files.values() for file in files)
            raise UserError(f"{where}: {blank or 'a file beside it'} is empty; fetch the file again") from None
        except (KeyError, ValueError) as error:
            if task.splits.get(split) in (builder.info.splits or {}):
                raise UserError(f"{where}: empty; fetch the file again") from None
            raise UserError(f"{where}: no such split ({_first_line(error)}); {self._mend(task)}") from None

    def _check_count(self, task: Task, code: str, split: str, sizes: tuple[int, int], where: str) -> None:
        """The number of rows: that of the folder's COUNTS.tsv, which counts files, else of the public data set.

        So a lost first line, or a file that was cut, is seen. `sizes`: rows of the file and, of those, what was kept;
        where a file holds several languages, the public data set is counted by language.
        """
        wanted, found = task.rows.get(split), sizes[1] if task.prefix else sizes[0]
        wanted = wanted.get(code) if isinstance(wanted, Mapping) else wanted
        if self.root and self._folder(task) is not None:
            wanted = _counts(self.root).get((task.dataset, task.config_for(code), task.splits[split]))
            found = sizes[0]
        if wanted is not None and wanted != found:
            raise UserError(f"{where}: {found:,} rows, but the data set has {wanted:,}; fetch the file again")


@cache
def _counts(root: Path) -> dict[tuple[str, str, str], int]:
    """Rows by id, config and split, as a folder declares them in COUNTS.tsv."""
    file = root / "COUNTS.tsv"
    lines = file.read_text(encoding="utf-8").splitlines()[1:] if file.is_file() else []
    return {(name, config, split): int(rows) for name, config, split, rows in (line.split("\t")[:4] for line in lines)}


def _blank(files: Iterable[str]) -> str | None:
    """The first of these files, if local, that holds nothing, by name: `datasets` words that differently by format."""
    return next((Path(file).name for file in files if os.path.isfile(file) and not os.path.getsize(file)), None)


def _culprit(builder: datasets.DatasetBuilder) -> tuple[str, str, str] | None:
    """Split, name and fault of the first local file that cannot be read alone: `datasets` reads those of all splits
    whichever is asked for, and does not say in which it failed. None if each can be read."""
    for split, files in builder.config.data_files.items():
        for file in filter(os.path.isfile, files):
            if not os.path.getsize(file):
                return split, Path(file).name, "empty"
            alone = copy.copy(builder)
            alone.config = copy.copy(builder.config)
            alone.config.data_files = {split: [file]}
            with tempfile.TemporaryDirectory() as place:
                try:
                    alone.download_and_prepare(place)
                except (OSError, pa.ArrowInvalid, datasets.exceptions.DatasetGenerationError) as error:
                    said = _first_line(error)
                    return split, Path(file).name, "empty" if _NO_ROWS in said else said
    return None


def _where(task: Task, code: str, split: str) -> str:
    return f"{task.dataset}/{task.config_for(code)}/{task.splits.get(split, split)}"


@cache
def _builder(path: str, config: str, revision: str | None, in_folders: bool) -> datasets.DatasetBuilder:
    """The builder of a config: one that the card names, else, as in the hub's parquet branch, a folder of that name.

    `datasets` runs no loading scripts: of a repository that is one, the parquet branch is read.
    """
    options = {"revision": revision, "cache_dir": str(_prepared(path))}
    if not in_folders:
        try:
            return datasets.load_dataset_builder(path, config, **options)
        except RuntimeError as error:
            if "scripts are no longer supported" not in str(error):
                raise
            options["revision"] = tasks.PARQUET
        except ValueError:
            if not Path(path, config).is_dir():
                raise
    return datasets.load_dataset_builder(path, data_dir=config, **options)


def _prepared(path: str) -> Path:
    """Where `datasets` keeps its prepared copy: a place of its own for each state of a local folder.

    `datasets` names prepared copies by the data set and the config; it would take the records of one
    folder for those of another, or go on using old ones after a file was mended.
    """
    place = cache_root() / "datasets"
    if not Path(path).is_dir():
        return place / "hub"
    files = sorted(file for file in Path(path).rglob("*") if file.is_file())
    state = [(str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in files]
    return place / hashlib.sha256(repr(state).encode()).hexdigest()[:12]


def _first_line(error: Exception) -> str:
    """What an error of `datasets` says, without where in its own code."""
    cause = error.__cause__ or error
    if isinstance(cause, datasets.table.CastError):
        return f"the files of its splits differ: {cause.details()}"
    return str(cause).strip().splitlines()[0][:200] if str(cause).strip() else type(cause).__name__


@cache
def _fingerprint(file: str) -> str:
    """SHA-256 of a local file; a file of the hub, also one in its cache, is named by its revision already."""
    if "://" in file:
        return file
    if cached := _SNAPSHOT.search(file):
        return "hf://datasets/{}/{}@{}/{}".format(*cached.groups())
    sha = hashlib.sha256()
    with open(file, "rb") as stream:
        while block := stream.read(1 << 20):
            sha.update(block)
    return sha.hexdigest()[:16]


def _world(profile: Profile) -> Source:
    from xlt import world
    from xlt.recipe import digest

    settings = profile.data.world
    studied = [code for plan in profile.studies.values() for code in (*plan.languages, *plan.pairs)]
    spoken = [code for code in studied if code.partition("@")[0] in world.LANGUAGES]
    codes = dict.fromkeys([*(profile.languages or world.LANGUAGES), *spoken])
    label = {"version": world.WORLD_VERSION, "seed": settings.seed, "sizes": settings.sizes, "languages": list(codes)}
    root = cache_root() / f"world-{digest(label)}"
    world.write_world(root, settings.sizes, codes, settings.seed)
    return Source(root, label=label)
