"""Word lists: a user's file, English-X wordnet lexicons in the folder XLT_LEXICONS, or the generated world's own words.

A lexicon maps a word, in small letters and NFC, to what may stand in its place. Where several sources could serve, a
file goes before the folder and the folder before the world.

The folder holds `en-<code>.tsv.gz` with the columns english, pos, translation, synset, best senses first. A word with
more than one part of speech is left out, since nothing here tells which it is; of the rest the first sense is used,
and a word that is spelled alike in both languages is left out.
"""

from __future__ import annotations

import csv
import gzip
import json
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple
from unicodedata import normalize

from xlt.errors import UserError

Table = dict[str, list[str]]


class Lexicon(NamedTuple):
    """`lemmas`: only citation forms are listed, so that a text's words have to be lemmatised."""

    table: Table
    lemmas: bool


def key(word: str) -> str:
    return normalize("NFC", word.lower())


def translations(language: str, into: str) -> Lexicon:
    """Words of `language` in the languages or files of `into` ("ar", "ar+hi", "mine.tsv").

    Raises:
        UserError: a file that is missing or has other columns, or no lexicon for the pair.
    """
    parts = [
        _file(part, ("word", "translation")) if _is_file(part) else _pair(language, part) for part in into.split("+")
    ]
    return _joined(parts)


def synonyms(language: str, file: str = "") -> Lexicon:
    """Words of `language` and others of the same meaning; from a file "word -> neighbours" if one is named.

    A file is JSON, {"word": ["neighbour", ...]}, or TSV with the columns word and neighbour. In the generated world
    they are hypernyms (fruit for apple).
    """
    if file:
        return _file(file, ("word", "neighbour"))
    return (
        _of_folder(language, language)
        or _of_world(language, language)
        or _missing(f"synonyms for {language}", "synonyms")
    )


def _pair(language: str, into: str) -> Lexicon:
    if language == into:
        raise UserError(f"code-mixing {language} with itself changes nothing; name another language: code-mix:LANGUAGE")
    return (
        _of_folder(language, into)
        or _of_world(language, into)
        or _missing(f"lexicon from {language} to {into}", "code-mix")
    )


def _missing(what: str, name: str) -> Lexicon:
    raise UserError(
        f"there is no {what}: point XLT_LEXICONS at a folder with en-LANGUAGE.tsv.gz, or name a file: {name}:FILE.tsv"
    )


def _joined(parts: list[Lexicon]) -> Lexicon:
    table: Table = defaultdict(list)
    for part in parts:
        for word, others in part.table.items():
            table[word] += others
    return Lexicon(dict(table), any(part.lemmas for part in parts))


# Files


def _is_file(argument: str) -> bool:
    return argument.removesuffix(".gz").endswith((".tsv", ".json"))


@cache
def _file(name: str, columns: tuple[str, str]) -> Lexicon:
    if name.endswith(".json"):
        try:
            found = json.loads(Path(name).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise UserError(f"lexicon file {name} cannot be read ({error})") from None
        if not isinstance(found, dict) or not all(isinstance(others, list) for others in found.values()):
            raise UserError(f'lexicon file {name} is not of the form {{"word": ["neighbour", ...]}}')
        return Lexicon({key(word): list(map(str, others)) for word, others in found.items() if others}, False)
    return Lexicon(_grouped(_rows(Path(name), columns)), False)


def _rows(path: Path, columns: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The named columns of a TSV file with a header line, gzipped or not."""
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rt", encoding="utf-8", newline="") as stream:
            reader = csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE)
            found = reader.fieldnames or []
            if missing := [column for column in columns if column not in found]:
                raise UserError(
                    f"lexicon file {path} has no column {missing[0]}: its first line is '{', '.join(found)}'; "
                    f"it must name {', '.join(columns)}, separated by tabs"
                )
            for number, row in enumerate(reader, 2):
                if None in (values := tuple(row[column] for column in columns)):
                    raise UserError(f"lexicon file {path}, line {number}: fewer columns than the first line names")
                yield values
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise UserError(f"lexicon file {path} cannot be read ({error})") from None


def _grouped(pairs: Iterable[tuple[str, ...]]) -> Table:
    table: Table = defaultdict(list)
    for word, other in pairs:
        if other and other not in table[key(word)]:
            table[key(word)].append(other)
    return dict(table)


# The folder of wordnets


def _of_folder(language: str, into: str) -> Lexicon | None:
    """None where the folder has no file for one of the two languages."""
    folder = os.environ.get("XLT_LEXICONS")
    if not folder:
        return None
    if not Path(folder).expanduser().is_dir():
        raise UserError(f"XLT_LEXICONS={folder} is not a folder; point it at files en-LANGUAGE.tsv.gz, or unset it")
    others = [code for code in (language, into) if code != "en"]
    paths = [Path(folder).expanduser() / f"en-{code}.tsv.gz" for code in others] or _largest(Path(folder).expanduser())
    if not paths or not all(path.is_file() for path in paths):
        return None
    return _linked(paths[0], language == "en", paths[-1], into == "en")


def _largest(folder: Path) -> list[Path]:
    """English itself stands in every file: the largest one serves."""
    return sorted(folder.glob("en-*.tsv.gz"), key=lambda path: path.stat().st_size)[-1:]


@cache
def _linked(path: Path, english: bool, into: Path, into_english: bool) -> Lexicon:
    """Words of one file's side with the words of another's side in the same synset."""
    senses: dict[str, dict[str, str]] = defaultdict(dict)  # word -> synset -> part of speech, best sense first
    members: dict[str, list[str]] = defaultdict(list)
    for source, translation, pos, synset in _rows(path, ("english", "translation", "pos", "synset")):
        senses[key(source if english else translation)].setdefault(synset, pos)
    for source, translation, synset in _rows(into, ("english", "translation", "synset")):
        word = source if into_english else translation
        if word not in members[synset]:
            members[synset].append(word)
    same = path == into and english == into_english
    table = {}
    for word, found in senses.items():
        synset = next((synset for synset in found if synset in members), None)
        if synset is None or len(set(found.values())) > 1:
            continue
        alike = [other for other in members[synset] if key(other) == word]
        if others := [other for other in members[synset] if key(other) != word] if same or not alike else []:
            table[word] = others
    return Lexicon(table, True)


# The generated world


@cache
def _of_world(language: str, into: str) -> Lexicon | None:
    """Nouns and adjectives of the world, all forms; None where it does not speak one of the languages."""
    from xlt.world.concepts import NOUNS

    ours, theirs = _world_forms(language), _world_forms(into)
    if not (ours and theirs):
        return None
    if language != into:
        pairs = [(form, theirs[concept][0]) for concept, forms in ours.items() if concept in theirs for form in forms]
    else:
        wider = {noun: hypernym for noun, (_, hypernym, _) in NOUNS.items() if hypernym}
        pairs = [pair for noun, hypernym in wider.items() for pair in zip(ours[noun], ours[hypernym], strict=False)]
    return Lexicon(_grouped(pairs), False)


_GENDERS = frozenset({"m", "f", "n", "nt", "ma", "fp"})  # beside the forms in a noun's line


def _world_forms(code: str) -> dict[str, list[str]]:
    """Concept -> its forms in the world's lexicon of the language, the one that stands alone first."""
    from xlt.world import DIALECTS, LANGUAGES
    from xlt.world.grammar.sr import to_cyrillic
    from xlt.world.lexicon import lexicon

    base = code.partition("@")[0]
    if base not in LANGUAGES:
        return {}
    named = {}
    for part in dict.fromkeys((DIALECTS.get(base, base).partition("-")[0], base.partition("-")[0])):
        for section in ("nouns", "adjectives"):
            named |= lexicon(part).get(section, {})
    rows = {concept: [row] if isinstance(row, str) else row for concept, row in named.items()}
    forms = {c: [f for f in row if isinstance(f, str) and f not in _GENDERS] for c, row in rows.items()}
    if base == "zh":
        forms = {concept: row[:1] for concept, row in forms.items()}  # a classifier follows
    if base == "sr-Cyrl":
        forms = {concept: list(map(to_cyrillic, row)) for concept, row in forms.items()}
    return forms
