"""A record as the texts that an attack may change, what may stand in each place, and the record with changes made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from xlt.spec import tasks

Texts = tuple[str, ...]
Edits = tuple[tuple[int, int], ...]  # (place, option), by place; option -1 takes the word out
Columns = dict[str, list]

# Of questions the context may only get a distractor: its words hold the gold (as in Morpheus, Tan et al. 2020).
_COLUMNS = {tasks.CLASSIFICATION: ("text_a", "text_b"), tasks.SPAN: ("question", "context")}
GONE = -1


class Place(NamedTuple):
    """`texts[text][start:end]` may become one of the options."""

    text: int
    start: int
    end: int
    options: tuple[str, ...]


def texts_of(rows: Mapping[str, Sequence[Any]], family: str, row: int) -> Texts:
    """Classification: one or two texts; choice: prompt and choices; tagging: tokens; span: question and context."""
    if family == tasks.CHOICE:
        return (rows["prompt"][row], *rows["choices"][row])
    if family == tasks.TAGGING:
        return tuple(rows["tokens"][row])
    return tuple(rows[name][row] for name in _COLUMNS[family] if name in rows)


def changed(family: str, texts: Texts) -> dict[str, Any]:
    """The columns of a record that hold `texts`."""
    if family == tasks.CHOICE:
        return {"prompt": texts[0], "choices": list(texts[1:])}
    if family == tasks.TAGGING:
        return {"tokens": list(texts)}
    return dict(zip(_COLUMNS[family], texts, strict=False))


def rebuilt(rows: Mapping[str, Sequence[Any]], family: str, queries: Sequence[tuple[int, Texts]]) -> Columns:
    """Records with other texts and the same gold: one for each (row, texts)."""
    records = [{name: values[row] for name, values in rows.items()} | changed(family, texts) for row, texts in queries]
    return {name: [record[name] for record in records] for name in rows}


def edited(texts: Texts, places: Sequence[Place], edits: Edits, gone: str = "") -> Texts:
    """The texts after `edits`; of a word taken out `gone` is left, or if that is empty, not its space either."""
    new = list(texts)
    for number, option in sorted(edits, key=lambda edit: places[edit[0]][:3], reverse=True):
        text, start, end, options = places[number]
        before, after = new[text][:start], new[text][end:]
        if option == GONE and not gone and (not before or before.endswith(" ")):
            before, after = (before, after[1:]) if after.startswith(" ") else (before[:-1], after)
        new[text] = before + (gone if option == GONE else options[option]) + after
    return tuple(new)
