"""Training with the embeddings of a stage's own subwords is training with those of the whole vocabulary."""

import shutil
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from xlt.data.store import Store
from xlt.lab.jobs import Job
from xlt.lab.work import execute
from xlt.models import train, vocabulary_cut
from xlt.models.columns import Features, Ragged
from xlt.models.encoder import tokenizer_of
from xlt.models.vocabulary_cut import CutEmbedding
from xlt.spec.perturbations import Ball
from xlt.spec.profile import Resources
from xlt.spec.stage import Part, Stage

TABLE = "embeddings.word_embeddings.weight"


def stage(task="xnli", **fields):
    return Stage(
        task=task, **({"steps": 6, "batch": 4, "examples": 8, "lr": 1e-3, "max_length": 40, "seed": 0} | fields)
    )


def weights(store, recipe):
    return {
        f"{file.parent.name}/{name}": value
        for file in sorted(store.folder(recipe).rglob("*.safetensors"))
        for name, value in load_file(file).items()
    }


@pytest.fixture
def both(store, tmp_path, monkeypatch):
    """Train a recipe as it is and, in a store of its own, with the whole vocabulary: weights and record of each.

    Also checked is that the first one trained fewer rows, and the second one all of them."""
    whole = tmp_path / "whole"

    def trained(place, recipe):
        rows, loop = [], train._loop

        def watched(learner, *rest):
            rows.append(len(learner.encoder.get_input_embeddings().weight))
            return loop(learner, *rest)

        with monkeypatch.context() as patch:
            patch.setattr(train, "_loop", watched)
            execute(place, Job(recipe), Resources())
        return weights(place, recipe), place.record(recipe), rows[0]

    def make(recipe):
        shutil.copytree(store.root, whole, dirs_exist_ok=True)
        cut, record, rows = trained(store, recipe)
        with monkeypatch.context() as patch:
            patch.setattr(vocabulary_cut, "cut", lambda *_: None)
            plain, other, every = trained(Store(whole, store.source), recipe)
        assert rows < every == len(plain[f"encoder/{TABLE}"])
        return (cut, record), (plain, other)

    return make


CASES = {
    "classification": {},
    "clipped": {"clip": 0.01},
    "decaying": {"weight_decay": 0.1},
    "tagging": {"task": "udpos"},
    "span": {"task": "xquad", "max_length": 60},
    "dual": {"task": "lareqa"},
    "several tasks": {"also": (Part(task="udpos", examples=8),)},
    "adversarial": {"ball": Ball(radius=0.1, steps=2)},
    "random points": {"ball": Ball(radius=0.1, search="random")},
}


@pytest.mark.parametrize("fields", CASES.values(), ids=CASES)
def test_the_trained_weights_are_those_of_the_whole_vocabulary(both, start, fields):
    (cut, record), (plain, other) = both(start.then(stage(**fields)))
    assert cut.keys() == plain.keys()
    for name, value in plain.items():
        torch.testing.assert_close(cut[name], value, rtol=1e-5, atol=1e-6)
    assert all(record[name] == other[name] for name in ("parameters", "trainable", "updates", "steps"))
    assert record["losses"] == pytest.approx(other["losses"], abs=2e-4)


def test_rows_that_nothing_reads_stay_bit_for_bit(both, store, start):
    before = load_file(store.folder(start) / "encoder" / "model.safetensors")[TABLE]
    (cut, _), (plain, _) = both(start.then(stage()))
    after = cut[f"encoder/{TABLE}"]
    same = (after == before).all(1)
    assert 0 < same.sum() < len(before)
    assert torch.equal(same, (plain[f"encoder/{TABLE}"] == before).all(1))


def test_weight_decay_shrinks_the_rows_that_nothing_reads(store, both, start):
    """By hand: each update multiplies them by 1 - rate x decay; without warm-up the rate falls in sixths."""
    before = load_file(store.folder(start) / "encoder" / "model.safetensors")[TABLE]
    (cut, _), _ = both(start.then(stage(weight_decay=0.1, warmup=0.0, lr=1e-2)))
    ratio = cut[f"encoder/{TABLE}"] / before
    left = np.prod([1 - 1e-2 * 0.1 * (6 - step) / 6 for step in range(6)])
    untouched = (ratio - left).abs().amax(1) < 1e-5
    assert untouched.sum() > len(before) / 4


@pytest.mark.parametrize("decay", [0.0, 1.0])
def test_development_records_in_other_languages_choose_the_same_checkpoint(both, start, decay):
    """Their subwords are in no training record, and what they are read as decays as training goes on."""
    watched = {
        "select": "oracle",
        "select_task": "xnli",
        "select_languages": ("en", "de"),
        "select_examples": 20,
        "checks": 3,
    }
    (cut, record), (plain, other) = both(start.then(stage(weight_decay=decay, lr=3e-3, **watched)))
    assert record["curve"] == other["curve"] and record["kept_step"] == other["kept_step"]
    torch.testing.assert_close(cut[f"encoder/{TABLE}"], plain[f"encoder/{TABLE}"], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("task", "fields"), [("xnli", {"frozen": "embeddings"}), ("text", {}), ("xnli", {"method": "lora"})]
)
def test_nothing_is_cut_where_embeddings_are_kept_or_all_of_them_scored(store, start, monkeypatch, task, fields):
    def never(*_):
        raise AssertionError("cut")

    monkeypatch.setattr(CutEmbedding, "__init__", never)
    execute(store, Job(start.then(stage(task, **fields))), Resources())


@pytest.fixture
def table():
    torch.manual_seed(0)
    return torch.nn.Embedding(9, 4, padding_idx=1)


def test_a_subword_that_was_left_out_is_read_as_it_is_but_not_trained(table):
    cut, ids = CutEmbedding(table, np.array([0, 1, 4, 7])), torch.tensor([[4, 8, 0], [7, 1, 2]])
    assert torch.equal(cut.eval()(ids), table(ids))
    with pytest.raises(IndexError):
        cut.train()(ids)


def test_padding_has_no_gradient(table):
    cut = CutEmbedding(table, np.array([0, 1, 4]))
    cut(torch.tensor([[4, 1, 1]])).sum().backward()
    assert cut.weight.grad.abs().sum(1).tolist() == [0, 0, 4, 0]


class Encoder(torch.nn.Module):
    def __init__(self, table):
        super().__init__()
        self.get_input_embeddings, self.set_input_embeddings = (
            lambda: self.table,
            lambda new: setattr(self, "table", new),
        )
        self.table = table


def test_every_choice_of_a_record_keeps_its_subwords(table):
    encoder, tokenizer = Encoder(table=table), SimpleNamespace(all_special_ids=[0, 1, 2, 3])
    choices = Features({"input_ids": Ragged.of([[0, 7, 2], [0, 4, 5, 2]])})
    record = {"input_ids": Ragged.of([[0, 4, 5, 2]]), "choices": Ragged(choices, [2]), "labels": np.array([0])}
    vocabulary_cut.cut(encoder, [Features(record)], tokenizer)
    assert torch.equal(encoder.table.weight[:-1], table.weight[[0, 1, 2, 3, 4, 5, 7]])
    vocabulary_cut.restore(encoder)
    assert encoder.table is table


def test_a_checkpoint_of_the_whole_vocabulary_is_not_gone_on_from(store, start, monkeypatch):
    """One that an earlier version wrote holds every row."""
    recipe = start.then(stage())
    file = store.root / f".checkpoint-{store.id(recipe)}.pt"
    whole = {f"models.0.roberta.{TABLE}": torch.zeros(len(tokenizer_of(store, recipe)), 4)}
    torch.save({"model": whole, "step": 5}, file)
    execute(store, Job(recipe), Resources())
    assert store.record(recipe)["steps"] == 6 and not file.exists()
