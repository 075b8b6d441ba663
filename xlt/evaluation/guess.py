"""What a guess scores on a test set: an answer that needs no learning, against which learning is measured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from xlt.evaluation import metrics
from xlt.perturb.units import SPACELESS
from xlt.spec import languages, tasks
from xlt.spec.tasks import Task

DRAWS = 5  # random spans for each question


def guess(rows: Any, task: Task, labels: Sequence[str], language: str) -> float:
    """The main metric of a guess, a fraction.

    classification, choice  one answer to every record: of the right ones of this test set that which scores most. Under
                            accuracy it is the most frequent; where F1 counts too (QQP) it may be the rarer one
    tagging                 the most frequent tag for every word, or tags drawn as often as they occur
    span                    a random span of the passage, as long as the right answer, in words or, where a script is
                            written without spaces, in characters; a mean over five draws. Where a question may have no
                            answer, "no answer" to every one if that scores more
    retrieval               one of the sentences
    mining, answers, dual   0: a guess among so many finds nothing
    """
    if task.family == tasks.RETRIEVAL:
        return 1 / max(len(next(iter(rows.values()))), 1)
    if task.family not in _GUESSES:
        return 0.0
    gold, guesses = _GUESSES[task.family](rows, labels, language)
    score = metrics.SCORERS[task.metrics[0]]
    return max(metrics.mean(score(gold, guessed, language, labels)) for guessed in guesses)


def _most_frequent(values: Sequence[Any]) -> Any:
    return Counter(values).most_common(1)[0][0]


def _label(rows: Any, labels: Sequence[str], language: str) -> tuple[list, list[list]]:
    gold = list(rows["label"])
    return gold, [[label] * len(gold) for label in dict.fromkeys(gold)]


def _tags(rows: Any, labels: Sequence[str], language: str) -> tuple[list, list[list]]:
    gold = [[labels[tag] for tag in tags] for tags in rows["tags"]]
    every = [tag for tags in gold for tag in tags]
    usual, drawn = _most_frequent(every), iter(np.random.default_rng(0).permutation(every).tolist())
    return gold, [[[usual] * len(tags) for tags in gold], [[next(drawn) for _ in tags] for tags in gold]]


def _span(rows: Any, labels: Sequence[str], language: str) -> tuple[list, list[list]]:
    """Five draws side by side are one answer sheet five times as long, so that their mean is taken."""
    rng, spaced = np.random.default_rng(0), languages.language(language).script not in SPACELESS
    gold = [reference["text"] for reference in rows["answers"]]
    drawn = [
        _random_span(context, answers, spaced, rng)
        for _ in range(DRAWS)
        for context, answers in zip(rows["context"], gold, strict=True)
    ]
    return gold * DRAWS, [drawn, [""] * len(drawn)]


def _random_span(context: str, answers: Sequence[str], spaced: bool, rng: np.random.Generator) -> str:
    words, answer = (text.split() if spaced else list(text) for text in (context, answers[0] if answers else ""))
    length = min(len(answer), len(words)) if answers else 1
    start = int(rng.integers(len(words) - length + 1)) if words else 0
    return (" " if spaced else "").join(words[start : start + max(length, 1)])


_GUESSES = {tasks.CLASSIFICATION: _label, tasks.CHOICE: _label, tasks.TAGGING: _tags, tasks.SPAN: _span}
