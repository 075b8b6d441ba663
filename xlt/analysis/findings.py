"""Sentences computed from scores: a question, the effect with its interval, a verdict in words."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import isnan
from typing import Any

import pandas as pd

from xlt.analysis import estimate, inference, stats, verdicts
from xlt.analysis.degenerate_runs import chance
from xlt.analysis.tables import clear, marked, seed_means
from xlt.core.text import NOT_RUN, counted, interval, plain, points
from xlt.spec import trained
from xlt.spec.groups import ZERO_SHOT


@dataclass(frozen=True)
class Answer:
    """Effect, bounds and what the design could detect are fractions; `answer` says the rest in words.

    `p` is after Holm's correction: over the `primary` answers of a study, over its others, or over the transfer matrix.
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


def compare(
    scores: pd.DataFrame, baseline: pd.DataFrame, task: str, question: str, languages: str = ZERO_SHOT
) -> Answer:
    """Mean over `languages` within each seed, scores against baseline, in pairs of seeds."""
    a, b = (_values(table, task, languages) for table in (scores, baseline))
    decision = _decided((a - b).dropna())
    return _answer(question, decision, f"{points(a.mean())} against {points(b.mean())}")


def above(scores: pd.DataFrame, task: str, chance: float, question: str, languages: str = ZERO_SHOT) -> Answer:
    """Is the mean over `languages` above `chance` (a fraction)?"""
    values = _values(scores, task, languages)
    return _answer(question, _decided(values - chance), f"{points(values.mean())}, chance {points(chance)}")


def _decided(figures: pd.Series) -> verdicts.Decision:
    (decision,) = verdicts.decide([inference.components(figures.to_numpy())], [verdicts.SMALLEST])
    return decision


def _answer(question: str, decision: verdicts.Decision, figures: str) -> Answer:
    text = "; ".join(filter(None, (f"{decision.verdict} ({figures})", decision.why)))
    return Answer(question, text, *decision.found[:3], decision.detectable, decision.verdict)


def _values(scores: pd.DataFrame, task: str, languages: str) -> pd.Series:
    """By seed."""
    return estimate.figures(seed_means(scores[scores["task"] == task], languages))


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
    guess = chance(rows, "tatoeba")
    mean, low, high = stats.mean_interval(rows["value"])
    verdict = verdicts.HIGHER if low > guess else verdicts.UNDECIDED
    text = f"{verdict} ({points(mean)} over {counted(len(rows), 'language')}, chance {points(guess)})"
    question = "Does the encoder retrieve translations, averaged over languages?"
    return Answer(question, text, mean - guess, low - guess, high - guess, verdict=verdict)


def sanity(scores: pd.DataFrame, control: pd.DataFrame) -> list[Answer]:
    """Direct fine-tuning against chance and against the encoder without pretraining, where there is one."""
    direct, bare = scores[scores["intermediate"] == estimate.DIRECT], control[~control["pretrained"]]
    answers = []
    if "xnli" in set(direct["task"]):
        what = trained.told(direct, "xnli", "XNLI")
        question = f"Is {what} above chance after direct fine-tuning?"
        answers.append(above(direct, "xnli", chance(direct, "xnli"), question))
    learned = [task for task in dict.fromkeys(direct["task"]) if task in set(bare["task"])]
    for task in learned:
        question = f"What does pretraining add to {trained.told(direct, task)}?"
        answers.append(compare(direct, bare, task, question))
    return [*answers, retrieval(direct)]
