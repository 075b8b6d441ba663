"""An update in parts: what is computed is that of a plain loop, whatever the memory and the device allow at a time."""

import math
from functools import partial

import numpy as np
import pytest
import torch
from test_train import features_of, finish, stage, weights
from torch.nn.functional import cross_entropy
from torch.utils._python_dispatch import TorchDispatchMode

from xlt.data.store import Store
from xlt.evaluation.evaluate import evaluate
from xlt.lab.jobs import Job
from xlt.lab.work import execute
from xlt.models import attention, batching, mixture, model, train, update
from xlt.models.encoder import tokenizer_of
from xlt.models.features import IGNORED, encode
from xlt.models.resume import ResumeState
from xlt.models.selection import CheckpointSelector
from xlt.spec import tasks
from xlt.spec.perturbations import Ball
from xlt.spec.profile import GPU_TOKENS, Resources
from xlt.spec.stage import Part


def without_dropout(learner):
    for module in learner.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    return learner


CHOICES = [["a boat", "a new wheel"], ["why", "a house by the old mill", "no"], ["one", "two"], ["x", "y z x y"]]
CHOICE_ROWS = {"prompt": ["what is it?", "and why?", "who", "is it?"], "choices": CHOICES, "label": [0, 2, 1, 1]}


def updates(store, recipe):
    """For each update its task and features; of choices, which the tiny world has none of, four records over again."""
    last, tokenizer = recipe.stages[-1], tokenizer_of(store, recipe)
    if last.task == "siqa":
        return [("siqa", encode(tasks.CHOICE, CHOICE_ROWS, tokenizer, 40))] * last.steps
    return list(mixture.Mixture(store, last, tokenizer))


ROUNDING = 1e-5  # of the norm of all gradients: what is less differs from one processor to the next


# a plain reference loop ----------------------------------------------------------------------------


def plain(store, recipe):
    """The stage trained as one would write it down: one record after the other, products, AdamW by its formulas.

    Returns the weights, and which of them had gradients that are more than rounding.
    """
    last, tokenizer = recipe.stages[-1], tokenizer_of(store, recipe)
    learner = without_dropout(model.prepare(store, recipe)).train()
    learner.encoder.set_attn_implementation("eager")
    trained = [p for p in learner.parameters() if p.requires_grad]
    below = {id(p) for p in learner.encoder.parameters()}
    first, second = ([torch.zeros_like(p) for p in trained] for _ in range(2))
    smallest = [torch.full_like(p, torch.inf) for p in trained]
    for step, (task, features) in enumerate(updates(store, recipe), 1):
        learner.zero_grad()
        total = sum(number_of_labels(feature) for feature in features)
        for feature in features:
            (loss_of(learner[task], feature, tokenizer) / total).backward()
        norm = math.sqrt(sum(float(p.grad.double().square().sum()) for p in trained if p.grad is not None))
        factor = train._linear(step - 1, last.steps, last.warmup)
        for p, m, v, least in zip(trained, first, second, smallest, strict=True):
            if p.grad is None:
                continue
            gradient = p.grad * min(1.0, last.clip / (norm + 1e-6))
            torch.minimum(least, p.grad.abs() / norm, out=least)
            rate = factor * (last.lr if id(p) in below else last.head_lr or last.lr)
            decay = last.weight_decay if p.ndim > 1 else 0.0
            m.mul_(0.9).add_(gradient, alpha=0.1)
            v.mul_(last.beta2).add_(gradient**2, alpha=1 - last.beta2)
            with torch.no_grad():
                p.mul_(1 - rate * decay)
                p.sub_(rate * (m / (1 - 0.9**step)) / ((v / (1 - last.beta2**step)).sqrt() + 1e-8))
    real = {p: least > ROUNDING for p, least in zip(trained, smallest, strict=True)}
    weights = {name: p.detach() for name, p in learner.named_parameters()}
    return weights, {name: real.get(p, torch.ones_like(p, dtype=bool)) for name, p in learner.named_parameters()}


def number_of_labels(feature):
    return sum(label != IGNORED for label in np.atleast_1d(feature.get("labels", 0)))


def loss_of(learner, feature, tokenizer):
    """The sum of the losses of all labels of one record, without padding."""
    texts = feature.get("choices", [feature])
    ids = torch.nn.utils.rnn.pad_sequence([torch.tensor(list(text["input_ids"])) for text in texts], True, 1)
    positions = [batching.restart_positions(text["input_ids"][None], tokenizer.sep_token_id)[0] for text in texts]
    positions = torch.nn.utils.rnn.pad_sequence([torch.tensor(places) for places in positions], True, 1)
    out = learner(input_ids=ids, attention_mask=(ids != 1).long(), position_ids=positions)
    if "start_positions" in feature:
        sides = ((out.start_logits, "start_positions"), (out.end_logits, "end_positions"))
        return (
            sum(torch.nn.functional.cross_entropy(scores, torch.tensor([feature[gold]])) for scores, gold in sides) / 2
        )
    scores = out.logits.reshape(1, -1) if "choices" in feature else out.logits.flatten(0, -2)
    gold = torch.tensor(np.atleast_1d(feature["labels"])).long()
    return cross_entropy(scores, gold, ignore_index=IGNORED, reduction="sum")


@pytest.mark.parametrize("tokens", [None, 70])
@pytest.mark.parametrize(
    ("task", "fields"),
    [
        ("mnli", {"also": (Part(task="pos"),), "weight_decay": 10.0}),
        ("squad", {"max_length": 60, "stride": 16}),
        ("siqa", {}),
        ("text", {"mask": 0.3}),
        ("mnli", {"frozen": "embeddings"}),
        ("pos", {"head_lr": 0.01, "weight_decay": 0.1}),
    ],
    ids=["two tasks", "span", "choice", "mlm", "frozen embeddings", "heads faster"],
)
def test_the_weights_are_those_of_a_plain_loop(store, start, task, fields, tokens):
    """Adam makes gradients that are zero but for rounding as large as the others, so these weights move at random."""
    recipe = start.then(stage(task, steps=4, batch=3, accumulate=2, **fields))
    (expected, real), last, tokenizer = plain(store, recipe), recipe.stages[-1], tokenizer_of(store, recipe)
    learner = without_dropout(model.prepare(store, recipe))
    learner.encoder.config.attention_probs_dropout_prob = 0.0
    before = {name: p.detach().clone() for name, p in learner.named_parameters()}
    selector = CheckpointSelector(store, recipe, learner, 4, evaluate, 8)
    gradients = train._gradients(last, learner, tokenizer, tokens)
    resume = ResumeState(store.root / "none.pt", 1e6)
    train._loop(learner, updates(store, recipe), last, 4, resume, selector, gradients)
    moved, apart = (
        torch.cat([(p.detach() - other[name]).flatten() for name, p in learner.named_parameters()])
        for other in (before, expected)
    )
    real = torch.cat([real[name].flatten() for name, _ in learner.named_parameters()])
    assert moved.norm() > 0.01 and real.float().mean() > 0.25
    assert apart[real].norm() < 0.001 * moved.norm() and apart.norm() < 0.01 * moved.norm()


# how an update is divided --------------------------------------------------------------------------


def texts(*lengths):
    return [{"input_ids": list(range(length)), "labels": 0} for length in lengths]


def parts(features, tokens, batch=4):
    cut = update.Gradients(stage(batch=batch), None, None, tokens).cut(features)
    return [[len(feature["input_ids"]) for feature in part] for part in cut]


def test_as_many_records_go_together_as_there_is_room_for_tokens_longest_first():
    assert parts(texts(3, 9, 4, 8, 2, 30), 18) == [[30], [9, 8], [4, 3, 2]]


def test_without_a_budget_it_is_the_batch_of_the_stage_in_groups_of_similar_length():
    assert parts(texts(3, 9, 4, 8), None) == [[3, 9, 4, 8]]
    assert parts(texts(3, 9, 4, 8), None, batch=2) == [[9, 8], [4, 3]]


def test_every_choice_is_a_text():
    choice = {"input_ids": [1] * 5, "choices": [{"input_ids": [1] * 5}] * 4, "labels": 0}
    assert update.padded([choice]) == 20 and parts([choice] * 4, 40) == [[5, 5], [5, 5]]


def test_the_negatives_of_a_dual_encoder_are_those_of_its_batch_whatever_the_budget():
    pair = {"input_ids": [1] * 5, "query": {}, "target": {}, "same": 1}
    for tokens in (None, 5, 1000):
        assert parts([pair] * 6, tokens, batch=3) == [[5] * 3] * 2


def test_the_budget_on_a_gpu_is_a_resource_and_no_part_of_what_a_run_is(store, start, monkeypatch):
    here = update.compute()._replace(device="cuda")
    monkeypatch.setattr(update, "compute", lambda: here)
    assert update.Gradients(stage(), None, None).tokens == GPU_TOKENS
    assert update.Gradients(stage(), None, None, 99).tokens == 99
    recipe = start.then(stage(accumulate=2))
    before = store.id(recipe)
    execute(store, Job(recipe), Resources(tokens=50))
    assert store.done(recipe) and store.id(recipe) == before and "tokens" not in store.record(recipe)


# out of memory -------------------------------------------------------------------------------------


def small(limit, loss, tries):
    """A device that has no room for more than `limit` tokens at a time."""

    def limited(learner, batch):
        tries.append(batch["input_ids"].numel())
        if tries[-1] > limit:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return loss(learner, batch)

    return limited


def test_out_of_memory_an_update_is_made_again_in_halves_and_the_run_says_so(store, start, tmp_path, monkeypatch):
    roomy, tries = Store(tmp_path / "runs", store.source), []
    recipe = start.then(stage("mnli", batch=8, steps=4))
    monkeypatch.setattr(train, "_loss", small(90, train._loss, tries))
    finish(store, recipe)
    record = store.record(recipe)
    assert record["steps"] == 4 and 1 <= record["out_of_memory"] <= 3 and 0 < record["tokens"] <= 90
    assert sum(size > 90 for size in tries) == record["out_of_memory"]  # what was learned is kept for later updates
    assert roomy.id(recipe) == store.id(recipe) and all(v.isfinite().all() for v in weights(store, recipe).values())


def test_the_gradients_after_it_are_those_of_the_whole_update(store, start):
    recipe = start.then(stage("pos"))
    learner, features = model.prepare(store, recipe)["pos"].eval(), features_of(store, recipe)[:8]
    collate, found = partial(batching.collate, pad_id=1), []
    for limit in (10**6, 60):
        learner.zero_grad()
        loss = small(limit, train._loss, [])
        mean = update.Gradients(recipe.stages[-1], loss, collate, 10**6).of(learner, features)
        found.append((float(mean), torch.cat([p.grad.flatten() for p in learner.parameters() if p.grad is not None])))
    (whole, gradient), (halved, again) = found
    assert whole == pytest.approx(halved, rel=1e-5) and (gradient - again).norm() < 1e-5 * gradient.norm()


def test_a_record_that_alone_is_too_much_ends_the_run(store, start):
    learner, features = model.prepare(store, start.then(stage()))["mnli"], texts(9, 8)
    gradients = update.Gradients(stage(), small(5, train._loss, []), partial(batching.collate, pad_id=1), 99)
    with pytest.raises(torch.OutOfMemoryError):
        gradients.of(learner, features)


# what a GPU would wait for -------------------------------------------------------------------------


class NothingExchanged(TorchDispatchMode):
    """Fails where a GPU would be waited for: a value of a tensor, or a shape that depends on one, is asked for, or a
    tensor is made of numbers of Python."""

    def __torch_dispatch__(self, function, kinds, arguments=(), named=None):
        name = str(function)
        assert not any(word in name for word in ("_local_scalar_dense", "nonzero", "masked_select", "lift_fresh")), name
        return function(*arguments, **(named or {}))


BALL = Ball(radius=0.1, steps=2)


@pytest.mark.parametrize(
    ("task", "ball"),
    [("mnli", None), ("siqa", None), ("pos", None), ("squad", None), ("text", None), ("lareqa", None), ("pos", BALL)],
)
def test_nothing_of_a_step_waits_for_the_device(store, start, monkeypatch, task, ball):
    recipe = start.then(stage(task, max_length=60, stride=16, ball=ball))
    tokenizer, learner = tokenizer_of(store, recipe), model.prepare(store, recipe)
    name, features = updates(store, recipe)[0]
    gradients = train._gradients(recipe.stages[-1], learner, tokenizer)
    batch = gradients.collate(features)
    monkeypatch.setattr(attention, "may_look", lambda _: False)  # as on a GPU
    optimiser = torch.optim.AdamW(learner.parameters(), fused=True)
    with NothingExchanged():
        gradients.loss(learner[name], batch).backward()
        torch.nn.utils.clip_grad_norm_(list(learner.parameters()), 1.0)
        optimiser.step()
