"""`xlt perturb`: lines or JSON records in, perturbed ones out, one by one.

A record that cannot be perturbed (not UTF-8, empty, not the columns of a task family) is written as it came, with one
line of complaint; the rest goes on.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Any

from xlt.errors import UserError
from xlt.perturb.draw import Draw
from xlt.perturb.registry import EDIT, get
from xlt.perturb.rows import COLUMNS, apply

Columns = dict[str, str]  # ours: the record's


def perturbed(
    lines: Iterable[bytes], name: str, language: str, strength: float, seed: int, family: str | None,
    complain: Callable[[str], None],
) -> Iterator[bytes]:  # fmt: skip
    """The lines after the perturbation. A line that starts with "{" is a JSON record and keeps all its columns.

    Raises:
        UserError: the perturbation itself cannot be done, before the first line is read.
    """
    chosen, _ = get(name)
    draw = Draw(name, family or ("mlm" if "mlm" in chosen.families else chosen.families[0]), language, strength, seed)
    if chosen.form == EDIT:
        draw.text("a", "")  # reads a lexicon, if one is needed
    for number, line in enumerate(lines):
        try:
            yield _line(line, lambda *it, first=number: apply(name, *it, language, strength, seed, first), family)
        except UserError as error:
            complain(f"line {number + 1}: {error}; left as it is")
            yield line


def _line(line: bytes, change: Callable[..., dict], family: str | None) -> bytes:
    try:
        text = line.decode("utf-8").rstrip("\r\n")
        record = json.loads(text) if text.lstrip().startswith("{") else {"text": text}
    except ValueError as error:
        raise UserError(f"neither text in UTF-8 nor a JSON record ({error})") from None
    if text == "":
        raise UserError("empty")
    found, columns = _columns(record, family)
    try:
        rows = change({ours: [record[theirs]] for ours, theirs in columns.items()}, found)
    except (TypeError, KeyError, ValueError, AttributeError, IndexError) as error:
        raise UserError(f"the columns of the record are not those of {found} records ({error})") from None
    new = {theirs: rows[ours][0] for ours, theirs in columns.items()}
    if text.lstrip().startswith("{"):
        return _json({**record, **new}) + line[len(line.rstrip(b"\r\n")) :]
    return new["text"].encode("utf-8") + line[len(line.rstrip(b"\r\n")) :]


def _json(record: dict[str, Any]) -> bytes:
    try:
        return json.dumps(record, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:  # half of a surrogate pair, which JSON can only escape
        return json.dumps(record).encode("ascii")


def _columns(record: dict[str, Any], family: str | None) -> tuple[str, Columns]:
    """The family and columns that match most of the record: ours, or those of a declared task's data set."""
    fitting = [
        (found, columns)
        for found, columns in _known()
        if family in (None, found) and all(theirs in record for theirs in columns.values())
    ]
    if not fitting:
        raise UserError(
            f"no columns of {f'{family} records' if family else 'any task family'} in {', '.join(record) or 'it'}; "
            f"name them {', '.join(COLUMNS[family] if family else ('text_a', 'text_b'))}"
        )
    return max(fitting, key=lambda fit: len(fit[1]))


@cache
def _known() -> list[tuple[str, Columns]]:
    """Every set of column names: our own first, then those of the declared data sets."""
    from xlt.tasks import TASKS

    wanted = {**COLUMNS, "classification": ("text_a", "text_b")}
    known = [(family, {column: column for column in columns}) for family, columns in wanted.items()]
    known.append(("classification", {"text_a": "text_a"}))
    for task in (task for task in TASKS.values() if task.family in wanted):
        columns = {ours: task.columns[ours] for ours in wanted[task.family] if ours in task.columns}
        if all(isinstance(theirs, str) and "." not in theirs for theirs in columns.values()):
            known.append((task.family, columns))
    return known
