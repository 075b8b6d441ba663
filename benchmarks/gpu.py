"""Updates of an encoder on the GPU at hand, as the training loop makes them, in batches of new and of known shapes.

    python benchmarks/gpu.py                            # XLM-R Large's shape
    python benchmarks/gpu.py --layers 2 --width 64      # a dry run: a minute on a processor

Weights and records are random; records are as long as those of MNLI (params/speed.yaml). The first case of each size of
batch makes the same updates twice. The first time nearly every batch has a shape (texts x subwords) that the process
has not seen, the second time none; later cases of that size have the same batches. What differs between the two is
spent on the shapes: plans, and memory that is asked of the driver. The kernels are those of updates of known shapes;
all other time the card waits for the processor that starts them.

The figures are written to gpu.csv beside this file. The first ones there are of another check on an H200, before
cuDNN's attention was left out (xlt.models.attention); all that it measured is in gpu_check.json.
"""

from __future__ import annotations

import argparse
import datetime
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch

from xlt.core import device
from xlt.core.device import compute
from xlt.lab import profiles
from xlt.lab.speed import measure
from xlt.lab.speed.stopwatch import now
from xlt.lab.speed.ways import Setting
from xlt.models import mixture, model, train, vocabulary_cut
from xlt.models.columns import Feature
from xlt.spec.perturbations import Ball
from xlt.spec.recipe import Recipe
from xlt.spec.speed import Case, Speed
from xlt.spec.stage import Stage

FIGURES = Path(__file__).with_suffix(".csv")
LORA = {"method": "lora", "rank": 16, "alpha": 32.0}
BALL = {search: Ball(radius=0.1, search=search, steps=2) for search in ("pgd", "random")}
CASES = {  # name: records of an update, updates, fields of the stage
    "fine-tuning, 4 pairs": (4, 40, {}),
    "fine-tuning, 32 pairs": (32, 40, {}),
    "fine-tuning, 256 pairs": (256, 10, {}),
    "ADV with two ascents, 32 pairs": (32, 15, {"ball": BALL["pgd"]}),
    "RS-RP, 32 pairs": (32, 20, {"ball": BALL["random"]}),
    "LoRA, 4 pairs": (4, 40, LORA),
    "LoRA, 32 pairs": (32, 40, LORA),
}
_PROFILED = 3  # updates whose kernels are counted


class Updates(NamedTuple):
    """What updates of a stage need."""

    learner: model.Learner
    gradients: Any
    optimiser: torch.optim.Optimizer
    task: str

    @classmethod
    def of(cls, setting: Setting) -> Updates:
        learner = model.prepare(setting.store, setting.recipe)
        vocabulary_cut.cut(learner.encoder, [setting.pool], setting.tokenizer)
        learner.to(compute().device).train()
        optimiser = torch.optim.AdamW(train._groups(learner, setting.stage), fused=True)
        gradients = train._gradients(setting.stage, learner, setting.tokenizer)
        return cls(learner, gradients, optimiser, setting.task.name)

    def make(self, batches: list[list[Feature]]) -> float:
        """Seconds of all of them."""
        parameters = [weight for group in self.optimiser.param_groups for weight in group["params"]]
        began = now(clock=True)
        for number, batch in enumerate(batches):
            self.gradients.loss.begin(number)
            self.gradients.of(self.learner[self.task], batch)
            torch.nn.utils.clip_grad_norm_(parameters, 1.0)
            self.optimiser.step()
            self.optimiser.zero_grad(set_to_none=True)
        return now(clock=True) - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--layers", type=int, default=24)
    parser.add_argument("--width", type=int, default=1024)
    parser.add_argument(
        "--output", type=Path, default=FIGURES, metavar="FILE", help="default: gpu.csv beside this file"
    )
    options = parser.parse_args()
    profile = profiles.load("speed_gpu")
    shape = profile.benchmark.encoders["large"].model_copy(
        update={"layers": options.layers, "width": options.width, "heads": max(1, options.width // 64)}
    )
    speed = profile.benchmark.model_copy(update={"encoders": {"measured": shape}})
    device.prefer(None, options.width)
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        for row in _rows(speed, profile.resources, Path(folder)):
            rows.append(row)  # and written at once: a machine with a GPU is often lent for minutes
            pd.DataFrame(rows).to_csv(options.output, index=False, lineterminator="\n")
    print(pd.DataFrame(rows).to_string())


def _rows(speed: Speed, resources: Any, folder: Path) -> Iterator[dict[str, Any]]:
    matrix = measure.matrix_rates()["bf16" if compute().dtype is torch.bfloat16 else "fp32"]
    case = Case(encoder="measured", records="sentence pairs")
    setting = measure._setting(speed, case, resources, folder)
    met = set[int]()  # sizes of batches
    for name, (size, count, fields) in CASES.items():
        stage = Stage(task="mnli", batch=size, max_length=case.max_length, seed=0, **fields)
        updates = Updates.of(replace(setting, recipe=Recipe(start=setting.recipe.start, stages=(stage,))))
        stream = mixture.epochs(setting.pool, size, np.random.default_rng(0))
        batches = list(islice(stream, count + 2))
        updates.make(batches[:2])  # what only the very first ones cost
        device.forget_peak()
        for shapes in ("known",) if size in met else ("new", "known"):
            seconds = updates.make(batches[2:])
            yield _row(name, shapes, batches[2:], seconds, speed, case, matrix) | (
                _kernels(updates, batches[2 : 2 + _PROFILED]) if shapes == "known" else {}
            )
        met.add(size)
        del updates


def _row(
    name: str, shapes: str, batches: list[list[Feature]], seconds: float, speed: Speed, case: Case, matrix: float
) -> dict[str, Any]:
    lengths = np.array([len(feature["input_ids"]) for batch in batches for feature in batch])
    flops = 3 * measure.flops(speed, case, lengths) * lengths.sum()  # of plain training: ascents come on top
    return {
        "what": name, "shapes": shapes, "milliseconds an update": round(1000 * seconds / len(batches), 1),
        "useful subwords a second": round(lengths.sum() / seconds),
        "share of the matrix rate": round(flops / seconds / matrix, 4), "peak GB": round(device.peak_mb() / 1024, 1),
        "machine": f"{_card()}, torch {torch.__version__.partition('+')[0]}", "measured": str(datetime.date.today()),
    }  # fmt: skip


def _kernels(updates: Updates, batches: list[list[Feature]]) -> dict[str, Any]:
    """Kernels of an update, and the milliseconds that they are at work."""
    if compute().device != "cuda":
        return {}
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as profiled:
        updates.make(batches)
    on_card = [event for event in profiled.events() if event.device_type == torch.autograd.DeviceType.CUDA]
    busy = sum(event.time_range.elapsed_us() for event in on_card) / 1000
    return {"kernels": len(on_card) // len(batches), "milliseconds of kernels": round(busy / len(batches), 1)}


def _card() -> str:
    return torch.cuda.get_device_name() if compute().device == "cuda" else "CPU"


if __name__ == "__main__":
    main()
