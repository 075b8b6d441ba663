"""What of its records a model does not see: the end of a text, an answer in no window, a word without a subword.

`xlt.models.features` has the columns `cut`, `lost` and `pieceless`; here they are counted and said.
"""

from __future__ import annotations

from xlt.core import progress
from xlt.models.columns import Features


def counts(features: Features) -> dict[str, int]:
    """How many records were `cut`, how many have an answer that is in no window (`lost`: learned as if there were
    none), and how many words are without a subword (`pieceless`: no tag is learned or predicted, which counts as
    wrong)."""
    numbers = {name: int(sum(features.columns.get(name, ()))) for name in ("cut", "lost", "pieceless")}
    return {name: count for name, count in numbers.items() if count}


def told(features: Features, max_length: int) -> str:
    """The counts in words; empty: there are none."""
    records = len(set(features.columns.get("row", range(len(features)))))
    words = {
        "cut": f"of {records} records cut at {max_length} subwords",
        "lost": f"of {records} records with an answer in no window of {max_length} subwords",
        "pieceless": "words without a subword, so without a prediction",
    }
    return ", ".join(f"{count} {words[name]}" for name, count in counts(features).items())


def say(task: str, where: str, features: Features, max_length: int) -> None:
    """The counts in a line on stderr, for the first language of a task that has some."""
    if what := told(features, max_length):
        progress.say_once("lost", task, max_length, line=f"{task} ({where}): {what}")
