"""The records of a folder as they lie there, before anybody has said what they are."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import datasets

from xlt.core.errors import UserError
from xlt.data import delimited, prepared
from xlt.data.layout import PACKED, Folder, layout
from xlt.data.textfiles import CONLL, CSV, TEXT, Want, decoded
from xlt.lab.newtask.places import Places
from xlt.spec import slices

SENTENCES = Want(("tokens", "tags"), tagging=True)
MOST = 20_000  # records of a file that are looked at


class Samples(NamedTuple):
    """`values` of each column over all languages and splits, the `names` of its labels where a file gives them,
    columns that are `apart` as not every file has them, and how many records there are by language and split."""

    values: dict[str, list]
    names: dict[str, tuple[str, ...]]
    apart: list[str]
    sizes: dict[tuple[str, str], int]


def read(places: Places) -> Samples:
    """Samples of every file.

    Raises:
        UserError: a file that cannot be read.
    """
    tables: list[Mapping[str, Sequence[Any]]] = []
    names: dict[str, tuple[str, ...]] = {}
    sizes = {}
    for code, splits in places.languages.items():
        for split in splits:
            rows = _rows(places, code, split)
            sizes[code, split] = len(rows)
            labels = {column: _names(feature) for column, feature in rows.features.items()}
            names |= {column: of_column for column, of_column in labels.items() if of_column}
            step = -(-len(rows) // MOST) or 1
            tables.append(rows.select(range(0, len(rows), step)).to_dict())
    shared = [name for name in tables[0] if all(name in table for table in tables)]
    apart = sorted({name for table in tables for name in table}.difference(shared))
    values = {name: [value for table in tables for value in table[name]] for name in shared}
    return Samples(values, names, apart, sizes)


def _rows(places: Places, code: str, split: str) -> datasets.Dataset:
    place = Folder(places.folder, places.folder.name)
    folder_layout = layout(place, places.config.format(code=places.spelled[code]))
    paths = folder_layout.splits[folder_layout.called(split, places.splits)]
    want = _want(place.file(paths[0]), folder_layout.reader)
    try:
        rows, _ = prepared.rows(place, paths, folder_layout, want)
    except prepared.Unreadable as error:
        raise UserError(f"{places.folder}: {error.name}: {error.reason}") from None
    return rows.select(slices.part(places.splits[split], len(rows)) or [])


def _want(file: Path, reader: str) -> Want:
    """What a task would want of a file: words and tags of sentences in columns, else all columns of its first line."""
    if reader == CONLL:
        return SENTENCES
    if reader not in (CSV, TEXT) or file.suffix in PACKED:
        return Want()
    try:
        text = decoded(file.read_bytes())
    except ValueError as error:
        raise UserError(f"{file.name}: {error}") from None
    blocks = [block.split("\n") for block in re.split(r"\n\s*\n", text.strip())]
    if len(blocks) > 1 and all(len(line.split()) > 1 for line in blocks[0] if line[:1] != "#"):
        return SENTENCES
    return Want(tuple(max((delimited.header(text, {"sep": sep}) for sep in delimited.SEPARATORS), key=len)))


def _names(feature: Any) -> tuple[str, ...]:
    """The names that a file gives to the numbers of a label, or of a list of them."""
    inner = getattr(feature, "feature", feature)
    return tuple(inner.names) if isinstance(inner, datasets.ClassLabel) else ()
