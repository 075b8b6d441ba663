"""Records to features: token ids, labels, and what is needed to read a prediction back.

A feature has `input_ids`, for BERT also `token_type_ids`, and labels. Nothing is padded here; `batching.collate` pads a
batch to its longest member. Some columns say what of a record is not seen (`xlt.models.unseen` counts it):

cut        the record was too long
lost       the last window of a context none of whose windows holds the answer
pieceless  how many words of the sentence the tokenizer makes nothing of
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from xlt.core.errors import UserError
from xlt.models import dual
from xlt.models.columns import Column, Features, Ragged, joined
from xlt.models.spans import gold_span, with_marks
from xlt.spec import tasks

IGNORED = -100  # label that the loss skips
NO_WORD = -1
CHUNK = 1000  # records at a time: what the tokenizer says of a subword takes 100 times what is kept of it
Rows = dict[str, list]


def encode(family: str, rows: Any, tokenizer: Any, max_length: int, stride: int = 0) -> Features:
    """Features of `rows` (a `datasets.Dataset` with our columns, or a dict of lists) for one task family.

    One feature per row, except for spans: a long context gives several windows, each with `row`.

    Raises:
        UserError: `max_length` leaves a text no room beside special tokens, or words cannot be told from subwords.
    """
    _check_room(tokenizer, max_length, texts=2 if family == tasks.CHOICE or "text_b" in _names(rows) else 1)
    if _FAMILIES[family] is _dual:  # the sentences of a context depend on all of its questions
        return _dual({name: rows[name][:] for name in _names(rows)}, tokenizer, max_length)
    make, parts = _FAMILIES[family], []
    for first, part in _chunks(rows):
        features = make(part, tokenizer, max_length, stride)
        if "row" in features.columns:
            features.columns["row"] += first
        parts.append(features)
    return joined(parts)


def _check_room(tokenizer: Any, max_length: int, texts: int) -> None:
    """A tokenizer that finds no room cuts nothing, and says nothing."""
    special = tokenizer.num_special_tokens_to_add(pair=texts == 2)
    if max_length < special + texts:
        several = "a text" if texts == 1 else "two texts"
        raise UserError(f"max_length {max_length} has no room for {several} beside {special} special tokens; raise it")


def _names(rows: Any) -> list[str]:
    return list(getattr(rows, "column_names", rows))


def _chunks(rows: Any) -> Iterator[tuple[int, Rows]]:
    names = _names(rows)
    for first in range(0, max(1, len(rows[names[0]])), CHUNK):
        yield first, {name: rows[name][first : first + CHUNK] for name in names}


def encode_sentences(texts: Sequence[str] | Sequence[tuple[str, str]], tokenizer: Any, max_length: int) -> Features:
    """Features of single texts, or of pairs of texts (of which the longer is cut first), for retrieval."""
    _check_room(tokenizer, max_length, texts=2 if texts and not isinstance(texts[0], str) else 1)
    parts = [texts[first : first + CHUNK] for first in range(0, max(1, len(texts)), CHUNK)]
    return joined([_sentences(part, tokenizer, max_length) for part in parts])


def _sentences(texts: Sequence[Any], tokenizer: Any, max_length: int) -> Features:
    sides = zip(*texts, strict=True) if texts and not isinstance(texts[0], str) else [texts]
    return _features(tokenizer(*map(list, sides), truncation=True, max_length=max_length))


def _features(encoded: Any, **columns: Column) -> Features:
    """The subwords of texts, with `cut` where they did not fit, and further columns."""
    kinds = {"token_type_ids": Ragged.of(encoded["token_type_ids"], np.uint8)} if "token_type_ids" in encoded else {}
    cut = np.array([bool(encoding.overflowing) for encoding in encoded.encodings])
    return Features({"input_ids": Ragged.of(encoded["input_ids"]), **kinds, "cut": cut, **columns})


def _classification(rows: Rows, tokenizer: Any, max_length: int, _: int) -> Features:
    texts = [rows[name] for name in ("text_a", "text_b") if name in rows]
    encoded = tokenizer(*texts, truncation=True, max_length=max_length)
    return _features(encoded, labels=np.array(rows["label"]))


def _choice(rows: Rows, tokenizer: Any, max_length: int, _: int) -> Features:
    """One feature per row: each choice as a pair with the prompt; `input_ids` is the longest, to sort by length."""
    flat = [
        (prompt, choice) for prompt, several in zip(rows["prompt"], rows["choices"], strict=True) for choice in several
    ]
    pairs = _endings(*map(list, zip(*flat, strict=True)), tokenizer, max_length)
    groups = Ragged(pairs, np.array([len(several) for several in rows["choices"]]))
    longest = [max((pair["input_ids"] for pair in group), key=len) for group in groups]
    cut = np.logical_or.reduceat(pairs.columns["cut"], groups.ends[:-1])
    labels = np.array(rows["label"])
    return Features({"input_ids": Ragged.of(longest), "cut": cut, "choices": groups, "labels": labels})


def _endings(prompts: list[str], choices: list[str], tokenizer: Any, max_length: int) -> Features:
    """Pairs, of which those too long lose the beginning of their prompt: question and choice stand at the end.

    A choice is cut only where it would leave less than half of the room to its prompt.
    """
    whole = tokenizer(prompts, choices)
    long = [i for i, ids in enumerate(whole["input_ids"]) if len(ids) > max_length]
    if not long:
        return _features(whole)
    prompts, choices = [prompts[i] for i in long], [choices[i] for i in long]
    room = max_length - tokenizer.num_special_tokens_to_add(pair=True)
    lengths = map(len, tokenizer(prompts, add_special_tokens=False)["input_ids"])
    choices = _short(choices, tokenizer, [max(room // 2, room - length) for length in lengths])
    side, tokenizer.truncation_side = tokenizer.truncation_side, "left"
    try:
        short = tokenizer(prompts, choices, truncation="only_first", max_length=max_length)
    finally:
        tokenizer.truncation_side = side
    for name, rows in short.items():
        for place, row in zip(long, rows, strict=True):
            whole[name][place] = row
    features = _features(whole)
    features.columns["cut"][long] = True
    return features


def _tagging(rows: Rows, tokenizer: Any, max_length: int, _: int) -> Features:
    """The first subword of a word carries its tag; `words[i]` is the word of position i, or NO_WORD."""
    given = spaced(rows["tokens"], tokenizer)
    encoded = tokenizer(given, is_split_into_words=True, truncation=True, max_length=max_length)
    labels, words, pieceless = [], [], []
    for index, tags in enumerate(rows["tags"]):
        firsts = _first_subwords(encoded.word_ids(index))
        words.append(firsts)
        labels.append([IGNORED if word == NO_WORD else tags[word] for word in firsts])
        seen = {word for word in firsts if word != NO_WORD}
        whole = max(seen, default=-1) + 1 if encoded.encodings[index].overflowing else len(tags)
        pieceless.append(whole - len(seen))
    return _features(encoded, labels=Ragged.of(labels), words=Ragged.of(words), pieceless=np.array(pieceless))


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


def _first_subwords(word_ids: list[int | None]) -> list[int]:
    return [
        word if word is not None and word != before else NO_WORD
        for word, before in zip(word_ids, [None, *word_ids], strict=False)
    ]


def _text(rows: Rows, tokenizer: Any, max_length: int, _: int) -> Features:
    return _features(tokenizer(rows["text"], add_special_tokens=False, truncation=True, max_length=max_length))


def _dual(rows: Rows, tokenizer: Any, max_length: int) -> Features:
    """`query` and `target` of each row, and `same`: equal numbers for equal targets; sorted by the targets' length."""
    queries, targets = dual.pairs(rows)
    number: dict[Any, int] = {}
    same = np.array([number.setdefault(target, len(number)) for target in targets])
    query = encode_sentences(queries, tokenizer, min(dual.QUERY_LENGTH, max_length))
    target = encode_sentences(targets, tokenizer, max_length)
    cut = query.columns["cut"] | target.columns["cut"]
    ids = target.columns["input_ids"]
    return Features({"input_ids": ids, "cut": cut, "query": query, "target": target, "same": same})


def _span(rows: Rows, tokenizer: Any, max_length: int, stride: int) -> Features:
    """Windows over the context; a window without the whole answer points at its first token (BERT's convention).

    `offsets` (T, 2) of a window: of each token its first character and past its last, zeros outside the context.

    Raises:
        UserError: `max_length` has no room for a question beside a context.
    """
    room = max_length - tokenizer.num_special_tokens_to_add(pair=True)
    if room < 4:
        raise UserError(f"max_length {max_length} has no room for a question and a context; set it to 64 or more")
    full = [question.strip() for question in rows["question"]]
    questions = _short(full, tokenizer, [room // 2] * len(full))  # half of the window to the context
    contexts, answers = rows["context"], rows["answers"]
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
        offsets.append([span or (0, 0) for span in spans])
        starts.append(start)
        ends.append(end)
    held = {row for row, start in zip(owner, starts, strict=True) if start}
    last = [owner[window + 1 : window + 2] != [row] for window, row in enumerate(owner)]
    lost = [end and row not in held and bool(answers[row]["text"]) for row, end in zip(owner, last, strict=True)]
    lengths = np.array([len(spans) for spans in offsets])
    columns = {"start_positions": starts, "end_positions": ends, "row": owner, "lost": lost}
    features = _features(
        encoded, offsets=Ragged(np.array([span for spans in offsets for span in spans], np.int32), lengths),
        **{name: np.array(values) for name, values in columns.items()},
    )  # fmt: skip
    return features.without("cut")  # what overflows a window is in the next


def _short(texts: list[str], tokenizer: Any, most: Sequence[int]) -> list[str]:
    """The texts, each cut after so many subwords."""
    encoded = tokenizer(texts, add_special_tokens=False, return_offsets_mapping=True)
    ends = [s[n - 1][1] if len(s) > n else None for s, n in zip(encoded["offset_mapping"], most, strict=True)]
    return [text[:end] for text, end in zip(texts, ends, strict=True)]


_FAMILIES: dict[str, Callable[..., Features]] = {
    tasks.CLASSIFICATION: _classification, tasks.CHOICE: _choice, tasks.TAGGING: _tagging, tasks.SPAN: _span,
    tasks.MLM: _text, tasks.ANSWERS: _dual, tasks.DUAL: _dual,
}  # fmt: skip
