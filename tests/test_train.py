"""Training: interruption, schedule, accumulation, divergence, masking."""

import itertools
import json
import resource as usage
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from xlt.core import device
from xlt.core.errors import UserError
from xlt.data.store import Store
from xlt.evaluation.evaluate import evaluate
from xlt.lab import work
from xlt.lab.jobs import Job
from xlt.lab.work import execute
from xlt.models import batching, mixture, mlm, model, train
from xlt.models.encoder import tokenizer_of
from xlt.models.features import IGNORED, encode
from xlt.models.resume import ResumeState
from xlt.models.selection import CheckpointSelector
from xlt.models.update import Gradients
from xlt.spec import tasks
from xlt.spec.profile import Resources
from xlt.spec.stage import Part, Stage

FOREVER, ALWAYS = 1e6, 1e-9  # minutes between checkpoints


def stage(task="xnli", **fields):
    return Stage(task=task, **({"steps": 6, "batch": 4, "lr": 1e-3, "max_length": 40, "seed": 0} | fields))


def weights(store, recipe):
    return {
        f"{file.parent.name}/{file.name}/{name}": value
        for file in sorted(store.folder(recipe).rglob("*.safetensors"))
        for name, value in load_file(file).items()
    }


def finish(store, recipe, minutes=FOREVER):
    execute(store, Job(recipe), Resources(checkpoint_minutes=minutes))


def interrupt(store, recipe, monkeypatch, after, minutes=ALWAYS):
    """Train until `after` losses were computed, then Ctrl-C."""
    calls, loss = itertools.count(), train._loss

    def limited(*arguments):
        if next(calls) == after:
            raise KeyboardInterrupt
        return loss(*arguments)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(train, "_loss", limited)
        finish(store, recipe, minutes)


@pytest.fixture
def twin(store, tmp_path):
    """A second store with the same start, for the run that nobody interrupts."""
    import shutil

    shutil.copytree(store.root, tmp_path / "twin")
    return Store(tmp_path / "twin", store.source)


@pytest.mark.parametrize(
    ("task", "fields"),
    [
        ("xnli", {}),
        ("xnli", {"accumulate": 2}),
        ("udpos", {"method": "lora"}),
        ("text", {}),
        ("xquad", {"max_length": 60}),
    ],
    ids=["full", "accumulated", "lora", "mlm", "span"],
)
def test_an_interrupted_stage_ends_as_if_it_had_not_been(store, twin, start, monkeypatch, task, fields):
    recipe = start.then(stage(task, **fields))
    interrupt(store, recipe, monkeypatch, after=3 * recipe.stages[-1].accumulate)
    assert not store.done(recipe) and list(store.root.glob(".checkpoint-*.pt"))
    finish(store, recipe)
    finish(twin, recipe)
    resumed, straight = weights(store, recipe), weights(twin, recipe)
    assert resumed.keys() == straight.keys()
    assert all(torch.equal(resumed[name], straight[name]) for name in straight)


def test_the_steps_before_the_checkpoint_are_not_trained_again(store, start, monkeypatch):
    recipe, calls, loss = start.then(stage()), [], train._loss
    interrupt(store, recipe, monkeypatch, after=4)
    monkeypatch.setattr(train, "_loss", lambda *arguments: calls.append(1) or loss(*arguments))
    finish(store, recipe)
    assert len(calls) == 2


def test_what_was_learned_before_it_is_drawn_again_but_made_into_no_tensors(store, start, monkeypatch):
    recipe, collated, collate = start.then(stage(accumulate=2)), [], batching.collate
    interrupt(store, recipe, monkeypatch, after=8)
    monkeypatch.setattr(batching, "collate", lambda *rest, **named: collated.append(1) or collate(*rest, **named))
    finish(store, recipe)
    assert len(collated) == 4  # two updates of two parts


def test_what_is_restored_leaves_the_position_alone_in_memory(store, start, monkeypatch):
    """On a GPU the weights and moments of the file would take the room of those in training."""
    recipe, given, restore = start.then(stage()), [], ResumeState.restore
    interrupt(store, recipe, monkeypatch, after=3)
    monkeypatch.setattr(ResumeState, "restore", lambda *rest: given.append(restore(*rest)) or given[0])
    monkeypatch.setattr(train, "_loss", lambda *_: pytest.fail("the position is known before anything is learned"))
    with pytest.raises(pytest.fail.Exception):
        train.train_stage(store, recipe, store.root / "none", Resources(), evaluate)
    assert given[0].keys() == {"step", "losses", "recent"} and given[0]["step"] == 3


def test_a_finished_stage_leaves_no_checkpoint(store, start, monkeypatch):
    recipe = start.then(stage())
    interrupt(store, recipe, monkeypatch, after=3)
    finish(store, recipe, ALWAYS)
    assert sorted(path.name for path in store.root.iterdir()) == sorted(
        [store.folder(start).name, store.folder(recipe).name]
    )


def test_without_time_for_a_checkpoint_it_starts_anew(store, start, monkeypatch):
    recipe = start.then(stage())
    interrupt(store, recipe, monkeypatch, after=3, minutes=FOREVER)
    assert not list(store.root.glob(".*"))


def test_the_same_recipe_gives_the_same_weights_and_another_seed_others(store, twin, start):
    recipe, other = start.then(stage()), start.then(stage(seed=1))
    finish(store, recipe)
    finish(twin, recipe)
    finish(twin, other)
    one, again, different = weights(store, recipe), weights(twin, recipe), weights(twin, other)
    assert all(torch.equal(one[name], again[name]) for name in one)
    assert not any(torch.equal(one[name], different[name]) for name in one if name.endswith("query.weight"))


@pytest.mark.parametrize(("task", "fields"), [("udpos", {}), ("text", {"mask": 0.3}), ("udpos", {"method": "lora"})])
def test_the_loss_falls(store, start, task, fields):
    recipe = start.then(stage(task, steps=40, lr=1e-2, **fields))
    finish(store, recipe)
    losses = store.record(recipe)["losses"]
    assert len(losses) == 40 and np.mean(losses[-5:]) < np.mean(losses[:5]) - 0.3


def test_about_fifty_losses_are_kept_whatever_the_length(store, twin, start, monkeypatch):
    """And the same ones where an interruption falls between two of them."""
    recipe = start.then(stage("text", steps=120, batch=1, max_length=8))
    finish(store, recipe)
    record = store.record(recipe)
    assert record["steps"] == 120 and len(record["losses"]) == 60
    interrupt(twin, recipe, monkeypatch, after=61)
    finish(twin, recipe)
    assert twin.record(recipe)["losses"] == record["losses"]


def test_epochs_become_steps(store, start):
    """24 records, batch 4 x 2: three updates an epoch; half a batch counts as one, at the end of every epoch."""
    for fields, steps in [
        ({"epochs": 2}, 6), ({"epochs": 0.1}, 1), ({"epochs": 1, "batch": 5, "examples": 11}, 2),
        ({"epochs": 3, "batch": 5, "examples": 11}, 6), ({"epochs": 2.5, "batch": 5, "examples": 11}, 5),
    ]:  # fmt: skip
        recipe = start.then(stage(steps=None, **({"accumulate": 2} | fields)))
        finish(store, recipe)
        assert store.record(recipe)["steps"] == steps


def test_epochs_are_passes_over_the_records():
    """As `transformers` counts them: 5 records in batches of 4 are two updates a pass."""
    assert Stage(task="mnli", epochs=10, batch=4).updates([5]) == 20
    assert Stage(task="copa", epochs=5, batch=32).updates([400]) == 65
    assert Stage(task="mnli", epochs=1.1, batch=100).updates([3000]) == 33  # and not one for a rounding error
    assert Stage(task="mnli", epochs=1, batch=10, also=(Part(task="qqp", share=0.9),)).updates([100, 50]) == 100


def test_the_number_of_examples_is_a_limit(store, start):
    recipe = start.then(stage(steps=1, examples=7))
    finish(store, recipe)
    assert store.record(recipe)["examples"] == 7


def test_a_diverged_run_says_so(store, start):
    recipe = start.then(stage(lr=1e30))
    with pytest.raises(UserError, match=r"xnli: the loss is no longer finite at step \d; lower lr"):
        finish(store, recipe)
    assert not store.done(recipe)


# the loop -------------------------------------------------------------------------------------


def test_schedule_by_hand():
    """10 steps, 2 of them warming up: thirds, then down to an eighth."""
    values = [train._linear(step, 10, 0.2) for step in range(10)]
    assert values == pytest.approx([1 / 3, 2 / 3, 1, 7 / 8, 6 / 8, 5 / 8, 4 / 8, 3 / 8, 2 / 8, 1 / 8])


@pytest.mark.parametrize(("steps", "warmup"), [(1, 0.0), (1, 1.0), (5, 0.0), (5, 1.0), (7, 0.1)])
def test_the_learning_rate_is_never_zero_nor_more_than_asked(steps, warmup):
    assert all(0 < train._linear(step, steps, warmup) <= 1 for step in range(steps))
    assert 0 <= train._linear(steps, steps, warmup) <= 1


def features_of(store, recipe):
    """Training features of the last stage's main task."""
    last = recipe.stages[-1]
    return mixture.features(store, last, tokenizer_of(store, recipe))[0]


def gradients(store, start, monkeypatch, task, accumulate):
    """Gradients of the first update, of 8 records in so many parts, without dropout, as they reach the clipping."""
    recipe = start.then(stage(task, batch=8 // accumulate, accumulate=accumulate, steps=1, max_length=60, stride=16))
    learner, found = model.prepare(store, recipe), {}
    for module in learner.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    learner.encoder.config.attention_probs_dropout_prob = 0.0
    tokenizer = tokenizer_of(store, recipe)
    mixed = mixture.Mixture(store, recipe.stages[-1], tokenizer)
    parts = train._gradients(recipe.stages[-1], learner, tokenizer)

    def keep(*_):
        found.update({name: p.grad.clone() for name, p in learner.named_parameters() if p.grad is not None})
        return torch.tensor(1.0)

    with monkeypatch.context() as patch:
        patch.setattr(torch.nn.utils, "clip_grad_norm_", keep)
        resume = ResumeState(store.root / "none.pt", FOREVER)
        selector = CheckpointSelector(store, recipe, learner, 1, evaluate, 8)
        _, losses = train._loop(learner, mixed, recipe.stages[-1], 1, resume, selector, parts)
    return found, losses


@pytest.mark.parametrize("task", ["mnli", "pos", "squad", "text"])
def test_an_update_in_parts_learns_the_same_from_the_same_records(store, start, monkeypatch, task):
    """Parts have different numbers of labels and different widths; neither may count."""
    (whole, loss), (parts, again) = (gradients(store, start, monkeypatch, task, n) for n in (1, 4))
    assert whole.keys() == parts.keys() and loss == pytest.approx(again, abs=1e-4)
    all_of_it, apart = (torch.cat([g[name].flatten() for name in whole]) for g in (whole, parts))
    assert (all_of_it - apart).norm() < 1e-6 * all_of_it.norm()
    assert all_of_it.abs().max() > 1e-3


def test_choices_in_parts_learn_the_same(store, start):
    """Records with two and with three choices, of other lengths in each part."""
    recipe = start.then(stage("siqa"))
    learner, tokenizer = model.prepare(store, recipe)["siqa"].eval(), tokenizer_of(store, recipe)
    learner.double()  # it hardly tells one choice from another: in fp32 their differences are mostly rounding
    choices = [["a boat", "a new wheel"], ["why", "a house by the old mill", "no"], ["one", "two"], ["x", "y z x y"]]
    rows = {"prompt": ["what is it?"] * 4, "choices": choices, "label": [0, 2, 1, 1]}
    features = encode(tasks.CHOICE, rows, tokenizer, 40)
    found = []
    for size in (4, 1):
        learner.zero_grad()
        Gradients(stage("siqa", batch=size), train._loss, partial(batching.collate, pad_id=1)).of(learner, features)
        found.append(torch.cat([p.grad.flatten() for p in learner.parameters() if p.grad is not None]))
    assert (found[0] - found[1]).norm() < 1e-6 * found[0].norm() and found[0].norm() > 1e-4


@pytest.mark.parametrize("task", ["squad", "mnli"])
def test_padding_changes_no_loss(store, start, task):
    recipe = start.then(stage(task, max_length=60, stride=16))
    learner, features = model.prepare(store, recipe)[task].eval(), features_of(store, recipe)
    short, long = sorted(features, key=lambda feature: len(feature["input_ids"]))[:: len(features) - 1]
    with torch.no_grad():
        alone = [train._loss(learner, batching.collate([feature], 1)).item() for feature in (short, long)]
        beside = train._loss(learner, batching.collate([short, long], 1)).item()
    assert len(short["input_ids"]) < len(long["input_ids"]) and beside == pytest.approx(np.mean(alone), rel=1e-5)


def test_a_batch_without_any_label_has_loss_zero_and_no_gradient(store, start):
    for task in ("pos", "text"):
        learner = model.prepare(store, start.then(stage(task)))[task]
        batch = batching.collate([{"input_ids": [0, 3, 2], "labels": [IGNORED] * 3}] * 2, 1)
        loss = train._loss(learner, batch)
        loss.backward()
        assert loss.item() == 0.0
        assert all(not p.grad.any() for p in learner.parameters() if p.grad is not None)


def test_a_loss_that_is_no_number_ends_the_stage_at_that_step(store, start, monkeypatch):
    """No checkpoint is left of it, neither of the broken weights nor of those before."""
    recipe, loss, calls = start.then(stage(steps=500)), train._loss, itertools.count(1)
    monkeypatch.setattr(train, "_loss", lambda *batch: loss(*batch) * (float("nan") if next(calls) == 3 else 1))
    with pytest.raises(UserError, match="xnli: the loss is no longer finite at step 3; lower lr"):
        finish(store, recipe, ALWAYS)
    assert next(calls) == 4 and not list(store.root.glob(".checkpoint-*"))


def test_a_gradient_that_is_no_number_never_reaches_the_weights(store, start, monkeypatch):
    """The loss is still finite: infinity is in its gradient alone."""
    recipe, before = start.then(stage(steps=500)), []
    monkeypatch.setattr(torch.nn.utils, "clip_grad_norm_", lambda *_: torch.tensor(float("inf")))
    monkeypatch.setattr(torch.optim.AdamW, "step", lambda *_: before.append(1))
    with pytest.raises(UserError, match="at step 1; before any update: look at the encoder's weights"):
        finish(store, recipe)
    assert not before


def test_broken_weights_are_neither_kept_nor_gone_on_from(store, start, monkeypatch):
    recipe = start.then(stage())
    interrupt(store, recipe, monkeypatch, after=3)
    (file,) = store.root.glob(".checkpoint-*.pt")
    state = torch.load(file, weights_only=True)
    next(iter(state["model"].values())).view(-1)[0] = float("nan")
    torch.save(state, file)
    finish(store, recipe)
    assert store.done(recipe) and all(value.isfinite().all() for value in weights(store, recipe).values())
    learner = model.prepare(store, recipe)
    with torch.no_grad():
        next(learner.parameters())[0] = float("inf")
    resume = ResumeState(store.root / "broken.pt", ALWAYS)
    resume.keep(learner, None, None, None, None)
    assert not resume.path.exists()


def test_a_stage_whose_last_update_breaks_the_weights_is_not_finished(store, start, monkeypatch):
    recipe, step = start.then(stage(steps=2)), torch.optim.AdamW.step

    def breaks(optimiser, *rest):
        step(optimiser, *rest)
        next(p for group in optimiser.param_groups for p in group["params"]).data.fill_(float("nan"))

    monkeypatch.setattr(torch.optim.AdamW, "step", breaks)
    with pytest.raises(UserError, match="no longer finite"):
        finish(store, start.then(stage(steps=1)))
    assert not store.done(recipe)


def test_weight_decay_spares_biases_and_layer_norms(store, start):
    learner = model.prepare(store, start.then(stage()))
    decayed, spared = train._groups(learner, stage(weight_decay=0.1))
    names = {id(p): name for name, p in learner.named_parameters()}
    assert decayed["weight_decay"] == 0.1 and spared["weight_decay"] == 0.0
    assert all(names[id(p)].endswith("bias") or "LayerNorm" in names[id(p)] for p in spared["params"])
    assert len(decayed["params"]) + len(spared["params"]) == len(names)


@pytest.mark.parametrize("method", ["full", "lora"])
def test_heads_have_a_learning_rate_of_their_own_where_the_stage_has_one(store, start, method):
    recipe = start.then(stage("mnli", also=(Part(task="pos"),), head_lr=0.01, method=method))
    learner = model.prepare(store, recipe)
    names = {id(p): name for name, p in learner.named_parameters()}
    fast = {names[id(p)] for group in train._groups(learner, recipe.stages[-1]) if group["lr"] == 0.01
            for p in group["params"]}  # fmt: skip
    assert fast == {name for name in names.values() if ".classifier." in name}
    assert {group["lr"] for group in train._groups(learner, stage())} == {stage().lr}


def test_every_example_once_an_epoch():
    features = [{"input_ids": [0] * (1 + i % 7), "n": i} for i in range(23)]
    batches = mixture.epochs(features, 4, np.random.default_rng(0))
    epochs = [[f["n"] for batch in itertools.islice(batches, 6) for f in batch] for _ in range(2)]
    assert [sorted(epoch) for epoch in epochs] == [list(range(23))] * 2
    assert epochs[0] != epochs[1]


# masked and translation language modelling ----------------------------------------------------


@pytest.fixture(scope="module")
def tokenizer(shared):
    from conftest import tiny

    from xlt.spec.recipe import Recipe

    return tokenizer_of(shared, Recipe(start=tiny().encoder))


def test_masking_shares(tokenizer):
    """15 % chosen; of these 80 % <mask>, 10 % random, 10 % as they were."""
    ordinary = np.random.default_rng(1).integers(5, len(tokenizer), 60_000)
    ids = [0, *ordinary.tolist(), 2]
    masked = mlm.masked(ids, np.full(len(ids), 0.15), tokenizer, np.random.default_rng(0))
    before, after, labels = (np.array(x) for x in (ids, masked["input_ids"], masked["labels"]))
    chosen = labels != IGNORED
    assert chosen.mean() == pytest.approx(0.15, abs=0.01)
    assert (labels[chosen] == before[chosen]).all() and (after[~chosen] == before[~chosen]).all()
    share = after[chosen] == tokenizer.mask_token_id
    assert share.mean() == pytest.approx(0.8, abs=0.02)
    assert (after[chosen] == before[chosen]).mean() == pytest.approx(0.1, abs=0.02)


def test_masks_are_drawn_as_the_plain_way_draws_them(tokenizer):
    """What a stored run was trained on can be drawn again: first which, then what becomes of them, then by which."""
    ids = np.array([0, 9, 10, 3, 11, 12, 2, 2, 20, 21, 22, 2])
    for seed in range(100):
        drawn = mlm.masked(ids, np.full(len(ids), 0.5), tokenizer, np.random.default_rng(seed))
        rng = np.random.default_rng(seed)
        chosen = ~np.isin(ids, tokenizer.all_special_ids) & (rng.random(len(ids)) < 0.5)
        if not chosen.any():
            chosen[rng.choice(np.flatnonzero(~np.isin(ids, tokenizer.all_special_ids)))] = True
        kind, other = rng.random(len(ids)), rng.integers(len(tokenizer), size=len(ids))
        became = np.where(kind < 0.8, tokenizer.mask_token_id, np.where(kind >= 0.9, other, ids))
        assert drawn["input_ids"].tolist() == np.where(chosen, became, ids).tolist()
        assert drawn["labels"].tolist() == np.where(chosen, ids, IGNORED).tolist()


def test_special_tokens_are_never_masked(tokenizer):
    for seed in range(50):
        labels = mlm.masked([0, 9, 3, 1, 4, 2, 2, 10, 2], np.full(9, 0.9), tokenizer, np.random.default_rng(seed))[
            "labels"
        ]
        assert all(label == IGNORED or label in (9, 10) for label in labels)


def test_at_least_one_token_is_masked(tokenizer):
    for seed in range(50):
        masked = mlm.masked([0, 9, 10, 2], np.full(4, 1e-9), tokenizer, np.random.default_rng(seed))
        assert set(masked["labels"]) != {IGNORED}


def test_a_sentence_of_unknown_characters_is_no_error(tokenizer):
    masked = mlm.masked([0, 3, 2], np.full(3, 0.5), tokenizer, np.random.default_rng(0))
    assert masked["labels"].tolist() == [IGNORED] * 3


THREE = ("en", "de", "ru")
LANGUAGES = {code: [{"input_ids": [10 * place + i] * 3} for i in range(5)] for place, code in enumerate(THREE, start=1)}


def _sides(example: dict) -> list[list[int]]:
    """The two halves of a pair as they were before masking."""
    ids = [i if label == IGNORED else label for i, label in zip(example["input_ids"], example["labels"], strict=True)]
    half = ids.index(2) + 1
    return [ids[:half], ids[half:]]


def test_a_pair_is_a_row_and_its_translation(tokenizer):
    rng = np.random.default_rng(0)
    for _ in range(20):
        one, two = _sides(mlm.example(LANGUAGES, stage("text", languages=THREE, pairs=1.0), tokenizer, rng))
        assert one[0] == 0 and two[0] == 2 and one[-1] == two[-1] == 2
        assert one[1] % 10 == two[1] % 10 and one[1] != two[1]


def test_the_pivot_is_in_every_pair_on_either_side(tokenizer):
    rng, some = np.random.default_rng(0), stage("text", languages=THREE, pairs=1.0, pivot="de")
    sides = [[side[1] // 10 for side in _sides(mlm.example(LANGUAGES, some, tokenizer, rng))] for _ in range(200)]
    assert all(2 in pair for pair in sides)
    assert {tuple(pair) for pair in sides} == {(2, 1), (1, 2), (2, 3), (3, 2)}


def test_one_side_of_a_pair_stays_readable(tokenizer):
    rng, long = np.random.default_rng(0), {code: [{"input_ids": [9] * 60}] for code in THREE}
    some = stage("text", languages=THREE, pairs=1.0, mask=0.5, mask_other=0.0)
    for _ in range(20):
        labels = np.array(mlm.example(long, some, tokenizer, rng)["labels"]) != IGNORED
        assert sorted([labels[:62].sum() == 0, labels[62:].sum() == 0]) == [False, True]


def test_the_share_of_pairs(tokenizer):
    rng, some = np.random.default_rng(0), stage("text", languages=THREE, pairs=0.3)
    pairs = [mlm.example(LANGUAGES, some, tokenizer, rng)["input_ids"].tolist().count(2) == 3 for _ in range(2000)]
    assert np.mean(pairs) == pytest.approx(0.3, abs=0.04)


def test_one_language_makes_no_pairs(tokenizer):
    example = mlm.example({"en": LANGUAGES["en"]}, stage("text", pairs=1.0), tokenizer, np.random.default_rng(0))
    assert len(example["input_ids"]) == 5


def test_the_loss_at_masked_positions_is_that_of_the_whole_model(store, start):
    recipe = start.then(stage("text"))
    learner, tokenizer = model.prepare(store, recipe)["text"].eval(), tokenizer_of(store, recipe)
    drawn = mlm.batches(features_of(store, recipe), recipe.stages[-1], tokenizer, np.random.default_rng(0))
    batch = batching.collate(next(drawn), 1)
    with torch.no_grad():
        assert mlm.loss(learner, batch).item() == pytest.approx(learner(**batch).loss.item(), rel=1e-5)


def test_rows_of_the_languages_stay_parallel_in_a_sample(store, start):
    recipe = start.then(stage("text", languages=("en", "de"), examples=10, pairs=1.0))
    english, german = features_of(store, recipe).values()
    source, task = store.source, tasks.get("text")
    tokenizer = tokenizer_of(store, recipe)
    rows = {code: source.load(task, code, "train")["text"][:] for code in ("en", "de")}
    index = {json.dumps(tokenizer(t, add_special_tokens=False)["input_ids"][:40]): i for i, t in enumerate(rows["en"])}
    for one, other in zip(english, german, strict=True):
        text = rows["de"][index[json.dumps(one["input_ids"].tolist())]]
        assert other["input_ids"].tolist() == tokenizer(text, add_special_tokens=False)["input_ids"][:40]


def test_the_peak_of_memory_is_that_of_the_run_and_not_of_its_worker(store, start):
    """A large run before it in the same worker leaves no trace."""
    big = torch.ones(600 << 18)  # 600 MB, more than the run takes
    del big
    before = device.peak_mb()
    finish(store, recipe := start.then(stage(steps=1)))
    record = store.record(recipe)
    if record["peak_since"] == "run":
        assert 0 < record["peak_mb"] < before - 50
    assert usage.getrusage(usage.RUSAGE_SELF).ru_maxrss >> 10 > 200


def test_where_no_peak_can_be_forgotten_it_is_said_whose_it_is(monkeypatch):
    def refuse(*_):
        raise PermissionError

    monkeypatch.setattr(device.Path, "write_text", refuse)
    assert device.forget_peak() == "worker"
    monkeypatch.setattr(device.Path, "is_file", lambda _: False)
    assert device.peak_mb() == usage.getrusage(usage.RUSAGE_SELF).ru_maxrss >> 10


def test_a_disk_that_is_full_at_a_checkpoint_is_said_so(store, start, monkeypatch):
    """PyTorch's own writer says "unexpected pos 704 vs 598"."""
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full")
    monkeypatch.setattr(train.Path, "with_suffix", lambda *_: Path("/dev/full"))
    monkeypatch.setattr(train.Path, "unlink", lambda *_, **__: None)
    monkeypatch.setattr(work, "_store", lambda _: store)
    said = work.work("", Job(start.then(stage(steps=1))), Resources(checkpoint_minutes=ALWAYS))
    assert said == work.Failure("the disk is full; free some space and run again", "all")


def test_a_gpu_is_looked_at_one_update_later_and_before_a_checkpoint_at_once():
    """`behind` is what a tensor on a GPU gives; the update is named all the same."""
    curve = train.Curve(stage(), 500, {"step": 0, "losses": [], "recent": []})
    curve.unchecked = [(7, torch.tensor(1.0)), (8, torch.tensor(float("nan")))]
    curve.check(behind=1)
    assert [step for step, _ in curve.unchecked] == [8]
    with pytest.raises(UserError, match="at step 8"):
        curve.check()
