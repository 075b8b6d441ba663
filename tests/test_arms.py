"""Studies as a profile declares them: mistakes are said before anything starts; arms are runs like any others."""

import json

import pytest
import yaml
from conftest import InProcess, lab_of, tiny

from xlt.analysis import contrasts, robustness, tokenization
from xlt.core.errors import UserError
from xlt.lab import profiles, studies
from xlt.models import mixture, model
from xlt.models.encoder import tokenizer_of
from xlt.models.features import encode
from xlt.report import summary
from xlt.report.study_pages import StudyPage
from xlt.spec import tasks
from xlt.spec.perturbations import Augmentation
from xlt.spec.recipe import Evaluation
from xlt.spec.stage import Stage
from xlt.spec.study import Plan

PROFILE = {
    "description": "d", "encoder": {"text": "text", "languages": ["en"]}, "languages": ["en", "de", "ru"],
    "intermediate": {"mnli": {}}, "target": {"xnli": {}},
}  # fmt: skip
PLAN = {
    "question": "Does it?", "targets": ["xnli", "udpos"], "conditions": {"typos": 0.1}, "dev": ["mnli"],
    "arms": {"none": [], "mnli": ["mnli"], "more": {"stages": ["long"], "targets": ["xnli"]}},
    "stages": {"long": {"task": "mnli", "steps": 9}},
    "contrasts": [{"question": "Better?", "of": ["mnli"], "against": ["none"]}],
}  # fmt: skip


def contrast(**fields):
    return {"contrasts": [PLAN["contrasts"][0] | fields]}


def dose(**records):
    return {"contrasts": [{"question": "Better?", "dose": records}]}


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"trgets": []}, "unknown setting 'trgets' in mine.yaml; did you mean targets or stages?"),
        ({"question": None}, "mine.yaml: studies.s.question: input should be a valid string"),
        ({"targets": []}, "mine.yaml: studies.s.targets: tuple should have at least 1 item"),
        ({"arms": {}}, "mine.yaml: studies.s.arms: dictionary should have at least 1 item"),
        ({"targets": ["xnli", "udpso"]}, "unknown task 'udpso'; did you mean udpos"),
        ({"dev": ["mnly"]}, "unknown task 'mnly'; did you mean mnli"),
        ({"languages": ["en", "xx"]}, "unknown language 'xx'"),
        ({"pairs": ["en", "xx"]}, "unknown language 'xx'"),
        ({"seeds": 0}, "mine.yaml: studies.s.seeds: input should be greater than 0, got 0"),
        ({"arms": {"none": {"stags": []}}}, "unknown setting 'stags' in mine.yaml; did you mean stages"),
        ({"arms": {"mnli": "mnli"}}, "mine.yaml: studies.s.arms.mnli: input should be a valid dictionary"),
        ({"arms": {"none": [], "mnli": ["mnly"]}}, "unknown stage 'mnly' in mine: studies.s; did you mean mnli"),
        ({"arms": {"none": [], "mnli": {"targets": ["xnli"]}}, "contrasts": []},
         "mine.yaml: studies.s: the arms 'mnli' and 'none' are the same; leave one out"),
        ({"arms": {"none": [], "mnli": {"targets": ["xnly"]}}},
         "mine.yaml: studies.s: unknown target 'xnly' in the arm 'mnli'; did you mean xnli?"),
        ({"arms": {"none": [], "mnli": {"target": {"stpes": 3}}}},
         "unknown setting 'stpes' in mine: studies.s: mnli → xnli; did you mean steps?"),
        ({"arms": {"none": [], "mnli": {"target": {"augment": {"perturbation": "rs-dq"}}}}},
         "unknown perturbation 'rs-dq'"),
        ({"arms": {"none": [], "mnli": {"target": {"augment": {"perturbation": "romanise"}}}}},
         "perturbation romanise is not valid for en (Latn)"),
        ({"stages": {"long": {"task": "text", "ball": {"radius": 1}}}}, "text: ball is for classification"),
        ({"stages": {"long": {"task": "squad-sentences", "shuffle_labels": True}}},
         "squad-sentences has no labels but its pairs; leave shuffle_labels out"),
        ({"stages": {"long": {"task": "mnly"}}}, "unknown task 'mnly'; did you mean mnli"),
        ({"stages": {"long": {"task": "mnli", "epoch": 3}}}, "unknown setting 'epoch' in mine: studies.s: long"),
        ({"training": {"examples": -1}}, "mine: studies.s: mnli: examples: input should be greater than 0, got -1"),
        ({"conditions": {"typpos": 0.1}}, "unknown perturbation 'typpos'"),
        ({"conditions": {"typos": 2}}, "mine: studies.s: conditions.typos: strength: input should be less than or"),
        ({"conditions": {"a": {"attack": {"name": "charakters"}}}}, "unknown attack 'charakters'; did you mean char"),
        ({"conditions": {"a": {"atack": {}}}}, "unknown setting 'atack' in mine: studies.s: conditions.a; did you"),
        ({"conditions": {"clean": 0.1}}, "studies.s: a condition cannot be called clean"),
        ({"conditions": {"a": {"ball": {"radius": 1, "steps": 1}}, "b": {"ball": {"radius": 1, "steps": 2}}}},
         "conditions.b: reads the test sets like a"),
        ({"conditions": {"short": {"max_length": 9}}}, "conditions.short: reads the test sets like clean"),
        (contrast(of=["mnly"]), "mine.yaml: studies.s: unknown arm 'mnly' in 'Better?'; did you mean mnli?"),
        (contrast(against=["nome"]), "unknown arm 'nome' in 'Better?'; did you mean none?"),
        (contrast(targets=["xnly"]), "unknown target 'xnly' in 'Better?'; did you mean xnli?"),
        (contrast(conditions=["typo"]), "unknown condition 'typo' in 'Better?'; did you mean typos?"),
        (contrast(languages=["non-latn"]), "unknown language 'non-latn' in mine: studies.s: 'Better?'; did you"),
        (contrast(outcome="drp"), "studies.s.contrasts.0.outcome: input should be 'score' or 'drop', got 'drp'"),
        (contrast(outcome="drop"), "'Better?' asks for a drop; name the conditions that it comes from"),
        ({"contrasts": [{"question": "Better?"}]},
         "'Better?' compares nothing: name arms under of, or give arms a dose"),
        (contrast(dose={"none": 0, "mnli": 500, "more": 1500}),
         "'Better?' has a dose, which is over all of its arms: leave out of and against"),
        (dose(none=0, mnli=500), "'Better?' needs three different doses at least"),
        (dose(none=0, mnli=500, more=500), "'Better?' needs three different doses at least"),
        (dose(none=0, mnli=500, mroe=1500), "studies.s: unknown arm 'mroe' in 'Better?'; did you mean more?"),
        (dose(none=-1, mnli=500, more=1500), "dose.none: input should be greater than or equal to 0, got -1"),
        (contrast(expct="none"), "unknown setting 'expct' in mine.yaml; did you mean expect"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_study_is_one_line(tmp_path, fields, said):
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(PROFILE | {"studies": {"s": PLAN | fields}}), encoding="utf-8")
    with pytest.raises(UserError) as error:
        profiles.load(str(tmp_path / "mine.yaml"))
    assert said in str(error.value) and "\n" not in str(error.value)


def test_short_forms():
    asked = [{"question": q, "of": ["a"]} for q in ("Is it better?", "... in German?", "... under typos?", "And?")]
    plan = Plan(question="?", targets=["xnli"], arms={"a": ["mnli"]}, contrasts=asked,
                conditions={"typos": 0.2, "hard": {"perturbation": "typos", "strength": 0.9}})  # fmt: skip
    assert [one.question for one in plan.contrasts] == [
        "Is it better?", "Is it better, in German?", "Is it better, under typos?", "And?",
    ]  # fmt: skip
    asked = [{"question": q, "of": ["a"]} for q in ("Does it help (NLI)?", "... (SQuAD)?", "... under typos?")]
    named = plan.model_validate(plan.model_dump() | {"contrasts": asked}).contrasts
    assert [one.question for one in named] == [
        "Does it help (NLI)?", "Does it help (SQuAD)?", "Does it help (NLI), under typos?",
    ]  # fmt: skip
    assert plan.conditions["typos"] == {"perturbation": "typos", "strength": 0.2}
    assert plan.conditions["hard"]["strength"] == 0.9 and plan.arms["a"].stages == ("mnli",)


def test_what_another_file_says_of_an_arm_or_condition_leaves_the_rest_of_it(tmp_path):
    (tmp_path / "base.yaml").write_text(yaml.safe_dump(PROFILE | {"studies": {"s": PLAN}}))
    over = {"arms": {"mnli": {"targets": ["xnli"]}, "more": ["mnli", "long"]}, "conditions": {"typos": {"examples": 5}}}
    content = {"extends": str(tmp_path / "base.yaml"), "studies": {"s": over}}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(content))
    plan = profiles.load(str(tmp_path / "mine.yaml")).studies["s"]
    assert plan.arms["mnli"].stages == ("mnli",) and plan.arms["mnli"].targets == ("xnli",)
    assert plan.arms["more"].stages == ("mnli", "long") and plan.arms["more"].targets == ("xnli",)
    assert plan.conditions == {"typos": {"perturbation": "typos", "strength": 0.1, "examples": 5}}


def test_an_arm_is_the_run_that_the_phases_make(store, monkeypatch):
    """A name in a study is no part of a run's identity; what is trained otherwise is."""
    same = {"again": {"task": "mnli"}, "long": {"task": "mnli", "steps": 3}}
    arms = {"none": [], "mnli": ["mnli"], "again": ["again"], "long": ["long"], "slow": {"target": {"lr": 1e-5}}}
    lab = lab_of(
        store, monkeypatch, studies={"s": {"question": "?", "targets": ["xnli"], "arms": arms, "stages": same}}
    )
    made, phase = studies.planned(lab, "s").recipes, studies.transfer(lab).recipes
    ids = {label: store.id(recipe.seeded(0)) for label, recipe in made.items() if not label.startswith("after ")}
    assert ids["none → xnli"] == store.id(phase["none → xnli"].seeded(0))
    assert ids["mnli → xnli"] == ids["again → xnli"] == store.id(phase["mnli → xnli"].seeded(0))
    assert len({*ids.values()}) == 4


SMALL = {
    "question": "?", "targets": ["xnli", "tatoeba"], "languages": ["en", "de", "zh", "el"], "examples": 4, "seeds": 1,
    "arms": {"none": [], "mnli": ["first"], "both": ["mnli", "pos"], "lost": ["ccg"]},
    "stages": {"first": {"task": "mnli", "steps": 3}}, "dev": ["mnli", "pos", "ccg"], "pairs": ["en", "de"],
    "conditions": {"typos": 0.5, "pgd": {"ball": {"radius": 0.1, "steps": 1}}},
    "contrasts": [{"question": "MNLI?", "of": ["mnli"], "against": ["none"]},
                  {"question": "CCG?", "of": ["lost"], "against": ["none"], "conditions": ["perturbed"]}],
}  # fmt: skip


def test_a_study_from_plan_to_answers(store, monkeypatch):
    """In a profile whose own defaults are no one else's, and without the records of one stage."""
    usual = {"max_length": 48, "perturbation_seed": 3}
    lab = lab_of(store, monkeypatch, studies={"s": SMALL}, evaluation={"default": usual, "tatoeba": {"layer": 1}})
    study = studies.planned(lab, "s")
    assert study.absent[0] == "lost: no training records of ccg here"
    assert any("no test records in el here" in said for said in study.absent)
    scores = study.run(lab)
    *_, absent, least = StudyPage(lab, study, scores).design().parts
    assert "not run: lost: no training records of ccg here" in absent
    assert least == "1 paired seed; the smallest effect of interest is 1.0 points."

    assert {
        (*cell,) for cell in scores[["arm", "task", "condition"]].drop_duplicates().values if cell[1] == "xnli"
    } == {
        (arm, "xnli", condition) for arm in ("none", "mnli", "both") for condition in ("clean", "typos", "pgd", "pair")
    }
    typos = scores[scores["condition"] == "typos"]
    assert (typos["perturbation"] == "typos").all() and set(typos["language"]) == {"en", "de"}  # zh has no keyboard
    assert typos["changed"].gt(0).all() and scores.loc[scores["condition"] != "typos", "changed"].isna().all()
    assert (scores.loc[scores["condition"] == "clean", "perturbation"] == "none").all()
    assert set(scores.loc[scores["task"] == "tatoeba", "language"]) == {"de", "zh"}
    assert set(scores["seed"]) == {0} and scores.loc[scores["split"] == "test", "n"].max() == 4

    forgotten = contrasts.forgetting(scores)
    assert forgotten[["after", "task"]].agg(": ".join, axis=1).tolist() == [
        "first: mnli", "mnli: mnli", "mnli → pos: mnli", "mnli → pos: pos",
    ]  # fmt: skip
    assert [answer.verdict for answer in contrasts.answers(study, scores)] == ["not testable"] * 2 + ["not run"] * 2
    assert len(robustness.pairs(study, scores)) == 3
    assert contrasts.forgotten(forgotten).columns.tolist() == ["mnli", "pos"]
    assert summary.save_answers(lab, "study_s", study.question, contrasts.answers(study, scores)).startswith(
        "answers/study_s.json: 4"
    )
    kept = json.loads((lab.reports / "answers" / "study_s.json").read_text(encoding="utf-8"))
    assert [answer["verdict"] for answer in kept["answers"]] == ["not testable"] * 2 + ["not run"] * 2
    assert InProcess.started == 1 and study.run(lab).equals(scores) and InProcess.started == 1
    assert "study_s" in studies.of(lab) and study.recipes["both → xnli"].seeded(0) in studies.all_recipes(lab)


def test_a_profile_without_the_study(places):
    from xlt.lab.lab import Lab

    lab = Lab(tiny())
    study = studies.planned(lab, "s")
    assert study.absent == ("the profile tiny declares no study s: nothing is run here",)
    scores = study.run(lab)
    assert scores.empty and contrasts.answers(study, scores) == [] and contrasts.table(study, scores).empty
    assert contrasts.forgetting(scores).empty and contrasts.gaps(scores).empty and study.targets == study.labels == ()


def test_what_an_earlier_stage_learned_is_read_by_its_head_on_the_later_encoder(store, monkeypatch):
    lab = lab_of(store, monkeypatch)
    later = lab.recipe("mnli", "pos").seeded(0)
    dev = Evaluation(task="mnli", split="dev", max_length=48)
    assert len(lab.run({"later": later, "mnli": later.parent}, [dev], seeds=1)) == 2
    found, first, last = model.load(store, later, "mnli"), model.load(store, later.parent), model.load(store, later)
    body = {f"roberta.{name}" for name in last.roberta.state_dict()}
    for name, value in found.state_dict().items():
        assert value.equal((last if name in body else first).state_dict()[name]), name
    moved = [name for name in body if not found.state_dict()[name].equal(first.state_dict()[name])]
    assert moved
    again = later.then(later.stages[0])  # trained twice: the head is the last one
    lab.run({"again": again}, [])
    head = [model.load(store, recipe, "mnli").classifier.out_proj.weight for recipe in (again, later)]
    assert not head[0].equal(head[1])
    with pytest.raises(UserError, match="unknown head 'squad' in run xlmr-mnli-pos; known: mnli, pos"):
        model.load(store, later, "squad")


def test_features_that_are_kept_are_those_that_would_be_made(store, monkeypatch):
    lab = lab_of(store, monkeypatch)
    tokenizer = tokenizer_of(store, lab.recipe())
    stage = Stage(task="mnli", steps=2, batch=4, max_length=48, seed=0)

    def fresh(length):
        records = store.source.load(tasks.get("mnli"), "en", "train")
        return read(encode(tasks.get("mnli").family, records, tokenizer, length, stage.stride))

    def kept(stage):
        return read(mixture.features(store, stage, tokenizer)[0])

    def read(features):
        return [(feature["input_ids"].tolist(), feature["labels"]) for feature in features]

    before = kept(stage)
    lab.run({"mnli": lab.recipe().then(stage)}, [])  # training leaves them as they are
    assert kept(stage) == before == fresh(48)
    assert mixture.features(store, stage, tokenizer)[0] is mixture.features(store, stage, tokenizer)[0]
    assert kept(stage.model_copy(update={"max_length": 12})) == fresh(12) != before
    changed = [{"examples": 3}, {"shuffle_labels": True}, {"augment": Augmentation(perturbation="upper")}]
    assert all(kept(stage.model_copy(update=fields)) != before for fields in changed)


def test_subwords_per_word(store, monkeypatch):
    lab = lab_of(store, monkeypatch)
    found = tokenization.fertility(lab)
    words = [w for row in store.source.load(tasks.get("udpos"), "de", "test")["tokens"] for w in row]
    cut = sum(len(lab.tokenizer.encode(word, add_special_tokens=False)) for word in words)
    assert found.index.tolist() == ["en", "de", "zh"] and found["de"] == round(cut / len(words), 3)
    monkeypatch.setattr(store, "done", lambda recipe: False)
    assert lab.tokenizer is None and tokenization.fertility(lab).empty
