"""What is kept of finished runs (`resources.keep`): which may go without their weights, and what that is said to cost.

Most runs of a grid are its ends: a target stage that nothing builds on, evaluated and never loaded again. Their weights
are most of what a grid leaves on disk: of `paper` four fifths of 1.4 TB.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import islice

from xlt.core import text
from xlt.data.store import Store
from xlt.lab.jobs import Job, Wanted
from xlt.spec.recipe import Evaluation, Recipe

_NAMED = 3  # runs that a sentence names


def ends(asked: Iterable[Wanted]) -> dict[Recipe, list[Evaluation]]:
    """The runs that nothing asked for builds on, each with all its evaluations.

    A run without an evaluation is none of them: whoever trains it wants its weights. Nor is an encoder as it is.
    """
    evaluations: dict[Recipe, dict[Evaluation, None]] = {}
    for _, _, recipe, chosen in asked:
        evaluations.setdefault(recipe, {}).update(dict.fromkeys(chosen))
    parents = {step for recipe in evaluations for step in islice(recipe.lineage(), 1, None)}
    leaves = {recipe: chosen for recipe, chosen in evaluations.items() if recipe.stages and recipe not in parents}
    return {recipe: list(chosen) for recipe, chosen in leaves.items() if chosen}


def marked(store: Store, jobs: Iterable[Job], asked: Iterable[Wanted]) -> list[Job]:
    """The jobs, with `drop` in those after which nothing is left to be asked of their run."""
    leaves = ends(asked)
    return [
        replace(job, drop=job.recipe in leaves and _evaluated(store, job.recipe, leaves[job.recipe], job.evaluations))
        for job in jobs
    ]


def drop_evaluated(store: Store, asked: Iterable[Wanted]) -> None:
    """Drop the weights of what is evaluated whole: of runs whose job was interrupted before it came to that."""
    for recipe, evaluations in ends(asked).items():
        if store.has_weights(recipe) and _evaluated(store, recipe, evaluations):
            store.drop_weights(recipe)


def _evaluated(
    store: Store, recipe: Recipe, evaluations: Iterable[Evaluation], soon: Sequence[Evaluation] = ()
) -> bool:
    """Whether all these evaluations are stored, or will be `soon`."""
    return all(e in soon or store.score_file(recipe, e).is_file() for e in evaluations)


def told(store: Store, jobs: Iterable[Job]) -> str:
    """Which jobs train a finished run again, in a sentence; "" if none does."""
    again = [job.recipe.name for job in jobs if store.done(job.recipe) and not store.has_weights(job.recipe)]
    if not again:
        return ""
    names = ", ".join(again[:_NAMED]) + (f" and {len(again) - _NAMED} more" if len(again) > _NAMED else "")
    verb = "is" if len(again) == 1 else "are"
    return f"{text.counted(len(again), 'finished run')} {verb} trained again, as weights were dropped: {names}"
