"""Retrieval: sentence pairs (Tatoeba), mining (BUCC), answers (LAReQA), entities (Mewsli-X).

cells      where sentence vectors are read: layer, pooling, centred or not
vectors    sentence vectors of any cells in one pass of the encoder
search     an encoder, a cell and the records around it
families   the scores: pairs, mining, ranking
sentences  contexts cut into the sentences among which answers are looked for
pools      what an evaluation searches in; dual: training pairs of dual encoders and their loss
"""

from xlt.models.cells import POOLINGS, Cell, default_layer

__all__ = ["POOLINGS", "Cell", "default_layer"]
