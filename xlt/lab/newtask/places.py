"""Where the records of a folder lie: its languages, by folders or file names, and its splits."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from xlt.core.errors import UserError
from xlt.data.layout import CARD, Folder, configs, layout, tables, usual
from xlt.lab.newtask.columns import GUESSED
from xlt.spec import slices
from xlt.spec.languages import known

# Ours: words for it in names of files and folders.
SPLITS = {"train": usual("train"), "dev": (*usual("dev"), "development"), "test": usual("test")}
_SPLIT_WORDS = {word for words in SPLITS.values() for word in words}
ENGLISH = "en"
HELD_OUT = "80%"  # of one set of records those before this mark are learned from, those behind it tested on


@dataclass(frozen=True)
class Places:
    """What a task declares of its files; `notes` are comments by field.

    `spelled` are the languages as the files spell them, by code; `languages` those of our splits that each has.
    """

    folder: Path
    config: str
    splits: Mapping[str, str]
    spelled: Mapping[str, str]
    languages: Mapping[str, tuple[str, ...]]
    notes: Mapping[str, str] = field(default_factory=dict)

    def searched(self) -> Places:
        """The same for sentence pairs, which are only searched: any of them is one to test on."""
        splits, notes = {"test": slices.whole(self.splits["test"])}, dict(self.notes)
        notes.pop("splits", None)
        return replace(self, splits=splits, languages=dict.fromkeys(self.languages, ("test",)), notes=notes)


def survey(path: Path) -> Places:
    """The languages and splits of a folder, or of one file.

    Raises:
        UserError: no such place, or no file of records in it.
    """
    if not path.exists():
        raise UserError(f"there is no folder or file {path}")
    if path.is_file() and set(_words(path.name)) & _SPLIT_WORDS:  # one of several files
        path = path.parent
    place = Folder(path.resolve(), path.name)
    paths = tables(place)
    if not paths:
        raise UserError(f"{path}: no file of records: CSV, TSV, JSON lines, Parquet or CoNLL; name them so (train.csv)")
    spelled, config, notes = _by_card(place) or _by_folder(paths) or _by_word(paths) or _alone(path)
    held = {code: set(map(str, layout(place, config.format(code=name)).splits)) for code, name in spelled.items()}
    splits = _splits(path, set().union(*held.values()), notes)
    languages = {
        code: tuple(ours for ours, theirs in splits.items() if slices.whole(theirs) in names)
        for code, names in held.items()
    }
    return Places(path.resolve(), config, splits, spelled, languages, notes)


Spelled = tuple[dict[str, str], str, dict[str, str]]  # code: as written here; config; notes


def _by_card(place: Folder) -> Spelled | None:
    """Languages of which each has a config on the card, such as xquad.de; or the only config there is."""
    names = configs(place) if CARD in place.paths else []
    if not names or "default" in names:
        return None
    ends: dict[tuple[str, str], list[str]] = {}  # what stands before and behind the language: how it is written
    for name in names:
        before, dot, last = name.rpartition(".")
        for word, around in ((name, ("", "")), (last, (before + dot, ""))):
            if known(word) and word not in ends.setdefault(around, []):
                ends[around].append(word)
    for (before, _), words in sorted(ends.items(), key=lambda one: -len(one[1])):
        if codes := _codes(words):
            return codes, before + "{code}", {}
    spelled, _, notes = _alone(place.root)
    others = f"; others are {', '.join(names[1:6])}" if names[1:] else ""
    return spelled, names[0], notes | ({"config": GUESSED + f"the first{others}"} if others else {})


def _by_folder(paths: list[str]) -> Spelled | None:
    """Languages that folders are named by, at one depth: hau/train.txt, data/de/test.csv."""
    folders = [path.split("/")[:-1] for path in paths]
    for depth in range(min(map(len, folders))):
        above = {tuple(folder[:depth]) for folder in folders}
        if len(above) == 1 and (codes := _codes(folder[depth] for folder in folders)):
            return codes, "/".join([*above.pop(), "{code}"]), {}
    return None


def _by_word(paths: list[str]) -> Spelled | None:
    """Languages that are a word of each file's name: train_de.csv, xquad.de.json, de.jsonl, test/de.jsonl."""
    words = [_words(path.rpartition("/")[2]) for path in paths]
    for place in {0, *range(-1, -1 - min(map(len, words)), -1)}:
        if codes := _codes(several[place] for several in words):
            return codes, "{code}", {}
    return None


def _words(name: str) -> list[str]:
    """The words of a file's name, without its ending."""
    return re.split(r"[-_.]", name)[:-1] or [""]


def _alone(path: Path) -> Spelled:
    """One set of records; its language may stand in the folder's name."""
    words = [path.stem, *re.split(r"[-_. ]", path.stem), path.resolve().parent.name]
    codes = next(filter(None, (_codes([word]) for word in words)), {})
    if codes:
        return codes, "default", {}
    return {ENGLISH: ENGLISH}, "default", {"languages": f"{GUESSED}no name tells the language"}


def _codes(names: Iterable[str]) -> dict[str, str]:
    """The names by language; none if one of them is no language, or the only one might as well be another word."""
    spelled: dict[str, str] = {}
    for name in dict.fromkeys(names):
        language = known(name)
        if not language or name.lower() in _SPLIT_WORDS or language.code in spelled:
            return {}
        spelled[language.code] = name
    short = [code for code in spelled if len(re.split(r"[-_]", code)[0]) == 2]
    return spelled if len(spelled) > 1 or short else {}


def _splits(path: Path, names: set[str], notes: dict[str, str]) -> dict[str, str]:
    """Our name: theirs. A split that is missing is replaced as well as can be, and `notes` says how."""
    splits = {}
    for ours, words in SPLITS.items():
        if theirs := sorted(name for name in names if set(re.split(r"\W|_", name.lower())) & set(words)):
            splits[ours] = theirs[0]
    if not splits and len(names) == 1:
        splits["train"] = names.pop()
    if not splits:
        raise UserError(f"{path}: splits {', '.join(sorted(names))}: name the files train and test")
    if len(splits) == 1:
        ((ours, only),) = splits.items()
        lacking = "test" if ours == "train" else "training"
        notes["splits"] = f"no {lacking} records: those there are cut in two at {HELD_OUT}"
        return {"train": f"{only}[:{HELD_OUT}]", "test": f"{only}[{HELD_OUT}:]"}
    if "test" not in splits:
        notes["splits"] = "no test records: the development records are tested on"
        return {"train": splits["train"], "test": splits["dev"]}
    if "train" not in splits:
        notes["splits"] = "no training records: the development records are learned from"
        return {"train": splits["dev"], "test": splits["test"]}
    return splits
