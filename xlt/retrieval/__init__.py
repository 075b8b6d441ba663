"""Retrieval: sentence pairs (Tatoeba), mining (BUCC), answers (LAReQA), entities (Mewsli-X).

    cells      where sentence vectors are read: layer, pooling, centred or not
    vectors    sentence vectors of any cells in one pass of the encoder
    pairs, mining, ranking      the scores of the families
    sentences  contexts cut into the sentences among which answers are looked for
    pools      what an evaluation searches in; dual: training pairs of dual encoders and their loss
    sweep      every cell of an encoder as one table, and the two rules that choose a layer
    anchor     the check against the only verified per-language table of the authors of the paper

What stands here is for notebooks and loads no torch; the modules of the scores are for workers.
"""

from xlt.retrieval.anchor import anchor
from xlt.retrieval.cells import POOLINGS, Cell, default_layer
from xlt.retrieval.sweep import RULES, choose, sweep

__all__ = ["POOLINGS", "RULES", "Cell", "anchor", "choose", "default_layer", "sweep"]
