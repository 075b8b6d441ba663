"""Robust training: which loss is taken, where; copies by the published law; the radius from English dev alone."""

import json
from collections import Counter

import pandas as pd
import pytest
import torch
from conftest import tiny

from xlt.core.errors import UserError
from xlt.lab.jobs import Job
from xlt.lab.work import execute
from xlt.models import batching, model, robust
from xlt.models.encoder import tokenizer_of
from xlt.models.features import encode
from xlt.models.loss import cross_entropy
from xlt.models.objective import Objective
from xlt.perturb import apply
from xlt.spec import stage_rules, tasks
from xlt.spec.identity import digest
from xlt.spec.perturbations import Augmentation, Ball
from xlt.spec.stage import Stage


@pytest.fixture
def words(tmp_path):
    file = tmp_path / "neighbours.json"
    file.write_text(
        json.dumps({"good": ["well", "buena", "nice"], "film": [], "no": ["not"], "cat": ["the cat", "pet"]})
    )
    return file


def drawn(name, text, times=3000):
    rows = {"text_a": [text] * times}
    return Counter(apply(name, rows, "classification", "en", 1.0)["text_a"])


def test_a_word_with_k_neighbours_changes_with_k_of_k_plus_one(words):
    found = drawn(f"rs-da:{words}", "good film")
    assert set(found) == {"good film", "well film", "buena film", "nice film"}
    assert all(count / 3000 == pytest.approx(0.25, abs=0.03) for count in found.values())
    assert drawn(f"rs-da:{words}", "no")["not"] / 3000 == pytest.approx(0.5, abs=0.03)


def test_the_published_law_looks_up_what_stands_between_spaces(words):
    for untouched in ("Good film", "good, film", "GOOD", "film"):
        assert set(drawn(f"rs-da:{words}", untouched, 50)) == {untouched}


def test_the_cleaned_law_sees_words_and_spares_function_words(words):
    found = drawn(f"rs-da-clean:{words}", "Good, no film", 300)
    assert set(found) == {f"{word}, no film" for word in ("Good", "Well", "Buena", "Nice")}
    assert set(drawn(f"rs-da-clean:{words}", "cat", 100)) == {"cat", "pet"}, "a function word would come in"


def test_copies_are_drawn_apart_and_keep_all_but_the_text(words):
    rows = {"text_a": ["good good good good"] * 2, "text_b": ["no", "film"], "label": [0, 1], "id": ["x", "y"]}
    how = Augmentation(perturbation=f"rs-da:{words}", copies=3)
    made = robust.augmented(rows, how, "classification", "en", seed=7)
    assert made["label"] == [0, 1] * 3 and made["id"] == ["x", "y"] * 3 and len(set(made["text_a"])) > 3
    assert made == robust.augmented(rows, how, "classification", "en", seed=7)
    assert made != robust.augmented(rows, how, "classification", "en", seed=8)
    kept = robust.augmented(rows, how.model_copy(update={"keep": True}), "classification", "en", seed=7)
    assert {name: values[:2] for name, values in kept.items()} == rows and kept["text_a"][2:] == made["text_a"]


def trained(store, start, **fields):
    recipe = start.then(Stage(task="mnli", **{"steps": 3, "batch": 4, "max_length": 48, "lr": 1e-2, **fields}))
    execute(store, Job(recipe), tiny().resources)
    weights = torch.cat([p.detach().flatten() for p in model.load(store, recipe).parameters()])
    return store.record(recipe), weights


def test_stages_train_robustly_and_the_same_again(store, start, tmp_path):
    plain, weights = trained(store, start)
    world = Augmentation(perturbation="code-mix:de", strength=0.5, keep=True)
    for fields in (
        {"ball": Ball(radius=1.0)}, {"ball": Ball(radius=1.0, search="random")}, {"augment": world},
        {"augment": Augmentation(perturbation="rs-da", copies=2)}, {"ball": Ball(radius=1.0), "method": "lora"},
    ):  # fmt: skip
        record, other = trained(store, start, **fields)
        assert record["steps"] == 3 and other.shape == weights.shape and not torch.equal(other, weights), fields
        if "augment" in fields:
            assert record["examples"] == 2 * plain["examples"], fields
    same, nothing = trained(store, start, ball=Ball(radius=0.0))
    assert torch.equal(nothing, weights), "a ball without extent is plain training"
    fresh = type(store)(tmp_path / "again", store.source)
    execute(fresh, Job(start), tiny().resources)
    adv = {"ball": Ball(radius=1.0)}
    assert torch.equal(trained(fresh, start, **adv)[1], trained(store, start, **adv)[1])


def test_adversarial_loss_is_above_the_random_one_and_this_near_the_clean_one(store, start):
    recipe = start.then(Stage(task="mnli", steps=20, batch=8, lr=3e-3, max_length=48))
    execute(store, Job(recipe), tiny().resources)
    learner, tokenizer = model.load(store, recipe), tokenizer_of(store, recipe)
    rows = store.source.load(tasks.get("mnli"), "en", "train")
    batch = batching.collate(encode("classification", rows, tokenizer, 48), tokenizer.pad_token_id)
    stages = [Stage(task="mnli"), *(Stage(task="mnli", ball=Ball(radius=2.0, search=s)) for s in ("random", "pgd"))]
    losses = (Objective(stage, tokenizer, cross_entropy) for stage in stages)
    clean, random, worst = (loss(learner, batch).item() for loss in losses)
    assert worst > max(random, clean) and abs(random - clean) < (worst - clean) / 2


def test_a_ball_leaves_dropout_to_draw_as_without_it(store, start):
    """What the search draws is its own, by seed, update and part; so is what an interrupted run goes on with."""
    recipe = start.then(Stage(task="mnli", steps=1, batch=8, max_length=48))
    learner, tokenizer = model.prepare(store, recipe)["mnli"].train(), tokenizer_of(store, recipe)
    rows = store.source.load(tasks.get("mnli"), "en", "train")
    batch = batching.collate(encode("classification", rows, tokenizer, 48)[:8], tokenizer.pad_token_id)

    def after(search, update=0):
        torch.manual_seed(5)
        ball = Ball(radius=0.5, search=search) if search else None
        objective = Objective(Stage(task="mnli", ball=ball, seed=3), tokenizer, cross_entropy)
        objective.begin(update)
        return objective(learner, batch).item(), torch.rand(1).item(), objective.record

    clean, expected, nothing = after(None)
    assert nothing == {}
    for search in ("random", "pgd"):
        loss, drawn, record = after(search)
        assert drawn == expected and loss == after(search)[0] != after(search, update=7)[0]
        assert set(record) == {"ball"} and record["ball"]["loss"] == pytest.approx(loss, abs=1e-4)
        assert after(search, update=7)[2] == {}, "the clean loss is computed at one update in ten"


def test_a_run_in_a_ball_says_what_the_ball_did(store, start):
    record, _ = trained(store, start, ball=Ball(radius=3.0, search="pgd"))
    assert record["ball"]["loss"] > record["ball"]["clean_loss"] > 0
    assert "ball" not in trained(store, start)[0]


def test_a_ball_needs_labels():
    with pytest.raises(UserError, match="text: ball is for"):
        stage_rules.check(Stage(task="text", ball=Ball(radius=1)), "mine")


def test_the_word_list_is_part_of_the_run(store, start, words):
    recipe = start.then(Stage(task="mnli", augment=Augmentation(perturbation=f"rs-da:{words}")))
    before = digest(store.key(recipe))
    words.write_text('{"good": ["bad"]}')
    assert digest(store.key(recipe)) != before
    assert "augment" not in store.key(start.then(Stage(task="mnli")))
    words.unlink()
    with pytest.raises(UserError, match="lexicon file .*neighbours.json cannot be read"):
        store.key(recipe)


def test_neighbours_lie_in_the_folder_of_word_lists(words, monkeypatch):
    monkeypatch.setenv("XLT_LEXICONS", str(words.parent))
    assert set(drawn(f"rs-da:{words.name}", "good film", 100)) == set(drawn(f"rs-da:{words}", "good film", 100))


def test_the_radius_is_the_best_on_english_dev(start):
    recipes = robust.radii(start.then(Stage(task="mnli", steps=5)), [0, 0.1, 1], Ball(radius=9, search="random"))
    assert list(recipes) == ["radius 0", "radius 0.1", "radius 1"]
    assert [r.stages[-1].ball for r in recipes.values()] == [None, *(Ball(radius=x, search="random") for x in (0.1, 1))]
    values = {"radius 0": (0.7, 0.7), "radius 0.1": (0.6, 0.9), "radius 1": (0.8, 0.7)}
    rows = [
        {"recipe": label, "seed": seed, "value": value, "main": True, "language": "en", "split": "dev"}
        for label, several in values.items()
        for seed, value in enumerate(several)
    ]
    assert robust.best_radius(pd.DataFrame(rows)) == 0.1, "of two equal means the smaller radius"
    with pytest.raises(UserError, match="de dev"):
        robust.best_radius(pd.DataFrame([*rows, {**rows[0], "language": "de"}]))
    with pytest.raises(UserError, match="en test"):
        robust.best_radius(pd.DataFrame([{**row, "split": "test"} for row in rows]))
    with pytest.raises(UserError, match="radii"):
        robust.best_radius(pd.DataFrame([{**row, "recipe": "other"} for row in rows]))
