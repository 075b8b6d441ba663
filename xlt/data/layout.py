"""Which files of a data set make up a config and its splits: as its card says, else as folders and files are named.

A data set is a place: a folder here, or a repository on the hub at one commit (`data.repository`). Both are a list of
paths and a way to get at each file, so both are read alike.
"""

from __future__ import annotations

import hashlib
import os
import posixpath
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property, lru_cache
from pathlib import Path
from typing import Any, Protocol

import datasets
import yaml
from datasets.data_files import FILES_TO_IGNORE, SPLIT_KEYWORDS, _get_data_files_patterns, sanitize_patterns
from datasets.info import DatasetInfosDict
from datasets.packaged_modules import _EXTENSION_TO_MODULE
from datasets.utils.metadata import MetadataConfigs
from fsspec.utils import glob_translate
from huggingface_hub import DatasetCardData
from huggingface_hub.repocard import REGEX_YAML_BLOCK

from xlt.core.errors import UserError, unknown
from xlt.core.files import State, state
from xlt.spec import slices

CARD = "README.md"
# SPLIT-00000-of-00001.parquet, as data sets are uploaded, and SPLIT/0000.parquet, as the hub converts them
_SHARD = re.compile(r"(?P<split>\w+(?:\.\w+)*)(?:-\d{5}-of-\d{5}\.\w+|/\d{4}\.parquet)")
_OURS = ("config_name", "data_files", "data_dir", "default", "version", "description")  # of a config on a card
READERS = ("parquet", "json", "csv", "arrow", "text", "conll")
_COLUMNS = (
    ".conll",
    ".conllu",
    ".conllup",
    ".iob",
    ".iob2",
    ".bio",
    ".bioes",
    ".bilou",
)  # words and tags, a word a line
PACKED = (".gz", ".tgz", ".tar", ".zip", ".bz2", ".xz", ".zst")
Splits = dict[str, tuple[str, ...]]
Card = tuple[Mapping[str, dict[str, Any]], Mapping[str, datasets.DatasetInfo]]
# Both are safe. libyaml's is ten times as fast, but not in every build of PyYAML.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Location(Protocol):
    """Where a data set lies."""

    name: str  # as messages call it
    paths: tuple[str, ...]  # of all its files, from its root

    def file(self, path: str) -> Path:
        """The file `path`, on this machine."""

    def fingerprint(self, path: str) -> str:
        """A hash of what the file `path` holds."""


@dataclass(frozen=True)
class Folder:
    """A data set in a folder of this machine, or one file alone; with another `seen` its files are listed again."""

    root: Path
    name: str
    seen: int = 0

    @cached_property
    def paths(self) -> tuple[str, ...]:
        if self.root.is_file():
            return (self.root.name,)
        paths = []
        for folder, below, files in os.walk(self.root, followlinks=True):
            below[:] = [name for name in below if not name.startswith((".", "__"))]
            inside = Path(folder).relative_to(self.root).as_posix()  # once a folder: some have hundreds of files
            paths += [file if inside == "." else f"{inside}/{file}" for file in files]
        return tuple(sorted(paths))

    def file(self, path: str) -> Path:
        return self.root if self.root.is_file() else self.root / path

    def fingerprint(self, path: str) -> str:
        try:
            return _sha256(state(self.file(path)))
        except FileNotFoundError:
            raise UserError(f"{self.name}: {path} is no longer there; put it back, or run again without it") from None


@cache
def _sha256(of: State) -> str:
    with open(of[0], "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()[:16]


@dataclass(frozen=True)
class Layout:
    """One config of a data set: the paths of each split, and the packaged reader of `datasets` for such files.

    Where the card gives them: `options` of that reader (a separator), `features` (columns and their types), and `rows`
    of each split, which may be stale. `others`: files in another format than most, which are not read.
    """

    splits: Splits
    reader: str
    options: Mapping[str, Any] = field(default_factory=dict)
    features: datasets.Features | None = None
    rows: Mapping[str, int] = field(default_factory=dict)
    others: tuple[str, ...] = ()

    def called(self, split: str, declared: Mapping[str, str]) -> str:
        """The name that a split has here: as `declared`, else the only one of the usual names for it that is here and
        is declared for no other split."""
        name = slices.whole(declared[split])
        taken = {slices.whole(other) for one, other in declared.items() if one != split}
        here = [other for other in usual(name) if other in self.splits and other not in taken]
        return here[0] if name not in self.splits and len(here) == 1 else name


def usual(name: str) -> tuple[str, ...]:
    """What people call a split of that name: validation, valid, dev, val."""
    return next((tuple(names) for names in SPLIT_KEYWORDS.values() if name in names), (name,))


@cache
def layout(place: Location, config: str) -> Layout:
    """The config of that name on the card; else the folder of that name; else, for `default`, all files; else the files
    that have it as a word of their names.

    Raises:
        UserError: no such config (the message names those that are there), or a card that cannot be read.
    """
    declared, described = _card(place)
    settings, about = declared.get(config, {}), described.get(config)
    paths = tables(place)
    whole = [""] if settings or (config == "default" and not declared) else []
    if "data_files" in settings:
        splits = _listed(paths, sanitize_patterns(settings["data_files"]))
    else:
        folders = [settings["data_dir"]] if "data_dir" in settings else [config, *whole]
        here = isinstance(place, Folder)
        splits = next(filter(None, (_split(paths, folder.strip("/"), here) for folder in folders)), {})
        splits = splits or (_of_word(paths, config) if here else {})
    if not splits:
        raise unknown("config", config, configs(place), place.name)
    readers = Counter(reader_of(path) for several in splits.values() for path in several)
    reader, options = max(readers, key=lambda one: (readers[one], one[0] == "parquet"))
    kept = {split: tuple(path for path in some if reader_of(path)[0] == reader) for split, some in splits.items()}
    kept = {split: some for split, some in kept.items() if some}
    others = tuple(path for some in splits.values() for path in some if reader_of(path)[0] != reader)
    options = dict(options) | {name: value for name, value in settings.items() if name not in _OURS}
    rows = {name: split.num_examples for name, split in ((about and about.splits) or {}).items()}
    return Layout(kept, reader, options, about and about.features, rows, others)


def tables(place: Location) -> list[str]:
    """The files that may hold records."""
    return [path for path in place.paths if reader_of(path) and path.rpartition("/")[2] not in FILES_TO_IGNORE]


def configs(place: Location) -> list[str]:
    """The configs that the card names; without any, the folders that hold files of records."""
    return list(_card(place)[0]) or sorted({path.partition("/")[0] for path in tables(place) if "/" in path})


@cache
def _card(place: Location) -> Card:
    """What the card declares: its configs by name, and what it says of their columns and rows."""
    if CARD not in place.paths:
        return {}, {}
    try:
        return _declared(place.file(CARD).read_text(encoding="utf-8", errors="replace"))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())[:200]
        raise UserError(f"{place.name}: its card {CARD} cannot be read ({reason})") from None


@lru_cache(maxsize=64)  # by the text, as folders are listed again for every run, and cards of many configs are long
def _declared(text: str) -> Card:
    """The same of the card's text: of the table of settings between two lines of dashes at its beginning, if any."""
    block = REGEX_YAML_BLOCK.search(text)
    settings = yaml.load(block[2], Loader=_LOADER) if block else None
    if not isinstance(settings, dict):
        return {}, {}
    data = DatasetCardData(**settings)
    return MetadataConfigs.from_dataset_card_data(data), DatasetInfosDict.from_dataset_card_data(data)


@cache
def reader_of(path: str) -> tuple[str, tuple[tuple[str, Any], ...]] | None:
    """The packaged reader of `datasets` for a file of this name, and its options; None of what is no table."""
    name = path.rpartition("/")[2].lower()
    endings = [f".{ending}" for ending in name.split(".")[1:]]
    if name.startswith(".") or not {*endings[-1:]} & {*_COLUMNS, *PACKED, *_EXTENSION_TO_MODULE}:
        return None  # such as train.csv.bak
    for ending in endings:
        reader, options = ("conll", {}) if ending in _COLUMNS else _EXTENSION_TO_MODULE.get(ending, ("", {}))
        if reader in READERS:
            return reader, tuple(options.items())
    return None


def _listed(paths: Iterable[str], patterns: Mapping[str, Iterable[str]]) -> Splits:
    """By split the files that these patterns match."""
    matched = {
        split: tuple(dict.fromkeys(path for pattern in several for path in _matching(paths, pattern)))
        for split, several in patterns.items()
    }
    return {split: some for split, some in matched.items() if some}


def _matching(paths: Iterable[str], pattern: str) -> list[str]:
    pattern = posixpath.normpath(pattern)
    regex = re.compile(glob_translate(pattern))
    return [path for path in paths if path == pattern or regex.match(path)]


def _split(paths: Iterable[str], folder: str, capitals: bool) -> Splits:
    """The splits in a folder: shards bear their split's name; else by words like train and test, as `datasets` does.

    With `capitals`, Train.csv and TEST.csv have these words, too; else all files would be one split.
    """
    start = f"{folder}/" if folder else ""
    below = [path[len(start) :] for path in paths if path.startswith(start)]
    if shards := {path: shard["split"] for path in below if (shard := _SHARD.fullmatch(path))}:
        splits = {name: tuple(path for path in shards if shards[path] == name) for name in shards.values()}
    else:
        splits = _worded(below, str) if below else {}
        if capitals and below:
            splits = max(splits, _worded(below, str.lower), key=len)
    return {name: tuple(start + path for path in several) for name, several in splits.items()}


def _worded(paths: list[str], spelt: Callable[[str], str]) -> Splits:
    """The splits by words in the paths, as they are `spelt`."""
    theirs: dict[str, list[str]] = {}
    for path in paths:
        theirs.setdefault(spelt(path), []).append(path)
    splits = _listed(theirs, _get_data_files_patterns(lambda pattern: _matching(theirs, pattern)))
    return {name: tuple(path for one in some for path in theirs[one]) for name, some in splits.items()}


def _of_word(paths: Iterable[str], word: str) -> Splits:
    """The splits of the files that have this word in their name: of de test_de.csv, xquad.de.json, dev/de.jsonl."""
    without: dict[str, str] = {}
    for path in paths:
        folder, _, name = path.rpartition("/")
        *words, ending = re.split(r"[-_.]", name)
        if word in words:
            words.remove(word)
            without[posixpath.join(folder, f"{'_'.join(words) or 'records'}.{ending}")] = path
    return {split: tuple(without[path] for path in several) for split, several in _split(without, "", True).items()}
