"""Other words in the place of words: another language's, a synonym, another form of the same word."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from functools import cache, lru_cache

import regex

from xlt.perturb.align import Edit, Span
from xlt.perturb.lexicons import synonyms, translations
from xlt.perturb.registry import Site, perturbation
from xlt.perturb.units import SPACELESS, words
from xlt.perturb.wordfiles import Lexicon, key, list_code

# Languages of simplemma's dictionaries, which list the forms of each lemma.
_INFLECTED = """ar bg ca cs cy da de el en es et fa fi fr ga gl he hi hu hy id is it ka lb lt lv mk ml ms nl no pl pt ro
ru sk sl sq sv sw tl tr uk"""
_SHORTEST = 4  # letters: shorter words are mostly function words, whose "forms" are other words
_PLAIN = regex.compile(r"[\p{L}\p{M}\u200c\u200d]+")
_LONGEST = 6  # characters of a Chinese lexicon entry


@perturbation("code-mix", "word", "meaning of the words, not their form", unit="word of the lexicon",
              argument="LANGUAGE[+LANGUAGE...]/FILE.tsv", packages="simplemma")  # fmt: skip
def code_mix(text: str, site: Site) -> Iterator[Edit]:
    """Another language's word from a lexicon, as in PolyGloss (Tan and Joty 2021) without its search (default: en)."""
    yield from _replaced(text, translations(site.language.partition("@")[0], site.argument or "en"), site)


@perturbation("synonyms", "word", "meaning, roughly: a hypernym or neighbour can change an NLI label",
              unit="word of the lexicon", argument="FILE.json/FILE.tsv", packages="simplemma")  # fmt: skip
def synonym(text: str, site: Site) -> Iterator[Edit]:
    """A synonym or, in the generated world, a hypernym; a user's file can list other neighbours."""
    yield from _replaced(text, synonyms(site.language.partition("@")[0], site.argument), site)


@perturbation("inflection", "word", "lemmas", unit="inflected word", languages=_INFLECTED, packages="simplemma")
def inflection(text: str, site: Site) -> Iterator[Edit]:
    """Another form of the same lemma, as in Morpheus (Tan et al. 2020) without its search; forms from simplemma."""
    yield from _drawn(text, _inflected(text, site), site)


def choices(name: str, text: str, site: Site) -> list[tuple[Span, list[str]]]:
    """All that code-mix, synonyms or inflection could put in the place of each word, the best of a lexicon first."""
    language = site.language.partition("@")[0]
    if name == "inflection":
        found = _inflected(text, site)
    elif name == "code-mix":
        found = _found(text, translations(language, site.argument or "en"), site)
    else:
        found = _found(text, synonyms(language, site.argument), site)
    return [((start, end), [_like(text[start:end], other) for other in others]) for (start, end), others in found]


def _inflected(text: str, site: Site) -> Iterator[tuple[Span, list[str]]]:
    lemmas, forms = _forms(site.language)
    for start, end in words(text):
        word = text[start:end]
        if len(word) < _SHORTEST:
            continue
        lemma = lemmas.get(word) or lemmas.get(word.lower())
        others = [form for form in forms.get(lemma, ()) if form.lower() != word.lower()]
        if others:
            yield (start, end), others


def _replaced(text: str, lexicon: Lexicon, site: Site) -> Iterator[Edit]:
    yield from _drawn(text, _found(text, lexicon, site), site)


def _drawn(text: str, found: Iterator[tuple[Span, list[str]]], site: Site) -> Iterator[Edit]:
    for (start, end), others in found:
        yield Edit(start, end, _like(text[start:end], site.rng.choice(others)))


def _found(text: str, lexicon: Lexicon, site: Site) -> Iterator[tuple[Span, list[str]]]:
    """Entries of the lexicon in the text, from left to right: two words before one, without spaces the longest."""
    at = 0
    for start, end in _candidates(text, site.script):
        if start < at:
            continue
        word = key(text[start:end])
        others = lexicon.table.get(word) or (lexicon.table.get(_lemma(word, site.language)) if lexicon.lemmas else None)
        if others:
            at = end
            if others := [other for other in others if other != text[start:end]]:
                yield (start, end), others


def _candidates(text: str, script: str) -> Iterator[Span]:
    spans = words(text)
    if script in SPACELESS:
        for start, end in spans:
            for at in range(start, end):
                yield from ((at, at + size) for size in range(min(_LONGEST, end - at), 0, -1))
        return
    for i, (start, end) in enumerate(spans):
        if i + 1 < len(spans) and text[end : spans[i + 1][0]] == " ":
            yield start, spans[i + 1][1]
        yield start, end


def _like(word: str, other: str) -> str:
    """`other` with a capital where `word` has one."""
    return other[0].upper() + other[1:] if word[0] != word[0].lower() else other


@cache
def _lemma(word: str, language: str) -> str:
    from simplemma import lemmatize

    return key(lemmatize(word, lang=list_code(language))) if language in _INFLECTED.split() else word


@lru_cache(2)  # up to some hundred megabytes for Finnish
def _forms(language: str) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Form -> lemma and lemma -> forms."""
    from simplemma.strategies import DefaultDictionaryFactory

    lemmas = dict(DefaultDictionaryFactory(1).get_dictionary(list_code(language)))
    forms = defaultdict(list)
    for form, lemma in lemmas.items():
        if _PLAIN.fullmatch(form):
            forms[lemma].append(form)
    return lemmas, dict(forms)
