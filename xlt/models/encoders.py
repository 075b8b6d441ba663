"""An encoder of our own: XLM-R's architecture with random weights, and a tokenizer learned from text."""

from __future__ import annotations

import torch
import transformers
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from xlt.spec.recipe import Encoder


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
