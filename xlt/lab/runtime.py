"""The time that runs will take, from their sizes and the rates of a device (`xlt.lab.rates`)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from xlt.lab import rates, slots
from xlt.lab.estimate import records as records_of
from xlt.lab.estimate import rows, shape
from xlt.lab.rates import Rates
from xlt.spec import stage_rules, tasks
from xlt.spec.perturbations import Attack, Ball
from xlt.spec.profile import GPU_TOKENS
from xlt.spec.recipe import Evaluation, Recipe
from xlt.spec.stage import Part, Stage

if TYPE_CHECKING:
    from xlt.data.sources import Source
    from xlt.data.store import Store
    from xlt.lab.jobs import Job
    from xlt.lab.rates import Device
    from xlt.spec.profile import Profile

# Usual lengths of records in subwords, of public data sets and of the generated world; for choices that of one of them.
LENGTHS = {
    tasks.CLASSIFICATION: (45, 22), tasks.TAGGING: (25, 12), tasks.SPAN: (200, 40), tasks.CHOICE: (60, 26),
    tasks.MLM: (30, 26), tasks.RETRIEVAL: (25, 12), tasks.MINING: (30, 12), tasks.ANSWERS: (200, 40),
    tasks.DUAL: (60, 30),
}  # fmt: skip
CHOICES = 4  # of a record, where its task does not declare how many there are
EXAMPLES = 2000  # of a test set on the hub whose size is not known
QUESTION = 16  # subwords of a question, which is what of a record with a context is attacked
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
        records = records_of(self.store, stage)
        updates = stage.updates(records)
        texts = sum(
            count * self._length(part.task, stage.max_length) for part, count in zip(stage.parts, records, strict=True)
        )
        learning = updates * (rate.update + self._update(stage, records, rate))
        checks = self._checks(stage, updates) * self._check(stage, rate)
        checkpoints = learning / (60 * self.resources.checkpoint_minutes) * rate.save * 3  # with two moments of Adam
        return rate.run + rate.load + rate.save + texts * rate.learned + learning + checks + checkpoints

    def _update(self, stage: Stage, records: list[int], rate: Rates) -> float:
        """Seconds of the gradients of an update, whose task is one of the stage's parts."""
        shares = stage.batch_shares(records)
        return sum(share * self._gradients(part, stage, rate) for part, share in zip(stage.parts, shares, strict=True))

    def _gradients(self, part: Part, stage: Stage, rate: Rates) -> float:
        """With robust training each pass is made again for every ascent, but for the gradients of the weights."""
        length = self._length(part.task, stage.max_length)
        tokens = stage.update_batch * length * _texts(part.task)
        passes = math.ceil(tokens / self._budget) if self._budget else stage.accumulate
        seconds = rate.training.seconds(passes, tokens, length) * (1 + 2 / 3 * _ascents(stage.ball))
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
                task=task.name, language=code, split="dev", examples=stage.select_examples, max_length=stage.max_length
            )
            for task, _ in stage_rules.selection_tasks(stage)
            for code in stage.watched
        ]
        return sum(self.evaluation(one, rate) for one in judged)

    # evaluating ----------------------------------------------------------------------------

    def evaluation(self, evaluation: Evaluation, rate: Rates) -> float:
        """Seconds of one evaluation, without loading the model."""
        examples = self._examples(evaluation)
        length = self._length(evaluation.task, evaluation.max_length)
        readings, queries = 1 + 3 * _ascents(evaluation.ball), 0.0  # an ascent is a pass forward and backward
        if evaluation.attack:
            queried = _queries(
                evaluation.attack, QUESTION if tasks.get(evaluation.task).family == tasks.SPAN else length
            )
            readings, queries = 3, examples * queried  # before, after, and the control
        texts = examples * _texts(evaluation.task)
        tokens = (readings * texts + queries * _texts(evaluation.task)) * length
        passes = (readings * examples + queries) / self.resources.eval_batch
        python = readings * texts * length * rate.tested + queries * rate.query
        return rate.evaluation + python + rate.reading.seconds(max(1, passes), tokens, length)

    def _examples(self, evaluation: Evaluation) -> int:
        """Records that are read: those of the task, and those that they are searched among."""
        task = tasks.get(evaluation.task)
        held = rows(self.store, evaluation.task, evaluation.language, evaluation.split) or EXAMPLES
        own = min(held, evaluation.examples or held)
        pool = sum(rows(self.store, name, evaluation.language, evaluation.split) or EXAMPLES for name in task.pool)
        if task.family == tasks.ANSWERS:
            pool = own * max(0, len(self.store.source.languages(task, evaluation.split)) - 1)
        return own + pool

    def _length(self, task: str, most: int) -> float:
        return length_of(self.store.source, task, most)


def length_of(source: Source, task: str, most: int) -> float:
    """Usual subwords of a text of the task, at most `most`."""
    declared = tasks.get(task)
    usual, made = LENGTHS[declared.family]
    return min(most, made if source.label and not declared.own else usual)


def _texts(task: str) -> int:
    """Texts of a record that go through the model."""
    declared = tasks.get(task)
    if declared.family == tasks.CHOICE:
        choices = declared.columns["choices"]
        return CHOICES if isinstance(choices, str) else len(choices)
    return 2 if declared.family in (tasks.RETRIEVAL, tasks.DUAL) else 1


def _ascents(around: Ball | None) -> int:
    return {"pgd": around.steps, "fgsm": 1, "random": 0}[around.search] if around else 0


def _queries(attack: Attack, length: float) -> float:
    """Mean queries of a record: of one that is right, the text, each word taken out, and the options of a quarter of
    the words that may change, as most searches end early. (Attacks of mini: 13 to 26 queries a record.)"""
    words = 0.6 * length  # XLM-R cuts a word into 1.6 subwords
    most = 1 + words + attack.candidates * max(1.0, attack.edit_rate * words / 4)
    return RIGHT * min(attack.budget, most) + 1 - RIGHT
