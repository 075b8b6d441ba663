"""Records to features: token ids, labels, and what is needed to read a prediction back.

A feature is a dict of plain lists (`input_ids`, for BERT also `token_type_ids`, and labels). Nothing is padded here;
`collate` pads a batch to its longest member. A feature of a record that was too long has `cut`; the last window of a
context none of whose windows holds the answer has `lost`, a sentence with words of which the tokenizer makes nothing
has their number, `pieceless` (see `xlt.models.unseen`).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import torch

from xlt.core.errors import UserError
from xlt.models import dual
from xlt.spec import tasks

IGNORED = -100  # label that the loss skips
Feature = dict[str, Any]


def encode(family: str, rows: Any, tokenizer: Any, max_length: int, stride: int = 0) -> list[Feature]:
    """Features of `rows` (a `datasets.Dataset` with our columns) for one task family.

    One feature per row, except for spans: a long context gives several windows, each with `row`.
    """
    return _FAMILIES[family](rows, tokenizer, max_length, stride)


def sentences(texts: Sequence[str] | Sequence[tuple[str, str]], tokenizer: Any, max_length: int) -> list[Feature]:
    """Single texts, or pairs of texts (of which the longer is cut first), for retrieval."""
    sides = zip(*texts, strict=True) if texts and not isinstance(texts[0], str) else [texts]
    encoded = tokenizer(*map(list, sides), truncation=True, max_length=max_length)
    return _marked(_features(encoded), encoded)


def _features(encoded: Any, **labels: list) -> list[Feature]:
    columns = {name: encoded[name] for name in ("input_ids", "token_type_ids") if name in encoded} | labels
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _marked(features: list[Feature], encoded: Any) -> list[Feature]:
    """The features, those with `cut` whose texts did not fit."""
    return [
        {**feature, "cut": True} if encoding.overflowing else feature
        for feature, encoding in zip(features, encoded.encodings, strict=True)
    ]


def _whole(feature: Feature, parts: Iterable[Feature]) -> Feature:
    """The feature, with `cut` if one of its parts has it."""
    return {**feature, "cut": True} if any("cut" in part for part in parts) else feature


def _classification(rows: Any, tokenizer: Any, max_length: int, _: int) -> list[Feature]:
    texts = [rows[name][:] for name in ("text_a", "text_b") if name in getattr(rows, "column_names", rows)]
    encoded = tokenizer(*texts, truncation=True, max_length=max_length)
    return _marked(_features(encoded, labels=rows["label"][:]), encoded)


def _choice(rows: Any, tokenizer: Any, max_length: int, _: int) -> list[Feature]:
    """One feature per row: each choice as a pair with the prompt; `input_ids` is the longest, to sort by length."""
    choices, prompts = rows["choices"][:], rows["prompt"][:]
    flat = [(prompt, choice) for prompt, several in zip(prompts, choices, strict=True) for choice in several]
    encoded = _endings(*map(list, zip(*flat, strict=True)), tokenizer, max_length)
    ends = np.cumsum([len(several) for several in choices])
    groups = [encoded[end - len(several) : end] for end, several in zip(ends, choices, strict=True)]
    longest = [max((pair["input_ids"] for pair in group), key=len) for group in groups]
    return [
        _whole({"input_ids": ids, "choices": group, "labels": label}, group)
        for ids, group, label in zip(longest, groups, rows["label"][:], strict=True)
    ]


def _endings(prompts: list[str], choices: list[str], tokenizer: Any, max_length: int) -> list[Feature]:
    """Pairs, of which those too long lose the beginning of their prompt: question and choice stand at the end.

    A choice is cut only where it would leave less than half of the room to its prompt.
    """
    whole = _features(tokenizer(prompts, choices))
    long = [i for i, feature in enumerate(whole) if len(feature["input_ids"]) > max_length]
    if not long:
        return whole
    prompts, choices = [prompts[i] for i in long], [choices[i] for i in long]
    room = max_length - tokenizer.num_special_tokens_to_add(pair=True)
    lengths = map(len, tokenizer(prompts, add_special_tokens=False)["input_ids"])
    choices = _short(choices, tokenizer, [max(room // 2, room - length) for length in lengths])
    side, tokenizer.truncation_side = tokenizer.truncation_side, "left"
    try:
        cut = _features(tokenizer(prompts, choices, truncation="only_first", max_length=max_length))
    finally:
        tokenizer.truncation_side = side
    for place, feature in zip(long, cut, strict=True):
        whole[place] = {**feature, "cut": True}
    return whole


def _tagging(rows: Any, tokenizer: Any, max_length: int, _: int) -> list[Feature]:
    """The first subword of a word carries its tag; `words[i]` is the word of position i, or None."""
    given = spaced(rows["tokens"][:], tokenizer)
    encoded = tokenizer(given, is_split_into_words=True, truncation=True, max_length=max_length)
    labels, words, marks = [], [], []
    for index, tags in enumerate(rows["tags"][:]):
        firsts = _first_subwords(encoded.word_ids(index))
        words.append(firsts)
        labels.append([IGNORED if word is None else tags[word] for word in firsts])
        seen = {word for word in firsts if word is not None}
        whole = max(seen, default=-1) + 1 if encoded.encodings[index].overflowing else len(tags)
        marks.append({"pieceless": whole - len(seen)} if len(seen) < whole else {})
    features = _marked(_features(encoded, labels=labels, words=words), encoded)
    return [feature | mark for feature, mark in zip(features, marks, strict=True)]


def spaced(sentences: list[list[str]], tokenizer: Any) -> list[list[str]]:
    """Words that the tokenizer cuts one by one as it cuts them in running text.

    Byte-level tokenizers (RoBERTa, ModernBERT) and Gemma's (mmBERT) know a word's beginning by the space before it: for
    them every word but the first brings its own.

    Raises:
        UserError: the tokenizer cuts words otherwise than text, with and without that space.
    """
    text = tokenizer("a b")["input_ids"]
    if tokenizer(["a", "b"], is_split_into_words=True)["input_ids"] == text:
        return sentences
    if tokenizer(["a", " b"], is_split_into_words=True)["input_ids"] != text:
        kind = type(tokenizer).__name__
        raise UserError(f"encoder: its tokenizer ({kind}) loses where words begin; take another encoder for tagging")
    return [[f" {word}" if i and word else word for i, word in enumerate(words)] for words in sentences]


def _first_subwords(word_ids: list[int | None]) -> list[int | None]:
    return [
        word if word is not None and word != (word_ids[i - 1] if i else None) else None
        for i, word in enumerate(word_ids)
    ]


def _text(rows: Any, tokenizer: Any, max_length: int, _: int) -> list[Feature]:
    encoded = tokenizer(rows["text"][:], add_special_tokens=False, truncation=True, max_length=max_length)
    return _marked([{"input_ids": ids} for ids in encoded["input_ids"]], encoded)


def _dual(rows: Any, tokenizer: Any, max_length: int, _: int) -> list[Feature]:
    """`query` and `target` of each row, and `same`: equal numbers for equal targets; sorted by the targets' length."""
    queries, targets = dual.pairs({name: rows[name][:] for name in getattr(rows, "column_names", rows)})
    number: dict[Any, int] = {}
    same = [number.setdefault(target, len(number)) for target in targets]
    sides = zip(
        sentences(queries, tokenizer, min(dual.QUERY_LENGTH, max_length)),
        sentences(targets, tokenizer, max_length),
        strict=True,
    )
    return [
        _whole({"input_ids": target["input_ids"], "query": query, "target": target, "same": group}, (query, target))
        for (query, target), group in zip(sides, same, strict=True)
    ]


def _span(rows: Any, tokenizer: Any, max_length: int, stride: int) -> list[Feature]:
    """Windows over the context; a window without the whole answer points at its first token (BERT's convention).

    Raises:
        UserError: `max_length` has no room for a question beside a context.
    """
    room = max_length - tokenizer.num_special_tokens_to_add(pair=True)
    if room < 4:
        raise UserError(f"max_length {max_length} has no room for a question and a context; set it to 64 or more")
    asked = [question.strip() for question in rows["question"][:]]
    questions = _short(asked, tokenizer, [room // 2] * len(asked))  # half of the window to the context
    contexts, answers = rows["context"][:], rows["answers"][:]
    encoded = tokenizer(
        questions, contexts, truncation="only_second", max_length=max_length,
        stride=min(stride, max_length // 3, room // 2 - 1), return_overflowing_tokens=True, return_offsets_mapping=True,
    )  # fmt: skip
    owner = encoded["overflow_to_sample_mapping"]
    offsets, starts, ends = [], [], []
    for window, row in enumerate(owner):
        spans = [
            tuple(span) if part == 1 else None
            for span, part in zip(encoded["offset_mapping"][window], encoded.sequence_ids(window), strict=True)
        ]
        spans = _with_marks(spans, contexts[row])
        opens, closes = window == 0 or owner[window - 1] != row, owner[window + 1 : window + 2] != [row]
        start, end = _gold_span(spans, answers[row], 0 if opens else None, len(contexts[row]) if closes else None)
        offsets.append(spans)
        starts.append(start)
        ends.append(end)
    features = _features(encoded, start_positions=starts, end_positions=ends, row=list(owner), offsets=offsets)
    held = {row for row, start in zip(owner, starts, strict=True) if start}
    for window, row in enumerate(owner):
        if row not in held and answers[row]["text"] and owner[window + 1 : window + 2] != [row]:
            features[window]["lost"] = True
    return features


def _short(texts: list[str], tokenizer: Any, most: Sequence[int]) -> list[str]:
    """The texts, each cut after so many subwords."""
    encoded = tokenizer(texts, add_special_tokens=False, return_offsets_mapping=True)
    ends = [s[n - 1][1] if len(s) > n else None for s, n in zip(encoded["offset_mapping"], most, strict=True)]
    return [text[:end] for text, end in zip(texts, ends, strict=True)]


Spans = list[tuple[int, int] | None]  # of each token its first character and past its last; None outside the context


def _with_marks(spans: Spans, context: str) -> Spans:
    """The spans, each with the combining marks behind it, which a normaliser joins to their letter and leaves out."""
    return spans if context.isascii() else [span and (span[0], _past_marks(context, span[1])) for span in spans]


def _past_marks(text: str, place: int) -> int:
    while 0 < place < len(text) and unicodedata.category(text[place])[0] == "M":
        place += 1
    return place


def bare(text: str) -> str:
    """The text without what shows nothing at its ends: space, controls, zero-width characters, a byte-order mark."""
    return text[slice(*_bare(text))]


def _bare(text: str) -> tuple[int, int]:
    shown = [i for i, char in enumerate(text) if not (char.isspace() or unicodedata.category(char) in ("Cc", "Cf"))]
    return (shown[0], shown[-1] + 1) if shown else (0, 0)


def _gold_span(spans: Spans, answers: dict, low: int | None, high: int | None) -> tuple[int, int]:
    """First and last token that overlap the first answer; (0, 0) when the window does not hold all of it.

    The window holds the text from its first token (or from `low`) to its last (or to `high`), also what no token
    covers; and what shows nothing at the ends of the answer does not count.
    """
    if not answers["text"]:
        return 0, 0
    begin, finish = (answers["answer_start"][0] + place for place in _bare(answers["text"][0]))
    inside = [i for i, span in enumerate(spans) if span and span[0] < finish and span[1] > begin]
    low = next((span[0] for span in spans if span), 0) if low is None else low
    high = next((span[1] for span in reversed(spans) if span), 0) if high is None else high
    return (inside[0], inside[-1]) if inside and low <= begin and finish <= high else (0, 0)


_FAMILIES = {
    tasks.CLASSIFICATION: _classification, tasks.CHOICE: _choice, tasks.TAGGING: _tagging, tasks.SPAN: _span,
    tasks.MLM: _text, tasks.ANSWERS: _dual, tasks.DUAL: _dual,
}  # fmt: skip


def batches(features: list[Feature], size: int, rng: np.random.Generator | None = None) -> Iterator[list[int]]:
    """Indices in batches of similar length; shuffled when `rng` is given, longest first otherwise.

    Sorting happens within chunks of 50 batches of a shuffled order, so that batches stay random.
    """
    lengths = np.array([len(feature["input_ids"]) for feature in features])
    if rng is None:
        order = np.argsort(-lengths, kind="stable")
        yield from (order[i : i + size].tolist() for i in range(0, len(order), size))
        return
    order = rng.permutation(len(features))
    cut: list[list[int]] = []
    for i in range(0, len(order), 50 * size):
        chunk = order[i : i + 50 * size]
        chunk = chunk[np.argsort(lengths[chunk], kind="stable")]
        cut += [chunk[j : j + size].tolist() for j in range(0, len(chunk), size)]
    yield from (cut[i] for i in rng.permutation(len(cut)))


_PADDING = {"token_type_ids": 0, "labels": IGNORED, "position_ids": 1}
_TENSORS = ("input_ids", "token_type_ids", "labels", "position_ids", "start_positions", "end_positions")


def restart_positions(ids: list[int], separator: int) -> list[int]:
    """XLM-R's positions (from 2), starting again at the second text of a pair "<s> A </s> </s> B </s>"."""
    first = ids.index(separator) + 1 if separator in ids else len(ids)
    return [*range(2, 2 + first), *range(2, 2 + len(ids) - first)]


def collate(
    features: list[Feature], pad_id: int, device: str = "cpu", restart_at: int | None = None
) -> dict[str, torch.Tensor]:
    """One batch: `input_ids`, `attention_mask` (B, T), and the labels, padded to the longest feature.

    Features with `choices` are laid out flat, (sum of choices, T), with `sizes` (B,) to group them again;
    those with `query` become two batches, `query` and `target`, with `same` (B,).
    `restart_at` is the separator at which positions start again, for encoders that were pretrained so.
    """
    if "choices" in features[0]:
        flat = collate([pair for f in features for pair in f["choices"]], pad_id, device, restart_at)
        groups = {"sizes": [len(f["choices"]) for f in features]}
        groups |= {"labels": [f["labels"] for f in features]} if "labels" in features[0] else {}
        return flat | {name: torch.tensor(values).to(device) for name, values in groups.items()}
    if "query" in features[0]:
        sides = {n: collate([f[n] for f in features], pad_id, device, restart_at) for n in ("query", "target")}
        return sides | {"same": torch.tensor([f["same"] for f in features]).to(device)}
    if restart_at is not None:
        features = [{**f, "position_ids": restart_positions(f["input_ids"], restart_at)} for f in features]
    width = max(len(feature["input_ids"]) for feature in features)
    batch: dict[str, Any] = {
        "attention_mask": [[1] * (n := len(f["input_ids"])) + [0] * (width - n) for f in features],
    }
    for name in _TENSORS:
        if name not in features[0]:
            continue
        fill = pad_id if name == "input_ids" else _PADDING.get(name)
        values = [feature[name] for feature in features]
        batch[name] = [v + [fill] * (width - len(v)) for v in values] if isinstance(values[0], list) else values
    return {name: torch.tensor(values).to(device, non_blocking=True) for name, values in batch.items()}
