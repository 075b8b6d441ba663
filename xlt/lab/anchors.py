"""The anchor of the retrieval code: XLM-R Large as it is must score what the authors of the paper got from it.

Published are the 40 numbers of nyu-mll/jiant-dev pull request 128 by the first author of Phang et al. (2020):
XLM-R Large without fine-tuning, `hidden_states[14]`, mean over all tokens, 256 subwords; Tatoeba with English
queries; BUCC dev with the threshold chosen on the same gold pairs, repeated sentences expanded. The two means are
ours. No training, one pass of the encoder: where these do not come out, no other retrieval score is to be believed.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from xlt.core.errors import UserError
from xlt.data import repository
from xlt.data.weights import here
from xlt.lab.lab import Lab
from xlt.spec import tasks
from xlt.spec.recipe import Encoder, Evaluation, Recipe

MODEL = "FacebookAI/xlm-roberta-large"
SPLITS = {"tatoeba": "test", "bucc": "dev"}


def published() -> pd.DataFrame:
    """The 40 values in points, and their two means: columns task, language, metric, published, status."""
    return pd.read_csv(Path(__file__).with_suffix(".csv"))


def in_short(anchor: pd.DataFrame) -> pd.DataFrame:
    """Of `anchor` the means, and one language that is near to English and one that is far."""
    return anchor[anchor["language"].isin(["mean", "de", "zh"])]


def anchor(lab: Lab, model: str = MODEL) -> pd.DataFrame:
    """Published and own values, in points, one row for each task and language: columns as above, own, difference, note.

    Runs what can be run from the weights and records that are here; it fetches no weights. The note of every other
    row reads "not run" and says why. The mean is over the languages that ran, and is noted where some did not.

    Args:
        model: XLM-R Large: its hub id, or a folder that holds it.
    """
    table = published()
    reasons = {name: _missing(lab, model, name) for name in SPLITS}
    table["note"] = [reasons[name] for name in table["task"]]
    table["own"] = float("nan")
    recipe = Recipe(start=Encoder(model=model))
    for name in (name for name, reason in reasons.items() if not reason):
        _fill(table, lab, recipe, name)
    table["difference"] = table["own"] - table["published"]
    return table[["task", "language", "metric", "published", "own", "difference", "status", "note"]]


def _missing(lab: Lab, model: str, task: str) -> str:
    """Why the check of a task cannot run here; empty if it can."""
    if lab.store.source.label:
        return "not run: the records are those of the generated world"
    if not here(Encoder(model=model)):
        return f"not run: the weights are not here ({repository.fetch(model, 'model')})"
    if not lab.store.source.languages(tasks.get(task), SPLITS[task]):
        return f"not run: {lab.store.source} has no {task}"
    return ""


def _fill(table: pd.DataFrame, lab: Lab, recipe: Recipe, task: str) -> None:
    here = lab.store.source.languages(tasks.get(task), SPLITS[task])
    mine = table["task"] == task
    wanted = [code for code in table["language"][mine] if code in here]
    evaluations = [
        Evaluation(task=task, language=code, split=SPLITS[task], max_length=256, layer=14, pooling="mean")
        for code in wanted
    ]
    try:
        scores = lab.run({"anchor": recipe}, evaluations)
    except UserError as error:
        table.loc[mine, "note"] = f"not run: {error}"
        return
    metric = table["metric"][mine].iloc[0]
    own = 100 * scores[scores["metric"] == metric].set_index("language")["value"]
    own["mean"] = own.mean()
    table.loc[mine, "own"] = [own.get(code, float("nan")) for code in table["language"][mine]]
    table.loc[mine & table["own"].isna(), "note"] = f"not run: {lab.store.source} has no records"
    if len(wanted) < mine.sum() - 1:
        table.loc[mine & (table["language"] == "mean"), "note"] = f"of {len(wanted)} languages only"
