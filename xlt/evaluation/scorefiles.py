"""Files of predictions and references, read strictly: what is wrong is said with file and line, nothing is left out.

JSON in a file whose name ends in .json is one document: SQuAD's JSON (references), {id: value} or a list of objects.
In every other file it is one object in each line, with the fields that `score` names. What is no JSON is read by
`scorelines`.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from xlt.core.errors import UserError
from xlt.core.files import unpacked

_JSON = re.compile(r'\s*(\{\s*["}]|\[\s*["\[{\]])')


class NotTheForm(UserError):
    """Something in a file is not what it should be; what that is can be shown beside the message."""


class Record(NamedTuple):
    where: str  # file and line, or file and id
    fields: dict[str, Any]


def text_of(path: Path) -> str:
    """
    Raises:
        UserError: no such file, not UTF-8, empty.
    """
    try:
        text = unpacked(path).decode("utf-8-sig")
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(
            f"{path}: {getattr(error, 'strerror', None) or error}; give a file of predictions or references"
        ) from None
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not UTF-8 (byte {error.start}); save it as UTF-8") from None
    if not text.strip():
        raise UserError(f"{path}: empty; it should hold one record for each example")
    return text


def ending(path: Path) -> str:
    """That of the file's name, gzipped or not."""
    return Path(path.name.removesuffix(".gz")).suffix


def is_json(text: str) -> bool:
    """Whether the text begins as an object or a list of JSON does, whatever the file is called."""
    return _JSON.match(text) is not None


def from_json(text: str, path: Path, field: str) -> list[Record]:
    """The records of a file; `field` is what the values of {id: value} are.

    Raises:
        NotTheForm: bad JSON or no object in line N, not SQuAD's form.
    """
    return list(_document(text, path, field) if ending(path) == ".json" else _lines(text, path))


def by_id(records: Iterable[Record], key: tuple[str, ...] = ("id",)) -> dict[str | tuple[str, ...], Record]:
    """Records by what identifies them, in order.

    Raises:
        UserError: a record without it or with one of the wrong type; two records with the same.
    """
    unique: dict[str | tuple[str, ...], Record] = {}
    doubled: dict[str | tuple[str, ...], Record] = {}
    for record in records:
        name = tuple(_identity(record, part) for part in key)
        name = name if len(name) > 1 else name[0]
        if name in unique:
            doubled.setdefault(name, record)
        unique.setdefault(name, record)
    if doubled:
        name, again = next(iter(doubled.items()))
        raise UserError(
            f"{again.where}: doubled, first in {unique[name].where}; {some(doubled, ' and '.join(key))} doubled in all"
        )
    return unique


def as_id(value: Any) -> str | None:
    """An id as text, so that 7 and "7" are the same; None for what is no id."""
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else None


def get(record: Record, field: str) -> Any:
    if field not in record.fields:
        raise NotTheForm(f"{record.where}: no field '{field}'; it has {', '.join(record.fields) or 'none'}")
    return record.fields[field]


def same_ids(gold: dict, predicted: dict, predictions: Path, references: Path) -> None:
    """
    Raises:
        UserError: ids that only one of the two files has; the first few and how many.
    """
    missing, unknown = [i for i in gold if i not in predicted], [i for i in predicted if i not in gold]
    problems = []
    if missing:
        problems.append(f"{some(missing)} of {references} missing (null as its value counts as wrong)")
    if unknown:
        problems.append(f"{some(unknown)} not in {references}")
    if problems:
        raise UserError(f"{predictions}: {'; '.join(problems)}")


def some(names: Iterable, what: str = "id") -> str:
    """ "5 ids (a, b, c, ...)": how many, and the first few."""
    names = [" ".join(name) if isinstance(name, tuple) else name for name in names]
    return f"{len(names)} {what}{'s' * (len(names) > 1)} ({', '.join(names[:3])}{', ...' * (len(names) > 3)})"


def shown(value: Any) -> str:
    """A value as it stands in the file, shortened."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _identity(record: Record, part: str) -> str:
    value = get(record, part)
    if (text := as_id(value)) is None:
        raise NotTheForm(f"{record.where}: {part}: {shown(value)} should be a string or a whole number")
    return text


def _lines(text: str, path: Path) -> Iterator[Record]:
    for number, line in enumerate(text.removesuffix("\n").split("\n"), start=1):
        where = f"{path}, line {number}"
        if not line.strip():
            raise UserError(f"{where}: empty line; take it out")
        fields = _parse(line, where)
        if not isinstance(fields, dict):
            raise NotTheForm(f"{where}: {shown(fields)} should be an object {{...}}")
        yield Record(where, fields)


def _document(text: str, path: Path, field: str) -> Iterator[Record]:
    document = _parse(text, str(path))
    if isinstance(document, list) and all(isinstance(fields, dict) for fields in document):
        yield from (Record(f"{path}, row {number}", fields) for number, fields in enumerate(document, start=1))
    elif not isinstance(document, dict):
        raise NotTheForm(f"{path}: should be {{id: value}}, a list of objects or SQuAD's JSON; name lines .jsonl")
    elif isinstance(document.get("data"), list):
        yield from _squad(document["data"], path)
    else:
        for name, value in document.items():
            yield Record(f"{path}, id {name}", {"id": name, field: value})


def _squad(articles: list, path: Path) -> Iterator[Record]:
    try:
        for article in articles:
            for paragraph in article["paragraphs"]:
                for question in paragraph["qas"]:
                    answers = [answer["text"] for answer in question["answers"]]
                    yield Record(f"{path}, question {question['id']}", {"id": question["id"], "answers": answers})
    except (KeyError, TypeError) as error:
        raise NotTheForm(
            f"{path}: not SQuAD's JSON ({error}); it should be data > paragraphs > qas > id and answers > text"
        ) from None


def _parse(text: str, where: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_no_doubled_keys, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        lines = f", line {error.lineno}" if "\n" in text else ""
        hint = "; name a file of lines .jsonl" if error.msg == "Extra data" else ""
        raise NotTheForm(f"{where}{lines}: bad JSON at column {error.colno} ({error.msg}){hint}") from None
    except ValueError as error:
        raise NotTheForm(f"{where}: {error}") from None
    except RecursionError:
        raise NotTheForm(f"{where}: its lists or objects are nested too deep to be read") from None


def _no_doubled_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        names = [name for name, _ in pairs]
        doubled = dict.fromkeys(name for name in names if names.count(name) > 1)
        raise ValueError(f"{some(doubled, 'key')} doubled in one object")
    return fields


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number of JSON")
