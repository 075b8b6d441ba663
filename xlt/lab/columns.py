"""Columns of the tables that a lab gives: of scores where there are none yet, and of what runs cost."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import pandas as pd

from xlt.core import provenance
from xlt.data.store import Store, score_name
from xlt.evaluation import caveats
from xlt.lab import datasheet
from xlt.spec import tasks
from xlt.spec.recipe import Evaluation, Recipe
from xlt.spec.trained import Sources, same_task, stages_in, trained_last

# Columns of a table without scores. Code that reads scores then finds its columns and makes empty tables of them.
_EMPTY = [
    *(
        (name, object)
        for name in ("recipe", "intermediate", "target", "task", "language", "split", "metric", "run", "trained_in")
    ),
    *((name, object) for name in ("perturbation", "language_b", "attack")),
    *((name, bool) for name in ("pretrained", "same_task", "trained_last", "main", "source_language")),
    *((name, float) for name in ("seed", "value", "n", "changed", "choices", "layer", "strength", "radius")),
]


def no_scores() -> pd.DataFrame:
    """An empty table of scores."""
    return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in _EMPTY})


class Scored(NamedTuple):
    """An evaluation of a run under a label, its stored result, and the environments of the runs that lead to it."""

    label: str
    seed: int
    recipe: Recipe
    evaluation: Evaluation
    result: dict[str, Any]
    made: list[dict[str, Any]]


def score_rows(store: Store, sources: Sources, scored: Scored) -> list[dict[str, Any]]:
    """The scores of one evaluation, one for each metric, with all that is needed to trace them."""
    label, seed, recipe, evaluation, result, made = scored
    task = tasks.get(evaluation.task)
    common = {
        "recipe": label, "intermediate": recipe.tasks("intermediate"),
        "target": task.name, "pretrained": bool(recipe.start.model) or recipe.tasks("pretraining") != "none",
        "seed": seed, "task": task.name, "language": evaluation.language, **evaluation.conditions,
        "trained_in": stages_in(recipe, evaluation.language),
        "source_language": evaluation.language in sources.of(task, recipe),
        "same_task": same_task(recipe, task), "trained_last": trained_last(recipe, task),
    }  # fmt: skip
    traced = {
        "n": result["n"], "split": evaluation.split, "limit": evaluation.examples, "layer": evaluation.layer,
        "changed": result.get("changed"), "guess": result.get("guess"),
        "choices": caveats.choices(store.source, task.name, evaluation.language, evaluation.split),
        "run": store.id(recipe), "outcome": score_name(evaluation, result["key"]),
        "source": datasheet.records(store.source, task, evaluation.language),
        "task_version": task.version, "data": json.dumps(result["key"]["data"], sort_keys=True),
        "seconds": result["seconds"], "finished": result["finished"],
        "commit": result["code"]["commit"], "dirty": result["code"]["dirty"],
        **provenance.made_on([*made, result["environment"]]),
        **_in_ball(store, recipe),
    }  # fmt: skip
    return [
        {
            **common,
            "metric": metric,
            "value": result["metrics"][metric],
            "main": metric == task.metrics[0],
            **caveats.beside(store, recipe, evaluation, result["metrics"], metric),
            **traced,
        }
        for metric in (result["metrics"] if evaluation.attack else task.metrics)
    ]


def _in_ball(store: Store, recipe: Recipe) -> dict[str, float]:
    """What the ball of the last stage did to the loss, of a run that was trained in one."""
    stage = recipe.last_stage
    ball = store.record(recipe).get("ball") if stage and stage.ball else None
    return {"clean_loss": ball["clean_loss"], "ball_loss": ball["loss"]} if ball else {}


def cost(store: Store, recipe: Recipe) -> dict[str, Any]:
    """What the record of a run says of its cost, as columns."""
    record = store.record(recipe)
    columns = {"steps": record.get("steps", 0)}
    columns |= {name: record[name] for name in ("seconds", "parameters", "trainable", "peak_mb")}
    return columns | {"device": record["environment"]["device"], **record["code"]}


def stage(recipe: Recipe) -> dict[str, str]:
    """What the last stage is called, as columns: two labels may share a run, and so its cost, under other names."""
    stage = recipe.last_stage
    if stage is None:
        return {"kind": "start", "task": "", "method": ""}
    return {"kind": stage.role, "task": stage.name, "method": stage.method}
