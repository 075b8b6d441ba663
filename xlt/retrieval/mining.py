"""Mining translations from two pools of sentences (BUCC), under both of the field's conventions.

Candidates, ratio margin over four neighbours and the threshold are those of XTREME's scripts, their slips mended
(see xlt.metrics.bitext). The threshold is chosen on dev and applied to test. Three F1 are told apart:

    bucc_f1          a mined pair stands for all rows with its two sentences, as in jiant
    bucc_f1_dropped  pairs with a sentence that occurs twice in its pool are left out, so their gold is missed: XTREME
    bucc_f1_oracle   as bucc_f1, the threshold chosen on the very gold that is scored: what jiant's authors report of
                     dev, where it is bucc_f1 by definition
"""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

from xlt import metrics, tasks
from xlt.errors import UserError
from xlt.retrieval.search import Columns, Search

NEIGHBOURS = 4
Pair = tuple[str, str]


class Mined(NamedTuple):
    """Of one split: the gold pairs of ids, all candidates with their scores, and those of unrepeated sentences."""

    gold: set[Pair]
    scores: dict[Pair, float]
    unrepeated: dict[Pair, float]


def score(search: Search) -> tuple[dict[str, float], list[dict]]:
    """The metrics, and one record for each pair that is gold or was a candidate.

    Raises:
        UserError: no pools or no dev set here; a gold pair whose id is in no pool; a limit on the examples.
    """
    if search.evaluation.examples:
        raise UserError(f"evaluation of {search.task.name}: mining is from whole pools; leave examples out")
    here = _mine(search, search.evaluation.split, search.rows)
    dev = here if search.evaluation.split == "dev" else _mine(search, "dev", search.load(search.task, "dev"))
    chosen = _chosen(here.scores, dev.scores, dev.gold)
    dropped = _chosen(here.unrepeated, dev.unrepeated, dev.gold)
    values = {
        "bucc_f1": metrics.pair_f1(here.gold, chosen),
        "bucc_f1_dropped": metrics.pair_f1(here.gold, dropped),
        "bucc_f1_oracle": metrics.oracle_pair_f1(here.gold, here.scores),
        "bucc_precision": metrics.pair_precision(here.gold, chosen),
        "bucc_recall": metrics.pair_recall(here.gold, chosen),
    }
    return values, [_example(pair, here, chosen) for pair in dict.fromkeys([*here.scores, *sorted(here.gold)])]


def _example(pair: Pair, here: Mined, chosen: set[Pair]) -> dict[str, Any]:
    told = {"score": here.scores.get(pair), "gold": pair in here.gold, "mined": pair in chosen}
    return {"source": pair[0], "target": pair[1], **told}


def _chosen(scores: dict[Pair, float], dev: dict[Pair, float], gold: set[Pair]) -> set[Pair]:
    threshold = metrics.best_threshold(list(dev), list(dev.values()), gold)
    return {pair for pair, value in scores.items() if value >= threshold}


def _mine(search: Search, split: str, rows: Columns) -> Mined:
    foreign, english = (search.load(tasks.get(name), split) for name in search.task.pool)
    gold = _gold(rows, foreign["id"], english["id"], f"{search.task.name} {search.evaluation.language} {split}")
    vectors = [search.embed(pool["text"]) for pool in (foreign, english)]
    pairs, scores = metrics.bucc_candidates(*vectors, foreign["text"], english["text"], k=NEIGHBOURS)
    times = [Counter(pool["text"]) for pool in (foreign, english)]
    found, unrepeated = {}, {}
    for (i, j), value in zip(pairs, scores.tolist(), strict=True):
        pair = foreign["id"][i], english["id"][j]
        found[pair] = value
        if times[0][foreign["text"][i]] == times[1][english["text"][j]] == 1:
            unrepeated[pair] = value
    return Mined(gold, found, unrepeated)


def _gold(rows: Columns, foreign: list[str], english: list[str], where: str) -> set[Pair]:
    """The gold pairs of ids, all of which must be in the pools."""
    for ids, name in ((set(foreign), "source_id"), (set(english), "target_id")):
        for row, key in enumerate(rows[name], start=1):
            if key not in ids:
                raise UserError(f"{where}: row {row}: {name} {key} is not in its pool. Give the pool of this gold")
    return set(zip(rows["source_id"], rows["target_id"], strict=True))
