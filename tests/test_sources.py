"""Records from a folder in hub layout: what loads, and what is said when something is wrong."""

import gzip
import io
import shutil
import tarfile
import zipfile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import tiny
from datasets import ClassLabel, Dataset, Features, List, Value
from datasets.exceptions import DatasetGenerationError

from xlt.core.errors import UserError
from xlt.data import layout, places
from xlt.data.sources import Source
from xlt.data.store import Store
from xlt.lab import estimate
from xlt.spec import tasks

XNLI, UDPOS = tasks.get("xnli"), tasks.get("udpos")
TEXT = Value("string")
NLI = Features({"premise": TEXT, "hypothesis": TEXT, "label": ClassLabel(names=list(tasks.get("mnli").labels))})


def nli(size=3, start=0):
    rows = range(start, start + size)
    return {"premise": [f"p{i}" for i in rows], "hypothesis": [f"h{i}" for i in rows], "label": [i % 3 for i in rows]}


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """Put a data set into a folder in hub layout; `hub.source` reads it."""
    monkeypatch.setenv("XLT_CACHE", str(tmp_path / "cache"))

    class Hub:
        root = tmp_path / "folder"

        def put(self, columns, task=XNLI, code="de", split="test", features=None):
            rows = columns if isinstance(columns, Dataset) else Dataset.from_dict(columns, features=features)
            config, name = task.config_for(code), task.splits[split]
            file = self.root / task.dataset / config / f"{name}-00000-of-00001.parquet"
            file.parent.mkdir(parents=True, exist_ok=True)
            rows.to_parquet(file)
            self._card(task)
            forget()
            return file

        def _card(self, task):
            folder = self.root / task.dataset
            lines = ["---", "configs:"]
            for config in sorted(path for path in folder.iterdir() if path.is_dir()):
                lines += [f"- config_name: {config.name}", "  data_files:"]
                for file in sorted(config.iterdir()):
                    lines += [f"  - split: {file.name.split('-')[0]}", f"    path: {config.name}/{file.name}"]
            (folder / "README.md").write_text("\n".join([*lines, "---", ""]))

        @property
        def source(self):
            return Source(self.root)

    return Hub()


def forget():
    """What was found in folders: a test changes them."""
    for kept in (places._folder_at, layout._card, layout.layout, layout._sha256):
        kept.cache_clear()


def complaint(call, *arguments):
    forget()
    with pytest.raises(UserError) as error:
        call(*arguments)
    message = str(error.value)
    assert "\n" not in message
    return message


def test_columns_get_our_names(hub):
    hub.put(nli() | {"other": ["x"] * 3}, features=Features(NLI | {"other": TEXT}))
    rows = hub.source.load(XNLI, "de", "test")
    assert sorted(rows.column_names) == ["label", "text_a", "text_b"]
    assert rows[0] == {"text_a": "p0", "text_b": "h0", "label": 0}


def test_labels_without_names_are_ids(hub):
    hub.put(nli())
    assert hub.source.load(XNLI, "de", "test")["label"][:] == [0, 1, 2]


def test_splits_are_renamed(hub):
    hub.put(nli(), split="dev")
    assert len(hub.source.load(XNLI, "de", "dev")) == 3


def test_a_task_can_read_the_columns_of_lists(hub):
    features = Features({"tokens": List(TEXT), "pos_tags": List(ClassLabel(names=list(tasks.get("pos").labels)))})
    hub.put({"tokens": [["a", "b"], []], "pos_tags": [[0, 16], []]}, UDPOS, features=features)
    assert hub.source.load(UDPOS, "de", "test")["tags"][:] == [[0, 16], []]


def test_a_missing_column(hub):
    hub.put({name: values for name, values in nli().items() if name != "hypothesis"})
    said = complaint(hub.source.load, XNLI, "de", "test")
    assert "facebook/xnli/de/test: missing column hypothesis; it has premise, label" in said


@pytest.mark.parametrize(("label", "named"), [(3, "3"), (-1, "-1"), (None, "None"), ("maybe", "'maybe'")])
def test_a_label_outside_the_set(hub, label, named):
    hub.put({"premise": ["p"], "hypothesis": ["h"], "label": [label]})
    said = complaint(hub.source.load, XNLI, "de", "test")
    assert f"facebook/xnli/de/test: row 1: label {named} is outside 0..2 (entailment, neutral, contradiction)" in said


def test_labels_in_another_order_are_read_by_their_names(hub):
    hub.put(nli(), features=Features(NLI | {"label": ClassLabel(names=["neutral", "contradiction", "entailment"])}))
    assert hub.source.load(XNLI, "de", "test")["label"][:] == [1, 2, 0]


@pytest.mark.parametrize("names", [["yes", "maybe", "no"], ["entailment", "neutral"]])
def test_other_label_names(hub, names):
    hub.put(nli(2), features=Features(NLI | {"label": ClassLabel(names=names)}))
    said = complaint(hub.source.load, XNLI, "de", "test")
    assert f"facebook/xnli/de/test: labels are {', '.join(names)}, but task xnli declares" in said


@pytest.mark.parametrize(
    ("tags", "features", "named"),
    [
        ([[0, 17]], List(Value("int64")), "row 1: label 17 is outside 0..16"),
        ([["NAME"]], List(TEXT), "row 1: label 'NAME' is outside"),
        (["NOUN"], TEXT, "row 1: pos_tags is no list"),
    ],
)
def test_tags_that_are_none(hub, tags, features, named):
    tokens = Features({"tokens": List(TEXT), "pos_tags": features})
    hub.put({"tokens": [["a", "b"]], "pos_tags": tags}, UDPOS, features=tokens)
    assert f"google/xtreme/udpos.German/test: {named}" in complaint(hub.source.load, UDPOS, "de", "test")


def test_an_empty_file(hub):
    hub.put(nli(0), features=NLI)
    said = complaint(hub.source.load, XNLI, "de", "test")
    assert said == "facebook/xnli/de/test: test-00000-of-00001.parquet is empty; fetch the file again"


@pytest.mark.parametrize("damage", ["half", "overwritten"])
def test_a_damaged_file(hub, damage):
    file = hub.put(nli(), features=NLI)
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2] if damage == "half" else whole[:10] + b"\0" * 50 + whole[60:])
    assert "facebook/xnli/de/test: damaged or unreadable" in complaint(hub.source.load, XNLI, "de", "test")


@pytest.mark.parametrize("ending", ["jsonl", "csv", "parquet"])
def test_a_file_of_no_bytes(hub, tmp_path, ending):
    folder = tmp_path / "mine"
    folder.mkdir()
    record = {"jsonl": '{"a": "x", "b": "y", "label": 0}\n', "csv": "a,b,label\nx,y,0\n", "parquet": ""}[ending]
    fields = {"family": "classification", "columns": {"text_a": "a", "text_b": "b"}, "labels": ["no", "yes"]}
    task = tasks.parse("mine", fields | {"dataset": str(folder)}, "mine.yaml")
    for split, content in (("train", ""), ("test", record)):
        (folder / f"{split}.{ending}").write_text(content)
    said = complaint(hub.source.load, task, "en", "train")
    assert said == f"{folder}/default/train: train.{ending} is empty; fetch the file again"
    if ending != "parquet":
        assert len(hub.source.load(task, "en", "test")) == 1  # which lies in another file


def test_a_damaged_file_is_named_and_stops_only_who_reads_its_split(tmp_path, monkeypatch):
    monkeypatch.setenv("XLT_CACHE", str(tmp_path / "cache"))
    table = pa.table({"text_a": ["x"], "text_b": ["y"], "label": [0]})
    for ending, damage, said in [
        ("csv", b"", "test: test.csv is empty; fetch the file again"),
        ("csv", bytes(range(256)), "test: damaged or unreadable: test.csv (not UTF-8: save it as UTF-8 (byte 128))"),
        ("jsonl", b'{"text_a": "x', "test: damaged or unreadable: test.jsonl (line 1: bad JSON at column"),
        ("parquet", b"PAR1", "test: damaged or unreadable: test.parquet (Parquet file size"),
        ("parquet", table.slice(0, 0), "test: test.parquet is empty; fetch the file again"),
    ]:
        folder = tmp_path / f"{ending}-{len(said)}"
        folder.mkdir()
        whole = {"csv": "text_a,text_b,label\nx,y,0\n", "jsonl": '{"text_a": "x", "text_b": "y", "label": 0}\n'}
        (folder / f"train.{ending}").write_text(whole.get(ending, ""))
        (folder / f"test.{ending}").write_bytes(damage if isinstance(damage, bytes) else b"")
        if ending == "parquet":
            pq.write_table(table, folder / "train.parquet")
        if not isinstance(damage, bytes):
            with pq.ParquetWriter(folder / "test.parquet", table.schema) as writer:
                writer.write_table(damage)
        task = {"family": "classification", "labels": ["no", "yes"], "dataset": str(folder)}
        task = tasks.parse("mine", task, "mine.yaml")
        assert f"{folder}/default/{said}" in complaint(Source(None).load, task, "en", "test")
        assert len(Source(None).load(task, "en", "train")) == 1


@pytest.mark.parametrize("packed", ["tar.gz", "gz", "zip"])
def test_records_in_an_archive(tmp_path, monkeypatch, packed):
    monkeypatch.setenv("XLT_CACHE", str(tmp_path / "cache"))
    folder, record = tmp_path / "mine", b'{"text_a": "x", "text_b": "NA", "label": 0}\n'
    folder.mkdir()
    file = folder / f"test.jsonl.{packed}"
    if packed == "gz":
        file.write_bytes(gzip.compress(record))
    elif packed == "zip":
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("test.jsonl", record)
    else:
        with tarfile.open(file, "w:gz") as archive:
            entry = tarfile.TarInfo("test.jsonl")
            entry.size = len(record)
            archive.addfile(entry, io.BytesIO(record))
    task = tasks.parse("mine", {"family": "classification", "labels": ["no", "yes"], "dataset": str(folder)}, "mine")
    assert Source(None).load(task, "en", "test")[:] == {"text_a": ["x"], "text_b": ["NA"], "label": [0]}


def test_questions_of_one_id(hub):
    answers = {"text": ["a"], "answer_start": [0]}
    rows = {"id": [1, 2, 1], "context": ["a"] * 3, "question": ["q"] * 3, "answers": [answers] * 3}
    hub.put(rows, tasks.get("xquad"))
    said = complaint(hub.source.load, tasks.get("xquad"), "de", "test")
    assert said == "google/xquad/xquad.de/validation: rows 1 and 3 have the same id 1; each needs its own"


def test_a_missing_config(hub):
    hub.put(nli())
    for call in (hub.source.load, hub.source.identity):
        said = complaint(call, XNLI, "fr", "test")
        assert "unknown config 'fr' in facebook/xnli; known: de; look into folder/facebook/xnli" in said


def test_a_missing_split(hub):
    hub.put(nli())
    for call in (hub.source.load, hub.source.identity):
        said = complaint(call, XNLI, "de", "dev")
        assert "facebook/xnli/de/validation: no such split" in said and "folder/facebook/xnli" in said


def test_a_split_that_the_task_does_not_have(world):
    said = complaint(world.identity, tasks.get("mnli"), "en", "test")
    assert "unknown split 'test' in task mnli" in said


def test_a_missing_data_set(hub):
    hub.put(nli())
    said = complaint(hub.source.load, tasks.get("xquad"), "de", "test")
    assert "task xquad: google/xquad is not in the hub's cache and there is no network; fetch it with" in said


@pytest.mark.parametrize(
    ("settings", "reason"), [("[", "while parsing"), ("[" * 3000 + "]" * 3000, "maximum recursion")]
)
def test_a_card_that_is_no_yaml(hub, settings, reason):
    file = hub.put(nli())
    (file.parents[1] / "README.md").write_text(f"---\nconfigs: {settings}\n---\n")
    said = complaint(hub.source.load, XNLI, "de", "test")
    assert f"task xnli: facebook/xnli: its card README.md cannot be read ({reason}" in said


def test_english_records_do_not_pass_for_another_language(world):
    said = complaint(world.identity, tasks.get("mnli"), "de", "train")
    assert "nyu-mll/glue, task mnli: only in en, not in de" in said


def test_the_hub_folder_must_be_a_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("XLT_HUB_ROOT", str(tmp_path / "nothing"))
    said = complaint(Source.of, tiny(data={"source": "hub"}))
    assert "nothing is not a folder" in said


def test_a_hub_profile_reads_the_hub_folder(monkeypatch, hub):
    hub.put(nli())
    monkeypatch.setenv("XLT_HUB_ROOT", str(hub.root))
    source = Source.of(tiny(data={"source": "hub"}))
    assert len(source.load(XNLI, "de", "test")) == 3
    assert str(source) == "the folder folder"


def test_a_sample_takes_the_same_rows_of_parallel_files(hub):
    for code, letter in [("de", "d"), ("fr", "f")]:
        rows = nli(50) | {"premise": [f"{letter}{i}" for i in range(50)]}
        hub.put(rows, code=code)
    german, french = (hub.source.load(XNLI, code, "test", 10, 3)["text_a"][:] for code in ("de", "fr"))
    assert [text[1:] for text in german] == [text[1:] for text in french]
    assert len(set(german)) == 10 and german == sorted(german, key=lambda text: int(text[1:]))
    assert hub.source.load(XNLI, "de", "test", 10, 4)["text_a"][:] != german


TYPOS, TWIN = tasks.get("xnli-typos"), tasks.get("xnli-typos-clean")


def test_the_rows_that_people_perturbed_as_they_were(hub):
    assert hub.source.languages(TWIN, "test") == ()
    hub.put(nli(9))
    hub.put(nli(9), code="fr")
    assert hub.source.languages(TWIN, "test") == ()  # which rows they are is said by the other set
    alone = hub.source.identity(XNLI, "de", "test")
    hub.put(nli(3) | {"idx": [7, 2, 5]}, TYPOS)
    assert hub.source.languages(TWIN, "test") == ("de",)
    assert hub.source.load(TWIN, "de", "test")["text_a"][:] == ["p7", "p2", "p5"]
    before = hub.source.identity(TWIN, "de", "test")
    assert before["files"] == alone["files"]
    hub.put(nli(3) | {"idx": [7, 2, 6]}, TYPOS)
    assert hub.source.identity(TWIN, "de", "test") != before


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (nli(2), "no column idx with the numbers of the rows"),
        (nli(2) | {"idx": [1, 9]}, "idx 9 is no row of the other set, which has 9 rows"),
        (nli(2) | {"idx": [-1, 3]}, "idx -1 is no row of the other set, which has 9 rows"),
    ],
)
def test_numbers_of_rows_that_are_not_there(hub, rows, said):
    hub.put(nli(9))
    hub.put(rows, TYPOS)
    assert f"xlt/xnli-typos/de/test: {said}" in complaint(hub.source.load, TWIN, "de", "test")


def test_a_sample_larger_than_the_file_is_the_file(hub):
    hub.put(nli(5))
    assert len(hub.source.load(XNLI, "de", "test", 500)) == 5


def test_identity_is_the_content_not_the_place(hub, tmp_path):
    file = hub.put(nli())
    before = hub.source.identity(XNLI, "de", "test")
    hub.root.rename(tmp_path / "elsewhere")
    moved = Source(tmp_path / "elsewhere")
    assert moved.identity(XNLI, "de", "test") == before
    hub.put(nli(3, start=1))
    assert hub.source.identity(XNLI, "de", "test") != before
    assert file.exists()


def test_another_name_of_the_file_is_no_other_content(hub):
    file = hub.put(nli())
    before = hub.source.identity(XNLI, "de", "test")
    file.rename(file.with_name("test-0.parquet"))
    hub._card(XNLI)
    forget()
    assert hub.source.identity(XNLI, "de", "test") == before


def test_identity_of_one_language_does_not_depend_on_another(hub):
    hub.put(nli())
    before = hub.source.identity(XNLI, "de", "test")
    hub.put(nli(7), code="fr")
    assert hub.source.identity(XNLI, "de", "test") == before


def test_languages_are_those_with_the_split(hub):
    hub.put(nli())
    hub.put(nli(), code="fr", split="dev")
    assert hub.source.languages(XNLI, "test") == ("de",)
    assert hub.source.languages(XNLI, "dev") == ("fr",)
    assert hub.source.languages(XNLI, "train") == ()


def test_the_layout_of_the_parquet_branch(hub):
    """CONFIG/SPLIT/0000.parquet, without a card."""
    for split, size in (("train", 4), ("validation", 2)):
        file = hub.root / "jhu-cogsci/hans/plain_text" / split / "0000.parquet"
        file.parent.mkdir(parents=True)
        rows = {"premise": ["p"] * size, "hypothesis": ["h"] * size, "label": [0, 1] * (size // 2)}
        Dataset.from_dict(rows).to_parquet(file)
    hans = tasks.get("hans").model_copy(update={"rows": {}})
    assert hub.source.languages(hans, "train") == ("en",)
    assert [len(hub.source.load(hans, "en", split)) for split in ("train", "dev")] == [4, 2]


def test_a_language_that_lies_in_another_data_set(hub):
    names = ["NOUN", "PUNCT", "_", *(label for label in UDPOS.labels if label not in ("NOUN", "PUNCT"))]
    features = Features({"tokens": List(TEXT), "upos": List(ClassLabel(names=names))})
    rows = Dataset.from_dict({"tokens": [["a", "b", "c"]], "upos": [[2, 1, 0]]}, features=features)
    hub.put(rows, UDPOS.at("pl"), "pl")
    (hub.root / UDPOS.dataset).mkdir(parents=True)
    found = hub.source.load(UDPOS, "pl", "test")
    assert found["tokens"][:] == [["b", "c"]]
    assert [UDPOS.labels[tag] for tag in found["tags"][0]] == ["PUNCT", "NOUN"]
    assert hub.source.languages(UDPOS, "test") == ("pl",)
    assert hub.source.identity(UDPOS, "pl", "test")["dataset"] == "universal-dependencies/universal_dependencies"


@pytest.mark.parametrize(("rows", "said"), [(2, "2 rows, but the data set has 3"), (3, None)])
def test_rows_are_counted_as_the_folder_declares_them(hub, rows, said):
    hub.put(nli(rows))
    (hub.root / "COUNTS.tsv").write_text("id\tconfig\tsplit\trows\nfacebook/xnli\tde\ttest\t3\n")
    if said:
        assert f"facebook/xnli/de/test: {said}; fetch the file again" in complaint(hub.source.load, XNLI, "de", "test")
    else:
        assert len(hub.source.load(XNLI, "de", "test")) == 3


def test_a_lost_row_is_seen_in_a_file_of_several_languages(hub):
    tydiqa, answers = tasks.get("tydiqa"), {"text": ["a"], "answer_start": [0]}
    ids = ["arabic-1", "korean-1", "korean-2"]
    hub.put({"id": ids, "context": ["a"] * 3, "question": ["q"] * 3, "answers": [answers] * 3}, tydiqa, "ko")
    declared = "id\tconfig\tsplit\trows\ngoogle-research-datasets/tydiqa\tsecondary_task\tvalidation\t{}\n"
    for rows, said in ((3, None), (4, "secondary_task/validation: 3 rows, but the data set has 4; fetch the file")):
        (hub.root / "COUNTS.tsv").write_text(declared.format(rows))
        if said:
            assert said in complaint(hub.source.load, tydiqa, "ko", "test")
        else:
            assert len(hub.source.load(tydiqa, "ko", "test")) == 2


def test_rows_are_counted_again_where_folders_are_looked_at_anew(hub):
    store = Store(hub.root / "runs", hub.source)
    for rows in (3, 5):
        hub.put(nli(rows))
        store.look_again()
        assert estimate.rows(store, "xnli", "de", "test") == rows


def test_a_full_disk_is_not_called_damage(hub, monkeypatch):
    hub.put(nli())

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    def wrapped(*_, **__):
        raise DatasetGenerationError from OSError(28, "No space left on device")

    for way in (full, wrapped):
        monkeypatch.setattr("datasets.DatasetBuilder.download_and_prepare", way)
        with pytest.raises(OSError, match="No space"):
            hub.source.load(XNLI, "de", "test")


def test_the_generated_world_goes_the_same_way(world):
    rows = world.load(XNLI, "de", "test")
    assert len(rows) == 6 and rows.column_names == ["text_a", "text_b", "label"]
    assert str(world) == "the generated world"
    assert world.languages(XNLI, "test") == ("en", "de", "zh")


def test_the_world_has_languages_that_no_public_test_set_has(world, tmp_path):
    folder = tmp_path / "world" / XNLI.dataset
    for code in ("en", "sr-Latn"):
        shutil.copytree(world.root / XNLI.dataset / "en", folder / code)
    codes = ["en", "de", "sr-Latn"]
    assert Source(tmp_path / "world", label=world.label | {"languages": codes}).languages(XNLI, "test") == (
        "en",
        "sr-Latn",
    )


def test_identity_of_the_world_is_its_seed_and_sizes(world, places):
    other = Source.of(tiny(data={"source": "world", "world": {"seed": 1, "sizes": {"nli_test": 2}}}))
    assert other.identity(XNLI, "de", "test") != world.identity(XNLI, "de", "test")
    fewer = Source.of(tiny(languages=("en", "de")))
    assert fewer.identity(XNLI, "de", "test") == world.identity(XNLI, "de", "test")


def test_a_language_that_the_world_does_not_hold(world):
    assert "the generated world of this profile has no xnli in fr" in complaint(world.identity, XNLI, "fr", "test")


def test_parquet_from_elsewhere_with_strings_of_arrow(hub):
    """large_string columns, as pandas and polars write them."""
    table = pa.table(nli()).cast(
        pa.schema([("premise", pa.large_string()), ("hypothesis", pa.large_string()), ("label", pa.int64())])
    )
    hub.put(Dataset(table))
    assert hub.source.load(XNLI, "de", "test")["text_b"][:] == ["h0", "h1", "h2"]
    assert np.array(hub.source.load(XNLI, "de", "test")["label"][:]).dtype.kind == "i"
