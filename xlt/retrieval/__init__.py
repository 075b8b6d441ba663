"""Retrieval: sentence pairs (Tatoeba), mining (BUCC), answers (LAReQA), entities (Mewsli-X).

    cells      where sentence vectors are read: layer, pooling, centred or not
    vectors    sentence vectors of any cells in one pass of the encoder
    search     an encoder, a cell and the records around it
    families   the scores: pairs, mining, ranking
    sentences  contexts cut into the sentences among which answers are looked for
    pools      what an evaluation searches in; dual: training pairs of dual encoders and their loss
    sweeps     every cell of an encoder as one table, and the two rules that choose a layer
    anchors    the check against the only verified per-language table of the authors of the paper

What stands here is for notebooks and loads no torch; the modules of the scores are for workers.
"""

from xlt.retrieval.anchors import anchor
from xlt.retrieval.cells import POOLINGS, Cell, default_layer
from xlt.retrieval.sweeps import RULES, choose, sweep

__all__ = ["POOLINGS", "RULES", "Cell", "anchor", "choose", "default_layer", "sweep"]
