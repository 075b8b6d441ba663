"""The rows of a split: its files, read by the packaged readers of `datasets` into a memory-mapped table.

CSV and JSON are read by `xlt.textfiles`, which guesses no types, and kept as Parquet.
"""

from __future__ import annotations

import errno
import hashlib
import io
import logging
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
from datasets.data_files import DataFilesDict, DataFilesList
from datasets.load import import_main_class
from datasets.packaged_modules import _PACKAGED_DATASETS_MODULES

from xlt import textfiles
from xlt.files import write_atomically
from xlt.layout import Layout
from xlt.paths import cache_root

datasets.disable_progress_bars()
datasets.logging.set_verbosity(logging.CRITICAL)  # what is wrong with a file is said here, in one line

_NO_ROWS = ("BatchSize must be greater than 0", "corresponds to no data")  # what is said of files that hold none
_PACKED = (".gz", ".tgz", ".tar", ".zip", ".bz2", ".xz", ".zst")
_ROWS = "rows"  # the only split that a reader is given


class Unreadable(Exception):
    """The file `name` cannot be read; `said` is why, or "empty"."""

    def __init__(self, name: str, said: str):
        super().__init__(f"{name}: {said}")
        self.name, self.said = name, said


def rows(files: Sequence[Path], layout: Layout, content: Sequence[str]) -> datasets.Dataset:
    """The rows of these files, in their order, every column.

    `content` are hashes of the files: under them the table is kept, so other content is another table, wherever the
    files lie.

    Raises:
        Unreadable: a file is empty or damaged.
    """
    for file in files:
        if not file.stat().st_size:
            raise Unreadable(file.name, "empty")
    reader = (layout.reader, textfiles.version(layout.reader), sorted(layout.options.items()), str(layout.features))
    key = repr(((*reader, datasets.__version__), list(content)))
    place = cache_root() / "datasets" / hashlib.sha256(key.encode()).hexdigest()[:16]
    try:
        return _read(files, layout, place)
    except _FAULTS as error:
        cause = error.__cause__ or error
        if getattr(cause, "errno", None) == errno.ENOSPC:
            raise cause from None
        if layout.features is not None and isinstance(cause, datasets.table.CastError):  # a stale card: the files count
            return rows(files, replace(layout, features=None), content)
        raise (_culprit(files, layout) or Unreadable(files[0].name, _said(error))) from None


_FAULTS = (OSError, ValueError, KeyError, StopIteration, pa.ArrowInvalid, datasets.exceptions.DatasetGenerationError)


def _read(files: Sequence[Path], layout: Layout, place: Path) -> datasets.Dataset:
    if layout.reader in textfiles.READERS:
        plain = [inside for file in files for inside in _unpacked(file, place)]
        files = [_as_parquet(file, layout, place / f"{number}.parquet") for number, file in enumerate(plain)]
        layout = replace(layout, reader="parquet", options={})
    builder = import_main_class(_PACKAGED_DATASETS_MODULES[layout.reader][0])
    named = DataFilesList(list(map(str, files)), [(str(place),)] * len(files))  # as they are: no pattern is looked for
    known = {name: value for name, value in layout.options.items() if hasattr(builder.BUILDER_CONFIG_CLASS, name)}
    made = builder(cache_dir=str(place), data_files=DataFilesDict({_ROWS: named}), features=layout.features, **known)
    made.download_and_prepare()
    return made.as_dataset(split=_ROWS)


def _unpacked(file: Path, place: Path) -> list[Path]:
    """The files in an archive, or the file as it is."""
    if file.suffix not in _PACKED:
        return [file]
    manager = datasets.DownloadManager(download_config=datasets.DownloadConfig(cache_dir=str(place / "unpacked")))
    return sorted(map(Path, manager.iter_files(manager.extract(str(file)))))


def _as_parquet(file: Path, layout: Layout, place: Path) -> Path:
    if not place.is_file():
        content = io.BytesIO()
        pq.write_table(textfiles.table(file, layout.reader, layout.options), content)
        place.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(place, content.getvalue())
    return place


def _culprit(files: Sequence[Path], layout: Layout) -> Unreadable | None:
    """The first file that cannot be read alone: of several, `datasets` does not say which it was."""
    for file in files:
        with tempfile.TemporaryDirectory() as place:
            try:
                _read([file], layout, Path(place))
            except _FAULTS as error:
                return Unreadable(file.name, _said(error))
    return None


def _said(error: Exception) -> str:
    """What an error of `datasets` says, in a line; or "empty"."""
    cause = error.__cause__ or error
    if any(words in str(cause) for words in _NO_ROWS):
        return "empty"
    if isinstance(cause, datasets.table.CastError):
        return f"its columns are not those of the file before it: {cause.details()}"
    return str(cause).strip().splitlines()[0][:200] if str(cause).strip() else type(cause).__name__
