"""The rows of a split: its files, read by the packaged readers of `datasets` into a memory-mapped table.

Text files are read by `xlt.data.textfiles`, which guesses no types, and kept as Parquet.
"""

from __future__ import annotations

import errno
import hashlib
import io
import logging
import tempfile
import zlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
from datasets.data_files import DataFilesDict, DataFilesList
from datasets.load import import_main_class
from datasets.packaged_modules import _PACKAGED_DATASETS_MODULES

from xlt.core.files import write_atomically
from xlt.core.paths import cache_root
from xlt.data import textfiles
from xlt.data.layout import PACKED, Layout, Location
from xlt.data.textfiles import CSV, JSON, FileForm, Want

datasets.disable_progress_bars()
datasets.logging.set_verbosity(logging.CRITICAL)  # what is wrong with a file is said here, in one line

_NO_ROWS = ("BatchSize must be greater than 0", "corresponds to no data")  # what is said of files that hold none
_ROWS = "rows"  # the only split that a reader is given


class Unreadable(Exception):
    """The file `name` cannot be read; `reason` says why, or is "empty"."""

    def __init__(self, name: str, reason: str):
        super().__init__(f"{name}: {reason}")
        self.name, self.reason = name, reason


def rows(place: Location, paths: Sequence[str], layout: Layout, want: Want) -> tuple[datasets.Dataset, list[str]]:
    """The rows of these files, in their order, every column; and what a reader should know of how they were read.

    The table is kept under the hashes of the files, so other content is another table, wherever the files lie. Where a
    text file is read otherwise than its name says, its form counts, too.

    Raises:
        Unreadable: a file is empty or damaged.
    """
    return _rows([place.file(path) for path in paths], layout, [place.fingerprint(path) for path in paths], want)


def _rows(
    files: Sequence[Path], layout: Layout, content: Sequence[str], want: Want
) -> tuple[datasets.Dataset, list[str]]:
    for file in files:
        if not file.stat().st_size:
            raise Unreadable(file.name, "empty")
    texts = _texts(files, layout, content, want) if textfiles.reads(layout.reader, want) else []
    losses = [f"{file.name}: {loss}" for file, form in texts for loss in form.losses]
    place = cache_root() / "datasets" / hashlib.sha256(_key(layout, content, texts).encode()).hexdigest()[:16]
    plain, read = files, layout
    if texts:
        plain = [_as_parquet(file, form, place / f"{number}.parquet") for number, (file, form) in enumerate(texts)]
        read = replace(layout, reader="parquet", options={})
    try:
        return _read(plain, read, place), losses
    except _FAULTS as error:
        cause = error.__cause__ or error
        if getattr(cause, "errno", None) == errno.ENOSPC:
            raise cause from None
        if layout.features is not None and isinstance(cause, datasets.table.CastError):  # a stale card: the files count
            return _rows(files, replace(layout, features=None), content, want)
        raise (_culprit(plain, files, read) or Unreadable(files[0].name, _said(error))) from None


_FAULTS = (
    OSError, ValueError, KeyError, StopIteration, EOFError, zlib.error,
    pa.ArrowInvalid, datasets.exceptions.DatasetGenerationError,
)  # fmt: skip


def _key(layout: Layout, content: Sequence[str], texts: Sequence[tuple[Path, FileForm]]) -> str:
    version = {"read": textfiles.VERSION} if layout.reader in (CSV, JSON) else {}
    as_named = (layout.reader, sorted(layout.options.items()))
    reader = (layout.reader, version, as_named[1], str(layout.features))
    forms = [(form.reader, sorted(form.options.items())) for _, form in texts]
    others = (forms,) if any(form != as_named for form in forms) else ()
    return repr(((*reader, *others, datasets.__version__), list(content)))


def _read(files: Sequence[Path], layout: Layout, place: Path) -> datasets.Dataset:
    builder = import_main_class(_PACKAGED_DATASETS_MODULES[layout.reader][0])
    named = DataFilesList(list(map(str, files)), [(str(place),)] * len(files))  # as they are: no pattern is looked for
    files_of = DataFilesDict({_ROWS: named})
    reader = builder(cache_dir=str(place), data_files=files_of, features=layout.features, **known(layout))
    reader.download_and_prepare()
    return reader.as_dataset(split=_ROWS)


def known(layout: Layout) -> dict[str, Any]:
    """The options that the packaged reader of `datasets` knows."""
    builder = import_main_class(_PACKAGED_DATASETS_MODULES[layout.reader][0])
    return {name: value for name, value in layout.options.items() if hasattr(builder.BUILDER_CONFIG_CLASS, name)}


def _texts(files: Sequence[Path], layout: Layout, content: Sequence[str], want: Want) -> list[tuple[Path, FileForm]]:
    """The text files, out of their archives, and the form of each."""
    forms = []
    for file, held in zip(files, content, strict=True):
        try:
            for plain in _unpacked(file, cache_root() / "datasets" / f"unpacked-{held}"):
                forms.append((plain, textfiles.form(plain, layout.reader, layout.options, want)))
        except _FAULTS as error:
            raise Unreadable(file.name, _said(error)) from None
    return forms


def _unpacked(file: Path, place: Path) -> list[Path]:
    """The files in an archive, or the file as it is."""
    if file.suffix not in PACKED:
        return [file]
    manager = datasets.DownloadManager(download_config=datasets.DownloadConfig(cache_dir=str(place / "unpacked")))
    return sorted(map(Path, manager.iter_files(manager.extract(str(file)))))


def _as_parquet(file: Path, form: FileForm, place: Path) -> Path:
    if not place.is_file():
        content = io.BytesIO()
        try:
            pq.write_table(textfiles.table(file, form), content)
        except _FAULTS as error:
            raise Unreadable(file.name, _said(error)) from None
        place.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(place, content.getvalue())
    return place


def _culprit(plain: Sequence[Path], files: Sequence[Path], layout: Layout) -> Unreadable | None:
    """The first file that cannot be read alone: of several, `datasets` does not say which it was. Of text files that
    are kept as Parquet the name is that of the file itself, where there is one for each."""
    named = files if len(files) == len(plain) else plain
    for one, file in zip(plain, named, strict=True):
        with tempfile.TemporaryDirectory() as place:
            try:
                _read([one], layout, Path(place))
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
