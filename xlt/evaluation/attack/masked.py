"""Words that the recipe's own multilingual encoder expects in a place, by its head for masked language modelling.

As in BERT-Attack (Li et al. 2020) the encoder replaces words, so any language and script that it knows can be
attacked; here the whole word is masked by one mask, and only entries of the vocabulary that are words are taken, where
BERT-Attack leaves the word in and combines pieces.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import regex
import torch
import transformers

from xlt.core.device import autocast, compute
from xlt.core.errors import UserError
from xlt.data.weights import locate
from xlt.evaluation.attack.candidates import units
from xlt.models import batching, model
from xlt.models.columns import Feature
from xlt.models.encoder import restart_at, tokenizer_of
from xlt.perturb.align import Span
from xlt.perturb.units import SPACELESS
from xlt.spec import tasks
from xlt.spec.case import lower, upper
from xlt.spec.languages import language as language_row
from xlt.spec.recipe import Recipe

if TYPE_CHECKING:
    from xlt.data.store import Store

_LETTERS = regex.compile(r"[\p{L}\p{M}]+")
_STARTS = ("▁", "Ġ")  # before a piece that begins a word, in SentencePiece and byte-level BPE


class Expected:
    """`options(text)` of the texts that have been `read`: the `most` best words for each word, likeliest first."""

    def __init__(self, store: Store, recipe: Recipe, language: str, most: int, max_length: int, batch: int):
        self.model, self.tokenizer = _mask_model(store, recipe), tokenizer_of(store, recipe)
        self.language, self.most, self.max_length, self.batch = language, most, max_length, batch
        self.pieces = [piece.lstrip("".join(_STARTS)) for piece in self._vocabulary()]
        self.usable = torch.tensor([self._usable(piece) for piece in self._vocabulary()], device=compute().device)
        self.known: dict[str, list[tuple[Span, list[str]]]] = {}

    def options(self, text: str) -> list[tuple[Span, list[str]]]:
        return self.known[text]

    def _vocabulary(self) -> list[str]:
        return self.tokenizer.convert_ids_to_tokens(list(range(len(self.tokenizer))))

    def _usable(self, piece: str) -> bool:
        """A whole word, or where no spaces are written, anything of letters."""
        begins = piece.startswith(_STARTS) or language_row(self.language).script in SPACELESS
        if getattr(self.tokenizer.backend_tokenizer.model, "continuing_subword_prefix", None) == "##":
            begins = not piece.startswith("##")
        return begins and bool(_LETTERS.fullmatch(piece.lstrip("".join(_STARTS))))

    def read(self, texts: Iterable[str]) -> None:
        """One pass for each word of each text, many at a time."""
        new = [text for text in dict.fromkeys(texts) if text not in self.known]
        features = [feature for text in new for feature in self._masked(text)]
        options: dict[str, list[tuple[Span, list[str]]]] = {text: [] for text in new}
        best: list[list[str]] = [[] for _ in features]
        for indices in batching.batches(features, self.batch):
            for index, words in zip(indices, self._best([features[i] for i in indices]), strict=True):
                best[index] = words
        for feature, words in zip(features, best, strict=True):
            start, end = feature["span"]
            word = feature["text"][start:end]
            like = [self._capitalised(other) if word[0].isupper() else other for other in words]
            others = [other for other in like if other.casefold() != word.casefold()]
            options[feature["text"]].append(((start, end), others[: self.most]))
        self.known |= options

    def _capitalised(self, word: str) -> str:
        return upper(word[0], self.language) + lower(word[1:], self.language)

    def _masked(self, text: str) -> list[Feature]:
        encoded = self.tokenizer(text, truncation=True, max_length=self.max_length, return_offsets_mapping=True)
        ids, offsets, features = encoded["input_ids"], encoded["offset_mapping"], []
        for start, end in units(text, self.language):
            inside = [i for i, (a, b) in enumerate(offsets) if a < end and b > start and a < b]
            if inside:
                masked = [*ids[: inside[0]], self.tokenizer.mask_token_id, *ids[inside[-1] + 1 :]]
                features.append({"input_ids": masked, "at": inside[0], "span": (start, end), "text": text})
        return features

    @torch.no_grad()
    def _best(self, features: list[Feature]) -> list[list[str]]:
        restart = restart_at(self.model.config, self.tokenizer)
        inputs = [{"input_ids": feature["input_ids"]} for feature in features]
        batch = batching.collate(inputs, self.tokenizer.pad_token_id, compute().device, restart)
        places = torch.arange(len(features)), torch.tensor([feature["at"] for feature in features])
        with autocast():
            if hasattr(self.model, "lm_head"):  # of the RoBERTa family: score the masks alone
                logits = self.model.lm_head(self.model.base_model(**batch)[0][places])
            else:
                logits = self.model(**batch).logits[places]
        scores = logits.float()[:, : len(self.pieces)].masked_fill(~self.usable, float("-inf"))
        count = min(self.most + 1, int(self.usable.sum()))  # one more: the word itself may be among them
        return [[self.pieces[i] for i in row] for row in scores.topk(count).indices.tolist()]


def _mask_model(store: Store, recipe: Recipe) -> Any:
    """The encoder with its head: of the nearest stage that trained one, or as it was given.

    Raises:
        UserError: there is no such head.
    """
    for step in recipe.lineage():
        for part in step.stages[-1].parts if step.stages else ():
            if tasks.get(part.task).training.family == tasks.MLM:
                return model.load(store, step, part.task).to(compute().device)
    missing = ["all of it"]
    if recipe.start.model:
        mask_model, loading = transformers.AutoModelForMaskedLM.from_pretrained(
            locate(recipe.start), revision=recipe.start.revision, dtype=torch.float32, use_safetensors=True,
            output_loading_info=True,
        )  # fmt: skip
        missing = sorted(loading["missing_keys"])
        if not missing:
            return mask_model.to(compute().device).eval()
    raise UserError(
        f"attack masked: {recipe.start.model or 'the random encoder'} has no head for masked language modelling "
        f"(missing: {missing[0]}); pretrain on text first, or take synonyms, code-mix or characters"
    )
