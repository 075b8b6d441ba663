"""Encoders under their heads: build, save, reload.

All models are `transformers` classes. A run stores what its stage changed: the whole encoder (full
fine-tuning) or a LoRA adapter over the encoder of its parent, and one head for each task; everything as
safetensors. Loading walks back along the recipe until it meets whole weights. A new stage always gets
new heads, except for masked language modelling, whose head belongs to the encoder.

New means drawn with another seed than every head before it in the recipe. An update moves a head by little, and the
encoder learns to suit it: a head that began as an earlier one of the same shape did would be that one, nearly as it was
trained (cosines of 0.95 to 1.00 after 94 to 375 updates of `local`), and MNLI before XNLI would hand over its head.
"""

from __future__ import annotations

import copy
import json
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
import transformers
from safetensors.torch import load_file, save_file

from xlt.core.errors import UserError, unknown
from xlt.models.encoder import encoder_of, start_place
from xlt.spec import tasks
from xlt.spec.recipe import Recipe, Stage
from xlt.spec.tasks import Task

if TYPE_CHECKING:
    from xlt.data.store import Store

HEADS = {
    tasks.CLASSIFICATION: transformers.AutoModelForSequenceClassification,
    tasks.TAGGING: transformers.AutoModelForTokenClassification,
    tasks.CHOICE: transformers.AutoModelForSequenceClassification,  # one score for each choice
    tasks.SPAN: transformers.AutoModelForQuestionAnswering,
    tasks.MLM: transformers.AutoModelForMaskedLM,
    tasks.ANSWERS: transformers.AutoModelForTokenClassification,  # a dual encoder needs none: it stays as drawn
    tasks.DUAL: transformers.AutoModelForTokenClassification,
}

ATTENTION = {"modernbert": ["Wqkv"]}  # where peft does not know an encoder's attention projections


class Learner(torch.nn.Module):
    """One encoder under a head for each task; `learner["mnli"]` is a model of `transformers` over the shared encoder.

    Tasks are training tasks (that of XNLI is MNLI), the main one of the stage first.
    """

    def __init__(self, models: dict[str, transformers.PreTrainedModel]):
        super().__init__()
        self.tasks, self.models = tuple(models), torch.nn.ModuleList(models.values())

    def __getitem__(self, task: str) -> transformers.PreTrainedModel:
        return self.models[self.tasks.index(task)]

    @property
    def encoder(self) -> torch.nn.Module:
        return getattr(self.models[0], self.models[0].base_model_prefix)


# heads ----------------------------------------------------------------------------------------


def with_head(encoder: torch.nn.Module, task: Task, labels: tuple[str, ...], seed: int) -> transformers.PreTrainedModel:
    """`encoder` under a new head for `task`, drawn with `seed`."""
    torch.manual_seed(seed)
    config = copy.deepcopy(encoder.config)  # of this head's own: it holds the number of labels
    config.num_labels = 1 if task.family == tasks.CHOICE else max(len(labels), 2)
    model = HEADS[task.family].from_config(config, dtype=torch.float32)
    plain = encoder.get_base_model() if _adapted(encoder) else encoder
    setattr(model, model.base_model_prefix, plain)
    model.tie_weights()  # by name, so before the adapter's wrapping
    setattr(model, model.base_model_prefix, encoder)
    return model


def prepare(store: Store, recipe: Recipe) -> Learner:
    """What the last stage of `recipe` trains: its parent's encoder, with LoRA if the stage says so, under its heads.

    Raises:
        UserError: the stage wants LoRA on an encoder that peft does not know.
    """
    stage, parent = recipe.stages[-1], recipe.parent
    encoder, models = encoder_of(store, parent, stage.seed or 0), {}
    encoder = trainable(encoder, stage, seed_of_adapter(recipe))
    for place, task in enumerate(_training_tasks(recipe)):
        models[task.name] = with_head(encoder, task, store.source.labels(task), seed_of_head(recipe, place))
        if task.family == tasks.MLM:
            _load_earlier_lm_head(models[task.name], store, parent)
    return Learner(models)


def seed_of_head(recipe: Recipe, place: int = 0) -> int:
    """With what the last stage draws the head of its task at `place`: for the first head of a recipe the seed of the
    stage itself, for each that follows one of its own."""
    before = sum(len(_training_tasks(step)) for step in islice(recipe.lineage(), 1, None) if step.stages)
    return _apart(recipe.stages[-1].seed or 0, before + place)


def seed_of_adapter(recipe: Recipe) -> int:
    """With what the last stage draws its adapter: as heads, so that it adds to those before and does not repeat them.
    Two that begin alike and are merged have the rank of one."""
    before = sum(step.stages[-1].method == "lora" for step in islice(recipe.lineage(), 1, None) if step.stages)
    return _apart(recipe.stages[-1].seed or 0, before)


def _apart(seed: int, number: int) -> int:
    """A seed for the thing of that number: the given one for the first, others for those that follow."""
    return int(np.random.SeedSequence([seed, number]).generate_state(1)[0]) if number else seed


def trainable(encoder: transformers.PreTrainedModel, stage: Stage, seed: int) -> torch.nn.Module:
    """`encoder` as the stage trains it: with LoRA, drawn with `seed`, if it says so, else all of it but what is
    frozen."""
    if stage.method == "lora":
        return with_adapter(encoder, stage, seed)
    if stage.frozen == "embeddings":
        encoder.embeddings.requires_grad_(False)
    return encoder


def with_adapter(encoder: transformers.PreTrainedModel, stage: Stage, seed: int) -> torch.nn.Module:
    """`encoder` with a new LoRA adapter, drawn with `seed`; only the adapter is trained."""
    from peft import LoraConfig, get_peft_model  # importing it takes seconds, so only stages with LoRA do

    torch.manual_seed(seed)
    projections = ATTENTION.get(encoder.config.model_type)
    config = LoraConfig(r=stage.rank, lora_alpha=stage.alpha, lora_dropout=0.0, target_modules=projections)
    try:
        return get_peft_model(encoder, config)
    except ValueError as error:
        cause = str(error).splitlines()[0]
        raise UserError(f"{stage.task}: no LoRA on {encoder.config.model_type} ({cause}); set method: full") from None


def _adapted(encoder: torch.nn.Module) -> bool:
    """Whether a LoRA adapter is around the encoder. (Asking peft itself would import it, which takes seconds.)"""
    return not isinstance(encoder, transformers.PreTrainedModel)


def _training_tasks(recipe: Recipe) -> list[Task]:
    """The training tasks of the last stage, each once: parts that train on the same task share its head."""
    trained = [tasks.get(part.task).training for part in recipe.stages[-1].parts]
    return list({task.name: task for task in trained}.values())


def _load_earlier_lm_head(model: transformers.PreTrainedModel, store: Store, recipe: Recipe) -> None:
    """Give the model the MLM head of the nearest stage that trained one, or that of the pretrained weights."""
    for step in recipe.lineage():
        for task in _training_tasks(step) if step.stages else ():
            if task.family == tasks.MLM:
                model.load_state_dict(_stored_head(model, store, step, task), strict=False)
                return
    if recipe.start.model:
        place, revision = start_place(store, recipe)
        load_whole = transformers.AutoModelForMaskedLM.from_pretrained
        full = load_whole(place, revision=revision, dtype=torch.float32, use_safetensors=True)
        model.load_state_dict({k: v for k, v in full.state_dict().items() if k in _head_names(full)}, strict=False)


def _head_names(model: transformers.PreTrainedModel) -> list[str]:
    """Names of the weights outside the encoder, without a decoder that is tied to the encoder's embeddings."""
    prefix = f"{model.base_model_prefix}."
    tied = set(getattr(model, "_tied_weights_keys", None) or ())
    return [name for name in model.state_dict() if not name.startswith(prefix) and name not in tied]


# on disk --------------------------------------------------------------------------------------


def save(learner: Learner, folder: Path, labels: dict[str, tuple[str, ...]]) -> None:
    """What the stage changed: `encoder/` or `adapter/`, and `heads/<task>.safetensors` with the task's label names."""
    kind = "adapter" if _adapted(learner.encoder) else "encoder"
    learner.encoder.save_pretrained(folder / kind)
    (folder / "heads").mkdir()
    for task in learner.tasks:
        state = learner[task].state_dict()
        head = {name: state[name].detach().clone().contiguous() for name in _head_names(learner[task])}
        note = {"task": task, "labels": json.dumps(labels[task])}
        save_file(head, folder / "heads" / f"{task}.safetensors", metadata=note)


def load(store: Store, recipe: Recipe, task: str | None = None) -> transformers.PreTrainedModel:
    """The trained model of `recipe`: its encoder under the head for `task` (None: for the stage's main task).

    A head that an earlier stage trained is put on the encoder as the last stage left it: its scores say how much of
    the earlier task has not been forgotten.

    Raises:
        UserError: no stage trained a head for `task`, or the stored one does not fit (a damaged run folder), or the
            weights of the run were dropped.
    """
    name = tasks.get(task or recipe.stages[-1].task).training.name
    trained = [(head.name, step) for step in recipe.lineage() if step.stages for head in _training_tasks(step)]
    step = next((step for head, step in trained if head == name), None)
    if step is None:
        raise unknown("head", name, dict(trained), f"run {recipe.name}")
    head = tasks.get(name)
    model = with_head(encoder_of(store, recipe), head, store.source.labels(head), seed=0)
    model.load_state_dict(_stored_head(model, store, step, head), strict=False)
    return model.eval()


def _stored_head(model: torch.nn.Module, store: Store, recipe: Recipe, task: Task) -> dict[str, torch.Tensor]:
    file = store.weights(recipe) / "heads" / f"{task.name}.safetensors"
    head = load_file(file) if file.is_file() else {}
    if set(head) != set(_head_names(model)):
        where = f"{store.folder(recipe).name}: heads/{file.name}"
        raise UserError(f"{where} does not fit; delete the folder and run again")
    return head


def sizes(model: torch.nn.Module) -> dict[str, int]:
    return {
        "parameters": sum(p.numel() for p in model.parameters()),
        "trainable": sum(p.numel() for p in model.parameters() if p.requires_grad),
    }
