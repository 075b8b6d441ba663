"""One evaluation of one trained model: predictions for every example, and the task's metrics over them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from xlt.core.device import compute
from xlt.core.errors import UserError
from xlt.core.recent import Recent
from xlt.data import identity
from xlt.evaluation import conditions
from xlt.evaluation.attack.run import attacked
from xlt.evaluation.guess import guess
from xlt.evaluation.predict import FAMILIES, Examples, scored
from xlt.evaluation.retrieval import families
from xlt.evaluation.retrieval.search import Search
from xlt.models import model, unseen
from xlt.models.columns import Features
from xlt.models.encoder import encoder_of, tokenizer_of
from xlt.models.features import encode
from xlt.models.inference import Predictor
from xlt.spec import tasks
from xlt.spec.conditions import is_clean
from xlt.spec.identity import digest
from xlt.spec.recipe import Evaluation, Recipe

if TYPE_CHECKING:
    from xlt.data.store import Store

SHUFFLE = 0  # which examples a limited evaluation takes: the same rows of every language


def model_for(store: Store, recipe: Recipe, evaluation: Evaluation) -> torch.nn.Module:
    """The model that `evaluation` needs: encoder and the head of its task, or for retrieval the encoder alone."""
    search = tasks.get(evaluation.task).family in tasks.SEARCHES
    loaded = encoder_of(store, recipe) if search else model.load(store, recipe, evaluation.task)
    return loaded.to(compute().device).eval()


def evaluate(
    store: Store, recipe: Recipe, evaluation: Evaluation, learner: torch.nn.Module, batch: int
) -> tuple[dict[str, float], Examples]:
    """Metric values (fractions) and one record for each example: gold, prediction, its part in each metric.

    `batch` decides speed and memory only.
    """
    task, tokenizer = tasks.get(evaluation.task), tokenizer_of(store, recipe)
    plain = _as_read(evaluation)
    rows = _rows(store, plain)
    if task.family in tasks.SEARCHES:
        if evaluation.attack or evaluation.ball:
            raise UserError(f"evaluation of {task.name}: no attack is made on {task.family}; take a perturbation")
        return families.score(Search(store.source, evaluation, rows, tokenizer, learner, batch), recipe)
    predictor = Predictor(learner, tokenizer, batch, evaluation.ball)
    if evaluation.attack:
        return attacked(store, recipe, evaluation, rows, predictor)
    features = _features(store, plain, tokenizer)
    gold, predicted = FAMILIES[task.family](rows, features, predictor, task)
    return scored(gold, predicted, rows, task, store.source.labels(task), evaluation.language)


def changed(store: Store, evaluation: Evaluation) -> dict[str, float]:
    """`changed`: the share of records that the perturbation made other than they were; {} without one."""
    if evaluation.perturbation is None:
        return {}
    plain = _as_read(evaluation)
    before, after = _rows(store, plain.model_copy(update={"perturbation": None})), _rows(store, plain)
    records = zip(zip(*before.values(), strict=True), zip(*after.values(), strict=True), strict=True)
    return {"changed": float(np.mean([old != new for old, new in records]))}


def guessed(store: Store, evaluation: Evaluation) -> dict[str, float]:
    """`guess`: what a guess scores on the records as they are; {} under a condition."""
    if not is_clean(evaluation) or evaluation.language_b:
        return {}

    def make() -> float:
        task = tasks.get(evaluation.task)
        return guess(_rows(store, evaluation), task, store.source.labels(task), evaluation.language)

    return {"guess": _guesses.get((store.source, evaluation, _content(store, evaluation)), make)}


def _as_read(evaluation: Evaluation) -> Evaluation:
    """The same before anything is attacked."""
    return evaluation.model_copy(update={"attack": None, "ball": None})


# a worker reads many models on the same ones
_test_sets, _features_of, _guesses = Recent(megabytes=128), Recent(megabytes=128), Recent(megabytes=1)


def _rows(store: Store, evaluation: Evaluation) -> Any:
    """Records of a test set."""
    task, key = tasks.get(evaluation.task), (store.source, evaluation, _content(store, evaluation))
    return _test_sets.get(key, lambda: conditions.rows(store.source, task, evaluation, SHUFFLE))


def _content(store: Store, evaluation: Evaluation) -> str:
    """A hash of what the records are: files and word lists may change while a process is at work."""
    task = tasks.get(evaluation.task)
    here = store.source.identity(task, evaluation.language, evaluation.split)
    return digest([here, identity.of_reading(store.source, task, evaluation)])


def _features(store: Store, evaluation: Evaluation, tokenizer: Any) -> Features:
    def make() -> Features:
        family, rows = tasks.get(evaluation.task).family, _rows(store, evaluation)
        features = encode(family, rows, tokenizer, evaluation.max_length, evaluation.stride)
        unseen.say(evaluation.task, evaluation.language, features, evaluation.max_length)
        return features

    return _features_of.get((store.source, evaluation, _content(store, evaluation), tokenizer), make)
