"""What a study or a table means, in one sentence, "no difference" included. Numbers come in as fractions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pandas as pd

from xlt.analysis import verdicts
from xlt.analysis.findings import Answer
from xlt.analysis.gates import Gate
from xlt.core.text import NOT_RUN, detectable, interval, plain, points
from xlt.report.outputs import Markdown

_ORDER = (verdicts.HIGHER, verdicts.LOWER, verdicts.EQUIVALENT, verdicts.UNDECIDED, verdicts.NOT_TESTABLE)
_NONE = "none of them can be told from zero, which is not to say that there is no effect"


def lead(question: str, answers: Sequence[Answer]) -> Markdown:
    """The question of a page with its first answer, and how many of its answers are decided."""
    asked = f"**{plain(question)}**"
    if not answers:
        return Markdown(f"{asked} No arm is held against another here; the scores stand below.")
    ran = [answer for answer in answers if answer.verdict != NOT_RUN]
    if not ran:
        return Markdown(f"{asked} {NOT_RUN.capitalize()}.")
    first = ran[0]._repr_markdown_().replace("**", "*").removesuffix(".")
    return Markdown(f"{asked} {first}.{_beside(ran, len(answers) - len(ran)) if len(answers) > 1 else ''}")


def _beside(ran: Sequence[Answer], missing: int) -> str:
    tested = [answer for answer in ran if answer.verdict != verdicts.NOT_TESTABLE]
    reach = detectable(answer.detectable for answer in tested)
    found = f"true effects of {reach} are" if "points" in reach else "no true effect within the scale is"
    seen = f" As decided, {found} found with 80 % power." if reach else ""
    counts = counted([answer.verdict for answer in ran]) + (f", {missing} {NOT_RUN}" if missing else "")
    corrected = f" ({_families(tested)})" if tested else ""
    return f" Of the {len(ran) + missing} questions asked here: {counts}{corrected}.{seen}"


def _families(tested: Sequence[Answer]) -> str:
    """Over which answers Holm's correction goes: what failed a gate is not tested, so nothing is corrected for it."""
    primary = sum(answer.primary for answer in tested)
    others = len(tested) - primary
    if not primary or not others:
        those = "one that was" if len(tested) == 1 else f"{len(tested)} that were"
        return f"after Holm's correction over the {those} tested"
    return f"after Holm's correction over what was tested, {primary} primary and {others} others apart"


def in_words(answers: Sequence[Answer]) -> Markdown:
    """Every answer in words: the primary ones first, under a heading of their own where there are others."""
    texts = {}
    for name, primary in (("Primary", True), ("Secondary", False)):
        some = [answer for answer in answers if answer.primary == primary]
        texts |= {name: "\n".join(f"- {answer._repr_markdown_()}" for answer in some)} if some else {}
    if len(texts) < 2:
        return Markdown("".join(texts.values()))
    return Markdown("\n\n".join(f"{name}:\n\n{text}" for name, text in texts.items()))


def counted(given: Iterable[str]) -> str:
    """How often each of the five verdicts was given: "2 higher, 1 equivalent, 5 undecided"."""
    given = list(given)
    return ", ".join(f"{given.count(verdict)} {verdict}" for verdict in _ORDER if verdict in given)


def decided(table: pd.DataFrame, rows: str = "rows") -> str:
    """How often each verdict was given in a table of effects that are decided as one family."""
    given = [verdict for verdict in table.get("verdict", ()) if verdict in _ORDER]  # what has not run has none
    counts = counted(given)
    return f"Of {len(given)} {rows}: {counts}, after Holm's correction over the table." if counts else ""


def told_apart(table: pd.DataFrame, low: str = "low", high: str = "high", rows: str = "rows") -> str:
    """In how many rows of a table of single intervals, which nothing corrects, the interval excludes zero."""
    if low not in table or not len(table):
        return ""
    bounded = table[table[low].notna()]
    above, below = (bounded[low] > 0).sum(), (bounded[high] < 0).sum()
    unbounded = len(table) - len(bounded)
    without = f" {unbounded} of the {rows} {'has' if unbounded == 1 else 'have'} no interval." if unbounded else ""
    if bounded.empty:
        return without.strip()
    if not above + below:
        return f"Of the {len(bounded)} {rows} with an interval, {_NONE}.{without}"
    return (
        f"In {above + below} of {len(bounded)} {rows} the interval excludes zero ({above} above it, {below} below); "
        f"these intervals describe, they decide nothing.{without}"
    )


def matrix_lead(question: str, matrix: pd.DataFrame) -> Markdown:
    """The question of a profile with the differences of its transfer matrix that are decided."""
    cells = matrix[matrix["difference"].notna()]
    meaning = decided(cells, "differences to direct fine-tuning") or NOT_RUN
    effects = "; ".join(
        f"{plain(row.target)} after {plain(row.intermediate)} {interval(row.difference, row.diff_low, row.diff_high)}"
        for row in cells[cells["verdict"].isin([verdicts.HIGHER, verdicts.LOWER])].itertuples()
    )
    return Markdown(f"**{plain(question)}** {meaning}" + (f" What holds, in points: {effects}." if effects else ""))


def spread(means: pd.DataFrame) -> str:
    """How far the arms lie apart in a column of `contrasts.means`, and how wide the interval of a cell is.

    In the columns in which several arms have run: one alone is no distance of zero.
    """
    if "mean" not in means:
        return ""
    means = means[means.groupby(["target", "condition"])["arm"].transform("nunique") > 1]
    if not means["low"].notna().any():
        return ""
    columns = means.groupby(["target", "condition"])["mean"]
    apart, half = (columns.max() - columns.min()).median(), (means["high"] - means["mean"]).median()
    lowest = means.loc[columns.idxmin().dropna(), "arm"].mode()
    last = f" ({lowest[0]} is the lowest in most columns)" if len(lowest) == 1 and len(columns) > 1 else ""
    return (
        f"In the median column the arms lie {points(apart)} points apart{last}, and the interval of one cell reaches "
        f"{points(half)} to either side. Whether two arms differ is tested below, not read off here."
    )


def forgotten(left: pd.DataFrame) -> str:
    """How often a later stage leaves less of a task than there was before it, and where most is lost; what a guess
    scores. From `contrasts.forgetting`."""
    scores = {(row.after, row.task): row.mean for row in left.itertuples()}
    steps = [
        (after, task, before, score)
        for (after, task), score in scores.items()
        if (before := scores.get((after.rpartition(" → ")[0], task))) is not None
    ]
    if not steps:
        return ""
    fallen = sum(score < before for *_, before, score in steps)
    after, task, before, score = min(steps, key=lambda step: step[3] - step[2])
    known = left.dropna(subset="guess").groupby("task", sort=False)["guess"].mean()
    guess = ", ".join(f"{points(value)} on {name}" for name, value in known.items())
    return (
        f"In {fallen} of {len(steps)} cases a task scores lower after one more stage than before it; most is lost of "
        f"{task} with the last stage of {after} ({points(before)} to {points(score)})."
        + (f" A guess scores {guess}." if guess else "")
    )


def passed_gates(found: Sequence[Gate]) -> str:
    """How many checks hold, and which do not."""
    failed = list(dict.fromkeys(one.failed for one in found if one.failed))
    named = f" Not: {'; '.join(failed)}." if failed else ""
    return f"{sum(not one.failed for one in found)} of {len(found)} checks hold.{named}"


def passed(verdicts: pd.DataFrame) -> str:
    """How many planted effects came out as they must."""
    if "passes" not in verdicts:
        return ""
    count = (verdicts["passes"] == "yes").sum()
    failed = verdicts.loc[verdicts["passes"] != "yes", "question"]
    return f"{count} of {len(verdicts)} pass." + (f" Not: {' '.join(failed)}" if len(failed) else "")


def attacked(attacks: pd.DataFrame) -> str:
    """How often the search succeeds, and as many random changes, over the arms and targets of an attack table."""
    if "attack_success" not in attacks:
        return ""
    rows = attacks[attacks["languages"] == "all"]
    if rows.empty:
        return ""
    search, chance = rows["attack_success"].mean(), rows["random_success"].mean()
    return (
        f"On average over arms and targets the search turns {points(search)} % of the right answers wrong, as many "
        f"random changes {points(chance)} %: what the search adds is the difference."
    )


def at_chance(table: pd.DataFrame) -> str:
    """The stages of `phases.learned_table` that are no better than a guess, of several tasks at once each such task:
    "squad2 in 3 of 3 seeds; of multi-task: qqp, ccg in 3 of 3 seeds, squad in 1 of 3 seeds"."""
    if "collapsed" not in table:
        return ""
    lost = table[pd.to_numeric(table["collapsed"], errors="coerce") > 0]
    texts = []
    for stage, rows in lost.groupby("intermediate", sort=False):
        seeds = rows.groupby(["collapsed", "seeds"], sort=False)["task"].agg(", ".join)
        if (table["intermediate"] == stage).sum() > 1:
            told = (f"{names} in {count} of {all_} seeds" for (count, all_), names in seeds.items())
            texts.append(f"of {stage}: {', '.join(told)}")
        else:
            ((count, all_), name), *_ = seeds.items()
            texts.append(f"{stage} in {count} of {all_} seeds{f' ({name})' if name != stage else ''}")
    return "; ".join(texts)


def learned(table: pd.DataFrame) -> str:
    """Which intermediate tasks were learned in all seeds, from `phases.learned_table`."""
    if "collapsed" not in table:
        return ""
    lost = at_chance(table)
    if not lost:
        return "No seed stayed at chance, as far as chance is known."
    return (
        f"At chance stayed {lost}. Their rows in phase 3 say nothing about these tasks; a control with shuffled "
        "labels must stay there. All others were learned, as far as chance is known."
    )


def unlearned(table: pd.DataFrame, matrix: pd.DataFrame) -> str:
    """Which rows of a transfer matrix are of stages that did not learn what they trained on; "" where all learned."""
    controls = matrix.loc[matrix["control"] != "", "intermediate"]
    lost = at_chance(table[~table["intermediate"].isin(controls)])
    return (
        f"At chance on what they trained on, so that their rows say little about these tasks: {lost}." if lost else ""
    )


def tally(verdicts: Sequence[str]) -> str:
    """How often each verdict was given: "5 pass, 2 fail"."""
    counts = pd.Series(list(verdicts), dtype=str).value_counts(sort=False)
    return ", ".join(f"{count} {verdict}" for verdict, count in counts.items()) + "." if len(counts) else ""
