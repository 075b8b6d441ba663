"""The scores of each family of retrieval, by one table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from xlt.evaluation.retrieval import mining, pairs, ranking
from xlt.evaluation.retrieval.search import Search
from xlt.spec import tasks
from xlt.spec.recipe import Recipe

Scored = tuple[dict[str, float], list[dict]]
FAMILIES: dict[str, Callable[[Search], Scored]] = {
    tasks.RETRIEVAL: pairs.score,
    tasks.MINING: mining.score,
    tasks.ANSWERS: ranking.answers,
    tasks.DUAL: ranking.entries,
}


def score(search: Search, recipe: Recipe) -> Scored:
    """Metrics and examples; an encoder that was trained for the task is read where its loss is, at the last layer."""
    trained = [tasks.get(part.task).training for part in recipe.stages[-1].parts] if recipe.stages else []
    if search.task.training in trained:
        search = replace(search, layer=search.layers)
    return FAMILIES[search.task.family](search)
