"""Encoders under their heads: build, save, reload.

All models are `transformers` classes. A run stores what its stage changed: the whole encoder (full
fine-tuning) or a LoRA adapter over its base run's encoder, and one head for each task; everything as
safetensors. Loading walks back along the recipe until it meets whole weights. A new stage always gets
new heads, but for masked language modelling, whose head belongs to the encoder.
"""

from __future__ import annotations

import copy
import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
import transformers
from safetensors.torch import load_file, save_file

from xlt.core.device import autocast
from xlt.core.errors import UserError, unknown
from xlt.core.files import State, state
from xlt.data.weights import ROBERTA, locate, on_the_hub
from xlt.models.encoding import IGNORED
from xlt.spec import tasks
from xlt.spec.recipe import Recipe
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
GOLD = ("labels", "start_positions", "end_positions")  # of a batch, what is to be predicted

transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()


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


# encoders -------------------------------------------------------------------------------------


def read_encoder(place: str, revision: str | None = None, dropout: float | None = None) -> transformers.PreTrainedModel:
    """Encoder weights from a folder or the hub, in fp32, without a pooler where no head uses it.

    With `dropout` every rate of the configuration is that one; it is saved with the encoder, so later stages keep it.
    """
    config = transformers.AutoConfig.from_pretrained(place, revision=revision)
    if dropout is not None:
        rates = [name for name, value in vars(config).items() if "dropout" in name and isinstance(value, float)]
        config.update(dict.fromkeys(rates, dropout))
    extra = {"add_pooling_layer": False} if config.model_type in ROBERTA else {}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)  # for what the weights lack (BERT's pooler, say): the same at every reading
        return transformers.AutoModel.from_pretrained(
            place, config=config, revision=revision, dtype=torch.float32, use_safetensors=True, **extra
        )


def encoder_of(store: Store, recipe: Recipe, carry: bool = False) -> torch.nn.Module:
    """The encoder after `recipe`'s last stage; an open adapter is left open only if `carry`."""
    folder, stage = store.folder(recipe), recipe.stages[-1] if recipe.stages else None
    if stage is None:
        encoder = read_encoder(*_start_place(store, recipe), recipe.start.dropout if recipe.start.model else None)
        if recipe.start.model and (found := on_the_hub(recipe.start)):
            encoder.name_or_path = encoder.config.name_or_path = found.name  # an adapter names it, not a cache's folder
        return encoder
    if stage.method == "full":
        return read_encoder(str(folder / "encoder"))
    from peft import PeftModel

    model = PeftModel.from_pretrained(encoder_of(store, _base(recipe)), folder / "adapter", is_trainable=carry)
    if carry and stage.adapter == "carry":
        return model
    merged = model.merge_and_unload().requires_grad_(True)  # the adapter had frozen what it sat on
    merged.name_or_path = merged.config.name_or_path = ""  # stored nowhere: an adapter on it must not name another base
    return merged


def _base(recipe: Recipe) -> Recipe:
    """The recipe whose whole encoder the last stage's adapter sits on: past all that carried it on."""
    base = recipe.parent
    assert base is not None
    while base.stages and base.stages[-1].method == "lora" and base.stages[-1].adapter == "carry":
        base = base.parent
        assert base is not None
    return base


def _start_place(store: Store, recipe: Recipe) -> tuple[str, str | None]:
    if recipe.start.model:
        return locate(recipe.start), recipe.start.revision
    return str(store.folder(Recipe(start=recipe.start)) / "encoder"), None


def tokenizer_of(store: Store, recipe: Recipe) -> Any:
    place, revision = _start_place(store, recipe)
    file = Path(place) / "tokenizer.json"
    return _tokenizer(place, revision, state(file) if file.is_file() else None)


@cache  # a worker reads thousands of test sets with the same one, and loading it takes as long as a small test set
def _tokenizer(place: str, revision: str | None, file: State | None) -> Any:
    return transformers.AutoTokenizer.from_pretrained(place, revision=revision, use_fast=True)


def restart_at(config: Any, tokenizer: Any) -> int | None:
    """The separator at which positions start again, for the encoders that are pretrained here.

    In a pair the positions of the second text start again, in translation language modelling (Conneau &
    Lample 2019) as in all later tasks: a word and its counterpart lie near each other. Encoders from
    elsewhere count on, as they were trained.
    """
    return tokenizer.sep_token_id if getattr(config, "restart_positions", False) else None


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
    """What the last stage of `recipe` trains: parent's encoder, a head for each task, LoRA if it says so.

    Raises:
        UserError: the stage carries on an adapter of another size.
    """
    stage, parent = recipe.stages[-1], recipe.parent
    encoder = encoder_of(store, parent, carry=stage.method == "lora")
    if _adapted(encoder):
        carried = encoder.peft_config["default"]
        if (carried.r, carried.lora_alpha) != (stage.rank, stage.alpha):
            raise UserError(
                f"{stage.task}: it carries on an adapter of rank {carried.r} and alpha {carried.lora_alpha}"
            )
    elif stage.method == "lora":
        from peft import LoraConfig, get_peft_model

        torch.manual_seed(stage.seed or 0)
        projections = ATTENTION.get(encoder.config.model_type)
        how = LoraConfig(r=stage.rank, lora_alpha=stage.alpha, lora_dropout=0.0, target_modules=projections)
        try:
            encoder = get_peft_model(encoder, how)
        except ValueError as error:
            said = str(error).splitlines()[0]
            raise UserError(
                f"{stage.task}: no LoRA on {encoder.config.model_type} ({said}); set method: full"
            ) from None
    elif stage.frozen == "embeddings":
        encoder.embeddings.requires_grad_(False)
    models = {}
    for task in _training_tasks(recipe):
        models[task.name] = with_head(encoder, task, store.source.labels(task), stage.seed or 0)
        if task.family == tasks.MLM:
            _earlier_lm_head(models[task.name], store, parent)
    return Learner(models)


def _adapted(encoder: torch.nn.Module) -> bool:
    """Whether a LoRA adapter is around it; peft itself takes seconds to import, so only those stages do."""
    return not isinstance(encoder, transformers.PreTrainedModel)


def _training_tasks(recipe: Recipe) -> list[Task]:
    """The training tasks of the last stage, each once: parts that train on the same task share its head."""
    found = [tasks.get(part.task).training for part in recipe.stages[-1].parts]
    return list({task.name: task for task in found}.values())


def _earlier_lm_head(model: transformers.PreTrainedModel, store: Store, recipe: Recipe) -> None:
    """Go on with the MLM head that goes with the encoder: of the nearest stage that trained one, or the given one."""
    for step in recipe.lineage():
        for task in _training_tasks(step) if step.stages else ():
            if task.family == tasks.MLM:
                model.load_state_dict(_stored_head(model, store, step, task), strict=False)
                return
    if recipe.start.model:
        place, revision = _start_place(store, recipe)
        load_whole = transformers.AutoModelForMaskedLM.from_pretrained
        full = load_whole(place, revision=revision, dtype=torch.float32, use_safetensors=True)
        model.load_state_dict({k: v for k, v in full.state_dict().items() if k in _head_names(full)}, strict=False)


def _head_names(model: transformers.PreTrainedModel) -> list[str]:
    """Names in the state of everything outside the encoder; a decoder tied to the embeddings is not stored twice."""
    prefix = f"{model.base_model_prefix}."
    tied = set(getattr(model, "_tied_weights_keys", None) or ())
    return [name for name in model.state_dict() if not name.startswith(prefix) and name not in tied]


def forward(model: torch.nn.Module, batch: dict[str, torch.Tensor]) -> Any:
    """The outputs of one batch without labels, of any family; of choices they are `logits` (B, most choices)."""
    if "sizes" in batch:
        return {"logits": choice_logits(model, dict(batch))}
    with autocast():
        return model(**batch)


def loss(model: torch.nn.Module, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    """Cross-entropy of one batch with labels, of any family that has a head: the mean over its labels.

    Of spans it is the mean of start and end, each a choice among the tokens of its window, padding left out.
    """
    outputs = forward(model, {name: value for name, value in batch.items() if name not in GOLD})
    if "start_positions" not in batch:
        return mean_loss(outputs["logits"], batch["labels"])
    padding = ~batch["attention_mask"].bool()
    start, end = (
        mean_loss(outputs[f"{side}_logits"].masked_fill(padding, float("-inf")), batch[f"{side}_positions"])
        for side in ("start", "end")
    )
    return (start + end) / 2


def mean_loss(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Cross-entropy of logits (..., classes) against labels (...), mean over those not ignored; 0 without any."""
    logits, labels = logits.float().flatten(0, -2), labels.flatten()
    total = torch.nn.functional.cross_entropy(logits, labels, ignore_index=IGNORED, reduction="sum")
    return total / (labels != IGNORED).sum().clamp(min=1)


def labels(batch: dict[str, torch.Tensor]) -> torch.Tensor:
    """How many labels the loss of a batch is a mean over; of queries that look for their own, how many those are."""
    gold = next(batch[name] for name in ("same", *GOLD) if name in batch)
    return (gold != IGNORED).sum()


def choice_logits(model: torch.nn.Module, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    """(B, most choices) scores of a flat batch of choices; where a row has fewer choices, minus infinity."""
    sizes = batch.pop("sizes").tolist()
    with autocast():
        flat = model(**batch).logits[:, 0].float()
    return torch.nn.utils.rnn.pad_sequence(flat.split(sizes), batch_first=True, padding_value=float("-inf"))


# saved and loaded again -----------------------------------------------------------------------


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

    A head that an earlier stage trained is put on the encoder as the last stage left it: what it still knows is what
    has not been forgotten.

    Raises:
        UserError: no stage trained a head for `task`, or the stored one does not fit (a damaged run folder).
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
    file = store.folder(recipe) / "heads" / f"{task.name}.safetensors"
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
