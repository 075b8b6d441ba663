"""What a card says belongs to what records are where it changes them, and nowhere else."""

import json

import pytest
from datasets import ClassLabel, Dataset, Features, Value

from xlt.data.sources import Source
from xlt.spec.tasks import parse

FIELDS = {"family": "classification", "labels": ["sad", "glad"], "columns": {"text_b": None}}
TEXTS = {"features": [{"name": "text_a", "dtype": "string"}, {"name": "label", "dtype": "string"}]}
OTHERS = {"features": [{"name": "more", "dtype": "int64"}]}
SIZED = {"features": [{"name": "text_a", "dtype": "string"}, {"name": "label", "dtype": "int64"}]}


def named(*names):
    kind = {"class_label": {"names": {str(number): name for number, name in enumerate(names)}}}
    return {"features": [{"name": "text_a", "dtype": "string"}, {"name": "label", "dtype": kind}]}


@pytest.fixture
def card(tmp_path, monkeypatch):
    """The records and what they are after a card with these settings was written beside the file of that name."""
    monkeypatch.setenv("XLT_CACHE", str(tmp_path / "cache"))
    source, folder = Source(None), tmp_path / "mine"
    folder.mkdir()

    def write(file, settings, about, **fields):
        (folder / "train.csv").write_text("text_a,label\na,0\n")
        (folder / "train.tsv").write_text("text_a\tlabel\na\t0\n")
        (folder / "train.jsonl").write_text('{"text_a": "a", "label": 0}\n')
        (folder / "train.json").write_text('{"data": [{"text_a": "a", "label": 0}]}')
        Dataset.from_dict({"text_a": ["a"], "label": [0]}).to_parquet(folder / "plain.parquet")
        labels = Features({"text_a": Value("string"), "label": ClassLabel(names=["sad", "glad"])})
        Dataset.from_dict({"text_a": ["a"], "label": [0]}, features=labels).to_parquet(folder / "named.parquet")
        sized = Features({"text_a": Value("large_string"), "label": Value("int32")})
        Dataset.from_dict({"text_a": ["a"], "label": [0]}, features=sized).to_parquet(folder / "sized.parquet")
        config = {"config_name": "default", "data_files": [{"split": "train", "path": file}], **settings}
        head = {"configs": [config]} | ({"dataset_info": {"config_name": "default", **about}} if about else {})
        (folder / "README.md").write_text(f"---\n{json.dumps(head)}\n---\n")
        fields = FIELDS | {"dataset": str(folder), "splits": {"train": "train"}} | fields
        task = parse("moods", fields, "mine.yaml")
        source.look_again()
        return source, task

    return write


@pytest.mark.parametrize("file", ["train.csv", "train.jsonl", "plain.parquet", "named.parquet"])
def test_other_names_of_labels_are_other_records(card, file):
    found = {}
    for names, label in ((("sad", "glad"), 0), (("glad", "sad"), 1)):
        source, task = card(file, {}, named(*names))
        assert source.load(task, "en", "train")["label"][:] == [label]
        found[names] = source.identity(task, "en", "train")
    assert found["sad", "glad"] != found["glad", "sad"]


@pytest.mark.parametrize(
    ("file", "one", "other"),
    [
        ("train.csv", {"column_names": ["text_a", "label"]}, {"column_names": ["label", "text_a"]}),
        ("train.csv", {"sep": ";"}, {"sep": "|"}),
        ("train.csv", {"quotechar": "'"}, {}),
        ("train.json", {"field": "data"}, {"field": "rows"}),
    ],
)
def test_other_ways_of_reading_are_other_records(card, file, one, other):
    found = []
    for settings in (one, other):
        source, task = card(file, settings, {})
        found.append(source.identity(task, "en", "train"))
    assert found[0] != found[1]


@pytest.mark.parametrize(
    ("file", "settings", "about", "fields"),
    [
        ("train.csv", {}, TEXTS, {}),
        ("train.csv", {}, OTHERS, {}),
        ("train.csv", {"sep": ";"}, {}, {"read": {"sep": ";"}}),
        ("train.tsv", {"sep": "\t"}, {}, {}),
        ("train.jsonl", {"license": "mit"}, {}, {}),
        ("named.parquet", {}, named("sad", "glad"), {}),
        ("named.parquet", {"license": "mit"}, {}, {}),
        ("plain.parquet", {}, OTHERS, {}),
        ("sized.parquet", {}, SIZED, {}),
    ],
)
def test_a_card_that_changes_no_record_does_not_count(card, file, settings, about, fields):
    found = []
    for said in (({}, {}), (settings, about)):
        source, task = card(file, *said, **fields)
        found.append(source.identity(task, "en", "train"))
    assert found[0] == found[1]
    assert not {"options", "features"} & set(found[1])
