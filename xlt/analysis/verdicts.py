"""The five verdicts on an effect, against the smallest effect of interest that its study declares.

higher, lower    p after Holm's correction is below 5 %
equivalent       its 95 % interval lies within the smallest effect of interest, after Holm's correction as well
undecided        neither: what would be needed is said
not testable     a gate failed, so that no verdict would mean anything: which one is said

"No clear difference" would be read as "no difference", so it is not among them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from xlt.analysis import inference, power, stats
from xlt.analysis.inference import Components, Estimate
from xlt.core.text import points

HIGHER, LOWER, EQUIVALENT = "higher", "lower", "equivalent"
UNDECIDED, NOT_TESTABLE = "undecided", "not testable"
DECIDED = (HIGHER, LOWER, EQUIVALENT)  # what a figure shows as sure

SMALLEST = 0.01  # the smallest effect of interest where nothing else is declared, a fraction
SIGNS = {HIGHER: " ▲", LOWER: " ▼", EQUIVALENT: " ≈"}  # in a cell of a table; without one it is undecided


class Decision(NamedTuple):
    """An effect with what is decided about it, fractions.

    `p` and `equivalence` are after Holm's correction within the family; `detectable` is the least true effect that this
    design finds with 80 % power as decided, and `why` explains a verdict of undecided or not testable.
    """

    found: Estimate
    p: float
    equivalence: float
    detectable: float
    verdict: str
    why: str


def decide(family: Sequence[Components], smallest: Sequence[float], gates: Sequence[str] = ()) -> list[Decision]:
    """One decision for each effect of a family.

    Args:
        family: all effects that are decided together.
        smallest: the smallest effect of interest of each.
        gates: for each what failed before it, "" for nothing. What fails is not tested, not corrected for, and says
            nothing about what is usual: an arm that has learned nothing varies less over seeds, or far more.
    """
    gates = gates or [""] * len(family)
    usual = inference.prior(family, gates)
    found = [inference.estimate(parts, usual) for parts in family]
    tested = np.array([not gate for gate in gates], dtype=bool)
    p = stats.holm(np.where(tested, [one.p for one in found], np.nan))
    inside = [inference.equivalence(one, least) for one, least in zip(found, smallest, strict=True)]
    equivalence = stats.holm(np.where(tested, inside, np.nan))
    tests = int(np.count_nonzero(~np.isnan(p)))
    decisions = []
    for parts, one, least, gate, *corrected in zip(family, found, smallest, gates, p, equivalence, strict=True):
        verdict, why = _verdict(parts, one, *corrected, gate)
        if verdict == UNDECIDED:
            why = _needed(parts, least, tests, usual)
        within_reach = power.detectable(one.error, one.freedom, tests)
        decisions.append(Decision(one, *corrected, within_reach, verdict, why))
    return decisions


def _verdict(parts: Components, found: Estimate, p: float, equivalence: float, gate: str) -> tuple[str, str]:
    if gate:
        return NOT_TESTABLE, gate
    if parts.clusters and np.isnan(parts.by_record):
        return NOT_TESTABLE, "a test set of one record, or of one passage, does not say how far others would lie"
    if np.isnan(found.error):
        return NOT_TESTABLE, "fewer than two seeds, or seeds that agree to the last digit, have no interval"
    if p < 0.05:
        return (HIGHER if found.value > 0 else LOWER), ""
    return (EQUIVALENT, "") if equivalence < 0.05 else (UNDECIDED, "")


def _needed(parts: Components, smallest: float, tests: int, usual: inference.Prior) -> str:
    """What would decide it: "12 seeds with 4 times the records would find an effect of 1.0 points".

    More records cost less than more seeds, where they help: the sentence says which of both are wanted.
    """
    design, effect = power.needed(parts, smallest, tests, usual), f"an effect of {points(smallest)} points"
    if design is None:
        most = power.tried(parts)[-1]
        limit = f"; more {power.limited_by(parts, most, usual)} are wanted most" if parts.clusters else ""
        return f"not even {_told(most, parts)} would find {effect}{limit}"
    if design == (parts.seeds, 1):  # an effect near the smallest one, or bad luck: one time in five
        return f"this design finds {effect} four times in five"
    more = ", if there are as many," if design.records > 1 and parts.clusters else ""  # a test set has an end
    return f"{_told(design, parts)}{more} would find {effect}"


def _told(design: power.Design, parts: Components) -> str:
    same = "the same " if design.seeds == parts.seeds else ""
    records = f" with {design.records} times the records" if design.records > 1 else " on the same records"
    return f"{same}{design.seeds} seeds{records if parts.clusters else ''}"
