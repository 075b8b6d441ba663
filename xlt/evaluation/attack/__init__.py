"""Attacks: search for texts, and for word embeddings nearby, on which a model fails.

texts        a record as texts with places in which words may change; candidates, masked: into which words
search       greedy search for one example; queries: its texts as features; victim: the model that answers those of many
run          a whole test set: chunks, going on after an interruption, re-check, measures, random control
ball         FGSM, PGD and random points in an L2 ball around word embeddings

They are asked for by an evaluation: `Evaluation(task="xnli", language="de", attack=Attack(name="characters"))` or
`Evaluation(..., ball=Ball(radius=0.1))`; accuracy over epsilon is a list of evaluations with rising radius.
"""
