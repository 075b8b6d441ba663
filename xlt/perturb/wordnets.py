"""English-X wordnet lexicons in the folder XLT_LEXICONS, joined by their synsets.

A file is `en-<code>.tsv.gz` with the columns english, pos, translation, synset, best senses first. A word with more
than one part of speech is left out, since nothing here tells which it is, and so is a very short one, which is mostly
a function word that wordnets do not list. Of the rest the first sense is used; a word that is spelled alike in both
languages stays as it is.
"""

from __future__ import annotations

from collections import defaultdict
from functools import cache
from pathlib import Path

from xlt.core.paths import named_folder
from xlt.perturb.wordfiles import Lexicon, key, list_code, rows
from xlt.spec.languages import language as language_row

_SHORTEST = 3  # letters; Chinese characters: 2


def folder() -> Path | None:
    """The folder XLT_LEXICONS; None where that is not set.

    Raises:
        UserError: it is no folder.
    """
    return named_folder("XLT_LEXICONS", "files en-LANGUAGE.tsv.gz")


def paths(language: str, into: str) -> list[Path]:
    """The file of each language; none where one is missing. English stands in every file: the largest serves."""
    root = folder()
    if root is None:
        return []
    others = [_file(root, code) for code in dict.fromkeys((list_code(language), list_code(into))) if code != "en"]
    others = others or sorted(root.glob("en-*.tsv.gz"), key=lambda path: path.stat().st_size)[-1:]
    return others if all(path.is_file() for path in others) else []


def _file(root: Path, code: str) -> Path:
    """That of the code, else that of its three letters if there is one (en-hau of ha)."""
    named = [root / f"en-{name}.tsv.gz" for name in (code, language_row(code).iso3)]
    return next((path for path in named if path.is_file()), named[0])


def lexicon(language: str, into: str) -> Lexicon | None:
    """Words of `language` in `into`, or its synonyms where both are the same; None without the files."""
    files = paths(language, into)
    return _linked(files[0], language, files[-1], into) if files else None


@cache
def _linked(path: Path, language: str, other_path: Path, into: str) -> Lexicon:
    """Words of one file's side with those of another file's side in the same synset."""
    senses: dict[str, dict[str, str]] = defaultdict(dict)  # word -> synset -> part of speech, best sense first
    for source, translation, pos, synset in rows(path, ("english", "translation", "pos", "synset")):
        senses[key(source if language == "en" else translation, language)].setdefault(synset, pos)
    members: dict[str, dict[str, None]] = defaultdict(dict)  # synset -> words, each once
    for source, translation, synset in rows(other_path, ("english", "translation", "synset")):
        members[synset][source if into == "en" else translation] = None
    synonyms = path == other_path and (language == "en") == (into == "en")
    table = {}
    for word, synsets in senses.items():
        synset = next((synset for synset in synsets if synset in members), None)
        if synset is None or len(set(synsets.values())) > 1 or len(word) < (_SHORTEST if word < "\u2e80" else 2):
            continue
        others = [other for other in members[synset] if key(other, into) != word]
        if others and (synonyms or len(others) == len(members[synset])):
            table[word] = others
    return Lexicon(table, True)
