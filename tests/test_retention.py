"""`resources.keep: scores`: weights that nobody will load go, scores stay, and what is asked again is trained again."""

import json
import shutil

import pytest
from conftest import InProcess, tiny, work_here

from xlt.core.errors import UserError
from xlt.data import store as stores
from xlt.data.store import Store, predictions
from xlt.lab import estimate, plan, rates, retention, studies, whole, why, work
from xlt.lab.jobs import Job
from xlt.lab.lab import Lab
from xlt.models import model
from xlt.spec.profile import Resources
from xlt.spec.recipe import Encoder, Evaluation, Recipe
from xlt.spec.stage import Stage

TARGETS = {"xnli": {}}
DROPS = {"workers": 1, "eval_batch": 4, "keep": "scores"}
MORE = Evaluation(task="xnli", language="de", max_length=40)  # a further one, which no notebook asks


def lab_in(store, monkeypatch, kind=whole.Lab, **changes):
    lab = kind(tiny(**{"target": TARGETS, "intermediate": {"pos": {}}, "seeds": 1, "resources": DROPS, **changes}))
    lab.store = store
    work_here(monkeypatch)
    monkeypatch.setattr(work, "_store", lambda _: store)
    return lab


def run(lab):
    study = studies.transfer(lab)
    return lab.run(study.recipes, study.evaluations)


@pytest.fixture(scope="module")
def finished(shared, tmp_path_factory):
    """A store in which the third notebook has run under `keep: scores`; and the table."""
    root = tmp_path_factory.mktemp("kept") / "runs"
    shutil.copytree(shared.root, root)
    store = Store(root, shared.source)
    with pytest.MonkeyPatch.context() as patch:
        table = run(lab_in(store, patch))
    return store, table


@pytest.fixture
def lab(finished, tmp_path, monkeypatch):
    """The finished lab, for this test to go on with."""
    store, _ = finished
    shutil.copytree(store.root, tmp_path / "finished")
    return lab_in(Store(tmp_path / "finished", store.source), monkeypatch)


def leaf(lab):
    return lab.recipe("pos", target="xnli").seeded(0)


def weights(store, recipe):
    return {path.name for path in store.folder(recipe).rglob("*.safetensors")}


def test_of_a_run_that_nothing_builds_on_only_the_scores_stay(lab, finished):
    store, recipe = lab.store, leaf(lab)
    assert store.done(recipe) and not store.has_weights(recipe) and not weights(store, recipe)
    file = store.score_file(recipe, lab.evaluations("xnli")[0])
    assert store.record(recipe)["losses"] and len(predictions(file)) == 6
    assert store.has_weights(recipe.parent) and weights(store, recipe.parent) == {
        "model.safetensors",
        "pos.safetensors",
    }
    assert run(lab).equals(finished[1]) and InProcess.started == 0, "a table of finished runs trains nothing"


def test_without_it_all_weights_stay(store, monkeypatch):
    lab = lab_in(store, monkeypatch, resources={**DROPS, "keep": "runs"})
    assert len(run(lab)) == 6 and store.has_weights(leaf(lab))


def test_a_further_evaluation_trains_it_again_to_the_same_scores_and_says_so(lab, store, monkeypatch, capsys):
    before = lab.store.record(leaf(lab))
    scores = lab.run({"again": leaf(lab)}, [MORE])
    said = capsys.readouterr().out
    assert "1 finished run is trained again, as weights were dropped: xlmr-pos-mnli" in said
    assert not lab.store.has_weights(leaf(lab)), "dropped again, once that is evaluated"
    record = lab.store.record(leaf(lab))
    assert record["finished"] == before["finished"] and [set(one) for one in record["again"]] == [
        {"seconds", "finished", "code", "environment"}
    ]
    whole_runs = lab_in(store, monkeypatch, resources={**DROPS, "keep": "runs"})
    assert scores["value"].tolist() == whole_runs.run({"again": leaf(lab)}, [MORE])["value"].tolist()


def test_what_it_was_trained_again_on_stands_with_its_later_scores(lab):
    lab.run({"again": leaf(lab)}, [MORE])
    file = lab.store.folder(leaf(lab)) / "run.json"
    record = json.loads(file.read_text())
    record["again"][0]["environment"]["processor"] = "EPYC"
    file.write_text(json.dumps(record))
    lab._made.clear()
    assert lab.run({"again": leaf(lab)}, [MORE])["processor"].str.contains("EPYC").all()


def test_a_run_that_builds_on_it_trains_it_again_and_keeps_it(lab):
    later = leaf(lab).then(Stage(task="pos", steps=1, batch=4, max_length=32, seed=0))
    lab.run({"later": later})
    assert lab.store.has_weights(later) and lab.store.has_weights(leaf(lab))


def test_what_another_notebook_will_still_ask_keeps_the_weights(store, monkeypatch):
    """Seed 0 of the study's arm is the same run as a cell of the matrix: it goes when both have evaluated it."""
    study = {
        "question": "?", "targets": ["xnli"], "arms": {"none": []}, "conditions": {"typos": 0.5},
        "contrasts": [],
    }  # fmt: skip
    lab = lab_in(store, monkeypatch, studies={"s": study})
    direct = lab.recipe(target="xnli").seeded(0)
    run(lab)
    assert store.has_weights(direct) and not store.has_weights(leaf(lab))
    studies.planned(lab, "s").run(lab)
    assert not store.has_weights(direct)


def test_a_run_without_an_evaluation_and_one_that_is_built_on_are_no_ends(lab):
    recipe, evaluations = leaf(lab), lab.evaluations("xnli")
    asked = [("", 0, recipe, evaluations), ("", 0, recipe, [MORE]), ("", 0, recipe.parent, [MORE])]
    assert retention.ends(asked) == {recipe: [*evaluations, MORE]}
    assert retention.ends([("", 0, recipe, []), ("", 0, lab.recipe(), [MORE])]) == {}


def test_the_lab_that_does_not_know_the_notebooks_drops_nothing(store, monkeypatch):
    lab = lab_in(store, monkeypatch, kind=Lab)
    run(lab)
    assert store.has_weights(leaf(lab))


# interruptions and others at work -------------------------------------------------------------


def failing_at(monkeypatch, call):
    """Moving a folder fails the time of that number, as when the process is killed there."""
    real, calls = stores.os.rename, []

    def rename(*paths):
        calls.append(paths)
        if len(calls) == call:
            raise KeyboardInterrupt
        real(*paths)

    monkeypatch.setattr(stores.os, "rename", rename)


@pytest.mark.parametrize("call", [1, 2])
def test_dropping_that_is_interrupted_loses_nothing(lab, monkeypatch, call):
    lab.train_again(leaf(lab))
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        failing_at(patch, call)
        lab.store.drop_weights(leaf(lab))
    assert lab.store.has_weights(leaf(lab)) == (call == 1)
    assert lab.store.done(leaf(lab)) and lab.store.result(leaf(lab), lab.evaluations("xnli")[0])
    assert len(lab.run({"again": leaf(lab)}, [MORE])) == 1
    lab.store.drop_weights(leaf(lab))
    assert not weights(lab.store, leaf(lab))


@pytest.mark.parametrize("call", [2, 3])  # the first is that of the folder as a whole, which is there already
def test_putting_back_that_is_interrupted_loses_nothing(lab, monkeypatch, call):
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        failing_at(patch, call)
        work.execute(lab.store, Job(leaf(lab)), Resources())
    assert lab.store.done(leaf(lab)) and not lab.store.has_weights(leaf(lab))
    assert lab.store.result(leaf(lab), lab.evaluations("xnli")[0])
    lab.train_again(leaf(lab))
    assert lab.store.has_weights(leaf(lab)) and model.load(lab.store, leaf(lab))


def test_what_an_interrupted_grid_has_evaluated_is_dropped_by_the_next(lab):
    lab.train_again(leaf(lab))
    lab.run({"other": lab.recipe(target="xnli")}, [MORE])
    assert not lab.store.has_weights(leaf(lab))


def test_a_parent_that_another_grid_has_dropped_is_trained_by_the_job_that_needs_it(lab):
    later = leaf(lab).then(Stage(task="pos", steps=1, batch=4, max_length=32, seed=0))
    work.execute(lab.store, Job(later), Resources())  # planned when its parent had weights
    assert lab.store.has_weights(later)


def test_what_another_grid_has_evaluated_and_dropped_is_not_trained_again(lab, monkeypatch):
    monkeypatch.setattr(work, "_train", lambda *_: pytest.fail("trained"))
    work.execute(lab.store, Job(leaf(lab), tuple(lab.evaluations("xnli"))), Resources())


def test_below_a_whole_encoder_nothing_but_the_start_is_needed_and_below_an_adapter_its_parent(lab):
    store, recipe = lab.store, leaf(lab)
    adapter = recipe.parent.then(Stage(task="mnli", method="lora", seed=0))
    store.drop_weights(recipe.parent)
    assert store.lacking(adapter) == [recipe.parent, adapter]
    store.folder(recipe).joinpath("heads").mkdir()
    store.folder(recipe).joinpath("encoder").mkdir()
    assert store.lacking(recipe) == []
    shutil.rmtree(store.folder(lab.recipe()))
    assert store.lacking(recipe) == [lab.recipe()]


# what is said ---------------------------------------------------------------------------------


def test_loading_dropped_weights_says_where_and_how_to_get_them_back(lab):
    with pytest.raises(UserError) as error:
        model.load(lab.store, leaf(lab))
    told = str(error.value)
    assert f"no weights in {lab.store.folder(leaf(lab))}" in told and "resources.keep: scores" in told
    assert "lab.train_again(recipe)" in told and "\n" not in told
    lab.train_again(leaf(lab))
    assert model.load(lab.store, leaf(lab))
    with pytest.raises(UserError, match="run xlmr-xquad is not in .*has not been trained"):
        model.load(lab.store, lab.recipe().then(Stage(task="xquad", seed=0)))


def test_why_says_that_weights_were_dropped(lab, monkeypatch):
    monkeypatch.setattr(Lab, "from_params", lambda _: lab)
    (told,) = why.why("tiny", lab.store.folder(leaf(lab)).name)
    assert "is current" in told and "its weights were dropped (resources.keep: scores)" in told
    (told,) = why.why("tiny", lab.store.folder(leaf(lab).parent).name)
    assert "dropped" not in told


def test_the_plan_counts_what_stays_and_what_is_trained_again(lab, monkeypatch, capsys):
    beside = studies.intermediate(lab)  # the page shows which stages did not learn, too
    lab.run(beside.recipes, beside.evaluations)
    lab.store.score_file(leaf(lab), lab.evaluations("xnli")[0]).unlink()
    monkeypatch.setattr(Lab, "from_params", lambda *_, **__: lab)
    plan.print_plan("tiny", ["03_zero_shot_transfer"])
    told = capsys.readouterr().out
    assert "1 finished run is trained again, as weights were dropped: xlmr-pos-mnli" in told
    assert ", 0 MB of disk, without the weights of 1 run that nothing builds on, and up to " in told


def test_a_checkpoint_of_xlm_r_large_takes_nine_gigabytes_and_is_counted_twice(monkeypatch):
    monkeypatch.setattr(estimate, "shape", lambda _: rates.Shape(24, 1024, 250_002))
    recipe = Recipe(start=Encoder(model="large")).then(Stage(task="mnli", select="dev"))
    assert estimate.checkpoint_megabytes(recipe) == pytest.approx(9000, rel=0.05)
    last = recipe.model_copy(update={"stages": (Stage(task="mnli"),)})
    assert estimate.checkpoint_megabytes(last) == pytest.approx(6700, rel=0.05)
    frozen = recipe.model_copy(update={"stages": (Stage(task="mnli", frozen="embeddings"),)})
    assert estimate.checkpoint_megabytes(frozen) == pytest.approx(3 * 4 * 12 * 24 * 1024**2 / 1e6, rel=0.01)
    assert estimate.working_megabytes(recipe) == pytest.approx(2240 + 2 * 9000, rel=0.05)


def test_a_run_that_finds_too_little_room_says_how_much_it_needs(store, start, monkeypatch):
    recipe = start.then(Stage(task="mnli", steps=1, batch=4, seed=0))
    monkeypatch.setattr(work.shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(0, 0, 1000))
    monkeypatch.setattr(work, "_store", lambda _: store)
    told = work.work("", Job(recipe), Resources())
    assert told.ends == "all" and told.message.startswith("the disk is full; free some space and run again: xlmr-mnli")
    assert "for a checkpoint and the one that replaces it), 0 MB are free" in told.message
