"""Features of many records as columns of flat arrays: 4 bytes a subword, where lists of dicts take 40 to 130."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

import numpy as np

Feature = dict[str, Any]


class Ragged:
    """Rows of different lengths, one behind the other in `flat`: an array, or features, of which a row has several."""

    def __init__(self, flat: np.ndarray | Features, lengths: np.ndarray):
        self.flat, self.ends = flat, np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])

    @classmethod
    def of(cls, rows: Sequence[Sequence[int]], dtype: type = np.int32) -> Ragged:
        lengths = np.fromiter(map(len, rows), np.int64, len(rows))
        return cls(np.fromiter(chain.from_iterable(rows), dtype, lengths.sum()), lengths)

    def __len__(self) -> int:
        return len(self.ends) - 1

    def __getitem__(self, place: int) -> Any:
        return self.flat[self.ends[place] : self.ends[place + 1]]

    @property
    def lengths(self) -> np.ndarray:
        return np.diff(self.ends)

    @property
    def nbytes(self) -> int:
        return self.flat.nbytes + self.ends.nbytes


class Features(Sequence):
    """Features of one kind; `features[i]` is one of them, a dict of views into the columns, `features[i:j]` a list."""

    def __init__(self, columns: dict[str, Column]):
        self.columns = columns

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def __getitem__(self, place: int | slice) -> Any:
        places = range(len(self))[place]
        return self._one(places) if isinstance(places, int) else [self._one(i) for i in places]

    def _one(self, place: int) -> Feature:
        return {name: column[place] for name, column in self.columns.items()}

    @property
    def nbytes(self) -> int:
        return sum(column.nbytes for column in self.columns.values())

    def without(self, *names: str) -> Features:
        return Features({name: column for name, column in self.columns.items() if name not in names})


Column = np.ndarray | Ragged | Features  # a number for each feature, a row of numbers or features, or one feature


def joined(parts: Sequence[Any]) -> Any:
    """Columns of one kind, or features, one behind the other."""
    first = parts[0]
    if len(parts) == 1:
        return first
    if isinstance(first, Features):
        return Features({name: joined([part.columns[name] for part in parts]) for name in first.columns})
    if isinstance(first, Ragged):
        return Ragged(joined([part.flat for part in parts]), np.concatenate([part.lengths for part in parts]))
    return np.concatenate(parts)


def lengths(features: Iterable[Feature]) -> np.ndarray:
    """The number of subwords of each."""
    if isinstance(features, Features):
        return features.columns["input_ids"].lengths
    return np.array([len(feature["input_ids"]) for feature in features])
