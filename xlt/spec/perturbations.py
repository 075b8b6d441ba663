"""Settings of perturbations: of embeddings (Ball), of test texts by a search (Attack), of training records
(Augmentation). Perturbations of test records need a name and a strength alone, which `Evaluation` has."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, PositiveInt

from xlt.spec.identity import Value


class Ball(Value):
    """A neighbourhood of the input: each word's embedding may move by at most `radius` (L2).

    The idea is that of Huang et al. 2021 (2104.08645, abstract). The abstract is all that was read of it, so norm,
    radius and search are ours.

    What moves is the vector that the embedding table gives for a subword, before positions are added and before
    LayerNorm; special tokens and padding stay. The unit is that of the table, so a radius that fits one encoder says
    nothing about another.

    search   pgd: `steps` ascents of the loss from a random point (Madry et al. 2018), each of length 2.5 radius / steps
             along the gradient of every subword, projected back into the ball;
             fgsm: one ascent of length radius from the centre (the fast gradient method in L2, Miyato et al. 2017);
             random: a point drawn uniformly from the ball, the control for both
    seed     of the random points in an evaluation; in training they are drawn anew at each step
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
    budget           most queries for an example, counting the clean text and the ranking of its words
    candidates       most replacements that are tried for a word
    edit_rate        largest share of the words that may change; one word always may
    keep_stop_words  leave function words alone, where the language has a list of them
    """

    name: str
    budget: PositiveInt = 500
    candidates: PositiveInt = 8
    edit_rate: float = Field(0.4, gt=0, le=1)
    keep_stop_words: bool = True
    seed: int = 0


class Augmentation(Value):
    """Training on perturbed records: `copies` of each, every one drawn anew, in its place or (`keep`) beside it.

    "rs-da:FILE" or "rs-da-clean:FILE" with 3 copies for NLI and 10 for PAWS-X is RS-DA of Huang et al. 2021
    (2104.08645). "code-mix:de+es" with `keep` is like CAT (Tan & Joty 2021, 2103.09593), but without its filters.
    An epoch counts the copies, so a comparison in equal updates sets `Stage.steps`.
    """

    perturbation: str
    strength: float = Field(1.0, ge=0, le=1)
    copies: PositiveInt = 1
    keep: bool = False
