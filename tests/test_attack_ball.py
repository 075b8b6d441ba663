"""Attacks in embedding space: the closed form of a linear model, the ball, what may not move."""

import pytest
import torch
from conftest import tiny

from xlt.core.errors import UserError
from xlt.evaluation import evaluate
from xlt.lab.jobs import Job
from xlt.lab.work import execute
from xlt.models import adversarial
from xlt.models.encoder import encoder_of
from xlt.spec.perturbations import Ball
from xlt.spec.recipe import Evaluation
from xlt.spec.stage import Stage

PAD, CLS, SEP = 0, 1, 2
IDS = torch.tensor([[CLS, 5, 6, 7, SEP], [CLS, 8, SEP, PAD, PAD]])
BATCH = {"input_ids": IDS, "attention_mask": (IDS != PAD).long(), "labels": torch.tensor([1, 0])}
FREE = torch.tensor([[0, 1, 1, 1, 0], [0, 1, 0, 0, 0]]).bool()


class Linear(torch.nn.Module):
    """Logit of class 1: w · (sum of word embeddings). The loss is the logistic one."""

    def __init__(self, width=6):
        super().__init__()
        torch.manual_seed(0)
        self.table = torch.nn.Embedding(10, width)
        self.w = torch.nn.Parameter(torch.randn(width))

    def get_input_embeddings(self):
        return self.table

    def logit(self, batch):
        return (self.table(batch["input_ids"]) * batch["attention_mask"].unsqueeze(-1)).sum(1) @ self.w


def logistic(linear, batch):
    return torch.nn.functional.softplus((1 - 2 * batch["labels"]) * linear.logit(batch)).mean()


def find(search, radius=0.5, **more):
    return adversarial.find(Linear(), BATCH, Ball(radius=radius, search=search, **more), [PAD, CLS, SEP], logistic)


def test_fgsm_on_a_linear_model_is_the_closed_form():
    linear = Linear()
    unit = (linear.w / linear.w.norm()).detach()
    against = torch.tensor([-1.0, 1.0])  # label 1: against w; label 0: along it
    closed = 0.5 * FREE.unsqueeze(-1) * against[:, None, None] * unit
    shift = find("fgsm")
    torch.testing.assert_close(shift, closed)
    before = linear.logit(BATCH)
    with adversarial.shifted(linear, shift):
        after = linear.logit(BATCH)
    torch.testing.assert_close(after - before, 0.5 * linear.w.norm() * against * FREE.sum(1))
    torch.testing.assert_close(linear.logit(BATCH), before)  # nothing stays


@pytest.mark.parametrize("search", ["pgd", "fgsm", "random"])
@pytest.mark.parametrize("radius", [1e-3, 0.5, 30.0])
def test_no_word_leaves_the_ball_and_nothing_else_moves(search, radius):
    norms = find(search, radius, steps=7).norm(dim=-1)
    assert (norms[FREE] <= radius * (1 + 1e-5)).all() and (norms[FREE] > 0).all()
    assert (norms[~FREE] == 0).all()


def test_pgd_reaches_the_maximum_of_a_linear_model():
    cosine = torch.nn.functional.cosine_similarity(find("pgd", steps=40)[FREE], find("fgsm")[FREE], dim=-1)
    assert (cosine > 0.97).all()
    assert (torch.nn.functional.cosine_similarity(find("random")[FREE], find("fgsm")[FREE], dim=-1) < 0.97).any()


def test_gradients_of_the_weights_are_left_alone():
    linear = Linear()
    adversarial.find(linear, BATCH, Ball(radius=1.0), [PAD], logistic)
    assert all(p.grad is None for p in linear.parameters())


def test_points_are_uniform_in_the_ball_and_fixed_ones_are_of_the_text_alone():
    torch.manual_seed(1)
    wide = {"input_ids": torch.full((1, 4000), 5), "attention_mask": torch.ones(1, 4000).long()}
    norms = adversarial.find(Linear(width=2), wide, Ball(radius=2.0, search="random"), [], logistic).norm(dim=-1)
    assert float((norms < 1.0).float().mean()) == pytest.approx(0.25, abs=0.03)  # area of half the radius
    asked = Ball(radius=1.0, search="random", seed=4)
    both = adversarial.find(Linear(), BATCH, asked, [PAD], logistic, fixed=True)
    alone = {name: values[1:, :3] if values.dim() > 1 else values[1:] for name, values in BATCH.items()}
    torch.testing.assert_close(adversarial.find(Linear(), alone, asked, [PAD], logistic, fixed=True), both[1:, :3])
    norms = adversarial.find(Linear(width=2), wide, asked, [], logistic, fixed=True).norm(dim=-1)
    assert float((norms < 0.5).float().mean()) == pytest.approx(0.25, abs=0.03)


@pytest.mark.parametrize(("task", "trained"), [("xnli", "mnli"), ("udpos", "pos"), ("xquad", "squad")])
def test_a_larger_ball_lowers_the_score_of_a_trained_model(store, start, task, trained):
    """The tiny encoder is trained until it fits something, so that there is something to break."""
    recipe = start.then(Stage(task=trained, steps=30, batch=8, lr=3e-3, max_length=48, stride=16))
    execute(store, Job(recipe), tiny().resources)
    losses = []
    for radius in (0.0, 30.0):
        asked = Evaluation(task=task, split="test", max_length=48, stride=16, ball=Ball(radius=radius, steps=2))
        learner = evaluate.model_for(store, recipe, asked)
        values = [evaluate.evaluate(store, recipe, asked, learner, size)[0] for size in (2, 6)]
        assert values[0] == values[1], "the size of batches decides nothing"
        losses.append(values[0])
    plain = evaluate.evaluate(store, recipe, asked.model_copy(update={"ball": None}), learner, 4)[0]
    assert losses[0] == plain and all(losses[1][name] <= plain[name] for name in plain)


def test_retrieval_has_no_ball(store, start):
    asked = Evaluation(task="tatoeba", language="de", ball=Ball(radius=1.0), layer=1)
    with pytest.raises(UserError, match="tatoeba"):
        evaluate.evaluate(store, start, asked, encoder_of(store, start), 4)
