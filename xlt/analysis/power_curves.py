"""How often effects of five strengths, which were planted, are found: the power of the inference, measured.

Seeds are taken in groups, each of which is a study of its own. The seeds on which the plants were tuned are left out.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy import stats as scipy_stats

from xlt.analysis import inference
from xlt.analysis.family import measured
from xlt.analysis.power import power
from xlt.analysis.questions import Question, questions
from xlt.analysis.records import Records
from xlt.lab.study import Study

TUNED = 5  # the first seeds: sizes and learning rate of the plants were chosen on three of them, all are in `mini`
STRENGTH = ", strength "  # ends the question of a contrast: "A dialect, strength 0.2"
COLUMNS = ["plant", "strength", "effect", "found", "low", "high", "expected", "groups"]


def curves(study: Study, scores: pd.DataFrame, records: Records | None = None, seeds: int = 3) -> pd.DataFrame:
    """One row for each planted effect: how often groups of so many `seeds` find it on the side where it was planted.

    `effect` is the mean over all untuned seeds (a fraction), `found` the share of groups with an uncorrected p below
    5 %, with its exact binomial interval, `expected` the share that the groups' own standard errors foresee.
    """
    asked = [one for one in questions(study) if STRENGTH in one.text and one.contrast.expect in ("higher", "lower")]
    groups = list(_groups(scores, seeds))
    families = [[_parts(one, part, records) for one in asked] for part in groups]
    usual = [inference.prior(family) for family in families]
    rows = []
    for place, one in enumerate(asked):
        plant, _, strength = one.text.rpartition(STRENGTH)
        parts = [family[place] for family in families]
        whole = _parts(one, scores[scores["seed"] >= TUNED], records).value
        found = sum(_finds(one, *each) for each in zip(parts, usual, strict=True))
        low, high = scipy_stats.binomtest(found, len(groups)).proportion_ci(0.95) if groups else (np.nan, np.nan)
        foreseen = [
            power(*inference.standard_error(*each), effect=whole) for each in zip(parts, usual, strict=True)
        ]  # fmt: skip
        share = found / len(groups) if groups else np.nan
        expected = float(pd.Series(foreseen, dtype=float).mean())  # without groups whose error is not known
        rows.append((plant, float(strength.rstrip("?")), whole, share, low, high, expected, len(groups)))
    return pd.DataFrame(rows, columns=COLUMNS)


def _groups(scores: pd.DataFrame, seeds: int) -> Iterator[pd.DataFrame]:
    """The scores of each group of seeds, none of which is tuned; what is left over is not used."""
    untuned = sorted(seed for seed in scores["seed"].unique() if seed >= TUNED) if len(scores) else []
    for first in range(0, len(untuned) - seeds + 1, seeds):
        yield scores[scores["seed"].isin(untuned[first : first + seeds])]


def _parts(question: Question, scores: pd.DataFrame, records: Records | None) -> inference.Components:
    return measured(scores, question.contrast, question.cells, records)


def _finds(question: Question, parts: inference.Components, usual: inference.Prior) -> bool:
    found = inference.estimate(parts, usual)
    side = found.value > 0 if question.contrast.expect == "higher" else found.value < 0
    return bool(side and found.p < 0.05)


def said(table: pd.DataFrame) -> str:
    """From which effect on each plant is found in four of five groups."""
    sentences = []
    for plant, part in table.groupby("plant", sort=False):
        part = part.sort_values("strength")
        enough = part[part["found"][::-1].ge(0.8).cummin()[::-1]]  # and at every greater strength
        if len(enough):
            least = enough.iloc[0]
            text = f"from strength {least['strength']:g} on ({100 * abs(least['effect']):.1f} points)"
        else:
            text = f"at no strength (at most {100 * part['effect'].abs().max():.1f} points)"
        sentences.append(f"{plant}: found in four of five groups {text}.")
    return " ".join(sentences) or "No planted effect has run."
