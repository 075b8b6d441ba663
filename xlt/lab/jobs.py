"""A piece of work of the grid."""

from __future__ import annotations

from dataclasses import dataclass

from xlt.spec.recipe import Evaluation, Recipe


@dataclass(frozen=True)
class Job:
    """Train the last stage of `recipe` unless that is done, then evaluate it."""

    recipe: Recipe
    evaluations: tuple[Evaluation, ...] = ()
