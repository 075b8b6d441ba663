"""Leaks: training records that are also evaluation records, for every recipe and what it is evaluated on.

Two texts are the same when they are equal after Unicode's NFKC, case folding and with punctuation and white space
as one blank. What is compared depends on the tasks:

    example     the texts of a record together: a pair of sentences as a pair, tokens joined, question and context
    paragraph   the context of a question alone, each one once (SQuAD against XQuAD)
    text        any single text, where one of the two tasks is masked language modelling
    candidate   a text of the pool that is searched (BUCC's sentences, Mewsli-X's descriptions) against any single text

Whole splits are compared, also where a stage or an evaluation draws a part of them. English is always looked at, as
the other languages of a parallel test set are translations of it.
"""

from __future__ import annotations

import hashlib
import io
import json
import unicodedata
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import regex

from xlt.core import paths
from xlt.core.files import write_atomically
from xlt.core.text import counted
from xlt.data.pools import language_of
from xlt.data.records import PIECE
from xlt.data.sources import Source
from xlt.spec import tasks
from xlt.spec.identity import digest
from xlt.spec.recipe import Evaluation, Recipe
from xlt.spec.study import taken

COLUMNS = ["training", "evaluation", "language", "split", "kind", "overlapping", "of", "training_records", "verbatim"]
NOTHING = "nothing"  # the kind of what two tasks have in common that hold no texts of one kind
MOST = 8  # findings told in words
VERSION = 2  # of the comparison: raised when a count can change

_FIELDS = {  # family -> the texts that make an example
    tasks.CLASSIFICATION: ("text_a", "text_b"),
    tasks.TAGGING: ("tokens",),
    tasks.SPAN: ("question", "context"),
    tasks.CHOICE: ("prompt", "choices"),
    tasks.RETRIEVAL: ("source", "target"),
    tasks.ANSWERS: ("question", "context"),
    tasks.DUAL: ("query",),
    tasks.POOL: ("text",),
    tasks.MLM: ("text",),
}
_BLANK = regex.compile(r"[\p{P}\s]+")

Training = tuple[str, tuple[str, ...]]  # task, languages
Tested = tuple[str, str, str]  # task, language, split
Texts = dict[str, np.ndarray]  # kind -> hashes, shape (texts, 2), each column sorted


def normalised(text: str) -> str:
    """What of a text counts in a comparison; of nothing but punctuation, the text itself."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return _BLANK.sub(" ", folded).strip() or folded.strip()


def table(source: Source, recipes: Mapping[str, Recipe], evaluations: Iterable[Evaluation]) -> pd.DataFrame:
    """One row for each training task, evaluation and kind of text that they have in common.

    Returns:
        training, evaluation (tasks), language, split (of the evaluation), kind; overlapping: how many of its `of`
        records (of "paragraph": distinct paragraphs) are in the training records; training_records: how many of
        those are in the evaluation; verbatim: the same without normalisation.
    """
    evaluations = list(evaluations)
    pairs: dict[tuple[Training, Tested], None] = {}
    for recipe in recipes.values():
        trained = [(part.task, part.languages) for stage in recipe.stages for part in stage.parts]
        tested = [place for evaluation in taken(recipe, evaluations) for place in _places(source, evaluation)]
        pairs |= dict.fromkeys((one, other) for one in trained for other in tested)
    rows = [row for training, tested in pairs for row in _compared(source, training, tested)]
    return pd.DataFrame(rows, columns=COLUMNS)


def found(checked: pd.DataFrame) -> pd.DataFrame:
    """The rows with an overlap, the largest share of an evaluation first."""
    leaks = checked[checked["overlapping"] > 0]
    return leaks.iloc[(-(leaks["overlapping"] / leaks["of"])).argsort(kind="stable")].reset_index(drop=True)


def said(checked: pd.DataFrame) -> str:
    """The findings in a sentence or two, the largest first, at most MOST of them."""
    compared = checked[checked["kind"] != NOTHING]
    pairs = len(compared.drop_duplicates(["training", "evaluation", "language", "split"]))
    lines = [
        f"{row.overlapping:,} of {row.of:,} {row.kind}s of {row.evaluation} {row.language} {row.split} "
        f"are in the training records of {row.training}"
        for row in found(checked).itertuples()
    ]
    more = [f"and {counted(len(lines) - MOST, 'smaller one')}"] if len(lines) > MOST else []
    text = f"{'; '.join([*lines[:MOST], *more])} (they are scored like all others)" if lines else "no overlap"
    without = dict.fromkeys(f"{r.training} and {r.evaluation}" for r in checked.itertuples() if r.kind == NOTHING)
    unlike = f". Nothing to compare in {', '.join(without)}" if without else ""
    return f"{pairs} pairs of a training and an evaluation set compared: {text}{unlike}"


def _places(source: Source, evaluation: Evaluation) -> list[Tested]:
    codes = dict.fromkeys((evaluation.language, "en"))
    here = source.languages(tasks.get(evaluation.task), evaluation.split)
    return [(evaluation.task, code, evaluation.split) for code in codes if code == evaluation.language or code in here]


def _compared(source: Source, training: Training, tested: Tested) -> list[dict[str, Any]]:
    """The rows of one pair, from the cache where the records have been compared before."""
    learned, (name, code, split) = tasks.get(training[0]).training, tested
    data = [source.identity(learned, language, "train") for language in sorted(training[1])]
    key = [VERSION, learned.version, data, tasks.get(name).version, source.identity(tasks.get(name), code, split)]
    key += [source.identity(tasks.get(pool), language, split) for pool, language in _pools(name, code)]
    file = paths.cache_root() / "leaks" / f"{learned.name}-{name}-{code}-{digest(key)}.json"
    if file.is_file():
        counts = json.loads(file.read_text(encoding="utf-8"))
    else:
        train = _trained(source, learned.name, tuple(sorted(training[1])))
        counts = _counts(train, _tested(source, *tested), tasks.MLM in (learned.family, tasks.get(name).family))
        file.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(file, json.dumps(counts))
    about = {"training": learned.name, "evaluation": name, "language": code, "split": split}
    return [about | row for row in counts or [{"kind": NOTHING} | dict.fromkeys(COLUMNS[-4:], 0)]]


def _pools(task: str, code: str) -> list[tuple[str, str]]:
    """The pools that are searched for a task in one language, each with the language under which it is read."""
    return [(pool, language_of(tasks.get(pool), code)) for pool in tasks.get(task).pool]


def _counts(train: Texts, test: Texts, single: bool) -> list[dict[str, Any]]:
    """Of each kind that both have, how many of one are among the other: column 1 is normalised, column 0 is not."""
    kinds = {"text": "text"} if single else {"example": "example", "paragraph": "paragraph"}
    return [
        {
            "kind": kind,
            "overlapping": _among(test[kind][:, 1], train[theirs][:, 1]),
            "of": len(test[kind]),
            "training_records": _among(train[theirs][:, 1], test[kind][:, 1]),
            "verbatim": _among(train[theirs][:, 0], test[kind][:, 0]),
        }
        for kind, theirs in {**kinds, "candidate": "text"}.items()
        if len(train.get(theirs, ())) and len(test.get(kind, ()))
    ]


def _among(values: np.ndarray, others: np.ndarray) -> int:
    """How many of the values are among the others, which are sorted."""
    places = np.minimum(np.searchsorted(others, values), len(others) - 1)
    return int((others[places] == values).sum())


def _trained(source: Source, task: str, languages: tuple[str, ...]) -> Texts:
    """The training texts in all of the languages together."""
    return _together(tuple(_hashed_file(source, task, language, "train") for language in languages))


@lru_cache(maxsize=8)
def _together(files: tuple[Path, ...]) -> Texts:
    several = [_held(file) for file in files]
    return {kind: np.sort(np.concatenate([texts[kind] for texts in several]), axis=0) for kind in several[0]}


def _tested(source: Source, task: str, code: str, split: str) -> Texts:
    """The texts of an evaluation, with those that it searches."""
    pools = [_texts(source, pool, language, split)["text"] for pool, language in _pools(task, code)]
    candidates = {"candidate": np.sort(np.concatenate(pools), axis=0)} if pools else {}
    return _texts(source, task, code, split) | candidates


def _texts(source: Source, task: str, code: str, split: str) -> Texts:
    """The texts of a split, hashed."""
    return _held(_hashed_file(source, task, code, split))


def _hashed_file(source: Source, task: str, code: str, split: str) -> Path:
    """The file of a split's hashed texts: kept on disk, since every notebook asks for those of pretraining again, and
    named by what the records are, since files may change while a process is at work."""
    key = [VERSION, tasks.get(task).version, source.identity(tasks.get(task), code, split)]
    file = paths.cache_root() / "leaks" / f"{task}-{code}-{split}-{digest(key)}.npz"
    if not file.is_file():
        content = io.BytesIO()
        np.savez(content, **_read(source, task, code, split))
        file.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(file, content.getvalue())
    return file


@lru_cache(maxsize=128)
def _held(file: Path) -> Texts:
    with np.load(file, allow_pickle=False) as arrays:
        return dict(arrays)


def _read(source: Source, task: str, code: str, split: str) -> Texts:
    declared = tasks.get(task)
    fields = [name for name in _FIELDS.get(declared.family, ()) if name in declared.columns]
    if not fields:
        return {}
    single = [*fields, "target"] if declared.family == tasks.DUAL and not declared.pool else fields  # with a pool: ids
    hashes: dict[str, list[np.ndarray]] = {"example": [], "paragraph": [], "text": []}
    rows = source.load(declared, code, split)
    for start in range(0, len(rows), PIECE):  # hashes are few bytes, the texts of a whole training set hundreds of MB
        piece = rows[start : start + PIECE]
        columns = {name: [_Text.of(_flat(value, declared.family)) for value in piece[name]] for name in single}
        hashes["example"].append(_hashed(zip(*(columns[name] for name in fields), strict=True)))
        hashes["paragraph"].append(_hashed((text,) for text in columns.get("context", ())))
        hashes["text"].append(_hashed((text,) for column in columns.values() for text in column))
    every = {kind: np.concatenate(pieces) for kind, pieces in hashes.items()}
    if declared.family in (tasks.MLM, tasks.POOL):
        return {"text": np.sort(every["text"], axis=0)}
    every["paragraph"] = np.unique(every["paragraph"], axis=0)  # each once, by what it is before it is normalised
    return {kind: np.sort(pairs, axis=0) for kind, pairs in every.items()}


def _flat(value: str | list[str], family: str) -> str:
    return value if isinstance(value, str) else (" " if family == tasks.TAGGING else "\n").join(value)


class _Text(NamedTuple):
    """A text as it is and normalised: once for all kinds that it is compared in."""

    plain: str
    normal: str

    @classmethod
    def of(cls, text: str) -> _Text:
        return cls(text, normalised(text))


def _hashed(several: Iterable[tuple[_Text, ...]]) -> np.ndarray:
    """64 bits of the BLAKE2 hash of each tuple of texts, as they are and normalised: shape (tuples, 2)."""
    hashes = [(_hash(text.plain for text in texts), _hash(text.normal for text in texts)) for texts in several]
    return np.array(hashes, np.uint64).reshape(-1, 2)


def _hash(texts: Iterable[str]) -> int:
    return int.from_bytes(hashlib.blake2b("\0".join(texts).encode(), digest_size=8).digest())
