"""Subwords per word: how finely an encoder's tokenizer cuts each language (Rust et al. 2021, 2012.15613, section 3).

And the words of which it leaves nothing, or nothing but a space, where a tag is to be read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

import pandas as pd
from scipy.stats import linregress
from scipy.stats import t as student

from xlt.analysis.conditions import clean
from xlt.analysis.estimate import shares
from xlt.analysis.language_tables import script
from xlt.analysis.stats import NAN, Interval
from xlt.core.text import DASH, NOT_RUN, interval
from xlt.evaluation import conditions
from xlt.spec import tasks, trained
from xlt.spec.languages import language

if TYPE_CHECKING:
    from xlt.lab.lab import Lab

SENTENCES = 300
SPACES = ("▁", "Ġ")  # a space, as sentencepiece and byte-level tokenizers write it


def fertility(lab: Lab, task: str = "udpos") -> pd.Series:
    """Language -> subwords per word in the test records of a tagging task, whose words are given in every script.

    Empty where the encoder of the profile has not been made yet.
    """
    from xlt.models.features import spaced  # brings torch along

    tokenizer, found = lab.tokenizer, {}
    if tokenizer is None:
        return pd.Series(dtype=float)
    for code in lab.languages(task):
        words = lab.store.source.load(tasks.get(task), code, "test", SENTENCES)["tokens"][:]
        encoded = tokenizer(spaced(words, tokenizer), is_split_into_words=True, add_special_tokens=False)
        found[code] = sum(map(len, encoded["input_ids"])) / sum(map(len, words))
    return pd.Series(found).round(3)


def left_out(scores: pd.DataFrame, per_word: pd.Series) -> str:
    """The languages that have scores and no subwords per word, in words for a caption; "" where there are none."""
    codes = [code for code in clean(scores)["language"].unique() if code not in per_word.index] if len(scores) else []
    names = ", ".join(language(code).name for code in codes)
    return f" Left out, as the tagged sentences have none of them: {names}." if names and len(per_word) else ""


def unread(lab: Lab, names: Iterable[str], languages: Collection[str] | None = None) -> pd.DataFrame:
    """Words of tagging tasks, as evaluated, that give the tagger no letter to read, by task and language (of
    `languages` alone, if they are given).

    words is their number in all; of those without any subword (`nothing`, of them `which`, the five commonest, by code
    points) no tag can be predicted, so they count as wrong; `bare` is the share whose first subword, which carries the
    tag, is nothing but the space before the word. Languages without either are left out; empty before the encoder is
    made.
    """
    columns = ["task", "language", "words", "nothing", "which", "bare"]
    tagged = [name for name in names if tasks.get(name).family == tasks.TAGGING]
    if lab.tokenizer is None:
        tagged = []
    asked = [(name, code) for name in tagged for code in lab.languages(name) if languages is None or code in languages]
    found = [_unread(lab, name, code) for name, code in asked]
    return pd.DataFrame([row for row in found if row["nothing"] or row["bare"]], columns=columns)


def _unread(lab: Lab, name: str, code: str) -> dict:
    from xlt.evaluation.evaluate import SHUFFLE
    from xlt.models.features import spaced

    rows = conditions.rows(lab.store.source, tasks.get(name), lab.profile.evaluate(name, code), SHUFFLE)
    sentences, nothing, bare = rows["tokens"][:], Counter[str](), 0
    encoded = lab.tokenizer(spaced(sentences, lab.tokenizer), is_split_into_words=True, add_special_tokens=False)
    for words, pieces in zip(sentences, encoded.encodings, strict=True):
        first = dict(zip(reversed(pieces.word_ids), reversed(pieces.tokens), strict=True))
        nothing.update(word for place, word in enumerate(words) if place not in first)
        bare += sum(piece in SPACES for piece in first.values())
    count = sum(map(len, sentences))
    which = ", ".join(" ".join(f"U+{ord(char):04X}" for char in word) or "empty" for word, _ in nothing.most_common(5))
    about = {"task": name, "language": code, "words": count, "nothing": nothing.total(), "which": which or DASH}
    return about | {"bare": round(bare / max(count, 1), 4)}


def slopes(scores: pd.DataFrame, per_word: pd.Series) -> pd.DataFrame:
    """Points for one subword a word more, by arm and target: least squares over the means of languages.

    With its 95 % t interval over languages, of n - 2 degrees of freedom: other languages would lie elsewhere, which
    other seeds do not show. Over all languages but those of training (fractions), and once more without the language
    that is cut finest: one far point can make the whole slope. Three points on a line have no interval.
    """
    rows = _clean(scores, per_word)
    rows = trained.zero_shot(rows)
    rows, made = rows.assign(subwords=rows["language"].map(per_word)), []
    for (arm, task), part in rows.groupby(["arm", "task"], sort=False):
        finest = part.loc[part["subwords"].idxmax(), "language"]
        for name, some in {"all": part, f"without {finest}": part[part["language"] != finest]}.items():
            some = shares(some.assign(weight=1.0))  # complete seeds: another set of languages has another line
            means = some.groupby("language")[["subwords", "value"]].mean()
            if len(means) > 2 and means["subwords"].nunique() > 1:
                bounds = dict(zip(("slope", "low", "high"), _slope(means["subwords"], means["value"]), strict=True))
                made.append({"arm": arm, "target": task, "languages": name, **bounds})
    return pd.DataFrame(made) if made else pd.DataFrame({"arm": [NOT_RUN]})


def _slope(x: pd.Series, y: pd.Series) -> Interval:
    """Of the least-squares line through the points, with its 95 % t interval; none where all lie on the line."""
    fitted = linregress(x, y)
    error = fitted.stderr if fitted.stderr > 1e-9 else NAN
    half = float(student.ppf(0.975, len(x) - 2) * error)
    return Interval(float(fitted.slope), fitted.slope - half, fitted.slope + half)


def _clean(scores: pd.DataFrame, per_word: pd.Series) -> pd.DataFrame:
    rows = clean(scores)
    return rows[rows["language"].isin(per_word.index)]


def shown(made: pd.DataFrame) -> pd.DataFrame:
    """`slopes` to be read, in points: arm x target down, with and without the language that is cut finest."""
    if "slope" not in made:
        return made
    rows = zip(made["slope"], made["low"], made["high"], strict=True)
    return made[["target", "arm", "languages"]].assign(slope=[interval(*row, sign=False) for row in rows])


def table(scores: pd.DataFrame, per_word: pd.Series) -> pd.DataFrame:
    """Each language: script, subwords a word, and clean score by arm and target (fractions, mean over seeds)."""
    rows = _clean(scores, per_word)
    if rows.empty:
        return pd.DataFrame({"language": [NOT_RUN]})
    wide = rows.pivot_table(index="language", columns=["task", "arm"], values="value", sort=False).round(3)
    wide.columns = [f"{task} after {arm}" for task, arm in wide.columns]
    wide.insert(0, "subwords a word", per_word.reindex(wide.index))
    wide.insert(0, "script", [script(code) for code in wide.index])
    return wide.sort_values("subwords a word").reset_index()
