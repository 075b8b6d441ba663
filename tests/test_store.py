"""The store: nothing half done is ever seen, and `why` says what changed."""

import json
import shutil
from dataclasses import replace

import pytest
import torch
from conftest import SIZES

from xlt.core.errors import UserError
from xlt.data import store as stores
from xlt.data.store import Store, predictions
from xlt.lab import studies
from xlt.lab.jobs import Job
from xlt.lab.why import why
from xlt.lab.work import execute
from xlt.perturb import PERTURBATIONS
from xlt.spec.identity import digest
from xlt.spec.profile import Resources
from xlt.spec.recipe import Encoder, Evaluation, Recipe
from xlt.spec.stage import Stage


class Elsewhere:
    def identity(self, task, code, split):
        return {"dataset": task.dataset, "config": code, "split": split}


RECIPE = Recipe(start=Encoder(text="text", languages=("en",))).then(Stage(task="mnli", seed=0))


@pytest.fixture
def empty(tmp_path):
    return Store(tmp_path / "runs", Elsewhere())


def make(store, recipe=RECIPE, mark="first"):
    with store.creating(recipe) as folder:
        (folder / "mark").write_text(mark)
        for name in ("encoder", "heads"):
            (folder / name).mkdir()
        (folder / "run.json").write_text(json.dumps({"key": store.key(recipe)}))


def test_a_run_is_done_when_the_block_ends(empty):
    with empty.creating(RECIPE) as folder:
        (folder / "run.json").write_text("{}")
        assert not empty.done(RECIPE)
    assert empty.done(RECIPE) and empty.record(RECIPE) == {}


def test_an_error_on_the_way_leaves_nothing(empty):
    with pytest.raises(ValueError), empty.creating(RECIPE) as folder:
        (folder / "run.json").write_text("{}")
        raise ValueError
    assert not empty.done(RECIPE) and list(empty.root.iterdir()) == []


def test_ctrl_c_on_the_way_leaves_nothing(empty):
    with pytest.raises(KeyboardInterrupt), empty.creating(RECIPE):
        raise KeyboardInterrupt
    assert list(empty.root.iterdir()) == []


def test_of_two_that_make_the_same_run_the_first_wins(empty):
    with empty.creating(RECIPE) as folder:
        (folder / "run.json").write_text("{}")
        make(empty, mark="second began later but ended first")
    assert (empty.folder(RECIPE) / "mark").read_text().startswith("second")
    assert [path.name for path in empty.root.iterdir()] == [empty.folder(RECIPE).name]


def test_the_remains_of_a_run_are_replaced(empty):
    make(empty)
    (empty.folder(RECIPE) / "run.json").unlink()
    make(empty, mark="again")
    assert empty.done(RECIPE) and (empty.folder(RECIPE) / "mark").read_text() == "again"


def test_a_folder_that_cannot_be_renamed_is_an_error(empty, monkeypatch):
    def refuse(*_):
        raise PermissionError

    monkeypatch.setattr(stores.os, "rename", refuse)
    with pytest.raises(PermissionError):
        make(empty)


def test_the_folder_tells_the_stages(empty):
    assert empty.folder(RECIPE).name == f"xlmr-mnli-{empty.id(RECIPE)}"
    long = Recipe(start=RECIPE.start, stages=RECIPE.stages * 60)
    assert len(empty.folder(long).name) < 100


def test_a_change_of_the_loss_names_anew_only_the_runs_that_learn_otherwise(empty):
    """Spans, whose padding was once a candidate, and updates in parts, whose labels did not count alike."""

    def loss(**fields):
        return empty.key(Recipe(start=RECIPE.start).then(Stage(seed=0, **fields))).get("loss")

    assert loss(task="mnli") is loss(task="udpos") is loss(task="text") is None
    assert loss(task="xquad") == loss(task="mnli", accumulate=2) == stores.LOSS
    assert loss(task="mnli", also=[{"task": "squad"}]) == stores.LOSS


def test_predictions_are_kept_and_readable(empty):
    make(empty)
    evaluation, examples = (
        Evaluation(task="xnli", language="zh"),
        [{"gold": "北京\u2028", "score": 0.5}, {"gold": "\n"}],
    )
    empty.save_scores(RECIPE, evaluation, {"metrics": {"accuracy": 0.5}}, examples)
    file = empty.score_file(RECIPE, evaluation)
    assert json.loads(file.read_text()) == {"metrics": {"accuracy": 0.5}}
    assert predictions(file) == examples
    assert sorted(path.suffix for path in file.parent.iterdir()) == [".gz", ".json"]


def test_the_same_predictions_are_the_same_bytes(empty):
    make(empty)
    evaluation = Evaluation(task="xnli")
    packed = empty.score_file(RECIPE, evaluation).with_suffix(".predictions.jsonl.gz")
    contents = set()
    for _ in range(2):
        empty.save_scores(RECIPE, evaluation, {}, [{"gold": 1}])
        contents.add(packed.read_bytes())
    assert len(contents) == 1


def test_scores_that_could_not_be_written_do_not_count(empty, monkeypatch):
    make(empty)
    monkeypatch.setattr(stores.gzip, "compress", lambda *_, **__: (_ for _ in ()).throw(OSError(28, "full")))
    with pytest.raises(OSError):
        empty.save_scores(RECIPE, Evaluation(task="xnli"), {}, [{"gold": 1}])
    assert not empty.score_file(RECIPE, Evaluation(task="xnli")).exists()


# why ------------------------------------------------------------------------------------------

PROFILE = f"""
description: for why
data: {{source: world, world: {{sizes: {json.dumps(SIZES)}}}}}
languages: [en, de]
encoder: {{layers: 1, width: 32, heads: 2, vocabulary: 300, text: text, languages: [en, de]}}
seeds: 1
training: {{lr: 1.0e-3}}
intermediate: {{mnli: {{batch: 4}}}}
target: {{xnli: {{batch: 4}}}}
"""


@pytest.fixture
def lab(tmp_path, monkeypatch, places):
    """A lab whose runs are marked as done without any training; `lab.path` is its profile."""
    from xlt.lab.lab import Lab

    for world in (places / "cache").glob("world-*"):
        (tmp_path / "cache").mkdir(exist_ok=True)
        shutil.copytree(world, tmp_path / "cache" / world.name)
    monkeypatch.setenv("XLT_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "mine.yaml"
    path.write_text(PROFILE)
    lab = Lab.from_params(str(path))
    for recipe in studies.all_recipes(lab):
        make(lab.store, recipe)
    lab.path = path
    return lab


def full(lab):
    return lab.recipe("mnli", target="xnli").seeded(0)


def test_why_current(lab):
    name = lab.store.folder(full(lab)).name
    assert why(str(lab.path), name) == [f"{name} is current: profile {lab.path} uses it as it is"]


def test_why_names_the_table_under_a_stale_score(lab, monkeypatch):
    recipe, store = full(lab), lab.store
    for fields in ({}, {"perturbation": "keyboard"}, {"perturbation": "swap"}):
        asked = Evaluation(task="xnli", language="de", **fields)
        (store.folder(recipe) / "scores").mkdir(exist_ok=True)
        store.save_scores(recipe, asked, {"key": store.evaluation_key(recipe, asked)}, [])
    name = store.folder(recipe).name
    assert why(str(lab.path), name) == [f"{name} is current: profile {lab.path} uses it as it is"]
    keyboard = PERTURBATIONS["keyboard"]
    monkeypatch.setitem(
        PERTURBATIONS, "keyboard", replace(keyboard, tables={"keyboards.yaml": lambda language: "another"})
    )
    head, change = why(str(lab.path), name)
    assert head == f"{name} is current, but these of its scores are stale:"
    was, now = (digest(content("de")) for content in (keyboard.tables["keyboards.yaml"], lambda _: "another"))
    assert change == (f'  xnli in de under keyboard: perturbation.tables.keyboards.yaml: was "{was}", is now "{now}"')
    asked = Evaluation(task="xnli", language="de", perturbation="keyboard")
    store.look_again()  # as before every run
    store.save_scores(recipe, asked, {"key": store.evaluation_key(recipe, asked)}, [])
    assert "is current: profile" in why(str(lab.path), name)[0], "made again"


def test_why_passes_over_scores_of_tasks_that_the_profile_does_not_know(lab):
    recipe = full(lab)
    (lab.store.folder(recipe) / "scores").mkdir()
    file = lab.store.folder(recipe) / "scores/moods-en-0123456789ab.json"
    file.write_text(json.dumps({"key": {"evaluation": {"task": "moods"}}}))
    assert "is current: profile" in why(str(lab.path), file.parent.parent.name)[0]


def test_why_names_the_field_that_changed(lab):
    name = lab.store.folder(full(lab)).name
    lab.path.write_text(PROFILE.replace("xnli: {batch: 4}", "xnli: {batch: 8}"))
    assert why(str(lab.path), name) == [f"{name} is stale:", "  stage.batch: was 4, is now 8"]


def test_why_follows_the_parents(lab):
    """Only mnli changed; the run above it says so itself, not "its parent was another"."""
    name = lab.store.folder(full(lab)).name
    lab.path.write_text(PROFILE.replace("mnli: {batch: 4}", "mnli: {batch: 8}"))
    assert why(str(lab.path), name) == [f"{name} is stale:", "  in xlmr-mnli: stage.batch: was 4, is now 8"]


def test_why_follows_up_to_the_start_and_names_a_default(lab):
    name = lab.store.folder(full(lab)).name
    lab.path.write_text(
        PROFILE.replace("vocabulary: 300", "vocabulary: 301").replace("batch: 4", "batch: 4, warmup: 0.2")
    )
    found = why(str(lab.path), name)
    assert "  in xlmr: encoder.vocabulary: was 300, is now 301" in found
    assert '  in xlmr-mnli: stage.warmup: was "(default)", is now 0.2' in found
    assert '  stage.warmup: was "(default)", is now 0.2' in found
    assert len(found) == 4


def test_why_says_the_parent_when_that_is_gone(lab):
    name = lab.store.folder(full(lab)).name
    shutil.rmtree(lab.store.folder(full(lab).parent))
    lab.path.write_text(PROFILE.replace("mnli: {batch: 4}", "mnli: {batch: 8}"))
    found = why(str(lab.path), name)
    assert len(found) == 2 and found[1].startswith("  parent: was ")


def test_why_of_a_run_that_no_recipe_makes(lab):
    name = lab.store.folder(full(lab)).name
    lab.path.write_text(PROFILE.replace("mnli: {batch: 4}", "pos: {batch: 4}"))
    assert why(str(lab.path), name)[0].startswith(f"{name} is of no use to profile")


def test_why_of_an_unknown_run_proposes_one(lab):
    name = lab.store.folder(full(lab)).name
    with pytest.raises(UserError, match=f"unknown run .*; did you mean .*{name}"):
        why(str(lab.path), name[:-1] + "z")


def test_why_of_a_name_tells_of_the_runs_that_the_profile_uses(lab):
    """Whatever runs of that name other settings have left: their ids are drawn by lot."""
    name, run = full(lab).name, lab.store.folder(full(lab))
    for other in ("000000000000", "ffffffffffff"):
        shutil.copytree(run, run.with_name(f"{name}-{other}"))
    told = [f"{run.name} is current: profile {lab.path} uses it as it is"]
    assert why(str(lab.path), name) == why(str(lab.path), name[1:]) == why(str(lab.path), run.name[-12:]) == told
    lab.path.write_text(PROFILE.replace("xnli: {batch: 4}", "xnli: {batch: 8}"))
    stale = [line for line in why(str(lab.path), name) if not line.startswith(" ")]
    assert stale == [f"{folder} is stale:" for folder in sorted([run.name, f"{name}-{'0' * 12}", f"{name}-{'f' * 12}"])]


def test_why_of_what_several_runs_are_called_in_part_names_them(lab):
    with pytest.raises(
        UserError, match="^'mnli' is a part of the names of several runs: xlmr-mnli, xlmr-mnli-mnli; give"
    ):
        why(str(lab.path), "mnli")
    assert why(str(lab.path), "xlmr-mnli")[0].startswith(f"{lab.store.folder(full(lab).parent).name} is current")
    with pytest.raises(UserError, match="^unknown run ''; known: xlmr-"):
        why(str(lab.path), "")


def test_why_does_not_read_runs_in_the_making(lab):
    (lab.store.root / ".making-abc").mkdir()
    (lab.store.root / ".making-abc" / "run.json").write_text('{"half')
    assert why(str(lab.path), "xlmr-mnli-mnli")


def test_a_real_run_records_what_it_cost_and_what_made_it(store, start):
    recipe = start.then(Stage(task="mnli", steps=1, batch=4, max_length=32, seed=0))
    execute(store, Job(recipe), Resources())
    record = store.record(recipe)
    assert record["key"] == store.key(recipe) and Recipe(**record["recipe"]) == recipe
    assert record["steps"] == 1 and record["seconds"] > 0 and record["parameters"] == record["trainable"] > 0
    assert record["environment"]["device"] == "cpu" and {"code", "finished", "peak_mb", "losses"} <= set(record)
    made = {name: record["environment"][name] for name in ("processor", "instructions", "threads", "system")}
    assert made["threads"] == torch.get_num_threads() and all(made.values())
    assert made["instructions"].startswith(torch.backends.cpu.get_cpu_capability())
