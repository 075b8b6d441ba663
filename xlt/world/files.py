"""The world as a folder in hub layout, read by `datasets.load_dataset(root / "facebook/xnli", "de")`.

Same ids, configs, splits, columns and feature types as the real data sets, so that nothing downstream
knows the difference.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from hashlib import sha256
from itertools import chain
from multiprocessing import get_context
from pathlib import Path
from random import Random
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from datasets import Features

from xlt.core.errors import UserError, unknown
from xlt.spec.languages import Language
from xlt.spec.languages import language as language_row
from xlt.world import (
    choice,
    commonsense,
    forms,
    linking,
    multichecklist,
    nli,
    paraphrase,
    planted,
    qa,
    retrieval,
    tags,
)
from xlt.world.columns import Row
from xlt.world.render import grammar

# size -> the version of the world that changed its records last; a change takes the next number. Runs on sets of
# another size hold.
CHANGED = {"any other": 1, "para_train": 2, "para_dev": 2, "para_test": 2}
# That of the folder: raised, too, where there is only more in it, as the planted shortcuts of five strengths.
WORLD_VERSION = 3

# size -> the split its events are from, how they are drawn and said, and where they go. A second word of the key
# tells apart the forms that are made in the same size.
# A config without braces is English only; in one with {all} every language says every record, in one with {one}
# the languages share the records out; {foreign} leaves English out. Where homes differ in what they hold, `say` is
# by config.
_SETS: dict[str, tuple] = {}
FEATURES: dict[str, Features] = {}  # by repository, or by config family or kind where a repository has several
for _form in (forms, tags, qa, retrieval, linking, paraphrase, nli, planted, choice, commonsense, multichecklist):
    FEATURES |= _form.FEATURES
    _SETS |= _form.SETS
LARGE = 20_000  # records; a smaller world is written before other processes would have started
SIZES = tuple(dict.fromkeys(key.split()[0] for key in _SETS))
_ENGLISH_TO_ENGLISH = ("tatoeba.eng", "bucc18.en", "en-en", "en-en-gold")

_CARD = """Records of a small generated world in the form of the data set of this name. They are a measuring
instrument with known truth, not a sample of language: scores on them say nothing about the real data set."""


class RecordSet(NamedTuple):
    """The rows of one split of one config."""

    repo: str
    config: str
    split: str
    rows: list[Row]

    @property
    def features(self) -> Features:
        family, kind = self.config.partition(".")[0], self.config.rpartition("-")[2]
        return next(FEATURES[name] for name in (f"{self.repo}/{family}", family, kind, self.repo) if name in FEATURES)


def record_sets(sizes: Mapping[str, int], languages: Iterable[str], seed: int) -> Iterator[RecordSet]:
    """Every split of every config that the sizes ask for.

    Raises:
        UserError: a size or a language that the world does not have.
    """
    codes = list(dict.fromkeys(("en", *languages)))
    for code in codes:
        grammar(code)
    for size in sizes:
        if size not in SIZES:
            raise unknown("size", size, SIZES)
    english, *others = [language_row(code) for code in codes]
    for size, key in ((size, key) for size in sizes for key in _SETS if key.split()[0] == size):
        split, draw, say, homes = _SETS[key]
        records = draw(Random(f"world {version_of(size)} seed {seed} {key}"), split, sizes[size])
        for repo, pattern, name in homes:
            rows = _rows(records, say[pattern] if isinstance(say, Mapping) else say, pattern, [english, *others])
            for config, config_rows in rows.items():
                yield RecordSet(repo, config, name, config_rows)


def _rows(records: list, say: Callable[[list, str], list[Row]], pattern: str, rows: list[Language]) -> dict:
    """Config -> its rows, in the languages that its pattern stands for."""
    configs = defaultdict(list)
    for i, row in enumerate(rows if "{" in pattern else rows[:1]):
        config = pattern.format_map(row._asdict() | {"all": "", "one": "", "foreign": ""})
        if config not in _ENGLISH_TO_ENGLISH and not ("{foreign}" in pattern and row.code == "en"):
            configs[config] += say(records[i :: len(rows)] if "{one}" in pattern else records, row.code)
    return configs


def size_of(repo: str, config: str, split: str) -> str:
    """The size that says how many records a split has."""
    for key, (_, _, _, homes) in _SETS.items():
        for name, pattern, where in homes:
            if (name, where) == (repo, split) and re.fullmatch(re.sub(r"\{\w+\}", ".*", pattern), config):
                return key.split()[0]
    raise unknown("split", f"{repo}/{config}/{split}", (home[0] for _, _, _, homes in _SETS.values() for home in homes))


def version_of(size: str) -> int:
    """The version of the world that changed the records of this size last."""
    return CHANGED.get(size, CHANGED["any other"])


def fingerprint(sets: Iterable[RecordSet]) -> str:
    """sha256 of all records as canonical JSON lines."""
    digest = sha256()
    for repo, config, split, rows in sets:
        for row in rows:
            line = json.dumps([repo, config, split, row], ensure_ascii=True, sort_keys=True)
            digest.update(line.encode() + b"\n")
    return digest.hexdigest()


def write_world(root: Path, sizes: Mapping[str, int], languages: Iterable[str], seed: int = 0) -> Path:
    """Write the world under `root`, all or nothing; nothing is done where it stands already.

    English is always in it. Processes may do this at the same time: the first to end wins, with the same bytes.

    Raises:
        UserError: an unknown size or language, or `root` holds something else.
    """
    root, languages = Path(root), list(languages)
    label = {"version": WORLD_VERSION, "sizes": dict(sorted(sizes.items())), "languages": languages, "seed": seed}
    if _holds(root, label):
        return root
    root.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{root.name}-", dir=root.parent))
    try:
        _write(draft, sizes, languages, seed)
        (draft / "world.json").write_text(json.dumps(label, indent=1) + "\n", encoding="utf-8")
        draft.chmod(0o755)
        draft.rename(root)
    except OSError:
        if not _holds(root, label):
            raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return root


def _holds(root: Path, label: Mapping) -> bool:
    """Whether this very world is complete under `root`."""
    if not root.is_dir() or not any(root.iterdir()):
        return False
    path = root / "world.json"
    if not path.exists() or json.loads(path.read_text(encoding="utf-8")) != label:
        raise UserError(f"{root} holds something else than this generated world; remove it or give another folder")
    return True


def _write(root: Path, sizes: Mapping[str, int], languages: list[str], seed: int) -> None:
    """One size after the other, a large world in several processes: each size is drawn on its own."""
    largest_first = sorted(sizes.items(), key=lambda item: -item[1])  # or one process would end long after the others
    parts = [({size: count}, languages, seed) for size, count in largest_first]
    if sum(sizes.values()) < LARGE:
        files = [_write_sets(root, *part) for part in parts]
    else:
        with ProcessPoolExecutor(len(os.sched_getaffinity(0)), get_context("spawn")) as pool:
            running = [pool.submit(_write_sets, root, *part) for part in parts]
            files = [future.result() for future in running]
    configs = defaultdict(lambda: defaultdict(list))
    for repo, config, split, file in sorted(chain.from_iterable(files)):
        configs[repo][config].append({"split": split, "path": file})
    for repo, by_config in configs.items():
        head = {"configs": [{"config_name": name, "data_files": splits} for name, splits in by_config.items()]}
        card = f"---\n{yaml.safe_dump(head, sort_keys=False)}---\n\n# {repo}, generated world\n\n{_CARD}\n"
        (root / repo / "README.md").write_text(card, encoding="utf-8")


def _write_sets(root: Path, sizes: Mapping[str, int], languages: list[str], seed: int) -> list[tuple]:
    """Write the sets of these sizes; repository, config, split and file of each."""
    files = []
    for records in record_sets(sizes, languages, seed):
        file = f"{records.config}/{records.split}-00000-of-00001.parquet"
        path = root / records.repo / file
        path.parent.mkdir(parents=True, exist_ok=True)
        columns = {name: [row[name] for row in records.rows] for name in records.features}
        pq.write_table(pa.table(columns, schema=records.features.arrow_schema), path)
        files.append((records.repo, records.config, records.split, file))
    return files
