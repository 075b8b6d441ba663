"""Sentences in columns: a word and its tags a line, an empty line between sentences (CoNLL, IOB files, CoNLL-U).

The reader of `datasets` fills lines that are too short and cuts those that are too long without a word; here a line
that does not fit is named. The token is the first column and the tag the last one, of CoNLL-U FORM and UPOS.
"""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

import pyarrow as pa

from xlt.core.text import counted, places

CONLLU = ["ID", "FORM", "LEMMA", "UPOS", "XPOS", "FEATS", "HEAD", "DEPREL", "DEPS", "MISC"]
FORM = "write a word and its tag a line, with a tab or a space between them, and an empty line between sentences"
_GLOBAL = "# global.columns ="  # of CoNLL-U Plus
_BLANKS = re.compile(r"[ \t]+")  # a word may hold other white space
_NO_WORD = re.compile(r"\d+[-.]\d+")  # ids of contractions, whose words follow, and of words that are not written


class NumberedLine(NamedTuple):
    """A line with its number from 1; an empty one has no cells."""

    number: int
    text: str
    cells: list[str]


def table(text: str, options: Mapping[str, Any], wanted: Collection[str] = ()) -> pa.Table:
    """A row for each sentence: a list for each column, by its name or else its number from 1, and `tokens` and `tags`.

    Args:
        text: the file.
        options: `sep`, a separator (else it is found: tabs, or one or more blanks), and `names` of the columns.
        wanted: where the first line holds all of these, it names the columns.

    Raises:
        ValueError: a line with fewer or more columns than the others, or without a word.
    """
    lines = _lines(text, options.get("sep"))
    width = len(options.get("names") or ()) or _width(lines)
    if width < 2:
        raise ValueError(f"no columns of words and tags; {FORM}")
    names = list(options.get("names") or _names(lines, width, wanted))
    sentences = _sentences(lines, width, names)
    columns = names or [str(i) for i in range(1, width + 1)]
    values = {name: [[line.cells[i] for line in some] for some in sentences] for i, name in enumerate(columns)}
    ours = {"tokens": values.get("FORM", values[columns[0]]), "tags": values.get("UPOS", values[columns[-1]])}
    kind = pa.list_(pa.string())
    return pa.table({name: pa.array(some, kind) for name, some in (ours | values).items()})


def losses(text: str, options: Mapping[str, Any]) -> list[str]:
    """Words that hold a blank, which is seldom meant."""
    lines = [line for line in _lines(text, options.get("sep")) if line.cells and not line.text.startswith("#")]
    spaced = [line.number for line in lines if " " in line.cells[0] and not line.cells[0][0].isdecimal()]
    return [f"a blank in {counted(len(spaced), 'word')}: {places(spaced, 'line')}"] if spaced else []


def _lines(text: str, sep: str | None) -> list[NumberedLine]:
    plain = [line.rstrip("\n") for line in io.StringIO(text, newline=None)]  # not splitlines: words may hold U+2028
    filled = [line for line in plain if line.strip()]
    sep = sep or ("\t" if 2 * sum("\t" in line for line in filled) > len(filled) else None)
    return [NumberedLine(number, line, _cells(line, sep)) for number, line in enumerate(plain, start=1)]


def _cells(line: str, sep: str | None) -> list[str]:
    if not line.strip():
        return []
    if sep in (None, " "):
        return _BLANKS.split(line.strip(" \t"))
    return [cell.strip(" ") for cell in line.rstrip(" \t").split(sep)]


def _width(lines: list[NumberedLine]) -> int:
    """The number of columns that most lines have."""
    widths = Counter(len(line.cells) for line in lines if line.cells and not line.text.startswith("#"))
    return max(widths, key=widths.__getitem__, default=0)


def _names(lines: list[NumberedLine], width: int, wanted: Collection[str]) -> list[str]:
    """What a comment, the first line or the form of CoNLL-U says that the columns are; empty: nothing does."""
    first = next((line for line in lines if line.cells and not line.text.startswith("# ")), None)
    if plus := next((line.text for line in lines if line.text.startswith(_GLOBAL)), None):
        return plus.removeprefix(_GLOBAL).split()
    if first and wanted and set(wanted) <= set(first.cells):
        return first.cells
    return CONLLU if width == len(CONLLU) and first and re.match(r"\d", first.cells[0]) else []


def _sentences(lines: list[NumberedLine], width: int, names: list[str]) -> list[list[NumberedLine]]:
    sentences: list[list[NumberedLine]] = [[]]
    ids = names[:1] == ["ID"]
    for line in lines:
        comment = line.text.startswith("#") and not sentences[-1] and len(line.cells) != width
        if not line.cells or line.text.startswith("-DOCSTART-"):
            sentences.append([])
        elif not (comment or line.cells == names or ids and _NO_WORD.fullmatch(line.cells[0])):
            _check(line, width, bool(names))
            sentences[-1].append(line)
    return [sentence for sentence in sentences if sentence]


def _check(line: NumberedLine, width: int, named: bool) -> None:
    if len(line.cells) != width:
        others = "names of columns" if named else "the other lines"
        count = counted(len(line.cells), "column")
        raise ValueError(f"line {line.number}: {line.text[:40]!r} has {count}, {others} {width}; {FORM}")
    if not line.cells[0]:
        raise ValueError(f"line {line.number}: {line.text[:40]!r} has no word; {FORM}")
