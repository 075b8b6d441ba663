"""Profiles: YAML files in params/, checked field by field before anything starts.

A file that `extends` another states only what differs; `bare` is the empty base. Stages, encoder and evaluations decide
results and are part of their keys; `resources` decides none.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any, Literal

from pydantic import Field, PositiveInt, PrivateAttr

from xlt.core.errors import unknown
from xlt.spec import stage_rules, tasks
from xlt.spec.languages import Codes, Own
from xlt.spec.recipe import Encoder, Evaluation
from xlt.spec.settings import parse
from xlt.spec.speed import Speed
from xlt.spec.stage import Stage
from xlt.spec.study import Plan, Settings

GPU_TOKENS = 2**14  # `resources.tokens` of a GPU: enough to keep one busy; XLM-R Large takes about 20 GB
REPEATED = "target"  # the task of a control that stands for the target, whichever that is


class World(Settings):
    """The generated world: its seed and how many records of each kind (see xlt.world)."""

    seed: int = 0
    sizes: dict[str, PositiveInt] = {}


class Data(Settings):
    """`hub` means the folder XLT_HUB_ROOT when that is set, else the hub; `revisions` pins data sets by id."""

    source: Literal["world", "hub"] = "hub"
    world: World = World()
    revisions: dict[str, str] = {}


class Resources(Settings):
    """How runs are executed; what they compute is not decided here.

    workers              processes at a time; None: as many as the machine has room for
    per_gpu              workers that share a GPU
    scheduler            address of a scheduler of dask.distributed, or its scheduler file (.json), whose workers, on
                         any number of machines, then execute the runs
    threads              of each run. Fixed, whatever the number of cores, because sums are rounded otherwise with
                         another number of threads and training makes large differences of small ones
    pretraining_threads  of pretraining, for which most other runs wait
    precision            fp32, or bf16 for matrix products; None: bf16 on a GPU and, for encoders at least 256 wide, on
                         a CPU with AMX, else fp32. It is no part of a key but recorded with every score, because
                         rounding moves scores by less than seeds do
    tokens               that go through the model at a time in training, with padding; None: 16,384 on a GPU, and on a
                         CPU the stage's `batch`. An update is computed in as many parts as that takes, whose gradients
                         add up to the same; where the memory is not enough, the parts are halved
    eval_batch           records
    card                 the GPU that a plan counts with on a machine that has none, such as H100 (xlt/lab/rates.py)
    checkpoint_minutes   between two saved states of a run, from which it is resumed
    keep                 of finished runs: `runs` keeps all; `scores` drops the weights of those that nothing in the
                         profile builds on, once all that the profile asks of them is evaluated. Their records, scores
                         and predictions stay. If more is asked of such a run later, it is trained again
    """

    workers: PositiveInt | None = None
    per_gpu: PositiveInt = 1
    scheduler: str = ""
    threads: PositiveInt = 1
    pretraining_threads: PositiveInt = 2
    precision: Literal["fp32", "bf16"] | None = None
    tokens: PositiveInt | None = None
    eval_batch: PositiveInt = 128
    card: str | None = None
    checkpoint_minutes: float = Field(10.0, gt=0)
    keep: Literal["runs", "scores"] = "runs"


class Profile(Settings):
    name: str
    description: str
    own_languages: Own = Field({}, exclude_if=lambda own: not own)  # before all that names codes
    data: Data = Data()
    encoder: Encoder
    pretraining: Stage | None = None
    languages: Codes = ()
    seeds: PositiveInt = 3
    training: dict[str, Any] = {}  # defaults of every intermediate and target stage
    intermediate: dict[str, dict[str, Any]] = {}
    controls: dict[str, dict[str, Any]] = {}  # rows of the transfer matrix that are no intermediate tasks
    target: dict[str, dict[str, Any]] = {}
    evaluation: dict[str, dict[str, Any]] = {}  # per task, over "default"
    studies: dict[str, Plan] = {}  # of each notebook study_NAME
    tasks: dict[str, dict[str, Any]] = {}  # tasks of the user's own, declared as in xlt/spec/tasks.yaml
    benchmark: Speed | None = Field(None, exclude_if=lambda speed: speed is None)  # of notebook 05_speed
    resources: Resources = Resources()
    # Tasks that a file declares while it inherits `languages` from its base: see `test_languages`.
    _added: frozenset[str] = PrivateAttr(frozenset())

    def learn_tasks(self) -> None:
        """Make the user's own tasks known to this process."""
        tasks.add(tasks.parse(name, fields, self.name) for name, fields in self.tasks.items())

    def test_languages(self, task: str) -> tuple[str, ...]:
        """Languages in which the profile wants the task evaluated; () for the task's own.

        `languages` inherited from a base file were chosen for the tasks of the base. They do not hold for tasks that
        the profile adds.
        """
        return () if task in self._added else self.languages

    def stage(self, task: str, role: Literal["intermediate", "target"], before: str | None = None) -> Stage:
        """The stage of an entry under `intermediate`, `controls` or `target`: its fields over those of `training`.

        A target is trained on its training task: XNLI on MNLI, XQuAD and MLQA both on SQuAD, so that these two share a
        run where they are trained alike. An intermediate entry is named by its task, or by a label and says `task`.
        A control is an intermediate entry. A control with the task `target` trains on whatever target it comes
        `before`, with the fields of that target's stage unless it says otherwise: a baseline that trains longer.

        Raises:
            UserError: the profile has no such task in this role.
        """
        section = self.target if role == "target" else self.intermediate | self.controls
        if task not in section:
            raise unknown(f"{role} task", task, section, f"profile {self.name}")
        fields = section[task]
        if before and self.repeats(task):
            fields = {**self.target[before], **fields, "task": tasks.get(before).training.name}
        place = "controls" if role == "intermediate" and task in self.controls else role
        return self._stage(task, role, fields, f"{self.name}: {place}.{task}")

    def repeats(self, control: str) -> bool:
        """Whether the control of that name trains on the target itself. It has no stage for targets without a head."""
        return self.controls.get(control, {}).get("task") == REPEATED

    def study_stage(self, name: str, study: str) -> Stage:
        """The intermediate stage `name` of a study: its own, the profile's, or one of the task of that name."""
        plan = self.studies[study]
        fields = {**self.intermediate.get(name, {}), **plan.training, **plan.stages.get(name, {})}
        return self._stage(name, "intermediate", fields, f"{self.name}: studies.{study}: {name}")

    def study_target(self, task: str, study: str, arm: str) -> Stage:
        """The target stage of an arm, with the fields under `target` of the task or of one that trains on the same."""
        alike = [name for name in self.target if tasks.get(name).training == tasks.get(task).training]
        entry = task if task in alike else next(iter(alike), "")
        fields = self.target.get(entry, {})
        over = self.studies[study].arms[arm].fields(task, self.studies[study].targets)
        return self._stage(task, "target", {**fields, **over}, f"{self.name}: studies.{study}: {arm} → {task}")

    def _stage(self, task: str, role: str, fields: Mapping[str, Any], where: str) -> Stage:
        fields = {"task": task, **self.training, **fields, "role": role, "label": task}
        if role == "target":
            fields |= {"task": tasks.get(task).training.name, "label": ""}
        stage = parse(Stage, stage_rules.with_default_languages(fields, where), where)
        stage_rules.check(stage, where)
        return stage

    def evaluate(self, task: str, code: str, over: Mapping[str, Any] | None = None) -> Evaluation:
        """How `task` is evaluated in one language. Fields of `over` come before those of the task and the default."""
        fields = {**self.evaluation.get("default", {}), **self.evaluation.get(task, {}), **(over or {})}
        return parse(Evaluation, {"task": task, "language": code, **fields}, f"{self.name}: evaluation.{task}")

    @property
    def starts_from(self) -> str:
        """The encoder of the phases in words."""
        if self.encoder.model:
            return self.encoder.called
        return f"random XLM-R, {'pretrained in phase 1' if self.pretraining else 'not pretrained'}"

    @property
    def phases(self) -> list[Stage]:
        """The stages under `intermediate`, `controls` and `target`."""
        trained = [t for t in self.target if not tasks.get(t).headless]
        repeated = [name for name in self.controls if self.repeats(name)]
        others = [name for name in self.intermediate | self.controls if name not in repeated]
        return (
            [self.stage(name, "intermediate") for name in others]
            + [self.stage(name, "intermediate", t) for name in repeated for t in trained]
            + [self.stage(t, "target") for t in trained]
        )

    @cached_property
    def stages(self) -> list[Stage]:
        """Every stage that the profile declares but pretraining. Making them checks them."""
        arms = [
            (study, name) for study, plan in self.studies.items() for arm in plan.arms.values() for name in arm.stages
        ]
        return self.phases + [self.study_stage(name, study) for study, name in dict.fromkeys(arms)]

    @property
    def studied(self) -> list[str]:
        """The tasks of the studies, trained or tested. A study goes without those that cannot be had."""
        learned = [part.task for stage in self.stages[len(self.phases) :] for part in stage.parts]
        return list(dict.fromkeys([*learned, *(target for plan in self.studies.values() for target in plan.targets)]))
