"""Words and letters of a text in any script, as offsets. A letter is a grapheme cluster (UAX 29), never half of one."""

from __future__ import annotations

from collections.abc import Iterator

import regex

from xlt.perturb.align import Span

# letters and digits with their marks and joiners; inside also an apostrophe, a Hebrew gershayim, and 8:15 or 1,000.5
_CORE = r"[\p{L}\p{N}][\p{L}\p{N}\p{M}\u200c\u200d]*"
_WORD = regex.compile(rf"{_CORE}(?:(?:['’׳״]|(?<=\p{{N}})[.,:](?=\p{{N}})){_CORE})*")
_CLUSTER = regex.compile(r"\X")
_LETTER = regex.compile(r"\p{L}")

# scripts that write no space between words
SPACELESS = frozenset({"Hans", "Hant", "Jpan", "Thai", "Khmr", "Laoo", "Mymr"})


def words(text: str) -> list[Span]:
    """Maximal runs of letters and digits; without spaces between words, as in Chinese or Thai, whole phrases."""
    return [match.span() for match in _WORD.finditer(text)]


def clusters(text: str) -> list[Span]:
    """Grapheme clusters."""
    return [match.span() for match in _CLUSTER.finditer(text)]


def letters(text: str) -> Iterator[list[Span]]:
    """For each word, the grapheme clusters in it that start with a letter."""
    starts = [(start, end) for start, end in clusters(text) if _LETTER.match(text[start])]
    at = 0
    for start, end in words(text):
        spans = []
        while at < len(starts) and starts[at][0] < end:
            if starts[at][0] >= start:
                spans.append(starts[at])
            at += 1
        if spans:
            yield spans


def in_script(character: str, script: str) -> bool:
    """Whether the code point belongs to the ISO 15924 `script` (Hans and Hant count as Han)."""
    return bool(_script(script).fullmatch(character))


_COMPOSITE = {
    "Hans": r"\p{Hani}",
    "Hant": r"\p{Hani}",
    "Jpan": r"[\p{Hani}\p{Hira}\p{Kana}]",
    "Kore": r"[\p{Hang}\p{Hani}]",
}
_COMPILED: dict[str, regex.Pattern] = {}


def _script(script: str) -> regex.Pattern:
    if script not in _COMPILED:
        _COMPILED[script] = regex.compile(_COMPOSITE.get(script, rf"\p{{{script}}}"))
    return _COMPILED[script]
