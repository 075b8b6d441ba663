"""Random records that are as long as real ones, and a random encoder for them: what speed depends on, without data.

No speed depends on what a text means, nor on the values of weights. It depends on how long texts are (padding), how
many different subwords they have (the rows of the embedding that are trained) and how large the encoder is.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import cached_property
from itertools import islice, product
from pathlib import Path
from string import ascii_lowercase
from typing import Any

import datasets
import numpy as np
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors

from xlt.data.sources import Source
from xlt.models.encoder import random_encoder
from xlt.spec import tasks
from xlt.spec.recipe import Encoder
from xlt.spec.speed import Drawn
from xlt.spec.tasks import Task

_SPECIALS = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")  # XLM-R's, with its numbers
_AROUND_ONE, _AROUND_PAIR = 2, 4  # special tokens of a text and of a pair
_LETTERS = 4  # of a word: XLM-R cuts English MNLI into subwords of 3.8 characters


def words(count: int) -> list[str]:
    """So many different words, each a subword of its own."""
    letters = islice(product(ascii_lowercase, repeat=_LETTERS), count)
    return ["".join(letter) for letter in letters]


def tokenizer(vocabulary: int) -> transformers.PreTrainedTokenizerFast:
    """A unigram tokenizer like XLM-R's, with XLM-R's special tokens, that makes one subword of each of `words`."""
    pieces = [(special, 0.0) for special in _SPECIALS]
    pieces += [(f"▁{word}", -1.0) for word in words(vocabulary - len(_SPECIALS))]
    made = Tokenizer(models.Unigram(pieces, unk_id=_SPECIALS.index("<unk>")))
    made.pre_tokenizer, made.decoder = pre_tokenizers.Metaspace(), decoders.Metaspace()
    made.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    names = dict(zip(("bos_token", "pad_token", "eos_token", "unk_token", "mask_token"), _SPECIALS, strict=True))
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=made, cls_token="<s>", sep_token="</s>",
        model_input_names=["input_ids", "attention_mask"], **names,
    )  # fmt: skip


def write_encoder(shape: Encoder, folder: Path) -> Encoder:
    """Write random weights of this shape and their tokenizer; the encoder as a recipe starts from it."""
    encoder = random_encoder(shape, shape.vocabulary)
    encoder.config.restart_positions = False  # positions as every other library counts them
    encoder.save_pretrained(folder)
    tokenizer(shape.vocabulary).save_pretrained(folder)
    return Encoder(model=str(folder))


class Records(Source):
    """A source whose records are drawn: `pool` in each split, by their split alone, so that every way has the same."""

    def __init__(self, drawn: Drawn, pool: int, vocabulary: int, zipf: float):
        super().__init__(None)
        self.drawn, self.pool, self.zipf, self.vocabulary = drawn, pool, zipf, vocabulary

    @cached_property
    def _words(self) -> np.ndarray:
        return np.array(words(self.vocabulary - len(_SPECIALS)))

    @cached_property
    def _chances(self) -> np.ndarray:
        weights = np.arange(1.0, len(self._words) + 1) ** -self.zipf
        return np.cumsum(weights / weights.sum())

    def labels(self, task: Task) -> tuple[str, ...]:
        return task.training.labels

    def languages(self, task: Task, split: str) -> tuple[str, ...]:
        return ("en",)

    def identity(self, task: Task, code: str, split: str) -> dict[str, Any]:
        return {"drawn": self.drawn.model_dump(mode="json"), "pool": self.pool, "zipf": self.zipf, "split": split}

    def load(self, task: Task, code: str, split: str, examples: int | None = None, seed: int = 0) -> datasets.Dataset:
        """`examples` records of the task's family, or the whole pool."""
        rng = np.random.default_rng([seed, ("train", "dev", "test").index(split)])
        rows = [self._row(task, length, rng, number) for number, length in enumerate(self._lengths(rng, examples))]
        return datasets.Dataset.from_list(rows)

    def _lengths(self, rng: np.random.Generator, examples: int | None) -> Iterator[int]:
        """Between two quantiles every length is equally likely."""
        quantiles = np.linspace(0, 1, len(self.drawn.lengths))
        for share in rng.random(examples or self.pool):
            yield round(float(np.interp(share, quantiles, self.drawn.lengths)))

    def _text(self, length: int, rng: np.random.Generator) -> list[str]:
        return self._words[np.searchsorted(self._chances, rng.random(max(1, length)))].tolist()

    def _row(self, task: Task, length: int, rng: np.random.Generator, number: int) -> dict[str, Any]:
        """A record that is `length` subwords long with its special tokens, at least one word in each text."""
        if task.family == tasks.TAGGING:
            tokens = self._text(length - _AROUND_ONE, rng)
            return {"tokens": tokens, "tags": rng.integers(len(task.labels), size=len(tokens)).tolist()}
        first = round(self.drawn.first * (length - _AROUND_PAIR))
        one, two = self._text(first, rng), self._text(length - _AROUND_PAIR - first, rng)
        if task.family == tasks.SPAN:
            answer = random.Random(number).choice(two)
            answers = {"text": [answer], "answer_start": [" ".join(two).index(answer)]}
            return {"id": str(number), "question": " ".join(one), "context": " ".join(two), "answers": answers}
        return {"text_a": " ".join(one), "text_b": " ".join(two), "label": int(rng.integers(len(task.labels)))}
