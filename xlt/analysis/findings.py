"""Sentences computed from scores: a question, the effect with its interval, a verdict in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import isnan
from typing import Any, NamedTuple

import pandas as pd

from xlt.analysis import estimate, gates, pairs, stats, verdicts
from xlt.analysis.arms import figures
from xlt.analysis.degenerate_runs import guesses
from xlt.analysis.family import components_of
from xlt.analysis.records import Records
from xlt.analysis.tables import clear, main_scores, marked
from xlt.core.text import NOT_RUN, counted, interval, plain, points
from xlt.spec import trained
from xlt.spec.groups import ALL, ZERO_SHOT


@dataclass(frozen=True)
class Answer:
    """Effect, bounds and what the design could detect are fractions; `answer` says the rest in words.

    `p` is after Holm's correction: over the `primary` answers of a study, over its others, over the transfer matrix, or
    over the answers of `sanity`.
    `targets` are those that the effect of a study is averaged over.
    """

    question: str
    answer: str
    effect: float
    low: float
    high: float
    detectable: float = stats.NAN
    verdict: str = ""
    p: float = stats.NAN
    primary: bool = False
    targets: tuple[str, ...] = ()

    def _repr_markdown_(self) -> str:
        return f"**{plain(self.question)}** {self._size}{plain(self._words)}."

    def __str__(self) -> str:
        return f"{self.question} {self._size}{self._words}."

    @property
    def _size(self) -> str:
        return "" if isnan(self.effect) else f"{interval(self.effect, self.low, self.high, unit='points')}: "

    @property
    def _words(self) -> str:
        verdict = "" if self.answer.startswith(self.verdict) else self.verdict
        return "; ".join(filter(None, (verdict, self.answer)))

    def row(self) -> dict[str, Any]:
        return asdict(self)


class Asked(NamedTuple):
    """A question with the weighted scores whose sum in each seed is its effect; `said` has the figures behind it, over
    the same seeds. What scores of how many `arms` it is made of says how far its seeds vary beside other questions'.
    `gate` is what failed before it, "" for nothing."""

    question: str
    rows: pd.DataFrame
    said: str
    arms: int = 1
    gate: str = ""


def compare(
    scores: pd.DataFrame, baseline: pd.DataFrame, task: str, question: str, languages: str = ZERO_SHOT
) -> Asked:
    """Mean over `languages` within each seed, scores against baseline, in pairs of seeds."""
    sides = [_weighted(table, task, languages) for table in (scores, baseline)]
    rows = pairs.difference(*sides)
    here, there = (points(figures(side[side["seed"].isin(rows["seed"])]).mean()) for side in sides)
    return Asked(question, rows, f"{here} against {there}", arms=2)


def above(scores: pd.DataFrame, task: str, question: str, languages: str = ZERO_SHOT) -> Asked:
    """Is the mean over `languages` above what a guess scores?"""
    rows = _weighted(scores, task, languages)
    guess = guesses(rows, task)
    said = f"{points(figures(rows).mean())}, a guess {points(figures(rows.assign(value=guess)).mean())}"
    return Asked(question, rows.assign(value=rows["value"] - guess), said)


def answered(asked: Sequence[Asked], records: Records | None = None) -> list[Answer]:
    """The answers to questions that are decided together; without `records` over seeds alone."""
    family = [components_of(one.rows, records)._replace(scale=float(one.arms)) for one in asked]
    decisions = verdicts.decide(family, [verdicts.SMALLEST] * len(family), [one.gate for one in asked])
    return [_answer(one, decision) for one, decision in zip(asked, decisions, strict=True)]


def _answer(asked: Asked, decision: verdicts.Decision) -> Answer:
    text = "; ".join(filter(None, (f"{decision.verdict} ({asked.said})", decision.why)))
    return Answer(asked.question, text, *decision.found[:3], decision.detectable, decision.verdict, decision.p)


def _weighted(scores: pd.DataFrame, task: str, languages: str) -> pd.DataFrame:
    """Rows whose weighted sum is the mean over `languages` in each complete seed."""
    rows = main_scores(scores[scores["task"] == task], languages).dropna(subset="value")
    return estimate.shares(rows.assign(weight=1.0))


def transfer(matrix: pd.DataFrame) -> list[Answer]:
    """For each target: which intermediate tasks change it, by how much; the largest clear effect leads.

    The largest of many is large by chance too: the p is Holm's over the whole matrix. Controls never lead: what they
    change stands at the end.
    """
    return [_for_target(matrix[matrix["target"] == target], target) for target in dict.fromkeys(matrix["target"])]


def _for_target(column: pd.DataFrame, target: str) -> Answer:
    codes = column["languages"].iloc[0]
    what = f"zero-shot {target}" if codes == ZERO_SHOT else f"{target} in {trained.named(codes.split())}"
    question = f"Which intermediate task changes {what}?"
    ran = column[column["difference"].notna()]
    rows, controls = ran[ran["control"] == ""], _controls(ran[ran["control"] != ""])
    if rows.empty:
        return Answer(question, NOT_RUN, *[stats.NAN] * 3, verdict=NOT_RUN)
    rows = rows.sort_values("difference", key=abs, ascending=False)
    tested = rows[rows["verdict"] != verdicts.NOT_TESTABLE]
    if tested.empty:
        largest = rows.iloc[0]
        return _of_cell(
            question, f"{largest['why']} (the largest difference, after {_name(largest)}){controls}", largest
        )
    changed = tested[clear(tested)]
    leader, *others = [row for _, row in (tested if changed.empty else changed).iterrows()]
    said = [f"{_name(leader)} most", *(f"{_name(row)} {_difference(row)}" for row in others)]
    if changed.empty:
        said = [f"none is higher or lower; the largest difference is after {_name(leader)}"]
        said += [_listed(rows, verdicts.EQUIVALENT, "equivalent to none")]
    said += [_listed(rows, verdicts.NOT_TESTABLE, "not testable")]
    return _of_cell(question, "; ".join(filter(None, said)) + controls, leader)


def _listed(rows: pd.DataFrame, verdict: str, called: str) -> str:
    names = [_name(row) for _, row in rows[rows["verdict"] == verdict].iterrows()]
    return f"{called}: {', '.join(names)}" if names else ""


def _of_cell(question: str, text: str, row: pd.Series) -> Answer:
    return Answer(question, text, *_fractions(row), row["detectable"], row["verdict"], row["p"])


def _controls(rows: pd.DataFrame) -> str:
    """What the controls of a target change, to stand after the intermediate tasks; "" without controls."""
    texts = "; ".join(f"{_name(row)}: {_difference(row)}" for _, row in rows.iterrows())
    return f". Controls: {texts}" if texts else ""


def _name(row: pd.Series) -> str:
    lost = f" ({row['collapsed']:.0f} of {row['n_seeds']} runs collapsed)" if row["collapsed"] else ""
    return f"{row['intermediate']}{marked(row)}{lost}"


def _difference(row: pd.Series) -> str:
    return interval(*_fractions(row), unit="points")


def _fractions(row: pd.Series) -> list[float]:
    return [row["difference"], row["diff_low"], row["diff_high"]]


def retrieval(scores: pd.DataFrame) -> Answer:
    """How far sentence retrieval of the pretrained encoder is above chance; the unit is the language here."""
    rows = scores[(scores["task"] == "tatoeba") & scores["main"] & scores["pretrained"]]
    if rows.empty:
        return Answer("Does the encoder retrieve translations?", NOT_RUN, *[stats.NAN] * 3, verdict=NOT_RUN)
    guess = guesses(rows, "tatoeba").mean()
    mean, low, high = stats.mean_interval(rows["value"])
    verdict = verdicts.HIGHER if low > guess else verdicts.LOWER if high < guess else verdicts.UNDECIDED
    text = f"({points(mean)} over {counted(len(rows), 'language')}, a guess {points(guess)})"
    if not high > low:
        verdict, low, high = verdicts.NOT_TESTABLE, stats.NAN, stats.NAN
        text += "; fewer than two languages, or languages that agree to the last digit, have no interval"
    text = f"{verdict} {text}"
    question = "Does the encoder retrieve translations, averaged over languages?"
    return Answer(question, text, mean - guess, low - guess, high - guess, verdict=verdict)


def sanity(scores: pd.DataFrame, control: pd.DataFrame, records: Records | None = None) -> list[Answer]:
    """Direct fine-tuning against a guess and against the encoder without pretraining, where there is one, decided
    together; and what the encoder retrieves, whose unit is the language."""
    direct, bare = scores[scores["intermediate"] == estimate.DIRECT], control[~control["pretrained"]]
    asked = []
    if "xnli" in set(direct["task"]):
        what = trained.told(direct, "xnli", "XNLI")
        asked.append(above(direct, "xnli", f"Is {what} above chance after direct fine-tuning?"))
    for task in (task for task in dict.fromkeys(direct["task"]) if task in set(bare["task"])):
        question = f"What does pretraining add to {trained.told(direct, task)}?"
        gate = _unlearned(task, {"direct fine-tuning": direct, "no pretraining": bare}, records)
        asked.append(compare(direct, bare, task, question)._replace(gate=gate))
    return [*answered(asked, records), retrieval(direct)]


def _unlearned(task: str, sides: dict[str, pd.DataFrame], records: Records | None) -> str:
    """That no side has learned the task, so that a difference would be one between guesses; "" where one has."""
    rows = {name: main_scores(scores[scores["task"] == task], ALL) for name, scores in sides.items()}
    return gates.neither([gates.unlearned(task, name, part, records) for name, part in rows.items()])
