"""Records as a model sees them: the subwords that are left after cutting, as text, with their gold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import cycle, islice
from typing import Any

import datasets
import numpy as np

from xlt.models import unseen
from xlt.models.columns import Features
from xlt.models.features import NO_WORD, encode, encode_sentences
from xlt.spec import tasks
from xlt.spec.tasks import Task

Where = tuple[str, str]  # language and split
WIDTH = 400  # characters of a view, at most


def some(records: dict[Where, datasets.Dataset], number: int = 5) -> Iterator[tuple[Where, int]]:
    """Which records are looked at: of each language and split in turn, spread over it."""
    places = [where for where, rows in records.items() if len(rows)]
    for i, where in enumerate(islice(cycle(places), number if places else 0)):
        turns = 1 + (number - 1) // len(places)
        yield where, (len(records[where]) - 1) * (i // len(places)) // max(1, turns - 1)


def view(rows: datasets.Dataset, place: int, task: Task, labels: Sequence[str], tokenizer: Any, fields: Any) -> str:
    """One record; `fields` has the max_length and stride of its encoding."""
    row = rows.select([place])
    if task.family == tasks.RETRIEVAL:
        texts = [row[name][0] for name in ("source", "target")]
        return "  =  ".join(
            _text(f["input_ids"], tokenizer) for f in encode_sentences(texts, tokenizer, fields.max_length)
        )
    features = encode(task.family, row, tokenizer, fields.max_length, fields.stride)
    text = _VIEWS[task.family](features, row, labels, tokenizer)
    return text if len(text) <= WIDTH else f"{text[:WIDTH]}…"


def unseen_of(rows: datasets.Dataset, task: Task, tokenizer: Any, fields: Any) -> str:
    """What of the records is not seen, in words."""
    if task.family == tasks.RETRIEVAL:
        return ""
    features = encode(task.family, rows, tokenizer, fields.max_length, fields.stride)
    return unseen.told(features, fields.max_length)


def _text(ids: Sequence[int], tokenizer: Any) -> str:
    return " ".join(tokenizer.decode(np.asarray(ids).tolist()).split())


def _classification(features: Features, row: datasets.Dataset, labels: Sequence[str], tokenizer: Any) -> str:
    (feature,) = features
    return f"[{labels[feature['labels']]}] {_text(feature['input_ids'], tokenizer)}"


def _tagging(features: Features, row: datasets.Dataset, labels: Sequence[str], tokenizer: Any) -> str:
    """Each word's subwords as text and, behind a stroke, the tag that its first subword carries."""
    (feature,) = features
    words: list[list[Any]] = []
    for piece, tag, word in zip(feature["input_ids"], feature["labels"], feature["words"], strict=True):
        if word != NO_WORD:
            words.append([tag, piece])
        elif words and piece not in tokenizer.all_special_ids:
            words[-1].append(piece)
    return " ".join(f"{_text(pieces, tokenizer)}/{labels[tag]}" for tag, *pieces in words)


def _span(features: Features, row: datasets.Dataset, labels: Sequence[str], tokenizer: Any) -> str:
    """The window that holds the answer, which is in brackets; else the first."""
    feature = next((one for one in features if one["start_positions"]), features[0])
    ids, start, end = feature["input_ids"], feature["start_positions"], feature["end_positions"]
    if not start:
        reason = "no answer" if not row["answers"][0]["text"] else "its answer is in no window"
        return f"[{reason}] {_text(ids, tokenizer)}"
    parts = ids[:start], ids[start : end + 1], ids[end + 1 :]
    before, answer, after = (_text(part, tokenizer) for part in parts)
    more = WIDTH // 2  # on each side of the answer
    head = before if len(before) <= more else f"{before[: more // 2]} … {before[-more // 2 :]}"
    return f"{head} [[{answer}]] {after[: more // 2]}"


def _choice(features: Features, row: datasets.Dataset, labels: Sequence[str], tokenizer: Any) -> str:
    (feature,) = features
    texts = [_text(choice["input_ids"], tokenizer) for choice in feature["choices"]]
    return "  |  ".join(f"{'[gold] ' if i == feature['labels'] else ''}{text}" for i, text in enumerate(texts))


_VIEWS = {
    tasks.CLASSIFICATION: _classification, tasks.TAGGING: _tagging, tasks.SPAN: _span, tasks.CHOICE: _choice,
}  # fmt: skip
