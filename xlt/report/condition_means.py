"""Which conditions a mean over conditions is of, and in which languages each is read, from the scores themselves."""

from __future__ import annotations

import pandas as pd

from xlt.analysis.conditions import tested
from xlt.spec import trained
from xlt.spec.conditions import CLEAN, PERTURBED


def told(scores: pd.DataFrame) -> str:
    """A sentence where a perturbed condition is not read in all languages of its target's clean text; else "".

    A condition may not be valid in a language, change nothing there or lack a word list. A mean takes all languages of
    a condition, then all conditions alike, so a language that is the only one of a condition weighs as much as all
    languages of another. Languages in which the target was trained are in no such mean.
    """
    if scores.empty:
        return ""
    rows = trained.zero_shot(tested(scores))
    texts: dict[str, list[str]] = {}  # what is said of a target: the targets of which it is said
    for target, part in rows.groupby("task", sort=False):
        texts.setdefault(_mean(part), []).append(target)
    named = [(f"on {', '.join(names)} " if len(texts) > 1 else "") + text for text, names in texts.items() if text]
    if not named:
        return ""
    several = " A mean over conditions takes each alike, whatever its languages." if "mean of " in str(named) else ""
    return f"{PERTURBED.capitalize()}: {'; '.join(named)}.{several}"


def _mean(rows: pd.DataFrame) -> str:
    """The conditions of one target but the clean one, with their languages; "" where these are the clean text's."""
    read = {name: tuple(part["language"].unique()) for name, part in rows.groupby("condition", sort=False)}
    clean = set(read.pop(CLEAN, ()))
    if all(set(codes) == clean for codes in read.values()):
        return ""
    together: dict[str, list[str]] = {}
    for name, codes in read.items():
        which = "all languages" if set(codes) == clean else " ".join(codes) + " alone" * (len(codes) == 1)
        together.setdefault(which, []).append(name)
    *first, last = [f"{', '.join(names)} ({which})" for which, names in together.items()]
    return ("mean of " if len(read) > 1 else "") + " and ".join(filter(None, [", ".join(first), last]))
