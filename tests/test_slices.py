"""Parts of a split: one file can be learned from and tested on."""

import json

import pytest

from xlt.core.errors import UserError
from xlt.data.sources import Source
from xlt.spec import slices, tasks

COLUMNS = {"text_a": "text", "text_b": None, "label": "mood"}
MOODS = {"family": "classification", "columns": COLUMNS, "labels": ["a", "b"]}


def moods(tmp_path, splits):
    rows = [{"text": f"text {i}", "mood": "ab"[i % 2]} for i in range(11)]
    (tmp_path / "moods.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return tasks.parse("moods", MOODS | {"dataset": str(tmp_path / "moods.jsonl"), "splits": splits}, "test")


@pytest.mark.parametrize(
    ("name", "rows", "found"),
    [
        ("train", 5, range(5)), ("train[:80%]", 11, range(9)), ("train[80%:]", 11, range(9, 11)),
        ("train[2:4]", 11, range(2, 4)), ("train[100:]", 11, range(11, 11)), ("train[:]", 3, range(3)),
    ],
)  # fmt: skip
def test_a_part_is_some_rows_of_a_split(name, rows, found):
    assert slices.part(name, rows) == found


def test_parts_of_every_size_cover_a_split_once():
    for rows in range(50):
        assert [*slices.part("a[:80%]", rows), *slices.part("a[80%:]", rows)] == list(range(rows))


def test_one_file_is_learned_from_and_tested_on(tmp_path):
    task, source = moods(tmp_path, {"train": "train[:80%]", "test": "train[80%:]"}), Source(None)
    parts = {split: source.load(task, "en", split)["text_a"][:] for split in ("train", "test")}
    assert parts["train"] + parts["test"] == [f"text {i}" for i in range(11)] and len(parts["test"]) == 2
    assert source.languages(task, "test") == ("en",)
    small = {"test": "train[100:]"}
    with pytest.raises(UserError, match="train.100:.: empty, as there are 11 rows; give another part under splits"):
        source.load(moods(tmp_path, small), "en", "test")
    assert source.identity(task, "en", "train") != source.identity(task, "en", "test")


@pytest.mark.parametrize(
    ("splits", "said"),
    [
        ({"train": "train", "test": "train"}, "splits overlap: train and test are both 'train'; give each its own"),
        ({"train": "train[:80%]", "test": "train[70%:]"}, "splits overlap: train and test are 'train[:80%]' and"),
        ({"train": "train", "test": "train[80%:]"}, "splits overlap"),
        ({"train": "train[:x]"}, "'train[:x]' is no part of a split: write train[:80%], train[80%:] or train[100:200]"),
    ],
)
def test_parts_that_share_rows_are_refused(tmp_path, splits, said):
    with pytest.raises(UserError) as error:
        moods(tmp_path, splits)
    assert said in str(error.value)
