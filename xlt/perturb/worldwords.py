"""Nouns and adjectives of the generated world as a lexicon, for all its languages."""

from __future__ import annotations

import hashlib
from functools import cache

from xlt.perturb.wordfiles import Lexicon, grouped
from xlt.spec.identity import canonical_json


@cache
def lexicon(language: str, into: str) -> Lexicon | None:
    """Nouns and adjectives of the world, all forms; None where it does not speak one of the languages."""
    from xlt.world.concepts import NOUNS

    ours, theirs = _forms(language), _forms(into)
    if not (ours and theirs):
        return None
    if language != into:
        pairs = [(form, theirs[concept][0]) for concept, forms in ours.items() if concept in theirs for form in forms]
    else:
        wider = {noun: hypernym for noun, (_, hypernym, _) in NOUNS.items() if hypernym}
        pairs = [pair for noun, hypernym in wider.items() for pair in zip(ours[noun], ours[hypernym], strict=False)]
    return Lexicon(grouped(pairs, language), False)


@cache
def fingerprint(language: str, into: str) -> str | None:
    """SHA-256 of the lexicon; None where there is none."""
    words = lexicon(language, into)
    return words and hashlib.sha256(canonical_json(words.table).encode()).hexdigest()


_GENDERS = frozenset({"m", "f", "n", "nt", "ma", "fp"})  # beside the forms in a noun's line


def _forms(code: str) -> dict[str, list[str]]:
    """Concept -> its forms in the world's lexicon of the language, the one that stands alone first."""
    from xlt.world import DIALECTS, LANGUAGES
    from xlt.world.grammar.sr import to_cyrillic
    from xlt.world.lexicon import lexicon as words

    base = code.partition("@")[0]
    if base not in LANGUAGES:
        return {}
    named = {}
    for part in dict.fromkeys((DIALECTS.get(base, base).partition("-")[0], base.partition("-")[0])):
        for section in ("nouns", "adjectives"):
            named |= words(part).get(section, {})
    rows = {concept: [row] if isinstance(row, str) else row for concept, row in named.items()}
    forms = {c: [f for f in row if isinstance(f, str) and f not in _GENDERS] for c, row in rows.items()}
    if base == "zh":
        forms = {concept: row[:1] for concept, row in forms.items()}  # a classifier follows
    if base == "sr-Cyrl":
        forms = {concept: list(map(to_cyrillic, row)) for concept, row in forms.items()}
    return forms
