"""Tagging schemes: how the names of tags say where a chunk (an entity, a slot) begins and ends.

    prefix   B-PER I-PER O            the letter first, in either case, with - or _
    suffix   PER-B PER-I O            the letter last
    bare     B I O                    chunks of one kind
    kinds    PER LOC O                neighbours of one kind are one chunk
    pos      NOUN VERB PUNCT ...      UD's parts of speech: no chunks but those that XTREME scores
    words    any other names, no O    no chunks

The letters are those of IOB1, IOB2, IOE, BIOES, BILOU and BMEWO: B begins a chunk, I (M) goes on with it, E (L) ends
it, S (U, W) is one of a single word. They are read as conlleval reads them (Tjong Kim Sang and De Meulder 2003): a
chunk also begins where another kind or the outside, O, comes before.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from enum import StrEnum
from functools import lru_cache

Tags = Sequence[str | None]  # one sentence; None marks a word without a prediction (cut off)
Chunk = tuple[str, int, int]  # kind, first word, last word

VERSION = 3  # raised when tags are read otherwise than before

UPOS = frozenset([
    "ADJ", "ADP", "ADV", "AUX", "CCONJ", "DET", "INTJ", "NOUN", "NUM", "PART", "PRON", "PROPN", "PUNCT", "SCONJ", "SYM",
    "VERB", "X",
])  # fmt: skip
_ROLES = {"B": "B", "I": "I", "M": "I", "E": "E", "L": "E", "S": "S", "U": "S", "W": "S"}
_LETTER = f"[{''.join(_ROLES)}]"


class Scheme(StrEnum):
    PREFIX = "prefix"
    SUFFIX = "suffix"
    BARE = "bare"
    KINDS = "kinds"
    POS = "pos"
    WORDS = "words"

    @property
    def has_chunks(self) -> bool:
        return self not in (Scheme.POS, Scheme.WORDS)


_NOTATIONS = {
    Scheme.PREFIX: re.compile(f"(?P<letter>{_LETTER})[-_](?P<kind>.+)", re.IGNORECASE),
    Scheme.SUFFIX: re.compile(f"(?P<kind>.+)[-_](?P<letter>{_LETTER})", re.IGNORECASE),
    Scheme.BARE: re.compile(f"(?P<letter>{_LETTER})(?P<kind>)", re.IGNORECASE),
}


def scheme_of(names: Iterable[str | None]) -> Scheme:
    """The scheme that a set of tag names follows; None among them is ignored.

    Raises:
        ValueError: some tags are of a scheme with letters and others are not.
    """
    names = {name for name in names if name is not None}
    if names and names <= UPOS:
        return Scheme.POS
    inner = sorted(name for name in names if not _outside(name))
    outside, mixed = len(inner) < len(names), []
    for scheme in _NOTATIONS:
        letters = {name: letter for name in inner if (letter := _letter(scheme, name))}
        opening = [name for name, letter in letters.items() if letter in "BI"]
        if letters and len(letters) == len(inner) and (opening or outside):
            return scheme
        if opening and scheme != Scheme.BARE:  # a kind may be called B, so a bare letter proves no scheme
            mixed.append((opening[0], next(name for name in inner if name not in letters)))
    if mixed:
        one, other = mixed[0]
        raise ValueError(
            f"tags {one} and {other} follow no one scheme; write B-PER, I-PER, O, or PER-B, PER-I, O, or B, I, O"
        )
    return Scheme.KINDS if outside or not names else Scheme.WORDS


def chunks(tags: Tags, scheme: Scheme) -> list[Chunk]:
    """The chunks of one sentence, from left to right.

    UD's parts of speech are read as XTREME's script reads them: see `xlt.evaluation.metrics.chunk_f1`.
    """
    spans: list[Chunk] = []
    last, last_kind = "O", ""
    for i, tag in enumerate(tags):
        role, kind = _read(tag, scheme)
        if role != "O":
            begins = role in "BS" or last in "OES" or kind != last_kind
            first = i if begins else spans.pop()[1]  # a chunk that goes on replaces its shorter self
            spans.append((kind, first, i))
        last, last_kind = role, kind
    return spans


def units(tags: Tags, scheme: Scheme) -> list[list[int]]:
    """The words, grouped for perturbations that move them: a chunk stays together, any other word is a group alone."""
    ends = {first: last for _, first, last in chunks(tags, scheme)} if scheme.has_chunks else {}
    groups, i = [], 0
    while i < len(tags):
        end = ends.get(i, i)
        groups.append(list(range(i, end + 1)))
        i = end + 1
    return groups


def sizes(tags: Tags, scheme: Scheme) -> list[tuple[str, int]]:
    """Kind and number of words of each chunk, sorted: what stays the same wherever the chunks stand."""
    found = chunks(tags, scheme) if scheme.has_chunks else []
    return sorted((kind, last - first + 1) for kind, first, last in found)


def need_chunks(names: Collection[str]) -> Scheme:
    """The scheme of tags of which chunks are to be scored.

    Raises:
        ValueError: the tags are of no scheme, or of one without chunks.
    """
    scheme = scheme_of(names)
    if not scheme.has_chunks:
        some = ", ".join(sorted(names)[:3])
        raise ValueError(f"tags such as {some} name no chunks; name them B-PER, I-PER, O, or take token_accuracy")
    return scheme


def _outside(name: str) -> bool:
    return name in ("O", "o")


def _letter(scheme: Scheme, name: str) -> str:
    match = _NOTATIONS[scheme].fullmatch(name)
    return _ROLES[match["letter"].upper()] if match else ""


@lru_cache(maxsize=4096)  # a corpus has a few dozen tags, each of them read a hundred thousand times
def _read(tag: str | None, scheme: Scheme) -> tuple[str, str]:
    """Role (O, B, I, E or S) and kind of a tag."""
    if tag is None or (_outside(tag) and scheme.has_chunks):
        return "O", ""
    if scheme in _NOTATIONS:
        match = _NOTATIONS[scheme].fullmatch(tag)
        return (_ROLES[match["letter"].upper()], match["kind"]) if match else ("S", tag)
    single = scheme == Scheme.POS and tag.startswith("S")  # seqeval takes SCONJ and SYM for "single"
    return "S" if single else "I", tag
