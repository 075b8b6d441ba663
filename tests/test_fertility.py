"""Score against tokenisation, worked out by hand."""

import numpy as np
import pandas as pd
import pytest
from conftest import lab_of
from scipy import stats as scipy_stats

from xlt.analysis import tokenization

PER_WORD = pd.Series({"en": 1.0, "de": 1.0, "ru": 1.5, "zh": 3.0})


def scores():
    """German to Russian 10 points less for half a subword more; Chinese scores like German. Seeds 2 points apart."""
    for seed in range(3):
        for code, value in {"en": 0.9, "de": 0.60, "ru": 0.50, "el": 0.55, "zh": 0.60}.items():
            yield {"arm": "none", "task": "xnli", "condition": "clean", "split": "test", "main": True, "seed": seed,
                   "language": code, "value": value + 0.02 * seed, "changed": None}  # fmt: skip


def test_the_slope_within_a_seed_with_and_without_the_language_that_is_cut_finest():
    per_word = pd.concat([PER_WORD, pd.Series({"el": 1.25})])
    made = tokenization.slopes(pd.DataFrame(scores()), per_word).set_index("languages")
    assert made.loc["without zh", "slope"] == pytest.approx(-0.20)  # 0.60, 0.55, 0.50 at 1, 1.25, 1.5
    assert pd.isna(made.loc["without zh", "low"])  # three points on a line
    # x - 1.6875: -.6875 -.4375 -.1875 1.3125; y - .5625: .0375 -.0125 -.0625 .0375: 0.0406 / 2.4219
    assert made.loc["all", "slope"] == pytest.approx(0.040625 / 2.421875)
    line = scipy_stats.linregress([1, 1.25, 1.5, 3], [0.62, 0.57, 0.52, 0.62])
    half = scipy_stats.t.ppf(0.975, 2) * line.stderr
    assert made.loc["all", ["low", "high"]].tolist() == pytest.approx([line.slope - half, line.slope + half])
    assert tokenization.shown(made.reset_index())["slope"][1] == "−20.0"


def test_an_interval_of_a_slope_is_over_languages():
    """Scores that have nothing to do with subwords, 5 points apart by language and 1 by seed: in one table of twenty
    the interval leaves out zero, where one over seeds would in three of four."""
    rng, codes = np.random.default_rng(0), ["de", "es", "ru", "el", "tr", "hi", "ar", "zh"]
    per_word, out = pd.Series(dict(zip(codes, [1.2, 1.3, 1.6, 1.9, 1.5, 2.1, 1.8, 2.4], strict=True))), 0
    for _ in range(60):
        by_language = dict(zip(codes, 0.6 + 0.05 * rng.standard_normal(8), strict=True))
        rows = [row | {"language": code, "seed": seed, "value": value + 0.01 * rng.standard_normal()}
                for row in [next(scores())] for code, value in by_language.items() for seed in range(3)]  # fmt: skip
        found = tokenization.slopes(pd.DataFrame(rows), per_word).iloc[0]
        out += not found["low"] < 0 < found["high"]
    assert out / 60 < 0.14  # three standard errors above 0.05


def test_a_seed_that_lacks_a_language_has_no_line():
    rows = pd.DataFrame(scores())
    short = rows[(rows["seed"] > 0) | (rows["language"] != "zh")].assign(value=lambda t: t["value"] * (t["seed"] > 0))
    whole = tokenization.slopes(rows[rows["seed"] > 0], PER_WORD)
    assert tokenization.slopes(short, PER_WORD)["slope"][0] == pytest.approx(whole["slope"][0])


def test_two_languages_make_no_slope():
    few = pd.DataFrame(scores()).query("language in ['en', 'de', 'ru']")
    assert tokenization.shown(tokenization.slopes(few, PER_WORD)).to_dict("list") == {"arm": ["not run"]}


def test_the_table_goes_from_the_coarsest_to_the_finest():
    made = tokenization.table(pd.DataFrame(scores()), PER_WORD)
    assert list(made["language"]) == ["en", "de", "ru", "zh"] and list(made["subwords a word"]) == [1.0, 1.0, 1.5, 3.0]
    assert list(made["xnli after none"]) == pytest.approx([0.92, 0.62, 0.52, 0.62])
    assert tokenization.table(pd.DataFrame(scores()).iloc[:0], PER_WORD).to_dict("list") == {"language": ["not run"]}


def test_languages_without_tagged_sentences_are_named():
    """Greek has a score; of how many subwords its words have nothing is known."""
    said = " Left out, as the tagged sentences have none of them: Greek."
    assert tokenization.left_out(pd.DataFrame(scores()), PER_WORD) == said
    known = pd.concat([PER_WORD, pd.Series({"el": 1.25})])
    assert tokenization.left_out(pd.DataFrame(scores()), known) == ""
    assert tokenization.left_out(pd.DataFrame(), PER_WORD) == ""


def test_words_of_which_the_tokenizer_leaves_nothing_or_a_bare_space_are_counted_and_named(store, monkeypatch):
    """The normaliser drops U+FE0F; before Han, which stands alone, the space is a piece of its own."""
    from tokenizers import normalizers

    lab = lab_of(store, monkeypatch)
    lab.tokenizer.backend_tokenizer.normalizer = normalizers.Replace("\ufe0f", "")
    sentences = {"en": ["Anna", "\ufe0f", "", "\ufe0f"], "de": ["Anna", "kauft"], "zh": ["安娜", "在", "Anna"]}
    monkeypatch.setattr(tokenization.conditions, "rows", lambda _, __, e, ___: {"tokens": [sentences[e.language]] * 2})
    made = tokenization.unread(lab, ["xnli", "udpos"]).set_index("language")
    assert list(made.index) == ["en", "zh"] and set(made["task"]) == {"udpos"}
    assert made.loc["en", ["words", "nothing", "which", "bare"]].tolist() == [8, 6, "U+FE0F, empty", 0.0]
    assert made.loc["zh", ["words", "nothing", "which"]].tolist() == [6, 0, "–"]
    assert made.loc["zh", "bare"] == pytest.approx(2 / 3, abs=1e-4)
    assert tokenization.unread(lab, ["xnli", "udpos"], {"zh", "sw"})["language"].tolist() == ["zh"]


def test_without_an_encoder_no_words_are_counted(store, monkeypatch):
    lab = lab_of(store, monkeypatch)
    monkeypatch.setattr(type(lab), "tokenizer", None)
    assert tokenization.unread(lab, ["udpos"]).empty
