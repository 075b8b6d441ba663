"""Which prediction belongs to which reference: that of the same id, or of the same place where a file has no ids."""

from __future__ import annotations

from pathlib import Path

from xlt.core.errors import UserError
from xlt.evaluation.scorefiles import NotTheForm, Record, by_id, same_ids, some
from xlt.spec import tasks
from xlt.spec.tasks import Task

ById = dict[str, Record]


def numbered(records: list[Record]) -> ById:
    """References by id; those of a file without ids by their number, from 0."""
    if any("id" in record.fields for record in records):
        return by_id(records)
    return {str(number): record for number, record in enumerate(records)}


def in_order(records: list[Record], gold: ById, task: Task, predictions: Path, references: Path) -> ById:
    """Predictions by id; those of a file without ids by the ids of the references, in their order.

    Raises:
        NotTheForm: without ids there are not as many as references.
    """
    if any("id" in record.fields for record in records):
        return by_id(records)
    if len(records) != len(gold):
        raise NotTheForm(
            f"{predictions}: {len(records)} predictions for the {len(gold)} references of {references}; "
            "without ids give one for each, in their order"
        )
    if task.family == tasks.RETRIEVAL and set(gold) != set(map(str, range(len(gold)))):
        records = [_found_by_place(record, list(gold)) for record in records]
    return dict(zip(gold, records, strict=True))


def _found_by_place(record: Record, names: list[str]) -> Record:
    """A number in a file without ids is a place, from 0."""
    places = {str(number): name for number, name in enumerate(names)}
    return record._replace(fields={side: places.get(value, value) for side, value in record.fields.items()})


def of_language(gold: ById, task: Task, code: str, references: Path) -> tuple[ById, list[str]]:
    """The references of one language, by the rule of the task's declaration, and how many are left out.

    Raises:
        UserError: none is of that language.
    """
    task, kept, notes = task.at(code), gold, []
    for column, rule in task.prefix.items():
        ours = next((ours for ours, theirs in task.columns.items() if theirs == column), column)
        beginning = task.filled(rule, code)
        values = {name: name if ours == "id" else record.fields.get(ours) for name, record in kept.items()}
        chosen = {n: kept[n] for n, value in values.items() if value is None or str(value).startswith(beginning)}
        if not chosen:
            raise UserError(
                f"{references}: no reference of language {code}: none has {ours} beginning with {beginning!r}"
            )
        if others := len(kept) - len(chosen):
            begin = f"{ours} does not begin with {beginning!r}"
            notes.append(
                f"{references}: {others} of {len(kept)} references are of other languages, as {begin}: left out"
            )
        kept = chosen
    return kept, notes


def agreed(
    gold: ById, predicted: ById, others: set[str], task: Task, field: str, predictions: Path, references: Path
) -> tuple[ById, list[str]]:
    """The prediction of each reference, and what is to be said of the rest.

    Args:
        others: ids of references that are left out.

    Raises:
        UserError: ids that only one of the two files has, where the official scorer would not go on either; none that
            both have.
    """
    ours = {name: record for name, record in predicted.items() if name not in others}
    if task.family != tasks.SPAN or not gold.keys() & ours.keys():
        same_ids(gold, ours, predictions, references)
    notes = []
    if strange := [name for name in predicted if name not in gold]:
        what = "no question of the language" if others else f"no question of {references}"
        notes.append(f"{predictions}: {some(strange)} {what}: ignored")
    if missing := [name for name in gold if name not in predicted]:
        notes.append(f"{predictions}: {some(missing)} of {references} missing: counted as wrong")
    nothing = Record(str(predictions), {field: None})
    return {name: ours.get(name, nothing) for name in gold}, notes
