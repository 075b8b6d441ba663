"""`Lab`: makes recipes of a profile, runs them, and returns one table of scores."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from xlt.core import paths, progress
from xlt.core.text import counted
from xlt.data.sources import Source
from xlt.data.store import Store
from xlt.lab import columns, evaluated, hub, inputs, profiles, retention, runtime
from xlt.lab.jobs import Job, Wanted
from xlt.spec import tasks
from xlt.spec.languages import language
from xlt.spec.profile import Profile
from xlt.spec.recipe import Evaluation, Recipe
from xlt.spec.study import taken
from xlt.spec.trained import Sources

pd.set_option("display.max_colwidth", None)  # notebooks show texts in full

Report = Callable[[int, int, float, str], None]  # runs done, runs in all, seconds left, what is at work


class Lab:
    """A profile at work.

    lab = xlt.Lab.from_params("mini")
    scores = lab.run({"mnli": lab.recipe("mnli", target="xnli")}, lab.evaluations("xnli"))
    """

    def __init__(self, profile: Profile, planned: bool = False):
        self.profile = hub.ready(profile, planned)
        self.store = Store.of(profile, planned)
        self.sources = Sources(self.profile)
        self._made: dict[Recipe, list[dict[str, Any]]] = {}  # environments of stored runs

    @classmethod
    def from_params(cls, name: str, planned: bool = False) -> Lab:
        """The lab of profile `name` (in params/) or of a YAML file; only `planned`, it can do without network.

        Raises:
            UserError: anything wrong in the profile; or data sets or weights that cannot be had; or a target that
                would be learned and never evaluated.
        """
        lab = cls(profiles.load(name), planned)
        evaluated.check(lab.sources, lab.source)
        return lab

    @property
    def source(self) -> Source:
        """Where the records come from."""
        return self.store.source

    # recipes and evaluations ---------------------------------------------------------------

    def recipe(self, *intermediate: str, target: str | None = None, pretrained: bool = True) -> Recipe:
        """Pretrained encoder, then the intermediate tasks (or controls) in this order, then the target task.

        `pretrained=False` leaves out the profile's own pretraining: the control encoder.
        """
        recipe = Recipe(start=self.profile.encoder)
        if pretrained and self.profile.pretraining:
            recipe = recipe.then(self.profile.pretraining.model_copy(update={"role": "pretraining"}))
        recipe = recipe.then(*(self.profile.stage(task, "intermediate", target) for task in intermediate))
        if target and not tasks.get(target).headless:
            recipe = recipe.then(self.profile.stage(target, "target"))
        return recipe

    def languages(self, task: str, split: str | None = None) -> list[str]:
        """Languages in which `task` is evaluated (see xlt.lab.evaluated), on `split` or the profile's own."""
        return evaluated.languages(self.sources, self.source, task, split)

    def missing(self, task: str) -> list[str]:
        """Languages that the profile or the task names, but whose test records are not here."""
        return evaluated.missing(self.sources, self.source, task)

    def evaluations(self, *names: str, languages: Iterable[str] | None = None) -> list[Evaluation]:
        """One evaluation for each task and each of its languages here (or of `languages`)."""
        languages = list(languages or ())
        for code in languages:
            language(code)
        chosen = [(task, code) for task in names for code in languages or self.languages(task)]
        return [self.profile.evaluate(task, code) for task, code in chosen]

    # running -------------------------------------------------------------------------------

    def run(
        self,
        recipes: Mapping[str, Recipe],
        evaluations: Iterable[Evaluation] = (),
        seeds: int | None = None,
        conditions: Mapping[Evaluation, str] | None = None,
    ) -> pd.DataFrame:
        """Train and evaluate what is not stored yet; one row for each score.

        A recipe is evaluated on the task that its last stage trained; retrieval, which has no
        head, on every recipe that does not end with a target stage (Phang et al. 2020: Tatoeba is
        evaluated on the encoder after the intermediate stage). With XLT_STORED_ONLY in the environment nothing
        is started and the table holds what there is. `conditions` gives the evaluations their labels in the column
        condition, which the table has not without them.

        Raises:
            UserError: bad input, before anything runs; or runs that failed, after all others are done.
        """
        wanted = self.wanted(recipes, evaluations, seeds)
        jobs = self.missing_jobs(wanted)
        if jobs and os.environ.get("XLT_STORED_ONLY"):
            print(f"not done, and not started: {counted(len(jobs), 'run')}, whose cells read 'not run'")
        elif jobs:
            self.do(jobs, wanted, progress.report)
        return self._table(wanted, conditions or {})

    def missing_jobs(self, wanted: Iterable[Wanted]) -> list[Job]:
        """What is not done yet; files that changed while this process was at work count as they are now."""
        self.store.look_again()
        return self._jobs(wanted)

    def do(self, jobs: list[Job], wanted: list[Wanted], report: Report) -> None:
        """Run the jobs, which `wanted` asks for; `report` is told how far they are, as `xlt.lab.engine.run` says.

        Raises:
            UserError: bad input, before anything runs; or runs that failed, after all others are done.
        """
        asked = self._asked(wanted)
        retention.drop_evaluated(self.store, asked)
        self._execute(retention.marked(self.store, jobs, asked), report)

    def train_again(self, *recipes: Recipe) -> None:
        """Train finished runs again whose weights were dropped (`resources.keep: scores`), to load them."""
        self.store.look_again()
        if lacking := dict.fromkeys(step for recipe in recipes for step in self.store.lacking(recipe)):
            self._execute([Job(step) for step in lacking], progress.report)

    def _execute(self, jobs: list[Job], report: Report) -> None:
        inputs.read_records(self.store.source, jobs, download=True)
        self.store.look_again()  # what was fetched may say more of the records than the hub's list of files
        if again := retention.told(self.store, jobs):
            print(again)
        from xlt.lab import engine  # brings dask along, which a table of stored runs does without

        engine.run(self.profile, jobs, runtime.Estimator(self.store, self.profile), report).check()

    def _asked(self, wanted: list[Wanted]) -> list[Wanted]:
        """All that is asked of runs that may lose their weights: none here; `xlt.lab.whole` knows all notebooks."""
        return []

    def stored(
        self,
        recipes: Mapping[str, Recipe],
        evaluations: Iterable[Evaluation] = (),
        seeds: int | None = None,
        conditions: Mapping[Evaluation, str] | None = None,
    ) -> pd.DataFrame:
        """The table of `run` with what is finished; nothing is started."""
        self.store.look_again()
        return self._table(self.wanted(recipes, evaluations, seeds), conditions or {})

    def expand(self, recipes: Mapping[str, Recipe], seeds: int | None = None) -> list[tuple[str, int, Recipe]]:
        """(label, seed, recipe) for each seed (None: of as many as the profile has); a recipe with nothing left to seed
        appears once."""
        runs, seeds = [], seeds or self.profile.seeds
        for label, recipe in recipes.items():
            free = any(stage.seed is None for stage in recipe.stages)
            runs += [(label, seed, recipe.seeded(seed)) for seed in range(seeds if free else 1)]
        return runs

    def wanted(
        self, recipes: Mapping[str, Recipe], evaluations: Iterable[Evaluation], seeds: int | None = None
    ) -> list[Wanted]:
        """(label, seed, recipe, the evaluations that it takes)."""
        runs, evaluations = self.expand(recipes, seeds), list(evaluations)
        return [(label, seed, recipe, taken(recipe, evaluations)) for label, seed, recipe in runs]

    def _jobs(self, wanted: Iterable[Wanted]) -> list[Job]:
        """What is not done yet, every shared prefix once, parents first."""
        needed: dict[Recipe, dict[Evaluation, None]] = {}
        for _, _, recipe, chosen in wanted:
            missing = [e for e in chosen if not self.store.score_file(recipe, e).is_file()]
            if self.store.done(recipe) and not missing:
                continue
            needed.setdefault(recipe, {}).update(dict.fromkeys(missing))
            for step in self.store.lacking(recipe):
                needed.setdefault(step, {})
        ordered = sorted(needed, key=lambda recipe: len(recipe.stages))
        return [Job(recipe, tuple(needed[recipe])) for recipe in ordered]

    def jobs(
        self, recipes: Mapping[str, Recipe], evaluations: Iterable[Evaluation] = (), seeds: int | None = None
    ) -> list[Job]:
        """What `run` would do."""
        return self._jobs(self.wanted(recipes, evaluations, seeds))

    def _table(self, wanted: Iterable[Wanted], conditions: Mapping[Evaluation, str]) -> pd.DataFrame:
        rows = []
        for label, seed, recipe, chosen in wanted:
            made = self.environments(recipe)  # the same for all scores of the run
            for evaluation in chosen:
                if result := self.store.result(recipe, evaluation):
                    condition = {"condition": conditions[evaluation]} if conditions else {}
                    scored = columns.Scored(label, seed, recipe, evaluation, result, made)
                    rows += [row | condition for row in columns.score_rows(self.store, self.sources, scored)]
        return pd.DataFrame(rows) if rows else columns.no_scores()

    def environments(self, recipe: Recipe) -> list[dict[str, Any]]:
        """The environments of the stored runs that lead to this one, the first run first."""
        done = [step for step in recipe.lineage() if self.store.done(step)]
        for step in done:
            if step not in self._made:
                record = self.store.record(step)
                self._made[step] = [one.get("environment", {}) for one in (record, *record.get("again", ()))]
        return [environment for step in reversed(done) for environment in self._made[step]]

    def runs(
        self, recipes: Mapping[str, Recipe], evaluations: Iterable[Evaluation] | None = None, seeds: int | None = None
    ) -> pd.DataFrame:
        """The cost of every stored run behind each recipe. A run that several recipes share has several rows.

        The column `evaluating` holds the seconds that these `evaluations` took; without them, the seconds of all stored
        evaluations of the run, of other notebooks too.
        """
        evaluations = None if evaluations is None else list(evaluations)
        rows, costs = [], {}
        for label, seed, recipe in self.expand(recipes, seeds):
            for step in filter(self.store.done, recipe.lineage()):
                if step not in costs:  # its files are read once: its record, and one for each evaluation
                    chosen = None if evaluations is None else taken(step, evaluations)
                    costs[step] = columns.cost(self.store, step) | {"evaluating": self.store.evaluating(step, chosen)}
                run = {"run": self.store.id(step), "name": step.name, "recipe": label, "seed": seed}
                rows.append(run | columns.stage(step) | costs[step])
        return pd.DataFrame(rows)

    # telling -------------------------------------------------------------------------------

    @property
    def reports(self) -> Path:
        """The folder of this profile's report."""
        return paths.reports_root() / self.profile.name

    @property
    def tokenizer(self) -> Any | None:
        """The tokenizer of the profile's encoder; None as long as the encoder has not been made."""
        from xlt.models.encoder import tokenizer_of  # which brings torch along

        start = Recipe(start=self.profile.encoder)
        return tokenizer_of(self.store, start) if self.store.done(start) or self.profile.encoder.model else None

    def losses(self, recipe: Recipe) -> pd.DataFrame:
        """Mean training loss along the last stage of a stored run: columns step, loss."""
        record = self.store.record(recipe)
        losses = record["losses"]
        return pd.DataFrame(
            {"step": [round(record["steps"] * (i + 1) / len(losses)) for i in range(len(losses))], "loss": losses}
        )
