"""Scores of predictions.

Where a metric is a mean, the function returns the array of its terms, shape (n,), values
0 to 1, so that `.mean()` is the metric and any later test over examples stays possible.
`chunk_f1` is no mean and returns one number.

Where the field has two conventions both are here under two names: the official SQuAD
scorer, which XQuAD and TyDiQA use in every language, beside a language-aware one.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence

import numpy as np

Tags = Sequence[str | None]  # one sentence; None marks a word without a prediction (cut off)


def _same_length(gold: Sequence, predicted: Sequence, what: str) -> None:
    """A lost example would change the denominator in silence: refuse it."""
    if len(gold) != len(predicted):
        raise ValueError(f"{len(gold)} gold {what} but {len(predicted)} predicted")


# ---- classification ------------------------------------------------------------------


def accuracy(gold: Sequence[Hashable], predicted: Sequence[Hashable]) -> np.ndarray:
    """1.0 where the label is right, else 0.0; shape (n,). A prediction None is wrong."""
    _same_length(gold, predicted, "labels")
    return np.array([float(p is not None and g == p) for g, p in zip(gold, predicted, strict=True)])


# ---- tagging -------------------------------------------------------------------------


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


def _check_sentences(gold: Sequence[Tags], predicted: Sequence[Tags]) -> None:
    _same_length(gold, predicted, "sentences")
    for g, p in zip(gold, predicted, strict=True):
        _same_length(g, p, "tags of a sentence")


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


# ---- answers to questions --------------------------------------------------------------


def exact_match(predictions: Sequence[str], references: Sequence[Sequence[str]]) -> np.ndarray:
    """SQuAD's exact match after its English normaliser, best over the references; shape (n,)."""
    return _best(_equal, _official, predictions, references)


def f1(predictions: Sequence[str], references: Sequence[Sequence[str]]) -> np.ndarray:
    """SQuAD's F1 over bags of whitespace tokens, best over the references; shape (n,).

    The official normaliser knows ASCII punctuation and English articles only, so Chinese
    and Thai come out close to exact match and "،", "।" or "。" cost points. An answer and
    a reference that are both empty agree, as in SQuAD 2.0's script.
    """
    return _best(_overlap, _official, predictions, references)


def exact_match_language_aware(
    predictions: Sequence[str], references: Sequence[Sequence[str]], language: str
) -> np.ndarray:
    """As `exact_match`, after the normaliser of `f1_language_aware`."""
    return _best(_equal, lambda text: _language_aware(text, language), predictions, references)


def f1_language_aware(predictions: Sequence[str], references: Sequence[Sequence[str]], language: str) -> np.ndarray:
    """F1 with the language's own articles, all Unicode punctuation and, without spaces, characters.

    In the spirit of MLQA's scorer (Lewis et al. 2020), not equal to it: MLQA leaves Thai and
    Japanese whole and strips the Arabic article also inside words; here only at their start.
    """
    return _best(_overlap, lambda text: _language_aware(text, language), predictions, references)


def _best(
    score: Callable[[list[str], list[str]], float],
    tokens: Callable[[str], list[str]],
    predictions: Sequence[str],
    references: Sequence[Sequence[str]],
) -> np.ndarray:
    _same_length(references, predictions, "answers")
    pairs = ((tokens(p), [tokens(r) for r in refs]) for p, refs in zip(predictions, references, strict=True))
    return np.array([max(score(p, r) for r in refs) for p, refs in pairs], dtype=float)


def _equal(a: list[str], b: list[str]) -> float:
    return float(a == b)


def _overlap(a: list[str], b: list[str]) -> float:
    if not a or not b:
        return float(a == b)
    return 2 * (Counter(a) & Counter(b)).total() / (len(a) + len(b))


_ASCII = str.maketrans("", "", string.punctuation)


def _official(text: str) -> list[str]:
    """Lower case, then punctuation, then articles: the order of SQuAD's evaluation script."""
    return re.sub(r"\b(a|an|the)\b", " ", text.lower().translate(_ASCII)).split()


_ARTICLES = {  # en, de, es, vi follow MLQA's scorer
    "en": "a an the",
    "de": "der die das den dem des ein eine einen einem einer eines",
    "es": "un una unos unas el la los las",
    "vi": "của là cái chiếc những",
    "el": "ο η το οι τα του της των τον την τους τις ένας μια μία ένα",
}
_UNSPACED = {"zh", "ja", "th"}
_CHARACTER = re.compile(
    r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]|[^\s\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff]+"
)


def _language_aware(text: str, language: str) -> list[str]:
    base = re.split("[-@]", language)[0]
    text = unicodedata.normalize("NFC", text.lower())
    text = "".join(c for c in text if not unicodedata.category(c).startswith("P"))
    tokens = _CHARACTER.findall(text) if base in _UNSPACED else text.split()
    if base in ("ar", "arz"):  # the article is a prefix: at least two letters must remain
        tokens = [re.sub(r"^ال(?=..)", "", t) for t in tokens]
    articles = set(_ARTICLES.get(base, "").split())
    return [t for t in tokens if t not in articles]


# ---- retrieval -------------------------------------------------------------------------


def retrieve(queries: np.ndarray, candidates: np.ndarray) -> np.ndarray:
    """Index of the nearest candidate by cosine for each query, ties to the lowest index.

    Args:
        queries: (n, width) sentence embeddings.
        candidates: (m, width).

    Returns:
        (n,) integers; -1 for a query that is not finite (a diverged encoder finds nothing).
    """
    similarity = _unit(queries) @ _unit(candidates).T
    # rounding makes true ties equal again: the order of summation differs between columns
    similarity = np.where(np.isnan(similarity), -np.inf, similarity.round(12))
    best = similarity.argmax(axis=1)
    return np.where(np.isneginf(similarity.max(axis=1)), -1, best)


def english_to_foreign(english: np.ndarray, foreign: np.ndarray) -> np.ndarray:
    """1.0 where the English query i finds foreign sentence i; shape (n,). XTREME's Tatoeba direction."""
    return accuracy(range(len(english)), retrieve(english, foreign).tolist())


def foreign_to_english(foreign: np.ndarray, english: np.ndarray) -> np.ndarray:
    """1.0 where the foreign query i finds English sentence i; shape (n,). Gives other numbers."""
    return accuracy(range(len(foreign)), retrieve(foreign, english).tolist())


def _unit(vectors: Iterable) -> np.ndarray:
    """Rows of length 1 (a zero row stays zero), in double precision."""
    vectors = np.asarray(vectors, dtype=np.float64)
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(norms == 0, 1, norms)
