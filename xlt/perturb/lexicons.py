"""Which word may stand for which: a user's file, the wordnets of XLT_LEXICONS, or the generated world's own words.

Where several could serve, a file goes before the wordnets and these before the world. A file that is named without
a folder may lie in XLT_LEXICONS.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from xlt.core.errors import UserError
from xlt.core.files import State
from xlt.perturb import wordnets, worldwords
from xlt.perturb.wordfiles import Lexicon, Table, read, state_of
from xlt.spec.languages import canonical
from xlt.spec.languages import language as language_row

_READING = "2"  # raised when words of a user's files are found or put otherwise than before
_DEFAULT = {"code-mix": "en", "synonyms": "", "rs-da": "", "rs-da-clean": ""}  # into which language; "": the same


def translations(language: str, into: str) -> Lexicon:
    """Words of `language` in the languages or files of `into` ("ar", "ar+hi", "mine.tsv").

    A file is TSV with the columns word and translation, or JSON, {"word": ["translation", ...]}.

    Raises:
        UserError: a file that is missing or has other columns, or no lexicon for the pair.
    """
    return _translations(language, into, tuple(state_of(file) for files in _paths(language, into) for file in files))


@cache
def _translations(language: str, into: str, files: tuple[State, ...]) -> Lexicon:
    """With other `files` they are put together again."""
    table: Table = defaultdict(list)
    parts = [
        read(_place(part), ("word", "translation"), language) if _is_file(part) else _pair(language, part)
        for part in _parts(into)
    ]
    for part in parts:
        for word, others in part.table.items():
            table[word] += others
    return Lexicon(dict(table), any(part.lemmas for part in parts))


def synonyms(language: str, file: str = "") -> Lexicon:
    """Words of `language` and others of the same meaning, from `file` if one is named.

    A file is TSV with the columns word and neighbour, or JSON, {"word": ["neighbour", ...]}. In the generated world
    they are hypernyms (fruit for apple).

    Raises:
        UserError: a file that is missing or has other columns, or no synonyms for the language.
    """
    if file:
        return read(_place(file), ("word", "neighbour"), language)
    return _found(language, language) or _missing(f"synonyms for {language}", "synonyms")


def files(name: str, language: str) -> dict[str, str]:
    """Name -> hash of the word lists that perturbation `name` reads: files, else the words of the generated world.

    Empty where it reads none, or there are none for the language.
    """
    base, _, argument = name.partition(":")
    if base not in _DEFAULT:
        return {}
    parts = _parts(argument or _DEFAULT[base] or language)
    return {name: hashes for part in parts for name, hashes in _fingerprints(language, part).items()}


def held(names: Iterable[str]) -> dict[str, str | None]:
    """Path -> hash of every word list in XLT_LEXICONS, and of those elsewhere that perturbations of these names read;
    None of one that is missing."""
    folder = wordnets.folder()
    here = [path for path in sorted(folder.iterdir()) if _is_file(path.name)] if folder else []
    words = [name.partition(":")[2] for name in names if name.partition(":")[0] in _DEFAULT]
    named = [_place(part) for argument in words for part in argument.split("+") if _is_file(part)]
    files = {path: path.is_file() for path in [*here, *named]}
    return {str(path): _fingerprint(path, "") if there else None for path, there in files.items()}


def listed(name: str, language: str) -> bool:
    """Whether all word lists that perturbation `name` needs lie in files; else it has the generated world's words.

    A path counts as a file even where nothing lies: that is a mistake, to be said when it is read.
    """
    base, _, argument = name.partition(":")
    into = argument or _DEFAULT.get(base, "") or language
    if base not in _DEFAULT or (base == "code-mix" and into == language):  # with itself: not a matter of lists
        return True
    named = [path for path in _parts(into) if _is_file(path) and Path(path).name == path]
    return all(_paths(language, into)) and all(_place(name).is_file() for name in named)


def _paths(language: str, argument: str) -> list[list[Path]]:
    return [[_place(p)] if _is_file(p) else wordnets.paths(language, p) for p in _parts(argument)]


def _place(file: str) -> Path:
    """Where a named file lies: as it says, or in the folder XLT_LEXICONS if it names no folder."""
    path, folder = Path(file).expanduser(), wordnets.folder()
    return folder / file if folder and path.name == file and not path.is_file() else path


def _fingerprints(language: str, part: str) -> dict[str, str]:
    paths = _paths(language, part)[0]
    if not paths and (words := worldwords.fingerprint(language.partition("@")[0], part.partition("@")[0])):
        return {f"words of the generated world, {language} to {part}": words}
    reading = _READING if _is_file(part) else wordnets.reading(language)
    return {path.name: _fingerprint(path, reading) for path in paths}


def _fingerprint(path: Path, reading: str) -> str:
    try:
        return hashlib.sha256(reading.encode() + path.read_bytes()).hexdigest()
    except OSError as error:
        raise UserError(f"lexicon file {path} cannot be read ({error.strerror}); README, Word lists") from None


def _parts(argument: str) -> list[str]:
    """Files as they are named, and the languages by their codes in whatever spelling: "kor+mine.tsv"."""
    return [part if _is_file(part) else canonical(part) for part in argument.split("+")]


def _is_file(argument: str) -> bool:
    return argument.removesuffix(".gz").endswith((".tsv", ".json"))


def _pair(language: str, into: str) -> Lexicon:
    if language == into:
        raise UserError(f"code-mixing {language} with itself changes nothing; name another language: code-mix:LANGUAGE")
    language_row(into, f"code-mix:{into}")
    return _found(language, into) or _missing(f"lexicon from {language} to {into}", "code-mix")


def _found(language: str, into: str) -> Lexicon | None:
    return wordnets.lexicon(language, into) or worldwords.lexicon(language, into)


def _missing(what: str, name: str) -> Lexicon:
    raise UserError(
        f"there is no {what}: point XLT_LEXICONS at a folder with en-LANGUAGE.tsv.gz, or name a file: {name}:FILE.tsv"
    )
