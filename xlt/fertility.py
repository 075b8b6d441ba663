"""Subwords per word: how finely an encoder's tokenizer cuts each language (Rust et al. 2021, 2012.15613, section 3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from xlt import tasks

if TYPE_CHECKING:
    from xlt.lab import Lab

SENTENCES = 300


def fertility(lab: Lab, task: str = "udpos") -> pd.Series:
    """Language -> subwords per word in the test records of a tagging task, whose words are given in every script.

    Empty where the encoder of the profile has not been made yet.
    """
    tokenizer, found = lab.tokenizer, {}
    if tokenizer is None:
        return pd.Series(dtype=float)
    for code in lab.languages(task):
        words = lab.store.source.load(tasks.get(task), code, "test", SENTENCES)["tokens"][:]
        encoded = tokenizer(words, is_split_into_words=True, add_special_tokens=False)["input_ids"]
        found[code] = sum(map(len, encoded)) / sum(map(len, words))
    return pd.Series(found).round(3)
