"""What the tables of features and sets are written with."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any

from datasets import ClassLabel, Features, List, Value

Row = dict[str, Any]

STRING, INTEGER = Value("string"), Value("int32")
ANSWERS = {"text": List(STRING), "answer_start": List(INTEGER)}
HUB_SPLITS = {"train": "train", "dev": "validation", "test": "test"}  # the names of the splits on the hub


def row_by_row(row: Callable[..., Row]) -> Callable[..., list[Row]]:
    """The row of one record, said in a language and numbered, becomes the rows of all records."""

    @wraps(row)
    def rows(records: Iterable, language: str = "en", **options: Any) -> list[Row]:
        return [row(record, language, i, **options) for i, record in enumerate(records)]

    return rows


def features(strings: str, **others: Any) -> Features:
    """Features of the columns in `strings`, and of others with their types."""
    return Features(dict.fromkeys(strings.split(), STRING) | others)


def classes(names: list[str] | tuple[str, ...] | str) -> ClassLabel:
    """The type of a label."""
    return ClassLabel(names=names.split() if isinstance(names, str) else list(names))


def sets(name: str, splits: str, draw: Callable, say: Callable, repo: str, config: str) -> dict[str, tuple]:
    """One set for each split, all in one config of the hub (see xlt.world.files)."""
    return {f"{name}_{split}": (split, draw, say, [(repo, config, HUB_SPLITS[split])]) for split in splits.split()}
