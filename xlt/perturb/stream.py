"""`xlt perturb`: lines or JSON records in, perturbed ones out, one by one.

A record that cannot be perturbed (not UTF-8, an empty text, not the columns of a task family, tags whose names are not
known) is written as it came, with one line of complaint; the rest goes on.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

from xlt.core.errors import UserError
from xlt.perturb.draw import Draw
from xlt.perturb.registry import EDIT, MOVE, get
from xlt.perturb.rows import COLUMNS, apply

Record = dict[str, Any]
Paths = (
    str | tuple[str, ...]
)  # a column, "choices.text" for one within a column, or several columns that are one of ours


class RecordLayout(NamedTuple):
    """How records of a family look: ours: the record's."""

    family: str
    columns: Mapping[str, Paths]
    labels: tuple[str, ...] = ()  # names of the tags, where a declared task says them

    @property
    def paths(self) -> list[str]:
        return [path for theirs in self.columns.values() for path in _several(theirs)]

    def fits(self, record: Record) -> bool:
        return all(_has(record, path) for path in self.paths)


def perturbed(
    lines: Iterable[bytes], name: str, language: str, strength: float, seed: int, family: str | None,
    complain: Callable[[str], None],
) -> Iterator[bytes]:  # fmt: skip
    """The lines after the perturbation. A line that starts with "{" is a JSON record and keeps all its columns.

    A byte-order mark before the first line is left out.

    Raises:
        UserError: the perturbation itself cannot be done, before the first line is read; or the lines are in UTF-16.
    """
    chosen, _ = get(name)
    draw = Draw(name, family or ("mlm" if "mlm" in chosen.families else chosen.families[0]), language, strength, seed)
    if chosen.form == EDIT:
        draw.text("a", "")  # reads a lexicon, if one is needed

    def change(rows: dict[str, list], layout: RecordLayout, number: int) -> dict[str, list]:
        if chosen.form == MOVE and layout.family == "tagging":
            _check_tags(rows["tags"][0], layout.labels)
        return apply(name, rows, layout.family, language, strength, seed, number, layout.labels)

    for number, line in enumerate(lines):
        if number == 0:
            line = _without_mark(line)
        try:
            yield _line(line, lambda *it, number=number: change(*it, number), family)
        except UserError as error:
            complain(f"line {number + 1}: {error}; left as it is")
            yield line


def _without_mark(line: bytes) -> bytes:
    if line.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise UserError("the input is UTF-16; save it as UTF-8")
    return line.removeprefix(codecs.BOM_UTF8)


def _check_tags(tags: Any, labels: tuple[str, ...]) -> None:
    """Words of one entity can move together only if it is known which tags go on with it."""
    if not labels and not all(isinstance(tag, str) for tag in tags):
        raise UserError(
            "the tags are numbers without known names, and moving words could tear entities; write O, B-PER, ..."
        )


def _line(line: bytes, change: Callable[..., dict], family: str | None) -> bytes:
    try:
        text = line.decode("utf-8").rstrip("\r\n")
        record = json.loads(text) if text.lstrip().startswith("{") else {"text": text}
    except (ValueError, RecursionError) as error:
        raise UserError(f"neither text in UTF-8 nor a JSON record ({error})") from None
    if not text.strip():
        raise UserError("empty")
    layout = _layout(record, family)
    for ours, theirs in layout.columns.items():
        for path in _several(theirs):
            if ours != "text_b" or _at(record, path) is not None:  # single texts have none
                _check_text(_at(record, path), path)
    try:
        rows = change({ours: [_read(record, theirs)] for ours, theirs in layout.columns.items()}, layout)
    except (TypeError, KeyError, ValueError, AttributeError, IndexError) as error:
        raise UserError(f"the columns of the record are not those of {layout.family} records ({error})") from None
    for ours, theirs in layout.columns.items():
        record = _written(record, theirs, rows[ours][0])
    new = _json(record) if text.lstrip().startswith("{") else record["text"].encode("utf-8")
    return new + line[len(line.rstrip(b"\r\n")) :]


def _check_text(value: Any, path: str) -> None:
    texts = value if isinstance(value, list) and value else [value]
    if any(text in (None, []) or (isinstance(text, str) and not text.strip()) for text in texts):
        raise UserError(f"{path} is empty")


def _json(record: Record) -> bytes:
    try:
        return json.dumps(record, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:  # half of a surrogate pair, which JSON can only escape
        return json.dumps(record).encode("ascii")


# columns ----------------------------------------------------------------------------------------


def _several(theirs: Paths) -> tuple[str, ...]:
    return (theirs,) if isinstance(theirs, str) else theirs


def _has(record: Record, path: str) -> bool:
    top, _, below = path.partition(".")
    return isinstance(record, dict) and top in record and (not below or _has(record[top], below))


def _at(record: Record, path: str) -> Any:
    top, _, below = path.partition(".")
    return _at(record[top], below) if below else record[top]


def _put(record: Record, path: str, value: Any) -> Record:
    """The record with another value there; the one given stays."""
    top, _, below = path.partition(".")
    return {**record, top: _put(record[top], below, value) if below else value}


def _read(record: Record, theirs: Paths) -> Any:
    return _at(record, theirs) if isinstance(theirs, str) else [_at(record, path) for path in theirs]


def _written(record: Record, theirs: Paths, value: Any) -> Record:
    for path, part in [(theirs, value)] if isinstance(theirs, str) else zip(theirs, value, strict=True):
        record = _put(record, path, part)
    return record


def _layout(record: Record, family: str | None) -> RecordLayout:
    """The layout that covers most columns of the record: ours, or that of a declared task's data set."""
    fitting = [layout for layout in _known() if family in (None, layout.family) and layout.fits(record)]
    if not fitting:
        raise UserError(
            f"no columns of {f'{family} records' if family else 'any task family'} in {', '.join(record) or 'it'}; "
            f"name them {', '.join(COLUMNS[family] if family else ('text_a', 'text_b'))}"
        )
    best = max(fitting, key=lambda layout: len(layout.paths))
    named = {layout.labels for layout in fitting if layout.columns == best.columns}
    return best._replace(labels=named.pop() if len(named) == 1 else ())  # tasks that differ say nothing


@cache
def _known() -> list[RecordLayout]:
    """Our own columns first, then those of the declared data sets."""
    from xlt.spec.tasks import TASKS

    wanted = {**COLUMNS, "classification": ("text_a", "text_b")}
    known = [RecordLayout(family, {column: column for column in columns}) for family, columns in wanted.items()]
    known.append(RecordLayout("classification", {"text_a": "text_a"}))
    places = (place for task in TASKS.values() for place in (task, *map(task.at, task.elsewhere)))
    for task in (place for place in places if place.family in wanted):
        columns = {ours: _texts(task, ours) for ours in wanted[task.family] if ours in task.columns}
        known.append(RecordLayout(task.family, columns, task.labels))
    return known


def _texts(task: Any, ours: str) -> Paths:
    """The columns of the task's data set that are one of ours, without those that hold codes (COPA's cause/effect)."""
    theirs = task.columns[ours]
    return theirs if isinstance(theirs, str) else tuple(path for path in theirs if path not in task.words)
