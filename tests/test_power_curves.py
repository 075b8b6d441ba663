"""How often planted effects are found by groups of seeds, on invented scores worked out by hand."""

import pandas as pd
import pytest
from test_contrasts import row, study

from xlt.analysis import power_curves
from xlt.lab import profiles
from xlt.report import calibration_figures


def planted(strength, arm):
    return {
        "question": f"A plant, strength {strength}?", "of": [arm], "against": ["none"], "targets": ["xnli"],
        "expect": "lower",
    }  # fmt: skip


ASKED = study(planted(0.5, "mnli"), planted(1, "adv"), {"question": "Another?", "of": ["mnli"]}, targets=("xnli",))


def scored(half, whole, seeds=range(11), spread=0.01):
    """Groups of three after the first five seeds: 5-7 and 8-10; `half` and `whole` are what the plants cost in each."""
    rows = []
    for seed in seeds:
        base = 0.6 + spread * (seed % 3)
        group = max(0, seed - 5) // 3
        # the seeds of an arm differ a little from those of the other, or there were no variance to test against
        costs = {"none": 0.0, "mnli": half[group], "adv": whole[group]}
        for place, (arm, cost) in enumerate(costs.items()):
            own = 0.001 * (place * seed % 4)
            rows.append(row(arm, "xnli", "de", seed, base - cost + own))
    return pd.DataFrame(rows)


def test_what_every_group_finds_and_what_one_finds():
    table = power_curves.curves(ASKED, scored(half=(0.0, 0.05), whole=(0.10, 0.10)))
    assert table["plant"].tolist() == ["A plant"] * 2 and table["strength"].tolist() == [0.5, 1.0]
    assert table["groups"].tolist() == [2, 2] and table["found"].tolist() == [0.5, 1.0]
    assert table["effect"].tolist() == pytest.approx([-0.025, -0.10], abs=0.002)
    assert table["low"].iloc[1] == pytest.approx(0.025**0.5) and table["high"].iloc[1] == 1  # Clopper-Pearson, 2 of 2
    assert table["expected"].between(0, 1).all() and table["expected"].is_monotonic_increasing


def test_an_effect_on_the_other_side_is_not_found():
    table = power_curves.curves(ASKED, scored(half=(-0.1, -0.1), whole=(0.1, 0.1)))
    assert table["found"].tolist() == [0, 1]


def test_the_first_seeds_were_tuned_on_and_are_left_out():
    tuned = scored((0.05, 0.05), (0.1, 0.1))
    tuned.loc[tuned["seed"] < 5, "value"] = 0.0
    assert power_curves.curves(ASKED, tuned).equals(power_curves.curves(ASKED, scored((0.05, 0.05), (0.1, 0.1))))
    assert power_curves.curves(ASKED, scored((0, 0), (0, 0), seeds=range(7)))["groups"].tolist() == [0, 0]


def test_the_sentence_names_the_first_strength_that_is_found_often_enough():
    table = pd.DataFrame(
        [("A", 0.2, -0.01, 0.3), ("A", 0.6, -0.02, 0.8), ("A", 1.0, -0.03, 1.0), ("B", 1.0, 0.015, 0.7)],
        columns=["plant", "strength", "effect", "found"],
    )
    assert power_curves.said(table) == (
        "A: found in four of five groups from strength 0.6 on (2.0 points). "
        "B: found in four of five groups at no strength (at most 1.5 points)."
    )
    assert power_curves.said(table.iloc[:0]) == "No planted effect has run."
    rows = [("A", 0.1, 0.01, 0.9), ("A", 0.2, 0.02, 0.5), ("A", 0.4, 0.04, 0.9)]  # found by chance at the weakest
    lucky = pd.DataFrame(rows, columns=table.columns)
    assert power_curves.said(lucky) == "A: found in four of five groups from strength 0.4 on (4.0 points)."


def test_the_figure_has_a_curve_for_each_plant_in_both_panels():
    table = power_curves.curves(ASKED, scored((0.02, 0.05), (0.1, 0.1)))
    figure = calibration_figures.power_curves(table)
    assert len(figure.axes) == 2 and all(len(axes.containers) == 1 for axes in figure.axes)
    assert figure.get_label() == "Power of 1 planted effects of 2 strengths each."
    named = [text.get_text() for text in figure.legends[0].get_texts()]
    assert named[1:] == ["foreseen from the groups' standard errors", "four in five"]
    assert figure.axes[0].get_ylabel() == f"share of {table['groups'].iloc[0]} groups that find it"
    assert not calibration_figures.power_curves(table.iloc[:0]).axes[0].lines


def test_the_profile_plants_three_effects_at_five_strengths():
    plan = profiles.load("calibration").studies["power_curves"]
    names = [one.question.partition(power_curves.STRENGTH) for one in plan.contrasts]
    assert sorted({plant for plant, _, _ in names}) == ["A dialect", "A marker that misleads", "Letters never seen"]
    for plant in {plant for plant, _, _ in names}:
        strengths = [float(strength) for name, _, strength in names if name == plant]
        assert len(strengths) == 5 and strengths == sorted(strengths)
    assert all(one.expect in ("higher", "lower") for one in plan.contrasts) and len(plan.contrasts) == 15
    assert (plan.seeds - power_curves.TUNED) % 3 == 0
