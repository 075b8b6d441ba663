"""The store: one folder per run, named by what the run is; finished means renamed into place.

    <root>/<name>-<id>/run.json            key, parent, cost, versions: written last, so its presence means done
                      /encoder/            the encoder after the stage (full fine-tuning), or
                      /adapter/            the LoRA adapter on top of the base run's encoder
                      /heads/              the head of each task: <task>.safetensors
                      /scores/<evaluation>-<id>.json, .predictions.jsonl.gz

`done` says that a run has its record, `has_weights` that it can be loaded or built on. They differ where the weights
were dropped once the run was evaluated (`resources.keep: scores`): its record and its scores stay.

A run's key holds its parent's id, its stage, the task's version and the fingerprint of the training
records; so a change anywhere above changes every id below, and nothing else does.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import platform
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from xlt.core.errors import UserError
from xlt.core.files import write_atomically
from xlt.core.paths import cache_root
from xlt.data import identity, pools, rows
from xlt.data.sources import Source
from xlt.spec import stage_rules, tasks
from xlt.spec.identity import digest
from xlt.spec.profile import Profile
from xlt.spec.recipe import Encoder, Evaluation, Recipe
from xlt.spec.stage import Stage

FORMAT = 4
LOSS = 2  # version of spans (padding is no candidate, answers are whole) and of updates in parts (labels count alike)
BALL = 2  # version of what the search in a ball draws: a stream of its own
POOLER = 2  # version of a pooler that the weights lack: drawn with the seed of the run
WORDS = 2  # version of how words are given to tokenizers that know them by the space before them
# What a stage leaves to be loaded. The heads are taken away first and put back last: without them a run counts as one
# without weights, so wherever that is interrupted it is in one of two sound states.
_WEIGHTS = ("heads", "encoder", "adapter")
_MAKING = f".making-{platform.node()}-"  # then the process id: a shared store has makers on several machines


class Store:
    def __init__(self, root: Path, source: Source):
        self.root, self.source = root, source
        # A table asks for the same ids and folders a hundred thousand times, and what decides the records of a test set
        # is the same for every run that is tested on it: each is worked out once, until `look_again`.
        self._ids: dict[Recipe, str] = {}
        self._folders: dict[Recipe, Path] = {}
        self._read: dict[Evaluation, dict[str, Any]] = {}

    @classmethod
    def of(cls, profile: Profile, planned: bool = False) -> Store:
        """The runs of all profiles share one folder: a run is what its key says, whoever asked for it."""
        return cls(cache_root() / "runs", Source.of(profile, planned))

    # identity ------------------------------------------------------------------------------

    def key(self, recipe: Recipe) -> dict[str, Any]:
        """Everything that decides the trained state of `recipe`, JSON-ready."""
        if recipe.parent is None:
            return {"format": FORMAT, **self._start_key(recipe.start)}
        stage = recipe.stages[-1]
        data: dict[str, Any] = {}
        for part in stage.parts:
            task = tasks.get(part.task).training
            records = {code: self.source.identity(task, code, "train") for code in sorted(part.languages)}
            data.setdefault(task.name, {"version": task.version, "records": {}})["records"] |= records
        key = {"format": FORMAT, "parent": self.id(recipe.parent), "stage": stage.key(), "data": data}
        key |= rows.identity(stage) | identity.of_training(recipe)
        if stage.accumulate > 1 or any(tasks.get(name).training.family == tasks.SPAN for name in stage.trains):
            key["loss"] = LOSS
        if stage.ball and stage.ball.radius:
            key["ball"] = BALL
        if stage.augment:
            key["augment"] = identity.of_copies(stage)
        if stage.watched:
            judged = {task.name: self._judged(task, stage) for task, _ in stage_rules.selection_tasks(stage)}
            key["select"] = judged if len(judged) > 1 else next(iter(judged.values()))
        return key

    def _judged(self, task: tasks.Task, stage: Stage) -> dict[str, Any]:
        """What decides the scores on the development set of a task that a stage's checkpoints are chosen on."""
        records = {code: self.source.identity(task, code, "dev") for code in sorted(stage.watched)}
        return {"version": task.version, "records": records}

    def _start_key(self, start: Encoder) -> dict[str, Any]:
        if start.model:
            try:
                return self._given_key(start)
            except UserError:
                if not self.source.guessing:
                    raise
                return {"weights": f"unknown ones of {start.model}"}
        text = tasks.get(start.text)
        data = {code: self.source.identity(text, code, "train") for code in sorted(start.languages)}
        return {"encoder": start.key(), "data": data}

    def _given_key(self, start: Encoder) -> dict[str, Any]:
        from xlt.data.weights import WITHOUT_POOLER, given_config, weights_fingerprint

        key = {"weights": weights_fingerprint(start)}  # what they are; not where they lie
        key |= {} if start.dropout is None else {"dropout": start.dropout}
        key |= {"redraw": start.redraw, "seed": start.seed} if start.redraw else {}
        kind = given_config(start).model_type
        key |= {"words": WORDS} if kind in ("roberta", "modernbert") else {}
        return key | ({} if kind in WITHOUT_POOLER else {"pooler": POOLER})

    def look_again(self) -> None:
        """Records, weights or word lists may have changed since ids were taken; called before anything runs."""
        for known in (self._ids, self._folders, self._read):
            known.clear()
        self.source.look_again()

    def id(self, recipe: Recipe) -> str:
        known = self._ids.get(recipe)
        if known is None:
            known = self._ids[recipe] = digest(self.key(recipe))
        return known

    def evaluation_key(self, recipe: Recipe, evaluation: Evaluation) -> dict[str, Any]:
        """Everything that decides the scores of one evaluation of a run, JSON-ready."""
        if evaluation not in self._read:
            self._read[evaluation] = self._reading_key(evaluation)
        return {"run": self.id(recipe), **self._read[evaluation]}

    def _reading_key(self, evaluation: Evaluation) -> dict[str, Any]:
        """What of the key of an evaluation is the same for every run."""
        task = tasks.get(evaluation.task)
        data = self.source.identity(task, evaluation.language, evaluation.split)
        key = {"evaluation": evaluation.key(), "version": task.version, "data": data}
        searched = pools.identity(self.source, task, evaluation.language, evaluation.split)
        key |= {"searched": searched} if searched else {}
        raised = identity.of_metrics(task.metrics, evaluation.language, bool(task.definition))
        key |= {"metrics": raised} if raised else {}
        return key | identity.of_reading(self.source, task, evaluation)

    # places --------------------------------------------------------------------------------

    def folder(self, recipe: Recipe) -> Path:
        if recipe not in self._folders:
            self._folders[recipe] = self.root / f"{recipe.name[:80]}-{self.id(recipe)}"
        return self._folders[recipe]

    def done(self, recipe: Recipe) -> bool:
        return (self.folder(recipe) / "run.json").is_file()

    def has_weights(self, recipe: Recipe) -> bool:
        """Whether the run is here whole. The start needs none: its weights are given, or beside its tokenizer."""
        if not recipe.stages:
            return self.done(recipe)
        folder, encoder = self.folder(recipe), "adapter" if recipe.stages[-1].method == "lora" else "encoder"
        return self.done(recipe) and (folder / "heads").is_dir() and (folder / encoder).is_dir()

    def weights(self, recipe: Recipe) -> Path:
        """The folder of a run that is about to be loaded.

        Raises:
            UserError: the run has not been trained, or its weights were dropped.
        """
        folder = self.folder(recipe)
        if self.has_weights(recipe):
            return folder
        if self.done(recipe):
            what = f"has its scores but no weights in {folder}: they are dropped under resources.keep: scores"
            raise UserError(f"run {recipe.name} {what}; lab.train_again(recipe) trains it again")
        raise UserError(f"run {recipe.name} is not in {self.root}: it has not been trained; lab.run trains it")

    def lacking(self, recipe: Recipe) -> list[Recipe]:
        """The runs to be trained before `recipe` can be loaded, parents first; itself among them, if need be.

        Below a run whose whole encoder is here only the start is needed, for its tokenizer; below an adapter, which is
        a difference to its parent, that one is needed, too.
        """
        lacking, whole = [], False
        for step in recipe.lineage():
            if self.has_weights(step):
                whole = whole or bool(step.stages) and step.stages[-1].method == "full"
            elif not (whole and step.stages):
                lacking.append(step)
        return lacking[::-1]

    def record(self, recipe: Recipe) -> dict[str, Any]:
        return json.loads((self.folder(recipe) / "run.json").read_text(encoding="utf-8"))

    def score_file(self, recipe: Recipe, evaluation: Evaluation) -> Path:
        name = score_name(evaluation, self.evaluation_key(recipe, evaluation))
        return self.folder(recipe) / "scores" / f"{name}.json"

    def result(self, recipe: Recipe, evaluation: Evaluation) -> dict[str, Any] | None:
        """What `save_scores` kept: metrics, n, seconds, key and what made it; None before that."""
        file = self.score_file(recipe, evaluation)
        return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else None

    def evaluating(self, recipe: Recipe, evaluations: Iterable[Evaluation] | None = None) -> float:
        """Seconds that the stored evaluations of a run took: of these, or of all, whoever asked for them."""
        if evaluations is None:
            files = list((self.folder(recipe) / "scores").glob("*.json"))
        else:
            files = [file for e in evaluations if (file := self.score_file(recipe, e)).is_file()]
        return sum(json.loads(file.read_text(encoding="utf-8"))["seconds"] for file in files)

    # writing -------------------------------------------------------------------------------

    @contextlib.contextmanager
    def creating(self, recipe: Recipe) -> Iterator[Path]:
        """A temporary folder that becomes the run's folder when the block ends without an error.

        Of two workers that make the same run the first to finish wins; nothing finished is overwritten. A run that is
        made again because its weights were dropped gets them back, beside the scores that it has.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        self._sweep()
        final = self.folder(recipe)
        temporary = Path(tempfile.mkdtemp(prefix=f"{_MAKING}{os.getpid()}-", dir=self.root))
        try:
            yield temporary
            try:
                os.rename(temporary, final)
            except OSError:
                if not self.done(recipe):  # what is left of a run that somebody deleted in part
                    shutil.rmtree(final, ignore_errors=True)
                    os.rename(temporary, final)
                elif not self.has_weights(recipe):
                    _put_back(temporary, final)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)

    def drop_weights(self, recipe: Recipe) -> None:
        """Take away the weights of a run; its record, scores and predictions stay.

        They are moved aside before they are deleted, each by one rename, so that nobody loads half of them.
        """
        folder = self.folder(recipe)
        here = [folder / name for name in _WEIGHTS if (folder / name).is_dir()]
        if not recipe.stages or not here:
            return
        aside = Path(tempfile.mkdtemp(prefix=f"{_MAKING}{os.getpid()}-", dir=self.root))
        for path in here:
            with contextlib.suppress(FileNotFoundError):  # another process drops them, too
                os.rename(path, aside / path.name)
        shutil.rmtree(aside, ignore_errors=True)

    def _sweep(self) -> None:
        """Remove what processes of this machine were making when they were killed."""
        for folder in self.root.glob(f"{_MAKING}*"):
            maker = int(folder.name.removeprefix(_MAKING).partition("-")[0])
            try:
                os.kill(maker, 0)
            except ProcessLookupError:
                shutil.rmtree(folder, ignore_errors=True)
            except PermissionError:  # somebody else's, at work
                pass

    def save_scores(self, recipe: Recipe, evaluation: Evaluation, result: dict[str, Any], examples: list[dict]) -> None:
        """Per-example predictions first, then the scores, each renamed into place."""
        file = self.score_file(recipe, evaluation)
        file.parent.mkdir(exist_ok=True)
        lines = "".join(json.dumps(example, ensure_ascii=False) + "\n" for example in examples)
        write_atomically(file.with_suffix(".predictions.jsonl.gz"), gzip.compress(lines.encode(), mtime=0))
        write_atomically(file, json.dumps(result, indent=1, ensure_ascii=False).encode())
        file.with_suffix(".partial.jsonl").unlink(missing_ok=True)  # of an attack, which is whole now


def _put_back(made: Path, final: Path) -> None:
    """Move the weights of a run that was trained again to its record and scores.

    The record stays that of the first training, with when and on what the later ones were: on another machine the same
    recipe gives other weights, and whoever reads a later score must be able to see that.
    """
    record, anew = (json.loads((folder / "run.json").read_text(encoding="utf-8")) for folder in (final, made))
    cost = {name: anew[name] for name in ("seconds", "finished", "code", "environment") if name in anew}
    record["again"] = [*record.get("again", []), cost]
    write_atomically(final / "run.json", json.dumps(record, indent=1))
    for name in reversed(_WEIGHTS):
        if (made / name).is_dir():
            if (final / name).is_dir():  # what an interruption has left
                os.rename(final / name, made / f"old-{name}")
            os.rename(made / name, final / name)


def score_name(evaluation: Evaluation, key: dict[str, Any]) -> str:
    """The name of a score's files in the folder of its run."""
    return f"{evaluation.task}-{evaluation.language}-{digest(key)}"


def predictions(file: Path) -> list[dict]:
    """The per-example records beside a score file."""
    text = gzip.decompress(file.with_suffix(".predictions.jsonl.gz").read_bytes()).decode()
    lines = filter(None, text.split("\n"))  # not splitlines: texts may hold U+2028
    return json.loads(f"[{','.join(lines)}]")  # in one go, as a report reads some ten thousand such files
