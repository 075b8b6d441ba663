"""What the card of a data set decides of its records, beside which files they are read from: it belongs to their key.

Where the files say themselves what the card says, nothing of it is in the key: then it changes no record.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Any

import datasets
import pyarrow as pa
import pyarrow.parquet as pq

from xlt.core.files import State, state
from xlt.data import prepared, textfiles
from xlt.data.layout import Folder, Layout, Location
from xlt.data.textfiles import CONLL, JSON, Want

_TAB = ("sep", "\t")  # said by names of files too; `textfiles.version` counts it
_SIZED = re.compile(r"Value\('(?:large_|u)?(string|int)\d*'\)")  # Python knows no sizes of texts and whole numbers
_OF_TEXT_FILES = ("Value('string')", "List(Value('string'))")  # what columns are in files that guess no types


def version(place: Location, paths: Sequence[str], layout: Layout, want: Want) -> dict[str, Any]:
    """What a card says of these files that changes the records of a task with that `want`: the options of their reader,
    and the kinds of columns, such as the names of labels."""
    options = {name: str(value) for name, value in layout.options.items() if _changes(layout, want, name)}
    declared = {name: layout.features[name] for name in want.columns if name in (layout.features or ())}
    kinds = {
        name: kind
        for name, kind in declared.items()
        if not all(_says_itself(place, path, name, kind, layout, want) for path in paths)
    }
    found = {"options": options, "features": datasets.Features(kinds).to_dict()}
    return {name: said for name, said in found.items() if said}


def _changes(layout: Layout, want: Want, name: str) -> bool:
    """Whether the reader heeds an option that neither the task sets itself nor the names of files say."""
    if name in dict(want.read) or (name, layout.options[name]) == _TAB:
        return False
    if textfiles.reads(layout.reader, want):
        return {JSON: name == "field", CONLL: False}.get(layout.reader, True)
    return name in prepared.known(layout)


def _says_itself(place: Location, path: str, name: str, kind: Any, layout: Layout, want: Want) -> bool:
    """Whether a file says without the card that this column is of this kind. One that is not fetched yet is taken to
    say so, as the hub has Parquet files and their card written from one description."""
    if textfiles.reads(layout.reader, want):
        return _without_sizes(kind) in _OF_TEXT_FILES
    file = place.file(path) if isinstance(place, Folder) else place.cached(path)
    return file is None or _without_sizes(_features(state(file)).get(name)) == _without_sizes(kind)


def _without_sizes(kind: Any) -> str:
    return _SIZED.sub(r"Value('\1')", str(kind)).replace("LargeList(", "List(")


@cache
def _features(file: State) -> dict[str, Any]:
    """The kinds of columns as a Parquet file has them; nothing of a damaged one or of another format."""
    try:
        return datasets.Features.from_arrow_schema(pq.read_schema(file[0]))
    except (OSError, pa.ArrowInvalid):
        return {}
