"""The lab from end to end on a tiny world: what runs, what does not run again, what is said when runs fail."""

import json
import os
import shutil

import pandas as pd
import pytest
from conftest import InProcess, lab_of, tiny

from xlt.core import paths, provenance
from xlt.core.errors import UserError
from xlt.data.store import Store
from xlt.lab import cluster, engine
from xlt.lab.lab import Lab
from xlt.report import summary
from xlt.spec import tasks
from xlt.spec.recipe import Evaluation, Recipe
from xlt.spec.stage import Part, Stage
from xlt.spec.study import takes
from xlt.spec.trained import Sources

COLUMNS = {
    "recipe", "intermediate", "target", "pretrained", "seed", "task", "language", "perturbation", "metric", "value",
    "main", "n", "split", "limit", "layer", "changed", "trained_last", "run", "source", "task_version", "data",
    "seconds", "finished", "commit", "dirty", "device", "precision", "processor", "instructions", "threads",
    "torch_version", "transformers_version",
}  # fmt: skip


@pytest.fixture
def lab(places, store, monkeypatch):
    """A lab whose runs take place in this process, in a store of this test."""
    return lab_of(store, monkeypatch)


def two(lab):
    return {"direct": lab.recipe(target="xnli"), "mnli": lab.recipe("mnli", target="xnli")}


def trained(store):
    """Seconds since when of each stored run: which were made anew shows."""
    return {path.parent.name: path.stat().st_mtime_ns for path in store.root.glob("*/run.json")}


@pytest.fixture(scope="module")
def finished(shared, tmp_path_factory):
    """A store in which the two recipes are done; and the table of their scores."""
    root = tmp_path_factory.mktemp("finished") / "runs"
    shutil.copytree(shared.root, root)
    store = Store(root, shared.source)
    with pytest.MonkeyPatch.context() as patch:
        made = lab_of(store, patch)
        scores = made.run(two(made), made.evaluations("xnli"))
    return store, scores


@pytest.fixture
def done(finished, tmp_path, monkeypatch):
    """The finished lab, for this test to spoil."""
    store, _ = finished
    shutil.copytree(store.root, tmp_path / "done")
    return lab_of(Store(tmp_path / "done", store.source), monkeypatch)


# the table ------------------------------------------------------------------------------------


def test_one_row_for_each_recipe_seed_language_and_metric(finished):
    _, scores = finished
    assert set(scores.columns) >= COLUMNS
    keys = ["recipe", "seed", "language", "metric"]
    assert len(scores) == 2 * 2 * 3 and not scores.duplicated(keys).any()
    assert (
        set(scores.language) == {"en", "de", "zh"} and set(scores.seed) == {0, 1} and set(scores.metric) == {"accuracy"}
    )


def test_the_rows_say_where_they_come_from(finished):
    store, scores = finished
    assert dict(scores[["recipe", "intermediate"]].drop_duplicates().values) == {"direct": "none", "mnli": "mnli"}
    assert scores.main.all() and not scores.pretrained.any() and (scores.n == 6).all()
    stored = {name.rsplit("-", 1)[1] for name in trained(store)}
    assert set(scores.run) <= stored and scores.run.nunique() == 4
    assert scores.same_task.equals(scores.recipe == "mnli")
    assert (
        scores.value.between(0, 1).all()
        and scores[list(COLUMNS - {"limit", "layer", "changed", "commit", "dirty"})].notna().all().all()
    )


def test_rows_and_summary_say_on_what_all_behind_them_was_made(done, monkeypatch, tmp_path):
    """A run that was trained on another machine, or before that was recorded, shows in all that rests on it."""
    recipe = done.recipe("mnli", target="xnli").seeded(1)
    for step, made in ((recipe.parent, {"processor": "EPYC", "threads": 4}), (recipe, {"threads": 4})):
        file = done.store.folder(step) / "run.json"
        record = json.loads(file.read_text())
        environment = {
            name: record["environment"][name] for name in ("packages", "device", "precision", "instructions")
        }
        file.write_text(json.dumps(record | {"environment": environment | made}))
    scores = done.run(two(done), done.evaluations("xnli"))
    here = provenance.processor()
    told = scores.groupby(["recipe", "seed"])["processor"].unique().map(" | ".join).to_dict()
    assert told == {  # direct fine-tuning for XNLI is the same run as the stage of MNLI before it
        ("direct", 0): here, ("mnli", 0): here, ("direct", 1): f"{here} + EPYC",
        ("mnli", 1): f"{here} + EPYC + not recorded",
    }  # fmt: skip
    assert set(scores[scores["seed"] == 0]["threads"]) == {"1"}
    monkeypatch.setenv("XLT_REPORTS", str(tmp_path))
    summary.save_summary(done, "t")
    told = json.loads((tmp_path / "tiny/summary.json").read_text())["provenance"]
    assert set(told["processor"].split(" + ")) == {here, "EPYC", "not recorded"}
    assert told["threads"] == "1 + 4" and told["instruction set"] == provenance.instructions()
    assert summary.about(done).loc["processor", ""] == here


def test_several_metrics_give_several_rows(lab):
    scores = lab.run({"pos": lab.recipe(target="udpos")}, lab.evaluations("udpos", languages=["de"]), seeds=1)
    assert scores[["metric", "main"]].values.tolist() == [["chunk_f1", True], ["token_accuracy", False]]


def test_retrieval_is_scored_on_encoders_only(lab):
    scores = lab.run({"none": lab.recipe(), **two(lab)}, lab.evaluations("tatoeba"), seeds=1)
    assert set(scores.recipe) == {"none"} and set(scores.language) == {"de", "zh"}
    assert set(scores.metric) == {"accuracy_en_to_xx", "accuracy_xx_to_en"}


def test_nothing_asked_is_an_empty_table(lab, in_process):
    assert lab.run({}).empty and isinstance(lab.run({}), pd.DataFrame)
    assert InProcess.started == 0


def test_evaluations_may_come_from_a_generator(lab):
    scores = lab.run(two(lab), (e for e in lab.evaluations("xnli", languages=iter(["de"]))), seeds=1)
    assert len(scores) == 2


# once and not again ---------------------------------------------------------------------------


def test_an_open_lab_looks_again_at_what_its_runs_are(done, finished):
    recipe = two(done)["mnli"].seeded(0)
    known = done.store.id(recipe)
    done.store._ids[recipe] = "of weights or records that have changed"
    done.run(two(done), done.evaluations("xnli"))
    assert done.store.id(recipe) == known and InProcess.started == 0


def test_the_second_call_runs_nothing(done, finished):
    before = trained(done.store)
    again = done.run(two(done), done.evaluations("xnli"))
    assert InProcess.started == 0 and trained(done.store) == before
    pd.testing.assert_frame_equal(again, finished[1])


def test_a_deleted_score_alone_is_made_again(done, finished):
    before = trained(done.store)
    recipe, evaluation = two(done)["mnli"].seeded(1), done.evaluations("xnli")[1]
    lost, kept = done.store.score_file(recipe, evaluation), done.store.score_file(recipe, done.evaluations("xnli")[0])
    stamp = kept.stat().st_mtime_ns
    lost.unlink()
    (job,) = done.jobs(two(done), done.evaluations("xnli"))
    assert (job.recipe, job.evaluations) == (recipe, (evaluation,))
    again = done.run(two(done), done.evaluations("xnli"))
    assert trained(done.store) == before and kept.stat().st_mtime_ns == stamp
    pd.testing.assert_series_equal(again.value, finished[1].value)


def test_a_deleted_run_is_made_again_with_the_same_scores(done, finished):
    before = trained(done.store)
    folder = done.store.folder(two(done)["direct"].seeded(0))
    shutil.rmtree(folder)
    again = done.run(two(done), done.evaluations("xnli"))
    after = trained(done.store)
    assert [name for name in before if after[name] != before[name]] == [folder.name]
    pd.testing.assert_series_equal(again.value, finished[1].value)


def test_one_more_language_is_evaluated_without_training(done):
    before = trained(done.store)
    scores = done.run(two(done), [Evaluation(task="xnli", language="de", max_length=32)])
    assert len(scores) == 4 and trained(done.store) == before


# jobs -----------------------------------------------------------------------------------------


def test_a_shared_prefix_is_one_job(lab):
    recipes = {f"{i}": lab.recipe("mnli", target=t) for i, t in enumerate(("xnli", "udpos", "xquad"))}
    names = [job.recipe.name for job in lab.jobs(recipes, lab.evaluations("xnli"))]
    assert names.count("xlmr-mnli") == 2 and len(names) == 2 + 2 * 3  # for each seed; the start is done


def test_the_same_run_under_two_labels_is_one_job(lab):
    jobs = lab.jobs({"one": lab.recipe(target="xnli"), "two": lab.recipe(target="xnli")}, lab.evaluations("xnli"))
    assert len(jobs) == 2


def test_the_same_run_in_two_roles_is_one_job(lab):
    """A role is a label: two workers must not train the same thing at the same time."""
    stage = Stage(task="mnli", steps=1, batch=4, max_length=32)
    one, other = (lab.recipe().then(stage.model_copy(update={"role": role})) for role in ("intermediate", "target"))
    jobs = lab.jobs({"one": one, "other": other, "more": one.then(stage)}, [Evaluation(task="mnli", split="dev")])
    ids = [lab.store.id(job.recipe) for job in jobs]
    assert len(ids) == len(set(ids)) == 4
    scores = lab.run({"one": one, "other": other, "more": one.then(stage)}, [Evaluation(task="mnli", split="dev")])
    assert scores.groupby("recipe").size().to_dict() == {"one": 2, "other": 2, "more": 2}


def test_parents_come_first(lab):
    depth = [len(job.recipe.stages) for job in lab.jobs({"x": lab.recipe("mnli", "pos", target="xnli")})]
    assert depth == sorted(depth)


def test_a_recipe_with_all_seeds_given_runs_once(lab):
    fixed = lab.recipe().then(Stage(task="xnli", seed=7))
    assert [(label, seed) for label, seed, _ in lab.expand({"a": fixed, "b": lab.recipe()}, 3)] == [("a", 0), ("b", 0)]
    assert len(lab.expand(two(lab), 3)) == 6


@pytest.mark.parametrize(
    ("stages", "task", "fits"),
    [
        ([], "xnli test", False), ([], "tatoeba test", True), (["mnli i"], "mnli dev", True),
        (["mnli i"], "mnli test", False), (["mnli i"], "xnli test", False), (["mnli i"], "tatoeba test", True),
        (["mnli i", "mnli t"], "xnli test", True), (["squad i", "mnli t"], "xnli test", True),
        (["mnli t"], "tatoeba test", False), (["squad t"], "mlqa test", True), (["squad t"], "xquad test", True),
        (["squad t"], "xnli test", False), (["pos i"], "udpos test", False), (["mnli i"], "squad dev", False),
    ],
)  # fmt: skip
def test_which_recipe_takes_which_evaluation(start, stages, task, fits):
    role, (task, split) = {"i": "intermediate", "t": "target"}, task.split()
    recipe = start.then(*(Stage(task=name.split()[0], role=role[name.split()[1]]) for name in stages))
    assert takes(recipe, Evaluation(task=task, split=split)) is fits


def test_a_multi_task_stage_is_evaluated_on_each_of_its_tasks(start):
    recipe = start.then(Stage(task="mnli", also=(Part(task="squad"),), role="intermediate"))
    assert all(takes(recipe, Evaluation(task=task, split="dev")) for task in ("mnli", "squad"))
    assert not takes(recipe, Evaluation(task="pos", split="dev"))


def test_recipes_of_the_profile(places):
    lab = Lab(tiny(pretraining={"task": "text", "steps": 1}))
    recipe = lab.recipe("mnli", "pos", target="xnli")
    assert [(s.task, s.role) for s in recipe.stages] == [
        ("text", "pretraining"), ("mnli", "intermediate"), ("pos", "intermediate"), ("mnli", "target"),
    ]  # fmt: skip
    assert lab.recipe(target="tatoeba") == lab.recipe()
    assert lab.recipe(pretrained=False).stages == ()
    with pytest.raises(UserError, match="unknown intermediate task 'mnly' in profile tiny; did you mean mnli?"):
        lab.recipe("mnly")


def test_languages_of_the_lab(places):
    lab = Lab(tiny(languages=("zh", "de", "en")))
    assert lab.languages("xnli") == ["en", "zh", "de"]
    assert lab.missing("xnli") == []
    assert lab.languages("tatoeba") == ["zh", "de"]
    with pytest.raises(UserError, match="unknown language 'deee'"):
        lab.evaluations("xnli", languages=["deee"])


def test_xtremes_languages_are_evaluated_unless_the_profile_names_others(places, monkeypatch):
    """As on the hub: an average over those that XTREME-R adds besides would be over neither benchmark's list."""
    lab, both = Lab(tiny()), tasks.get("panx").everywhere
    monkeypatch.setattr("xlt.data.sources.Source.languages", lambda *_: both)
    lab.sources = Sources(lab.profile.model_copy(update={"languages": ()}))
    assert set(lab.languages("panx")) == set(tasks.get("panx").languages) < set(both)
    assert lab.missing("panx") == []
    lab.sources = Sources(lab.profile.model_copy(update={"languages": ("uk", "en")}))
    assert lab.languages("panx") == ["en", "uk"]


# failures -------------------------------------------------------------------------------------


def test_a_failing_run_is_reported_at_the_end_and_the_others_finish(lab):
    diverging = lab.profile.stage("mnli", "intermediate").model_copy(update={"lr": 1e30, "steps": 5})
    bad = lab.recipe().then(diverging, lab.profile.stage("xnli", "target"))
    with pytest.raises(UserError) as error:
        lab.run({"bad": bad, **two(lab)}, lab.evaluations("xnli"), seeds=1)
    said = str(error.value)
    assert said.startswith("run xlmr-mnli failed: mnli: the loss is no longer finite")
    assert "1 run after them did not start" in said and "run again to go on" in said and "\n" not in said
    assert len(lab.run(two(lab), lab.evaluations("xnli"), seeds=1)) == 6
    assert InProcess.started == 1


def test_ctrl_c_leaves_a_store_that_goes_on(lab, monkeypatch):
    calls, whole = [], engine.work

    def interrupted(*arguments):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return whole(*arguments)

    monkeypatch.setattr(engine, "work", interrupted)
    with pytest.raises(KeyboardInterrupt):
        lab.run(two(lab), lab.evaluations("xnli"), seeds=1)
    before = trained(lab.store)
    assert len(before) == 2  # the start and the first run
    monkeypatch.setattr(engine, "work", whole)
    assert len(lab.run(two(lab), lab.evaluations("xnli"), seeds=1)) == 6
    assert before.items() <= trained(lab.store).items()


def test_bad_input_is_refused_before_anything_runs(lab):
    recipes = two(lab) | {"german": lab.recipe().then(Stage(task="mnli", languages=("de",)))}
    with pytest.raises(UserError, match="only in en, not in de"):
        lab.run(recipes, lab.evaluations("xnli"))
    assert InProcess.started == 0


# telling --------------------------------------------------------------------------------------


def test_costs_of_the_runs_behind_each_recipe(done):
    runs = done.runs(two(done), seeds=1)
    assert runs[runs.recipe == "mnli"].name.tolist() == ["xlmr-mnli-mnli", "xlmr-mnli", "xlmr"]
    assert runs[runs.recipe == "mnli"].kind.tolist() == ["target", "intermediate", "start"]
    assert runs.seconds.ge(0).all() and runs.steps.max() == 2
    scores = done.run(two(done), done.evaluations("xnli"), seeds=1)
    spent = scores.groupby("run")["seconds"].sum()
    evaluated = runs[runs.kind == "target"].set_index("run")["evaluating"]
    pd.testing.assert_series_equal(evaluated.sort_index(), spent, check_names=False)
    assert runs[runs.kind == "start"].evaluating.eq(0).all()


def test_what_another_notebook_evaluated_costs_this_one_nothing(done):
    english = done.evaluations("xnli", languages=["en"])
    scores = done.run(two(done), english, seeds=1)
    runs = done.runs(two(done), english, seeds=1)
    runs = runs[runs.kind == "target"].set_index("run")["evaluating"]
    pd.testing.assert_series_equal(runs.sort_index(), scores.groupby("run")["seconds"].max(), check_names=False)
    assert (runs < done.runs(two(done), seeds=1).groupby("run")["evaluating"].max()[runs.index]).all()


def test_losses_of_a_run(done):
    losses = done.losses(two(done)["direct"].seeded(0))
    assert losses.columns.tolist() == ["step", "loss"] and losses.step.tolist() == [1, 2]


def test_runs_in_worker_processes_end_to_end(tmp_path, monkeypatch, places):
    """With real processes: the only test that pays for starting one."""
    shutil.copytree(places / "cache", tmp_path / "cache", ignore=shutil.ignore_patterns("runs"))
    monkeypatch.setenv("XLT_CACHE", str(tmp_path / "cache"))
    lab = Lab(tiny(seeds=1))
    try:
        scores = lab.run({"direct": lab.recipe(target="xnli")}, lab.evaluations("xnli"))
    finally:
        cluster.close()
    assert set(scores.language) == {"en", "de", "zh"}
    assert sorted(path.name.rsplit("-", 1)[0] for path in (paths.cache_root() / "runs").iterdir()) == [
        "xlmr", "xlmr-mnli",
    ]  # fmt: skip
    monkeypatch.setattr(cluster, "client", lambda *_: pytest.fail("started workers"))
    assert lab.run({"direct": lab.recipe(target="xnli")}, lab.evaluations("xnli")).equals(scores)
    assert not os.environ.get("XLT_HUB_ROOT") and isinstance(lab.recipe(), Recipe)


def test_stored_only_starts_nothing(places, monkeypatch, capsys):
    monkeypatch.setenv("XLT_STORED_ONLY", "1")
    monkeypatch.setattr(engine, "run", lambda *_: pytest.fail("a run was started"))
    lab = Lab(tiny(seeds=2))
    assert lab.run({"mnli": lab.recipe("mnli", target="xnli")}, lab.evaluations("xnli")).empty
    assert "not started" in capsys.readouterr().out


def test_learning_from_a_translation_of_the_targets_data_is_learning_from_those_data():
    from xlt.spec.recipe import Encoder, Recipe
    from xlt.spec.stage import Stage
    from xlt.spec.trained import same_task

    def after(task):
        return Recipe(start=Encoder(model="m"), stages=(Stage(task=task, role="intermediate"),))

    xnli = tasks.get("xnli")
    marked = [
        task
        for task in ("mnli", "mnli-translated", "xnli-translated", "anli-plus", "snli", "qqp")
        if same_task(after(task), xnli)
    ]
    assert marked == ["mnli", "mnli-translated", "xnli-translated", "anli-plus"]
