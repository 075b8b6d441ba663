"""What do four bits a weight cost after fine-tuning? Trained weights with an error as large as that of the encoder's.

    XLT_HUB_ROOT=~/hub python benchmarks/four_bits.py     # half an hour on 2 cores; finished runs serve

The encoder of `local` starts from weights in four bits; what training adds to them is in full precision. Here the
trained matrices of the layers are rounded once more, and the same test records are read again. What is asked is how far
other scripts lie below Latin ones after direct fine-tuning, the largest differences in the report of `local`: if they
survive another error of the same size, then they hardly hang on the one that came before the training.

The same grid does not tell: all weights lay on it before the training, which moves them by a thirtieth of a step (the
root mean square), so that rounding undoes five sixths of the training. It is read as well, for that to be seen. Another
grid lies half a step off at most, by a number drawn for each weight, so that the error lies evenly within half a step
whatever the weight is.
four_bits.csv holds one row for each target, seed, script and kind of weights: the mean score over the script's
languages other than English, a fraction.
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
from precision import written
from safetensors.torch import load_file, save_file

FIGURES = Path(__file__).with_suffix(".csv")
STUDY, ARM = "study_non_latin_scripts", "none"
SEEDS = 3
BLOCK = 32  # weights along the input that share a scale
LEAST, MOST = -8, 7  # what four bits hold


def main() -> None:
    from xlt.core import paths

    runs, tables = trained(), [read(paths.cache_root()).assign(weights="as trained")]
    for grid in ("another grid", "the same grid"):
        with tempfile.TemporaryDirectory() as folder:
            for shared in ("weights", "made", "datasets"):
                (paths.cache_root() / shared).mkdir(exist_ok=True)
                (Path(folder) / shared).symlink_to(paths.cache_root() / shared)
            for number, run in enumerate(runs):
                draws = torch.Generator().manual_seed(number) if grid == "another grid" else None
                rounded(run, Path(folder) / "runs" / run.name, draws)
            tables.append(read(Path(folder)).assign(weights=grid))
    written(pd.concat(tables), FIGURES)


def read(cache: Path) -> pd.DataFrame:
    """The scores of the runs in a cache, read by a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        part = Path(folder) / "part.csv"
        subprocess.run([sys.executable, __file__, str(part)], env={**os.environ, "XLT_CACHE": str(cache)}, check=True)
        return pd.read_csv(part)


def study():
    """The lab, whose runs keep their weights; the recipes of one target each; the evaluations on clean test records."""
    from xlt.lab import profiles
    from xlt.lab.lab import Lab
    from xlt.lab.studies import of

    local = profiles.load("local")
    lab = Lab(local.model_copy(update={"resources": local.resources.model_copy(update={"keep": "runs"})}))
    whole = of(lab)[STUDY]
    recipes = {name: recipe for name, recipe in whole.recipes.items() if name.startswith(f"{ARM} → ")}
    clean = [one for one in whole.evaluations if one.task in whole.targets and not one.perturbation]
    return lab, recipes, clean


def trained() -> list[Path]:
    """The folders of the runs with their weights; what is missing is trained."""
    lab, recipes, clean = study()
    lab.run(recipes, clean, SEEDS)
    runs = [recipe for _, _, recipe in lab.expand(recipes, SEEDS)]
    folders = {run: lab.store.folder(run) for run in runs}
    lab.train_again(*(run for run, folder in folders.items() if not weights_of(folder).is_file()))
    return list(folders.values())


def weights_of(run: Path) -> Path:
    return run / "encoder" / "model.safetensors"


def rounded(run: Path, copy: Path, draws: torch.Generator | None) -> None:
    """A copy of a run without its scores, the matrices of its layers rounded."""
    shutil.copytree(run, copy, ignore=shutil.ignore_patterns("scores"))
    file = weights_of(copy)
    state = load_file(file)
    for name, values in state.items():
        if ".layer." in name and values.ndim == 2:
            state[name] = in_four_bits(values, draws)
    save_file(state, file, metadata={"format": "pt"})


def in_four_bits(values: torch.Tensor, draws: torch.Generator | None = None) -> torch.Tensor:
    """In each block the largest weight becomes -8 times the scale, whatever its sign, and the others follow.

    With `draws` each weight is rounded to steps that lie off by a part of a step of its own.
    """
    blocks = values.reshape(-1, BLOCK)
    largest = blocks.gather(1, blocks.abs().argmax(1, keepdim=True))
    scale = (largest / LEAST).half().float()
    off = torch.rand(blocks.shape, generator=draws) - 0.5 if draws else torch.zeros(())
    steps = (torch.where(scale == 0, 0, blocks / scale) + off).round().clamp(LEAST, MOST) - off
    return (steps * scale).reshape(values.shape)


def scores() -> pd.DataFrame:
    lab, recipes, clean = study()
    return by_script(lab.run(recipes, clean, SEEDS))


def by_script(found: pd.DataFrame) -> pd.DataFrame:
    """Main metrics, their mean over the languages of a script but English: columns task, seed, script, value."""
    from xlt.spec.groups import LATIN, SELECTORS

    read = found[found["main"].astype(bool) & found["language"].ne("en")]
    script = read["language"].map(lambda code: "Latin" if SELECTORS[LATIN](code) else "others").rename("script")
    return read.groupby(["task", "seed", script])["value"].mean().reset_index()


if __name__ == "__main__":
    if len(sys.argv) > 1:  # of one cache, in a process of its own
        written(scores(), Path(sys.argv[1]))
    else:
        main()
