"""English-X wordnet lexicons in the folder XLT_LEXICONS, joined by their synsets.

A file is `en-<code>.tsv.gz` with the columns english, pos, translation, synset. A word with more than one part of
speech is left out, since nothing here tells which it is, and so is a very short one, which is mostly a function word
that wordnets do not list. A word that is spelled alike in both languages stays as it is.

Of an English word the first sense is used: a file lists the best ones first. It ranks no senses of the other language,
whose words have several just as often (Italian cane: dog, bad person, hammer). There the English word is taken that
shares most with it (`_shares`). On 1,500 premises of XNLI that stands in the English version of the text for 18 % of
the Arabic words that are replaced, 38 % of the Bulgarian, 39 % of the Greek and 28 % of the French ones; the first row
of the file, which goes by the English alphabet, for 15, 36, 28 and 16 %. (Other forms and free translations do not
count, so no list reaches all of them.)
"""

from __future__ import annotations

from collections import defaultdict
from functools import cache
from math import isclose
from pathlib import Path
from typing import NamedTuple

from xlt.core.files import State
from xlt.core.paths import named_folder
from xlt.perturb.wordfiles import Lexicon, key, list_code, rows, state_of
from xlt.spec.languages import language as language_row

Shares = dict[tuple[str, str], float]  # of one word: English word and sense -> what it shares with it there
_SHORTEST = 3  # letters; Chinese characters: 2


def reading(language: str) -> str:
    """Raised when words of `language` are found or put otherwise than before: it belongs to the key of a result."""
    return "2" if language == "en" else "3"


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
    return _linked(state_of(files[0]), language, state_of(files[-1]), into) if files else None


class Entry(NamedTuple):
    """A row of a file."""

    english: str
    pos: str
    translation: str
    synset: str

    def word(self, language: str) -> str:
        return self.english if language == "en" else self.translation


@cache
def _linked(file: State, language: str, other: State, into: str) -> Lexicon:
    """Words of one file's side with those of another file's side in the same synset."""
    entries, members = _entries(Path(file[0])), _members(Path(other[0]), into)
    shares = {} if language == "en" else _shares(entries, language)
    synonyms = file == other and (language == "en") == (into == "en")
    table = {}
    for word, senses in _senses(entries, language).items():
        ranked = _ranked(shares[word]) if shares else list(senses)
        synset = next((synset for synset in ranked if synset in members), None)
        if synset is None or len(set(senses.values())) > 1 or len(word) < (_SHORTEST if word < "\u2e80" else 2):
            continue
        chosen = _most(shares[word]) if shares and into == "en" else members[synset]
        others = [other for other in chosen if key(other, into) != word]
        if others and (synonyms or len(others) == len(chosen)):
            table[word] = others
    return Lexicon(table, True)


def _entries(path: Path) -> list[Entry]:
    return [Entry(*values) for values in rows(path, Entry._fields)]


def _members(path: Path, language: str) -> dict[str, list[str]]:
    """Synset -> its words in the language, each once."""
    members: dict[str, dict[str, None]] = defaultdict(dict)
    for entry in _entries(path):
        members[entry.synset][entry.word(language)] = None
    return {synset: list(words) for synset, words in members.items()}


def _senses(entries: list[Entry], language: str) -> dict[str, dict[str, str]]:
    """Word -> its synsets as the file has them, with the part of speech of each."""
    senses: dict[str, dict[str, str]] = defaultdict(dict)
    for entry in entries:
        senses[key(entry.word(language), language)].setdefault(entry.synset, entry.pos)
    return senses


def _shares(entries: list[Entry], language: str) -> dict[str, Shares]:
    """What each word of `language` shares with English words.

    A sense that both have counts the more the earlier it comes among those of the English word, and it is divided among
    all words of the language that have it: dog's first sense, which is cane's alone, says more than that of bad person.
    """
    ranks: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)  # English word and part of speech -> sense -> rank
    speakers: dict[str, set[str]] = defaultdict(set)  # sense -> the language's words for it
    for entry in entries:
        senses = ranks[entry.english, entry.pos]
        senses.setdefault(entry.synset, len(senses) + 1)
        speakers[entry.synset].add(key(entry.translation, language))
    shares: dict[str, Shares] = defaultdict(dict)
    for entry in entries:
        rank = ranks[entry.english, entry.pos][entry.synset]
        word = key(entry.translation, language)
        shares[word][entry.english, entry.synset] = 1 / (rank * len(speakers[entry.synset]))
    return shares


def _likeness(shares: Shares) -> dict[str, float]:
    """English word -> all that it shares with a word."""
    likeness: dict[str, float] = defaultdict(float)
    for (english, _), share in shares.items():
        likeness[english] += share
    return likeness


def _ranked(shares: Shares) -> list[str]:
    """The senses of a word, first those of the English word that shares most with it, of these the one it has most."""
    likeness = _likeness(shares)
    best: dict[str, tuple[float, float]] = {}
    for (english, synset), share in shares.items():
        best[synset] = max(best.get(synset, (0.0, 0.0)), (likeness[english], share))
    return sorted(best, key=lambda synset: best[synset], reverse=True)


def _most(shares: Shares) -> list[str]:
    """The English words that share most; several share as much where they are synonyms in all senses."""
    likeness = _likeness(shares)
    most = max(likeness.values())
    return [english for english, alike in likeness.items() if isclose(alike, most)]
