"""Scores of tags."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from xlt.evaluation.metrics.checks import same_length
from xlt.evaluation.metrics.labels import accuracy
from xlt.spec import schemes
from xlt.spec.schemes import Scheme, Tags


def token_accuracy(gold: Sequence[Tags], predicted: Sequence[Tags]) -> np.ndarray:
    """1.0 for each word with the right tag; shape (words of all sentences,), in order."""
    _check_sentences(gold, predicted)
    return accuracy([t for tags in gold for t in tags], [t for tags in predicted for t in tags])


def entity_f1(gold: Sequence[Tags], predicted: Sequence[Tags], labels: Collection[str] = ()) -> float:
    """Micro F1 over chunks: kind, first and last word must be right (CoNLL-2003's score, PAN-X's in XTREME).

    A word without a prediction (None) breaks the predicted chunk; its gold chunk is missed. Without any chunk 0.0.

    Args:
        labels: all tags of the task, which say what scheme they follow (spec.schemes); without them, those that occur.

    Raises:
        ValueError: sentences of unequal length; tags of no scheme, or that name no chunks.
    """
    return _f1(gold, predicted, schemes.need_chunks(labels or _occurring(gold, predicted)))


def chunk_f1(gold: Sequence[Tags], predicted: Sequence[Tags], labels: Collection[str] = ()) -> float:
    """UDPOS as XTREME scores it: F1 over runs of equal part-of-speech tags; of tags with chunks, `entity_f1`.

    XTREME scores its POS task with seqeval, which is made for entities: a run of equal
    neighbouring tags becomes one chunk, so the number is neither accuracy nor F1 per tag
    (google-research/xtreme, issue 56: for XLM-R Large 74.2 where the accuracy is 78.2).
    Tags that begin with S (SCONJ, SYM) are read as "single": each word its own chunk.

    The numbers are those of seqeval 0.0.12 for UD's 17 tags, and for IOB1, IOB2, IOE and BIOES with the letter first, a
    hyphen and a kind without one. Elsewhere that script reads a tag's first letter as its role and what stands behind
    the last hyphen as its kind, without asking which scheme it is, and differs:

    hyphens     B-GPE-LOC and B-ORG-LOC are one kind, LOC, there; two here, as in seqeval 1.2.2
    BILOU       L ends nothing and U is no single there: neighbouring U-LOC run together, and of two names side by side
    and BMEWO   the first is lost; the same with M and W. Here they are read as E, S, I and S (1.2.2 as 0.0.12)
    the stop    "." as a tag (PTB, CCG) is no chunk there and breaks none that is begun after it; here it is a tag like
                others beside an O, and where there is no O such tags name no chunks and are refused
    suffix      of PER-B the role is P there and the kind B, so any kind is right; here the kind is PER
    kinds       ORG, B..., E..., I..., S... are taken for roles there, an entity ORG for the outside
    bare, B_PER I is another kind than B there, so a name of two words is two
    small       b-loc has no role there, and o is an entity

    seqeval 1.2.2 also differs for UD's tags: it reads X as a kind without a name and CCONJ and SCONJ as one kind.
    Arguments and errors are those of `entity_f1`.
    """
    names = labels or _occurring(gold, predicted)
    if schemes.scheme_of(names) == Scheme.POS:
        return _f1(gold, predicted, Scheme.POS)
    return entity_f1(gold, predicted, names)


def chunk_terms(
    gold: Sequence[Tags], predicted: Sequence[Tags], labels: Collection[str] = ()
) -> tuple[np.ndarray, np.ndarray]:
    """What each sentence adds to `chunk_f1` (and `entity_f1`): numerator and denominator, each (sentences,).

    The score is the sum of the first over the sum of the second: twice the right chunks, found and gold chunks.
    """
    names = labels or _occurring(gold, predicted)
    scheme = Scheme.POS if schemes.scheme_of(names) == Scheme.POS else schemes.need_chunks(names)
    return _terms(gold, predicted, scheme)


def _f1(gold: Sequence[Tags], predicted: Sequence[Tags], scheme: Scheme) -> float:
    twice_right, chunks = (terms.sum() for terms in _terms(gold, predicted, scheme))
    return float(twice_right / chunks) if chunks else 0.0


def _terms(gold: Sequence[Tags], predicted: Sequence[Tags], scheme: Scheme) -> tuple[np.ndarray, np.ndarray]:
    _check_sentences(gold, predicted)
    pairs = [
        (set(schemes.chunks(wanted, scheme)), set(schemes.chunks(found, scheme)))
        for wanted, found in zip(gold, predicted, strict=True)
    ]
    twice_right = np.array([2 * len(wanted & found) for wanted, found in pairs], dtype=float)
    return twice_right, np.array([len(wanted) + len(found) for wanted, found in pairs], dtype=float)


def _occurring(gold: Sequence[Tags], predicted: Sequence[Tags]) -> set[str]:
    return {tag for side in (gold, predicted) for tags in side for tag in tags if tag is not None}


def _check_sentences(gold: Sequence[Tags], predicted: Sequence[Tags]) -> None:
    same_length(gold, predicted, "sentences")
    for g, p in zip(gold, predicted, strict=True):
        same_length(g, p, "tags of a sentence")
