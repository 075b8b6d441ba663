"""The recipes and evaluations of each notebook, declared once: the notebook runs them, `xlt plan` counts them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from xlt import perturb
from xlt.core.text import NOT_RUN
from xlt.data import rows
from xlt.evaluation import conditions
from xlt.lab import estimate, evaluated
from xlt.lab.lab import Lab
from xlt.models import robust
from xlt.spec import tasks
from xlt.spec.recipe import Evaluation, Recipe
from xlt.spec.stage import Stage
from xlt.spec.stage_rules import dev_language
from xlt.spec.study import CLEAN, PAIR, Contrast, Control, Plan, takes

WORD_LISTS = "README, Word lists, says where there are some"
AFTER = "after "  # a recipe so called is an arm up to one of its intermediate stages


@dataclass(frozen=True)
class Study:
    """Recipes by label, and the evaluations that those of them take that can."""

    recipes: dict[str, Recipe]
    evaluations: list[Evaluation] = field(default_factory=list)
    plan: Plan | None = None  # where a profile declares the study
    arms: dict[str, str] = field(default_factory=dict)  # recipe's label -> arm's
    conditions: dict[Evaluation, str] = field(default_factory=dict)  # evaluation -> the plan's label, clean or pair
    absent: tuple[str, ...] = ()  # what could not be had, in sentences

    def run(self, lab: Lab) -> pd.DataFrame:
        """The scores as `Lab.run` gives them, with the columns arm and condition (the plan's label, clean or pair)."""
        for sentence in self.absent:
            print(f"not run: {sentence}")
        scores = lab.run(self.recipes, self.evaluations, self.plan.seeds if self.plan else None)
        if scores.empty:
            return scores.assign(arm="", condition="")
        names = {(e.task, *e.conditions.values()): label for e, label in self.conditions.items()}
        read = ["task", *self.evaluations[0].conditions]
        said = [names[tuple(row.values())] for row in scores[read].to_dict("records")]
        return scores.assign(arm=scores["recipe"].map(self.arms), condition=said)

    @property
    def cells(self) -> set[tuple[str, str]]:
        """Targets and conditions that have a meaning together, in some language."""
        return {(e.task, label) for e, label in self.conditions.items() if e.split == "test"}

    @property
    def question(self) -> str:
        return self.plan.question if self.plan else "This profile does not ask it."

    @property
    def labels(self) -> tuple[str, ...]:
        """Of the arms, in their order."""
        return tuple(self.plan.arms) if self.plan else ()

    @property
    def targets(self) -> tuple[str, ...]:
        return self.plan.targets if self.plan else ()

    @property
    def contrasts(self) -> tuple[Contrast, ...]:
        return self.plan.contrasts if self.plan else ()

    def design(self) -> pd.DataFrame:
        """One row for each arm: its intermediate stages, what is otherwise in the target's stage, and its targets."""
        rows = []
        for label, arm in self.plan.arms.items() if self.plan else ():
            recipe = next((self.recipes[name] for name, of_arm in self.arms.items() if of_arm == label), None)
            stages = [stage for stage in recipe.stages if stage.role == "intermediate"] if recipe else []
            about = {"arm": label, "intermediate stages": " → ".join(map(_told, stages)) or "–"}
            about |= {"target stage": json.dumps(arm.target) + _lists(recipe) if arm.target else "as usual"}
            rows.append(
                about | {"targets": ", ".join(arm.targets or self.targets), "run": "yes" if recipe else "not run"}
            )
        return pd.DataFrame(rows or {"arm": [NOT_RUN]})

    def drawn(self, lab: Lab) -> str:
        """How many records the intermediate stages draw in each language, and what those have in common."""
        stages = [stage for recipe in self.recipes.values() for stage in recipe.stages if stage.role == "intermediate"]
        return rows.told(stages, lambda part: estimate.training_rows(lab.store, part))

    def table(self) -> pd.DataFrame:
        """One row for each recipe: its stages in order and what it is evaluated on."""
        rows = []
        for label, recipe in self.recipes.items():
            stages = " → ".join(f"{s.name} ({s.role})" for s in recipe.stages) or "(as it is)"
            on = dict.fromkeys(e.task for e in self.evaluations if takes(recipe, e))
            rows.append({"recipe": label, "stages": stages, "evaluated on": ", ".join(on)})
        return pd.DataFrame(rows)


def _lists(recipe: Recipe | None) -> str:
    """Which word lists the copies of the last stage's records are made with: ", with neighbours.json"."""
    stage = recipe.stages[-1] if recipe and recipe.stages else None
    if not (stage and stage.augment):
        return ""
    files = {name for code in stage.languages for name in perturb.files(stage.augment.perturbation, code)}
    return f", with {' and '.join(sorted(files))}" if files else ""


def _told(stage: Stage) -> str:
    """A stage in a cell: "mnli (94 updates)"."""
    return f"{stage.name} ({stage.duration})"


def _split(names: Iterable[str]) -> tuple[list[str], list[str]]:
    """Targets with a training stage, and those without one."""
    trained = [name for name in names if not tasks.get(name).headless]
    return trained, [name for name in names if name not in trained]


def _direct(lab: Lab, targets: list[str], *intermediate: str, pretrained: bool = True) -> dict[str, Recipe]:
    """training task: recipe, once for all the targets that are trained alike (XQuAD and MLQA)."""
    found = {lab.recipe(*intermediate, target=target, pretrained=pretrained): target for target in reversed(targets)}
    return {target: recipe for recipe, target in reversed(found.items())}


def pretrained(lab: Lab) -> Study:
    """Phase 1: the encoder as it is, and as a control direct fine-tuning without pretraining (where that is ours)."""
    trained, headless = _split(lab.profile.target)
    recipes = {"pretrained": lab.recipe()}
    if lab.profile.pretraining:
        recipes["random"] = lab.recipe(pretrained=False)
        recipes |= {f"no pretraining: {t}": r for t, r in _direct(lab, trained, pretrained=False).items()}
    return Study(recipes, lab.evaluations(*trained, *headless))


def intermediate(lab: Lab) -> Study:
    """Phase 2: one intermediate stage (or control) on the pretrained encoder; the dev scores of its tasks."""
    recipes = {name: lab.recipe(name) for name in _rows(lab) if not lab.profile.repeats(name)}
    learned = [part for recipe in recipes.values() for part in recipe.stages[-1].parts]
    evaluations = [
        lab.profile.evaluate(part.task, code).model_copy(update={"split": "dev"})
        for part in learned
        for code in evaluated.judged(lab.source, part.task, part.languages)
    ]
    return Study(recipes, list(dict.fromkeys(evaluations)))


def transfer(lab: Lab) -> Study:
    """Phase 3: every intermediate stage, none and the controls x every target, in every language."""
    trained, headless = _split(lab.profile.target)
    rows = _rows(lab)
    recipes = {f"none → {t}": r for t, r in _direct(lab, trained).items()}
    recipes |= {f"{row} → {t}": r for row in rows for t, r in _direct(lab, trained, row).items()}
    if headless:
        recipes |= {"none": lab.recipe()} | {row: lab.recipe(row) for row in rows if not lab.profile.repeats(row)}
    return Study(recipes, lab.evaluations(*trained, *headless))


def _rows(lab: Lab) -> list[str]:
    """Rows of the transfer matrix below none."""
    return [*lab.profile.intermediate, *lab.profile.controls]


def axes(lab: Lab) -> dict[str, Any]:
    """Rows and columns of the transfer matrix as the profile plans them: arguments of `tables.transfer_matrix`."""
    controls = {name: _control(lab, name) for name in lab.profile.controls}
    return {
        "intermediates": list(lab.profile.intermediate),
        "targets": list(lab.profile.target),
        "controls": controls,
    }


def _control(lab: Lab, name: str) -> Control:
    """A control of the profile in words; what repeats the target leaves out targets without a head."""
    trained, headless = _split(lab.profile.target)
    if lab.profile.repeats(name):
        long = lab.profile.stage(name, "intermediate", trained[0]).duration if trained else "no updates"
        return Control(f"the target's own training records for {long} before the target's stage", tuple(headless))
    stage = lab.profile.stage(name, "intermediate")
    labels = " with shuffled labels, which say nothing about the records" if stage.shuffle_labels else ""
    return Control(f"{'+'.join(stage.trains)}{labels}, {stage.duration}")


def retrieval(lab: Lab) -> Study:
    """Phase 4: the encoder as it is and after the first intermediate stages; every layer and pooling, one seed."""
    recipes = {"none": lab.recipe()} | {name: lab.recipe(name) for name in list(lab.profile.intermediate)[:3]}
    pairs = [name for name in lab.profile.target if tasks.get(name).family == tasks.RETRIEVAL]
    sweeps = [e.model_copy(update={"sweep": True}) for e in lab.evaluations(*pairs[:1])]
    return Study({name: recipe.seeded(0) for name, recipe in recipes.items()}, sweeps)


def planned(lab: Lab, name: str) -> Study:
    """The study `name` as the profile declares it: arms x targets, clean and under each condition where it is valid.

    What cannot be had here (training records of a stage, test records of a language) is said in `absent`; its cells
    read "not run". A profile without the study gets an empty one.
    """
    if name not in lab.profile.studies:
        return Study({}, absent=(f"the profile {lab.profile.name} declares no study {name}: nothing is run here",))
    plan = lab.profile.studies[name]
    absent: list[str] = []
    targets = [target for target in plan.targets if _had(lab, plan, target, absent)]
    recipes, arms = {}, {}
    for label, arm in plan.arms.items():
        stages = [lab.profile.study_stage(stage, name) for stage in arm.stages]
        if missing := [stage.name for stage in stages if not _trainable(lab, stage)]:
            absent.append(f"{label}: no training records of {', '.join(missing)} here")
            continue
        made = _armed(lab, name, label, stages, [t for t in targets if t in (arm.targets or targets)])
        if missing := _unlisted(lab, made.values()):
            absent.append(f"{label}: no word list for {', '.join(missing)} here; {WORD_LISTS}")
            continue
        recipes |= made
        arms |= dict.fromkeys(made, label)
    for recipe, label in _beginnings(lab, plan, name) if plan.dev else ():
        recipes.setdefault(label, recipe)
        arms.setdefault(label, label)
    read = _readings(lab, plan, targets, absent)
    return Study(recipes, list(read), plan, arms, read, tuple(dict.fromkeys(absent)))


def _had(lab: Lab, plan: Plan, target: str, absent: list[str]) -> bool:
    """Whether the target can be read here in any language, and learned if it has a head; else `absent` says it."""
    source, task = lab.store.source, tasks.get(target)
    lacks = [] if evaluated.read(lab.sources, lab.source, target, plan.languages) else ["test"]
    if not (task.headless or source.languages(task.training, "train")):
        lacks.append("training")
    if lacks:
        why = source.lacking.get(task.dataset) or source.lacking.get(task.training.dataset)
        asked = f" in {', '.join(plan.languages)}" if source.languages(task, "test") and "test" in lacks else ""
        absent.append(f"{target}: no {' and no '.join(lacks)} records{asked} here{f' ({why})' if why else ''}")
    return not lacks


def _listed(evaluation: Evaluation) -> bool:
    """Whether its perturbation or attack has all word lists that it needs in files."""
    name = evaluation.attack.name if evaluation.attack else evaluation.perturbation
    return name is None or perturb.listed(name, evaluation.language.partition("@")[0])


def _unlisted(lab: Lab, recipes: Iterable[Recipe]) -> dict[str, None]:
    """Augmentations that could only put the generated world's words into other records."""
    stages = [stage for recipe in recipes for stage in recipe.stages if stage.augment]
    named = [(stage.augment.perturbation, code) for stage in stages for code in stage.languages]
    return {name: None for name, code in named if not (_in_world(lab) or perturb.listed(name, code))}


def _in_world(lab: Lab) -> bool:
    return lab.profile.data.source == "world"


def _trainable(lab: Lab, stage: Stage) -> bool:
    source = lab.store.source
    return all(
        code in source.languages(tasks.get(part.task).training, "train")
        for part in stage.parts
        for code in part.languages
    )


def _armed(lab: Lab, study: str, label: str, stages: list[Stage], targets: list[str]) -> dict[str, Recipe]:
    """The recipes of one arm: for each target that is trained, once for all that are trained alike; and as it is."""
    arm = lab.profile.studies[study].arms[label]
    trained, headless = _split(targets)
    start, made = lab.recipe().then(*stages), {}
    for target in trained:
        recipe = start.then(lab.profile.study_target(target, study, label))
        if recipe not in made.values():
            made[f"{label} → {target}"] = recipe
    return made | ({label: start} if headless and not arm.target else {})


def _beginnings(lab: Lab, plan: Plan, name: str) -> Iterator[tuple[Recipe, str]]:
    """Every arm after each of its intermediate stages, for what has been forgotten by then."""
    for arm in plan.arms.values():
        stages = [lab.profile.study_stage(stage, name) for stage in arm.stages]
        for end in range(1, len(stages) + 1):
            if all(_trainable(lab, stage) for stage in stages[:end]):
                yield lab.recipe().then(*stages[:end]), AFTER + " → ".join(arm.stages[:end])


def _readings(lab: Lab, plan: Plan, targets: list[str], absent: list[str]) -> dict[Evaluation, str]:
    over = {"examples": plan.examples} if plan.examples else {}
    found: dict[Evaluation, str] = {}
    for target in targets:
        codes, every = evaluated.read(lab.sources, lab.source, target, plan.languages), tasks.get(target).everywhere
        if declared := [code for code in plan.languages if code not in codes and code in every]:
            absent.append(f"{target}: no test records in {', '.join(declared)} here")
        noisy = {} if target in plan.unperturbed else plan.conditions
        for label, fields in {CLEAN: {}, **noisy}.items():
            read = [lab.profile.evaluate(target, code, over | fields) for code in codes]
            lists = [] if _in_world(lab) else [e.language for e in read if not _listed(e)]
            if lists:
                absent.append(f"{label}: no word list for {', '.join(lists)} here; {WORD_LISTS}")
            found |= dict.fromkeys((e for e in read if e.language not in lists and conditions.valid(e)), label)
        if plan.pairs and "text_b" in tasks.get(target).columns:
            paired = [lab.profile.evaluate(target, code, over) for code in plan.pairs if code in codes]
            found |= {e: PAIR for e in conditions.pairs(paired) if e not in found}
    if lost := [code for code in plan.languages if code not in {evaluation.language for evaluation in found}]:
        absent.append(f"no target has test records in {', '.join(lost)} here")
    for task in plan.dev:
        codes = evaluated.judged(lab.source, task, tasks.get(task).languages)
        found |= {lab.profile.evaluate(task, code, over | {"split": "dev"}): CLEAN for code in codes}
        if not codes:
            absent.append(f"{task}: no dev records here")
    return found


def radii(lab: Lab) -> Study:
    """How the radius of robust training was chosen: ADV in no ball, in the profile's, in one three times as wide.

    Development records of the study's last target that has some, in the language of its training; the first seed, as
    the choice comes before the seeds are compared. Empty where the profile has no such arm.
    """
    study = planned(lab, "robust_training")
    for target in reversed(study.targets):
        recipe = study.recipes.get(f"adv → {target}")
        if recipe and "dev" in tasks.get(target).splits:
            last = recipe.stages[-1].ball
            tried = robust.radii(recipe.seeded(0), (0, last.radius, round(3 * last.radius, 6)), last)
            code = dev_language(recipe.stages[-1].languages)
            return Study(tried, [lab.profile.evaluate(target, code, {"split": "dev"})])
    return Study({})


PHASES: dict[str, Callable[[Lab], Study]] = {
    "01_pretrained_encoder": pretrained,
    "02_intermediate_training": intermediate,
    "03_zero_shot_transfer": transfer,
    "04_sentence_retrieval": retrieval,
}


def of(lab: Lab) -> dict[str, Study]:
    """Every study that the notebooks of the profile run, by notebook."""
    phases = {notebook: study(lab) for notebook, study in PHASES.items()}
    return phases | {f"study_{name}": planned(lab, name) for name in lab.profile.studies}


def all_recipes(lab: Lab) -> list[Recipe]:
    """Every run that the profile's notebooks use, seeded, prefixes included."""
    found: dict[Recipe, None] = {}
    for study in of(lab).values():
        seeds = (study.plan and study.plan.seeds) or lab.profile.seeds
        for _, _, recipe in lab.expand(study.recipes, seeds):
            found |= dict.fromkeys(recipe.lineage())
    return list(found)
