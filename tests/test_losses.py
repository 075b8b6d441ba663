"""Costs of perturbations, attacks and second languages, on the invented experiment of test_contrasts.

There typos cost 10 points (6 after mnli) in German and Russian, romanising 20 in Russian and Chinese; perturbed text
takes each of the three seeds, one point apart, to the same score.
"""

import pandas as pd
import pytest
from test_contrasts import SCORES, T2, effect, row, study

from xlt.analysis import contrasts, robustness
from xlt.report.sentences import attacked


def test_costs_by_group_of_languages():
    made = robustness.costs(study(), SCORES).set_index(["arm", "target", "condition", "group"])
    typos = made.loc["none", "xnli", "typos", "all"]
    assert (typos["clean"], typos["score"], typos["cost"]) == pytest.approx((0.63, 0.53, 0.10))  # 0.68, 0.58; less 0.10
    assert (typos["high"] - typos["cost"], typos["relative"]) == pytest.approx((T2, 0.10 / 0.63))
    assert (typos["languages"], typos["worst language"], typos["worst"]) == (2, "ru", pytest.approx(0.48))
    assert made.loc["mnli", "xcopa", "typos", "Latin"]["cost"] == pytest.approx(0.06)
    assert made.loc["none", "xnli", "romanise", "non-Latin"]["languages"] == 2
    assert ("none", "xnli", "romanise", "Latin") not in made.index
    table = robustness.shown(made.reset_index())
    first = table.iloc[0]
    assert list(first[["target", "condition", "arm"]]) == ["xnli", "typos", "none"]
    assert (first["all"], first["lowest score"]) == ("+10.0 ± 2.5 (16 %)", "ru 48.0")


def test_a_language_in_which_no_record_is_changed_is_left_out():
    typos, german = SCORES["condition"] == "typos", SCORES["language"] == "de"
    some = SCORES.assign(changed=SCORES["changed"].mask(typos, 0.5).mask(typos & german, 0.0))
    made = robustness.costs(study(), some).set_index(["arm", "target", "condition", "group"])
    assert ("none", "xnli", "typos", "Latin") not in made.index
    typos = made.loc["none", "xnli", "typos", "all"]
    assert tuple(typos[["languages", "clean", "changed"]]) == pytest.approx((1, 0.58, 0.5))
    assert robustness.shown(made.reset_index())["condition"].iloc[0] == "typos (50 % changed)"
    means = contrasts.means(study(), some).set_index(["arm", "target", "condition"])
    assert means.loc[("none", "xnli", "typos"), ["languages", "mean"]].tolist() == pytest.approx([1, 0.48])


def test_a_cost_of_fewer_seeds_says_so():
    some = SCORES[(SCORES["seed"] > 0) | (SCORES["condition"] != "typos")]
    table = robustness.shown(robustness.costs(study(), some)).set_index(["target", "condition", "arm"])["all"]
    assert table["xnli", "typos", "none"].endswith("(17 %) (2 of 3 seeds)")
    assert "seeds" not in table["xnli", "romanise", "none"]


def test_costs_of_what_was_read_on_fewer_examples_are_not_taken():
    fewer = SCORES.assign(n=SCORES["condition"].map({"clean": 100, "typos": 100, "romanise": 20}))
    assert set(robustness.costs(study(), fewer)["condition"]) == {"typos"}
    assert effect(fewer, of=("none",), outcome="drop", conditions=("romanise",)).seeds == 0
    nothing = robustness.costs(study(), SCORES[SCORES["condition"] == "clean"])
    assert robustness.shown(nothing).to_dict("list") == {"arm": ["not run"]}


def test_pairs_in_two_languages():
    values = {("en", "en"): 0.9, ("de", "de"): 0.7, ("en", "de"): 0.6, ("de", "en"): 0.5}
    rows = [
        row("none", "xnli", a, seed, value + 0.02 * seed, "clean" if a == b else "pair",
            perturbation="none", language_b="none" if a == b else b)
        for (a, b), value in values.items() for seed in range(2)
    ]  # fmt: skip
    asked = study(pairs=("en", "de"))
    scores = pd.concat([pd.DataFrame(rows), SCORES[SCORES["task"] == "xcopa"]])  # xcopa has no pairs
    (found,) = robustness.pairs(asked, scores).to_dict("records")
    assert (found["diagonal"], found["off_diagonal"], found["lost"]) == pytest.approx((0.81, 0.56, 0.25))
    assert found["worst"] == pytest.approx(0.50)  # of any seed
    assert (found["arm"], found["task"], found["worst_pair"]) == ("none", "xnli", "de-en")
    for plan, rows in ((asked, SCORES), (study(), scores), (asked, scores[:0])):
        table = robustness.pairs(plan, rows)
        assert table.to_dict("list") == {"arm": ["not run"]}
    assert "pair" not in set(contrasts.means(asked, scores)["condition"])
    paired = effect(scores[scores["task"] == "xnli"], of=("none",), targets=("xnli",), languages=("de",))
    assert paired.value == pytest.approx(0.71)  # pairs are no test set of a language


def test_attacks_by_arm_and_group_of_languages():
    values = {"accuracy": 0.3, "clean_accuracy": 0.6, "random_accuracy": 0.45, "attack_success": 0.5,
              "random_success": 0.25, "queries_max": 12.0}  # fmt: skip
    rows = [
        row("none", "xnli", code, seed, value + (code == "ru") * 0.1 * (value < 1) + seed * (metric == "queries_max"),
            "attack", metric=metric, main=metric == "accuracy")
        for metric, value in values.items() for code in ("de", "ru") for seed in range(2)
    ]  # fmt: skip
    table = robustness.attack_table(pd.concat([SCORES, pd.DataFrame(rows)])).set_index("languages")
    found = table.loc["all"]
    assert list(table.index) == ["all", "Latin", "non-Latin"]
    assert list(found[["clean", "random", "searched"]]) == pytest.approx([0.65, 0.50, 0.35])
    assert list(found[["attack_success", "random_success", "queries_max"]]) == pytest.approx([0.55, 0.30, 13])
    assert (found["lowest language"], found["lowest"]) == ("de", pytest.approx(0.3))
    assert table.loc["non-Latin"]["attack_success"] == pytest.approx(0.6)
    assert robustness.attack_table(SCORES).to_dict("list") == {"arm": ["not run"]}
    assert "turns 55.0 % of the right answers wrong" in attacked(table.reset_index())
    assert attacked(table.reset_index().query("languages != 'all'")) == ""  # read in the language of training alone


def test_of_a_clean_score_of_zero_no_share_is_lost():
    read = robustness.shown(robustness.costs(study(), SCORES.assign(value=0.0)))
    assert read["all"].tolist() and not read["all"].str.contains("nan|%").any()
