"""Word lists in files: TSV, gzipped or not, and JSON; what a lexicon is."""

from __future__ import annotations

import csv
import gzip
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple
from unicodedata import normalize

from xlt.core.errors import UserError
from xlt.core.files import State, state
from xlt.spec.case import lower

Table = dict[str, list[str]]


class Lexicon(NamedTuple):
    """A word, in small letters and NFC, and what may stand in its place.

    `lemmas`: only citation forms are listed, so that a text's words have to be lemmatised.
    """

    table: Table
    lemmas: bool


def key(word: str, language: str) -> str:
    return normalize("NFC", lower(normalize("NFC", word), language))


def list_code(language: str) -> str:
    """The code under which word lists and dictionaries have the language: Norwegian is its Bokmål there."""
    return {"no": "nb"}.get(language, language)


def read(file: Path, columns: tuple[str, str], language: str) -> Lexicon:
    """The lexicon of a file for words of `language`.

    Raises:
        UserError: there is no such file, or it is not of that form.
    """
    return _lexicon(state_of(file), columns, language)


def state_of(file: Path) -> State:
    """What shows that a word list was written again: lexicons are kept by it, as lists may change while a process is
    at work.

    Raises:
        UserError: there is no such file.
    """
    try:
        return state(file)
    except OSError as error:
        raise UserError(f"lexicon file {file} cannot be read ({error})") from None


@cache
def _lexicon(file: State, columns: tuple[str, str], language: str) -> Lexicon:
    name = file[0]
    if name.endswith(".json"):
        try:
            entries = json.loads(Path(name).read_text(encoding="utf-8-sig"))
        except (OSError, ValueError, RecursionError) as error:
            raise UserError(f"lexicon file {name} cannot be read ({error})") from None
        if not isinstance(entries, dict) or not all(isinstance(others, list) for others in entries.values()):
            raise UserError(f'lexicon file {name} is not of the form {{"word": ["neighbour", ...]}}')
        for word, others in entries.items():
            if bad := [other for other in others if not isinstance(other, str) or not other.strip()]:
                raise UserError(f"lexicon file {name}: {word!r} has {bad[0]!r} among its words; give texts, none blank")
        return Lexicon({key(word, language): others for word, others in entries.items() if others}, False)
    pairs = list(rows(Path(name), columns))
    if blank := [word for word, other in pairs if not other.strip()]:
        raise UserError(f"lexicon file {name}: {blank[0]!r} has a blank {columns[1]}; fill it or leave the line out")
    return Lexicon(grouped(pairs, language), False)


def rows(path: Path, columns: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The named columns of a TSV file with a header line, gzipped or not."""
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rt", encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE)
            header = reader.fieldnames or []
            if missing := [column for column in columns if column not in header]:
                raise UserError(
                    f"lexicon file {path} has no column {missing[0]}: its first line is '{', '.join(header)}'; "
                    f"it must name {', '.join(columns)}, separated by tabs"
                )
            for number, row in enumerate(reader, 2):
                if None in (values := tuple(row[column] for column in columns)):
                    raise UserError(f"lexicon file {path}, line {number}: fewer columns than the first line names")
                yield values
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise UserError(f"lexicon file {path} cannot be read ({error})") from None


def grouped(pairs: Iterable[tuple[str, ...]], language: str) -> Table:
    table: Table = defaultdict(list)
    for word, other in pairs:
        if other and other not in table[key(word, language)]:
            table[key(word, language)].append(other)
    return dict(table)
