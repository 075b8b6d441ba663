"""The page of a study, the same for all studies: its answer first, then its design, its tables and its records."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import pandas as pd

from xlt.analysis import contrasts, doses, gates, outcome_tables, phases, questions, score_tables
from xlt.analysis.arms import DOUBLING
from xlt.analysis.records import Records
from xlt.core.text import NOT_RUN, counted, plain, points
from xlt.data import contamination, exposure
from xlt.lab import estimate
from xlt.lab.lab import Lab
from xlt.lab.outcomes import stored
from xlt.lab.studies import Study
from xlt.report import condition_means, plans, study_figures
from xlt.report.artifacts import keep
from xlt.report.outputs import Markdown, Outputs, Sentence, folded
from xlt.report.sentences import decided, in_words, lead, passed_gates, spread
from xlt.report.summary import about, save_answers


def records(lab: Lab) -> Records:
    """What stored evaluations have found, record by record: intervals cross them with the seeds."""
    return Records(stored(lab.store))


def save_outcomes(lab: Lab, scores: pd.DataFrame, name: str = "outcomes") -> str:
    """The same as a file of the report, from which a reader can make every interval again."""
    count = outcome_tables.save(scores, stored(lab.store), lab.reports / f"{name}.parquet")
    return f"{name}.parquet: the outcomes behind {counted(count, 'score')}"


@dataclass(frozen=True)
class StudyPage:
    """What the notebook of a study shows. Each part is kept in the report under the study's name."""

    lab: Lab
    study: Study
    scores: pd.DataFrame

    @cached_property
    def _records(self) -> Records:
        return records(self.lab)

    @cached_property
    def _gates(self) -> gates.Gates:
        return gates.Gates(self.study, self.scores, self._records)

    @cached_property
    def _effects(self) -> pd.DataFrame:
        """Every question in each target and condition: half a minute of work, needed twice."""
        return contrasts.table(self.study, self.scores, self._records, self._gates)

    @property
    def _seeds(self) -> int:
        """How many seeds the study has; None in a plan: as many as the profile."""
        return self.study.seeds or self.lab.profile.seeds

    def answers(self) -> Outputs:
        """The answer in a sentence, every question as a row of a figure, and each of them in words."""
        answers = contrasts.answers(self.study, self.scores, self._records, self._gates)
        save_answers(self.lab, f"study_{self.study.name}", self.study.question, answers)
        means = condition_means.told(self.scores)
        caption = "Each question over all targets and conditions (with its interval) and in each of them (grey)."
        caption = " ".join(filter(None, (caption, means)))
        figure = study_figures.forest(answers, self._effects, self._seeds)
        figure = keep(self.lab, figure, f"{self.study.name}_answers", caption)
        said = (lead(self.study.question, answers), *filter(None, [Sentence(means)]), self._checked())
        return Outputs((*said, figure, *self._doses(), in_words(answers)))

    def _doses(self) -> list[Any]:
        """A figure for each question about a dose: the scores behind its slope."""
        figures = []
        for number, contrast in enumerate((one for one in self.study.contrasts if one.dose), 1):
            curve = doses.curve(self.study, self.scores, contrast)
            name = f"{self.study.name}_dose_{number}"
            caption = (
                f"{contrast.question} Every dose: mean over seeds and its 95 % t interval; points (fractions in the "
                f"csv). A dose is counted in steps of log2(1 + records / {DOUBLING}): the first {DOUBLING} records are "
                f"one step, and each further step doubles what there is with {DOUBLING} added."
            )
            keep(self.lab, curve, name, caption)
            figures.append(keep(self.lab, study_figures.dose(curve, contrast.question), name, caption))
        return figures

    def _checked(self) -> Sentence | Outputs:
        """What had to hold before any verdict: what failed by name, all checks as a table below it."""
        checks = self._gates.checks
        if not checks:
            return Sentence("What had to hold before a verdict could not be checked: these scores lack a guess.")
        caption = (
            "What must hold before a verdict, in points: a score passes that lies three standard errors, over seeds "
            "and records, above what an answer without any learning scores (guess); where the records are not "
            "known, the error is at least that of a guess. Of shuffled labels the guess is the score after them."
        )
        if any(one.gate == "adversary" for one in checks):
            caption += (
                " Of an adversary score and guess are the loss at its worst points and that of the clean text, in "
                "percent of the latter."
            )
        return keep(
            self.lab, gates.frame(checks), f"{self.study.name}_gates", caption, gates.table(checks),
            meaning=passed_gates(checks),
        )  # fmt: skip

    def design(self) -> Outputs:
        """The arms, what is asked of them, their stages, and the tasks that they learn and are tested on; in sentences
        what cannot be had here and is not run, and what the design was to find."""
        stages = [stage for recipe in self.study.recipes.values() for stage in recipe.stages]
        schedule = phases.schedule_table(stages, partial(estimate.open_rows, self.lab.store))
        runs = self.lab.runs(self.study.recipes, (), self.study.seeds)
        asked = folded(questions.table(self.study), "Which arms each question holds against which")
        tables = (self.study.design(runs), asked, schedule, self.study.materials(self.scores))
        absent = Markdown("\n".join(f"- {NOT_RUN}: {plain(sentence)}" for sentence in self.study.absent))
        plan = plans.kept(self.lab, self.study) if self.study.plan else None
        foreseen = plans.foreseen(plan) if plan else ""
        seeds = counted(self._seeds, "paired seed")
        least = f"{seeds}; the smallest effect of interest is {points(contrasts.smallest(self.study))} points."
        return Outputs((*tables, *filter(None, (absent, Sentence(foreseen), Sentence(least)))))

    def means(self) -> Outputs:
        """Every arm on every target and condition, and how far arms and seeds lie apart."""
        means = contrasts.means(self.study, self.scores)
        grid = contrasts.grid(self.study, means)
        caption = "Every arm on every target and condition; points (fractions in the csv); (n): over n languages only."
        if met := exposure.learned(self.lab.profile.encoder, self.study.targets, self.lab.source):
            grid = grid.rename(columns={name: f"{name}{exposure.SIGN}" for name in met})
            caption += f" {exposure.LEGEND}"
        return keep(self.lab, means, f"{self.study.name}_scores", caption, grid, meaning=spread(means))

    def arms(self) -> Outputs:
        """Every seed of every arm on each target, clean, and the mean over the other conditions."""
        rows = study_figures.read_by_all(self.scores, self.study.labels)
        caption = "Every arm and seed on each target: clean, and the mean over the other conditions that all have."
        caption = " ".join(filter(None, (caption, condition_means.told(rows))))
        return keep(self.lab, study_figures.dots(self.scores, self.study.labels), f"{self.study.name}_arms", caption)

    def dials(self) -> Outputs | Sentence:
        """A figure for each dialect of which the study reads several strengths; a sentence where there is none."""
        figures = []
        for dialect in study_figures.dialled(evaluation.language for evaluation in self.study.conditions):
            caption = (
                "Score over the strength of the dialect, 0 being the standard language: mean over seeds; band: from "
                "the lowest seed to the highest; dashed: what a guess scores, below which no gap can be seen."
            )
            name = f"{self.study.name}_dial_{dialect}"
            figures.append(keep(self.lab, study_figures.dial(self.scores, dialect), name, caption))
        return Outputs(tuple(figures)) if figures else Sentence("No dialect is read in several strengths here.")

    def effects(self) -> Outputs:
        """Every question in each target and condition, and in how many of these there is a difference."""
        if self._effects.empty:
            return Outputs((Sentence("No question here has several targets or conditions: all stand under Answer."),))
        shown = contrasts.shown(self._effects)
        caption = "Questions of several targets or conditions, one by one; points (csv: fractions)."
        caption += (
            " Variances are moved towards what is usual in this table, and verdicts are after Holm's correction over "
            "it. A question of one target and condition stands under Answer alone."
        )
        meaning = decided(self._effects, "cells")
        return keep(self.lab, self._effects, f"{self.study.name}_effects", caption, shown, meaning=meaning)

    def records(self) -> Outputs:
        """Whether training records are evaluation records too, what the encoder had met before, the file of scores,
        what stands behind the numbers."""
        checked = contamination.table(self.lab.source, self.study.recipes, self.study.evaluations)
        file = score_tables.save(self.scores, self.lab.reports, f"scores_{self.study.name}")
        outcomes = save_outcomes(self.lab, self.scores, f"outcomes_{self.study.name}")
        said = (f"Leaks: {contamination.said(checked)}.", f"All scores: {file}.", f"Record by record: {outcomes}.")
        card = contamination_card(self.lab, self.study, checked, f"{self.study.name}_exposure")
        runs = [recipe for _, _, recipe in self.lab.expand(self.study.recipes, self.study.seeds)]
        return Outputs((Sentence(said[0]), card, *map(Sentence, said[1:]), about(self.lab, runs)))


def contamination_card(lab: Lab, study: Study, checked: pd.DataFrame, name: str) -> Outputs:
    """Task by task, what the encoder had met of it before any stage, and what the stages share with its test records.

    `checked`: `contamination.table` of the study.
    """
    card = exposure.card(lab.source, lab.profile.encoder, study.recipes, study.evaluations, checked)
    caption = (
        f"What {lab.profile.encoder.called} had met in its own training, and what the stages share with test sets."
    )
    return keep(lab, card, name, caption, card, meaning=exposure.said(card))
