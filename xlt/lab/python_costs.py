"""What runs, evaluations and attacks take in Python alone: measured with tiny runs in a world and a store of their own.

The encoder is so small that its own arithmetic hardly counts.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from xlt import world
from xlt.core import device
from xlt.data.sources import Source
from xlt.data.store import Store
from xlt.lab.jobs import Job
from xlt.lab.work import execute
from xlt.models.encoder import tokenizer_of
from xlt.models.features import encode
from xlt.spec import tasks
from xlt.spec.perturbations import Attack
from xlt.spec.profile import Resources
from xlt.spec.recipe import Encoder, Evaluation, Recipe
from xlt.spec.stage import Stage

SIZES = {"nli_train": 3000, "snli_train": 50, "nli_test": 400, "text": 200}
CODES = ["en", "de"]
_SEVERAL, _ATTACKED = 5, 10  # small evaluations, and records of an attack


def python_costs(resources: Resources) -> dict[str, float]:
    """The terms of `rates.Rates` that depend on Python: run, evaluation, learned, tested, query."""
    with tempfile.TemporaryDirectory(prefix="xlt-") as folder:
        label = {"version": world.WORLD_VERSION, "seed": 0, "sizes": SIZES, "languages": CODES}
        root = world.write_world(Path(folder) / "world", SIZES, CODES, 0)
        return _Costs(Store(Path(folder) / "runs", Source(root, label=label)), resources).terms()


class _Costs:
    def __init__(self, store: Store, resources: Resources):
        self.store, self.resources = store, resources
        start = Encoder(layers=1, width=32, heads=2, vocabulary=500, text="text", languages=tuple(CODES))
        self.start = Recipe(start=start)

    def terms(self) -> dict[str, float]:
        self._execute(self.start)
        small, large = (self.start.then(Stage(task=task, steps=1, seed=0)) for task in ("snli", "mnli"))
        self._execute(self.start.then(Stage(task="snli", steps=1, seed=1)))  # the first loads libraries
        learned = self._execute(small), self._execute(large)
        more = SIZES["nli_train"] - SIZES["snli_train"]
        attacked = Evaluation(
            task="xnli", examples=_ATTACKED, attack=Attack(name="characters", budget=40), language="de"
        )  # fmt: skip
        self._execute(large, _read(1))  # the first reads the records
        one, several = self._execute(large, _read(20)), self._execute(large, *map(_read, range(21, 21 + _SEVERAL)))
        whole = self._execute(large, _read(None))
        record = max(0.0, (whole - one) / (SIZES["nli_test"] - 20))
        return {
            "run": learned[0],
            "evaluation": max(0.0, (several - one) / (_SEVERAL - 1) - 20 * record),
            "learned": max(0.0, (learned[1] - learned[0]) / more) / self._length("en", "train"),
            "tested": record / self._length("de", "test"),
            "query": max(0.0, self._execute(large, attacked) - one) / self._queries(large, attacked),
        }

    def _execute(self, recipe: Recipe, *evaluations: Evaluation) -> float:
        clock = device.clock()
        began = clock()
        execute(self.store, Job(recipe, evaluations), self.resources)
        return clock() - began

    def _length(self, code: str, split: str) -> float:
        """Mean subwords of a record."""
        task = tasks.get("mnli" if split == "train" else "xnli")
        rows = self.store.source.load(task, code, split, 100)
        features = encode(task.family, rows, tokenizer_of(self.store, self.start), 128)
        return sum(len(feature["input_ids"]) for feature in features) / len(features)

    def _queries(self, recipe: Recipe, evaluation: Evaluation) -> float:
        """How many queries an attack took; a record that was wrong before it is asked for once."""
        values = self.store.result(recipe, evaluation)["metrics"]
        right = values["clean_accuracy"] * _ATTACKED
        return _ATTACKED - right + (right * values["queries_mean"] if right else 0)


def _read(examples: int | None) -> Evaluation:
    """With other numbers of examples they are other evaluations, none of which is stored yet."""
    return Evaluation(task="xnli", language="de", examples=examples)
