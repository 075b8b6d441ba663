"""A contrast over a dose: the least-squares slope of the score over doublings, as a weighted sum of arms."""

from types import SimpleNamespace

import matplotlib
import numpy as np
import pandas as pd
import pytest
from test_contrasts import T2, row

matplotlib.use("Agg")

from xlt.analysis import contrasts, doses, gates  # noqa: E402
from xlt.analysis.arms import scale, slope, steps, weighted  # noqa: E402
from xlt.analysis.family import effects  # noqa: E402
from xlt.analysis.records import Records  # noqa: E402
from xlt.lab.study import Study  # noqa: E402
from xlt.report import study_figures  # noqa: E402
from xlt.report.study_pages import StudyPage  # noqa: E402
from xlt.spec.recipe import Evaluation  # noqa: E402
from xlt.spec.study import Contrast, Plan  # noqa: E402

DOSE = {"none": 0, "mnli-500": 500, "mnli-1500": 1500, "mnli-3500": 3500}  # 0, 1, 2 and 3 doublings
CLEAN = [("xnli", "clean")]
GAIN = (0.01, 0.02, 0.03)  # points for each doubling, of three seeds
FIELDS = {"question": "More with the dose?", "dose": DOSE}
ASKED = Contrast(**FIELDS)


def experiment(dose=DOSE, gain=GAIN, **fields):
    """Scores that rise with the dose on a straight line, in each seed its own; languages lie 10 points apart."""
    return pd.DataFrame(
        row(arm, "xnli", code, seed, 0.5 + offset + each * step, **fields)
        for arm, step in steps(dose).items()
        for code, offset in (("de", 0.05), ("ru", -0.05))
        for seed, each in enumerate(gain)
    )


def study(*asked, arms=DOSE):
    arms = {arm: [] if arm == "none" else [arm] for arm in arms}
    stages = {arm: {"task": "mnli"} for arm in arms if arm != "none"}
    plan = Plan(question="?", targets=["xnli"], arms=arms, stages=stages, contrasts=list(asked))
    return Study({}, plan=plan, conditions={Evaluation(task="xnli"): "clean"})


def test_none_500_and_1500_records_are_no_one_and_two_doublings():
    assert steps(DOSE) == {"none": 0, "mnli-500": 1, "mnli-1500": 2, "mnli-3500": 3}
    # mean 1.5, squares 2.25 + 0.25 + 0.25 + 2.25 = 5
    assert list(slope(DOSE).values()) == pytest.approx([-0.3, -0.1, 0.1, 0.3])


def test_the_figure_of_a_seed_is_its_slope_and_the_interval_is_over_seeds():
    (found,) = effects(experiment(), [(ASKED, CLEAN)])
    assert (found.value, found.high - found.value, found.seeds) == (pytest.approx(0.02), pytest.approx(T2), 3)


@pytest.mark.parametrize("dose", [DOSE, {"none": 0, "some": 800, "more": 6000}])
def test_it_is_the_least_squares_line_through_scores_that_lie_on_none(dose):
    scores = experiment(dose)
    scores["value"] += np.random.default_rng(0).normal(0, 0.05, len(scores))
    wide = scores.pivot_table(index="arm", columns="seed", values="value").loc[list(dose)]
    lines = np.polyfit(np.log2(1 + np.array(list(dose.values())) / 500), wide.to_numpy(), 1)[0]
    (found,) = effects(scores, [(Contrast(question="?", dose=dose), CLEAN)])
    assert found.value == pytest.approx(lines.mean())
    rows = weighted(scores, Contrast(question="?", dose=dose), CLEAN)
    assert (rows["weight"] * rows["value"]).groupby(rows["seed"]).sum().tolist() == pytest.approx(lines.tolist())


def test_a_seed_or_a_language_that_one_dose_lacks_counts_for_none():
    scores = experiment()
    lost = (scores["arm"] == "mnli-500") & (scores["seed"] == 2)
    (found,) = effects(scores[~lost], [(ASKED, CLEAN)])
    assert (found.value, found.seeds) == (pytest.approx(0.015), 2)
    lost = (scores["arm"] == "mnli-500") & (scores["language"] == "ru")
    assert set(weighted(scores[~lost], ASKED, CLEAN)["language"]) == {"de"}
    assert weighted(scores[scores["arm"] != "none"], ASKED, CLEAN).empty


def test_the_scale_of_a_slope_is_the_sum_of_its_squared_weights():
    assert scale(weighted(experiment(), ASKED, CLEAN)) == pytest.approx(2 * 0.3**2 + 2 * 0.1**2)


def test_the_records_behind_a_slope_are_weighted_as_its_arms():
    """Each arm moves one record by as much as its dose: 0, 1, 2 and 3 times (1, -1) / 100."""
    scores = experiment().query("language == 'de'").assign(outcome="o", run=lambda s: s["arm"] + s["seed"].astype(str))
    doubled = steps(DOSE)

    def read(run, outcome, task):
        influence = np.array([1, -1]) / 100 * doubled[run[:-1]]
        return SimpleNamespace(item=np.array(["a", "b"]), influence=lambda: influence, denominator=np.ones(2))

    parts, sizes, shares = Records(read).parts(weighted(scores, ASKED, CLEAN))
    # -0.3 x 0 - 0.1 x 1 + 0.1 x 2 + 0.3 x 3 = 1
    assert sizes == (2,) and shares[0] == pytest.approx(shares[1])
    assert parts.tolist() == pytest.approx(np.array([[0.01, -0.01]] * 3))


def test_only_after_the_largest_dose_must_the_task_have_been_learned():
    checks = gates.Gates(study(FIELDS), experiment())
    failed = gates.Gate("intermediate", "mnli-500", "mnli", 0.34, 0.33, 0.01, "mnli is not learned")
    checks.checks = [failed]
    rows = weighted(experiment(), ASKED, CLEAN)
    assert ASKED.treated == ("mnli-3500",) and checks.before(ASKED, CLEAN, rows) == ""
    checks.checks = [failed._replace(arm="mnli-3500")]
    assert checks.before(ASKED, CLEAN, rows) == "mnli is not learned"
    checks.checks = [failed._replace(gate="target", arm="mnli-500", task="xnli", failed="xnli is not learned")]
    assert checks.before(ASKED, CLEAN, rows) == "xnli is not learned"


def test_the_answer_says_what_the_unit_is_and_where_the_scores_go():
    asked = study(FIELDS | {"smallest": 0.1}, FIELDS | {"question": "In drops?"})
    up, _ = contrasts.answers(asked, experiment(gain=(0.019, 0.02, 0.021)))
    assert up.verdict == "higher" and up.answer == "for each step of log2(1 + records / 500); rises with the dose"
    down, _ = contrasts.answers(asked, experiment(gain=(-0.019, -0.02, -0.021)))
    assert down.verdict == "lower" and down.answer.endswith("falls with the dose")


def test_the_curve_has_each_dose_in_its_order_with_its_interval_and_is_drawn():
    curve = doses.curve(study(FIELDS), experiment(), ASKED)
    assert curve["records"].tolist() == [0, 500, 1500, 3500]
    assert curve["mean"].tolist() == pytest.approx([0.5, 0.52, 0.54, 0.56])
    assert (curve["high"] - curve["mean"]).tolist() == pytest.approx([0, T2, 2 * T2, 3 * T2])
    figure = study_figures.dose(curve, "More?")
    (axes,) = figure.axes
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["0", "500", "1,500", "3,500"]
    assert "xnli 50.0 after 0, 52.0 after 500, 54.0 after 1,500, 56.0 after 3,500" in figure.get_label()
    assert axes.get_xlabel() == "intermediate records, in steps of log2(1 + records / 500)"
    assert "not run" in study_figures.dose(curve.assign(mean=np.nan), "More?").axes[0].texts[0].get_text()


def test_the_page_explains_the_unit_of_a_dose_below_its_figure(tmp_path):
    (shown,) = StudyPage(SimpleNamespace(reports=tmp_path), study(FIELDS), experiment())._doses()
    caption = shown.parts[1].replace("\\", "")
    assert "in steps of log2(1 + records / 500): the first 500 records are one step" in caption
    assert caption.endswith("each further step doubles what there is with 500 added.*")
