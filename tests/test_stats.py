"""Known answers, agreement with scipy, and what the intervals promise: their coverage."""

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
