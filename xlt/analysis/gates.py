"""What must hold before a contrast can mean anything: the treatment happened, and the target can show it.

intermediate  the task of each stage scores above a guess on its development set, and above the same stage with shuffled
              labels where the study has one; of a dose, after its largest
adversary     training in a ball: its adversary raises the loss, by 1 % at least; not by more, as a model that has
              become robust is one whose loss it hardly raises
target        the target is learned in the language of its training (of one that is tested in others alone: in those)
room          where a drop is asked: the clean score of every arm lies five points above a guess, else there is nothing
              to lose; where a score is asked: that of one arm at least, else arms that guess would look equivalent
changed       a perturbation changes the records

Learned means above a guess by three standard errors over seeds and records. What a guess scores is kept with each
evaluation. Where the outcomes of records are not known, the standard error counts as that of a guess at least.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from xlt.analysis import floors, inference
from xlt.analysis.arms import READ, Cells, weighted
from xlt.analysis.conditions import tested
from xlt.analysis.degenerate_runs import ERRORS, binomial_error
from xlt.analysis.estimate import shares
from xlt.analysis.family import components_of, made_of
from xlt.analysis.records import Records
from xlt.core.text import points, points_or_dash
from xlt.lab.study import AFTER, Study
from xlt.spec import conditions, trained
from xlt.spec.recipe import Recipe
from xlt.spec.study import Contrast

HARDER = 1.01  # loss at the adversary's points, as a multiple of the loss on clean records
CHANGED = 0.01  # the least share of records that a perturbation must change
OF_STAGES = ("intermediate", "shuffled labels")  # gates of the stages of an arm, whatever its target


class Gate(NamedTuple):
    """One check: of an arm, on a task; `score` against `guess`, fractions, with the standard error of their difference.

    What stands for a guess is the score with shuffled labels in a gate of that name, and of an adversary the loss on
    clean records, both losses as shares of the latter. `languages` are those that the score is of.

    `failed` says in words what failed, "" for nothing.
    """

    gate: str
    arm: str
    task: str
    score: float
    guess: float
    error: float
    failed: str
    languages: str = ""


class Gates:
    """The checks of a study: arm by arm whether each intermediate task and each target was learned (`checks`); `before`
    adds what depends on a contrast. Scores without a guess have no checks."""

    def __init__(self, study: Study, scores: pd.DataFrame, records: Records | None = None):
        self.study, self.checks = study, list[Gate]()
        # once: a study asks for it with every question in every cell; where nothing has run there is no column either
        self.clean = conditions.clean(tested(scores)) if len(scores) else scores
        self._scores = scores
        if len(scores) and "guess" in scores:
            learned = (*_intermediate(study, scores, records), *_targets(study, self.clean, records))
            self.checks = [*learned, *_adversaries(study, self.clean)]

    def before(self, contrast: Contrast, over: Cells, rows: pd.DataFrame) -> str:
        """What failed before a contrast, "" for nothing. What was planted must be found in any case.

        `over` are the cells that were asked for, `rows` the scores that the contrast weighs (`arms.weighted`): where an
        arm has not gone on to a target, that target is asked for and is not weighed.
        """
        if contrast.expect:
            return ""
        if rows.empty:
            return self._unchanged(contrast, over)
        asked = (self.clean, contrast, rows)
        failed = [
            *self._not_learned(contrast, set(rows["task"])),
            *floors.nothing_to_lose(*asked),
            *floors.nothing_to_tell_apart(*asked),
            *_hardly_changed(rows),
        ]
        failed = list(dict.fromkeys(failed))
        return "; ".join(failed[:2]) + (f" and {len(failed) - 2} more" if len(failed) > 2 else "")

    def failed(self, asked: Sequence[tuple[Contrast, Cells]], weighed: Sequence[pd.DataFrame]) -> list[str]:
        """What failed before each contrast of a family (`before`), which are given as they are there; without cells
        nothing was asked for, so nothing failed."""
        return [self.before(*one, rows) if one[1] else "" for one, rows in zip(asked, weighed, strict=True)]

    def _not_learned(self, contrast: Contrast, targets: set[str]) -> list[str]:
        planned = [self.study.plan.arms[arm].stages for arm in contrast.treated]
        stages = {" → ".join(names[:end]) for names in planned for end in range(1, len(names) + 1)}
        return [
            one.failed
            for one in self.checks
            if one.failed
            and (one.arm in stages if one.gate in OF_STAGES else one.arm in contrast.arms and one.task in targets)
        ]

    def _unchanged(self, contrast: Contrast, over: Cells) -> str:
        """Of a contrast that weighs nothing: the condition that was run and has changed none of the records."""
        rows = self._scores
        if "changed" not in rows:
            return ""
        rows = rows[rows["main"].astype(bool) & rows["arm"].isin(contrast.arms) & (rows["split"] == "test")]
        rows = rows[trained.in_languages(rows, (*contrast.languages, *contrast.minus))]
        for task, condition in over:
            changed = rows.loc[(rows["task"] == task) & (rows["condition"] == condition), "changed"]
            if len(changed) and (changed == 0).all():
                return f"{condition} changes none of the records of {task}"
        return ""


def _hardly_changed(rows: pd.DataFrame) -> list[str]:
    """The cells of which a perturbation changes hardly a record, in the languages of the contrast."""
    changed = rows.groupby(["task", "condition"], sort=False)["changed"].mean().dropna()
    return [
        f"{condition} changes {points(share)} % of the records of {task}"
        for (task, condition), share in changed.items()
        if share < CHANGED
    ]


def _intermediate(study: Study, scores: pd.DataFrame, records: Records | None) -> list[Gate]:
    dev = conditions.clean(scores[scores["main"].astype(bool) & (scores["split"] == "dev")])
    found = []
    for label, recipe in study.recipes.items():
        stage = recipe.last_stage
        if not label.startswith(AFTER) or stage is None or stage.shuffle_labels:
            continue
        for name in dict.fromkeys(stage.trains):
            rows = dev[(dev["recipe"] == label) & (dev["task"] == name)]
            arm = label.removeprefix(AFTER)
            found += _above(name, "intermediate", arm, rows, records)
            if (twin := _shuffled(study, recipe)) is not None:
                found += _above_twin(name, arm, rows, dev[(dev["recipe"] == twin) & (dev["task"] == name)], records)
    return found


def measured(
    gates: Gates, scores: pd.DataFrame, asked: Sequence[tuple[Contrast, Cells]], records: Records | None
) -> tuple[list[inference.Components], list[str]]:
    """What the contrasts of a family are made of, and what failed before each, before anything is decided."""
    read = scores.filter(items=READ)
    weighed = [weighted(read, *one) for one in asked]
    return [made_of(rows, records) for rows in weighed], gates.failed(asked, weighed)


def _shuffled(study: Study, recipe: Recipe) -> str | None:
    """The label of the recipe that differs in shuffled labels of the last stage alone."""
    last = {**recipe.stages[-1].key(), "shuffle_labels": True}
    same = (
        label
        for label, other in study.recipes.items()
        if other.stages and other.parent == recipe.parent and other.stages[-1].key() == last
    )
    return next(same, None)


def _above_twin(name: str, arm: str, rows: pd.DataFrame, twin: pd.DataFrame, records: Records | None) -> list[Gate]:
    """Of the same records of development: the difference over the languages and seeds that both have."""
    place = ["seed", "language"]
    both = rows[place].merge(twin[place])
    rows, twin = (shares(some.merge(both).assign(weight=1.0)) for some in (rows, twin))
    if rows.empty:
        return []
    scores, without = (some.groupby("seed")["value"].mean().mean() for some in (rows, twin))
    less = twin.assign(weight=-twin["weight"])
    parts = components_of(pd.concat([rows, less], ignore_index=True), records)
    error = _error(parts, _of_a_guess(twin["value"], twin["n"]))
    said = f"{name} is not clearly better learned after {arm} than with shuffled labels "
    said += f"({points(scores)} against {points(without)}{_told(error)})"
    failed = said if _low(parts, error) <= 0 else ""
    return [Gate("shuffled labels", arm, name, scores, without, error, failed, _codes(rows))]


def _adversaries(study: Study, clean: pd.DataFrame) -> list[Gate]:
    """Of arms whose target is trained at the worst points of a ball. Random points need not raise the loss."""
    found = []
    rows = clean.dropna(subset=["ball_loss"]) if "ball_loss" in clean else clean.iloc[:0]
    for (arm, task), part in rows[rows["arm"].isin(study.labels)].groupby(["arm", "task"], sort=False):
        recipe = study.recipes[part["recipe"].iloc[0]]
        if recipe.stages[-1].ball is None or recipe.stages[-1].ball.search == "random":
            continue
        seeds = part.groupby("seed")[["ball_loss", "clean_loss"]].first()
        ratio = seeds["ball_loss"] / seeds["clean_loss"]
        parts = inference.components(ratio.to_numpy())
        error = _error(parts)
        said = f"the adversary of {arm} hardly raises the loss on {task} "
        said += f"(to {points(ratio.mean())} % of the clean one{_told(error)})"
        weak = ratio.mean() < HARDER or _low(parts, error) <= 1
        failed = said if weak else ""
        found.append(Gate("adversary", arm, task, ratio.mean(), 1.0, error, failed, " ".join(trained.codes(part))))
    return found


def _targets(study: Study, clean: pd.DataFrame, records: Records | None) -> list[Gate]:
    found = []
    for (arm, task), part in clean[clean["arm"].isin(study.labels)].groupby(["arm", "task"], sort=False):
        found += learned(task, arm, part, records)
    return found


def learned(task: str, arm: str, rows: pd.DataFrame, records: Records | None) -> list[Gate]:
    """Whether the clean scores `rows` of an arm on a target are above a guess, in the language of its training where
    they hold that; no check where it is not known what a guess scores."""
    source = rows[trained.is_source(rows)]
    return _above(task, "target", arm, source if len(source) else rows, records)


def neither(said: Sequence[str]) -> str:
    """Of what is `unlearned` on each side of a difference: that no side has learned the task, so that it is one of
    guesses; "" where one has, or where it is not known of one."""
    return "; ".join(said) if all(said) else ""


def unlearned(task: str, arm: str, rows: pd.DataFrame, records: Records | None) -> str:
    """What `learned` has against an arm; "" where nothing, or where it is not known what a guess scores."""
    found = learned(task, arm, rows, records) if "guess" in rows else []
    return found[0].failed if found else ""


def _above(task: str, gate: str, arm: str, rows: pd.DataFrame, records: Records | None) -> list[Gate]:
    rows = rows.dropna(subset=["value", "guess"])
    rows = shares(rows.assign(weight=1.0))  # of seeds that have all languages
    if rows.empty:
        return []
    score, guess = rows["value"].groupby(rows["seed"]).mean(), rows["guess"].groupby(rows["seed"]).mean()
    parts = components_of(rows.assign(value=rows["value"] - rows["guess"]), records)
    error = _error(parts, _of_a_guess(rows["guess"], rows["n"]))
    # Clearly below: the records taught something that works against the task, as those do that a model gets wrong.
    below = parts.value + ERRORS * np.nan_to_num(error) < 0
    said = f"{task} is {'below a guess' if below else 'not clearly learned'} after {arm} "
    said += f"({points(score.mean())}{_told(error)}; a guess {points(guess.mean())})"
    failed = said if _low(parts, error) <= 0 else ""
    return [Gate(gate, arm, task, score.mean(), guess.mean(), error, failed, _codes(rows))]


def _codes(rows: pd.DataFrame) -> str:
    return " ".join(dict.fromkeys(rows["language"]))


def _of_a_guess(share: pd.Series, n: pd.Series) -> float:
    """The standard error of a mean over languages of shares of right answers: that of one of them, as parallel test
    sets have the same records in all."""
    return float(np.sqrt((binomial_error(share, n) ** 2).mean()))


def _error(parts: inference.Components, least: float = 0.0) -> float:
    """The standard error over seeds and records, of one seed over records alone; nan where nothing tells it.

    Where the outcomes of records are not known it is `least` at least: few seeds may agree by luck.
    """
    error, _ = inference.standard_error(parts)
    if np.isnan(parts.by_record):
        error = max(np.nan_to_num(error), least) or np.nan
    elif np.isnan(error) and parts.by_record > 0:
        error = np.sqrt(parts.by_record)
    return float(error)


def _low(parts: inference.Components, error: float) -> float:
    """The value less ERRORS standard errors, less nothing where none is known."""
    return parts.value - ERRORS * float(np.nan_to_num(error))


def _told(error: float) -> str:
    return "" if np.isnan(error) else f", standard error {points(error)}"


def frame(found: Iterable[Gate]) -> pd.DataFrame:
    """The checks as they are: fractions."""
    return pd.DataFrame([one._asdict() for one in found], columns=Gate._fields)


def table(found: Iterable[Gate]) -> pd.DataFrame:
    """The checks to be read: points."""
    columns = ["gate", "arm", "task", "languages", "score", "guess", "standard error", "passes"]
    rows = [
        (one.gate, one.arm, one.task, one.languages, points(one.score), points(one.guess), points_or_dash(one.error),
         "NO" if one.failed else "yes")
        for one in found
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)
