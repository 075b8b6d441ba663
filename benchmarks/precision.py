"""Scores of runs that compute in bf16 beside those of the same runs in fp32: three recipes of `local`, made smaller.

    XLT_HUB_ROOT=~/hub python benchmarks/precision.py     # half an hour on 2 cores with AMX

Each recipe is trained with the same seeds in both precisions, from the same weights, on the same records in the same
order, and read on the same test records. Per recipe, seed and precision there is one row for the language of training
and one for the mean of the others (fractions), in precision.csv beside this file. If bf16 did any harm, the difference
would lie beyond what another seed changes.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd

FIGURES = Path(__file__).with_suffix(".csv")
PRECISIONS = ("fp32", "bf16")
LANGUAGES = ("en", "de", "es", "ar", "hi", "ru", "zh")
TARGETS = {"xnli": {"examples": 2000}, "udpos": {"examples": 1000}, "panx": {"examples": 1000}}
EXAMPLES = 300


def main() -> None:
    from xlt.core import paths

    weights = paths.cache_root() / "weights"
    weights.mkdir(parents=True, exist_ok=True)
    parts = []
    for precision in PRECISIONS:
        with tempfile.TemporaryDirectory() as folder:  # the precision is no part of what a run is, so no run is shared
            (Path(folder) / "weights").symlink_to(weights)
            part = Path(folder) / "part.csv"
            environment = {**os.environ, "XLT_CACHE": folder}
            subprocess.run([sys.executable, __file__, precision, str(part)], env=environment, check=True)
            parts.append(pd.read_csv(part))
    written(pd.concat(parts), FIGURES)


def written(table: pd.DataFrame, file: Path) -> None:
    table.to_csv(file, index=False, float_format="%.5g", lineterminator="\n")


def scores(precision: str) -> pd.DataFrame:
    """One row for each recipe, seed and group of languages."""
    from xlt.lab import profiles
    from xlt.lab.lab import Lab

    local = profiles.load("local")
    resources = local.resources.model_copy(update={"precision": precision, "workers": 2})
    small = {"target": TARGETS, "intermediate": {}, "controls": {}, "studies": {}, "resources": resources}
    lab = Lab(local.model_copy(update=small))
    evaluations = [
        lab.profile.evaluate(target, code, {"examples": EXAMPLES})
        for target in TARGETS
        for code in LANGUAGES
        if code in lab.languages(target)
    ]
    found = lab.run({target: lab.recipe(target=target) for target in TARGETS}, evaluations)
    return means(found).assign(precision=precision)


def means(found: pd.DataFrame) -> pd.DataFrame:
    """Main metrics in English, and their mean over the other languages: columns recipe, seed, languages, value."""
    main_metric = found[found["main"].astype(bool)]
    others = main_metric["language"].ne("en").map({True: "others", False: "en"})
    return main_metric.groupby(["recipe", "seed", others.rename("languages")])["value"].mean().reset_index()


if __name__ == "__main__":
    if len(sys.argv) > 1:  # one precision, in a process and a cache of its own
        written(scores(sys.argv[1]), Path(sys.argv[2]))
    else:
        main()
