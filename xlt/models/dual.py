"""Dual encoders: queries and candidates through the same encoder, trained to find their own among those of the batch.

Protocol of XTREME-R (Ruder et al. 2021): LAReQA is trained on English SQuAD, questions of 96 subwords against a
sentence and its context (256), 4 x 4 a step; Mewsli-X on English mentions against descriptions, 64 subwords. Ours
are the pooling (mean over all tokens of the last layer) and the scale of the cosine, a common choice (Henderson et
al. 2017); and what occurs twice in a batch as a candidate is never counted as wrong for its own query.
"""

from __future__ import annotations

from typing import Any

import torch

from xlt.data.sentences import split

QUERY_LENGTH = 96
SCALE = 20.0
Columns = dict[str, list]
Context = tuple[str, list[str]]  # the text, and its sentences


def sentences_of(rows: Columns) -> tuple[list[Context], list[list[tuple[int, int]]]]:
    """The different contexts with their sentences; for each question the places (context, sentence) of its answers."""
    number: dict[str, int] = {}
    spans: dict[str, list[tuple[int, int]]] = {}
    for context, answers in zip(rows["context"], rows["answers"], strict=True):
        number.setdefault(context, len(number))
        spans.setdefault(context, []).extend(_spans(answers))
    pieces = {context: split(context, spans[context]) for context in number}
    places = [
        [(number[context], _holding(pieces[context], start)) for start, _ in _spans(answers)]
        for context, answers in zip(rows["context"], rows["answers"], strict=True)
    ]
    return [(context, [context[a:b] for a, b in pieces[context]]) for context in number], places


def _spans(answers: dict) -> list[tuple[int, int]]:
    return [(a, a + len(text)) for a, text in zip(answers["answer_start"], answers["text"], strict=True)]


def _holding(pieces: list[tuple[int, int]], start: int) -> int:
    return next(k for k, (_, end) in enumerate(pieces) if start < end)


def pairs(rows: Columns) -> tuple[list[str], list[Any]]:
    """Queries, and for each the text or (sentence, context) that it should find."""
    if "query" in rows:
        return rows["query"], rows["target"]
    contexts, places = sentences_of(rows)
    first = [answers[0] for answers in places]
    return rows["question"], [(contexts[i][1][k], contexts[i][0]) for i, k in first]


def loss(learner: torch.nn.Module, batch: dict[str, Any]) -> torch.Tensor:
    """Softmax cross-entropy over the candidates of the batch, from the cosines of its B queries and B candidates.

    `batch` has two batches of inputs, `query` and `target`, and `same` (B,): equal numbers for equal candidates.
    """
    queries, targets = (_vectors(learner, batch[side]) for side in ("query", "target"))
    logits = SCALE * queries @ targets.T
    same = batch["same"][:, None] == batch["same"][None, :]
    own = torch.eye(len(logits), dtype=torch.bool, device=logits.device)
    logits = logits.masked_fill(same & ~own, float("-inf"))
    return torch.nn.functional.cross_entropy(logits, torch.arange(len(logits), device=logits.device))


def _vectors(learner: torch.nn.Module, inputs: dict[str, torch.Tensor]) -> torch.Tensor:
    """(B, width): mean over all tokens of the last layer, of length 1."""
    encoder = getattr(learner, learner.base_model_prefix)
    hidden = encoder(**inputs).last_hidden_state
    mask = inputs["attention_mask"].unsqueeze(-1)
    pooled = (hidden * mask).sum(1) / mask.sum(1)
    return torch.nn.functional.normalize(pooled, dim=-1)
