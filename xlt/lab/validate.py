"""Checks of a profile against everything that there is: tasks, perturbations, attacks. Before anything runs."""

from __future__ import annotations

from xlt import perturb
from xlt.core import paths
from xlt.core.errors import UserError, unknown
from xlt.models import robust
from xlt.perturb import attacks
from xlt.spec import stage_rules, tasks
from xlt.spec.conditions import CLEAN
from xlt.spec.groups import check_chosen
from xlt.spec.languages import language
from xlt.spec.profile import Profile
from xlt.spec.recipe import Evaluation
from xlt.spec.settings import parse


def study(profile: Profile, name: str) -> None:
    """Hold all that a study names against what there is.

    Raises:
        UserError: a name that no file can have; an unknown task, language, stage, condition or perturbation; a
            condition that no column of the scores tells from another or from clean text.
    """
    paths.as_file_name(name, f"{profile.name}: studies")
    plan, where = profile.studies[name], f"{profile.name}: studies.{name}"
    for code in (*plan.languages, *plan.pairs):
        language(code)
    for label, arm in plan.arms.items():
        for stage in arm.stages:
            if stage not in plan.stages and stage not in profile.intermediate and stage not in tasks.TASKS:
                raise unknown("stage", stage, [*plan.stages, *profile.intermediate, *tasks.TASKS], where)
            robust.check(profile.study_stage(stage, name))
        for target in arm.targets or plan.targets:
            if not tasks.get(target).headless:
                robust.check(profile.study_target(target, name, label))
    for task in (*plan.targets, *plan.dev):
        tasks.get(task)
    for contrast in plan.contrasts:
        for code in (*contrast.languages, *contrast.minus):
            check_chosen(code, f"{where}: '{contrast.question}'")
    # Two conditions that read the test sets alike would be the same scores under two names.
    read = {tuple(profile.evaluate(plan.targets[0], "en").conditions.values()): CLEAN}
    for label, fields in plan.conditions.items():
        evaluation = parse(Evaluation, {"task": plan.targets[0], **fields}, f"{where}: conditions.{label}")
        columns = tuple(profile.evaluate(plan.targets[0], "en", fields).conditions.values())
        if (other := read.setdefault(columns, label)) != label:
            raise UserError(f"{where}: conditions.{label}: reads the test sets like {other}; leave one of them out")
        if evaluation.perturbation:
            perturb.get(evaluation.perturbation)
        if evaluation.attack:
            attacks.known(evaluation.attack)


def lengths(profile: Profile, positions: int | None, restart: bool, where: str) -> None:
    """Hold every max_length against the `positions` of the encoder (None: it takes any).

    Raises:
        UserError: a sequence may be longer than the encoder takes.
    """
    learned = [*([profile.pretraining] if profile.pretraining else []), *profile.stages]
    sequences = [(stage.task, stage.max_length, stage_rules.longest_sequence(stage, restart)) for stage in learned]
    for task in dict.fromkeys([*profile.target, *(part.task for stage in profile.stages for part in stage.parts)]):
        length = profile.evaluate(task, "en").max_length
        sequences.append((f"evaluation.{task}", length, length))
    for name, length, longest in sequences:
        if positions and longest > positions:
            raise UserError(f"{where}: {name}: max_length {length}: too few encoder.positions ({positions})")
