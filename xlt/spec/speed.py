"""What a profile says of a measurement of speed: encoders, records, and which of them are measured together."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from xlt.spec.recipe import Encoder
from xlt.spec.stage import Stage
from xlt.spec.study import Settings

Machine = Literal["CPU with AMX", "CPU without AMX", "GPU"]
TRAINING, READING = "training", "reading"
# The ways that are compared, as tables call them: see xlt.lab.speed.ways.
PADDED, DYNAMIC, PLAIN = "transformers, padded", "transformers, dynamic", "plain fp32 loop"
XLT, OWN = "xlt", "xlt, no dropout, frozen embeddings"


class Drawn(Settings):
    """Random records that are as long as real ones.

    task     whose columns and labels they have
    lengths  quantiles of the length in subwords, at equal steps from the shortest record to the longest
    first    share of the subwords that is in the first text of a pair, or in the question
    source   of what the quantiles were taken
    """

    task: str
    lengths: tuple[PositiveInt, ...] = Field(min_length=2)
    first: float = Field(0.0, ge=0, lt=1)
    source: str = ""


class Case(Settings):
    """One encoder on one kind of records.

    updates  of the slowest way; faster ways make more of them, so that each is at work for about as long
    read     records that the slowest way reads
    """

    encoder: str
    records: str
    batch: PositiveInt = 32
    max_length: PositiveInt = 128
    updates: PositiveInt = 1
    read: PositiveInt = 64
    repetitions: PositiveInt = 3


class Aim(Settings):
    """At least so many times as many records a second as another way, on machines of this kind."""

    machine: Machine
    what: Literal["training", "reading"]
    against: Literal["transformers, padded", "transformers, dynamic", "plain fp32 loop"]
    least: PositiveFloat


class Run(Settings):
    """A whole run, of which it is told where its time goes: records learned from, and records read afterwards."""

    learned: PositiveInt
    read: PositiveInt


class Speed(Settings):
    """The measurement of `notebooks/05_speed.ipynb`; a profile that has one executes that notebook alone.

    encoders  random ones, by name
    records   by name
    pool      so many records of a kind are drawn, of which updates take their batches
    zipf      exponent of the law that subwords are drawn by (probability ~ rank ** -zipf): it decides how many
              different ones a pool has, and with them what a vocabulary cut to those in use is worth
    training  fields of the stage that all ways train
    cases     the first is the one that answers are given for
    """

    encoders: dict[str, Encoder]
    records: dict[str, Drawn]
    pool: PositiveInt = 1600
    zipf: PositiveFloat = 1.3
    training: dict[str, str | int | float] = {}
    cases: tuple[Case, ...] = Field(min_length=1)
    run: Run = Run(learned=12000, read=15000)
    aims: tuple[Aim, ...] = ()

    @model_validator(mode="after")
    def _known(self) -> Speed:
        for case in self.cases:
            for named, known in ((case.encoder, self.encoders), (case.records, self.records)):
                if named not in known:
                    raise ValueError(f"cases: {named} is not declared; there are {', '.join(known)}")
        return self

    def stage(self, case: Case) -> Stage:
        """What all ways train in a case, but for the number of updates."""
        fields = {"warmup": 0.0, "seed": 0, **self.training}
        return Stage(task=self.records[case.records].task, batch=case.batch, max_length=case.max_length, **fields)
