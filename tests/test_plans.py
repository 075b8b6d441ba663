"""What a study can detect is worked out and kept before it runs, and what its questions cost."""

import json

import pytest
from scipy import stats as scipy_stats

from xlt.analysis import power
from xlt.lab.lab import Lab
from xlt.lab.planned import planned
from xlt.lab.prices import Price, price
from xlt.report import plans
from xlt.spec.study import Contrast

STUDY = "study_data_mix"


@pytest.fixture
def lab(tmp_path, monkeypatch):
    """Of the profile smoke, of which nothing has run."""
    monkeypatch.setenv("XLT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("XLT_REPORTS", str(tmp_path / "reports"))
    return Lab.from_params("smoke")


def seconds(job, trained=False):
    """An evaluation takes a second, whatever it is; and each stage ten."""
    return float(len(job.evaluations))


seconds.training = lambda recipe: 10.0


def test_what_arms_share_is_trained_once_and_pretraining_is_not_counted(lab):
    study = planned(lab, "data_mix")
    asked = Contrast(question="?", of=("mixed",), against=("English",), targets=("tydiqa",))
    found = price(study, asked, [("tydiqa", "attack")], seconds)
    tested = [e for e, condition in study.conditions.items() if (e.task, condition) == ("tydiqa", "attack")]
    assert found == Price(4 * 10.0, 2.0 * len(tested))  # two intermediate stages, two target stages; two runs evaluated
    alone = price(study, asked.model_copy(update={"against": ("mixed",)}), [("tydiqa", "attack")], seconds)
    assert alone == Price(2 * 10.0, len(tested))
    assert Price(3600.0, 1800.0).hours(3, 4) == 3 * (1 + 4 * 0.5)


def test_a_drop_costs_its_clean_evaluations_too(lab):
    study = planned(lab, "perturbations")
    asked = Contrast(question="?", of=("squad",), against=("none",), outcome="drop")
    cells = [("xnli", "typos")]
    score, drop = (
        price(study, asked.model_copy(update={"outcome": what}), cells, seconds) for what in ("score", "drop")
    )
    assert drop.training == score.training and drop.evaluating == 2 * score.evaluating


def test_stated_variances_find_what_a_t_test_finds():
    """Five seeds, endless records: the least effect of a paired t test at 80 % power, with an SD of one point."""
    parts = power.stated(5, 10**9)
    found = power.detectable(*power.foreseen(parts, power.Design(5, 1), power.alike(1, 5)))
    error = 0.01 / 5**0.5
    assert scipy_stats.nct.sf(scipy_stats.t.ppf(0.975, 4), 4, found / error) == pytest.approx(0.8, abs=1e-4)
    assert power.detectable(*power.foreseen(power.stated(5, 100), power.Design(5, 1))) > found


def test_a_plan_is_kept_until_the_design_changes(lab, monkeypatch):
    (line,) = plans.keep(lab, [STUDY])
    assert line.startswith("data_mix: true differences that 2 seeds find four times in five: ")
    assert "points (from a stated SD of 1.0 points over seeds" in line
    file = lab.reports / "plans" / "data_mix.json"
    first = file.read_bytes()
    content = json.loads(first)
    assert plans.foreseen(content).startswith("As planned before any run: ")
    assert plans.foreseen(content | {"from": "3 finished seeds"}).startswith(
        "As it was planned once some seeds had run: "
    )
    assert len(content["questions"]) > 2 and all(one["hours"] > 0 for one in content["questions"])
    monkeypatch.setattr(power, "SEED_SD", 0.5)  # what would be foreseen by now
    assert plans.keep(lab, [STUDY]) == [line] and file.read_bytes() == first
    study = planned(lab, "data_mix")
    monkeypatch.setattr(lab, "profile", lab.profile.model_copy(update={"seeds": lab.profile.seeds + 2}))
    assert plans.kept(lab, study) is None
    assert plans.keep(lab, [STUDY]) != [line] and file.read_bytes() != first
    assert plans.keep(lab, ["01_pretrained_encoder"]) == []


def test_a_plan_says_what_it_can_find_and_that_it_finds_nothing_within_the_scale():
    asked = [{"detectable": value, "seeds": 3} for value in (0.019, None, 0.042, 1.4)]
    some, none = ({"questions": questions, "from": "a guess"} for questions in (asked, asked[3:]))
    found = "1.9 to 4.2 points, in 1 case none within the scale (from a guess)"
    assert plans.told(some) == f"true differences that 3 seeds find four times in five: {found}"
    assert plans.told(none).endswith("four times in five: none within the scale (from a guess)")
