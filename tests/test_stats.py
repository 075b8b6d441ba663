"""Known answers, agreement with scipy, and what the intervals promise: their coverage."""

import numpy as np
import pytest
from scipy import stats as scipy_stats

from xlt import stats


def test_mean_interval_of_known_values():
    interval = stats.mean_interval([1, 2, 3])  # sd 1, t(2) = 4.3027, half width 4.3027 / sqrt(3)
    assert interval == pytest.approx((2, 2 - 2.48414, 2 + 2.48414), abs=1e-4)


def test_one_seed_or_none_has_no_bounds():
    assert stats.mean_interval([0.7]) == pytest.approx((0.7, np.nan, np.nan), nan_ok=True)
    assert np.isnan(stats.mean_interval([])).all()
    assert stats.welch_interval([0.7], [0.5, 0.6]) == pytest.approx((0.15, *[np.nan] * 3), nan_ok=True)


def test_seeds_that_all_agree_give_no_p():
    assert stats.welch_interval([0.5, 0.5], [0.4, 0.4]) == pytest.approx((0.1, *[np.nan] * 3), nan_ok=True)


def test_welch_agrees_with_scipy():
    a, b = [0.71, 0.73, 0.70, 0.75], [0.68, 0.66, 0.69]
    ours, theirs = stats.welch_interval(a, b, 0.9), scipy_stats.ttest_ind(a, b, equal_var=False)
    assert ours == pytest.approx((np.mean(a) - np.mean(b), *theirs.confidence_interval(0.9), theirs.pvalue))


def test_exact_permutation_floor_and_scipy():
    assert stats.exact_permutation_p([4, 5, 6], [1, 2, 3]) == pytest.approx(2 / 20)
    assert stats.exact_permutation_p([1, 2], [1, 2]) == 1.0
    a, b = [0.71, 0.73, 0.70, 0.66], [0.68, 0.66, 0.69, 0.72]
    theirs = scipy_stats.permutation_test((a, b), lambda x, y: np.mean(x) - np.mean(y), n_resamples=np.inf).pvalue
    assert stats.exact_permutation_p(a, b) == pytest.approx(theirs)
    with pytest.raises(ValueError, match="too many"):
        stats.exact_permutation_p(range(15), range(15))


def test_holm_by_hand():
    # sorted: .01 x 3 = .03, .02 x 2 = .04, .04 x 1 = .04; nan is no test
    assert stats.holm([0.04, 0.01, np.nan, 0.02]) == pytest.approx([0.04, 0.03, np.nan, 0.04], nan_ok=True)
    assert stats.holm([0.9, 0.8]).tolist() == [1.0, 1.0]
    assert stats.holm([]).size == 0


def test_minimum_detectable_difference_is_found_with_its_power():
    # Cohen: d = 0.5 needs 64 a side for 80 % power
    assert stats.minimum_detectable_difference(1.0, 64) == pytest.approx(0.5, abs=0.01)
    five = stats.minimum_detectable_difference(0.5, 5)  # in points
    draws = np.random.default_rng(0).normal(size=(2000, 2, 5)) * 0.5
    found = scipy_stats.ttest_ind(draws[:, 0] + five, draws[:, 1], axis=1).pvalue < 0.05
    assert found.mean() == pytest.approx(0.8, abs=0.03)
    assert np.isnan(stats.minimum_detectable_difference(0.5, 1))


def test_wilson_known_value_and_bounds():
    assert stats.wilson(8, 10) == pytest.approx((0.8, 0.4902, 0.9433), abs=1e-4)
    assert stats.wilson(0, 20)[1] == 0.0 and stats.wilson(20, 20)[2] == 1.0
    scipys = scipy_stats.binomtest(37, 90).proportion_ci(method="wilson")
    assert stats.wilson(37, 90)[1:] == pytest.approx((scipys.low, scipys.high))
    assert np.isnan(stats.wilson(0, 0)).all()


def test_coverage_of_both_intervals():
    rng = np.random.default_rng(1)
    covered = missed = 0
    for _ in range(2000):
        a, b = rng.normal(0.7, 0.01, size=5), rng.normal(0.7, 0.02, size=3)
        _, low, high = stats.mean_interval(a)
        covered += low <= 0.7 <= high
        missed += stats.welch_interval(a, b).p < 0.05
    assert covered / 2000 == pytest.approx(0.95, abs=0.02)
    assert missed / 2000 <= 0.075
