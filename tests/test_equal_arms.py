"""Runs of one arm set against each other in pairs."""

import numpy as np
import pandas as pd
import pytest
from test_contrasts import row

from xlt.analysis import calibration


def test_runs_of_one_arm_make_pairs_of_groups():
    """Fourteen runs are two pairs of three against three; two are left over."""
    values = [0.5 + 0.01 * (seed % 3) + 0.03 * (seed // 3) for seed in range(14)]
    scores = pd.DataFrame(
        row("plain", "xnli", code, seed, value + 0.001 * (code == "ru") * seed)
        for seed, value in enumerate(values)
        for code in ("de", "ru")
    )
    found = calibration.equal_arms(scores, "plain")
    assert len(found) == 2
    assert found["value"].tolist() == pytest.approx([-0.03 - 0.0015, -0.03 - 0.0015])
    wide = calibration.equal_arms(scores, "plain", seeds=7)
    assert len(wide) == 1


def test_a_pair_that_has_no_interval_is_not_counted():
    scores = pd.DataFrame(row("plain", "xnli", "de", seed, 0.5) for seed in range(6))
    assert calibration.covered(calibration.equal_arms(scores, "plain")) == "No pair of equal arms has run."


def test_equal_arms_are_told_apart_about_five_times_in_a_hundred():
    rng = np.random.default_rng(0)
    scores = pd.DataFrame(
        row("plain", "xnli", "de", seed, value) for seed, value in enumerate(0.6 + 0.02 * rng.standard_normal(600))
    )
    found = calibration.equal_arms(scores, "plain")
    assert len(found) == 100 and 0.88 <= found["covers"].mean() <= 1
