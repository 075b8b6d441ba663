"""Records to features: token ids, labels, and what is needed to read a prediction back.

A feature is a dict of plain lists (`input_ids`, for BERT also `token_type_ids`, and labels). Nothing is padded here;
`batching.collate` pads a batch to its longest member. Some features are marked (`xlt.models.unseen` counts them):

cut        the record was too long
lost       the last window of a context none of whose windows holds the answer
pieceless  how many words of the sentence the tokenizer makes nothing of
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from xlt.core.errors import UserError
from xlt.models import dual
from xlt.models.spans import gold_span, with_marks
from xlt.spec import tasks

IGNORED = -100  # label that the loss skips
Feature = dict[str, Any]


def encode(family: str, rows: Any, tokenizer: Any, max_length: int, stride: int = 0) -> list[Feature]:
    """Features of `rows` (a `datasets.Dataset` with our columns) for one task family.

    One feature per row, except for spans: a long context gives several windows, each with `row`.
    """
    return _FAMILIES[family](rows, tokenizer, max_length, stride)


def encode_sentences(
    texts: Sequence[str] | Sequence[tuple[str, str]], tokenizer: Any, max_length: int
) -> list[Feature]:
    """Features of single texts, or of pairs of texts (of which the longer is cut first), for retrieval."""
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
        encode_sentences(queries, tokenizer, min(dual.QUERY_LENGTH, max_length)),
        encode_sentences(targets, tokenizer, max_length),
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
    full = [question.strip() for question in rows["question"][:]]
    questions = _short(full, tokenizer, [room // 2] * len(full))  # half of the window to the context
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
        spans = with_marks(spans, contexts[row])
        opens, closes = window == 0 or owner[window - 1] != row, owner[window + 1 : window + 2] != [row]
        start, end = gold_span(spans, answers[row], 0 if opens else None, len(contexts[row]) if closes else None)
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


_FAMILIES = {
    tasks.CLASSIFICATION: _classification, tasks.CHOICE: _choice, tasks.TAGGING: _tagging, tasks.SPAN: _span,
    tasks.MLM: _text, tasks.ANSWERS: _dual, tasks.DUAL: _dual,
}  # fmt: skip
