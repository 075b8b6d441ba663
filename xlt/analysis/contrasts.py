"""The answers of a study: its arms against each other, in one figure for each seed.

`scores` are those of `Study.run`: columns arm, condition, task, language, seed, split, value, main. Languages are
averaged first, then targets and conditions; seeds and records make the interval (see `inference`). Where the same
languages, targets and conditions are not there for both sides of a difference (a perturbation is not valid in all
languages, an arm has not gone on to all targets), it is taken over those that both have.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from xlt.analysis import behind, floors, stats, verdicts
from xlt.analysis.arms import CELL, DOUBLING, READ, Cells, figures, weighted
from xlt.analysis.conditions import clean, tested
from xlt.analysis.estimate import of_fewer_seeds, over_seeds, seed_means
from xlt.analysis.family import Effect, decided
from xlt.analysis.findings import Answer
from xlt.analysis.gates import Gates
from xlt.analysis.questions import Question, questions
from xlt.analysis.records import Records
from xlt.core.text import DASH, NOT_RUN, counted, interval, plus_minus, points, within_scale
from xlt.lab.study import AFTER, Study
from xlt.spec import tasks, trained
from xlt.spec.conditions import CLEAN
from xlt.spec.languages import language
from xlt.spec.study import Contrast


def table(
    study: Study, scores: pd.DataFrame, records: Records | None = None, gates: Gates | None = None
) -> pd.DataFrame:
    """Every contrast of several cells in each of them, decided as one family; fractions. What has one cell alone is
    decided among the answers: here it would have another interval beside it. `gates`: where they have been made.
    """
    asked = [(one, cell) for one in questions(study) if len(one.cells) > 1 for cell in one.cells]
    names = [
        {"question": one.text, "target": task, "condition": condition, "outcome": one.contrast.outcome}
        for one, (task, condition) in asked
    ]
    found = _decided(study, scores, [(one.contrast, [cell]) for one, cell in asked], records, gates)
    rows = [about | one._asdict() for about, (one, _) in zip(names, found, strict=True)]
    return pd.DataFrame(rows, columns=["question", "target", "condition", "outcome", *Effect._fields])


def smallest(study: Study) -> float:
    """The smallest effect of interest of a study, a fraction."""
    return study.plan.smallest / 100 if study.plan else verdicts.SMALLEST


def shown(effects: pd.DataFrame) -> pd.DataFrame:
    """A `table` to be read: points, interval, verdict."""
    texts = [told(Effect(*row)) for row in effects[list(Effect._fields)].itertuples(index=False)]
    kept = effects[["question", "target", "condition"]].assign(difference=texts, verdict=effects["verdict"])
    return kept.assign(detectable=[within_scale(x) for x in effects["detectable"]])


def told(result: Effect) -> str:
    """An effect with its interval, and how many of the runs behind it have collapsed."""
    if np.isnan(result.value):
        return NOT_RUN
    lost = f" ({counted(result.collapsed, 'run')} collapsed)" if result.collapsed else ""
    return f"{interval(result.value, result.low, result.high)}{lost}"


def answers(
    study: Study, scores: pd.DataFrame, records: Records | None = None, gates: Gates | None = None
) -> list[Answer]:
    """One answer for each question, the primary ones first.

    The primary questions of the study are one family, the others another: those that were added for a closer look
    take nothing from what the study was made for.
    """
    gates = gates or Gates(study, scores, records)
    given = []
    for primary in (True, False):
        asked = questions(study, primary)
        found = _decided(study, scores, [(one.contrast, one.cells) for one in asked], records, gates)
        given += [_answer(question, *one, scores, gates.clean) for question, one in zip(asked, found, strict=True)]
    return given


def _decided(
    study: Study,
    scores: pd.DataFrame,
    asked: Sequence[tuple[Contrast, Cells]],
    records: Records | None,
    gates: Gates | None,
) -> list[tuple[Effect, pd.DataFrame]]:
    """The effects of a family, each with the scores that it weighs."""
    gates, read = gates or Gates(study, scores, records), scores.filter(items=READ)
    weighed = [weighted(read, contrast, over) for contrast, over in asked]
    failed = gates.failed(asked, weighed)
    found = decided(scores, [contrast for contrast, _ in asked], weighed, smallest(study), records, failed)
    return list(zip(found, weighed, strict=True))


def _answer(
    question: Question, result: Effect, rows: pd.DataFrame, scores: pd.DataFrame, before: pd.DataFrame
) -> Answer:
    """`rows` are the scores that the question weighs, `before` the clean ones of the study."""
    words = _words(question.contrast, rows)[result.verdict == verdicts.LOWER]
    signed, ran = result.verdict in (verdicts.HIGHER, verdicts.LOWER), not np.isnan(result.value)
    hardly = floors.hardly_above(before, question.contrast, rows) if ran else ""
    said = [
        f"for each step of log2(1 + records / {DOUBLING})" if question.contrast.dose else "",
        words if signed and words != result.verdict else "",
        behind.both_scores(rows, question.contrast) if ran else "",
        behind.resting_on(scores, rows, question.contrast, question.cells) if signed else "",
        behind.reversed_in(scores, rows, question.contrast, question.cells) if signed else "",
        hardly if hardly not in result.why else "",  # a gate may have said it
        result.why,
    ]
    said += [f"{result.collapsed} of the runs behind it collapsed" if result.collapsed else ""]
    text = "; ".join(filter(None, said))
    asked, held = dict.fromkeys(task for task, _ in question.cells), set(rows["task"])
    targets = tuple(task for task in asked if task in held or not held)
    found = (*result[:3], result.detectable, result.verdict, result.p)
    return Answer(question.text, text, *found, question.contrast.primary, targets)


def _words(contrast: Contrast, rows: pd.DataFrame) -> tuple[str, str]:
    """What an effect above zero means, and one below: more of a loss, or of a gap, is not better.

    A gap is wider or narrower only where it is one on both sides: what closes that the lower languages led is no
    widening.
    """
    if contrast.dose and contrast.outcome == "score" and not contrast.minus:
        return "rises with the dose", "falls with the dose"
    if not (contrast.against or contrast.dose):
        return "above zero", "below zero"
    if not contrast.minus:
        return ("costs more", "costs less") if contrast.outcome == "drop" else (verdicts.HIGHER, verdicts.LOWER)
    sides = [figures(rows[rows["side"] == side]).mean() * side for side in (1, -1)]
    if contrast.dose or not all(gap > 0 for gap in sides):
        return verdicts.HIGHER, verdicts.LOWER
    what = " in what is lost" if contrast.outcome == "drop" else ""
    return f"wider{what}", f"narrower{what}"


def means(study: Study, scores: pd.DataFrame) -> pd.DataFrame:
    """arm x (target, condition): mean over languages and over seeds, t interval, the worst language.

    The languages are those in which the target was not trained; of a target that is tested in no others, all.
    """
    rows = tested(scores)
    rows = rows[rows["arm"].isin(study.labels)]
    averages = []
    name, source = trained.heading(rows), rows[trained.is_source(rows)].groupby(CELL)["value"].mean()
    rows = rows[~trained.is_source(rows) | trained.never_zero_shot(rows)]
    for cell, part in rows.groupby(CELL, sort=False):
        seeds = seed_means(part)["value"].dropna()
        languages = part.groupby("language")["value"].mean()
        about = dict(zip(("arm", "target", "condition"), cell, strict=True))
        about |= dict(zip(("mean", "low", "high"), stats.mean_interval(seeds), strict=True))
        about |= {name: source.get(cell, np.nan), "languages": len(languages), "worst": languages.min()}
        averages.append(about | {"worst language": languages.idxmin(), "seeds": len(seeds)})
    return pd.DataFrame(averages) if averages else pd.DataFrame({"arm": [NOT_RUN]})


def grid(study: Study, averages: pd.DataFrame) -> pd.DataFrame:
    """`means` to be read: arm x (target, condition), in points; a dash where the arm does not go on to the target.

    Beside a condition stands the number of its languages where that is not the clean text's; beside a mean that of its
    seeds where the arm has more under another condition, and of its languages where another arm has more. Records that
    people perturbed are read as they are: "clean" would be said of their twin.
    """
    if "mean" not in averages:
        return averages
    averages = averages.assign(condition=_counted(averages))
    texts = of_fewer_seeds(map(plus_minus, averages["mean"], averages["high"]), averages)
    texts = _of_fewer_languages(texts, averages)
    wide = averages.assign(text=texts).pivot(index="arm", columns=["target", "condition"], values="text")
    order = list(dict.fromkeys(zip(averages["target"], averages["condition"], strict=True)))
    wide = wide.reindex(index=study.labels, columns=pd.MultiIndex.from_tuples(order, names=wide.columns.names))
    for label, arm in study.plan.arms.items():
        for target in {target for target, _ in order} - set(arm.targets or study.targets):
            wide.loc[label, target] = DASH
    return wide.fillna(NOT_RUN)


def _counted(averages: pd.DataFrame) -> list[str]:
    most = averages.groupby(["target", "condition"])["languages"].transform("max")
    clean = most.where(averages["condition"] == CLEAN).groupby(averages["target"]).transform("max")
    names = averages["condition"].mask(
        averages["target"].map(_perturbed) & (averages["condition"] == CLEAN), "as it is"
    )
    told = most.astype(str).mask(most == 1, averages["worst language"])  # of one language its name says more
    return [f"{c} ({n})" if m != all_ else c for c, n, m, all_ in zip(names, told, most, clean, strict=True)]


def _perturbed(target: str) -> bool:
    """Whether the records of a task were perturbed by people."""
    return bool(tasks.get(target).clean)


def _of_fewer_languages(texts: Sequence[str], averages: pd.DataFrame) -> list[str]:
    most = averages.groupby(["target", "condition"])["languages"].transform("max")
    return [
        f"{text} ({have} of {all_} languages)" if have < all_ else text
        for text, have, all_ in zip(texts, averages["languages"], most, strict=True)
    ]


def gaps(scores: pd.DataFrame) -> pd.DataFrame:
    """Each variety below its standard language, absolute and relative to it: mean over seeds, t interval, by arm."""
    wide = clean(scores).pivot_table(index=["arm", "task", "seed"], columns="language", values="value", sort=False)
    standards = {code: language(code).standard for code in wide}
    differences = []
    for code, standard in ((code, standard) for code, standard in standards.items() if standard in wide):
        for (arm, task), part in wide[[standard, code]].dropna().groupby(level=["arm", "task"], sort=False):
            mean, low, high = stats.mean_interval(part[standard] - part[code])
            relative = mean / part[standard].mean() if part[standard].mean() else np.nan
            about = {"variety": code, "standard": standard, "target": task, "arm": arm}
            differences.append(about | {"gap": mean, "low": low, "high": high, "relative gap": relative})
    columns = ["variety", "standard", "target", "arm", "gap", "low", "high", "relative gap"]
    return pd.DataFrame(differences, columns=columns)


def shown_gaps(table: pd.DataFrame) -> pd.DataFrame:
    """`gaps` to be read: points, and the share of the standard language's score."""
    bounds = zip(table["gap"], table["low"], table["high"], strict=True)
    shares = [DASH if np.isnan(share) else f"{points(share)} %" for share in table["relative gap"]]
    kept = table[["variety", "standard", "target", "arm"]]
    return kept.assign(gap=[interval(*one, sign=False) for one in bounds], relative=shares)


def forgetting(scores: pd.DataFrame) -> pd.DataFrame:
    """English dev score of each intermediate task after every stage (rows: what was trained, in its order).

    Mean over seeds and its 95 % t interval, fractions; a stage that came before the task was ever trained has none.
    `guess`: what a guess scores there, where that is known.
    """
    rows = scores[scores["main"].astype(bool) & (scores["split"] == "dev") & scores["arm"].str.startswith(AFTER)]
    stages = []
    for (arm, task), part in rows.groupby(["arm", "task"], sort=False):
        mean, low, high = over_seeds(part)
        seeds = seed_means(part)["value"].notna().sum()
        about = {"after": arm.removeprefix(AFTER), "task": task, "mean": mean, "low": low, "high": high}
        stages.append(about | {"seeds": seeds, "guess": part["guess"].mean() if "guess" in part else np.nan})
    return pd.DataFrame(stages, columns=["after", "task", "mean", "low", "high", "seeds", "guess"])


def forgotten(left: pd.DataFrame) -> pd.DataFrame:
    """`forgetting` to be read: what was trained, in its order x task, in points; a dash before a task was trained."""
    wide = left.assign(text=list(map(plus_minus, left["mean"], left["high"]))).pivot(
        index="after", columns="task", values="text"
    )
    rows = sorted(wide.index, key=lambda after: (after.count("→"), list(left["after"]).index(after)))
    return wide.loc[rows, list(dict.fromkeys(left["task"]))].fillna(DASH)
