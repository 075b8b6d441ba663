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
    assert stats.welch_interval([0.7], [0.5, 0.6]) == pytest.approx((0.15, *[np.nan] * 3), nan_ok=True)


def test_seeds_that_all_agree_give_no_p():
    assert stats.welch_interval([0.5, 0.5], [0.4, 0.4]) == pytest.approx((0.1, *[np.nan] * 3), nan_ok=True)


def test_welch_agrees_with_scipy():
    a, b = [0.71, 0.73, 0.70, 0.75], [0.68, 0.66, 0.69]
    ours, theirs = stats.welch_interval(a, b, 0.9), scipy_stats.ttest_ind(a, b, equal_var=False)
    assert ours == pytest.approx((np.mean(a) - np.mean(b), *theirs.confidence_interval(0.9), theirs.pvalue))


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


def test_minimum_detectable_difference_is_found_with_its_power():
    # Cohen: d = 0.5 needs 64 a side for 80 % power
    assert stats.minimum_detectable_difference(1.0, 64) == pytest.approx(0.5, abs=0.01)
    five = stats.minimum_detectable_difference(0.5, 5)  # in points
    draws = np.random.default_rng(0).normal(size=(2000, 2, 5)) * 0.5
    found = scipy_stats.ttest_ind(draws[:, 0] + five, draws[:, 1], axis=1).pvalue < 0.05
    assert found.mean() == pytest.approx(0.8, abs=0.03)
    alone = stats.minimum_detectable_difference(0.5, 5, sides=1)  # from a constant
    found = scipy_stats.ttest_1samp(draws[:, 1] + alone, 0, axis=1).pvalue < 0.05
    assert found.mean() == pytest.approx(0.8, abs=0.03) and alone < five
    assert np.isnan(stats.minimum_detectable_difference(0.5, 1))


def test_probability_of_improvement_by_hand():
    rng = np.random.default_rng(0)
    value, low, high = stats.probability_of_improvement([3, 1], [2, 1], rng)  # 3 > 2, 3 > 1, 1 < 2, and a tie
    assert value == pytest.approx(2.5 / 4) and low <= value <= high
    both = stats.probability_of_improvement([[3, 9], [1, 9]], [[2, 0], [1, 0]], rng).value
    assert both == pytest.approx((2.5 / 4 + 1) / 2)  # the mean over two tasks
    assert stats.probability_of_improvement([5, 6, 7], [1, 2, 3], rng) == (1, 1, 1)
    assert np.isnan(stats.probability_of_improvement([5], [1, 2], rng).low)


def test_collapsed_runs_lie_at_chance_or_below():
    assert stats.collapsed([0.34, 0.36, 0.1, np.nan], 1 / 3).tolist() == [True, False, True, False]


def test_multi_bootstrap_draws_seeds_and_examples():
    rng = np.random.default_rng(0)
    same = np.tile([1.0, 0.0, 1.0, 1.0], (3, 1))  # equal seeds: only the examples vary, and cancel
    assert stats.multi_bootstrap(same, same, rng)[:3] == (0, 0, 0)
    better = same.copy()
    better[:, 1] = 1.0
    found = stats.multi_bootstrap(better, same, rng)
    assert (
        found.value == 0.25 and found.low == 0 and 0 < found.high <= 1
    )  # the one example is in some draws, not in all
    assert np.isnan(stats.multi_bootstrap(same[:1], better, rng).p)
    with pytest.raises(ValueError, match="paired"):
        stats.multi_bootstrap(same, better[:2], rng, paired=True)


def test_multi_bootstrap_pairs_seeds_and_keeps_clusters_together():
    rng = np.random.default_rng(3)
    base = rng.normal(size=(6, 1)) + rng.normal(size=(6, 40)) * 0.1
    apart = stats.multi_bootstrap(base + 0.2, base, rng)
    paired = stats.multi_bootstrap(base + 0.2, base, rng, paired=True)
    assert apart.low < 0 < apart.high and paired[:3] == pytest.approx((0.2, 0.2, 0.2))
    items = np.repeat(rng.normal(size=(1, 40)), 10, axis=1)  # 40 items, each in 10 languages
    a, b = np.repeat(items, 2, axis=0), np.zeros((2, 400))
    widths = [
        found.high - found.low
        for clusters in (None, np.repeat(np.arange(40), 10))
        for found in [stats.multi_bootstrap(a, b, rng, clusters=clusters)]
    ]
    assert widths[1] / widths[0] == pytest.approx(np.sqrt(10), rel=0.15)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("seeds", "seed_sd", "least", "most"), [(3, 0.05, 0.03, 0.08), (5, 0.05, 0.03, 0.08), (5, 0, 0, 0.05)]
)
def test_multi_bootstrap_by_simulation(seeds, seed_sd, least, most):
    """False alarms: near 5 % where seeds vary most, fewer where examples do (their noise counts twice)."""
    rng = np.random.default_rng(2)
    alarms = []
    for _ in range(600):
        items = rng.normal(0.7, 0.1, size=300)
        a, b = (items + rng.normal(0, seed_sd, (seeds, 1)) + rng.normal(0, 0.2, (seeds, 300)) for _ in range(2))
        found = stats.multi_bootstrap(a, b, rng, draws=400)
        alarms.append(not found.low <= 0 <= found.high)
    assert least <= np.mean(alarms) <= most


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
