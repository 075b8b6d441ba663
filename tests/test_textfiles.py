"""CSV and JSON files as they are written: no value is guessed to be something else than the text that stands there."""

import gzip
import json
import os

import pytest

from xlt.core.errors import UserError
from xlt.data import textfiles, weights
from xlt.data.sources import Source
from xlt.data.textfiles import Want
from xlt.spec.recipe import Encoder
from xlt.spec.tasks import parse

WORDS = ["null", "NA", "N/A", "nan", "None", "007", "true", "1e5", "-0", "2019-01-01", "12345678901234567890", " x"]


DEEP = "[" * 3000 + "]" * 3000


def put(tmp_path, content, name="a.csv"):
    file = tmp_path / name
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return file


def table(file, reader, options=None, **want):
    return textfiles.table(file, textfiles.form(file, reader, options or {}, Want(**want)))


def csv(tmp_path, content, **options):
    return table(put(tmp_path, content), "csv", options).to_pydict()


def lines(tmp_path, content, **options):
    return table(put(tmp_path, content, "a.jsonl"), "json", options).to_pydict()


@pytest.mark.parametrize("word", WORDS)
def test_a_column_of_csv_holds_the_words_that_stand_there(tmp_path, word):
    assert csv(tmp_path, f"text,label\n{word},a\n{word},b\n") == {"text": [word] * 2, "label": ["a", "b"]}


def test_only_an_empty_cell_is_missing(tmp_path):
    assert csv(tmp_path, 'a,b\n,"null"\n"",x\n') == {"a": [None, None], "b": ["null", "x"]}


@pytest.mark.parametrize("content", [b"\xef\xbb\xbfa,b\n1,2\n", b"a,b\r\n1,2\r\n", gzip.compress(b"a,b\n1,2", mtime=0)])
def test_marks_line_ends_and_compression_change_nothing(tmp_path, content):
    assert csv(tmp_path, content) == {"a": ["1"], "b": ["2"]}


def test_line_ends_within_a_cell_stay(tmp_path):
    assert csv(tmp_path, 'a,b\r\n"x\r\ny",z\r\n')["a"] == ["x\r\ny"]


def test_what_a_card_says_of_the_form_is_heeded(tmp_path):
    assert csv(tmp_path, "007;x\n", sep=";", column_names=["a", "b"]) == {"a": ["007"], "b": ["x"]}


@pytest.mark.parametrize("dates", [["2019-01-01", "2020-02-02"], ["2019-01-01T10:00:00Z"] * 2])
def test_texts_of_json_lines_stay_texts(tmp_path, dates):
    rows = [{"text": date, "answers": {"text": [date]}, "tokens": [date, "x"]} for date in dates]
    found = lines(tmp_path, "\n".join(map(json.dumps, rows)))
    assert found == {name: [row[name] for row in rows] for name in rows[0]}


def test_numbers_and_truth_values_of_json_stay_what_they_are(tmp_path):
    assert lines(tmp_path, '{"a": 1, "b": true}\r\n\r\n{"b": null, "c": 0.5}') == {
        "a": [1, None], "b": [True, None], "c": [None, 0.5],
    }  # fmt: skip


def test_where_texts_and_numbers_are_mixed_all_are_texts(tmp_path):
    rows = [{"id": 123456789012345678901, "tokens": ["in", 1998]}, {"id": "b", "tokens": []}]
    found = lines(tmp_path, "\n".join(map(json.dumps, rows)))
    assert found == {"id": ["123456789012345678901", "b"], "tokens": [["in", "1998"], []]}


def test_json_may_be_a_list_or_stand_under_a_key(tmp_path):
    assert lines(tmp_path, '\ufeff[{"a": "x"},\n {"a": "y"}]') == {"a": ["x", "y"]}
    assert lines(tmp_path, '{"data": [{"a": "x"}]}', field="data") == {"a": ["x"]}


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", "a,b\n1,2,3\n", "more cells than its first line names columns"),
        ("a.csv", "a,b\n1,2\n1,2,3\n", "Expected 2 fields in line 3, saw 3"),
        ("a.csv", "a,b\nü,x\n".encode("latin-1"), "not UTF-8: save it as UTF-8 (byte 4)"),
        ("a.csv", "a,b\n1,2\n".encode("utf-16"), "not UTF-8: save it as UTF-8 (it is UTF-16)"),
        ("a.csv", "a,b\n1,2\n".encode("utf-16-le"), "not UTF-8: save it as UTF-8 (it looks like UTF-16)"),
        ("a.jsonl", '{"a": "x"}'.encode("utf-16-be"), "it looks like UTF-16"),
        ("a.jsonl", '{"a": 1}\n{"a": }\n', "line 2: bad JSON at column 7 (Expecting value)"),
        ("a.jsonl", '{"a": 1}\n7\n', "line 2: no object {...} but 7"),
        ("a.jsonl", '["x"]', 'row 1: no object {...} but "x"'),
        ("a.jsonl", '{"a": 1}\n{"a": ' + DEEP + "}", "line 2: its lists or objects are nested too deep to be read"),
        ("a.jsonl", DEEP, "its lists or objects are nested too deep to be read"),
        ("a.jsonl", '{"paragraphs": ' + DEEP + "}", "line 1: its lists or objects are nested too deep to be read"),
        ("a.jsonl", '{"a": {"b": 1}}\n{"a": "x"}', "the values of a are not of one kind"),
    ],
)
def test_what_cannot_be_read_is_said_with_its_line(tmp_path, name, content, said):
    with pytest.raises(ValueError) as error:
        table(put(tmp_path, content, name), "json" if name.endswith("jsonl") else "csv")
    assert said in str(error.value) and "\n" not in str(error.value)


# a data set of the user --------------------------------------------------------------------------


@pytest.fixture
def own(tmp_path, monkeypatch):
    """The records of one's own task whose data set is a folder of that name."""
    monkeypatch.setenv("XLT_CACHE", str(tmp_path / "cache"))

    def read(files, folder="mine", labels=("glad", "sad"), split="train"):
        for name, content in files.items():
            (tmp_path / folder / name).parent.mkdir(parents=True, exist_ok=True)
            put(tmp_path / folder, content, name)
        fields = {"family": "classification", "dataset": str(tmp_path / folder), "labels": labels}
        fields |= {"columns": {"text_b": None}, "splits": {"train": "train", "test": "test"}}
        return Source(None).load(parse("moods", fields, "mine.yaml"), "en", split).to_dict()

    return read


def test_csv_and_json_lines_of_the_same_records_are_the_same_records(own):
    words = dict(zip(WORDS[:-1], ["glad", "NA"] * 6, strict=False))
    table = "text_a,label\n" + "".join(f"{word},{label}\n" for word, label in words.items())
    rows = "".join(json.dumps({"text_a": word, "label": label}) + "\n" for word, label in words.items())
    expected = {"text_a": list(words), "label": [int(label == "NA") for label in words.values()]}
    assert own({"train.csv": table}, "csv", ("glad", "NA")) == expected
    assert own({"train.jsonl": rows}, "jsonl", ("glad", "NA")) == expected
    assert own({"train.tsv": table.replace(",", "\t")}, "tsv", ("glad", "NA")) == expected


def test_a_split_may_have_other_columns_than_the_one_that_is_read(own):
    files = {"train.csv": "text_a,label\na,glad\n", "test.csv": "text_a,label,more\nb,sad,1\n"}
    assert own(files, split="test") == {"text_a": ["b"], "label": [1]}


def test_a_card_may_say_how_csv_is_separated_and_what_its_labels_are(own):
    card = """---
configs:
- config_name: default
  sep: ";"
  data_files: [{split: train, path: train.csv}]
dataset_info:
  config_name: default
  features:
  - {name: text_a, dtype: string}
  - {name: label, dtype: {class_label: {names: {"0": sad, "1": glad}}}}
---
"""
    assert own({"README.md": card, "train.csv": "text_a;label\n007;glad\n"}) == {"text_a": ["007"], "label": [0]}


@pytest.mark.parametrize("name", ["a[x]b", "a*b", "a?b", "a{b}", "my set #1", "ünï"])
def test_signs_of_patterns_in_a_path_are_no_pattern(own, name):
    for other in ("axb", "ab"):
        own({"train.jsonl": '{"text_a": "of another folder", "label": "sad"}'}, other)
    assert own({"train.jsonl": '{"text_a": "own", "label": "glad"}'}, name) == {"text_a": ["own"], "label": [0]}


def test_a_file_in_utf16_is_refused_in_one_line(own):
    with pytest.raises(UserError, match=r"train.csv \(not UTF-8: save it as UTF-8 \(it is UTF-16\)\)") as error:
        own({"train.csv": "text_a,label\na,glad\n".encode("utf-16")})
    assert "\n" not in str(error.value)


def test_a_file_that_was_changed_is_read_again_though_size_and_time_are_the_same(tmp_path, monkeypatch):
    monkeypatch.setenv("XLT_CACHE", str(tmp_path / "cache"))
    file = put(tmp_path, '{"text_a": "a", "label": "glad"}', "train.jsonl")
    fields = {"family": "classification", "dataset": str(tmp_path), "labels": ["glad", "sad "]}
    task = parse("moods", fields | {"columns": {"text_b": None}, "splits": {"train": "train"}}, "mine.yaml")
    source = Source(None)
    before, when = source.identity(task, "en", "train"), file.stat()
    assert source.load(task, "en", "train")["label"][:] == [0]
    file.write_text('{"text_a": "a", "label": "sad "}')
    os.utime(file, ns=(when.st_atime_ns, when.st_mtime_ns))
    assert file.stat().st_size == when.st_size and file.stat().st_mtime_ns == when.st_mtime_ns
    assert source.identity(task, "en", "train") != before and source.load(task, "en", "train")["label"][:] == [1]
    put(tmp_path, '{"text_a": "b", "label": "glad"}', "train-00001-of-00002.jsonl").rename(tmp_path / "train2.jsonl")
    file.unlink()
    with pytest.raises(UserError, match="train.jsonl is no longer there"):
        source.load(task, "en", "train")
    source.look_again()
    assert source.load(task, "en", "train")["text_a"][:] == ["b"]


def test_the_width_of_weights_that_were_changed_is_that_of_the_new_ones(tmp_path):
    start = Encoder(model=str(tmp_path))
    for name in ("tokenizer.json", "model.safetensors"):
        put(tmp_path, "", name)
    for width in (48, 64):
        put(tmp_path, json.dumps({"model_type": "xlm-roberta", "hidden_size": width}), "config.json")
        assert weights.width(start) == width


def test_weights_that_were_changed_have_another_fingerprint_though_size_and_time_are_the_same(tmp_path):
    file = put(tmp_path, "abc", "model.safetensors")
    before, when = weights.fingerprint(str(tmp_path), None, ("model.safetensors",)), file.stat()
    file.write_text("abd")
    os.utime(file, ns=(when.st_atime_ns, when.st_mtime_ns))
    assert weights.fingerprint(str(tmp_path), None, ("model.safetensors",)) != before
