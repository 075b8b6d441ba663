"""How fast a device works with one shape of encoder: as `xlt calibrate` measured it, else as stated for a named card.

Times of a plan are sums of a few terms (`Rates`), each of which a calibration measures. A plan for a GPU is often made
on a machine without one, the login node of a cluster, whose own processor says nothing about it. So a profile or
`--device` names the card, and the calibration of a card is kept under the card's name: made once on a node that has
one, it serves wherever the cache is shared.
"""

from __future__ import annotations

import importlib.metadata
import json
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import NonNegativeFloat, ValidationError

import xlt
from xlt.core import paths, provenance
from xlt.core.errors import unknown
from xlt.core.files import write_atomically
from xlt.core.precision import WIDE
from xlt.lab import slots
from xlt.spec.identity import Value, digest
from xlt.spec.profile import Profile, Resources


class Pass(Value):
    """Seconds of one pass of a micro-batch through the model.

    `fixed` is what the smallest one takes (Python, starting kernels), `token` the matrix products of each subword, and
    `pair` the attention between each two subwords of a text.
    """

    fixed: NonNegativeFloat
    token: NonNegativeFloat
    pair: NonNegativeFloat

    def seconds(self, passes: float, tokens: float, length: float) -> float:
        """Of `tokens` subwords in so many passes, in texts of `length` subwords."""
        return passes * self.fixed + tokens * (self.token + length * self.pair)


class Rates(Value):
    """Seconds that the parts of a run take.

    training    a pass forward and backward
    reading     a pass forward
    word        masked language modelling: a masked subword, which is scored against the vocabulary
    update      clipping and optimiser
    load, save  the encoder from and to the disk
    run         a run, whatever it trains: its folder, records of its making
    evaluation  an evaluation, however few records it has
    learned     a subword of training records: reading, tokenising
    tested      a subword of test records: reading, tokenising, decoding, scoring, writing
    query       of a search attack, its Python: making the text, tokenising it, judging the answer
    """

    training: Pass
    reading: Pass
    word: NonNegativeFloat
    update: NonNegativeFloat
    load: NonNegativeFloat
    save: NonNegativeFloat
    run: NonNegativeFloat
    evaluation: NonNegativeFloat
    learned: NonNegativeFloat
    tested: NonNegativeFloat
    query: NonNegativeFloat


class Card(NamedTuple):
    """What is stated of a device.

    flops   floating-point operations a second that training and reading reach, in matrix products
    launch  seconds a layer and pass until its kernels are started
    memory  bytes a second between the device and its memory
    """

    flops: float
    launch: float
    memory: float


# GPUs: the makers' data sheets give the dense bf16 rate (of T4 and V100, which have no bf16, that of fp32) and the
# memory's. Of the rate 30 % are taken as reached: fine-tuning reads short texts of many lengths, in micro-batches of
# 16,384 subwords. (For pretraining of large models on long texts 21 to 46 % are reported: Chowdhery et al. 2022, 4.1.)
# An H200 was measured to reach 29.5 % of what a large product alone does, XLM-R Large with 32 texts of 256 subwords
# (benchmarks/gpu_check.json). A layer started 37 kernels a pass there, and with few subwords a pass forward and back
# took 50 ms whatever their number: 0.7 ms a layer and pass, in a virtual machine whose processor is not the fastest.
_REACHED, _LAUNCH = 0.3, 7e-4
_SHEETS = {  # TFLOP/s, GB/s
    "H200": (989, 4800), "H100": (989, 3350), "A100": (312, 1555), "L40S": (362, 864), "L4": (121, 300),
    "A10": (125, 600), "RTX 4090": (165, 1008), "RTX 3090": (71, 936), "V100": (15.7, 900), "T4": (8.1, 300),
}  # fmt: skip
# Processors, one core: measured with this code on an Intel Xeon of 2023, an encoder of 12 layers x 384, texts of 40
# subwords. fp32 with AVX-512 reaches 90 of the 105 GFLOP/s of a matrix product alone, bf16 with AMX 200 of 800. AVX2
# has half as wide registers, so half the rate is taken.
CARDS = {name: Card(_REACHED * 1e12 * tera, _LAUNCH, 1e9 * giga) for name, (tera, giga) in _SHEETS.items()} | {
    "core": Card(9e10, 4e-4, 1e10), "core with AMX": Card(2e11, 4e-4, 1e10), "core with AVX2": Card(4.5e10, 4e-4, 1e10),
}  # fmt: skip
OTHER_GPU = "L4"  # counted with for a GPU that the table does not name: a small one
_SUBWORDS = 20_000  # whose embeddings a stage trains: those that its records hold (see models.vocabulary_cut)
_DISK = 5e8  # bytes a second


class Shape(NamedTuple):
    """Of an encoder."""

    layers: int
    width: int
    vocabulary: int

    @property
    def weights(self) -> int:
        """Weights outside the embeddings."""
        return 12 * self.layers * self.width**2

    @property
    def embeddings(self) -> int:
        return self.vocabulary * self.width


class Device(NamedTuple):
    """What a run computes on. `name` is that of a row of CARDS, or what the device is called; `threads` are those of a
    processor, 0 on a GPU."""

    name: str
    precision: str
    threads: int


def device(resources: Resources, threads: int, asked: str | None = None) -> Device:
    """The device that is `asked` for, else that of the profile where this machine has no GPU, else the one at hand.

    Raises:
        UserError: no such row in CARDS.
    """
    precision, here = resources.precision or "default", bool(slots.gpus())
    if named := asked or (None if here else resources.card):
        name = next((name for name in CARDS if name.lower() == named.lower()), None)
        if name is None:
            raise unknown("device", named, CARDS, "--device" if asked else "resources.card")
        return Device(name, precision, threads if name.startswith("core") else 0)
    return Device(_gpu(), precision, 0) if here else Device(provenance.processor(), precision, threads)


@cache
def _gpu() -> str:
    """The GPU here by its name in CARDS ("NVIDIA H100 80GB HBM3" is H100), or as it is called."""
    import torch

    called = torch.cuda.get_device_name()
    return next((name for name in CARDS if name in called), called)


def _card(at: Device, width: int) -> Card:
    """What is stated of a device, of one that no row names by what it can do."""
    if at.name in CARDS:
        return CARDS[at.name]
    if not at.threads:
        return CARDS[OTHER_GPU]
    flags = _flags()
    narrow = at.precision != "bf16" and width < WIDE
    if "amx_bf16" in flags and at.precision != "fp32" and not narrow:
        return CARDS["core with AMX"]
    return CARDS["core" if "avx512f" in flags or not flags else "core with AVX2"]


@cache
def _flags() -> frozenset[str]:
    """The instructions of the processor, as Linux names them."""
    file = Path("/proc/cpuinfo")
    lines = file.read_text(errors="replace").splitlines() if file.is_file() else []
    return frozenset(next((line.split() for line in lines if line.startswith("flags")), ()))


class Trained(NamedTuple):
    """How the stages of a profile train, as far as it decides their speed.

    method   with LoRA the backward pass is shorter and the optimiser has little to do
    frozen   "embeddings": the largest matrix needs no gradient
    dropout  its random numbers take time: in bf16 a step without it takes 60 %; None: as the encoder comes
    """

    method: str = "full"
    frozen: str = "nothing"
    dropout: float | None = None


def trained(profile: Profile) -> Trained:
    defaults = {name: profile.training[name] for name in ("method", "frozen") if name in profile.training}
    return Trained(**defaults, dropout=profile.encoder.dropout)


# kept and stated -------------------------------------------------------------------------------


def of(profile: Profile, shape: Shape, at: Device) -> tuple[Rates, bool]:
    """The rates of a device with an encoder, and whether they were measured."""
    measured = kept(at, shape, trained(profile))
    return measured or stated(at, shape, trained(profile)), measured is not None


def kept(at: Device, shape: Shape, how: Trained) -> Rates | None:
    """What a calibration measured; None where there was none, or one by another version."""
    file = _file(at, shape, how)
    try:
        return Rates.model_validate(json.loads(file.read_text(encoding="utf-8"))["rates"])
    except (OSError, ValueError, KeyError, ValidationError):
        return None


def keep(at: Device, shape: Shape, how: Trained, rates: Rates) -> Path:
    """Write what was measured into the cache; the file."""
    file = _file(at, shape, how)
    file.parent.mkdir(parents=True, exist_ok=True)
    content = {"of": _about(at, shape, how), "rates": rates.model_dump()}
    write_atomically(file, json.dumps(content, indent=1) + "\n")
    return file


def _file(at: Device, shape: Shape, how: Trained) -> Path:
    return paths.cache_root() / "rates" / f"{digest(_about(at, shape, how))}.json"


def _about(at: Device, shape: Shape, how: Trained) -> dict[str, Any]:
    """What rates depend on: other versions of torch and of this code have others."""
    versions = {"torch": importlib.metadata.version("torch"), "xlt": xlt.__version__}
    return {**at._asdict(), **shape._asdict(), **how._asdict(), **versions}


def stated(at: Device, shape: Shape, how: Trained) -> Rates:
    """Rates by counting operations: two a weight and subword forward, four backward; with LoRA two backward."""
    card, threads = _card(at, shape.width), max(1, at.threads)
    there, back = (2, 4 if how.method == "full" else 2)
    weight, pair = shape.weights / card.flops / threads, 2 * shape.layers * shape.width / card.flops / threads
    fixed = shape.layers * card.launch
    embeddings = 0 if how.frozen == "embeddings" else min(_SUBWORDS, shape.vocabulary) * shape.width
    parameters = shape.weights + embeddings if how.method == "full" else 0
    size = 4 * (shape.weights + shape.embeddings)
    return Rates(
        training=Pass(fixed=3 * fixed, token=(there + back) * weight, pair=(there + back) * pair),
        reading=Pass(fixed=fixed, token=there * weight, pair=there * pair),
        word=6 * shape.embeddings / card.flops / threads,
        update=2e-3 + 28 * parameters / card.memory,  # weight, gradient and two moments are read, three of them written
        load=0.1 + size / _DISK, save=(size if how.method == "full" else 0) / _DISK,
        # Python, measured with `xlt calibrate` on a core of the same Xeon; it depends little on the encoder.
        run=0.15, evaluation=0.03, learned=2e-6, tested=1e-5, query=4e-4,
    )  # fmt: skip
