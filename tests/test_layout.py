"""Folders as people lay them out: names of splits, and files beside the data."""

import zipfile

import pytest

from xlt.core.errors import UserError
from xlt.data import layout, places
from xlt.data.sources import Source
from xlt.spec.tasks import parse

FIELDS = {"family": "classification", "labels": ["glad", "sad"], "columns": {"text_b": None}}
ROWS = "text_a,label\n{},glad\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XLT_CACHE", str(tmp_path / "cache"))
    (tmp_path / "mine").mkdir()
    return tmp_path / "mine"


def put(folder, *names):
    """Files of one record, whose text is the file's path."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(ROWS.format(name))
    for kept in (places._folder_at, layout._card, layout.layout):
        kept.cache_clear()


def texts(folder, split, **fields):
    task = parse("moods", FIELDS | {"dataset": str(folder)} | fields, "mine.yaml")
    return Source(None).load(task, "en", split)["text_a"][:]


@pytest.mark.parametrize("form", ["{}.csv", "{}/a.csv", "mine-{}.csv", "{}_1.csv", "{}-00000-of-00001.csv"])
@pytest.mark.parametrize(
    ("split", "name"),
    [("train", "train"), ("train", "training"), ("test", "test"), ("test", "eval")]
    + [("dev", name) for name in ("dev", "valid", "validation", "val")],
)
def test_splits_are_found_by_the_names_that_people_use(folder, split, name, form):
    other = "test" if split == "train" else "train"
    put(folder, form.format(name), form.format(other))
    assert texts(folder, split) == [form.format(name)]
    assert texts(folder, split, splits={split: name}) == [form.format(name)]


@pytest.mark.parametrize("named", ["valid", "dev", "validation"])
def test_the_splits_of_a_card_are_found_too(folder, named):
    put(folder, "a.csv", "b.csv")
    files = f"[{{split: training, path: a.csv}}, {{split: {named}, path: b.csv}}]"
    (folder / "README.md").write_text(f"---\nconfigs: [{{config_name: default, data_files: {files}}}]\n---\n")
    assert texts(folder, "train") == ["a.csv"] and texts(folder, "dev") == ["b.csv"]


def test_a_name_that_is_declared_for_another_split_is_not_taken(folder):
    put(folder, "train.csv", "valid.csv")
    declared = {"train": "train", "dev": "dev", "test": "validation"}
    assert texts(folder, "test", splits=declared) == ["valid.csv"]
    with pytest.raises(UserError, match=r"looked for dev or validation or valid or val; there is train \(train.csv\)"):
        texts(folder, "dev", splits=declared)


def test_what_lies_there_is_said_where_no_split_fits(folder):
    put(folder, "train.csv")
    with pytest.raises(UserError) as error:
        texts(folder, "test")
    said = "no such split: looked for test or testing or eval or evaluation; there is train (train.csv); give splits"
    assert said in str(error.value) and "\n" not in str(error.value)


def test_files_beside_the_data_do_not_disturb(folder):
    put(
        folder,
        "train.csv",
        "test.csv",
        "._train.csv",
        ".train.csv",
        "train.csv~",
        "train.csv.bak",
        "__MACOSX/train.csv",
    )
    for name in ("LICENSE", "notes.txt", ".DS_Store", "train.png", "CITATION.cff"):
        (folder / name).write_bytes(b"\0\xff")
    with zipfile.ZipFile(folder / "train.zip", "w") as archive:
        archive.writestr("train.csv", ROWS.format("zip"))
    assert texts(folder, "train") == ["train.csv"] and texts(folder, "test") == ["test.csv"]


def test_names_of_splits_may_have_capitals(folder):
    put(folder, "Train.csv", "TEST.csv", "Dev.csv")
    assert [texts(folder, split) for split in ("train", "dev", "test")] == [["Train.csv"], ["Dev.csv"], ["TEST.csv"]]


def test_files_of_another_format_than_most_are_left_out_and_said(folder, capsys):
    put(folder, "train.csv", "test.csv")
    (folder / "train.jsonl").write_text('{"text_a": "json", "label": "sad"}')
    assert texts(folder, "train") == ["train.csv"]
    assert capsys.readouterr().err.endswith("/default/train: left out, as most files are csv: train.jsonl\n")


def test_a_single_file_beside_notes_is_the_training_split(folder):
    put(folder, "moods.csv")
    (folder / "notes.txt").write_text("my notes")
    assert texts(folder, "train") == ["moods.csv"]


@pytest.mark.parametrize(
    "readme",
    ["# Moods\n\nMy data.\n", "---\nMy data\n---\nmore", "---\nlicense: mit\n---\n", "", "\u00e4", "---\n---\n"],
)
def test_a_readme_without_settings_is_fine_and_nothing_is_printed(folder, readme, capfd, caplog):
    put(folder, "train.csv", "test.csv")
    (folder / "README.md").write_bytes(readme.encode("latin-1"))
    assert texts(folder, "train") == ["train.csv"]
    assert capfd.readouterr() == ("", "") and not caplog.records


@pytest.mark.parametrize("ending", ["conll", "txt", "iob2", "tsv", "conll.gz", "txt.zip"])
def test_sentences_in_columns_are_records_of_tagging(folder, ending):
    import gzip

    words = "EU B\nrejects O\n\nParis B\n".replace(" ", "\t" if ending == "tsv" else " ")
    file = folder / f"train.{ending}"
    if ending.endswith("zip"):
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("train.txt", words)
    else:
        file.write_bytes(gzip.compress(words.encode()) if ending.endswith("gz") else words.encode())
    fields = {"family": "tagging", "labels": ["O", "B"], "dataset": str(folder)}
    rows = Source(None).load(parse("tags", fields, "mine.yaml"), "en", "train")
    assert rows[:] == {"tokens": [["EU", "rejects"], ["Paris"]], "tags": [[1, 0], [1]]}


def test_what_reading_a_file_loses_is_said_once_with_its_place(folder, capsys):
    (folder / "train.tsv").write_text('text_a\tlabel\n"so\tglad\nbad\tsad\nit is"\tglad\n\nend\tsad\n')
    assert len(texts(folder, "train")) == 4 == len(texts(folder, "train"))
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2 and all("/default/train: train.tsv: " in line for line in lines)
    assert "quotes are read as they stand" in lines[0] and lines[1].endswith("left out: 1 empty line: line 5")


def test_the_form_of_files_can_be_declared(folder):
    (folder / "train.tsv").write_text('"so"\tglad\n"no"\tsad\n')
    read = {"names": ["text_a", "label"], "quoting": "none"}
    assert texts(folder, "train", read=read) == ['"so"', '"no"']
    with pytest.raises(UserError, match="missing column text_a, label; it has so, glad.*give read: {names"):
        texts(folder, "train")
    with pytest.raises(UserError, match="read.quoting: input should be"):
        texts(folder, "train", read={"quoting": "all"})


def test_how_files_are_read_counts_among_what_records_are(folder):
    put(folder, "train.csv")
    plain = parse("moods", FIELDS | {"dataset": str(folder)}, "mine.yaml")
    declared = parse("moods", FIELDS | {"dataset": str(folder), "read": {"quoting": "none"}}, "mine.yaml")
    source = Source(None)
    assert "read" not in plain.definition
    assert source.identity(plain, "en", "train") != source.identity(declared, "en", "train")
