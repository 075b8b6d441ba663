"""The time that runs will take, from their sizes and the rates of a device (`xlt.lab.rates`)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from xlt.lab import rates, slots
from xlt.lab.estimate import records as records_of
from xlt.lab.estimate import rows, shape
from xlt.lab.lengths import QUESTION, Reading, reading
from xlt.lab.rates import Rates
from xlt.spec import stage_rules, tasks
from xlt.spec.perturbations import Attack, Ball
from xlt.spec.profile import GPU_TOKENS
from xlt.spec.recipe import Evaluation, Recipe
from xlt.spec.stage import Part, Stage

if TYPE_CHECKING:
    from xlt.data.store import Store
    from xlt.lab.jobs import Job
    from xlt.lab.rates import Device
    from xlt.spec.profile import Profile

EXAMPLES = 2000  # of a test set on the hub whose size is not known
RIGHT = 0.6  # share of the records that a model gets right: an attack asks for the others once and leaves them


class Estimator:
    """`estimator(job)` gives seconds; of a job that is `trained`, what its evaluations alone will take.

    `device` names one that is not here (a row of `rates.CARDS`); `elsewhere` says whether times are for such a one.
    """

    def __init__(self, store: Store, profile: Profile, device: str | None = None):
        self.store, self.profile, self.resources = store, profile, profile.resources
        self.shape = shape(profile.encoder)
        counts = {self.resources.threads, self.resources.pretraining_threads}
        self.at: dict[int, Device] = {count: rates.device(self.resources, count, device) for count in counts}
        known = {count: rates.of(profile, self.shape, at) for count, at in self.at.items()}
        self.rates: dict[int, Rates] = {count: found for count, (found, _) in known.items()}
        self.measured = known[self.resources.threads][1]
        self.elsewhere = self.at[self.resources.threads].name in rates.CARDS and not slots.gpus()
        self._known: dict[tuple[Evaluation, int], float] = {}  # many runs are evaluated alike

    @property
    def about(self) -> str:
        """In words for which device, and where its rates are from."""
        how = (
            "measured with xlt calibrate"
            if self.measured
            else "stated in xlt/lab/rates.py; xlt calibrate measures them"
        )
        return f"{self.at[self.resources.threads].name}, {how}"

    def __call__(self, job: Job, trained: bool = False) -> float:
        """Training and evaluating; the encoder is loaded for each, and for evaluations once more for each head."""
        training = 0.0 if trained or self.store.has_weights(job.recipe) else self.training(job.recipe)
        heads = {tasks.get(evaluation.task).training.name for evaluation in job.evaluations}
        rate = self._rates(job.recipe)
        evaluating = sum(self._evaluation(evaluation, job.recipe) for evaluation in job.evaluations)
        return training + evaluating + len(heads) * rate.load

    def _evaluation(self, evaluation: Evaluation, recipe: Recipe) -> float:
        key = evaluation, slots.threads(recipe, self.resources)
        if key not in self._known:
            self._known[key] = self.evaluation(evaluation, self._rates(recipe))
        return self._known[key]

    def _rates(self, recipe: Recipe) -> Rates:
        return self.rates[slots.threads(recipe, self.resources)]

    # training ------------------------------------------------------------------------------

    def training(self, recipe: Recipe) -> float:
        """The last stage of a recipe, with what stands around it; of a starting encoder, drawing and saving it."""
        stage, rate = recipe.last_stage, self._rates(recipe)
        if stage is None:
            return rate.run + rate.save
        readings = [self._reading(part.task, stage) for part in stage.parts]
        windows = [n * one.windows for n, one in zip(records_of(self.store, stage), readings, strict=True)]
        updates = stage.updates(windows)
        texts = sum(count * one.length for count, one in zip(windows, readings, strict=True))
        learning = updates * (rate.update + self._update(stage, windows, rate))
        checks = self._checks(stage, updates) * self._check(stage, rate)
        checkpoints = learning / (60 * self.resources.checkpoint_minutes) * rate.save * 3  # with two moments of Adam
        return rate.run + rate.load + rate.save + texts * rate.learned + learning + checks + checkpoints

    def _update(self, stage: Stage, windows: list[float], rate: Rates) -> float:
        """Seconds of the gradients of an update, whose task is one of the stage's parts."""
        shares = stage.batch_shares(windows)
        return sum(share * self._gradients(part, stage, rate) for part, share in zip(stage.parts, shares, strict=True))

    def _gradients(self, part: Part, stage: Stage, rate: Rates) -> float:
        """With robust training each pass is made again for every ascent, but for the gradients of the weights."""
        read = self._reading(part.task, stage)
        tokens = stage.update_batch * read.tokens
        passes = math.ceil(tokens / self._budget) if self._budget else stage.accumulate
        seconds = rate.training.seconds(passes, tokens, read.length) * (1 + 2 / 3 * _ascents(stage.ball))
        if tasks.get(part.task).family == tasks.MLM:
            masked = stage.mask if stage.mask_other is None else (stage.mask + stage.mask_other) / 2
            seconds += tokens * masked * rate.word
        return seconds

    @property
    def _budget(self) -> int | None:
        """Subwords of a micro-batch; None: the batch of the stage."""
        on_gpu = not self.at[self.resources.threads].threads
        return self.resources.tokens or (GPU_TOKENS if on_gpu else None)

    def _checks(self, stage: Stage, updates: int) -> int:
        """Development scores of a stage that stops at none of them."""
        if stage.select == "last":
            return 0
        return math.ceil(updates / stage.check_every) if stage.check_every else min(stage.checks, updates)

    def _check(self, stage: Stage, rate: Rates) -> float:
        judged = [
            Evaluation(
                task=task.name,
                language=code,
                split="dev",
                examples=stage.select_examples,
                max_length=stage.max_length,
                stride=stage.stride,
            )
            for task, _ in stage_rules.selection_tasks(stage)
            for code in stage.watched
        ]
        return sum(self.evaluation(one, rate) for one in judged)

    # evaluating ----------------------------------------------------------------------------

    def evaluation(self, evaluation: Evaluation, rate: Rates) -> float:
        """Seconds of one evaluation, without loading the model."""
        read = self._reading(evaluation.task, evaluation)
        examples = self._examples(evaluation) * read.windows
        readings, queries = 1 + 3 * _ascents(evaluation.ball), 0.0  # an ascent is a pass forward and backward
        if evaluation.attack:
            attacked = QUESTION if tasks.get(evaluation.task).family == tasks.SPAN else read.length
            readings, queries = 3, examples * _queries(evaluation.attack, attacked)  # before, after, and the control
        texts = readings * examples + queries
        python = readings * examples * read.tokens * rate.tested + queries * rate.query
        passes = max(1, texts / self.resources.eval_batch)
        return rate.evaluation + python + rate.reading.seconds(passes, texts * read.tokens, read.length)

    def _examples(self, evaluation: Evaluation) -> int:
        """Records that are read: those of the task, and those that they are searched among."""
        task = tasks.get(evaluation.task)
        held = rows(self.store, evaluation.task, evaluation.language, evaluation.split) or EXAMPLES
        own = min(held, evaluation.examples or held)
        pool = sum(rows(self.store, name, evaluation.language, evaluation.split) or EXAMPLES for name in task.pool)
        if task.family == tasks.ANSWERS:
            pool = own * max(0, len(self.store.source.languages(task, evaluation.split)) - 1)
        return own + pool

    def _reading(self, task: str, taken: Stage | Evaluation) -> Reading:
        """What of a record of a task goes through the model where it is cut as in a stage or an evaluation."""
        return reading(self.store.source, task, taken.max_length, taken.stride)


def _ascents(around: Ball | None) -> int:
    return {"pgd": around.steps, "fgsm": 1, "random": 0}[around.search] if around else 0


def _queries(attack: Attack, length: float) -> float:
    """Mean queries of a record: of one that is right, the text, each word taken out, and the options of a quarter of
    the words that may change, as most searches end early. (Attacks of mini: 13 to 26 queries a record.)"""
    words = 0.6 * length  # XLM-R cuts a word into 1.6 subwords
    most = 1 + words + attack.candidates * max(1.0, attack.edit_rate * words / 4)
    return RIGHT * min(attack.budget, most) + 1 - RIGHT
