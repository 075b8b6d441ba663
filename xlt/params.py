"""Profiles: YAML files in params/, checked field by field before anything starts.

A profile may `extends` another and then states only what differs; `bare` has nothing to take out. What is in a Stage or
an Encoder decides results; `resources` never does.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property, reduce
from itertools import takewhile
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, Field, PositiveInt, PrivateAttr, ValidationError

from xlt import durations, spoken, stages, tasks
from xlt.arms import CLEAN, Plan, Settings, check_chosen, written_out
from xlt.errors import UserError, unknown
from xlt.files import read_yaml
from xlt.languages import Codes, Own, language
from xlt.paths import ROOT
from xlt.recipe import PACKAGED, Encoder, Evaluation, Stage

REPEATED = "target"  # as the task of a control: whatever the target is


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
    """How to run, never what: processes at a time, threads of each, evaluation batch, minutes between checkpoints.

    `precision` is one of fp32 and bf16 (matrix products alone); unless given, bf16 on a GPU and fp32 on a CPU. It is
    recorded with every score, as rounding moves scores by less than seeds do.

    Sums are rounded otherwise with another number of threads, and training makes large differences of small ones. So
    both numbers of threads hold on every machine, however many cores it has; `pretraining_threads` are of pretraining,
    which most other runs wait for.

    `per_gpu` workers share a GPU. `scheduler` is the address of a scheduler of dask.distributed, or its scheduler file
    (.json): runs then execute in its workers, on however many machines.
    """

    workers: PositiveInt | None = None
    per_gpu: PositiveInt = 1
    scheduler: str = ""
    threads: PositiveInt = 1
    pretraining_threads: PositiveInt = 2
    precision: Literal["fp32", "bf16"] | None = None
    eval_batch: PositiveInt = 128
    checkpoint_minutes: float = Field(10.0, gt=0)


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
    tasks: dict[str, dict[str, Any]] = {}  # tasks of the user's own, declared as in xlt/tasks.yaml
    resources: Resources = Resources()
    _added: frozenset[str] = PrivateAttr(
        frozenset()
    )  # tasks that a file declares which takes `languages` from its base

    def learn_tasks(self) -> None:
        """Make the user's own tasks known to this process."""
        tasks.add(
            tasks.parse(name, spoken.found(name, fields, self.name), self.name) for name, fields in self.tasks.items()
        )

    def asked(self, task: str) -> tuple[str, ...]:
        """Languages that the profile names for evaluations of the task, () for the task's own.

        Those that it takes from its base were named without knowing of the tasks that it adds: they hold for the
        base's alone.
        """
        return () if task in self._added else self.languages

    def stage(self, task: str, role: Literal["intermediate", "target"], before: str | None = None) -> Stage:
        """The stage that learns `task` in this profile; fields: `training`, then those of the task.

        A target is learned from its training task: XNLI from MNLI, XQuAD and MLQA both from SQuAD, so that they
        share a run where they are trained alike. An intermediate entry is named by its task or by any label:
        then it says `task`. A control is an intermediate entry; that of the task `target` learns the target that it
        comes `before`, as that is learned afterwards but for what the control says: training on it for longer.

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
        """Whether the control of that name learns the target itself; targets without a head have none like that."""
        return self.controls.get(control, {}).get("task") == REPEATED

    def study_stage(self, name: str, study: str) -> Stage:
        """The intermediate stage `name` of a study: its own, the profile's, or one of the task of that name."""
        plan = self.studies[study]
        fields = {**self.intermediate.get(name, {}), **plan.training, **plan.stages.get(name, {})}
        return self._stage(name, "intermediate", fields, f"{self.name}: studies.{study}: {name}")

    def study_target(self, task: str, study: str, arm: str) -> Stage:
        """The target stage of an arm: as under `target`, of the task or one that is trained on the same data."""
        alike = [t for t in self.target if tasks.get(t).training == tasks.get(task).training]
        fields = self.target[task if task in alike else alike[0]] if alike else {}
        over = self.studies[study].arms[arm].fields(task, self.studies[study].targets)
        return self._stage(task, "target", {**fields, **over}, f"{self.name}: studies.{study}: {arm} → {task}")

    def _stage(self, task: str, role: str, fields: Mapping[str, Any], where: str) -> Stage:
        fields = {"task": task, **self.training, **fields, "role": role, "label": task}
        if role == "target":
            fields |= {"task": tasks.get(task).training.name, "label": ""}
        stage = parse(Stage, stages.spoken(fields, where), where)
        stages.check(stage, where)
        return stage

    def evaluate(self, task: str, code: str, over: Mapping[str, Any] | None = None) -> Evaluation:
        """How `task` is evaluated in one language: the profile's default fields, those of the task, then `over`."""
        fields = {**self.evaluation.get("default", {}), **self.evaluation.get(task, {}), **(over or {})}
        return parse(Evaluation, {"task": task, "language": code, **fields}, f"{self.name}: evaluation.{task}")

    def check_study(self, name: str) -> None:
        """Hold all that a study names against what there is.

        Raises:
            UserError: an unknown task, language, stage, condition or perturbation; a condition that no column of the
                scores tells from another or from clean text.
        """
        from xlt import perturb
        from xlt.perturb import attacks

        plan, where = self.studies[name], f"{self.name}: studies.{name}"
        for code in (*plan.languages, *plan.pairs):
            language(code)
        for label, arm in plan.arms.items():
            for stage in arm.stages:
                if stage not in plan.stages and stage not in self.intermediate and stage not in tasks.TASKS:
                    raise unknown("stage", stage, [*plan.stages, *self.intermediate, *tasks.TASKS], where)
                self.study_stage(stage, name)
            for target in arm.targets or plan.targets:
                if not tasks.get(target).headless:
                    self.study_target(target, name, label)
        for task in (*plan.targets, *plan.dev):
            tasks.get(task)
        for contrast in plan.contrasts:
            for code in (*contrast.languages, *contrast.minus):
                check_chosen(code, f"{where}: '{contrast.question}'")
        read = {tuple(self.evaluate(plan.targets[0], "en").conditions.values()): CLEAN}
        for label, fields in plan.conditions.items():
            evaluation = parse(Evaluation, {"task": plan.targets[0], **fields}, f"{where}: conditions.{label}")
            columns = tuple(self.evaluate(plan.targets[0], "en", fields).conditions.values())
            if (other := read.setdefault(columns, label)) != label:
                raise UserError(f"{where}: conditions.{label}: reads the test sets like {other}; leave one of them out")
            if evaluation.perturbation:
                perturb.get(evaluation.perturbation)
            if evaluation.attack:
                attacks.known(evaluation.attack)

    @property
    def phases(self) -> list[Stage]:
        """The stages under `intermediate`, `controls` and `target`: without them there is nothing to run."""
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
        """Every stage the profile declares; reading it checks them all."""
        arms = [
            (study, name) for study, plan in self.studies.items() for arm in plan.arms.values() for name in arm.stages
        ]
        return self.phases + [self.study_stage(name, study) for study, name in dict.fromkeys(arms)]

    @property
    def studied(self) -> list[str]:
        """The tasks of the studies: learned in their stages, then their targets. What is not here is left out there."""
        learned = [part.task for stage in self.stages[len(self.phases) :] for part in stage.parts]
        return list(dict.fromkeys([*learned, *(target for plan in self.studies.values() for target in plan.targets)]))

    def check_lengths(self, positions: int | None, restart: bool, where: str) -> None:
        """Hold every max_length against the `positions` of the encoder (None: it takes any).

        Raises:
            UserError: a sequence may be longer than the encoder takes.
        """
        learned = [*([self.pretraining] if self.pretraining else []), *self.stages]
        lengths = [(stage.task, stage.max_length, stages.longest(stage, restart)) for stage in learned]
        for task in dict.fromkeys([*self.target, *(part.task for stage in self.stages for part in stage.parts)]):
            length = self.evaluate(task, "en").max_length
            lengths.append((f"evaluation.{task}", length, length))
        for name, length, longest in lengths:
            if positions and longest > positions:
                raise UserError(f"{where}: {name}: max_length {length}: too few encoder.positions ({positions})")


def _one_line(error: ValidationError, model: type[BaseModel], where: str) -> UserError:
    first = error.errors()[0]
    path = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return unknown("setting", path.split(".")[-1], _fields(model, first["loc"][:-1]), where)
    if first["type"] == "value_error":  # said by a validator of ours
        return UserError(": ".join(filter(None, [where, path, str(first["ctx"]["error"])])))
    got = "" if first["type"] == "missing" else f", got {first['input']!r}"
    return UserError(f"{where}: {path}: {first['msg'].lower()}{got}")


def _fields(model: type[BaseModel], path: tuple[Any, ...]) -> list[str]:
    """Names of the fields of the model nested at `path`, for the "did you mean"."""
    for part in path:
        field = model.model_fields.get(part)
        kinds = [field.annotation, *getattr(field.annotation, "__args__", ())] if field else []
        model = next((k for k in kinds if isinstance(k, type) and issubclass(k, BaseModel)), model)
    return list(model.model_fields)


def parse(model: type[BaseModel], fields: Any, where: str) -> Any:
    """`fields` as the settings `model`.

    Raises:
        UserError: an unknown setting, or a value of the wrong type.
    """
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        raise _one_line(error, model, where) from None


def _merge(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """`base` with what `over` says differently; null takes an entry out, or stands where there is none to take out."""
    merged = dict(base)
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = _merge(merged[key], value) if both else value
    taken_out = {key for key, value in over.items() if value is None and base.get(key) is not None}
    return {key: value for key, value in merged.items() if key not in taken_out}


def _read(path: Path) -> dict[str, Any]:
    return reduce(_over, reversed(_files(path)), {})


def _over(base: dict[str, Any], content: dict[str, Any]) -> dict[str, Any]:
    return durations.nearest(content, _merge(base, content))


def _files(path: Path, above: tuple[Path, ...] = ()) -> list[dict[str, Any]]:
    """What the file at `path` says, then what the file that it extends says, and so on."""
    if path in above:
        raise UserError(f"{path.name} extends itself; give it another base")
    try:
        content = read_yaml(path)
    except UnicodeDecodeError as error:
        raise UserError(f"{path.name} is not UTF-8 (byte {error.start}); save it as UTF-8") from None
    except yaml.YAMLError as error:
        raise UserError(f"{path.name} is not valid YAML: {' '.join(str(error).split())}") from None
    if not isinstance(content, dict):
        raise UserError(f"{path.name} holds no settings; begin with `extends: bare`")
    if "tasks" in content:
        content["tasks"] = _placed(content["tasks"], path.resolve().parent)
    if isinstance(content.get("studies"), dict):
        content["studies"] = {name: written_out(study) for name, study in content["studies"].items()}
    base = content.pop("extends", None)
    return [content, *(_files(_find(str(base), _PARTS[:2]), (*above, path)) if base else [])]


def _added(files: list[dict[str, Any]]) -> frozenset[str]:
    """The tasks that are declared above (in the order of `_files`) of the first file that names languages."""
    silent = takewhile(lambda content: not content.get("languages"), files)
    return frozenset(name for content in silent for name in content.get("tasks") or ())


def _placed(declared: Any, folder: Path) -> Any:
    """Tasks, their data sets' paths taken from the folder of the file that declares them."""
    if not isinstance(declared, dict):
        return declared
    placed = {key: _placed(value, folder) for key, value in declared.items()}
    if str(placed.get("dataset")).startswith("."):
        place = (folder / placed["dataset"]).resolve()
        placed["dataset"] = f"./{place.relative_to(ROOT)}" if place.is_relative_to(ROOT) else str(place)
    return placed


_PARTS = ("studies", "studies_hub", "claims")  # in params/, but no profiles: to be extended, and of `xlt check`


def profiles() -> list[str]:
    return sorted(path.stem for path in (ROOT / "params").glob("*.yaml") if path.stem not in _PARTS)


def _find(name: str, known: tuple[str, ...] = ()) -> Path:
    path = Path(name)
    if path.suffix == ".yaml" and path.is_file():
        return path
    if name not in (*profiles(), *known):
        raise unknown("profile", name, profiles())
    return ROOT / "params" / f"{name}.yaml"


def extra(name: str) -> str:
    """The extra of the installation that a profile needs, "local" where its weights come in a package; else "".

    Raises:
        UserError: no such profile, or a file that cannot be read; nothing else of it is checked.
    """
    encoder = _read(_find(name)).get("encoder")
    model = encoder.get("model") if isinstance(encoder, dict) else None
    return "local" if model in PACKAGED else ""


def load(name: str) -> Profile:
    """The profile `name` (a file in params/) or the YAML file at that path, wholly checked.

    Raises:
        UserError: unknown profile, setting, task or language, or a value of the wrong type.
    """
    path = _find(name)
    profile: Profile = parse(Profile, {"name": path.stem, **_read(path)}, path.name)
    profile._added = _added(_files(path))
    profile.learn_tasks()
    if not (profile.encoder.model or profile.encoder.text):
        raise UserError(f"{path.name}: encoder: give either model, or text and languages")
    if profile.pretraining:
        stages.check(profile.pretraining, f"{path.name}: pretraining")
    for task in [*profile.target, *(name for name in profile.evaluation if name != "default")]:
        tasks.get(task)
        profile.evaluate(task, "en")
    for code in (*profile.languages, *profile.encoder.languages):
        language(code)
    if taken := [name for name in profile.controls if name in profile.intermediate or name == "none"]:
        raise UserError(f"{path.name}: controls.{taken[0]}: another row has that name; give the control one of its own")
    _ = profile.phases
    for study in profile.studies:
        profile.check_study(study)
    if not profile.encoder.model:  # of given weights the number of positions is not known here
        profile.check_lengths(profile.encoder.positions, True, path.name)
    return profile
