"""What decides a result besides the recipe and the evaluation themselves: it belongs to the keys of the store."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from xlt import perturb
from xlt.perturb import attacks
from xlt.spec import schemes, tasks
from xlt.spec.case import DOTTED_I
from xlt.spec.languages import subtag
from xlt.spec.recipe import Evaluation, Recipe
from xlt.spec.stage import Stage
from xlt.spec.tasks import Task

if TYPE_CHECKING:
    from xlt.data.sources import Source

ATTACKS = 2  # raised when an attack searches otherwise than before
HEAD = 2  # version of the seeds of heads and adapters that are not the first of a recipe: another one for each
PASSES = 2  # version of how many updates an epoch has: as many as it has batches, the last of which may be smaller


def of_reading(source: Source, task: Task, evaluation: Evaluation) -> dict[str, Any]:
    """What decides the records besides the evaluation itself: the other language's, word lists, tables, the version."""
    key: dict[str, Any] = {}
    if evaluation.language_b:
        key["data_b"] = source.identity(task, evaluation.language_b, evaluation.split)
    if evaluation.perturbation:
        key["perturbation"] = perturb.identity(evaluation.perturbation, evaluation.language)
        moves = perturb.get(evaluation.perturbation)[0].moves_tags(task.family)
        if moves and schemes.scheme_of(source.labels(task)).has_chunks:
            key["perturbation"] |= {"chunks": schemes.VERSION}
    if evaluation.attack:
        files = perturb.files(evaluation.attack.name, evaluation.language)
        key["attack"] = {"version": _searching(evaluation), "files": files}
        if tables := attacks.tables(evaluation.attack, evaluation.language):
            key["attack"]["tables"] = tables
    return key


def _searching(evaluation: Evaluation) -> int:
    """Version of an attack: a later one where i has a capital of its own, and of sentences that may hold digits."""
    again = subtag(evaluation.language) in DOTTED_I or evaluation.attack.name == "distractor"
    return ATTACKS + again


def of_training(recipe: Recipe) -> dict[str, int]:
    """What decides the last stage of a recipe besides its fields and its records: how heads are drawn, how epochs
    become updates. Where an earlier version gave the same it is no part of the key."""
    stage = recipe.stages[-1]
    heads = {tasks.get(name).training.name for name in stage.trains}
    key = {"head": HEAD} if recipe.parent.stages or len(heads) > 1 else {}
    return key | ({"passes": PASSES} if not stage.steps and (stage.epochs > 1 or stage.also) else {})


def of_copies(stage: Stage) -> dict[str, Any]:
    """What decides the perturbed records besides the stage itself: the version; word lists and tables by language."""
    codes = sorted({code for part in stage.parts for code in part.languages})
    of = {code: perturb.identity(stage.augment.perturbation, code) for code in codes}
    versions = {code: of[code]["version"] for code in codes}
    one = len(set(versions.values())) == 1
    key = {"version": versions[codes[0]] if one else versions, "files": {code: of[code]["files"] for code in codes}}
    tables = {code: of[code]["tables"] for code in codes if "tables" in of[code]}
    key |= {"tables": tables} if tables else {}
    own = [task for part in stage.parts if (task := tasks.get(part.task).training).definition]
    moves = any(perturb.get(stage.augment.perturbation)[0].moves_tags(task.family) for task in own)
    return key | ({"chunks": schemes.VERSION} if moves else {})


_SECOND: dict[str, Callable[[str, bool], bool]] = {  # metric -> (language, own task) -> whether values can differ
    "f1_language_aware": lambda language, own: subtag(language) in (*DOTTED_I, "el"),
    "exact_match_language_aware": lambda language, own: subtag(language) in (*DOTTED_I, "el"),
    "chunk_f1": lambda language, own: own,
    "entity_f1": lambda language, own: own,
    "bucc_f1_dropped": lambda language, own: own,
    "accuracy_en_to_xx": lambda language, own: True,
    "accuracy_xx_to_en": lambda language, own: True,
}


def of_metrics(names: Iterable[str], language: str, own: bool) -> dict[str, int]:
    """Which of these metrics are in their second version, with values that may differ from the first: for the keys of
    stored scores. `own`: the task is of the user's own, so its tags may follow any scheme."""
    return {name: 2 for name in names if name in _SECOND and _SECOND[name](language, own)}
