"""What do four bits a weight cost after fine-tuning? Trained weights, rounded as the encoder's were before it.

    XLT_HUB_ROOT=~/hub python benchmarks/four_bits.py     # after `local`, whose runs it reads; ten minutes on 2 cores

The encoder of `local` starts from weights in four bits; what training adds to them is in full precision. Here the
trained matrices of the layers are rounded once more, in the packed file's own way, and the same test records are read
again. If a headline difference survives that, then it hardly hangs on the rounding that came before it. four_bits.csv
holds one row for each arm, seed and kind of weights: the accuracy on XNLI in English, and the mean of the others.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd
import torch
from precision import means, written
from safetensors.torch import load_file, save_file

FIGURES = Path(__file__).with_suffix(".csv")
STUDY, ARMS = "study_adversarial_intermediates", ("none → xnli", "random → xnli", "hard → xnli")
SEEDS = 3
BLOCK = 32  # weights along the input that share a scale
LEAST, MOST = -8, 7  # what four bits hold


def main() -> None:
    from xlt.core import paths

    runs = trained()
    with tempfile.TemporaryDirectory() as folder:
        for shared in ("weights", "made", "datasets"):
            (Path(folder) / shared).symlink_to(paths.cache_root() / shared)
        for run in runs:
            rounded(run, Path(folder) / "runs" / run.name)
        tables = []
        for weights, cache in {"as trained": paths.cache_root(), "four bits": folder}.items():
            part = Path(folder) / "part.csv"
            environment = {**os.environ, "XLT_CACHE": str(cache)}
            subprocess.run([sys.executable, __file__, str(part)], env=environment, check=True)
            tables.append(pd.read_csv(part).assign(weights=weights))
    written(pd.concat(tables), FIGURES)


def study():
    """The lab, the recipes, and the evaluations on clean test records of XNLI."""
    from xlt.lab.lab import Lab
    from xlt.lab.studies import of

    lab = Lab.from_params("local")
    whole = of(lab)[STUDY]
    clean = [one for one in whole.evaluations if one.task == "xnli" and not one.perturbation]
    return lab, {arm: whole.recipes[arm] for arm in ARMS}, clean


def trained() -> list[Path]:
    """The folders of the finished runs.

    Raises:
        SystemExit: the weights of one are gone, or it was never trained.
    """
    lab, recipes, _ = study()
    folders = [lab.store.folder(recipe) for _, _, recipe in lab.expand(recipes, SEEDS)]
    for folder in folders:
        if not (folder / "encoder" / "model.safetensors").is_file():
            sys.exit(f"{folder.name} has no weights: set resources.keep to runs in params/local.yaml and run the study")
    return folders


def rounded(run: Path, copy: Path) -> None:
    """A copy of a run without its scores, the matrices of its layers in four bits."""
    shutil.copytree(run, copy, ignore=shutil.ignore_patterns("scores"))
    file = copy / "encoder" / "model.safetensors"
    state = load_file(file)
    for name, values in state.items():
        if ".layer." in name and values.ndim == 2:
            state[name] = in_four_bits(values)
    save_file(state, file, metadata={"format": "pt"})


def in_four_bits(values: torch.Tensor) -> torch.Tensor:
    """In each block the largest weight becomes -8 times the scale, whatever its sign, and the others follow."""
    blocks = values.reshape(-1, BLOCK)
    largest = blocks.gather(1, blocks.abs().argmax(1, keepdim=True))
    scale = (largest / LEAST).half().float()
    steps = torch.where(scale == 0, 0, blocks / scale).round().clamp(LEAST, MOST)
    return (steps * scale).reshape(values.shape)


def scores() -> pd.DataFrame:
    lab, recipes, clean = study()
    return means(lab.run(recipes, clean, SEEDS))


if __name__ == "__main__":
    if len(sys.argv) > 1:  # of one cache, in a process of its own
        written(scores(), Path(sys.argv[1]))
    else:
        main()
