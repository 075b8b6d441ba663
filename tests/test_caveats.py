"""What stands beside a score: records without a text, with and without; ties in retrieval."""

import gzip
import json

import pandas as pd
import pytest
from datasets import Dataset

from xlt.evaluation import caveats
from xlt.spec.recipe import Encoder, Evaluation, Recipe

PAIRS = {"text_a": ["a", "NS", "c", " "], "text_b": ["a", "b", "d", "NS"], "label": [1, 0, 0, 0]}


class Place:
    """A source and a store of one evaluation."""

    def __init__(self, folder, predicted):
        self.seen = 0
        self.source, self.file = self, folder / "pawsx.json"
        lines = [{"gold": str(g), "prediction": str(p)} for g, p in zip(PAIRS["label"], predicted, strict=True)]
        text = "".join(json.dumps(line) + "\n" for line in lines)
        self.file.with_suffix(".predictions.jsonl.gz").write_bytes(gzip.compress(text.encode()))

    def load(self, task, code, split, examples):
        return Dataset.from_dict(PAIRS)

    def score_file(self, recipe, evaluation):
        return self.file


def beside(tmp_path, predicted, metric="accuracy", values=None, task="pawsx", **fields):
    recipe, evaluation = Recipe(start=Encoder(model="m")), Evaluation(task=task, language="de", **fields)
    return caveats.beside(Place(tmp_path, predicted), recipe, evaluation, values or {}, metric)


def test_records_without_a_text_are_counted_and_the_score_stands_without_them(tmp_path):
    found = beside(tmp_path, [1, 0, 1, 0])  # right: all but the third; without the second and the fourth: one of two
    assert found == {"placeholders": 2, "value_without": 0.5, "tied": None}
    assert beside(tmp_path, [1, 1, 0, 1], "f1_binary")["value_without"] == 1.0


def test_records_that_have_changed_are_counted_again(tmp_path, monkeypatch):
    place = Place(tmp_path, [1, 0, 1, 0])
    assert caveats.placeholders(place, "pawsx", "de", "test", None) == (1, 3)
    monkeypatch.setattr(place, "load", lambda *_: Dataset.from_dict(PAIRS | {"text_b": ["NS", "b", "d", "e"]}))
    assert caveats.placeholders(place, "pawsx", "de", "test", None) == (1, 3)  # kept, as every row of a table asks
    place.seen += 1
    assert caveats.placeholders(place, "pawsx", "de", "test", None) == (0, 1, 3)


def test_choices_that_have_changed_are_counted_again(tmp_path, monkeypatch):
    place = Place(tmp_path, [0] * 4)
    for several in (["a", "b"], ["a", "b", "c"]):
        rows = Dataset.from_dict({"choices": [several]})
        monkeypatch.setattr(place, "load", lambda *_, rows=rows: rows)
        place.seen += 1
        assert caveats.choices(place, "xcopa", "et", "test") == len(several)


def test_perturbed_records_say_nothing_of_missing_texts(tmp_path):
    assert beside(tmp_path, [1, 0, 1, 0], perturbation="typos") == dict.fromkeys(
        ("placeholders", "value_without", "tied")
    )


def test_ties_stand_beside_the_direction_that_they_are_of(tmp_path):
    values = {"accuracy_en_to_xx": 0.4, "tied_en_to_xx": 0.25, "tied_xx_to_en": 0.0}
    asked = {"task": "tatoeba", "values": values}
    assert beside(tmp_path, [0] * 4, "accuracy_en_to_xx", **asked)["tied"] == 0.25
    assert beside(tmp_path, [0] * 4, "accuracy_xx_to_en", **asked)["tied"] == 0.0


def test_the_table_names_the_languages_of_which_there_is_something_to_say():
    row = {"task": "pawsx", "language": "de", "main": True, "n": 2000, "tied": None}
    scores = pd.DataFrame([
        row | {"seed": 0, "value": 0.8, "placeholders": 32, "value_without": 0.81},
        row | {"seed": 1, "value": 0.9, "placeholders": 32, "value_without": 0.91},
        row | {"seed": 0, "value": 0.7, "placeholders": None, "value_without": None, "language": "fr"},
        row | {"task": "tatoeba", "seed": 0, "value": 0.4, "n": 200, "tied": 0.1},
        row | {"task": "tatoeba", "seed": 0, "value": 0.4, "n": 200, "tied": 0.0, "language": "fr"},
    ])  # fmt: skip
    found = caveats.table(scores).set_index("task")
    assert found.loc["pawsx"].tolist() == ["de", "no text", 32, 2000, pytest.approx(85), pytest.approx(86)]
    assert found.loc["tatoeba"].tolist()[:5] == ["de", "tied", 20, 200, pytest.approx(40)]
    assert caveats.table(scores[:0]).empty and list(caveats.table(scores[:0])) == list(caveats.table(scores))
