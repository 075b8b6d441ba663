"""Records are read and checked once for all processes, piece by piece, and made again when anything changes."""

import json

import datasets
import numpy as np
import pytest

from xlt.core import progress
from xlt.core.errors import UserError
from xlt.data import kept, layout, prepared, records, sources
from xlt.data.sources import Source
from xlt.spec import tasks

MOODS = {
    "family": "classification", "columns": {"text_a": "text", "text_b": None, "label": "mood"},
    "labels": ["glad", "sad"], "drop": ["none"], "languages": "en", "splits": {"train": "train", "test": "test"},
}  # fmt: skip
QUESTIONS = {"family": "span", "languages": "en", "splits": {"train": "train"}}


def write(file, rows):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))


def moods(several, start=0):
    return [{"text": f"text {start + i}", "mood": mood} for i, mood in enumerate(several)]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder of moods, and a cache of this test."""
    monkeypatch.setenv("XLT_CACHE", str(tmp_path / "cache"))
    write(tmp_path / "moods/train.jsonl", moods(["glad", "sad", "none", "glad", "sad", "sad", "none", "glad"]))
    write(tmp_path / "moods/test.jsonl", moods(["glad", "sad"]))
    yield tmp_path / "moods"
    kept._mapped.cache_clear()


def task(folder, **changes):
    return tasks.parse("moods", MOODS | {"dataset": str(folder)} | changes, "mine")


def another_process(monkeypatch):
    """Forget what this process has opened and said; whoever reads the files now fails."""
    kept._mapped.cache_clear()
    monkeypatch.setattr(progress, "_subjects", set())
    monkeypatch.setattr(prepared, "rows", lambda *_: pytest.fail("read again"))


def test_what_one_process_has_read_another_maps(folder, monkeypatch, capsys):
    first = Source(None).load(task(folder), "en", "train")
    said = capsys.readouterr().err
    assert "moods/default/train: left out for a label under drop: 2 rows: rows 3, 7" in said
    assert str(folder.parent) not in said, "pages hold what is said, and lie on other machines"
    another_process(monkeypatch)
    again = Source(None).load(task(folder), "en", "train")
    assert again.to_dict() == first.to_dict() == {
        "text_a": [f"text {i}" for i in (0, 1, 3, 4, 5, 7)], "label": [0, 1, 0, 1, 1, 0],
    }  # fmt: skip
    assert isinstance(again.data, datasets.table.MemoryMappedTable)
    assert capsys.readouterr().err == said, "each process says what is left out"


def test_a_sample_is_the_rows_that_the_whole_length_decides_and_no_other_is_converted(folder, monkeypatch):
    source = Source(None)
    whole = source.load(task(folder), "en", "train").to_dict()
    another_process(monkeypatch)
    monkeypatch.setattr(records, "checked", lambda *_, **__: pytest.fail("converted"))
    drawn = sorted(np.random.default_rng(5).permutation(6)[:3])
    sample = source.load(task(folder), "en", "train", 3, seed=5)
    assert sample["text_a"][:] == [whole["text_a"][row] for row in drawn] and len(sample) == 3


def test_a_file_that_has_changed_is_read_and_checked_again(folder):
    source = Source(None)
    assert len(source.load(task(folder), "en", "train")) == 6
    write(folder / "train.jsonl", moods(["glad", "angry"]))
    source.look_again()
    with pytest.raises(UserError, match="train: row 2: label 'angry' is outside 0..1"):
        source.load(task(folder), "en", "train")
    write(folder / "train.jsonl", moods(["sad"]))
    source.look_again()
    assert source.load(task(folder), "en", "train").to_dict() == {"text_a": ["text 0"], "label": [1]}


def test_another_declaration_and_other_code_read_again(folder, monkeypatch):
    source = Source(None)
    assert source.load(task(folder), "en", "train")["label"][:] == [0, 1, 0, 1, 1, 0]
    turned = task(folder, labels=["sad", "glad"])
    assert source.load(turned, "en", "train")["label"][:] == [1, 0, 1, 0, 0, 1]
    monkeypatch.setattr(kept, "_code", lambda: "other code")
    monkeypatch.setattr(prepared, "rows", lambda *_: (_ for _ in ()).throw(prepared.Unreadable("train", "read again")))
    with pytest.raises(UserError, match="read again"):
        source.load(turned, "en", "train")


def test_the_code_that_checks_is_part_of_the_name(monkeypatch):
    kept._code.cache_clear()
    before = kept._code()
    kept._code.cache_clear()
    monkeypatch.setattr(kept, "_CODE", kept._CODE[:-1])
    assert kept._code() != before
    kept._code.cache_clear()


@pytest.mark.parametrize("size", [0, 100])
def test_a_kept_file_that_is_damaged_is_made_again(folder, size):
    source = Source(None)
    first = source.load(task(folder), "en", "train").to_dict()
    kept._mapped.cache_clear()
    (file,) = folder.parent.glob("cache/records/*.arrow")
    file.write_bytes(file.read_bytes()[:size])
    assert source.load(task(folder), "en", "train").to_dict() == first


def test_records_of_earlier_code_are_deleted(folder, monkeypatch):
    for code in ("one", "two"):
        monkeypatch.setattr(kept, "_code", lambda code=code: code)
        Source(None).load(task(folder), "en", "train")
        Source(None).load(task(folder), "en", "test")
        files = list(folder.parent.glob("cache/records/*.arrow"))
        assert len(files) == 2 and all(file.stem.endswith(f"-{code}") for file in files)


def test_a_full_disk_leaves_no_part_of_a_file(folder, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(kept.os, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        Source(None).load(task(folder), "en", "train")
    assert list(folder.parent.glob("cache/records/*")) == []


def test_rows_are_counted_in_every_process(folder, monkeypatch):
    counted = []
    monkeypatch.setattr(sources.counts, "check", lambda *about: counted.append(about[4]))
    for _ in range(2):
        Source(None).load(task(folder), "en", "train")
        another_process(monkeypatch)
    assert counted == [(8, 6), (8, 6)], "of the file, and without what is left out"


# piece by piece -------------------------------------------------------------------------------


def question(key, answer="one"):
    answers = {"text": [answer], "answer_start": [4]} if answer else {"text": [], "answer_start": []}
    return {"id": key, "context": "the one", "question": "which?", "answers": answers}


@pytest.mark.parametrize(
    "family, rows",
    [
        ("span", [question("a", None), question("b", None), question("c"), question("d", None), question("e")]),
        ("tagging", [{"tokens": [*words], "tags": [len(words) % 2] * len(words)} for words in ("a", "", "bc", "")]),
        ("choice", [{"prompt": "p", "choices": ["a", "b"], "label": i % 2} for i in range(5)]),
    ],
)  # fmt: skip
def test_the_pieces_make_the_same_records_as_the_whole(monkeypatch, family, rows):
    labels = {"tagging": {"labels": ["X", "Y"]}, "span": {"metrics": "squad2_f1"}}.get(family, {})
    declared = tasks.parse("mine", {"family": family, "dataset": "./mine", "languages": "en"} | labels, "mine")
    raw = datasets.Dataset.from_list(rows)
    whole = records.canonical(raw, declared, "en", "mine")
    monkeypatch.setattr(records, "PIECE", 2)
    pieces = records.canonical(raw, declared, "en", "mine")
    assert pieces.to_dict() == whole.to_dict() and pieces.features == whole.features


def test_rows_are_numbered_and_ids_are_compared_through_all_pieces(folder, monkeypatch, capsys):
    monkeypatch.setattr(records, "PIECE", 2)
    write(folder / "train.jsonl", moods(["glad", "sad", "glad", None]))
    with pytest.raises(UserError, match="row 4: label None is outside"):
        Source(None).load(task(folder), "en", "train")
    tagged = tasks.parse("mine", {"family": "tagging", "dataset": "./mine", "languages": "en", "labels": ["X"]}, "mine")
    lists = {"tokens": ["['a']"] * 3 + ["[a]"], "tags": ["['X']"] * 4}
    with pytest.raises(UserError, match=r"here: row 4: \[a\] is no list"):
        records.canonical(datasets.Dataset.from_dict(lists), tagged, "en", "here")
    rows = datasets.Dataset.from_list([*moods(["glad"] * 4), {"text": None, "mood": "sad"}])
    with pytest.raises(UserError, match="here: row 5: text_a is empty"):
        records.canonical(rows, task(folder), "en", "here")
    declared = tasks.parse("mine", QUESTIONS | {"dataset": "./mine"}, "mine")
    doubled = datasets.Dataset.from_list([question(key) for key in "abcdb"])
    with pytest.raises(UserError, match="rows 2 and 5 have the same id b"):
        records.canonical(doubled, declared, "en", "here")
    numbered = tasks.parse("mine", QUESTIONS | {"dataset": "./mine", "columns": {
        "id": None, "context": "context", "question": "question", "answers": "answers"}}, "mine")  # fmt: skip
    assert records.canonical(doubled, numbered, "en", "here")["id"][:] == list("12345")
    capsys.readouterr()
    dropping = datasets.Dataset.from_list(moods(["none", "glad", "glad", "none", "none"]))
    assert len(records.canonical(dropping, task(folder), "en", "here", large=True)) == 2
    assert "3 rows: rows 1, 4, 5" in capsys.readouterr().err


def test_a_name_under_relabel_that_only_the_last_piece_has_is_no_slip(folder, monkeypatch, capsys):
    monkeypatch.setattr(records, "PIECE", 2)
    rows = datasets.Dataset.from_list(moods(["glad", "sad", "glad", "angry"]))
    renamed = task(folder, relabel={"angry": "sad", "furious": "sad"})
    assert records.canonical(rows, renamed, "en", "there", large=True)["label"][:] == [0, 1, 0, 1]
    assert "under relabel, but in no row: furious\n" in capsys.readouterr().err


# cards ----------------------------------------------------------------------------------------


def test_a_card_is_read_once_though_folders_are_listed_again(folder, monkeypatch):
    (folder / "README.md").write_text("---\nconfigs:\n- config_name: default\n  data_files: '*.jsonl'\n---\n")
    layout._declared.cache_clear()
    source, read = Source(None), []
    monkeypatch.setattr(layout.yaml, "load", lambda *_, **__: read.append(1) or {})
    for _ in range(3):
        source.look_again()
        source.load(task(folder), "en", "train")
    assert read == [1]
    (folder / "README.md").write_text("---\nlicence: none\n---\n")
    source.look_again()
    source.load(task(folder), "en", "train")
    assert read == [1, 1]
