"""Sentences computed from scores: a question, the effect with its interval, a verdict in words."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from xlt import stats
from xlt.artifacts import NOT_RUN
from xlt.tables import chance, clear, points, seed_means


@dataclass(frozen=True)
class Answer:
    """Effect, bounds and the least difference that could be detected are fractions; `answer` says the rest in words."""

    question: str
    answer: str
    effect: float
    low: float
    high: float
    detectable: float = stats.NAN
    verdict: str = ""

    def _repr_markdown_(self) -> str:
        effect = f"{_interval(self.effect, self.low, self.high)}: " if self.effect == self.effect else ""
        said = "; ".join(filter(None, (self.verdict * (not self.answer.startswith(self.verdict)), self.answer)))
        return f"**{self.question}** {effect}{said}."

    def row(self) -> dict[str, Any]:
        return asdict(self)


def _interval(value: float, low: float, high: float) -> str:
    bounds = "" if low != low else f" [{points(low, sign=True)}, {points(high, sign=True)}]"
    return f"{points(value, sign=True)} points{bounds}"


def compare(
    scores: pd.DataFrame, baseline: pd.DataFrame, task: str, question: str, languages: str = "zero-shot"
) -> Answer:
    """Mean over `languages` within each seed, scores against baseline: Welch's interval over seeds."""
    a, b = (_values(table, task, languages) for table in (scores, baseline))
    difference = stats.welch_interval(a, b)
    verdict = "no difference that these seeds can show"
    if difference.low > 0 or difference.high < 0:
        verdict = "higher" if difference.value > 0 else "lower"
    elif difference.low != difference.low:
        verdict = "too few seeds for an interval"
    text = f"{verdict} ({points(a.mean())} against {points(b.mean())})"
    return Answer(question, text, *difference[:3], verdict=verdict)


def above(scores: pd.DataFrame, task: str, chance: float, question: str, languages: str = "zero-shot") -> Answer:
    """Is the mean over `languages` above `chance` (a fraction)? t interval over seeds."""
    mean, low, high = stats.mean_interval(_values(scores, task, languages))
    verdict = "above it" if low > chance else "below it" if high < chance else "not clearly different from it"
    text = f"{verdict} ({points(mean)}, chance {points(chance)})"
    return Answer(question, text, mean - chance, low - chance, high - chance, verdict=verdict)


def _values(scores: pd.DataFrame, task: str, languages: str) -> pd.Series:
    means = seed_means(scores[scores["task"] == task], languages)
    return means["value"].dropna().to_numpy()


def transfer(matrix: pd.DataFrame) -> list[Answer]:
    """For each target: which intermediate tasks change it, by how much; the largest clear effect leads."""
    return [_for_target(matrix[matrix["target"] == target], target) for target in dict.fromkeys(matrix["target"])]


def _for_target(column: pd.DataFrame, target: str) -> Answer:
    question = f"Which intermediate task changes zero-shot {target}?"
    rows = column[column["difference"].notna()]
    told = rows[clear(rows)].sort_values("difference", key=abs, ascending=False)
    if rows.empty:
        return Answer(question, NOT_RUN, *[stats.NAN] * 3, verdict=NOT_RUN)
    if told.empty:
        largest = rows.loc[rows["difference"].abs().idxmax()]
        text = f"none that these seeds can show; the largest difference is after {_name(largest)}"
        return Answer(question, text, *_fractions(largest), verdict="no clear difference")
    leader, *others = [row for _, row in told.iterrows()]
    text = "; ".join([f"{_name(leader)} most", *(f"{_name(row)} {_interval(*_fractions(row))}" for row in others)])
    return Answer(question, text, *_fractions(leader), verdict="higher" if leader["difference"] > 0 else "lower")


def _name(row: pd.Series) -> str:
    return f"{row['intermediate']}{' †' if row['same_task'] else ''}"


def _fractions(row: pd.Series) -> list[float]:
    return [row["difference"], row["diff_low"], row["diff_high"]]


def retrieval(scores: pd.DataFrame) -> Answer:
    """How far sentence retrieval of the pretrained encoder is above chance; the unit is the language here."""
    rows = scores[(scores["task"] == "tatoeba") & scores["main"] & scores["pretrained"]]
    if rows.empty:
        return Answer("Does the encoder retrieve translations?", NOT_RUN, *[stats.NAN] * 3, verdict=NOT_RUN)
    guess = chance(rows, "tatoeba")
    mean, low, high = stats.mean_interval(rows["value"])
    verdict = "above it" if low > guess else "not clearly above it"
    text = f"{verdict} ({points(mean)} over {len(rows)} languages, chance {points(guess)})"
    bounds = [x - guess for x in (mean, low, high)]
    return Answer("Does the encoder retrieve translations, averaged over languages?", text, *bounds, verdict=verdict)


def sanity(scores: pd.DataFrame, control: pd.DataFrame) -> list[Answer]:
    """Direct fine-tuning against chance and against the encoder without pretraining, where there is one."""
    direct, bare = scores[scores["intermediate"] == "none"], control[~control["pretrained"]]
    found = []
    if "xnli" in set(direct["task"]):
        found.append(
            above(direct, "xnli", chance(direct, "xnli"), "Is zero-shot XNLI above chance after direct fine-tuning?")
        )
    trained = [task for task in dict.fromkeys(direct["task"]) if task in set(bare["task"]) and task != "tatoeba"]
    found += [compare(direct, bare, task, f"What does pretraining add to zero-shot {task}?") for task in trained]
    return [*found, retrieval(scores[scores["intermediate"] == "none"])]
