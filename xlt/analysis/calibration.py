"""How often the inference is wrong: studies whose true effects are known, drawn at random and decided as real ones.

A study has ten contrasts between two arms. The score of an arm in a seed is its mean, an effect of the seed (its SD
differs between contrasts by a factor of about e^0.5; the two arms of a seed correlate) and that of the records at hand;
a record has an effect of its own on the difference (SD 0.17, as measured on XNLI) and one with each seed.
A run may collapse to chance. All figures of a seed are sums over the same records, so their variances are drawn from
the distributions that these sums have, which is as good as drawing each record and a thousand times as fast.
"""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats as scipy_stats

from xlt.analysis import inference
from xlt.analysis.conditions import tested
from xlt.analysis.family import measured
from xlt.analysis.inference import Components
from xlt.analysis.records import Records
from xlt.spec.study import Contrast

CONTRASTS = 10
SEED_SD, SPREAD = 0.01, 0.5  # of an arm's score over seeds; of its logarithm over contrasts
RECORD_SD = 0.17  # of a record's effect on the difference
ALIKE, APART = 0.05, 0.4  # of a record in one seed: where seeds mostly answer alike, and where they often differ
DROP = 0.2  # what a collapsed run loses
LOUDER = (1.0, 3.0, 10.0)  # SD over seeds of one contrast of a study, as a multiple of what the others draw theirs from
ENDLESS = 1_000_000  # records, so that they play no part


class Case(NamedTuple):
    """What is drawn: seeds, correlation of the arms over seeds, records, share of runs that collapse, SD of a record in
    one seed, true effect."""

    seeds: int
    correlation: float
    records: int
    collapse: float = 0.0
    both: float = APART
    effect: float = 0.0


CASES = [
    Case(*values, *rest)
    for rest in ((0.0, APART), (0.0, ALIKE), (0.05, APART))
    for values in product((3, 5, 8), (0.0, 0.4, 0.8), (50, 500, 5000))
]


def study(case: Case, rng: np.random.Generator, louder: float = 1.0) -> tuple[list[Components], np.ndarray]:
    """The components of a study's contrasts; and the scores of the two arms, (contrasts, 2, seeds). The last contrast
    has `louder` times the SD over seeds."""
    sds = SEED_SD * np.exp(SPREAD * rng.standard_normal((CONTRASTS, 1, 1)))
    sds[-1] *= louder
    shared = rng.standard_normal((CONTRASTS, 1, case.seeds))
    own = rng.standard_normal((CONTRASTS, 2, case.seeds))
    scores = sds * (np.sqrt(case.correlation) * shared + np.sqrt(1 - case.correlation) * own)
    scores -= DROP * (rng.random(scores.shape) < case.collapse)
    scores[:, 0] += case.effect
    # the part of a difference that lies in the records at hand is in the score of the first arm
    scores[:, 0] += rng.standard_normal((CONTRASTS, 1)) * RECORD_SD / np.sqrt(case.records)
    scores[:, 0] += rng.standard_normal((CONTRASTS, case.seeds)) * case.both / np.sqrt(case.records)
    return [_components(one[0] - one[1], case, rng) for one in scores], scores


def _components(figures: np.ndarray, case: Case, rng: np.random.Generator) -> Components:
    freedom = case.records - 1
    by_record = RECORD_SD**2 + case.both**2 / case.seeds
    both = (case.seeds - 1) * freedom
    return Components(
        float(figures.mean()),
        float(figures.var(ddof=1) / case.seeds),
        by_record * rng.chisquare(freedom) / freedom / case.records,
        case.both**2 * rng.chisquare(both) / both / (case.seeds * case.records),
        case.seeds,
        case.records,
        freedom,
    )


def rates(case: Case, studies: int, rng: np.random.Generator) -> dict[str, float]:
    """How often each method rejects zero and this interval covers the truth, shares of contrasts; half its width.

    The methods: this one, a paired t test over seeds, Welch's over seeds. With an effect of zero a rejection is false;
    without one it is the power.
    """
    rejected = {"this": 0, "paired": 0, "Welch": 0}
    covered, halves = 0, []
    for _ in range(studies):
        family, scores = study(case, rng)
        usual = inference.prior(family)
        found = [inference.estimate(parts, usual) for parts in family]
        covered += sum(one.low <= case.effect <= one.high for one in found)
        halves += [(one.high - one.low) / 2 for one in found]
        rejected["this"] += sum(one.p < 0.05 for one in found)
        rejected["paired"] += int((scipy_stats.ttest_rel(scores[:, 0], scores[:, 1], axis=1).pvalue < 0.05).sum())
        welch = scipy_stats.ttest_ind(scores[:, 0], scores[:, 1], axis=1, equal_var=False)
        rejected["Welch"] += int((welch.pvalue < 0.05).sum())
    every = studies * CONTRASTS
    shares = {name: count / every for name, count in rejected.items()}
    return shares | {"coverage": covered / every, "half width": float(np.mean(halves))}


def table(studies: int = 100, cases: list[Case] = CASES, seed: int = 0) -> pd.DataFrame:
    """One row for each case: its fields and its `rates`; fractions. The same seed gives the same table."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame([case._asdict() | rates(case, studies, rng) for case in cases])


def power_table(studies: int = 100, seed: int = 1) -> pd.DataFrame:
    """How often an effect of one SD over seeds is found, with records without end and arms that correlate."""
    cases = [Case(seeds, 0.75, ENDLESS, effect=SEED_SD) for seeds in (3, 5, 8)]
    return table(studies, cases, seed)


def louder_table(studies: int = 300, seed: int = 2) -> pd.DataFrame:
    """How often a contrast that varies more over three seeds than the others of its study is found where there is no
    effect, and how often those are: columns "times the SD", "it", "the others", shares."""
    rng, rows = np.random.default_rng(seed), []
    for times in LOUDER:
        found = np.array([_found(study(Case(3, 0.4, ENDLESS), rng, times)[0]) for _ in range(studies)])
        rows.append({"times the SD": times, "it": found[:, -1].mean(), "the others": found[:, :-1].mean()})
    return pd.DataFrame(rows)


def _found(family: list[Components]) -> list[bool]:
    """Whether each contrast of a study is called different, before any correction."""
    usual = inference.prior(family)
    return [inference.estimate(parts, usual).p < 0.05 for parts in family]


# arms that are equal ----------------------------------------------------------------------------


def equal_arms(scores: pd.DataFrame, arm: str, seeds: int = 3, records: Records | None = None) -> pd.DataFrame:
    """Real runs of one arm, set against each other in pairs of groups of so many `seeds`: no pair differs in truth.

    One row for each pair: value, low, high, p (of the pair alone) and whether the interval covers zero. The pairs are
    one family, as the contrasts of a study are; runs that are left over are not used.
    """
    rows = tested(scores[scores["arm"] == arm])
    place = rows["seed"].map({seed: place for place, seed in enumerate(sorted(rows["seed"].unique()))})
    group, within = place // seeds, place % seeds
    whole = group.map(within.groupby(group).nunique()) == seeds
    pairs = rows.assign(seed=within, arm=np.where(group % 2 == 0, "a", "b"))[whole]
    contrast = Contrast(question="", of=("a",), against=("b",))
    over = list(dict.fromkeys(zip(rows["task"], rows["condition"], strict=True)))
    family = [
        measured(part, contrast, over, records)
        for _, part in pairs.groupby(group[whole] // 2)
        if part["arm"].nunique() == 2
    ]
    usual = inference.prior(family)
    found = [inference.estimate(parts, usual) for parts in family]
    return pd.DataFrame(
        [{"value": one.value, "low": one.low, "high": one.high, "p": one.p, "covers": one.low <= 0 <= one.high}
         for one in found],
        columns=["value", "low", "high", "p", "covers"],
    )  # fmt: skip


# in words ---------------------------------------------------------------------------------------


def said(table: pd.DataFrame) -> str:
    """What the simulation comes to, in two sentences."""
    steady, shaken = table[table["collapse"] == 0], table[table["collapse"] > 0]
    alike = table[(table["both"] == ALIKE) & (table["records"] == table["records"].min())]
    with_them = f", and with them in at most {100 * shaken['this'].max():.1f} %" if len(shaken) else ""
    return (
        f"Over {len(steady)} designs without collapsing runs the inference raises a false alarm in "
        f"{100 * steady['this'].min():.1f} to {100 * steady['this'].max():.1f} % of contrasts (mean "
        f"{100 * steady['this'].mean():.1f} %){with_them}. Where "
        f"seeds answer {alike['records'].min()} records alike, a paired test over seeds raises one in "
        f"{100 * alike['paired'].mean():.0f} %."
    )


def covered(pairs: pd.DataFrame) -> str:
    """How many intervals of equal arms cover zero, with the exact interval of that share."""
    pairs = pairs.dropna(subset="low")  # equal in every seed: no interval that could cover anything
    if pairs.empty:
        return "No pair of equal arms has run."
    count, total = int(pairs["covers"].sum()), len(pairs)
    low, high = scipy_stats.binomtest(count, total).proportion_ci(0.95)
    return f"{count} of {total} intervals of equal arms cover zero: {100 * low:.0f} to {100 * high:.0f} % at 95 %."
