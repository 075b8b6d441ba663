"""Records that are read and checked, kept as Arrow files: one process of a machine makes them, the others map them.

A grid has many processes and reads each split in most of them. A mapped file takes no time to open, is in memory once
for all of them, and only the rows that are asked for become objects of Python.

What makes the records decides the name of the file: the content of the files they are read from, the task's
declaration, and the code that reads and checks. So whatever changes, they are made again, and nothing is ever stale.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

import datasets
import pyarrow as pa

from xlt.core.paths import cache_root
from xlt.data import conll, delimited, labels, layout, prepared, reading, records, squad, textfiles, wellformed, written
from xlt.data.layout import Layout
from xlt.data.reading import Remark
from xlt.spec import declaration, schemes, slices
from xlt.spec.tasks import Task

_CODE = (
    conll, delimited, labels, layout, prepared, reading, records, squad, textfiles, wellformed, written,
    declaration, schemes, slices,
)  # fmt: skip
_ABOUT = b"xlt"  # the entry of the file's metadata that holds what is known besides the records


class Kept(NamedTuple):
    """Records, and what reading them has found.

    rows     how many rows the files have: records may be left out
    names    of the labels, as the file gives them (none: empty)
    remarks  what every process says that uses them
    """

    records: datasets.Dataset
    rows: int
    names: tuple[str, ...]
    remarks: tuple[Remark, ...]


def name(task: Task, code: str, split: str, how: Layout, content: Sequence[str]) -> str:
    """The name of the file; `content`: hashes of the files that the split is read from. The code's hash comes last."""
    reader = (how.reader, sorted(how.options.items()), str(how.features), how.others)
    of = repr((reader, list(content), task.model_dump_json(), code, split))
    return f"{hashlib.sha256(of.encode()).hexdigest()[:20]}-{_code()[:12]}"


@cache
def _code() -> str:
    """A hash of the code that decides what the records are, and of the libraries that it reads with."""
    sources = [Path(module.__file__ or "").read_bytes() for module in _CODE]
    versions = f"{datasets.__version__} {pa.__version__}".encode()
    return hashlib.sha256(b"\0".join([*sources, versions])).hexdigest()


def find(name: str) -> Kept | None:
    """The records of that name; None where they have not been made, or their file is damaged."""
    try:
        return _mapped(_place(name))
    except (OSError, pa.ArrowInvalid, KeyError, ValueError):
        return None


def keep(name: str, table: datasets.table.Table, rows: int, names: Iterable[str], remarks: Iterable[Remark]) -> Kept:
    """Write records under that name, and give them as they are read from there; those of earlier code are deleted.

    Raises:
        OSError: they cannot be written, as on a full disk.
    """
    about = json.dumps({"rows": rows, "names": list(names), "remarks": list(remarks)})
    content, place = table.table.replace_schema_metadata({_ABOUT: about}), _place(name)
    place.parent.mkdir(parents=True, exist_ok=True)
    temporary = place.with_name(f".{place.name}.{os.getpid()}")  # of two processes that make it each writes its own
    try:
        with pa.ipc.new_stream(str(temporary), content.schema) as file:
            file.write_table(content)
        os.replace(temporary, place)
    finally:
        temporary.unlink(missing_ok=True)
    for older in place.parent.glob(f"{name.partition('-')[0]}-*.arrow"):
        if older != place:
            older.unlink(missing_ok=True)
    return _mapped(place)


def _place(name: str) -> Path:
    return cache_root() / "records" / f"{name}.arrow"


@lru_cache(maxsize=256)
def _mapped(place: Path) -> Kept:
    table = datasets.table.MemoryMappedTable.from_file(str(place))
    about = json.loads(table.schema.metadata[_ABOUT])
    remarks = tuple(Remark(tuple(said), line, once) for said, line, once in about["remarks"])
    # A fingerprint of our own: `datasets` would make one by pickling the table's description.
    return Kept(datasets.Dataset(table, fingerprint=place.stem), about["rows"], tuple(about["names"]), remarks)
