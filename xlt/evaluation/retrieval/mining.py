"""Mining translations from two pools of sentences (BUCC), under both of the field's conventions.

Candidates, ratio margin over four neighbours and the threshold are those of XTREME's scripts, their slips mended
(see `metrics.bitext`, which also tells the three F1 apart). The threshold is chosen on dev and applied to test.
"""

from __future__ import annotations

from typing import Any

from xlt.core.errors import UserError
from xlt.evaluation import metrics
from xlt.evaluation.retrieval.search import Columns, Search
from xlt.spec import tasks

NEIGHBOURS = 4
Pair = tuple[str, str]


def score(search: Search) -> tuple[dict[str, float], list[dict]]:
    """The metrics, and one record for each pair that is gold or was a candidate.

    Raises:
        UserError: no pools or no dev set here; a gold pair whose id is in no pool; a limit on the examples.
    """
    if search.evaluation.examples:
        raise UserError(f"evaluation of {search.task.name}: mining is from whole pools; leave examples out")
    here = _mine(search, search.evaluation.split, search.rows)
    dev = here if search.evaluation.split == "dev" else _mine(search, "dev", search.load(search.task, "dev"))
    chosen = metrics.chosen_pairs(here.scores, dev.scores, dev.gold)
    examples = [_example(pair, here, chosen) for pair in dict.fromkeys([*here.scores, *sorted(here.gold)])]
    return metrics.bucc_scores(here, dev), examples


def _example(pair: Pair, here: metrics.Mined, chosen: set[Pair]) -> dict[str, Any]:
    about = {"score": here.scores.get(pair), "gold": pair in here.gold, "mined": pair in chosen}
    return {"source": pair[0], "target": pair[1], **about}


def _mine(search: Search, split: str, rows: Columns) -> metrics.Mined:
    foreign, english = (search.load(tasks.get(name), split) for name in search.task.pool)
    gold = _gold(rows, foreign["id"], english["id"], f"{search.task.name} {search.evaluation.language} {split}")
    vectors = [search.embed(pool["text"]) for pool in (foreign, english)]
    pairs, scores = metrics.bucc_candidates(*vectors, foreign["text"], english["text"], k=NEIGHBOURS)
    scored = {(foreign["id"][i], english["id"][j]): value for (i, j), value in zip(pairs, scores.tolist(), strict=True)}
    sides = (dict(zip(pool["id"], pool["text"], strict=True)) for pool in (foreign, english))
    return metrics.Mined(gold, scored, metrics.unrepeated(scored, *sides))


def _gold(rows: Columns, foreign: list[str], english: list[str], where: str) -> set[Pair]:
    """The gold pairs of ids, all of which must be in the pools."""
    for ids, name in ((set(foreign), "source_id"), (set(english), "target_id")):
        for row, key in enumerate(rows[name], start=1):
            if key not in ids:
                raise UserError(f"{where}: row {row}: {name} {key} is not in its pool. Give the pool of this gold")
    return set(zip(rows["source_id"], rows["target_id"], strict=True))
