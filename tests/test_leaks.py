"""Training records that are also evaluation records are found, and nothing else is."""

import os
from pathlib import Path
from types import SimpleNamespace

import pytest
from datasets import Dataset

from xlt.data import contamination
from xlt.data.sources import Source
from xlt.spec import tasks
from xlt.spec.recipe import Encoder, Evaluation, Recipe
from xlt.spec.stage import Stage

START = Recipe(start=Encoder(text="text", languages=("en",)))


@pytest.fixture
def lab(tmp_path, monkeypatch):
    """`lab.put(task, code, split, **columns)` writes records; otherwise what `leaks.table` needs of a Lab."""
    monkeypatch.setenv("XLT_CACHE", str(tmp_path / "cache"))
    source = Source(tmp_path / "folder")

    def put(name, code, split, **columns):
        task = tasks.get(name)
        file = source.root / task.dataset / task.config_for(code) / f"{task.splits[split]}-0.parquet"
        file.parent.mkdir(parents=True, exist_ok=True)
        Dataset.from_dict(columns).to_parquet(file)

    return SimpleNamespace(source=source, put=put)


def pairs(*texts):
    premises, hypotheses = zip(*texts, strict=True)
    return {"premise": premises, "hypothesis": hypotheses, "label": [0] * len(texts)}


def questions(*texts):
    asked, contexts = zip(*texts, strict=True)
    answers = [{"text": [context[:1]], "answer_start": [0]} for context in contexts]
    ids = [str(i) for i in range(len(texts))]
    return {"id": ids, "question": asked, "context": contexts, "answers": answers}


def checked(lab, stages, *evaluations, role="target"):
    recipe = START.then(*(Stage(task=name, languages=codes, role=role) for name, codes in stages))
    return contamination.table(
        lab.source, {"one": recipe}, [Evaluation(task=task, language=code) for task, code in evaluations]
    )


def row(table, **wanted):
    for column, value in wanted.items():
        table = table[table[column] == value]
    assert len(table) == 1
    return tuple(table.iloc[0][["overlapping", "of", "training_records", "verbatim"]])


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("A man’s hat.", "a man's  HAT !"), ("ﬁne", "fine"), ("Straße", "STRASSE"), ("हिन्दी।", "हिन्दी"), ("?!", "?!"),
        ("東京、日本", "東京 日本"),
    ],
)  # fmt: skip
def test_what_counts_as_the_same(text, same):
    assert contamination.normalised(text) == contamination.normalised(same)


@pytest.mark.parametrize(("text", "other"), [("no", "now"), ("किताब", "कतब"), ("?", "!"), ("ab", "a b"), ("1.5", "15")])
def test_what_does_not(text, other):
    assert contamination.normalised(text) != contamination.normalised(other)


def test_pairs_are_compared_as_pairs(lab):
    lab.put("mnli", "en", "train", **pairs(("Yes.", "No"), ("a", "b"), ("a", "b"), ("c", "d")))
    lab.put("xnli", "en", "test", **pairs(("yes", "no!"), ("a", "b"), ("a", "d"), ("d", "c"), ("e", "f")))
    lab.put("xnli", "de", "test", **pairs(("a", "b"), ("g", "h")))
    table = checked(lab, [("mnli", ("en",))], ("xnli", "de"))
    assert list(table.columns) == contamination.COLUMNS and len(table) == 2
    assert row(table, language="de", kind="example") == (1, 2, 2, 2)
    assert row(table, language="en", kind="example") == (2, 5, 3, 2)  # English too, though it is not evaluated
    assert contamination.said(table) == (
        "2 pairs of a training and an evaluation set compared: "
        "1 of 2 examples of xnli de test are in the training records of mnli; "
        "2 of 5 examples of xnli en test are in the training records of mnli (they are scored like all others)"
    )


def test_paragraphs_are_compared_apart_and_once(lab):
    lab.put("squad", "en", "train", **questions(("q1", "Paragraph one."), ("q2", "Paragraph one."), ("q3", "other")))
    lab.put("xquad", "en", "test", **questions(("q9", "paragraph  one"), ("q2", "Paragraph one."), ("q3", "new")))
    table = checked(lab, [("squad", ("en",))], ("xquad", "en"))
    assert row(table, kind="example") == (1, 3, 1, 1)
    assert row(table, kind="paragraph") == (2, 3, 1, 1)  # two spellings of one paragraph in the evaluation


def test_every_stage_and_all_its_languages_are_checked(lab):
    for code, word in (("en", "horse"), ("de", "Pferd")):
        lab.put("mnli-translated", code, "train", **pairs((word, "x"), (word, "y")))
    lab.put("mnli", "en", "train", **pairs(("a", "b"), ("c", "d")))
    lab.put("xnli", "en", "test", **pairs(("pferd", "x"), ("horse", "z")))
    stages = [("mnli-text", ("de",)), ("mnli-translated", ("en", "de")), ("mnli", ("en",))]
    table = checked(lab, stages, ("xnli", "en"))
    assert row(table, training="mnli-translated") == (1, 2, 1, 0)
    assert row(table, training="mnli-text", kind="text") == (1, 4, 2, 0)
    assert row(table, training="mnli") == (0, 2, 0, 0)
    assert list(contamination.found(table)["training"]) == ["mnli-translated", "mnli-text"]


def test_only_what_a_recipe_is_evaluated_on_is_compared(lab):
    lab.put("mnli", "en", "train", **pairs(("a", "b")))
    lab.put("xquad", "en", "test", **questions(("q", "a")))
    table = checked(lab, [("mnli", ("en",))], ("xquad", "en"))
    assert table.empty
    assert contamination.said(table) == "0 pairs of a training and an evaluation set compared: no overlap"


def test_the_sentences_that_bucc_is_mined_from_are_compared(lab):
    sentences = {"side": ["source", "source", "target"], "id": ["1", "2", "1"], "text": ["Eins.", "Zwei.", "One."]}
    lab.put("bucc-foreign", "de", "test", **sentences)
    lab.put("bucc", "de", "test", source_lang=["1"], target_lang=["1"])
    lab.put("mnli", "en", "train", **pairs(("one", "two"), ("three", "four")))
    lab.put("mnli-text", "de", "train", premise=["zwei", "drei", "eins"])
    table = checked(lab, [("mnli-text", ("de",)), ("mnli", ("en",))], ("bucc", "de"), role="intermediate")
    assert row(table, training="mnli", kind="candidate") == (1, 3, 1, 0)
    assert row(table, training="mnli-text", kind="candidate") == (2, 3, 2, 0)
    assert len(table) == 2
    assert "1 of 3 candidates of bucc de test are in the training records of mnli" in contamination.said(table)


def test_descriptions_of_entities_are_compared_and_what_is_trained_to_find(lab):
    lab.put("mewslix-entities", "en", "test", entity_id=["Q1", "Q2"], description=["A town.", "A river."])
    lab.put("mewslix", "de", "test", mention=["die Stadt"], entity_id=["Q1"])
    lab.put("mewslix-pairs", "en", "train", mention=["the town", "die Stadt"], entity=["a town", "a hill"])
    table = checked(lab, [("mewslix-pairs", ("en",))], ("mewslix-zero-shot", "de"), role="intermediate")
    assert row(table, kind="example") == (1, 1, 1, 1)
    assert row(table, kind="candidate") == (1, 2, 1, 0)


def test_what_cannot_be_compared_is_named(lab, monkeypatch):
    lab.put("mnli", "en", "train", **pairs(("a", "b")))
    lab.put("xnli", "en", "test", **pairs(("c", "d")))
    monkeypatch.delitem(contamination._FIELDS, tasks.CLASSIFICATION)
    table = checked(lab, [("mnli", ("en",))], ("xnli", "en"))
    assert contamination.found(table).empty
    assert contamination.said(table).endswith("0 pairs of a training and an evaluation set compared: no overlap. "
                                      "Nothing to compare in mnli and xnli")  # fmt: skip


def test_what_was_compared_is_not_read_again(lab, monkeypatch):
    lab.put("mnli", "en", "train", **pairs(("a", "b")))
    lab.put("xnli", "en", "test", **pairs(("a", "b"), ("c", "d")))
    first = checked(lab, [("mnli", ("en",))], ("xnli", "en"))
    monkeypatch.setattr(contamination, "_texts", lambda *_: pytest.fail("read again"))
    assert checked(lab, [("mnli", ("en",))], ("xnli", "en")).equals(first)


def test_records_that_have_changed_are_compared_anew(lab):
    lab.put("mnli", "en", "train", **pairs(("a", "b"), ("c", "d")))
    lab.put("mnli-translated", "en", "train", **pairs(("e", "f")))
    lab.put("xnli", "en", "test", **pairs(("g", "h"), ("i", "j")))
    learned = [("mnli-translated", ("en",)), ("mnli", ("en",))]
    assert contamination.found(checked(lab, learned, ("xnli", "en"))).empty
    lab.put("xnli", "en", "test", **pairs(("a", "b"), ("c", "d")))
    lab.put("mnli-translated", "en", "train", **pairs(("c", "d")))
    table = checked(lab, learned, ("xnli", "en"))
    assert row(table, training="mnli") == (2, 2, 2, 2)
    assert row(table, training="mnli-translated") == (1, 2, 1, 1)


# the folder of real records ------------------------------------------------------------------------------

HUB = Path(os.environ.get("XLT_HUB_ROOT") or "nowhere")  # conftest takes it out of the environment of the tests


@pytest.mark.slow
@pytest.mark.skipif(not (HUB / "xlt/ud-ccg").is_dir(), reason="XLT_HUB_ROOT does not hold the data sets")
def test_the_known_leaks_of_the_folder(places):
    lab = SimpleNamespace(source=Source(HUB))
    tagging = checked(lab, [("ccg", ("en",)), ("pos", ("en",))], ("udpos", "en"))
    assert row(tagging, training="ccg") == (139, 5_440, 386, 256)
    spans = checked(lab, [("squad2", ("en",)), ("squad", ("en",))], ("xquad", "de"))
    for training in ("squad", "squad2"):
        assert row(spans, training=training, kind="paragraph", evaluation="xquad", language="en") == (0, 240, 0, 0)
    assert checked(lab, [("mnli", ("en",))], ("xnli", "de"))["overlapping"].sum() == 0
    xquad = contamination._texts(lab.source, "xquad", "en", "test")
    for name, split, shared in (("adv-squad", "test", 105), ("squad", "dev", 14), ("squad2", "dev", 78)):
        found = contamination._counts(contamination._texts(lab.source, name, "en", split), xquad, single=False)
        assert found[1] == {
            "kind": "paragraph", "overlapping": shared, "of": 240, "training_records": shared, "verbatim": shared,
        }  # fmt: skip
