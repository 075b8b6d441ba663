"""The store: one folder per run, named by what the run is; finished means renamed into place.

    <root>/<name>-<id>/run.json            key, parent, cost, versions: written last, so its presence means done
                      /encoder/            the encoder after the stage (full fine-tuning), or
                      /adapter/            the LoRA adapter on top of the base run's encoder
                      /head.safetensors    the task head
                      /scores/<evaluation>-<id>.json, .predictions.jsonl.gz

A run's key holds its parent's id, its stage, the task's version and the fingerprint of the training
records; so a change anywhere above changes every id below, and nothing else does.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from xlt import tasks
from xlt.errors import unknown
from xlt.recipe import Evaluation, Recipe, digest
from xlt.sources import Source

FORMAT = 1


class Store:
    def __init__(self, root: Path, source: Source):
        self.root, self.source = root, source
        self._ids: dict[Recipe, str] = {}

    # identity ------------------------------------------------------------------------------

    def key(self, recipe: Recipe) -> dict[str, Any]:
        """Everything that decides the trained state of `recipe`, JSON-ready."""
        if recipe.parent is None:
            return {"format": FORMAT, "encoder": recipe.start.key(), **self._start_key(recipe)}
        stage = recipe.stages[-1]
        task = tasks.get(stage.task).training
        data = {code: self.source.identity(task, code, "train") for code in sorted(stage.languages)}
        return {
            "format": FORMAT,
            "parent": self.id(recipe.parent),
            "stage": stage.key(),
            "version": task.version,
            "data": data,
        }

    def _start_key(self, recipe: Recipe) -> dict[str, Any]:
        from xlt.model import weights_fingerprint

        start = recipe.start
        if start.model:
            return {"weights": weights_fingerprint(start)}
        text = tasks.get(start.text)
        return {"data": {code: self.source.identity(text, code, "train") for code in sorted(start.languages)}}

    def id(self, recipe: Recipe) -> str:
        if recipe not in self._ids:
            self._ids[recipe] = digest(self.key(recipe))
        return self._ids[recipe]

    def evaluation_key(self, recipe: Recipe, evaluation: Evaluation) -> dict[str, Any]:
        task = tasks.get(evaluation.task)
        data = self.source.identity(task, evaluation.language, evaluation.split)
        return {"run": self.id(recipe), "evaluation": evaluation.key(), "version": task.version, "data": data}

    # places --------------------------------------------------------------------------------

    def folder(self, recipe: Recipe) -> Path:
        return self.root / f"{recipe.name[:80]}-{self.id(recipe)}"

    def done(self, recipe: Recipe) -> bool:
        return (self.folder(recipe) / "run.json").is_file()

    def record(self, recipe: Recipe) -> dict[str, Any]:
        return json.loads((self.folder(recipe) / "run.json").read_text(encoding="utf-8"))

    def score_file(self, recipe: Recipe, evaluation: Evaluation) -> Path:
        name = f"{evaluation.task}-{evaluation.language}-{digest(self.evaluation_key(recipe, evaluation))}.json"
        return self.folder(recipe) / "scores" / name

    # writing -------------------------------------------------------------------------------

    @contextlib.contextmanager
    def creating(self, recipe: Recipe) -> Iterator[Path]:
        """A temporary folder that becomes the run's folder when the block ends without an error.

        Of two workers that make the same run the first to finish wins; nothing is overwritten.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        final = self.folder(recipe)
        temporary = Path(tempfile.mkdtemp(prefix=".making-", dir=self.root))
        try:
            yield temporary
            with contextlib.suppress(OSError) if final.exists() else contextlib.nullcontext():
                os.rename(temporary, final)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)

    def save_scores(self, recipe: Recipe, evaluation: Evaluation, result: dict[str, Any], examples: list[dict]) -> None:
        """Per-example predictions first, then the scores, each renamed into place."""
        file = self.score_file(recipe, evaluation)
        file.parent.mkdir(exist_ok=True)
        lines = "".join(json.dumps(example, ensure_ascii=False) + "\n" for example in examples)
        _replace(file.with_suffix(".predictions.jsonl.gz"), gzip.compress(lines.encode(), mtime=0))
        _replace(file, json.dumps(result, indent=1, ensure_ascii=False).encode())


def _replace(path: Path, content: bytes) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_bytes(content)
    os.replace(temporary, path)


def predictions(file: Path) -> list[dict]:
    """The per-example records beside a score file."""
    text = gzip.decompress(file.with_suffix(".predictions.jsonl.gz").read_bytes()).decode()
    return [json.loads(line) for line in text.splitlines()]


def _differences(old: Any, new: Any, path: str = "") -> Iterator[str]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            yield from _differences(old.get(key, "(default)"), new.get(key, "(default)"), f"{path}.{key}".lstrip("."))
    elif old != new:
        yield f"{path}: was {json.dumps(old)}, is now {json.dumps(new)}"


def why(profile: str, run: str) -> list[str]:
    """Why the stored run `run` (folder name or a part of it) is or is not current, field by field."""
    from xlt.lab import Lab

    lab = Lab.from_params(profile)
    folders = sorted(path.parent for path in lab.store.root.glob("*/run.json"))
    found = next((folder for folder in folders if run in folder.name), None)
    if found is None:
        raise unknown("run", run, [folder.name for folder in folders])
    record = json.loads((found / "run.json").read_text(encoding="utf-8"))
    current = {lab.store.folder(recipe).name: recipe for recipe in lab.all_recipes()}
    if found.name in current:
        return [f"{found.name} is current: profile {profile} uses it as it is"]
    name = found.name.rsplit("-", 1)[0]
    rivals = [recipe for folder, recipe in current.items() if folder.rsplit("-", 1)[0] == name]
    if not rivals:
        return [f"{found.name} is of no use to profile {profile}: it has no recipe {name}"]
    changes = min((list(_differences(record["key"], lab.store.key(rival))) for rival in rivals), key=len)
    return [f"{found.name} is stale:", *(f"  {change}" for change in changes)]
