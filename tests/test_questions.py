"""The questions of a study: over cells of one kind, the primary ones decided apart from the others."""

import re

import numpy as np
import pandas as pd
import pytest
from test_contrasts import BETTER, row

from xlt.analysis import contrasts, power
from xlt.analysis.inference import Components
from xlt.analysis.questions import questions
from xlt.core.errors import UserError
from xlt.lab import profiles
from xlt.lab.prices import Price
from xlt.lab.study import Study
from xlt.report import power as power_tables
from xlt.spec.recipe import Evaluation
from xlt.spec.study import Plan


def study(*asked, targets=("xnli", "pawsx", "udpos"), attacked=None):
    plan = Plan(question="?", targets=targets, arms={"none": [], "mnli": ["mnli"]}, contrasts=list(asked),
                conditions={"typos": 0.1, "attack": {"attack": {"name": "characters"}}})  # fmt: skip
    read = {Evaluation(task=task): "clean" for task in targets}
    read |= {Evaluation(task=task, perturbation="typos"): "typos" for task in targets}
    read |= {Evaluation(task=task, perturbation="drop", examples=attacked): "attack" for task in targets}
    return Study({}, plan=plan, conditions=read)


def test_targets_of_different_metrics_are_asked_apart():
    found = questions(study(BETTER))
    assert [one.text for one in found] == ["Better? (xnli, pawsx)", "Better? (udpos)"]
    assert [one.cells for one in found] == [[("xnli", "clean"), ("pawsx", "clean")], [("udpos", "clean")]]
    (alone,) = questions(study(BETTER, targets=("xnli", "pawsx")))
    assert alone.text == "Better?"


def test_conditions_that_read_other_records_are_asked_apart():
    asked = BETTER | {"conditions": ["perturbed"]}
    (together,) = questions(study(asked, targets=("xnli",)))
    assert together.cells == [("xnli", "typos"), ("xnli", "attack")]
    apart = questions(study(asked, targets=("xnli",), attacked=25))
    assert [one.text for one in apart] == ["Better? (typos)", "Better? (attack)"]


def test_a_question_that_is_asked_twice_in_the_same_words_is_refused():
    """The answers, the pooled effects and the points of the figure are told apart by these words alone."""
    with pytest.raises(ValueError, match="'Better\\?' is asked twice; say in its words what sets each of them apart"):
        study(BETTER, BETTER | {"conditions": ["typos"]})


def test_primary_questions_are_a_family_of_their_own():
    scores = pd.DataFrame(
        row(arm, "xnli", "de", seed, 0.6 + gain * (arm == "mnli")) for arm in ("none", "mnli")
        for seed, gain in enumerate((0.04, 0.05, 0.075))
    )  # fmt: skip
    other = BETTER | {"question": "And this?"}
    main = BETTER | {"primary": True}
    asked = study(other, other | {"question": "And that?"}, main, targets=("xnli",))
    answers = contrasts.answers(asked, scores)
    assert [answer.primary for answer in answers] == [True, False, False] and answers[0].targets == ("xnli",)
    assert answers[1].p == pytest.approx(2 * answers[0].p) and answers[0].question == "Better?"


def test_every_shipped_study_that_stands_at_the_origin_has_primary_questions_over_one_kind_of_cells():
    shipped = profiles.load("mini").studies
    for name in ("ordering", "dialects", "non_latin_scripts", "data_mix", "perturbations"):
        assert any(contrast.primary for contrast in shipped[name].contrasts), name


@pytest.mark.parametrize("name", [name for name in profiles.profiles() if "data_mix" in profiles.load(name).studies])
def test_mixed_data_are_asked_about_the_target_that_the_question_names(name):
    """TyDi QA as it was posed; XQuAD where a profile has no TyDi QA, or an encoder that has learned from it."""
    study = profiles.load(name).studies["data_mix"]
    asked = [contrast for contrast in study.contrasts if contrast.primary]
    target = next(name for name in ("xquad-others", "tydiqa", "xquad") if name in study.targets)
    assert [(one.of, one.against, one.targets, one.conditions) for one in asked] == [
        (("mixed",), (other,), (target,), ("attack",)) for other in ("multilingual", "English")
    ]
    assert all(("TyDi QA" if target == "tydiqa" else "XQuAD") in one.question for one in asked)


def test_a_table_of_power_says_what_each_effect_would_need():
    family = [Components(0.0, 4e-4 / seeds, 1e-5, 1e-6, seeds, 100, 99.0) for seeds in (3, 3, 3)]
    prices = [Price(3600.0, 0.0), Price(3600.0, 0.0), Price(0.0, 3600.0)]  # c: training is free, evaluating is not
    hours = [lambda design, of=of: of.hours(*design) for of in prices]
    table = power.table(family, ["a", "b", "c"], hours)
    assert table["question"].tolist() == ["a", "b", "c"] and table["records"].tolist() == [100] * 3
    designs = [[int(one) for one in re.findall(r"\d+", cell)[:2]] for cell in table["2 points"]]
    costs = [float(cell.split(", ")[1].removesuffix(" h")) for cell in table["2 points"]]
    # where training alone takes time, an hour a seed, records are for nothing, and as many as help are taken
    assert designs[0] == designs[1] and designs[0][1] > designs[2][1] and costs[0] == designs[0][0]
    assert costs[2] == pytest.approx(designs[2][0] * designs[2][1], rel=0.1)  # of two digits
    assert int(table.loc[0, "5 points"].split(" x ")[0]) < designs[0][0] and np.isfinite(table["detectable"]).all()


def test_a_question_that_a_gate_refuses_tells_a_table_of_power_nothing():
    """Three that vary alike say what is usual; a fourth, refused, varies a hundredth of that and is no test either."""
    family = [Components(0.0, 4e-4 / 3, 1e-5, 1e-6, 3, 100, 99.0)] * 3
    quiet, hours = Components(0.0, 4e-6 / 3, 1e-5, 1e-6, 3, 100, 99.0), [lambda design: 1.0] * 4
    alone = power.table(family, ["a", "b", "c"], hours[:3])
    beside = power.table([*family, quiet], ["a", "b", "c", "d"], hours, ["", "", "", "not learned"])
    assert beside["detectable"].tolist()[:3] == alone["detectable"].tolist()


def test_power_needs_runs_and_a_study_that_there_is(tmp_path, monkeypatch):
    from xlt.lab.lab import Lab

    monkeypatch.setenv("XLT_CACHE", str(tmp_path))
    lab = Lab.from_params("mini")
    with pytest.raises(UserError, match="unknown study 'orderin'"):
        power_tables.tables(lab, "orderin")
