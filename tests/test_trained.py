"""In which languages runs are trained, and what of their scores is zero-shot."""

import pandas as pd
import pytest
from conftest import lab_of, tiny

from xlt import report
from xlt.analysis import arms, claims, degenerate_runs, effects, findings, phases, xtreme
from xlt.lab import studies
from xlt.lab.lab import Lab
from xlt.report import summary
from xlt.spec import tasks, trained
from xlt.spec.stage import Part, Stage
from xlt.spec.study import Contrast

MOODS = {"family": "classification", "columns": {"text_b": None}, "labels": ["neg", "pos"], "config": "{code}"}
MOODS |= {"splits": {"train": "train", "dev": "validation", "test": "test"}}


@pytest.fixture
def moods(tmp_path):
    """A task of the user's own in German and Hindi, learned in German; changes for a profile."""
    for file in (f"{code}/{split}.csv" for code in ("de", "hi") for split in ("train", "validation", "test")):
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_text("text_a,label\n" + "gut,pos\nschlecht,neg\n" * 4, encoding="utf-8")
    declared = MOODS | {"dataset": str(tmp_path), "languages": ["de", "hi"]}
    tasks.add([tasks.parse("moods", declared, "test")])
    yield {"tasks": {"moods": declared}, "languages": ("en", "de", "hi"), "target": {"moods": {"languages": ["de"]}}}
    tasks.TASKS.pop("moods")


def stage(task, *languages, role="intermediate", **fields):
    return Stage(task=task, languages=languages, role=role, **fields)


@pytest.mark.parametrize(
    ("stages", "found"),
    [
        ([], ""),
        ([stage("text", "de", role="pretraining")], ""),
        ([stage("mnli", "en")], ""),
        ([stage("mnli-translated", "en", "de"), stage("mnli", "en", role="target")], "intermediate"),
        ([stage("mnli", "en"), stage("pos", "de", role="target")], "target"),
        ([stage("mnli-translated", "de"), stage("pos", "de", role="target")], "both"),
        ([stage("mnli", "en", also=[Part(task="text", languages=("de",))])], ""),  # text teaches no task
        ([stage("mnli", "en", also=[Part(task="mnli-translated", languages=("de",))])], "intermediate"),
    ],
)
def test_which_stages_learned_a_task_in_a_language(start, stages, found):
    assert trained.stages_in(start.then(*stages), "de") == found


def test_a_profile_trains_where_its_stages_do(moods, places):
    lab = Lab(tiny(**moods | {"target": {**moods["target"], "xnli": {}, "tatoeba": {}}}))
    sources = {name: lab.sources.of(tasks.get(name)) for name in lab.profile.target}
    assert sources == {"moods": ("de",), "xnli": ("en",), "tatoeba": ("en",)}  # as both intermediate stages are
    assert lab.languages("moods") == ["de", "hi"] and lab.sources.all == ("de", "en")
    assert Lab(tiny()).sources.all == ("en",)


@pytest.fixture
def run(store, monkeypatch, moods):
    """The scores of a target without English, as it is and after a stage in the other language; the lab."""
    lab = lab_of(store, monkeypatch, **moods)
    recipes = {"none → moods": lab.recipe(target="moods")}
    stages = (Stage(task="moods", languages=("hi",), steps=1, role="intermediate"), *recipes["none → moods"].stages)
    recipes["hindi → moods"] = lab.recipe().then(*stages)
    return lab, lab.run(recipes, lab.evaluations("moods"), seeds=1)


def test_every_score_says_where_its_language_was_trained(run):
    _, scores = run
    rows = scores.set_index(["recipe", "language"])
    assert rows["trained_in"].to_dict() == {
        ("none → moods", "de"): "target", ("none → moods", "hi"): "",
        ("hindi → moods", "de"): "target", ("hindi → moods", "hi"): "intermediate",
    }  # fmt: skip
    assert rows["source_language"].to_dict() == {key: key[1] == "de" for key in rows.index}


def test_a_stage_that_learned_the_other_language_is_marked_and_not_dropped(run):
    _, scores = run
    matrix = report.transfer_matrix(scores)
    assert matrix["n_seeds"].tolist() == [1, 1] and matrix["trained"].tolist() == [False, True]
    assert [" ‡" in text for text in report.cells(matrix)["moods"]] == [False, True]
    assert "zero-shot languages" in report.footnote(matrix) and "‡ Not zero-shot" in report.footnote(matrix)
    source = report.transfer_matrix(scores, languages="source")
    assert "mean over de languages" in report.footnote(source) and not source["trained"].any()


def invented(*codes, task="xnli", source="de", **fields):
    """Two seeds of a task in these languages."""
    row = {"recipe": "r", "intermediate": "none", "task": task, "metric": "accuracy", "main": True, "pretrained": False}
    row |= {"same_task": False}
    return pd.DataFrame([
        row | {"seed": seed, "language": code, "value": 0.9 - 0.1 * place + 0.01 * seed,
               "source_language": code == source, "trained_in": "target" if code == source else ""} | fields
        for seed in range(2) for place, code in enumerate(codes)
    ])  # fmt: skip


def test_a_target_tested_in_the_language_of_its_training_alone_is_shown_and_not_called_zero_shot():
    scores = pd.concat([invented("de"), invented("en", "de", "hi", task="udpos", source="en")], ignore_index=True)
    matrix = report.transfer_matrix(scores).set_index("target")
    assert matrix["mean"].to_dict() == pytest.approx({"xnli": 0.905, "udpos": 0.755})
    assert matrix["languages"].to_dict() == {"xnli": "de", "udpos": "zero-shot"}
    assert matrix["trained"].to_dict() == {"xnli": True, "udpos": False}
    assert "mean over zero-shot languages (of xnli de) within" in report.footnote(matrix.reset_index())
    asked = [answer.question for answer in findings.transfer(matrix.reset_index())]
    assert asked == [
        "Which intermediate task changes xnli in German?",
        "Which intermediate task changes zero-shot udpos?",
    ]
    assert findings.sanity(scores, scores)[0].question == "Is XNLI in German above chance after direct fine-tuning?"


def test_tables_name_the_language_of_training():
    scores = invented("de", "en", "hi")
    control = phases.control_table(scores)
    assert control["German"].tolist() == pytest.approx([0.905]) and "English" not in control
    assert control["other languages"].tolist() == pytest.approx([0.755])
    assert report.per_language(scores, "xnli").index.tolist() == ["de", "en", "hi"]
    lost = degenerate_runs.table(scores.assign(value=1 / 3))
    assert lost["German"].tolist() == pytest.approx([1 / 3, 1 / 3])
    both = pd.concat([scores, invented("en", "de", task="udpos", source="en")])
    assert "German and English" in phases.control_table(both)


def test_groups_of_languages_leave_out_those_of_training_in_claims_and_contrasts():
    scores = invented("de", "en", "hi").assign(condition="clean", arm="a", collapsed=False)
    on = claims.Rows(task=("xnli",))
    assert set(effects._chosen(scores, on)["language"]) == {"en", "hi"}
    assert set(effects._chosen(scores.drop(columns="source_language"), on)["language"]) == {"de", "hi"}
    asked = [Contrast(question="?", of=("a",), languages=(name,)) for name in ("zero-shot", "latin", "non-latin", "de")]
    found = {one.languages: arms._side(arms._cells(scores.assign(weight=1.0), one), ("a",)) for one in asked}
    means = [(rows["weight"] * rows["value"]).groupby(rows["seed"]).sum().mean() for rows in found.values()]
    assert means == pytest.approx([0.755, 0.805, 0.705, 0.905])


def test_a_table_as_xtreme_averages_marks_rows_that_learned_other_languages():
    scores = pd.concat([invented("en", "de", source="en"), invented("en", "de", source="en", recipe="m",
                       intermediate="translated", trained_in="intermediate")], ignore_index=True)  # fmt: skip
    made = xtreme.table(scores)
    assert made[made["task"] == "xnli"]["trained"].tolist() == [False, True]
    assert xtreme.shown(made, None).loc[("xnli", "accuracy")]["translated"].str.contains("‡").all()


def test_what_a_stage_learned_is_looked_at_in_a_language_that_it_learns(moods, places):
    lab = Lab(tiny(**moods | {"intermediate": {"moods": {"languages": ["hi", "de"]}, "mnli": {}}}))
    assert [(e.task, e.language) for e in studies.intermediate(lab).evaluations] == [("moods", "hi"), ("mnli", "en")]
    scores = invented("hi", source="hi", intermediate="moods", task="moods", n=8)
    assert phases.learned_table(scores)["language"].tolist() == ["hi"]
    assert "language" not in phases.learned_table(invented("en", source="en", n=8))


def test_the_question_of_a_report(moods, places):
    assert summary.question(Lab(tiny())) == "Which English intermediate tasks help zero-shot transfer, and where?"
    german = moods | {"languages": ("de",), "intermediate": {"mnli": {}}}
    assert summary.question(Lab(tiny(**german))) == "Which English intermediate tasks help in German?"


def test_languages_in_words():
    assert [trained.named(codes.split()) for codes in ("en", "en de", "en de tr", "en de tr hi")] == [
        "English", "English and German", "English, German and Turkish", "training languages"
    ]  # fmt: skip


def test_a_study_learns_no_target_that_it_cannot_read(moods, places):
    plan = {"question": "?", "targets": ["moods", "xnli"], "arms": {"none": []}, "languages": ["en"]}
    study = studies.planned(Lab(tiny(**moods, studies={"mine": plan})), "mine")
    assert study.absent == ("moods: no test records in en here",) and set(study.recipes) == {"none → xnli"}
