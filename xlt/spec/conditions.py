"""Names of the conditions under which test records are read, and what *clean* means: as they are.

Scores of a study carry the label of their condition; those of the phases, and score files of old, only the columns of
`Evaluation.conditions`.
"""

from __future__ import annotations

from functools import reduce
from operator import and_
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from xlt.spec.recipe import Evaluation

CLEAN, PERTURBED, PAIR = "clean", "perturbed", "pair"  # PERTURBED: all conditions but the clean one
UNCHANGED = {"perturbation": "none", "language_b": "none", "attack": "none", "radius": 0.0}  # columns of clean scores


def is_clean(evaluation: Evaluation) -> bool:
    """Whether it reads the records as they are: no perturbation, attack, ball or second language."""
    columns = evaluation.conditions
    return all(columns[name] == value for name, value in UNCHANGED.items())


def clean(scores: pd.DataFrame) -> pd.DataFrame:
    """The rows on records as they are."""
    if "condition" in scores:
        return scores[scores["condition"] == CLEAN]
    held = [scores[name] == value for name, value in UNCHANGED.items() if name in scores]
    return scores[reduce(and_, held)] if held else scores
