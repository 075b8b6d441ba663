"""Drops under perturbation, on an invented experiment worked out by hand."""

import pandas as pd
import pytest

from xlt import robustness


def row(intermediate, seed, language, perturbation, value):
    return {"intermediate": intermediate, "task": "xnli", "seed": seed, "language": language, "main": True,
            "perturbation": perturbation, "value": value}  # fmt: skip


@pytest.fixture
def scores():
    """Direct loses 10, 11, 12 points by seed in German and Russian; MNLI loses 20, 21, 22; English loses nothing."""
    rows = []
    for intermediate, lost in (("none", 0.10), ("mnli", 0.20)):
        for seed in range(3):
            for language, clean in (("en", 0.8), ("de", 0.6), ("ru", 0.5)):
                drop = 0 if language == "en" else lost + 0.01 * seed
                rows.append(row(intermediate, seed, language, "none", clean))
                rows.append(row(intermediate, seed, language, "typos", clean - drop))
            rows.append(row(intermediate, seed, "ru", "latin", 0.4))
    return pd.DataFrame(rows)


def test_drops_are_means_over_the_languages_that_were_perturbed(scores):
    found = robustness.drops(scores).set_index(["intermediate", "perturbation", "seed"])["drop"]
    assert found["none", "typos"].tolist() == pytest.approx([0.10, 0.11, 0.12])
    assert found["mnli", "latin"].tolist() == pytest.approx([0.1] * 3)  # clean is Russian alone, 0.5
    english = robustness.drops(scores, "en")
    assert english["drop"].tolist() == pytest.approx([0.0] * 6)


def test_table_of_drops(scores):
    typos = robustness.drop_table(robustness.drops(scores)).set_index("perturbation").loc["typos"]
    assert (typos["clean"], typos["perturbed"], typos["drop"]) == pytest.approx((0.55, 0.44, 0.11))
    assert typos["relative drop"] == pytest.approx(0.2)
    # t(2) = 4.3027, standard error 0.01 / sqrt(3)
    assert typos["high"] - typos["drop"] == pytest.approx(4.3027 * 0.01 / 3**0.5, abs=1e-4)


def test_an_intermediate_task_that_loses_more(scores):
    table = robustness.changed_by_intermediate(robustness.drops(scores))
    typos = table.set_index("perturbation").loc["typos"]
    assert typos["extra drop"] == pytest.approx(0.10) and typos["low"] > 0
    assert "mnli under typos on xnli: +10.0 points" in robustness.said(table)


def test_the_map_has_a_cell_for_each_perturbation_and_language(scores):
    figure = robustness.drop_map(scores, "xnli")
    labels = [text.get_text() for text in figure.axes[0].texts]
    assert sorted(labels) == ["0", "10", "11", "11"]  # typos in en, de, ru; latin in ru
