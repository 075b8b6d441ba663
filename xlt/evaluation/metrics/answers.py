"""Scores of answers to questions: SQuAD 1.1 and 2.0, MLQA, and a language-aware variant.

All functions take the predictions (None or "" for no answer), then the right answers of each question, and give an
array of shape (n,), values 0 to 1. A prediction None is wrong for every question.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
import regex

from xlt.evaluation.metrics.checks import same_length
from xlt.spec.case import lower
from xlt.spec.languages import subtag

Answers = Sequence[str | None]
References = Sequence[Sequence[str]]
Tokens = list[str]
_TEXTS = 2**14  # whose tokens are kept: every model is scored against the same references, by several metrics

# ---- SQuAD 1.1 (Rajpurkar et al. 2016, evaluate-v1.1.py): also XQuAD and TyDiQA-GoldP ----------------


def exact_match(predictions: Answers, references: References) -> np.ndarray:
    """SQuAD's exact match after its English normaliser, best over the references; shape (n,)."""
    return _best(_equal, _official, predictions, references)


def f1(predictions: Answers, references: References) -> np.ndarray:
    """SQuAD 1.1's F1 over bags of whitespace tokens, best over the references; shape (n,).

    The official normaliser knows ASCII punctuation and English articles only, so Chinese
    and Thai come out close to exact match and "،", "।" or "。" cost points. As in the script,
    two answers of which nothing is left ("the" and "The") have F1 0, though they match exactly.
    """
    return _best(_shared_only, _official, predictions, references)


# ---- SQuAD 2.0 (Rajpurkar et al. 2018, evaluate-v2.0.py) ---------------------------------------------


def squad2_exact_match(predictions: Answers, references: References) -> np.ndarray:
    """SQuAD 2.0's exact match; a question without references has no answer, and "" is right; shape (n,)."""
    return _best(_equal, _official, predictions, _squad2_references(references))


def squad2_f1(predictions: Answers, references: References) -> np.ndarray:
    """SQuAD 2.0's F1: as in 1.1, but an empty answer agrees with an empty reference; shape (n,)."""
    return _best(_overlap, _official, predictions, _squad2_references(references))


def with_answer(scores: np.ndarray, references: References) -> np.ndarray:
    """The script's "HasAns": `scores` (n,) of the questions with an answer, NaN for the others."""
    return np.where([bool(answers) for answers in references], scores, np.nan)


def without_answer(scores: np.ndarray, references: References) -> np.ndarray:
    """The script's "NoAns": `scores` (n,) of the questions without an answer, NaN for the others."""
    return np.where([not answers for answers in references], scores, np.nan)


def _squad2_references(references: References) -> References:
    return [[text for text in answers if _official(text)] or [""] for answers in references]


# ---- MLQA (Lewis et al. 2020, mlqa_evaluation_v1.py) -------------------------------------------------


def mlqa_exact_match(predictions: Answers, references: References, language: str, mended: bool = False) -> np.ndarray:
    """MLQA's exact match, after the normaliser of `mlqa_f1`; shape (n,)."""
    return _best(_equal, _mlqa(language, mended), predictions, references)


def mlqa_f1(predictions: Answers, references: References, language: str, mended: bool = False) -> np.ndarray:
    """MLQA's F1: all Unicode punctuation, the articles of the answer's language, Chinese by characters; shape (n,).

    The published Arabic rule has a misplaced anchor and cuts words in two wherever the two letters of the article
    stand, also inside a word. `mended` takes them off the beginning of words only; other languages do not differ.
    A language beyond MLQA's seven (the generated world has some) is scored as Hindi is: no articles.
    """
    return _best(_shared_only, _mlqa(language, mended), predictions, references)


def _words(articles: str) -> str:
    return rf"\b({'|'.join(articles.split())})\b"


_NO_ARTICLES = "(?!)"  # matches nothing
_MLQA_ARTICLES = {
    "en": _words("a an the"),
    "es": _words("un una unos unas el la los las"),
    "hi": _NO_ARTICLES,
    "vi": _words("của là cái chiếc những"),
    "de": _words("ein eine einen einem eines einer der die das den dem des"),
    "ar": r"\sال^|ال",
    "zh": _NO_ARTICLES,
}
_ARABIC_MENDED = r"\sال|^ال"
_MLQA_CHINESE = re.compile(r"[\u4e00-\u9fa5]|[^\s\u4e00-\u9fa5]+")


@lru_cache
def _mlqa(language: str, mended: bool) -> Callable[[str], Tokens]:
    base = subtag(language)
    rule = _MLQA_ARTICLES.get(base, _NO_ARTICLES)
    articles = re.compile(_ARABIC_MENDED if mended and base == "ar" else rule)
    split = _MLQA_CHINESE.findall if base == "zh" else str.split
    return lru_cache(_TEXTS)(lambda text: split(articles.sub(" ", _without_punctuation(text.lower()))))


# ---- language-aware ----------------------------------------------------------------------------------


def exact_match_language_aware(predictions: Answers, references: References, language: str) -> np.ndarray:
    """As `exact_match`, after the normaliser of `f1_language_aware`."""
    return _best(_equal, _language_aware(language), predictions, references)


def f1_language_aware(predictions: Answers, references: References, language: str) -> np.ndarray:
    """F1 with the language's own articles, all Unicode punctuation and, without spaces, characters; shape (n,).

    In the spirit of MLQA's scorer, not equal to it: width and presentation forms are folded (NFKC), capitals are those
    of the language (in Turkish and Azerbaijani İ is that of i, I that of ı), and a text of a script that is written
    without spaces (Chinese, Japanese, Thai, Lao, Khmer, Burmese) counts by characters, each with its vowel signs and
    tone marks. Of English in ASCII it gives what `squad2_f1` gives.
    """
    return _best(_overlap, _language_aware(language), predictions, references)


_ARTICLES = {  # en, de, es, vi follow MLQA's scorer
    "en": "a an the",
    "de": "der die das den dem des ein eine einen einem einer eines",
    "es": "un una unos unas el la los las",
    "vi": "của là cái chiếc những",
    "el": "ο η το οι τα του της των τον την τη τους τις ένας μια μία ένα ενός μιας μίας έναν",
}
_ARABIC = ("ar", "arz")  # their article is written as one word with the noun
_WITHOUT = ("bn", "fi", "hi", "id", "ja", "ko", "ru", "sw", "ta", "te", "th", "tr", "ur", "zh")  # no articles at all
_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
_CHARACTER_OR_WORD = regex.compile(rf"[{_UNSPACED}]\p{{M}}*|[^\s{_UNSPACED}]+")


@lru_cache
def _language_aware(language: str) -> Callable[[str], Tokens]:
    base = subtag(language)
    articles = set(_ARTICLES.get(base, "").split())
    prefix = r"^ال(?=..)" if base in _ARABIC else "(?!)"  # at least two letters must remain

    @lru_cache(_TEXTS)
    def tokens(text: str) -> Tokens:
        text = _without_punctuation(lower(unicodedata.normalize("NFKC", text), base))
        words = (re.sub(prefix, "", word) for word in _CHARACTER_OR_WORD.findall(text))
        return [word for word in words if word not in articles]

    return tokens


def ruled(metric: str, language: str) -> bool:
    """Whether the metric has a rule for the language, if it goes by languages; else no articles are taken off."""
    base = subtag(language)
    if metric.startswith("mlqa_"):
        return base in _MLQA_ARTICLES
    return "language_aware" not in metric or base in (*_ARTICLES, *_ARABIC, *_WITHOUT)


# ---- shared ------------------------------------------------------------------------------------------


def _best(
    score: Callable[[Tokens, Tokens], float],
    tokens: Callable[[str], Tokens],
    predictions: Answers,
    references: References,
) -> np.ndarray:
    same_length(references, predictions, "answers")
    scores = np.zeros(len(references))
    for i, (predicted, answers) in enumerate(zip(predictions, references, strict=True)):
        if predicted is not None:
            words = tokens(predicted)
            scores[i] = max(score(words, tokens(answer)) for answer in answers)
    return scores


def _equal(a: Tokens, b: Tokens) -> float:
    return float(a == b)


def _shared_only(a: Tokens, b: Tokens) -> float:
    return 2 * (Counter(a) & Counter(b)).total() / (len(a) + len(b)) if a and b else 0.0


def _overlap(a: Tokens, b: Tokens) -> float:
    return _shared_only(a, b) if a and b else _equal(a, b)


_ASCII = str.maketrans("", "", string.punctuation)


class _Punctuation(dict):
    """A table for `str.translate` that takes punctuation out; each character is looked up once."""

    def __missing__(self, code: int) -> int | None:
        gone = chr(code) in string.punctuation or unicodedata.category(chr(code)).startswith("P")
        self[code] = None if gone else code
        return self[code]


_PUNCTUATION = _Punctuation()


def _without_punctuation(text: str) -> str:
    """Without ASCII's punctuation and symbols and without Unicode's categories P*: MLQA's set."""
    return text.translate(_PUNCTUATION)


@lru_cache(_TEXTS)
def _official(text: str) -> Tokens:
    """Lower case, then punctuation, then articles: the order of SQuAD's evaluation script."""
    return re.sub(r"\b(a|an|the)\b", " ", text.lower().translate(_ASCII)).split()
