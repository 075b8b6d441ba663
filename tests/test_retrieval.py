"""Sentence vectors, pairs and the sweep over layers and poolings."""

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import tiny

from xlt import evaluate, model, retrieval
from xlt.engine import Job, execute
from xlt.errors import UserError
from xlt.lab import Lab
from xlt.params import Resources
from xlt.recipe import Evaluation, Stage
from xlt.retrieval import Cell, cells, pairs, vectors
from xlt.store import predictions


class Ids(torch.nn.Module):
    """An encoder whose hidden states are the token ids times one plus the layer, in two dimensions."""

    def __init__(self, layers=12):
        super().__init__()
        self.config = SimpleNamespace(num_hidden_layers=layers, hidden_size=2)

    def forward(self, input_ids, attention_mask, output_hidden_states, **_):
        assert output_hidden_states
        states = torch.stack([input_ids.float(), torch.ones_like(input_ids).float()], dim=-1)
        states = torch.where(attention_mask.unsqueeze(-1) == 1, states, torch.tensor(float("nan")))  # not to be read
        return SimpleNamespace(hidden_states=[states * (1 + i) for i in range(self.config.num_hidden_layers + 1)])


TEXTS = ["Anna kauft ein Auto.", "Anna", "Der Hund ☃"]


@pytest.fixture
def tokenizer(shared, start):
    return model.tokenizer_of(shared, start)


# vectors ----------------------------------------------------------------------------------------


def test_all_poolings_and_layers_come_from_one_pass(tokenizer):
    asked = [Cell(0, "mean"), Cell(0, "inner"), Cell(2, "cls"), Cell(0, "mean", True)]
    found = vectors.embed(TEXTS, tokenizer, Ids(), asked, max_length=64, batch=2)
    ids = [tokenizer(text)["input_ids"] for text in TEXTS]
    assert tokenizer.unk_token_id in ids[2]  # a word, not a special token
    means = np.array([[np.mean(row), 1.0] for row in ids])
    np.testing.assert_allclose(found[Cell(0, "mean")], means, rtol=1e-6)
    np.testing.assert_allclose(found[Cell(0, "inner")], [[np.mean(row[1:-1]), 1.0] for row in ids], rtol=1e-6)
    assert found[Cell(2, "cls")].tolist() == [[3 * tokenizer.cls_token_id, 3.0]] * 3
    np.testing.assert_allclose(found[Cell(0, "mean", True)], means - means.mean(0), rtol=1e-5, atol=1e-5)


def test_a_pair_of_texts_is_one_vector(tokenizer):
    [found] = vectors.embed([("Anna", "Der Hund")], tokenizer, Ids(), [Cell(0, "mean")], 64, 2).values()
    assert found[0, 0] == pytest.approx(np.mean(tokenizer("Anna", "Der Hund")["input_ids"]))


@pytest.mark.parametrize(("layer", "read"), [(0, 0), (3, 3), (12, 12), (None, 8)])
def test_the_layer_asked_for(layer, read):
    assert cells.point(Evaluation(task="tatoeba", layer=layer), 12) == Cell(read, "mean", False)


@pytest.mark.parametrize("layer", [13, -1])
def test_a_layer_that_the_encoder_does_not_have(layer):
    with pytest.raises(UserError, match=f"evaluation of tatoeba: the encoder has layers 0 to 12, not {layer}"):
        cells.point(Evaluation(task="tatoeba", layer=layer), 12)


def test_the_default_layer_is_that_of_xtreme():
    assert [retrieval.default_layer(n) for n in (24, 12, 6, 2, 1)] == [14, 8, 4, 1, 1]


def test_a_cell_has_one_name():
    assert [Cell.parse(str(cell)) for cell in cells.every(2)] == cells.every(2) and len(cells.every(2)) == 3 * 3 * 2


# pairs ------------------------------------------------------------------------------------------


def scripted(monkeypatch, table):
    """Sentence vectors as the test says, the same in every cell."""
    by_text = lambda texts, _, __, asked, *___: {c: np.array([table[t] for t in texts], float) for c in asked}  # noqa: E731
    monkeypatch.setattr(pairs, "embed", by_text)


def test_known_vectors_find_their_sentence(monkeypatch):
    rows = {"source": ["a", "b", "c"], "target": ["A", "B", "C"]}
    scripted(monkeypatch, {"a": [1, 0], "b": [0, 1], "c": [1, 0.1], "A": [1, 0], "B": [1, 0.2], "C": [0, 1]})
    values, examples = pairs.score(rows, None, Ids(), Evaluation(task="tatoeba", language="de"), 4)
    # A finds a, B (1, 0.2) finds c, C finds b; a finds A, b finds C, and c (1, 0.1) finds B
    assert [example["found_en_to_xx"] for example in examples] == [0, 2, 1]
    assert [example["found_xx_to_en"] for example in examples] == [0, 2, 1]
    assert [example["accuracy_xx_to_en"] for example in examples] == [1.0, 0.0, 0.0]
    assert values == {"accuracy_en_to_xx": pytest.approx(1 / 3), "accuracy_xx_to_en": pytest.approx(1 / 3)}


def test_retrieval_needs_no_head(shared, start):
    learner = evaluate.model_for(shared, start, Evaluation(task="tatoeba", language="de"))
    assert not hasattr(learner, "classifier") and not learner.training


# the sweep --------------------------------------------------------------------------------------


def test_a_sweep_holds_what_each_single_evaluation_gives(store, start):
    swept = Evaluation(task="tatoeba", language="de", max_length=48, sweep=True)
    single = [
        Evaluation(task="tatoeba", language="de", max_length=48, layer=c.layer, pooling=c.pooling, centred=c.centred)
        for c in cells.every(1)
    ]
    execute(store, Job(start, (swept, *single)), Resources(eval_batch=3))
    read = lambda e: json.loads(store.score_file(start, e).read_text())["metrics"]  # noqa: E731
    values = read(swept)
    for cell, evaluation in zip(cells.every(1), single, strict=True):
        alone = read(evaluation)
        assert {name: values[f"{name}@{cell}"] for name in alone} == alone
    assert values["accuracy_en_to_xx"] == values["accuracy_en_to_xx@1/mean"]
    kept = predictions(store.score_file(start, swept))
    column = cells.every(1).index(Cell(0, "cls"))
    found = [example["sweep_xx_to_en"][column] for example in kept]
    assert np.mean([place == i for i, place in enumerate(found)]) == values["accuracy_xx_to_en@0/cls"]


def test_a_sweep_is_one_table(places, in_process):
    lab = Lab(tiny())
    recipe = lab.recipe().then(Stage(task="mnli", steps=1, batch=4, max_length=48, role="intermediate"))
    table = retrieval.sweep(lab, recipe, languages=["de", "zh"], seeds=2)
    assert list(table) == ["seed", "language", "direction", "layer", "pooling", "centred", "accuracy"]
    assert len(table) == 2 * 2 * 2 * len(cells.every(1)) and not table.duplicated(list(table)[:-1]).any()
    started = in_process.started
    pd.testing.assert_frame_equal(retrieval.sweep(lab, recipe, languages=["de", "zh"], seeds=2), table)
    assert in_process.started == started  # stored like any evaluation
    with pytest.raises(UserError, match="sentence pairs .family retrieval., which xnli has not"):
        retrieval.sweep(lab, recipe, "xnli")


def swept(**languages):
    return pd.DataFrame(
        {"seed": 0, "language": code, "direction": "en_to_xx", "layer": layer, "pooling": "mean", "centred": False,
         "accuracy": value}
        for code, values in languages.items() for layer, value in enumerate(values)
    )  # fmt: skip


def test_the_rules_that_choose_a_layer():
    table = swept(de=[0.1, 0.9, 0.2], fr=[0.1, 0.3, 0.5], zh=[0.2, 0.3, 0.3])
    fixed = retrieval.choose(table, "fixed")
    assert fixed["layer"].unique().tolist() == [1]
    chosen = retrieval.choose(table, "held out").set_index("language")
    # for de the others say 0.3, 0.6, 0.8; for fr 0.3, 1.2, 0.5; for zh 0.2, 1.2, 0.7
    assert chosen["layer"].to_dict() == {"de": 2, "fr": 1, "zh": 1}
    assert chosen["accuracy"].to_dict() == {"de": 0.2, "fr": 0.3, "zh": 0.3}
    with pytest.raises(UserError, match="two or more"):
        retrieval.choose(table[table["language"] == "de"], "held out")
    with pytest.raises(UserError, match="rule"):
        retrieval.choose(table, "best")
