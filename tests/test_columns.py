"""Features in flat arrays read like a list of dicts."""

import numpy as np
import pytest

from xlt.models import features
from xlt.models.columns import Features, Ragged, joined, lengths
from xlt.models.encoder import tokenizer_of
from xlt.spec import tasks


def some(*numbers):
    rows = [[number] * number for number in numbers]
    one, two = (Features({"input_ids": Ragged.of(texts)}) for texts in (rows, [*rows, *rows]))
    both = Ragged(two, np.full(len(rows), 2))
    return Features({"input_ids": Ragged.of(rows), "labels": np.array(numbers), "choices": both, "query": one})


def plain(value):
    """As lists and dicts."""
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items()}
    return [plain(inner) for inner in value] if isinstance(value, list) else value.tolist()


def test_a_feature_is_a_dict_of_its_row_of_every_column():
    found = plain(some(3, 1)[0])
    three = {"input_ids": [3, 3, 3]}
    assert found == {"input_ids": [3, 3, 3], "labels": 3, "choices": [three, {"input_ids": [1]}], "query": three}


def test_they_are_read_from_both_ends_and_in_slices():
    read = some(3, 0, 2)
    assert len(read) == 3 and [plain(one["input_ids"]) for one in read] == [[3, 3, 3], [], [2, 2]]
    assert plain(read[-1]) == plain(read[2]) and [plain(one) for one in read[1:]] == [plain(read[1]), plain(read[2])]
    with pytest.raises(IndexError):
        read[3]


def test_joined_parts_read_like_one_list():
    parts = [some(3, 1), some(2)]
    assert [plain(one) for one in joined(parts)] == [plain(one) for part in parts for one in part]


def test_lengths_are_the_same_from_columns_and_from_dicts():
    assert lengths(some(3, 0, 2)).tolist() == lengths(list(some(3, 0, 2))).tolist() == [3, 0, 2]


@pytest.mark.parametrize(
    ("family", "task"),
    [(tasks.CLASSIFICATION, "mnli"), (tasks.TAGGING, "pos"), (tasks.SPAN, "squad"), (tasks.MLM, "text")],
)
def test_records_in_chunks_have_the_same_features(shared, world, start, monkeypatch, family, task):
    """Windows of contexts keep the number of their row."""
    rows, tokenizer = world.load(tasks.get(task), "en", "train"), tokenizer_of(shared, start)
    whole = features.encode(family, rows, tokenizer, 60, 8)
    monkeypatch.setattr(features, "CHUNK", 5)
    chunks = features.encode(family, rows, tokenizer, 60, 8)
    assert [plain(one) for one in chunks] == [plain(one) for one in whole]
    assert family != tasks.SPAN or set(whole.columns["row"].tolist()) == set(range(len(rows)))


def test_a_subword_takes_a_few_bytes(shared, world, start):
    """Of training records: four for its number, and what a record needs beside."""
    rows, tokenizer = world.load(tasks.get("squad"), "en", "train"), tokenizer_of(shared, start)
    found = features.encode(tasks.SPAN, rows, tokenizer, 200).without("offsets")
    assert found.nbytes < 5 * sum(lengths(found))
