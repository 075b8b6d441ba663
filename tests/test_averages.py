"""Scores averaged as XTREME averages them, by hand; and published numbers that must come out of the same means."""

import numpy as np
import pandas as pd
import pytest

from xlt.analysis import xtreme
from xlt.spec import tasks

LARGE = "FacebookAI/xlm-roberta-large"


def row(task, metric, language, value, intermediate="none", seed=0):
    named = {"task": task, "metric": metric, "language": language, "value": value}
    return named | {"intermediate": intermediate, "seed": seed, "same_task": (intermediate, task) == ("mnli", "xnli")}


def cell(table, **wanted):
    for column, value in wanted.items():
        table = table[table[column] == value]
    assert len(table) == 1
    return table.iloc[0]


def everywhere(value=0.5):
    """The same score for everything that XTREME averages, after nothing and after MNLI."""
    return pd.DataFrame([
        row(task, metric, code, value, intermediate)
        for task, metrics in xtreme.METRICS.items()
        for metric in metrics
        for code in tasks.get(task).languages
        for intermediate in ("none", "mnli")
    ])  # fmt: skip


def test_the_metrics_are_those_that_runs_store():
    assert all(set(metrics) <= set(tasks.get(task).metrics) for task, metrics in xtreme.METRICS.items())


def test_english_counts_and_what_xtreme_does_not_list_does_not():
    scores = pd.DataFrame([
        *(row("xnli", "accuracy", code, value) for code, value in {"en": 0.9, "de": 0.5, "bar": 0.1}.items()),
        row("xcopa", "accuracy", "et", 0.3),
    ])  # fmt: skip
    table = xtreme.table(scores)
    found = cell(table, task="xnli")
    assert (found["mean"], found["languages"]) == (pytest.approx(0.7), "2 of 15")
    assert set(table["task"]) == {"xnli"}


def test_of_questions_the_mean_of_both_metrics_within_a_seed():
    values = {("f1", 0): 0.6, ("exact_match", 0): 0.4, ("f1", 1): 0.9, ("exact_match", 1): 0.3}
    both = [(code, metric, seed, v) for (metric, seed), v in values.items() for code in ("en", "de")]
    table = xtreme.table(pd.DataFrame([row("xquad", m, code, v, seed=seed) for code, m, seed, v in both]))
    assert list(table["metric"]) == ["f1", "exact_match", xtreme.BOTH]
    found = cell(table, metric=xtreme.BOTH)
    assert found["mean"] == pytest.approx((0.5 + 0.6) / 2)
    assert found["high"] - found["mean"] == pytest.approx(12.7062 * 0.1 / np.sqrt(2) / np.sqrt(2), rel=1e-4)


def test_a_seed_without_all_languages_is_not_averaged():
    scores = pd.DataFrame([row("xnli", "accuracy", c, 0.5, seed=s) for c, s in (("en", 0), ("de", 0), ("en", 1))])
    text = xtreme.shown(xtreme.table(scores, ["squad"]), None)
    assert text.loc["xnli"].to_numpy().tolist() == [["50.0 (1 of 2 seeds)", "not run"]]


def test_the_mean_over_tasks_stands_where_all_are_there():
    scores = everywhere()
    table = xtreme.table(scores)
    assert set(table["task"]) == {*xtreme.METRICS, *xtreme.OVERALL}
    assert cell(table, task="all 9 tasks", intermediate="mnli")["mean"] == pytest.approx(0.5)
    without = xtreme.table(scores[scores["task"] != "bucc"])
    assert set(without["task"]) & set(xtreme.OVERALL) == {"the 7 trained tasks"}
    lost = scores[(scores["task"] != "panx") | (scores["intermediate"] == "none")]
    text = xtreme.shown(xtreme.table(lost), None).droplevel(["metric", "languages"])
    assert text.loc["all 9 tasks"].tolist() == ["50.0", "not run"] == text.loc["panx"].tolist()
    assert text.loc["xnli"].tolist() == ["50.0", "50.0 †"]


def test_a_mean_over_tasks_says_of_which_tasks_and_languages_it_is():
    """Two languages of each task are evaluated: 14 of the 7 tasks' 15 + 7 + 33 + 40 + 11 + 7 + 9."""
    scores = everywhere().query("task != 'bucc' and task != 'tatoeba'")
    two = scores[scores["language"].isin(["en", "de"]) | ((scores["task"] == "tydiqa") & (scores["language"] == "ko"))]
    found = cell(xtreme.table(two), task="the 7 trained tasks", intermediate="mnli")
    assert found["languages"] == "14 of 122"
    assert all(name in xtreme.CAPTION for name in xtreme.METRICS)


def test_published_numbers_stand_beside_their_own_encoder_alone():
    table = xtreme.table(everywhere())
    assert list(xtreme.shown(table, "another/encoder").columns) == ["none", "mnli"]
    text = xtreme.shown(table, LARGE).droplevel(["languages"])
    source = "RemBERT (2010.12821), Table 16 (verified)"
    for system, trained in (("XLM-R Large", "70.1"), ("X-STILTs", "72.7")):  # as RemBERT's Table 7 prints them
        column = text[f"{system}: {source}"]
        assert column["the 7 trained tasks", "mean"] == trained and column["all 9 tasks", "mean"] == ""
    assert text[f"XLM-R Large: {source}"]["xquad", xtreme.BOTH] == "68.7"
    assert {"66.0", "57.3", "75.2"} <= set(text.loc[["bucc", "tatoeba"]].to_numpy().ravel())


def test_without_xtremes_tasks_the_table_is_empty():
    assert xtreme.shown(xtreme.table(pd.DataFrame([row("xcopa", "accuracy", "et", 0.3)])), LARGE).empty
