"""The sizes of runs: of their encoder, of what they learn from, and of what they leave on the disk."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from xlt.core.errors import UserError
from xlt.data import rows as drawn_rows
from xlt.lab.rates import Shape
from xlt.spec import tasks
from xlt.spec.recipe import Encoder, Recipe
from xlt.spec.stage import Part, Stage

if TYPE_CHECKING:
    from xlt.data.store import Store

RECORDS = 20_000  # of a training set on the hub, or of a slice of it, whose size is not known
# Encoders that profiles name, as their configurations say: a plan without network cannot read these. Others are taken
# to be like XLM-R Base.
SHAPES = {
    "FacebookAI/xlm-roberta-base": Shape(12, 768, 250_002),
    "FacebookAI/xlm-roberta-large": Shape(24, 1024, 250_002),
    "google-bert/bert-base-multilingual-cased": Shape(12, 768, 119_547),
    "jhu-clsp/mmBERT-base": Shape(22, 768, 256_000),
}
XLM_R = SHAPES["FacebookAI/xlm-roberta-base"]


@cache
def shape(start: Encoder) -> Shape:
    """Layers, width and vocabulary; read from the configuration where weights are given."""
    if not start.model:
        return Shape(start.layers, start.width, start.vocabulary)
    from xlt.data.weights import given_config

    try:
        config = given_config(start)
    except UserError:
        return SHAPES.get(start.model, XLM_R)
    return Shape(config.num_hidden_layers, config.hidden_size, config.vocab_size)


def records(store: Store, stage: Stage) -> list[int]:
    """Training records of each part of the stage in all its languages; read from the data set's own description."""
    copies = stage.augment.copies + stage.augment.keep if stage.augment else 1
    return [copies * _drawn(store, stage, part) * len(part.languages) for part in stage.parts]


def _drawn(store: Store, stage: Stage, part: Part) -> int:
    """Training records that a part of the stage takes in one language: as many as it asks for, if there are so many;
    all of the stage's slice, if it does not say."""
    known = _known_rows(store, part)
    if not known:
        return part.examples or RECORDS
    there = drawn_rows.number_open_to(stage, part, known)
    return min(part.examples or there, there)


def open_rows(store: Store, stage: Stage) -> int | None:
    """Training records in the first language that the main task of a stage may draw from; None: nobody says."""
    part = stage.parts[0]
    total = _known_rows(store, part)
    return drawn_rows.number_open_to(stage, part, total) if total else None


def _known_rows(store: Store, part: Part) -> int | None:
    """Training records of a part in its first language: nothing is fetched to count them."""
    task, code = tasks.get(part.task).training, part.languages[0]
    return training_rows(store, part) if store.source.local(task, code, "train") else _held(store, task, code)


def training_rows(store: Store, part: Part) -> int:
    """Training records of a part in its first language; read, if need be."""
    task, code = tasks.get(part.task).training, part.languages[0]
    return _held(store, task, code) or len(store.source.load(task, code, "train"))


def _held(store: Store, task: tasks.Task, code: str) -> int | None:
    held = [rows(store, name, code, "train") for name in task.parts or [task.name]]
    return sum(held) if all(held) else None


def rows(store: Store, name: str, code: str, split: str) -> int | None:
    """Records of a task in one language, as its files or their description say; None: nobody says.

    Where several languages are rows of one file, each is taken to have as many: to count them is to read it.
    """
    return _rows(store, name, code, split, store.source.seen)


@cache
def _rows(store: Store, name: str, code: str, split: str, seen: int) -> int | None:
    """With another `seen` they are counted again."""
    task = tasks.get(name)
    count = store.source.rows(task, code, split)
    return count // max(1, len(store.source.languages(task, split))) if count and task.prefix else count


def megabytes(recipe: Recipe) -> float:
    """What a run leaves on disk: an encoder in fp32, or an adapter, and a little for predictions."""
    stage = recipe.last_stage
    if stage and stage.method == "lora":
        return 3.0 + shape(recipe.start).weights / 12 / 1e6 * stage.rank / 100
    whole = shape(recipe.start).weights + shape(recipe.start).embeddings
    return 1.0 + (0 if stage is None and recipe.start.model else whole * 4 / 1e6)


def checkpoint_megabytes(recipe: Recipe) -> float:
    """A checkpoint of the last stage: what it trains, in fp32, with the two moments of Adam, and where a checkpoint is
    chosen by development scores the best weights so far. 9 GB of XLM-R Large."""
    stage = recipe.last_stage
    if stage is None:
        return 0.0
    frozen = (
        shape(recipe.start).embeddings * 4 / 1e6 if stage.method == "full" and stage.frozen == "embeddings" else 0.0
    )
    return (4 if stage.watched else 3) * (megabytes(recipe) - frozen)


def working_megabytes(recipe: Recipe) -> float:
    """What a run writes until it is stored: its weights, and a checkpoint, kept twice while it is replaced."""
    return megabytes(recipe) + 2 * checkpoint_megabytes(recipe)
