"""A training stage: what is learned, from how much, and by which method.

Everything in a stage decides results and is part of its key, but for `role` and `label`, which only name it.
Resources (workers, devices, evaluation batch) decide no result; they are the profile's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from operator import itemgetter
from typing import Literal

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from xlt.spec.identity import Value
from xlt.spec.languages import Code, Codes
from xlt.spec.perturbations import Augmentation, Ball

CHECKS = 10  # development scores that a stage takes unless it says otherwise


class Part(Value):
    """A further task of a multi-task stage. It has a head of its own and `examples` records in each of `languages`.

    `share` fixes its share of the updates; the parts without a share divide the rest as `Stage.mixing` says.
    """

    task: str
    languages: Codes = ("en",)
    examples: PositiveInt | None = None
    share: float | None = Field(None, gt=0, lt=1)


class Stage(Value):
    """One training stage. Lengths are in subwords; `warmup`, `mask` and `pairs` are shares.

    An update learns from `batch` x `accumulate` records, of which a CPU takes `batch` at a time and a GPU as many as
    `resources.tokens` allows. How the product is divided changes only rounding and the draws of dropout, except for
    dual encoders: there the other records of a `batch` are the negatives.

    `head_lr` is the learning rate of the heads, which begin at random; without it they have `lr`. AdamW moves a weight
    by about `lr` in an update, so in a short stage a head of many labels hardly grows, and the encoder is bent to make
    up for it: after 125 updates of CCG at 1e-4 the loss of e5-small was 3.0, with heads at 2e-3 it was 1.0.

    `steps` (updates) overrides `epochs`. `method="lora"` trains low-rank adapters (Hu et al. 2021) on the attention
    projections and the head; afterwards the adapter is merged into the encoder.

    `pairs` is the share of translation pairs in masked language modelling (TLM, Conneau & Lample 2019);
    `pivot` is a language that is in every pair, as English is in most parallel corpora. With `mask_other`, one text of
    a pair is masked by `mask` and the other by `mask_other`, so that the other stays readable; a single text is masked
    by the mean of both. `frozen="embeddings"` keeps the embeddings as they are, because training on English alone would
    move English words away from their translations.

    `examples` is the number of records in each language, so n in each of L languages are n x L records. The languages
    draw different rows as long as there are enough: of a parallel training set no item is then learned in two languages
    (see data.rows). With `parallel` all draw the same rows. With `pair_languages="mixed"` the two texts of a pair of
    the main task are in different languages, again n x L records; the rows must be aligned, as in mnli-translated.

    `slice` are the rows of the training records that `task` draws from, as data sets are sliced: ":70%", "70%:" or
    "1000:". Of two stages with slices that do not meet, none learns a record of the other. Another part that trains on
    the same records has no slice.

    `also` makes it a multi-task stage: each update is of one task. Of a task with n records (windows, where contexts
    are long) it is drawn in proportion to n ("proportional"), to 1 ("uniform") or to min(n, cap) ("capped"; Raffel et
    al. 2020, section 3.5.2). `shuffle_labels` replaces the gold labels by labels that say nothing about the records
    (`data.label_shuffle`): a control that keeps everything else.

    Robust training: with `ball` the loss is taken at a point near the input in embedding space, and not at the input:
    the worst point that PGD finds (ADV, after Huang et al. 2021, a minimax without a clean term) or a random one
    (RS-RP: search "random"). `augment` perturbs the records of every part before training.

    `select` says which checkpoint is kept:
      last     the one at the end
      dev      the best on development records in those of `select_languages` that the stage learns, or in English
      oracle   the best on development records in all of `select_languages`. For comparison only: zero-shot transfer
               must not choose by the languages that it is tested in (Keung et al. 2020)
    There are `checks` checkpoints, evenly spaced, or one every `check_every` updates and one at the end. Each is scored
    by the main metric on the first `select_examples` records of `select_task`, such as xnli for a stage that trains
    mnli, as that has more languages. Without `select_task` the score is the plain mean over the tasks of the stage that
    have a dev split. After `patience` checks without gain the stage ends. jiant, which Phang et al. 2020 used, has
    check_every 1,000, 500 examples, patience 30 and the plain mean (jiant/proj/main/metarunner.py).
    """

    task: str
    languages: Codes = ("en",)
    examples: PositiveInt | None = None
    slice: str | None = Field(None, pattern=r"^(\d+%?)?:(\d+%?)?$")
    method: Literal["full", "lora"] = "full"
    rank: PositiveInt = 8
    alpha: PositiveFloat = 16.0
    epochs: PositiveFloat = 2.0
    steps: PositiveInt | None = None
    batch: PositiveInt = 32
    accumulate: PositiveInt = 1
    lr: PositiveFloat = 2e-5
    head_lr: PositiveFloat | None = None
    warmup: float = Field(0.1, ge=0, le=1)
    weight_decay: float = Field(0.0, ge=0)
    beta2: float = Field(0.999, gt=0, lt=1)
    clip: PositiveFloat = 1.0
    frozen: Literal["nothing", "embeddings"] = "nothing"
    max_length: PositiveInt = 128
    stride: PositiveInt = 128
    mask: float = Field(0.15, gt=0, lt=1)
    pairs: float = Field(0.0, ge=0, le=1)
    pivot: Code | None = None
    mask_other: float | None = Field(None, ge=0, lt=1)
    pair_languages: Literal["same", "mixed"] = "same"
    parallel: bool = False
    also: tuple[Part, ...] = ()
    mixing: Literal["proportional", "uniform", "capped"] = "proportional"
    cap: PositiveInt = 2**16
    shuffle_labels: bool = False
    ball: Ball | None = None
    augment: Augmentation | None = None
    select: Literal["last", "dev", "oracle"] = "last"
    select_languages: Codes = ("en",)
    select_task: str | None = None
    select_examples: PositiveInt | None = 500
    checks: PositiveInt = CHECKS
    check_every: PositiveInt | None = None
    patience: PositiveInt | None = None
    seed: int | None = None
    role: Literal["pretraining", "intermediate", "target"] = Field("target", exclude=True)
    label: str = Field("", exclude=True)

    @model_validator(mode="after")
    def _consistent(self) -> Stage:
        if sum(part.share or 0 for part in self.also) >= 1:
            raise ValueError("also: the shares leave no batch to the stage's own task; together they must be below 1")
        if self.pair_languages == "mixed" and len(set(self.languages)) < 2:
            raise ValueError("pair_languages: mixed takes two languages or more; add one to languages")
        if self.parallel and not any(part.examples and len(set(part.languages)) > 1 for part in self.parts):
            raise ValueError("parallel: no part draws in several languages; set examples and languages")
        if self.patience and not self.watched:
            raise ValueError("patience: there are no development scores to wait for; set select to dev or oracle")
        if self.check_every and self.checks != CHECKS:
            raise ValueError("checks counts nothing beside check_every; leave one of them out")
        if self.patience and not self.check_every and self.patience > self.checks - 2:
            raise ValueError(f"patience {self.patience} is never used up in {self.checks} checks; set check_every")
        return self

    @property
    def parts(self) -> tuple[Part, ...]:
        """All tasks of the stage, the main one first."""
        # Not validated again: the fields were, with the stage's own, and tables ask for the parts of every score.
        own = Part.model_construct(task=self.task, languages=self.languages, examples=self.examples)
        return (own, *self.also)

    @property
    def trains(self) -> tuple[str, ...]:
        """The names of all tasks of the stage."""
        return (self.task, *(part.task for part in self.also))

    @property
    def name(self) -> str:
        """What tables call the stage: its label, else its tasks."""
        return self.label or "+".join(self.trains)

    @property
    def duration(self) -> str:
        """For how long it trains, as declared: "94 updates", "2 epochs"."""
        if self.steps:
            return "1 update" if self.steps == 1 else f"{self.steps} updates"
        return "1 epoch" if self.epochs == 1 else f"{self.epochs:g} epochs"

    @property
    def watched(self) -> tuple[str, ...]:
        """Languages whose development sets decide which checkpoint is kept; () where the decision needs none."""
        learned = tuple(code for code in self.select_languages if code in self.languages)
        return {"dev": learned or ("en",), "oracle": self.select_languages}.get(self.select, ())

    @property
    def update_batch(self) -> int:
        """Records of an update."""
        return self.batch * self.accumulate

    def batch_shares(self, records: Sequence[float]) -> list[float]:
        """Each part's share of the updates; `records` are the parts' numbers of records."""
        weigh = {
            "proportional": lambda n: n,
            "uniform": lambda n: 1,
            "capped": lambda n: min(n, self.cap),
        }[self.mixing]
        pairs = list(zip(self.parts, records, strict=True))
        weights = [0 if part.share else weigh(n) for part, n in pairs]
        left = 1 - sum(part.share or 0 for part in self.also)
        return [part.share or left * weight / sum(weights) for (part, _), weight in zip(pairs, weights, strict=True)]

    def updates(self, records: Sequence[float]) -> int:
        """Number of updates. An epoch is one pass over the parts without a fixed share; the others' are added."""
        if self.steps:
            return self.steps
        own = sum(self._batches(n) for part, n in zip(self.parts, records, strict=True) if not part.share)
        left = 1 - sum(part.share or 0 for part in self.also)
        return max(1, _whole(own / left))

    def _batches(self, records: float) -> int:
        """Updates that pass over so many records as often as `epochs` says, each pass with a smaller last batch."""
        passes, part = divmod(self.epochs, 1)
        return int(passes) * _whole(records / self.update_batch) + _whole(part * records / self.update_batch)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and _content(self.__dict__) == _content(other.__dict__)

    def __hash__(self) -> int:
        return hash(_content(self.__dict__))


def _whole(number: float) -> int:
    """The next whole number; what floating-point numbers add to one (33.00000000000001) is not counted."""
    return math.ceil(round(number, 9))


# Two stages are equal, and share a run, if they differ only in what names them.
_content = itemgetter(*(name for name in Stage.model_fields if name not in ("role", "label")))
