"""Every layer and pooling of an encoder as one table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pandas as pd

from xlt.core.errors import UserError
from xlt.lab.lab import Lab
from xlt.models.cells import Cell
from xlt.spec import tasks
from xlt.spec.recipe import Recipe


def sweep(
    lab: Lab,
    recipes: Mapping[str, Recipe],
    task: str = "tatoeba",
    languages: Iterable[str] | None = None,
    seeds: int | None = None,
) -> dict[str, pd.DataFrame]:
    """For each recipe its accuracy in every cell: columns seed, language, direction, layer, pooling, centred, accuracy.

    One pass of the encoder for each side of each language; stored like any evaluation.

    Raises:
        UserError: a task of another family than sentence pairs; bad input, as of any run.
    """
    if tasks.get(task).family != tasks.RETRIEVAL:
        raise UserError(f"a sweep is over sentence pairs (family {tasks.RETRIEVAL}), which {task} has not")
    chosen = [e.model_copy(update={"sweep": True}) for e in lab.evaluations(task, languages=languages)]
    lab.run(recipes, chosen, seeds)
    rows: dict[str, list[dict]] = {label: [] for label in recipes}
    for label, seed, seeded, evaluations in lab.wanted(recipes, chosen, seeds):
        for evaluation in evaluations:
            if result := lab.store.result(seeded, evaluation):
                cells = _cells(result["metrics"])
                rows[label] += [{"seed": seed, "language": evaluation.language, **cell} for cell in cells]
    return {label: _table(cells) for label, cells in rows.items()}


def _table(rows: list[dict]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["seed", "language", "direction", *Cell._fields, "accuracy"])
    return table.astype({"layer": int, "centred": bool, "accuracy": float})


def _cells(metrics: dict[str, float]) -> list[dict]:
    """The cells among the metrics of a sweep: "accuracy_en_to_xx@14/mean/centred"."""
    parts = [(name.partition("@"), value) for name, value in metrics.items() if "@" in name]
    return [
        {"direction": name.removeprefix("accuracy_"), **Cell.parse(cell)._asdict(), "accuracy": value}
        for (name, _, cell), value in parts
    ]
