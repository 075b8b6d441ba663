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
from xlt.spec.case import like, lower

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
    yield from _drawn(_translated(text, site), site)


@perturbation("synonyms", "word", "meaning, roughly: a hypernym or neighbour can change an NLI label",
              unit="word of the lexicon", argument="FILE.json/FILE.tsv", packages="simplemma")  # fmt: skip
def synonym(text: str, site: Site) -> Iterator[Edit]:
    """A synonym or, in the generated world, a hypernym; a user's file can list other neighbours."""
    yield from _drawn(_synonyms(text, site), site)


@perturbation("inflection", "word", "lemmas", unit="inflected word", languages=_INFLECTED, packages="simplemma",
              version=2)  # fmt: skip
def inflection(text: str, site: Site) -> Iterator[Edit]:
    """Another form of the same lemma, as in Morpheus (Tan et al. 2020) without its search; forms from simplemma."""
    yield from _drawn(_inflected(text, site), site)


def choices(name: str, text: str, site: Site) -> list[tuple[Span, list[str]]]:
    """All that code-mix, synonyms or inflection could put in the place of each word, the best of a lexicon first."""
    find = {"inflection": _inflected, "code-mix": _translated}.get(name, _synonyms)
    return list(find(text, site))


def _translated(text: str, site: Site) -> Iterator[tuple[Span, list[str]]]:
    into = site.argument or "en"
    return _found(text, translations(site.language.partition("@")[0], into), site, into.partition("@")[0])


def _synonyms(text: str, site: Site) -> Iterator[tuple[Span, list[str]]]:
    language = site.language.partition("@")[0]
    return _found(text, synonyms(language, site.argument), site, language)


def _inflected(text: str, site: Site) -> Iterator[tuple[Span, list[str]]]:
    language = site.language.partition("@")[0]
    lemmas, forms = _forms(language)
    for start, end in words(text):
        word = text[start:end]
        if len(word) < _SHORTEST:
            continue
        small = lower(word, language)
        others = forms.get(lemmas.get(word) or lemmas.get(small), ())
        if others := [like(word, form, language) for form in others if lower(form, language) != small]:
            yield (start, end), others


def _drawn(options: Iterator[tuple[Span, list[str]]], site: Site) -> Iterator[Edit]:
    for (start, end), others in options:
        yield Edit(start, end, site.rng.choice(others))


def _found(text: str, lexicon: Lexicon, site: Site, into: str) -> Iterator[tuple[Span, list[str]]]:
    """Entries of the lexicon in the text, from left to right: two words before one, without spaces the longest.

    Their capitals are those of `into`; of a file, whose language nobody says, English ones.
    """
    at, language = 0, site.language.partition("@")[0]
    for start, end in _candidates(text, site.script):
        if start < at:
            continue
        word, small = text[start:end], key(text[start:end], language)
        others = lexicon.table.get(small) or (lexicon.table.get(_lemma(small, language)) if lexicon.lemmas else None)
        if others:
            at = end
            if others := [like(word, other, into) for other in others if other != word]:
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


@cache
def _lemma(word: str, language: str) -> str:
    from simplemma import lemmatize

    return key(lemmatize(word, lang=list_code(language)), language) if language in _INFLECTED.split() else word


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
