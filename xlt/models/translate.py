"""Machine-translated training data: a task's training split in other languages, by a translation model.

Written as a data set in hub layout, one config a language, rows aligned across languages, with our column
names; a user's task reads it as it is. Every translated text is kept in a memory beside the data sets, so
an interrupted translation goes on where it stopped, and a text that occurs again is not translated again.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import torch
import transformers
import yaml

from xlt.core.device import autocast, compute
from xlt.core.errors import UserError
from xlt.core.files import write_atomically
from xlt.core.paths import ROOT, cache_root
from xlt.data import writing
from xlt.data.sources import Source
from xlt.data.weights import fingerprint
from xlt.spec import tasks
from xlt.spec.identity import digest
from xlt.spec.languages import canonical, language
from xlt.spec.tasks import Task

# family -> columns that hold text; answers and tags point into a text and would not survive its translation
TEXTS = {tasks.CLASSIFICATION: ("text_a", "text_b"), tasks.CHOICE: ("prompt", "choices"), tasks.MLM: ("text",)}
LONGEST = 512  # subwords of a text, where the model sets no lower limit
FLORES = {  # codes of NLLB that do not follow from the language (iso3_Script)
    "ar": "arb_Arab", "ar-Latn": "arb_Latn", "ay": "ayr_Latn", "az": "azj_Latn", "fa-AF": "prs_Arab", "ff": "fuv_Latn",
    "ko": "kor_Hang", "kr": "knc_Latn", "kr-Arab": "knc_Arab", "ku": "kmr_Latn", "lv": "lvs_Latn", "mg": "plt_Latn",
    "mn": "khk_Cyrl", "ms": "zsm_Latn", "ne": "npi_Deva", "no": "nob_Latn", "om": "gaz_Latn", "or": "ory_Orya",
    "ps": "pbt_Arab", "qu": "quy_Latn", "sq": "als_Latn", "sr-Cyrl": "srp_Cyrl", "uz": "uzn_Latn", "yi": "ydd_Hebr",
    "zh": "zho_Hans",
}  # fmt: skip


class Translator:
    """A sequence-to-sequence model of `transformers` (Marian, NLLB, M2M-100, mBART-50), decoding as it was set up to.

    Raises:
        UserError: no such model, or it has no safetensors, or its tokenizer needs a package that is not there.
    """

    def __init__(self, name: str, revision: str | None = None):
        folder = ROOT / Path(name).expanduser()
        self.name, place = name, str(folder) if folder.is_dir() else name
        try:
            self.tokenizer = transformers.AutoTokenizer.from_pretrained(place, revision=revision)
            load = transformers.AutoModelForSeq2SeqLM.from_pretrained
            self.model = load(place, revision=revision, use_safetensors=True, dtype=torch.float32)
        except (OSError, ValueError, ImportError) as error:
            reason = str(error).strip().splitlines()[0]
            raise UserError(f"--model {name}: {reason}; it must be a translation model with safetensors") from None
        self.model.to(compute().device).eval()
        self.fingerprint = fingerprint(place, revision)
        limits = (self.tokenizer.model_max_length, getattr(self.model.config, "max_position_embeddings", LONGEST))
        self.longest = min(LONGEST, *limits)

    def direction(self, source: str, target: str) -> dict[str, Any]:
        """Keywords for `translate`. `source`, `target`: "de", or with the model's own code "de=deu_Latn".

        Of a model without language codes the own code is put before each text: "de=>>deu<<", or T5's instruction.

        Raises:
            UserError: the model does not know the language, or knows several and was not told which.
        """
        if hasattr(self.tokenizer, "src_lang"):
            self.tokenizer.src_lang, _ = self._code(source)
            return {"forced_bos_token_id": self._code(target)[1]}
        code, _, own = target.partition("=")
        language(code)
        if several := [] if own else getattr(self.tokenizer, "supported_language_codes", []):
            raise UserError(f"--model {self.name} has several languages; say which, as in --to '{code}={several[0]}'")
        return {"prefix": f"{own} "} if own else {}

    def _code(self, name: str) -> tuple[str, int]:
        """The model's code of a language and the number of its token."""
        code, _, own = name.partition("=")
        row = language(code)
        usual = FLORES.get(row.code, f"{row.iso3}_{row.script}")
        for tried in (own,) if own else dict.fromkeys((code, row.code, usual)):
            for token in (f"__{tried}__", *([tried] if "_" in tried else [])):  # "de" alone may be a subword
                number = self.tokenizer.convert_tokens_to_ids(token)
                if number is not None and number != self.tokenizer.unk_token_id:
                    return tried, number
        raise UserError(f"--model {self.name} has no language {own or code}; give its own code, as in {code}=deu_Latn")

    @torch.no_grad()
    def translate(self, texts: list[str], prefix: str = "", **direction: Any) -> tuple[list[str], int]:
        """Translations, and how many of the texts were longer than the model reads."""
        texts = [prefix + text for text in texts]
        cut = sum(len(ids) > self.longest for ids in self.tokenizer(texts)["input_ids"])
        inputs = self.tokenizer(texts, padding=True, truncation=True, max_length=self.longest, return_tensors="pt")
        inputs = inputs.to(compute().device)
        with autocast():
            out = self.model.generate(**inputs, do_sample=False, max_new_tokens=self.longest - 1, **direction)
        return self.tokenizer.batch_decode(out, skip_special_tokens=True), cut


class Memory(dict[str, str]):
    """Translations by text, kept in a file line by line; a line that was cut off by a crash does not count."""

    def __init__(self, file: Path):
        self.file = file
        for line in file.read_text(encoding="utf-8").split("\n") if file.is_file() else ():
            try:
                text, translation = json.loads(line)
            except ValueError:
                continue
            self[text] = translation

    def add(self, pairs: Iterable[tuple[str, str]]) -> None:
        pairs = list(pairs)
        self.update(pairs)
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with self.file.open("a", encoding="utf-8") as stream:  # first ends what a crash may have left unfinished
            stream.write("\n" + "".join(json.dumps(pair, ensure_ascii=False) + "\n" for pair in pairs))


def translate_task(
    source: Source, name: str, translator: Translator, to: Sequence[str],
    start: str = "en", examples: int | None = None, out: Path | None = None, batch: int = 32,
) -> tuple[Path, str]:  # fmt: skip
    """The folder of the data set with the languages `to` in it, and the lines for a params file that declare it.

    The records in language `start` are part of it, so that all languages have the same rows. Further languages can be
    added by another call with the same task, model and number of examples.

    Raises:
        UserError: the task's gold would not survive translation; an unknown language; no training split.
    """
    task = tasks.get(name).training
    if task.family not in TEXTS:
        families = ", ".join(TEXTS)
        raise UserError(f"task {name} is of family {task.family}, whose gold points into the text: only {families}")
    code = canonical(start.partition("=")[0])
    directions = {target: translator.direction(start, target) for target in to}
    rows = source.load(task, code, "train", examples, seed=0)
    columns = {column: rows[column][:] for column in rows.column_names}
    made_of = {"task": task.name, "version": task.version, "examples": examples, "model": translator.fingerprint}
    made_of |= {"records": source.identity(task, code, "train")}
    place = cache_root() / "translated"
    folder = out or place / f"{task.name}-{_short(translator.name)}-{digest(made_of)}"
    _claim(folder, made_of)
    _write(folder, code, columns)
    for target in to:
        known = Memory(place / "memory" / f"{digest([translator.fingerprint, start, target])}.jsonl")
        _learn(translator, known, sorted(set(_texts(columns, task)), key=len), target, directions[target], batch)
        translated = {c: [_swap(v, known) for v in columns[c]] for c in TEXTS[task.family] if c in columns}
        _write(folder, target.partition("=")[0], columns | translated)
    return folder, _declaration(task, translator, folder)


def _claim(folder: Path, made_of: dict[str, Any]) -> None:
    """Note what the data set is made of: its languages must have the same rows, by the same model."""
    note = folder / "translated.json"
    if note.is_file() and json.loads(note.read_text(encoding="utf-8")) != made_of:
        raise UserError(f"--out {folder} holds a translation of other records or by another model; give another folder")
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(note, json.dumps(made_of, indent=1))


def _texts(columns: dict[str, list], task: Task) -> Iterator[str]:
    for column in TEXTS[task.family]:
        for value in columns.get(column, ()):
            yield from value if isinstance(value, list) else [value]


def _swap(value: Any, known: Memory) -> Any:
    return [known[text] for text in value] if isinstance(value, list) else known[value]


def _learn(translator: Translator, known: Memory, texts: list[str], target: str, direction: dict, batch: int) -> None:
    """Translate what is not known yet, and tell on stderr how it goes and what went wrong."""
    known.update({text: text for text in texts if not text.strip()})
    missing, cut = [text for text in texts if text not in known], 0
    for i in range(0, len(missing), batch):
        some = missing[i : i + batch]
        translations, longer = translator.translate(some, **direction)
        known.add(zip(some, translations, strict=True))
        cut += longer
        if (i // batch) % 20 == 0:
            print(f"{target}: {i + len(some):,} of {len(missing):,} texts", file=sys.stderr, flush=True)
    empty = sum(1 for text in texts if text.strip() and not known[text].strip())
    print(
        f"{target}: {len(texts):,} texts, {len(missing):,} of them new; {cut} were cut at {translator.longest} "
        f"subwords, {empty} came out empty",
        file=sys.stderr,
    )


def _short(name: str) -> str:
    return name.rstrip("/").split("/")[-1]


def _write(folder: Path, code: str, columns: dict[str, list]) -> None:
    """One config, and the card that names all configs that are there."""
    writing.split(folder, code, "train", pa.table(columns))
    writing.card(folder, "Machine-translated training data.")


def _declaration(task: Task, translator: Translator, folder: Path) -> str:
    """The data set as a task of the user's own, and its use as an intermediate task: lines for a params file."""
    codes = [path.parent.name for path in sorted(folder.glob("*/train-*.parquet"))]
    place = f"./{folder.relative_to(ROOT)}" if folder.is_relative_to(ROOT) else str(folder.resolve())
    name = f"{task.name}-{_short(translator.name)}".lower()
    fields: dict[str, Any] = {"family": task.family, "role": "intermediate", "dataset": place, "config": "{code}"}
    if task.family == tasks.CLASSIFICATION:
        fields["labels"] = list(task.labels)
    fields |= {"splits": {"train": "train"}, "languages": " ".join(codes)}
    fields |= {"licence": task.licence, "citation": task.citation}
    fields["note"] = f"{task.name}, machine-translated by {translator.name}"
    stage = {} if task.family == tasks.MLM else {"intermediate": {name: {"languages": codes}}}
    return yaml.safe_dump({"tasks": {name: fields}} | stage, sort_keys=False, allow_unicode=True, width=120)
