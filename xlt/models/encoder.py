"""Encoders and their tokenizers: drawn at random here, read from a folder or the hub, or as a stage left them.

An encoder of our own has XLM-R's architecture, random weights and a tokenizer that is learned from text.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
import transformers
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from xlt.core.device import autocast, own_draws
from xlt.core.errors import UserError
from xlt.core.files import State, state
from xlt.data.weights import ROBERTA, XLM_R_PIECES, locate, on_the_hub, tokenizer_file
from xlt.models import attention
from xlt.spec.recipe import Encoder, Recipe

if TYPE_CHECKING:
    from xlt.data.store import Store

transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()


def read_encoder(
    place: str, revision: str | None = None, dropout: float | None = None, seed: int = 0
) -> transformers.PreTrainedModel:
    """Encoder weights from a folder or the hub, in fp32, without a pooler where no head uses it.

    `dropout` replaces every dropout rate of the configuration. It is saved with the encoder, so later stages keep it.
    `seed` draws weights that the file lacks, such as BERT's pooler, which is a part of the head in all but name: drawn
    alike in all runs, it would leave its share out of what differs between seeds.
    """
    config = transformers.AutoConfig.from_pretrained(place, revision=revision)
    if dropout is not None:
        rates = [name for name, value in vars(config).items() if "dropout" in name and type(value) in (int, float)]
        config.update(dict.fromkeys(rates, dropout))
    extra = {"add_pooling_layer": False} if config.model_type in ROBERTA else {}
    with own_draws(seed):
        encoder = transformers.AutoModel.from_pretrained(
            place, config=config, revision=revision, dtype=torch.float32, use_safetensors=True, **extra
        )
    attention.use_fastest(encoder)
    # By its class, and not by a method of this object, which would refer to the object that has it: such an encoder is
    # not freed when it is no longer used, but when Python next looks for circles. A worker held seven of them.
    encoder.__class__ = _in_its_precision(type(encoder))
    return encoder


@cache
def _in_its_precision(kind: type[transformers.PreTrainedModel]) -> type[transformers.PreTrainedModel]:
    """`kind` that gives fp32: the encoder alone computes under autocast, and the heads above it do not.

    A head is a thousandth of the work, but its scores decide. Of XQuAD's answers 2.6 % are others where heads compute
    in bf16, which knows three digits, and 1 % where only the encoder does.
    """

    class Encoder(kind):
        def forward(self, *inputs: Any, **named: Any) -> Any:
            with autocast():
                outputs = super().forward(*inputs, **named)
            for name in ("last_hidden_state", "pooler_output"):  # those who read other layers turn them to fp32
                if (states := outputs.get(name)) is not None and states.dtype is torch.bfloat16:
                    outputs[name] = states.float()
            return outputs

    Encoder.__name__, Encoder.__qualname__, Encoder.__module__ = kind.__name__, kind.__qualname__, kind.__module__
    return Encoder  # under the name of `kind`, which is saved with the weights and by which transformers knows it


def encoder_of(store: Store, recipe: Recipe, seed: int = 0) -> transformers.PreTrainedModel:
    """The encoder after the last stage of `recipe`, with that stage's LoRA adapter merged into its weights.

    `seed` is that of the stage that is to train it: it draws what the weights of the start lack.

    Raises:
        UserError: a run that has not been trained, or whose weights were dropped.
    """
    if not recipe.stages:
        return _start_encoder(store, recipe, seed)
    folder = store.weights(recipe)
    if recipe.stages[-1].method == "full":
        return read_encoder(str(folder / "encoder"))
    from peft import PeftModel  # importing it takes seconds, so only stages with LoRA do

    below = encoder_of(store, recipe.parent, recipe.stages[-1].seed or 0)  # as it was when the adapter was trained
    merged = PeftModel.from_pretrained(below, folder / "adapter").merge_and_unload()
    merged.requires_grad_(True)  # the adapter had frozen the weights below it
    # The merged weights are stored nowhere, so an adapter that is trained on them must not name the first one's base.
    merged.name_or_path = merged.config.name_or_path = ""
    return merged


def _start_encoder(store: Store, recipe: Recipe, seed: int) -> transformers.PreTrainedModel:
    start = recipe.start
    encoder = read_encoder(*start_place(store, recipe), start.dropout if start.model else None, seed)
    if start.redraw:
        _redraw(encoder, start)
    if start.model and (repository := on_the_hub(start)):
        # An adapter on this encoder stores the name of its base: the hub's id means something elsewhere, a folder of
        # this machine's cache does not.
        encoder.name_or_path = encoder.config.name_or_path = repository.name
    return encoder


def _redraw(encoder: transformers.PreTrainedModel, start: Encoder) -> None:
    """Draw the upper layers anew, as a new encoder of this configuration has them.

    Raises:
        UserError: it has fewer layers.
    """
    with own_draws(start.seed):
        fresh = transformers.AutoModel.from_config(encoder.config, dtype=torch.float32)
    layers = [_layers(one) for one in (encoder, fresh)]
    if start.redraw > len(layers[0]):
        raise UserError(f"encoder.redraw: {start.called} has {len(layers[0])} layers, not {start.redraw}")
    for old, new in zip(*(several[-start.redraw :] for several in layers), strict=True):
        old.load_state_dict(new.state_dict())


def _layers(encoder: transformers.PreTrainedModel) -> torch.nn.ModuleList:
    """The layers, the lowest first: every encoder of `transformers` has them in one list."""
    count = encoder.config.num_hidden_layers
    lists = (module for module in encoder.modules() if isinstance(module, torch.nn.ModuleList))
    return next(module for module in lists if len(module) == count)


def start_place(store: Store, recipe: Recipe) -> tuple[str, str | None]:
    """Folder or hub id of the encoder that `recipe` starts from, and its revision."""
    if recipe.start.model:
        return locate(recipe.start), recipe.start.revision
    return str(store.folder(Recipe(start=recipe.start)) / "encoder"), None


def tokenizer_of(store: Store, recipe: Recipe) -> Any:
    place, revision = start_place(store, recipe)
    file = tokenizer_file(Path(place))
    return _tokenizer(place, revision, state(file) if file else None, bool(file) and file.name == XLM_R_PIECES)


@cache  # a worker reads thousands of test sets with the same one, and loading it takes as long as a small test set
def _tokenizer(place: str, revision: str | None, file: State | None, xlm_r: bool) -> Any:
    """`file` is the state of the tokenizer's file: a tokenizer that has changed is loaded anew.

    Raises:
        UserError: it knows no word: what it would make of any text is one unknown subword after the other.
    """
    kind = transformers.XLMRobertaTokenizer if xlm_r else transformers.AutoTokenizer
    tokenizer = kind.from_pretrained(place, revision=revision, use_fast=True)
    if len(tokenizer) <= len(tokenizer.all_special_ids):
        raise UserError(
            f"encoder.model: {place} has no file that {type(tokenizer).__name__} knows, so it knows no word; "
            "save the tokenizer beside the model with save_pretrained"
        )
    return tokenizer


def restart_at(config: Any, tokenizer: Any) -> int | None:
    """The separator after which positions start again, for encoders that are pretrained here; None for all others.

    In a pair the positions of the second text start again, in translation language modelling (Conneau &
    Lample 2019) as in all later tasks: a word and its translation then have positions near each other. Encoders from
    elsewhere count on, as they were trained.
    """
    return tokenizer.sep_token_id if getattr(config, "restart_positions", False) else None


# an encoder of our own ------------------------------------------------------------------------


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
    tokenizer.decoder = decoders.Metaspace()
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
    dropout = 0.1 if start.dropout is None else start.dropout
    config = transformers.XLMRobertaConfig(
        vocab_size=vocabulary, hidden_size=start.width, num_hidden_layers=start.layers,
        num_attention_heads=start.heads, intermediate_size=4 * start.width, type_vocab_size=1,
        max_position_embeddings=start.positions + 2, initializer_range=start.init,
        hidden_dropout_prob=dropout, attention_probs_dropout_prob=dropout,
        pad_token_id=1, bos_token_id=0, eos_token_id=2,
    )  # fmt: skip
    config.restart_positions = True
    return transformers.XLMRobertaModel(config, add_pooling_layer=False)
