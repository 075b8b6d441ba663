"""Perturbations of records, for every task family and script; gold stays aligned.

registry     what a perturbation is: kind, strength, valid languages and families, what it preserves
fingerprints what of tables, word lists and packages decides its result
align        edits and moves, and gold spans that follow them; units: words and grapheme clusters
draw, rows   which changes happen in a text, and in the records of each task family
characters, keyboards, codepoints, order, vocabulary, neighbours, scripts, distractors   the perturbations
defences     against characters that do not show, and what an encoder's normaliser does itself
stream       the command `xlt perturb`
"""

from xlt.perturb import characters, codepoints, distractors, keyboards, neighbours, order, scripts, vocabulary  # noqa: F401
from xlt.perturb.align import Aligned, Edit, edited
from xlt.perturb.defences import fold_confusables, strip_ignorables, surviving
from xlt.perturb.fingerprints import identity, tables
from xlt.perturb.lexicons import files, listed
from xlt.perturb.registry import PERTURBATIONS, Perturbation, get, ready, valid
from xlt.perturb.rows import apply, edits

__all__ = [
    "PERTURBATIONS", "Aligned", "Edit", "Perturbation", "apply", "edited", "edits", "files", "fold_confusables",
    "get", "identity", "listed", "ready", "strip_ignorables", "surviving", "tables", "valid",
]  # fmt: skip
