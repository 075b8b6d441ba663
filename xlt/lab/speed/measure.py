"""Measures the cases of a profile: the ways in turn, again and again, each case in a process of its own.

In turn, because a machine that others use is faster at one hour than at the next: a ratio within a repetition does not
notice. As many cases are at work at a time as the profile has workers, as its runs would be.
"""

from __future__ import annotations

import datetime
import gc
import json
import multiprocessing
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch

from xlt.core import device, progress, provenance
from xlt.core.device import compute
from xlt.core.errors import UserError
from xlt.core.files import write_atomically
from xlt.core.paths import as_profile, cache_root
from xlt.data.store import Store
from xlt.lab import slots
from xlt.lab.speed import ways
from xlt.lab.speed.records import Records, write_encoder
from xlt.lab.speed.stopwatch import now, parts, profiler
from xlt.lab.speed.ways import WAYS, Setting, Trained, Way
from xlt.lab.whole import Lab
from xlt.models.columns import Feature
from xlt.spec.profile import Profile, Resources
from xlt.spec.recipe import Recipe
from xlt.spec.speed import DYNAMIC, OWN, PADDED, READING, TRAINING, XLT, Case, Machine, Speed

FILE = "speed.json"  # in the folder of the report: what was measured last


class Measured(NamedTuple):
    """What a machine was measured to do.

    rates    a row for each case, way, kind of work ("training", "reading") and repetition, per second: `records`,
             `tokens` (useful ones), `flops` (of the encoder's matrix products, on useful tokens)
    parts    a row for each way of the first case: shares of where the time of an update goes
    costs    seconds around the updates of the first case's runs, and of a record that is tokenised
    matrix   floating-point operations a second of a matrix product alone, by precision
    machine  what it was measured on, and when
    """

    rates: pd.DataFrame
    parts: pd.DataFrame
    costs: dict[str, float]
    matrix: dict[str, float]
    machine: dict[str, Any]

    def written(self) -> str:
        tables = {name: getattr(self, name).to_dict("records") for name in ("rates", "parts")}
        return json.dumps(self._asdict() | tables, indent=1, ensure_ascii=False) + "\n"

    @classmethod
    def read(cls, file: Path) -> Measured:
        found = json.loads(file.read_text(encoding="utf-8"))
        return cls(**found | {name: pd.DataFrame(found[name]) for name in ("rates", "parts")})


def measured(lab: Lab) -> Measured:
    """Measure what the profile of `lab` declares; asked for what is stored alone, what was measured last.

    Raises:
        UserError: the profile declares no measurement, or nothing was measured yet.
    """
    file = lab.reports / FILE
    if lab.profile.benchmark is None:
        raise UserError(f"the profile {lab.profile.name} measures no speed; run ./run_all.sh --profile speed")
    if os.environ.get("XLT_STORED_ONLY"):
        if not file.is_file():
            raise UserError(f"nothing was measured yet; run ./run_all.sh --profile {as_profile(lab.profile.name)}")
        return Measured.read(file)
    found = measure(lab.profile)
    lab.reports.mkdir(parents=True, exist_ok=True)
    write_atomically(file, found.written())
    return found


def measure(profile: Profile) -> Measured:
    """Measure every case of the profile."""
    speed, found = profile.benchmark, {}
    # Of several GPUs one is measured: each process would take the same one.
    at_once = 1 if slots.gpus() else min(slots.workers(profile.resources), len(speed.cases))
    fresh = multiprocessing.get_context("spawn")  # a forked process has the threads of its parent, or half of them
    with (
        tempfile.TemporaryDirectory(dir=_made(cache_root()), prefix=".speed-") as folder,
        ProcessPoolExecutor(at_once, mp_context=fresh) as pool,
    ):
        started = time.monotonic()
        common = (speed, profile.resources, Path(folder))
        jobs = {pool.submit(measure_case, *common, case): case for case in speed.cases}
        jobs[pool.submit(explain, *common)] = None
        for done, job in enumerate(as_completed(jobs), 1):
            try:
                found[jobs[job]] = job.result()
            except BrokenProcessPool:
                mend = "free some, or measure one case at a time (resources: {workers: 1})"
                raise UserError(f"a measuring process was killed, most likely for want of memory: {mend}") from None
            left = (time.monotonic() - started) / done * (len(jobs) - done)
            progress.report(done, len(jobs), left)
    rates = pd.concat([found[case] for case in speed.cases], ignore_index=True)
    return found[None]._replace(rates=rates)


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def measure_case(speed: Speed, resources: Resources, folder: Path, case: Case) -> pd.DataFrame:
    """The rates of one case, in this process."""
    return pd.DataFrame(_rates(speed, case, _setting(speed, case, resources, folder)))


def explain(speed: Speed, resources: Resources, folder: Path) -> Measured:
    """All but the rates: where the time goes in the first case, and what the machine is."""
    setting = _setting(speed, speed.cases[0], resources, folder)
    explained, costs = pd.DataFrame(_parts(speed.cases[0], setting)), _costs(setting)
    return Measured(pd.DataFrame(), explained, costs, matrix_rates(), _machine())


def _setting(speed: Speed, case: Case, resources: Resources, folder: Path) -> Setting:
    """The setting of a case in a process of its own, which from now on computes as runs do."""
    os.environ["TOKENIZERS_PARALLELISM"] = "false"  # all is measured for one thread, or as many as the profile says
    os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(slots.gpus()[:1])  # Trainer would use all
    device.use_threads(resources.threads)
    place = Path(tempfile.mkdtemp(dir=folder))
    shape = speed.encoders[case.encoder]
    source = Records(speed.records[case.records], speed.pool, shape.vocabulary, speed.zipf)
    start = write_encoder(shape, place / "encoder")
    return Setting(Store(place / "runs", source), Recipe(start=start, stages=(speed.stage(case),)), resources)


def _rates(speed: Speed, case: Case, setting: Setting) -> Iterator[dict[str, Any]]:
    lengths = np.array([len(feature["input_ids"]) for feature in setting.pool])
    forward = flops(speed, case, lengths)
    for repetition in range(case.repetitions):
        # every other repetition backwards, so that a machine that slows down slows all of them alike
        for name in list(WAYS)[:: -1 if repetition % 2 else 1]:
            way = WAYS[name]
            ways.prefer(way, setting)
            trained = way.train(setting, 1 + case.updates * way.speed)
            features = setting.features("test", case.read * way.speed)
            works = {TRAINING: (trained.tokens, trained.records, trained.watch.seconds, 3 * forward)}
            if name != OWN:  # which reads as xlt does
                works[READING] = (*_counts(features), way.read(setting, trained.model, features), forward)
            for what, (tokens, records, seconds, each) in works.items():
                where = {"encoder": case.encoder, "records_of": case.records, "way": name, "what": what}
                rate = _per_second(way, tokens, records, seconds, lengths.mean())
                yield where | {"repetition": repetition, **rate, "flops": rate["tokens"] * each, **_precision()}
            del trained
            gc.collect()  # two encoders of base size with their optimisers do not fit everywhere


def _counts(features: Sequence[Feature]) -> tuple[int, int]:
    return sum(len(feature["input_ids"]) for feature in features), len(features)


def _precision() -> dict[str, str]:
    return {"precision": "bf16" if compute().dtype is torch.bfloat16 else "fp32"}


def _per_second(way: Way, tokens: int, records: int, seconds: float, mean: float) -> dict[str, float]:
    """Records and useful tokens a second, for records of the pool's `mean` length: few batches are not as long as the
    pool on average, so one of the two is measured and the other computed (see `Way.grouped`)."""
    rate = tokens / mean / seconds if way.grouped else records / seconds
    return {"records": rate, "tokens": rate * mean}


def flops(speed: Speed, case: Case, lengths: np.ndarray) -> float:
    """Floating-point operations of a forward pass for each useful token, in matrix products: 2 for each weight of the
    layers (12 width^2 a layer), and those of attention, which grow with the length. Training takes three times as many.
    """
    shape = speed.encoders[case.encoder]
    attended = (lengths**2).sum() / lengths.sum()  # tokens that a token attends to, on average
    return shape.layers * (24 * shape.width**2 + 4 * shape.width * attended)


def _parts(case: Case, setting: Setting) -> Iterator[dict[str, Any]]:
    """Where the time of updates goes, way by way; measured apart, as a profiler slows down what it looks at."""
    for name in (PADDED, DYNAMIC, XLT, OWN):
        way, profile = WAYS[name], profiler()
        ways.prefer(way, setting)
        trained = way.train(replace(setting, profiler=profile), 1 + case.updates * way.speed)
        yield {"way": name, **parts(profile, trained.watch.seconds, trained.padding)}


def _costs(setting: Setting) -> dict[str, float]:
    """Seconds of what a run does beside its updates: the start (weights are read, the first update), the end (weights
    are written), and a tokenised record."""
    way = WAYS[OWN]
    ways.prefer(way, setting)
    started = now()
    setting.features("dev")
    tokenising = (now() - started) / setting.store.source.pool
    trained: Trained = way.train(setting, 2)
    return {"start": trained.watch.before, "end": trained.watch.after, "tokenising": tokenising}


def matrix_rates() -> dict[str, float]:
    """The highest rate of a few large matrix products, in fp32 and in bf16."""
    gpu = compute().device == "cuda"
    size, found = 8192 if gpu else 1536, {}
    for precision, dtype in (("fp32", torch.float32), ("bf16", torch.bfloat16)):
        one = torch.randn(size, size, device=compute().device).to(dtype)  # a GPU is faster where all numbers are alike
        seconds = []
        for _ in range(5):
            started = now()
            one @ one
            seconds.append(now() - started)
        found[precision] = 2 * size**3 / min(seconds)
    return found


def _machine() -> dict[str, Any]:
    return provenance.environment() | {"kind": kind(), "measured": datetime.date.today().isoformat()}


def kind() -> Machine:
    """Which aims hold here."""
    if compute().device == "cuda":
        return "GPU"
    return "CPU with AMX" if torch.cpu.get_capabilities().get("amx_bf16") else "CPU without AMX"
