"""Settings of what is done to inputs: to embeddings (Ball), to test texts by a search (Attack), to training records
(Augmentation)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, PositiveInt

from xlt.spec.identity import Value


class Ball(Value):
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


class Attack(Value):
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


class Augmentation(Value):
    """Training records through a perturbation: `copies` of each, drawn anew, instead of it or (`keep`) besides it.

    RS-DA of Huang et al. 2021 (2104.08645) is "rs-da:FILE" (or "rs-da-clean:FILE") with 3 copies for NLI and 10 for
    PAWS-X; like CAT (Tan & Joty 2021, 2103.09593), but without its filters, is "code-mix:de+es" at a strength, kept
    besides the clean records. Epochs count the copies: a comparison in equal updates sets `Stage.steps`.
    """

    perturbation: str
    strength: float = Field(1.0, ge=0, le=1)
    copies: PositiveInt = 1
    keep: bool = False
