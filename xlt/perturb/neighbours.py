"""Words drawn among their neighbours: the augmentation RS-DA of Huang et al. 2021 (2104.08645), as its code has it.

The law: a word with k neighbours becomes each of them, or stays, with probability 1 / (k + 1); so it changes with
k / (k + 1), and there is no rate to set (the strength thins that out; at 1 it is the published law). Each text is drawn
for itself. Neighbours come from a file of the user ("rs-da:neighbours.json") or as for `synonyms`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import regex

from xlt.perturb.align import Edit
from xlt.perturb.lexicons import synonyms
from xlt.perturb.registry import Site, perturbation
from xlt.perturb.units import words
from xlt.perturb.wordfiles import key, list_code
from xlt.spec.case import like

_BETWEEN_SPACES = regex.compile(r"[^ ]+")
_DIGIT = regex.compile(r"\d")


@perturbation("rs-da", "word", "what the word list preserves", unit="word of the list", spaces=True,
              argument="FILE.json/FILE.tsv")  # fmt: skip
def published(text: str, site: Site) -> Iterator[Edit]:
    """RS-DA: what stands between spaces is looked up as it is, so a capital or a comma keeps a word from changing."""
    table = synonyms(site.language.partition("@")[0], site.argument).table
    for match in _BETWEEN_SPACES.finditer(text):
        word = match.group()
        new = site.rng.choice([word, *table.get(word, ())])
        if new != word:
            yield Edit(*match.span(), new)


@perturbation("rs-da-clean", "word", "function words, numbers, case, punctuation", unit="word of the list",
              spaces=True, argument="FILE.json/FILE.tsv", packages="stop-words")  # fmt: skip
def cleaned(text: str, site: Site) -> Iterator[Edit]:
    """RS-DA by the same law for words without their punctuation and in any case; function words never come or go."""
    language = site.language.partition("@")[0]
    table, kept = synonyms(language, site.argument).table, stop_words(language)
    for start, end in words(text):
        word = text[start:end]
        if (small := key(word, language)) in kept or _DIGIT.search(word):
            continue
        others = [other for other in table.get(small, ()) if not kept.intersection(key(other, language).split())]
        new = site.rng.choice([word, *others])
        if new != word:
            yield Edit(start, end, like(word, new, language))


@cache
def stop_words(language: str) -> frozenset[str]:
    """Function words of the language, in small letters; empty where the package stop-words has no list."""
    from stop_words import StopWordError, get_stop_words

    base = language.partition("@")[0]
    try:
        return frozenset(key(word, base) for word in get_stop_words(list_code(base)))
    except StopWordError:
        return frozenset()
