"""Scores of tags."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from xlt.metrics.checks import same_length
from xlt.metrics.labels import accuracy

Tags = Sequence[str | None]  # one sentence; None marks a word without a prediction (cut off)


def token_accuracy(gold: Sequence[Tags], predicted: Sequence[Tags]) -> np.ndarray:
    """1.0 for each word with the right tag; shape (words of all sentences,), in order."""
    _check_sentences(gold, predicted)
    return accuracy([t for tags in gold for t in tags], [t for tags in predicted for t in tags])


def chunk_f1(gold: Sequence[Tags], predicted: Sequence[Tags]) -> float:
    """Micro F1 over chunks, as seqeval gives it: for IOB2 tags and for bare POS tags.

    XTREME scores its POS task with seqeval, which is made for entities: a run of equal
    neighbouring tags becomes one chunk, so the number is neither accuracy nor F1 per tag
    (google-research/xtreme, issue 56: for XLM-R Large 74.2 where the accuracy is 78.2).
    Tags that begin with S (SCONJ, SYM) are read as "single": each word its own chunk. The
    numbers are those of seqeval 0.0.12; 1.2.2 also drops X and confuses CCONJ with SCONJ.
    A word without a prediction (None) breaks the predicted chunk; its gold chunk is missed.
    """
    _check_sentences(gold, predicted)
    right = found = wanted = 0
    for g, p in zip(gold, predicted, strict=True):
        g, p = _chunks(g), _chunks(p)
        right, found, wanted = right + len(g & p), found + len(p), wanted + len(g)
    return 2 * right / (found + wanted) if found + wanted else 0.0


entity_f1 = chunk_f1  # of IOB2 tags (PAN-X), where a chunk is an entity


def _check_sentences(gold: Sequence[Tags], predicted: Sequence[Tags]) -> None:
    same_length(gold, predicted, "sentences")
    for g, p in zip(gold, predicted, strict=True):
        same_length(g, p, "tags of a sentence")


def _chunks(tags: Tags) -> set[tuple[str, int, int]]:
    """(type, first word, last word) of each chunk, by the rules of conlleval and seqeval.

    The prefix of a tag is its first letter, even of a bare tag: that is seqeval's reading.
    """
    chunks: list[tuple[str, int, int]] = []
    last, last_type = "O", ""
    for i, tag in enumerate(tags):
        prefix = (tag or "O")[0]
        kind = (tag or "O").split("-", 1)[-1]
        if prefix != "O":
            begins = prefix in "BS" or last in "OES" or kind != last_type
            first = i if begins else chunks.pop()[1]
            chunks.append((kind, first, i))
        last, last_type = prefix, kind
    return set(chunks)
