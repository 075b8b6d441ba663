"""What a study asks for, and what is said where it cannot be had."""

import pandas as pd
import pytest
from conftest import tiny

from xlt import perturb
from xlt.lab import planned, profiles, studies
from xlt.lab.lab import Lab
from xlt.lab.study import Study
from xlt.spec import tasks
from xlt.spec.recipe import Encoder, Recipe
from xlt.spec.stage import Part, Stage

NONE = pd.DataFrame()  # runs, where nothing is stored


@pytest.fixture
def asked(places, monkeypatch):
    """A study that names what the tiny world lacks; its design."""

    def plan(**fields):
        study = {"question": "?", "targets": ["xnli"], "arms": {"none": [], "mnli": ["mnli"]}} | fields
        return studies.planned(Lab(tiny(studies={"mine": study})), "mine")

    return plan


def test_a_target_that_is_not_here_is_said_and_the_rest_is_run(asked):
    study = asked(targets=["xnli", "xnli-typos", "xsid-slots"], languages=["en", "de", "fr", "ur"])
    assert study.absent == (
        "xnli-typos: no test records here",
        "xsid-slots: no test and no training records here",
        "xnli: no test records in fr, ur here",
        "no target has test records in fr, ur here",
    )
    assert set(study.recipes) == {"none → xnli", "mnli → xnli", "after mnli"}
    assert {(e.task, e.language) for e in study.evaluations if e.split == "test"} == {("xnli", "en"), ("xnli", "de")}


def test_what_people_perturbed_is_read_as_it_is(asked):
    study = asked(targets=["xnli", "udpos"], unperturbed=["udpos"], conditions={"drop": 0.1}, languages=["en", "de"])
    assert study.cells == {("xnli", "clean"), ("xnli", "drop"), ("udpos", "clean")}


def test_an_arm_says_more_of_one_target(asked):
    arm = {"target": {"epochs": 3, "udpos": {"steps": 7}}}
    study = asked(targets=["xnli", "udpos"], arms={"mine": arm})
    xnli, udpos = (study.recipes[f"mine → {target}"].stages[-1] for target in ("xnli", "udpos"))
    assert (xnli.epochs, xnli.steps, udpos.epochs, udpos.steps) == (3, 2, 3, 7)


def test_the_words_of_the_world_are_for_the_world_alone(asked, monkeypatch):
    """Elsewhere a word list must lie in a file; what lacks one is said."""
    arms = {"none": [], "copies": {"target": {"augment": {"perturbation": "code-mix:de"}}}}
    fields = {"arms": arms, "conditions": {"code-mix:en": 0.5, "drop": 0.1}, "languages": ["en", "de"]}
    assert asked(**fields).absent == () and "copies → xnli" in asked(**fields).recipes
    monkeypatch.setattr(planned, "in_world", lambda lab: False)
    monkeypatch.delenv("XLT_LEXICONS", raising=False)
    study = asked(**fields)
    assert study.absent == (
        f"copies: no word list for code-mix:de here; {planned.WORD_LISTS}",
        f"code-mix:en: no word list for de here; {planned.WORD_LISTS}",
    )
    assert set(study.recipes) == {"none → xnli"}
    assert {e.perturbation for e in study.evaluations} == {None, "drop"}


def test_copies_are_made_with_the_file_that_is_named_or_not_at_all(asked, tmp_path, monkeypatch):
    """A file without a folder is looked for in XLT_LEXICONS; the design names it, and that it is missing is said."""
    (stage,) = asked(arms={"rs-da": {"target": {"augment": {"perturbation": "rs-da"}}}}).design(NONE)["target stage"]
    assert stage.endswith(", with words of the generated world, en to en")
    arms = {"none": [], "rs-da": {"target": {"augment": {"perturbation": "rs-da:near.json"}}}}
    monkeypatch.setattr(planned, "in_world", lambda lab: False)
    monkeypatch.setenv("XLT_LEXICONS", str(tmp_path))
    assert asked(arms=arms).absent == (f"rs-da: no word list for rs-da:near.json here; {planned.WORD_LISTS}",)
    (tmp_path / "near.json").write_text('{"good": ["nice"]}')
    study = asked(arms=arms)
    assert study.absent == () and "rs-da → xnli" in study.recipes
    stage = study.design(NONE).set_index("arm")["target stage"]
    assert stage["rs-da"].endswith(", with near.json") and stage["none"] == "as the profile has it"


def test_a_word_list_is_listed_when_all_its_parts_are(tmp_path, monkeypatch):
    monkeypatch.setenv("XLT_LEXICONS", str(tmp_path))
    assert perturb.listed("typos", "en") and perturb.listed(f"code-mix:{tmp_path / 'mine.tsv'}", "en")
    (tmp_path / "en-de.tsv.gz").touch()
    assert perturb.listed("code-mix:de", "en") and perturb.listed("code-mix", "de")
    assert not perturb.listed("code-mix:de+es", "en")
    assert not perturb.listed("rs-da:near.json", "en")
    (tmp_path / "near.json").touch()
    assert perturb.listed("rs-da:near.json", "en")


def test_controls_are_rows_of_the_matrix_and_one_of_them_learns_the_target_itself(places):
    """Shuffled labels are a row of every target; longer training is one where there is a training stage to lengthen."""
    controls = {"shuffled": {"task": "mnli", "shuffle_labels": True}, "longer": {"task": "target", "steps": 7}}
    lab = Lab(tiny(controls=controls))
    recipes = studies.transfer(lab).recipes
    assert {label for label in recipes if label.startswith(("shuffled", "longer"))} == {
        *(f"{row} → {target}" for row in controls for target in ("xnli", "udpos", "xquad")), "shuffled"
    }  # fmt: skip
    for target, learned in {"xnli": "mnli", "udpos": "pos", "xquad": "squad"}.items():
        before, last = recipes[f"longer → {target}"].stages
        assert before.task == last.task == learned and before.steps == 7 and before.stride == last.stride
        assert recipes[f"shuffled → {target}"].stages[0].shuffle_labels
    axes = studies.axes(lab)
    assert list(axes["controls"]) == ["shuffled", "longer"] and axes["intermediates"] == ["mnli", "pos"]
    assert axes["controls"]["longer"].without == ("tatoeba",) and "7 updates" in axes["controls"]["longer"].told
    assert "shuffled labels" in axes["controls"]["shuffled"].told and not axes["controls"]["shuffled"].without
    assert "shuffled" in studies.intermediate(lab).recipes and "longer" not in studies.intermediate(lab).recipes


def test_the_design_says_how_many_updates_an_arm_took_before_its_target(asked):
    arms = {"none": [], "squad": ["squad"], "mnli, squad": ["mnli", "squad"]}
    study = asked(targets=["xnli", "udpos"], arms=arms, conditions={}, languages=["en"])
    assert study.design(pd.DataFrame())["their updates"].tolist() == ["–", "–", "–"]
    rows = [
        ("squad → xnli", 1, "start", 0), ("squad → xnli", 1, "intermediate", 213), ("squad → xnli", 1, "target", 94),
        ("squad → udpos", 2, "intermediate", 1214), ("mnli, squad → xnli", 1, "intermediate", 100),
        ("mnli, squad → xnli", 1, "intermediate", 213), ("none → xnli", 1, "target", 94),
        ("after mnli", 1, "intermediate", 100),  # what a gate reads: no arm is whole there
    ]  # fmt: skip
    runs = pd.DataFrame(rows, columns=["recipe", "seed", "kind", "steps"])
    names = {label: recipe.name for label, recipe in study.recipes.items()}
    runs["name"] = runs["recipe"].map(names).where(runs["kind"] == "target", "a run before it")
    made = study.design(runs)
    assert made["their updates"].tolist() == ["–", "213 to 1,214", "313"]
    assert made["run"].tolist() == ["not yet before udpos", "not yet before udpos", "not yet before xnli, udpos"]
    assert set(study.design(pd.DataFrame())["run"]) == {"yes"}  # a design that nobody has begun to run


def test_the_design_names_each_data_set_that_a_language_is_read_from(monkeypatch):
    elsewhere = {"en": {"dataset": "a/squad"}, "ar": {"dataset": "an/other"}}
    fields = {
        "family": "span",
        "dataset": "an/mlqa",
        "config": "{code}",
        "languages": "en de ar",
        "elsewhere": elsewhere,
    }
    monkeypatch.setitem(tasks.TASKS, "both", tasks.parse("both", fields, "here"))
    stage = Stage(task="both", languages=("de",), also=[Part(task="both", languages=("en",))])
    study = Study({"both": Recipe(start=Encoder(), stages=(stage,))})
    assert study.materials(pd.DataFrame())["data"].tolist() == ["an/mlqa; en: a/squad"]


def test_a_page_shows_no_folder_above_the_users_own(tmp_path, monkeypatch):
    fields = {"family": "classification", "labels": ["a", "b"], "dataset": str(tmp_path / "moods"), "languages": ["en"]}
    monkeypatch.setitem(tasks.TASKS, "moods", tasks.parse("moods", fields, "here"))
    study = Study({"moods": Recipe(start=Encoder(), stages=(Stage(task="moods"),))})
    assert study.materials(pd.DataFrame())["data"].tolist() == ["moods default"]


@pytest.mark.parametrize("name", ["paper", "local_full"])
def test_all_records_clean_and_some_of_them_attacked(name):
    """`examples` left out reads all: clean records of these profiles, of which an attack takes so many."""
    profile = profiles.load(name)
    plan = profile.studies["data_mix"]
    read = {
        profile.evaluate(task, "de", fields): label
        for task in plan.targets
        for label, fields in {"clean": {}, "attack": plan.conditions["attack"]}.items()
    }
    table = Study({}, plan=plan, conditions=read).materials(pd.DataFrame()).set_index("task")
    some = plan.conditions["attack"]["examples"]
    for task in plan.targets:
        assert table.loc[task, "records"] == "all" and table.loc[task, "read"].endswith(f"on {some} records")


def test_the_design_says_what_is_learned_and_how_it_is_read(asked):
    """Every number that a reader needs to know what a score is of: metric, languages, records, strengths."""
    attack = {"attack": {"name": "characters", "budget": 40}, "examples": 2}
    study = asked(
        targets=["xnli", "udpos"], unperturbed=["udpos"], conditions={"drop": 0.1, "attack": attack},
        languages=["en", "de"], examples=6,
    )  # fmt: skip
    table = study.materials(pd.DataFrame()).set_index("task")
    assert table.index.tolist() == ["xnli", "udpos", "mnli", "pos"]
    assert table.loc["xnli", ["metric", "languages", "records"]].tolist() == ["accuracy", "en de", "6"]
    assert table.loc["xnli", "read"] == "clean, drop 0.1, attack (characters, 40 queries) on 2 records"
    assert table.loc["udpos", ["metric", "read"]].tolist() == ["chunk_f1", "clean"]
    learned = table.loc["mnli", ["metric", "languages", "records", "read"]].tolist()
    assert learned == ["–", "–", "–", "in training alone"]
    counts = {"task": ["xnli"] * 3, "split": ["test", "test", "dev"], "condition": ["clean"] * 3, "n": [20, 6, 900]}
    assert study.materials(pd.DataFrame(counts)).set_index("task").loc["xnli", "records"] == "6 to 20"
    # one configuration a language: none of them says what the records are
    varieties = asked(targets=["ud-varieties"]).materials(pd.DataFrame())["data"][0]
    assert varieties.startswith("universal-dependencies/universal_dependencies: varieties")
    assert table.loc["mnli", "data"] == "nyu-mll/glue mnli" and "contractions" in table.loc["udpos", "data"]
