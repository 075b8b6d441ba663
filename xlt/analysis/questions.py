"""The questions of a study as they are asked of its scores: each contrast over cells that may be averaged.

Scores of different metrics have no common unit, and conditions that read different records no common test set. A
contrast over such cells is asked once for each kind of them.
"""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd

from xlt.analysis.arms import Cells
from xlt.core.text import NOT_RUN
from xlt.lab.study import Study
from xlt.spec import tasks
from xlt.spec.conditions import CLEAN, PERTURBED
from xlt.spec.study import Contrast


class Question(NamedTuple):
    """A contrast over cells of one kind; `text` names them where the contrast has several kinds."""

    text: str
    contrast: Contrast
    cells: Cells


def cells(study: Study, contrast: Contrast) -> Cells:
    """Targets x conditions that the contrast averages over, as far as they have a meaning together."""
    named = list(study.plan.conditions) if PERTURBED in contrast.conditions else []
    named = [c for c in contrast.conditions if c != PERTURBED] + named
    pairs = [(task, label) for task in contrast.targets or study.targets for label in dict.fromkeys(named)]
    if contrast.outcome == "drop":
        pairs = [(task, label) for task, label in pairs if label != CLEAN or tasks.get(task).clean]
    return [cell for cell in pairs if cell in study.cells]


def table(study: Study) -> pd.DataFrame:
    """Every contrast as it was declared: which arms are held against which, and under what; the words of a question
    say less."""
    rows = []
    for one in study.contrasts:
        against = "; ".join(one.against) or ("" if one.dose else "zero")
        arms = ", ".join(f"{arm} ({dose:,.0f})" for arm, dose in one.dose.items()) if one.dose else "; ".join(one.of)
        languages = ", ".join(one.languages) + (f" less {', '.join(one.minus)}" if one.minus else "")
        rows.append({
            "question": one.question, "primary": "yes" if one.primary else "", "arms": arms, "against": against,
            "of": "what a condition costs" if one.outcome == "drop" else "scores",
            "conditions": ", ".join(one.conditions), "targets": ", ".join(one.targets or study.targets),
            "languages": languages,
        })  # fmt: skip
    return pd.DataFrame(rows) if rows else pd.DataFrame({"question": [NOT_RUN]})


def questions(study: Study, primary: bool | None = None) -> list[Question]:
    """All of a study, or only the `primary` ones, or (False) the others."""
    chosen = [contrast for contrast in study.contrasts if primary is None or contrast.primary == primary]
    return [question for contrast in chosen for question in _by_kind(study, contrast)]


def _by_kind(study: Study, contrast: Contrast) -> list[Question]:
    limits = {(e.task, label): e.examples for e, label in study.conditions.items() if e.split == "test"}
    kinds: dict[tuple, Cells] = {}
    for task, condition in cells(study, contrast):
        kinds.setdefault((tasks.get(task).metrics[0], limits[task, condition]), []).append((task, condition))
    if len(kinds) < 2:
        return [Question(contrast.question, contrast, next(iter(kinds.values()), []))]
    return [Question(f"{contrast.question} ({_told(some, kinds)})", contrast, some) for some in kinds.values()]


def _told(some: Cells, kinds: dict[tuple, Cells]) -> str:
    """What sets the cells apart from those of other kinds: their targets, their conditions, or both."""
    parts = []
    for place in (0, 1):
        names = list(dict.fromkeys(cell[place] for cell in some))
        if any(set(names) != {cell[place] for cell in other} for other in kinds.values()):
            parts.append(", ".join(names))
    return "; ".join(parts)
