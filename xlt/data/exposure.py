"""What is known of an encoder's own training against each task, beside what the check of records finds.

An encoder that has learned from a task before the first stage may gain less from it, and its score on that task's test
set is no plain transfer. `exposure.yaml` declares what was read about each encoder; `card` joins it to
`contamination.table`, which compares the records of the stages that are run here. An entry of the file:

    encoders  their ids, as a profile names them under encoder.model
    training  what they were trained on, in a sentence
    met       tasks, `how` they were met, a note; test sets and training sets are tasks of their own (xquad and squad)
    source    of each statement, and whether it was read there ("verified") or in another text ("second-hand")
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

import pandas as pd
from pydantic import BaseModel, ConfigDict

from xlt.core.files import read_yaml
from xlt.core.text import DASH
from xlt.data import contamination
from xlt.data.sources import Source
from xlt.spec import settings, tasks
from xlt.spec.recipe import Encoder, Evaluation, Recipe
from xlt.spec.study import taken
from xlt.spec.tasks import Task

TASK, TEXT, UNKNOWN, NEVER = "task", "text", "unknown", "never"
SAID = {
    TASK: "learned from it",  # with its labels, or as pairs in contrastive training
    TEXT: "read its text",  # without labels
    UNKNOWN: "not known",
    NEVER: "not met",
}
SIGN = " §"
LEGEND = (
    "§ In its own training the encoder has learned from this task's data, or from those that the task is trained on "
    "(see the table of what it had met)."
)
COLUMNS = ["task", "used for", "the encoder has", "what is known", "source", "stages share"]


class _Statement(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    source: str
    status: Literal["verified", "second-hand"]


class _Entry(_Statement):
    tasks: tuple[str, ...]
    how: Literal["task", "text", "unknown"]
    note: str


class _Known(_Statement):
    encoders: tuple[str, ...]
    training: str
    met: tuple[_Entry, ...] = ()


class Met(NamedTuple):
    """How an encoder has met a task (a key of SAID), what is known of it, and where that was read."""

    how: str
    note: str
    source: str = DASH


@cache
def declared() -> dict[str, _Known]:
    """The entries of exposure.yaml, by encoder."""
    path = Path(__file__).with_suffix(".yaml")
    entries = [settings.parse(_Known, fields, path.name) for fields in read_yaml(path)]
    return {name: known for known in entries for name in known.encoders}


def met(encoder: Encoder, name: str, source: Source | None = None) -> Met:
    """How the encoder has met the task `name` in its own training; with `source`, whether the records are invented.

    Of a task of several parts, a translation, or a profile's own task on a declared data set, that part, original or
    data set counts that it has met most.
    """
    task = tasks.get(name)
    if encoder.model is None:
        return Met(NEVER, "its weights are drawn here: before its stages it has read nothing")
    if source and source.label and not task.own:
        return Met(NEVER, "its records are invented here")
    known = declared().get(encoder.model)
    if known is None or task.own:
        return Met(UNKNOWN, f"nothing is declared of {'your own records' if known else 'this encoder'}")
    names = {name, task.translation_of, *task.parts, *_declared_twins(task)}
    found = [Met(entry.how, entry.note, _told(entry)) for entry in known.met if names & set(entry.tasks)]
    return min(found, key=lambda one: list(SAID).index(one.how), default=Met(UNKNOWN, DASH))


def _declared_twins(task: Task) -> set[str]:
    """Of a task that a profile declares: the tasks of tasks.yaml whose data set it reads, in some language at least."""
    if task.name in tasks.DECLARED:
        return set()
    places = [(place.dataset, place.config) for place in (task, *map(task.at, task.elsewhere))]  # some are tables
    return {name for name in tasks.DECLARED if (tasks.get(name).dataset, tasks.get(name).config) in places}


def _told(statement: _Statement) -> str:
    return statement.source if statement.status == "verified" else f"{statement.source} ({statement.status})"


def training(encoder: Encoder) -> str:
    """What the encoder was trained on before any stage, in a sentence with its source; "" where nothing is declared."""
    known = declared().get(encoder.model)
    anew = f"; its upper {encoder.redraw} layers are drawn anew here" if encoder.redraw else ""
    return f"{known.training} ({_told(known)}){anew}" if known else ""


def learned(encoder: Encoder, targets: Iterable[str], source: Source | None = None) -> tuple[str, ...]:
    """Those of the targets whose test records or training data the encoder has learned from before any stage."""
    return tuple(
        name
        for name in targets
        if any(met(encoder, one, source).how == TASK for one in (name, tasks.get(name).training.name))
    )


def card(
    source: Source,
    encoder: Encoder,
    recipes: Mapping[str, Recipe],
    evaluations: Iterable[Evaluation],
    checked: pd.DataFrame,
) -> pd.DataFrame:
    """One row for each task that is tested or trained: what the encoder knew of it, what the stages share with it.

    Args:
        checked: `contamination.table` of the same recipes and evaluations.
    """
    evaluations = list(evaluations)
    tested = [one.task for recipe in recipes.values() for one in taken(recipe, evaluations)]
    parts = [part for recipe in recipes.values() for stage in recipe.stages for part in stage.parts]
    trained = [tasks.get(part.task).training.name for part in parts if tasks.get(part.task).family != tasks.MLM]
    uses = {"test": set(tested), "training": set(trained)}
    rows = []
    for name in dict.fromkeys([*tested, *trained]):
        used = ", ".join(use for use, names in uses.items() if name in names)
        known = met(encoder, name, source)
        share = _shared(checked[checked["evaluation"] == name]) if name in uses["test"] else DASH
        rows.append((name, used, SAID[known.how], known.note, known.source, share))
    return pd.DataFrame(rows, columns=COLUMNS)


def _shared(checked: pd.DataFrame) -> str:
    """The largest overlap of one evaluation with the records of a stage: "3 of 90 examples (de test, mnli)"."""
    if checked[checked["kind"] != contamination.NOTHING].empty:
        return DASH
    found = contamination.found(checked)
    if found.empty:
        return "nothing"
    first = found.iloc[0]
    more = f" and {len(found) - 1} more" if len(found) > 1 else ""
    kind = f"{first['kind']}s of {first['language']} {first['split']} in {first['training']}"
    return f"{first['overlapping']:,} of {first['of']:,} {kind}{more}"


def said(table: pd.DataFrame) -> str:
    """What a `card` says, in a sentence."""
    words = {
        TASK: "the encoder has learned from",
        TEXT: "it has read the text of",
        UNKNOWN: "not known whether it has met",
        NEVER: "it cannot have met",
    }
    names = {how: ", ".join(table.loc[table["the encoder has"] == SAID[how], "task"]) for how in words}
    parts = [f"{what} {names[how]}" for how, what in words.items() if names[how]]
    return f"Before any stage: {'; '.join(parts)}." if parts else "No task is used."
