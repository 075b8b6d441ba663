"""The simulation of studies: what it draws, and that the inference is right about as often as it says."""

import numpy as np
import pandas as pd
import pytest

from xlt.analysis import calibration
from xlt.analysis.calibration import Case
from xlt.report import calibration_figures


def test_the_same_seed_gives_the_same_table_with_a_row_for_each_case():
    cases = [Case(3, 0.4, 50), Case(5, 0.0, 500, collapse=0.05)]
    first, second = (calibration.table(3, cases, seed=7) for _ in range(2))
    assert first.equals(second) and first["seeds"].tolist() == [3, 5]
    assert set(first) >= {"this", "paired", "Welch", "coverage", "half width"}


def test_the_grid_has_the_designs_that_are_asked_for():
    assert {case.seeds for case in calibration.CASES} == {3, 5, 8} and len(calibration.CASES) == 81
    assert {case.records for case in calibration.CASES} == {50, 500, 5000}


def test_components_have_the_variances_that_were_drawn():
    """Means over many draws against the values from which they are drawn."""
    rng, case = np.random.default_rng(0), Case(5, 0.5, 100, both=0.3)
    drawn = [parts for _ in range(300) for parts in calibration.study(case, rng)[0]]
    both = 0.3**2 / (5 * 100)
    assert np.mean([parts.by_both for parts in drawn]) == pytest.approx(both, rel=0.03)
    assert np.mean([parts.by_record for parts in drawn]) == pytest.approx(0.17**2 / 100 + both, rel=0.03)
    between = 2 * 0.01**2 * 0.5 * np.exp(2 * 0.5**2) / 5  # the mean of a log-normal variance, over five seeds
    assert np.mean([parts.by_seed for parts in drawn]) == pytest.approx(between + both, rel=0.1)


def test_level_and_coverage_are_what_they_are_said_to_be():
    rows = calibration.table(40, [Case(5, 0.4, 500), Case(3, 0.0, 50), Case(8, 0.8, 5000)], seed=1)
    assert rows["coverage"].between(0.92, 0.985).all() and np.allclose(rows["this"], 1 - rows["coverage"])


def test_records_that_seeds_answer_alike_deceive_a_test_over_seeds():
    """The difference then lies in the records at hand, which every seed shares."""
    (row,) = calibration.table(40, [Case(5, 0.4, 50, both=calibration.ALIKE)], seed=2).to_dict("records")
    assert row["paired"] > 0.3 and row["this"] < 0.09


def test_pairs_and_moderation_find_what_welch_misses():
    five = calibration.power_table(40).set_index("seeds").loc[5]
    assert five["this"] > five["paired"] > five["Welch"]


def test_a_contrast_that_varies_more_than_the_others_is_found_little_more_often():
    """Variances differ within a study anyway here (e^0.5 in SD), which leaves each contrast much of its own."""
    table = calibration.louder_table(120)
    assert table["times the SD"].tolist() == [1, 3, 10] and table.equals(calibration.louder_table(120))
    assert table["it"].max() < 0.14 and table["the others"].max() < 0.07


def test_what_collapsing_runs_do_is_said_of_them_alone():
    columns = ["collapse", "both", "records", "this", "paired"]
    rows = [(0.0, 0.0, 50, 0.072, 0.05), (0.05, 0.0, 50, 0.053, 0.05), (0.0, calibration.ALIKE, 50, 0.04, 0.7)]
    table = pd.DataFrame(rows, columns=columns)
    assert "(mean 5.6 %), and with them in at most 5.3 %. Where seeds answer 50 records" in calibration.said(table)
    assert "(mean 5.6 %). Where seeds answer" in calibration.said(table[table["collapse"] == 0])


def test_the_figure_of_false_alarms_names_its_methods_and_its_band():
    table = calibration.table(3, [Case(3, 0.4, 50), Case(5, 0.0, 500)], seed=7)
    figure = calibration_figures.rates(table)
    named = [text.get_text() for text in figure.legends[0].get_texts()]
    methods = ["the inference of all reports", "paired t test over seeds", "Welch's test over seeds"]
    assert sorted(named) == sorted(["within two points of 5 % (3 to 7)", *methods])
    (band,) = [patch for patch in figure.axes[0].patches if patch.get_label() in named]
    assert (band.get_y(), band.get_y() + band.get_height()) == pytest.approx((3, 7))
