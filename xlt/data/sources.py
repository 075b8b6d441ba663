"""Where records come from: the generated world, a folder in hub layout, or the hub. One way in for all.

The world is written as a folder in hub layout, so a folder and the world are the same thing; a folder and a repository
on the hub are both a list of files (`data.layout`), of which the split that is asked for is read (`data.prepared`).
`Source.load` gives a `datasets.Dataset` with our column names, checked: no missing column, no label outside the
declared set, not empty.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from xlt.core.errors import UserError, unknown
from xlt.core.paths import cache_root, hub_root
from xlt.data import cards, counts, kept, labels, prepared, records, repository, spoken, textfiles
from xlt.data.layout import Folder
from xlt.data.places import Places, named
from xlt.data.reading import Remark
from xlt.spec import slices, tasks
from xlt.spec.profile import Profile
from xlt.spec.tasks import Task

WORLD = "the generated world"


class Source:
    """Data sets by hub id under `root`, or on the hub when `root` is None; `asked`: the languages of a profile.

    With `planned` nothing is to be read: without network, data sets that the cache lacks count as they are declared.
    """

    def __init__(
        self, root: Path | None, revisions: dict[str, str] | None = None, label: dict | None = None,
        asked: tuple[str, ...] = (), planned: bool = False,
    ):  # fmt: skip
        self.root, self.label, self.asked, self.planned = root, label, asked, planned
        self.places = Places(root, revisions or {}, world=bool(label))
        self._holding: set[tuple[str, ...]] = set()  # splits that were found here; asked for every score, so kept
        self.lacking: dict[str, str] = {}  # data set: why what was asked for is not there

    @classmethod
    def of(cls, profile: Profile, planned: bool = False) -> Source:
        """The profile's source; writes the generated world first if that is it."""
        if profile.data.source == "world":
            return _world(profile)
        return cls(hub_root(), profile.data.revisions, asked=profile.languages, planned=planned)

    @property
    def guessing(self) -> bool:
        """Whether what cannot be asked for is taken as declared."""
        return self.planned and repository.offline()

    def __str__(self) -> str:
        return WORLD if self.label else f"the folder {self.root.name}" if self.root else "the hub"

    @property
    def seen(self) -> int:
        """How often folders were looked at anew: what was found in them holds as long as this stays."""
        return self.places.seen

    def look_again(self) -> None:
        """Folders may have changed: their files are listed again when they are next asked for."""
        self.places.seen += 1
        self._holding.clear()

    def languages(self, task: Task, split: str) -> tuple[str, ...]:
        """Languages of `task` that have `split` here. On the hub, of those that the task declares: XTREME's, and what
        XTREME-R adds where the profile names languages. Why a data set cannot be had there stands in `lacking`."""
        if task.parts and split == "train":
            return task.languages if all(self.languages(tasks.get(part), split) for part in task.parts) else ()
        codes = tuple(code for code in self._codes(task) if self._has(task, code, split))
        named = self.languages(tasks.get(task.rows_of), split) if task.rows_of else codes
        return tuple(code for code in codes if code in named)

    def _codes(self, task: Task) -> tuple[str, ...]:
        if self.label and task.multilingual and not task.own:
            return tuple(self.label["languages"])
        return task.everywhere if self.asked or self.places.folder(task) else task.languages

    def local(self, task: Task, code: str, split: str) -> bool:
        """Whether the records lie in a folder; else the hub has them, or its cache."""
        if task.parts and split == "train":
            return all(self.local(tasks.get(part), code, split) for part in task.parts)
        return self.places.folder(task.at(code)) is not None

    def _has(self, task: Task, code: str, split: str) -> bool:
        asked = (task.dataset, task.name, code, split)
        if asked in self._holding:
            return True
        task = task.at(code)
        folder = self.places.folder(task)
        if self.label and task.definition and not (task.own or folder.is_dir()):
            raise UserError(f"task {task.name}: {task.dataset} is not in the generated world; give a folder's path")
        if split not in task.splits or (folder and not folder.exists()):
            return False
        if self._holds(task, code, split):
            self._holding.add(asked)
        return asked in self._holding

    def _holds(self, task: Task, code: str, split: str) -> bool:
        try:
            place, layout = self.places.config(task, code)
        except UserError as error:
            if task.definition:  # the user's own: a slip in its declaration
                raise
            self.lacking.setdefault(task.dataset, str(error))
            # What a folder lacks it lacks; only of the hub, which a plan may not reach, the best is hoped for.
            return (
                self.guessing and self.places.folder(task) is None and not task.dataset.startswith(tasks.NOT_ON_THE_HUB)
            )
        paths = layout.splits.get(layout.called(split, task.splits), ())
        if isinstance(place, Folder):
            return bool(paths) and (not task.prefix or self._has_rows(task, code, split))
        return bool(paths) and (not repository.offline() or self.planned or all(map(place.cached, paths)))

    def _has_rows(self, task: Task, code: str, split: str) -> bool:
        """Whether a file of several languages holds any row of this one."""
        try:
            return len(self.load(task, code, split, 1)) > 0
        except UserError:
            return False

    def identity(self, task: Task, code: str, split: str) -> dict:
        """What the records are: the world's version and sizes, or hashes of the files, whether here or on the hub.

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
                    f"the generated world of this profile has no {task.name} in {code}{spoken.unlike_world(code)}"
                )
            return where | self._made(where)
        try:
            place, paths, layout = self.places.files(task, code, split)
        except UserError:
            if not self.guessing:
                raise
            return where | {"files": "unknown"}  # so no finished run is taken for this one
        where |= textfiles.version(layout.reader, layout.options) | labels.version(task)
        where |= cards.version(place, paths, layout, records.want(task))
        return where | {"files": [place.fingerprint(path) for path in paths]}

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
        code = task.languages[0]
        found = kept.find(self._kept_as(task, code, "train"))
        names = found.names if found else records.label_names(self._read(task, code, "train"), task)
        if not names:
            raise UserError(f"{task.dataset}: the file does not name its labels; give labels: in task {task.name}")
        return tuple(name for name in names if name not in task.drop)

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
            rows = self._records(task, code, split)
            if task.rows_of:
                rows = selected(rows, self._numbers(tasks.get(task.rows_of).at(code), code, split, len(rows)))
        if examples and examples < len(rows):
            rows = selected(rows, np.sort(np.random.default_rng(seed).permutation(len(rows))[:examples]))
        return rows

    def _records(self, task: Task, code: str, split: str) -> datasets.Dataset:
        """All records of a split, checked: by this process, or by another one before it, which has kept them."""
        where, name = named(task, code, split), self._kept_as(task, code, split)
        found = kept.find(name)
        if found is None:
            raw, losses = self._raw(task, code, split)
            table, remarks = records.checked(raw, task, code, where, large=split == "train")
            names = records.label_names(raw, task) if {"label", "tags"} & set(task.columns) else ()
            found = kept.keep(name, table, len(raw), names, [*losses, *remarks])
        for remark in found.remarks:
            remark.say()
        root = self.root if self.places.folder(task) is not None else None
        counts.check(root, task, code, split, (found.rows, len(found.records)), where)
        return found.records

    def _kept_as(self, task: Task, code: str, split: str) -> str:
        place, paths, layout = self.places.files(task, code, split)
        return kept.name(task, code, split, layout, [place.fingerprint(path) for path in paths])

    def _numbers(self, task: Task, code: str, split: str, most: int) -> list[int]:
        """The column `idx` of a task: numbers of the rows of another one, which has `most`."""
        rows, where = self._read(task, code, split), named(task, code, split)
        if "idx" not in rows.column_names:
            raise UserError(f"{where}: no column idx with the numbers of the rows; {self.places.mend(task)}")
        numbers = list(rows["idx"])
        if strange := [number for number in numbers if number not in range(most)]:
            raise UserError(f"{where}: idx {strange[0]!r} is no row of the other set, which has {most:,} rows")
        return numbers

    def _read(self, task: Task, code: str, split: str) -> datasets.Dataset:
        """The rows as they lie there, every column; what of the files is lost or left out is said."""
        rows, remarks = self._raw(task, code, split)
        for remark in remarks:
            remark.say()
        return rows

    def _raw(self, task: Task, code: str, split: str) -> tuple[datasets.Dataset, list[Remark]]:
        where = named(task, code, split)
        place, paths, layout = self.places.files(task, code, split)
        try:
            rows, losses = prepared.rows(place, paths, layout, records.want(task))
        except prepared.Unreadable as error:
            if error.reason == "empty":
                raise UserError(f"{where}: {error.name} is empty; fetch the file again") from None
            bad = next((str(file) for file in map(place.file, paths) if file.name == error.name), "")
            here = isinstance(place, Folder)
            mend = self.places.mend(task) if here else f"delete {bad} and run again, which fetches it"
            raise UserError(f"{where}: damaged or unreadable: {error.name} ({error.reason}); {mend}") from None
        if task.own and layout.others:
            losses.append(f"left out, as most files are {layout.reader}: {', '.join(layout.others[:5])}")
        remarks = [Remark(("read", where, loss), f"{task.on_a_page(where)}: {loss}") for loss in losses]
        part = slices.part(task.splits[split], len(rows))
        if not part:
            raise UserError(f"{where}: empty, as there are {len(rows):,} rows; give another part under splits")
        return rows if len(part) == len(rows) else rows.select(part), remarks

    def rows(self, task: Task, code: str, split: str) -> int | None:
        """How many rows a split has, as its Parquet files here, the declaration or the card says; None: nobody says.

        Nothing is fetched for that. A damaged file says nothing: reading it says so in its own line.
        """
        task = task.at(code)
        try:
            place, paths, layout = self.places.files(task, code, split)
            have = [place.file(p) if isinstance(place, Folder) else place.cached(p) for p in paths]
            if layout.reader == "parquet" and all(have):
                rows = sum(pq.read_metadata(file).num_rows for file in have)
                return len(slices.part(task.splits[split], rows))
        except (OSError, pa.ArrowInvalid):
            return None
        except UserError:
            if not self.guessing:
                raise
            return counts.declared(task, code, split)
        rows = layout.rows.get(layout.called(split, task.splits))
        return counts.declared(task, code, split) or rows and len(slices.part(task.splits[split], rows))


def selected(rows: datasets.Dataset, numbers: Sequence[int] | np.ndarray) -> datasets.Dataset:
    """The rows of these numbers, from 0. `datasets` would find a name for them by pickling; here it is their hash."""
    chosen = np.asarray(numbers, dtype=np.int64)
    return rows.select(chosen, new_fingerprint=hashlib.sha256(chosen.tobytes()).hexdigest()[:16])


def _world(profile: Profile) -> Source:
    from xlt import world
    from xlt.spec.identity import digest

    settings, codes = profile.data.world, spoken.of_world(profile)
    label = {"version": world.WORLD_VERSION, "seed": settings.seed, "sizes": settings.sizes, "languages": codes}
    root = cache_root() / f"world-{digest(label)}"
    world.write_world(root, settings.sizes, codes, settings.seed)
    return Source(root, label=label)
