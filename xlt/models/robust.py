"""Robust training: the loss in a ball around the word embeddings, perturbed copies of the records, the radius.

Three forms of Huang et al. 2021 (2104.08645), of which the authors published code for the last only; the others are
stated here. Input word embeddings e, weights w, label y, a ball of radius r in L2 around every word's embedding
(special tokens and padding excluded; before positions and LayerNorm, see `xlt.spec.perturbations.Ball`):

    ADV     min_w E max_{|d| <= r} L(w; e + d, y)   K ascents from a random point, dropout on as in training
    RS-RP   min_w E L(w; e + d, y)                  d uniform in the ball, drawn anew at each update
    RS-DA   min_w E L(w; e(s'), y)                  s' a copy with words drawn among their neighbours, made in advance

`xlt.models.objective` has the loss in a ball. An update of ADV costs K + 1 forward and backward passes. Controls: the
same `Stage.steps` without any of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from xlt import perturb
from xlt.core.errors import UserError
from xlt.core.text import NOT_RUN
from xlt.spec import tasks, trained
from xlt.spec.perturbations import Augmentation, Ball
from xlt.spec.recipe import Recipe
from xlt.spec.stage import Stage

if TYPE_CHECKING:
    import pandas as pd

Columns = dict[str, list]


def check(stage: Stage) -> None:
    """Raises UserError where a task of the stage cannot be augmented so."""
    for part in stage.parts if stage.augment else ():
        for code in part.languages:
            perturb.get(stage.augment.perturbation)[0].check(code, tasks.get(part.task).training.family)


def ready(stage: Stage) -> None:
    """Raises UserError where the stage's augmentation lacks a word list for one of its languages."""
    for part in stage.parts if stage.augment else ():
        for code in part.languages:
            try:
                perturb.ready(stage.augment.perturbation, code, tasks.get(part.task).training.family)
            except UserError as error:
                raise UserError(f"{part.task} in {code}: augment: {error}") from None


def augmented(
    columns: Columns, how: Augmentation, family: str, language: str, seed: int, labels: Sequence[str] = ()
) -> Columns:
    """The records `how` says: copy after copy, each drawn with a seed of its own, after the clean ones if they stay."""
    copies = [
        perturb.apply(how.perturbation, columns, family, language, how.strength, 1000 * seed + copy, 0, labels)
        for copy in range(how.copies)
    ]
    parts = [columns, *copies] if how.keep else copies
    return {name: [value for part in parts for value in part[name]] for name in columns}


# the radius ------------------------------------------------------------------------------------


def radii(recipe: Recipe, values: Iterable[float], around: Ball | None = None) -> dict[str, Recipe]:
    """The recipe with its last stage trained in balls of these radii, by label; `around` says how they are searched."""
    recipes = {}
    for radius in values:
        adversarial = (around or Ball(radius=0)).model_copy(update={"radius": radius})
        last = recipe.stages[-1].model_copy(update={"ball": adversarial if radius else None})
        recipes[f"radius {radius:g}"] = recipe.model_copy(update={"stages": (*recipe.stages[:-1], last)})
    return recipes


def best_radius(scores: pd.DataFrame) -> float:
    """The radius with the best mean over seeds of the main metric on development records; of equals the least.

    `scores`: rows of `Lab.run` over `radii`.

    Raises:
        UserError: rows of another language or split, which must not choose; or that are not of `radii`.
    """
    rows = scores[scores["main"].astype(bool)]
    others = rows[~trained.is_source(rows) | (rows["split"] != "dev")]
    if strangers := sorted(set(others["language"] + " " + others["split"])):
        raise UserError(
            f"a radius is chosen on dev in the language of training alone, but the scores hold {', '.join(strangers)}"
        )
    names = rows["recipe"].str.removeprefix("radius ")
    if rows.empty or (names == rows["recipe"]).any():
        raise UserError("scores hold no recipes of robust.radii; run those, evaluated on the dev split")
    means = rows["value"].groupby(names.astype(float)).mean().sort_index()
    return float(means.idxmax())


def radius_table(scores: pd.DataFrame) -> pd.DataFrame:
    """What chose the radius: the target's dev score (a fraction, mean over seeds) by radius, and the best."""
    import pandas as pd

    rows = scores[scores["main"].astype(bool)] if len(scores) else scores
    if rows.empty:
        return pd.DataFrame({"radius": [NOT_RUN]})
    best, radius = best_radius(scores), rows["recipe"].str.removeprefix("radius ").astype(float)
    means = (
        rows["value"]
        .groupby(radius.rename("radius"))
        .mean()
        .rename(f"{trained.heading(rows)} dev")
        .round(3)
        .reset_index()
    )
    means.insert(0, "target", rows["task"].iloc[0])
    return means.assign(best=["yes" if value == best else "" for value in means["radius"]])
