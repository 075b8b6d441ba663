"""What a target's head was worth that began as the intermediate task's had begun: MNLI before XNLI, as `local` has it.

    XLT_HUB_ROOT=~/hub python benchmarks/heads.py     # twenty minutes on 2 cores

Every stage once drew its head with the same seed, and in few updates a head moves little. Both ways are trained here
from the same weights, on the same records in the same order: with the target's head drawn as that of the intermediate
stage was ("shared"), and drawn apart from it, as heads are now ("apart"). Per way and seed there is one row for English
and one for the mean of the other languages (fractions), in heads.csv beside this file, with the cosine of the head as
MNLI left it and the head that the target begins with.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
from precision import means, written

if TYPE_CHECKING:
    from xlt.data.store import Store
    from xlt.spec.recipe import Recipe

FIGURES = Path(__file__).with_suffix(".csv")
WAYS = ("shared", "apart")


def main() -> None:
    from xlt.core import paths

    weights = paths.cache_root() / "weights"
    weights.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        running = [_started(way, Path(place) / way, weights) for way in WAYS]  # one core each
        if any(process.wait() for process in running):
            sys.exit("a way failed: see above")
        written(pd.concat(pd.read_csv(Path(place) / way / "part.csv") for way in WAYS), FIGURES)


def _started(way: str, cache: Path, weights: Path) -> subprocess.Popen:
    """The training of one way, in a cache of its own: how a head is drawn is no part of what a run is, within one
    version."""
    cache.mkdir()
    (cache / "weights").symlink_to(weights)
    environment = {**os.environ, "XLT_CACHE": str(cache), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen([sys.executable, __file__, way, str(cache / "part.csv")], env=environment)


def scores(way: str) -> pd.DataFrame:
    """One row for each seed and group of languages."""
    from xlt.core import device
    from xlt.lab.jobs import Job
    from xlt.lab.lab import Lab
    from xlt.lab.work import execute
    from xlt.models import model

    if way == "shared":
        model.seed_of_head = lambda recipe, place=0: recipe.stages[-1].seed or 0
    lab = Lab.from_params("local")
    device.use_threads(lab.profile.resources.threads)
    device.prefer(lab.profile.resources.precision)
    recipe, evaluations, rows = lab.recipe("mnli", target="xnli"), lab.evaluations("xnli"), []
    for seed in range(lab.profile.seeds):
        seeded = recipe.seeded(seed)
        execute(lab.store, Job(seeded.parent), lab.profile.resources)
        execute(lab.store, Job(seeded, tuple(evaluations)), lab.profile.resources)
        alike = _cosine(lab.store, seeded)
        for one in evaluations:
            value = lab.store.result(seeded, one)["metrics"]["accuracy"]
            rows.append({"recipe": "mnli → xnli", "seed": seed, "language": one.language, "main": True, "value": value})
            rows[-1]["cosine"] = alike
        print(f"{way}, seed {seed}: done", flush=True)
    table = pd.DataFrame(rows)
    alike = table.groupby("seed")["cosine"].first()
    return means(table).assign(heads=way, cosine=lambda found: found["seed"].map(alike))


def _cosine(store: Store, recipe: Recipe) -> float:
    """Of the head as the intermediate stage left it, and the one that the target begins with."""
    import torch

    from xlt.models import model

    trained, begun = model.load(store, recipe.parent).classifier.weight, model.prepare(store, recipe)["mnli"]
    return float(torch.cosine_similarity(trained.flatten(), begun.classifier.weight.flatten(), dim=0))


if __name__ == "__main__":
    if len(sys.argv) > 1:  # one way, in a process and a cache of its own
        written(scores(sys.argv[1]), Path(sys.argv[2]))
    else:
        main()
