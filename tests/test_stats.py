"""Known answers, agreement with scipy, and what the intervals promise: their coverage."""

from itertools import combinations

import numpy as np
import pytest
from scipy import stats as scipy_stats

from xlt.analysis import stats


def test_mean_interval_of_known_values():
    interval = stats.mean_interval([1, 2, 3])  # sd 1, t(2) = 4.3027, half width 4.3027 / sqrt(3)
    assert interval == pytest.approx((2, 2 - 2.48414, 2 + 2.48414), abs=1e-4)


def test_one_seed_or_none_has_no_bounds():
    assert stats.mean_interval([0.7]) == pytest.approx((0.7, np.nan, np.nan), nan_ok=True)
    assert np.isnan(stats.mean_interval([])).all()


def test_exact_permutation_is_made_only_where_it_can_reject():
    three = stats.permutation_test([4, 5, 6], [1, 2, 3])  # C(6, 3) = 20 regroupings: at best 2 / 20
    assert np.isnan(three.p) and three.reason == "3 + 3 seeds cannot reach p = 0.05: their least is 0.1"
    assert stats.permutation_test([4, 5, 6], [1, 2, 3], level=0.9).p == pytest.approx(0.1)
    assert stats.permutation_test([5, 6, 7, 8], [1, 2, 3, 4]) == (pytest.approx(2 / 70), "")
    assert stats.permutation_test([1, 2, 3, 4], [1, 2, 3, 4]).p == 1.0
    assert np.isnan(stats.permutation_test([], [1, 2]).p)
    assert "155,117,520 regroupings" in stats.permutation_test(range(15), range(15)).reason


def test_exact_permutation_counts_every_regrouping():
    a, b = [0.71, 0.73, 0.70, 0.66], [0.68, 0.66, 0.69, 0.72, 0.61]
    pool, gap = a + b, np.mean(a) - np.mean(b)
    gaps = [
        np.mean([pool[i] for i in chosen]) - np.mean([pool[i] for i in range(9) if i not in chosen])
        for chosen in combinations(range(9), 4)
    ]
    assert stats.permutation_test(a, b).p == pytest.approx(2 * np.mean(np.array(gaps) >= gap - 1e-12))


def test_holm_by_hand():
    # sorted: .01 x 3 = .03, .02 x 2 = .04, .04 x 1 = .04; nan is no test
    assert stats.holm([0.04, 0.01, np.nan, 0.02]) == pytest.approx([0.04, 0.03, np.nan, 0.04], nan_ok=True)
    assert stats.holm([0.9, 0.8]).tolist() == [1.0, 1.0]
    assert stats.holm([]).size == 0


def test_probability_of_improvement_by_hand():
    rng = np.random.default_rng(0)
    value, low, high = stats.probability_of_improvement([3, 1], [2, 1], rng)  # 3 > 2, 3 > 1, 1 < 2, and a tie
    assert value == pytest.approx(2.5 / 4) and low <= value <= high
    both = stats.probability_of_improvement([[3, 9], [1, 9]], [[2, 0], [1, 0]], rng).value
    assert both == pytest.approx((2.5 / 4 + 1) / 2)  # the mean over two tasks
    assert stats.probability_of_improvement([5, 6, 7], [1, 2, 3], rng) == (1, 1, 1)
    assert np.isnan(stats.probability_of_improvement([5], [1, 2], rng).low)


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [4, 6])
def test_permutation_keeps_its_level_by_simulation(seeds):
    rng = np.random.default_rng(4)
    pairs = rng.normal(size=(1000, 2, seeds))
    assert np.mean([stats.permutation_test(a, b).p < 0.05 for a, b in pairs]) == pytest.approx(0.045, abs=0.02)


@pytest.mark.slow
def test_probability_of_improvement_covers_the_truth_with_eight_seeds():
    rng = np.random.default_rng(5)
    truth = scipy_stats.norm.cdf(1 / np.sqrt(2))  # one SD apart
    covered = [
        low <= truth <= high
        for _ in range(500)
        for _, low, high in [stats.probability_of_improvement(rng.normal(1, 1, (8, 3)), rng.normal(0, 1, (8, 3)), rng)]
    ]
    assert np.mean(covered) >= 0.88


def test_holm_keeps_the_family_at_its_level():
    """Fifteen languages of equal methods, five seeds: any star at all comes in about 5 % of the studies."""
    rng = np.random.default_rng(6)
    starred = 0
    for _ in range(300):
        p = scipy_stats.ttest_ind(*rng.normal(size=(2, 5, 15)), equal_var=False).pvalue
        starred += bool((stats.holm(p) < 0.05).any())
    assert starred / 300 == pytest.approx(0.04, abs=0.03)


def test_coverage_of_the_mean():
    rng = np.random.default_rng(1)
    bounds = [stats.mean_interval(rng.normal(0.7, 0.01, size=5))[1:] for _ in range(2000)]
    assert np.mean([low <= 0.7 <= high for low, high in bounds]) == pytest.approx(0.95, abs=0.02)
