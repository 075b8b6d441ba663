"""Under which conditions a test set is read: perturbed, or the two texts of a pair in two languages.

The generalised setting (Huang et al. 2021, 2104.08645) has sentence 1 in one language and sentence 2 in another:
all pairs of XNLI's 15 or PAWS-X's 7 languages, joined by the row, here on a fixed sub-sample (`Evaluation.examples`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from xlt import perturb
from xlt.core.errors import UserError
from xlt.perturb import attacks
from xlt.spec import tasks
from xlt.spec.recipe import Evaluation
from xlt.spec.tasks import Task

if TYPE_CHECKING:
    from xlt.data.sources import Source

Columns = dict[str, list]


def rows(source: Source, task: Task, evaluation: Evaluation, shuffle: int) -> Columns:
    """The records of an evaluation as they are put to the model.

    Raises:
        UserError: a perturbation that does not exist or is not valid here; rows of the two languages not aligned.
    """
    records = _read(source, task, evaluation, evaluation.language, shuffle)
    if evaluation.language_b:
        records["text_b"] = _second(source, task, evaluation, records, shuffle)
    if evaluation.perturbation is None:
        return records
    labels = source.labels(task) if "tags" in records else ()
    language, seed = evaluation.language, evaluation.perturbation_seed
    return perturb.apply(evaluation.perturbation, records, task.family, language, evaluation.strength, seed, 0, labels)


def _read(source: Source, task: Task, evaluation: Evaluation, code: str, shuffle: int) -> Columns:
    columns = source.load(task, code, evaluation.split, evaluation.examples, shuffle).to_dict()
    return columns | ({"passage": _passages(columns)} if "context" in columns else {})


def _passages(columns: Columns) -> list[str]:
    """For each question the id of the first one on the same text: what is asked of one passage is no two records.

    It is taken before any perturbation, which writes the text of each question anew.
    """
    first: dict[str, str] = {}
    return [first.setdefault(text, name) for text, name in zip(columns["context"], columns["id"], strict=True)]


def _second(source: Source, task: Task, evaluation: Evaluation, first: Columns, shuffle: int) -> list[str]:
    """The second texts of the same rows in the other language."""
    where = f"{task.name}: {evaluation.language} with second texts in {evaluation.language_b}"
    if "text_b" not in first:
        raise UserError(f"{where}: only tasks with two texts (text_a, text_b) have them; leave language_b out")
    if evaluation.perturbation:
        raise UserError(f"{where}: a perturbation is of one language; leave out language_b or perturbation")
    other = _read(source, task, evaluation, evaluation.language_b or "", shuffle)
    if other["label"] != first["label"]:
        raise UserError(f"{where}: the rows are not aligned, their labels differ; take a task with parallel test sets")
    return other["text_b"]


def ready(evaluation: Evaluation) -> None:
    """Raises UserError where the perturbation or attack has no meaning there, or lacks a word list for the language."""
    task, language = tasks.get(evaluation.task), evaluation.language
    try:
        if evaluation.attack:
            attacks.check(evaluation.attack, task.training.family, language)
        if evaluation.perturbation:
            perturb.ready(evaluation.perturbation, language, task.family)
    except UserError as error:
        raise UserError(f"{task.name} in {language}: {error}") from None


def valid(evaluation: Evaluation) -> bool:
    """Whether the perturbation, attack or ball has a meaning for the task's family and in the language."""
    family = tasks.get(evaluation.task).training.family
    if evaluation.attack:
        try:
            attacks.check(evaluation.attack, family, evaluation.language)
        except UserError:
            return False
    if (evaluation.attack or evaluation.ball) and family not in tasks.HEADED:
        return False
    name = evaluation.perturbation
    return name is None or perturb.valid(name, evaluation.language, tasks.get(evaluation.task).family)


# the generalised setting ----------------------------------------------------------------------


def pairs(evaluations: Sequence[Evaluation]) -> list[Evaluation]:
    """Each first language with each second one, the same with the same as well: n evaluations give n x n."""
    return [
        first if first.language == second.language else first.model_copy(update={"language_b": second.language})
        for first in evaluations
        for second in evaluations
    ]
