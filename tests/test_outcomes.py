"""What each record adds to a score; and the records behind a contrast."""

import numpy as np
import pandas as pd
import pytest

from xlt.analysis.records import Records
from xlt.evaluation import metrics
from xlt.evaluation.outcomes import Outcomes, outcomes

LABELS = ("O", "B-PER", "I-PER")


def test_a_mean_is_a_sum_over_the_number_of_records():
    found = outcomes([{"id": "a", "f1": 0.5}, {"id": "b", "f1": 1.0}, {"id": "c", "f1": np.nan}], "f1")
    assert found.item.tolist() == ["a", "b"] and found.score == 0.75
    assert found.influence().tolist() == [-0.125, 0.125]


def test_the_f1_of_names_is_a_ratio_of_sums_over_sentences():
    gold = [["B-PER", "I-PER", "O"], ["O", "B-PER", "O"], ["O", "O", "O"]]
    predicted = [["B-PER", "I-PER", "O"], ["B-PER", "O", "O"], ["O", "O", "B-PER"]]
    examples = [{"gold": g, "prediction": p} for g, p in zip(gold, predicted, strict=True)]
    found = outcomes(examples, "entity_f1", LABELS)
    assert (found.numerator.tolist(), found.denominator.tolist()) == ([2, 0, 0], [2, 2, 1])
    assert found.score == metrics.entity_f1(gold, predicted, LABELS) == 0.4
    assert found.influence().sum() == pytest.approx(0)


def test_the_influence_is_what_leaving_a_record_out_moves():
    rng = np.random.default_rng(0)
    numerator, denominator = rng.integers(0, 3, 200) * 2.0, rng.integers(3, 6, 200) * 1.0
    whole = Outcomes(np.arange(200), numerator, denominator)
    for left in (0, 17, 180):
        without = np.delete(numerator, left).sum() / np.delete(denominator, left).sum()
        assert whole.score - without == pytest.approx(whole.influence()[left], abs=2e-4)


def test_mined_pairs_tokens_and_rankings():
    pairs = [{"source": "de-1", "gold": True, "mined": True}, {"source": "de-2", "gold": False, "mined": True}]
    assert outcomes(pairs, "bucc_f1").score == metrics.pair_f1({("a", 1)}, {("a", 1), ("b", 2)})
    tags = [{"gold": ["A", "B"], "prediction": ["A", None]}, {"gold": ["A"], "prediction": ["A"]}]
    assert outcomes(tags, "token_accuracy").score == pytest.approx(2 / 3)
    ranking = [{"id": "q", "gold": ["x"], "prediction": ["y", "x"]}]
    assert outcomes(ranking, "map_at_20").score == 0.5


def test_what_is_no_ratio_of_sums_has_no_outcomes():
    assert outcomes([{"gold": "1", "prediction": "1", "accuracy": 1.0}], "accuracy_and_f1") is None
    assert outcomes([], "accuracy") is None and outcomes([{"f1": np.nan}], "f1") is None


# the records behind a contrast ----------------------------------------------------------------


def test_a_record_in_two_languages_is_one_cluster_and_a_passage_too():
    """Two seeds, two languages, three parallel records; weights as of a mean over the languages."""
    right = {("s0", "de"): [1, 0, 1], ("s0", "ru"): [1, 1, 1], ("s1", "de"): [0, 0, 1], ("s1", "ru"): [1, 0, 1]}
    items = np.array(["p1", "p1", "p2"])
    kept = {key: Outcomes(items, np.array(value, float), np.ones(3)) for key, value in right.items()}
    rows = pd.DataFrame(
        [{"run": run, "outcome": code, "task": "xquad", "seed": int(run[1]), "weight": 0.5} for run, code in right]
    )
    parts, sizes, shares = Records(lambda run, outcome, _: kept[run, outcome]).parts(rows)
    assert sizes == (2,) and parts.shape == (2, 2)
    # half of a third for each record in each of four evaluations, of p1 for two records
    assert shares.tolist() == pytest.approx([8 / 36, 4 / 36])
    # seed 0: de has score 2/3, so p1 moves it by (1 - 4/3) / 3 and p2 by (1 - 2/3) / 3; ru is right everywhere
    assert parts[0].tolist() == pytest.approx([-1 / 18, 1 / 18])
    assert parts.sum(axis=1).tolist() == pytest.approx([0, 0])


def test_records_that_are_read_as_two_tasks_are_one_sample():
    """The plant is read without the marker and with it: in the difference of the two each record counts once."""
    items, right = np.array(["0", "1", "2"]), {"absent": [1, 1, 0], "misleading": [1, 0, 0]}
    kept = {name: Outcomes(items, np.array(value, float), np.ones(3)) for name, value in right.items()}
    rows = pd.DataFrame(
        [{"run": "r", "outcome": name, "task": f"planted-nli-{name}", "seed": 0, "weight": weight}
         for name, weight in (("absent", 1.0), ("misleading", -1.0))]
    )  # fmt: skip
    parts, sizes, _ = Records(lambda run, outcome, _: kept[outcome]).parts(rows)
    # of the difference 1/3: the second record alone differs
    assert sizes == (3,) and parts[0].tolist() == pytest.approx([-1 / 9, 2 / 9, -1 / 9])


def test_without_the_outcomes_of_one_score_no_records_are_counted():
    rows = pd.DataFrame([{"run": "a", "outcome": "x", "task": "xnli", "seed": 0, "weight": 1.0}])
    assert Records(lambda run, outcome, task: None).parts(rows) is None
    assert Records(lambda run, outcome, task: None).parts(rows.drop(columns="outcome")) is None
