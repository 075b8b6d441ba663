"""What of its records a model does not see: the end of a text, an answer in no window, a word without a subword.

`xlt.models.features` marks features with `cut`, `lost` and `pieceless`; here they are counted and said.
"""

from __future__ import annotations

from typing import Any

from xlt.core import progress


def counts(features: list[dict[str, Any]]) -> dict[str, int]:
    """How many records were `cut`, how many have an answer that is in no window (`lost`: learned as if there were
    none), and how many words are without a subword (`pieceless`: no tag is learned or predicted, which counts as
    wrong)."""
    numbers = {name: sum(name in feature for feature in features) for name in ("cut", "lost")}
    numbers["pieceless"] = sum(feature.get("pieceless", 0) for feature in features)
    return {name: count for name, count in numbers.items() if count}


def told(features: list[dict[str, Any]], max_length: int) -> str:
    """The counts in words; empty: there are none."""
    records = len({feature.get("row", i) for i, feature in enumerate(features)})
    words = {
        "cut": f"of {records} records cut at {max_length} subwords",
        "lost": f"of {records} records with an answer in no window of {max_length} subwords",
        "pieceless": "words without a subword, so without a prediction",
    }
    return ", ".join(f"{count} {words[name]}" for name, count in counts(features).items())


def say(task: str, where: str, features: list[dict[str, Any]], max_length: int) -> None:
    """The counts in a line on stderr, for the first language of a task that has some."""
    if what := told(features, max_length):
        progress.say_once("lost", task, max_length, line=f"{task} ({where}): {what}")
