"""Training regimes: mixtures, heads, mixed languages, the shuffled control, choice of the checkpoint."""

import copy
import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
import torch
from conftest import tiny
from datasets import Dataset
from safetensors.torch import load_file
from test_train import ALWAYS, finish, interrupt, weights

from xlt.core.errors import UserError
from xlt.data import label_shuffle
from xlt.data.sources import Source
from xlt.data.store import Store
from xlt.evaluation.evaluate import evaluate
from xlt.lab import estimate, validate
from xlt.lab.jobs import Job
from xlt.lab.lengths import USUAL, reading
from xlt.lab.work import execute
from xlt.models import mixture, model, resume, train
from xlt.models.encoder import encoder_of, tokenizer_of
from xlt.models.selection import CheckpointSelector, _checked
from xlt.spec import stage_rules, tasks
from xlt.spec.profile import Profile, Resources
from xlt.spec.recipe import Encoder, Evaluation, Recipe
from xlt.spec.stage import Part, Stage

POS, TEXT = Part(task="pos"), Part(task="text", languages=("en", "de"), share=0.5)


def stage(task="mnli", **fields):
    base = {"steps": 6, "batch": 4, "lr": 1e-3, "max_length": 40, "stride": 12, "seed": 0}
    return Stage(task=task, **(base | fields))


@pytest.fixture
def twin(store, tmp_path):
    """A second store with the same start."""
    shutil.copytree(store.root, tmp_path / "twin")
    return Store(tmp_path / "twin", store.source)


# whose turn it is -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "shares"),
    [
        ({}, [0.75, 0.25]),
        ({"mixing": "uniform"}, [0.5, 0.5]),
        ({"mixing": "capped", "cap": 600}, [0.6, 0.4]),
    ],
    ids=lambda x: x.get("mixing", "proportional") if isinstance(x, dict) else "",
)
def test_shares_by_hand(fields, shares):
    """1,200 and 400 records."""
    assert stage(also=[POS], **fields).batch_shares([1200, 400]) == pytest.approx(shares)


def test_a_fixed_share_leaves_the_rest_to_the_others():
    some = stage(also=[POS, TEXT], mixing="uniform")
    assert some.batch_shares([900, 100, 10**6]) == pytest.approx([0.25, 0.25, 0.5])


def test_epochs_count_all_records_but_those_with_a_share_come_on_top():
    some = {"steps": None, "epochs": 2, "batch": 10}
    assert stage(**some).updates([100]) == 20
    assert stage(also=[POS], **some).updates([100, 55]) == 32  # the 55 are six batches a pass
    assert stage(also=[TEXT], **some).updates([100, 10**6]) == 40
    assert stage(also=[TEXT]).updates([100, 10**6]) == 6


def test_turns_follow_the_shares(store, start):
    recipe = start.then(stage(steps=2000, also=[POS, Part(task="text", share=0.2)]))
    mixed = mixture.Mixture(store, recipe.stages[-1], tokenizer_of(store, recipe))
    assert mixed.records == [24, 16, 60]
    counts = mixed.updates(2000)
    assert [counts[name] / 2000 for name in ("mnli", "pos", "text")] == pytest.approx([0.48, 0.32, 0.2], abs=0.03)
    turns = [task for task, _ in mixed]
    assert {name: turns.count(name) for name in counts} == counts


def test_every_record_of_every_task_once_an_epoch(store, start):
    recipe = start.then(stage(steps=40, accumulate=2, also=[POS]))
    mixed = mixture.Mixture(store, recipe.stages[-1], tokenizer_of(store, recipe))
    seen = {"mnli": [], "pos": []}
    for task, update in mixed:
        seen[task] += [json.dumps(row["input_ids"].tolist()) for row in update]
    for place, task in enumerate(seen):
        every = sorted(json.dumps(row["input_ids"].tolist()) for row in mixed.features[place])
        assert sorted(seen[task][: len(every)]) == every


def test_the_plan_counts_the_same_updates(store, start):
    some = stage(steps=None, epochs=3, languages=("en",), also=[Part(task="text", languages=("en", "de"))])
    assert estimate.records(store, some) == [24, 120]
    execute(store, Job(recipe := start.then(some)), Resources())
    assert store.record(recipe)["steps"] == some.updates(estimate.records(store, some)) == 108


@pytest.mark.parametrize("task", ["copa", "squad", "tatoeba"])
def test_the_plan_knows_every_family(world, task):
    usual, made = USUAL[tasks.get(task).family]
    assert reading(world, task, 512, 128).length == made, "whatever is declared of public records"
    assert reading(Source(None), task, 512, 128).length == pytest.approx(tasks.get(task).subwords or usual)


# one encoder, a head for each task ------------------------------------------------------------


def head(store, recipe, task):
    return load_file(store.folder(recipe) / "heads" / f"{task}.safetensors")


@pytest.mark.parametrize("fields", [{}, {"method": "lora"}])
def test_heads_come_back_by_task_over_one_encoder(store, start, monkeypatch, fields):
    recipe, kept = start.then(stage(also=[POS, Part(task="squad"), TEXT], steps=8, **fields)), []
    save = model.save
    monkeypatch.setattr(model, "save", lambda learner, *rest: kept.append(learner) or save(learner, *rest))
    finish(store, recipe)
    (learner,) = kept
    assert learner.tasks == ("mnli", "pos", "squad", "text")
    inputs = {"input_ids": torch.tensor([[0, 9, 10, 11, 2]])}
    for name in learner.tasks:
        again = model.load(store, recipe, name)
        assert len({id(getattr(m, m.base_model_prefix)) for m in learner.models}) == 1
        with torch.no_grad():
            one, two = learner[name].eval()(**inputs), again(**inputs)
        assert all(torch.allclose(one[key], two[key], atol=1e-5) for key in one if "logits" in key)
    assert model.load(store, recipe, "xnli").num_labels == 3 and model.load(store, recipe, "udpos").num_labels == 17
    assert model.load(store, recipe).num_labels == 3
    # and the next stage goes on from the encoder that all of them trained
    learner = model.prepare(store, recipe.then(stage("squad")))
    again = encoder_of(store, recipe).state_dict()
    assert all(torch.equal(again[name], value) for name, value in learner.encoder.state_dict().items())


def test_every_head_learns_and_only_at_its_turn(store, start):
    """With uniform mixing all move; the head whose task had no turn is the drawn one."""
    recipe = start.then(stage(also=[POS], mixing="uniform", steps=12))
    finish(store, recipe)
    drawn = model.prepare(store, recipe)
    assert min(store.record(recipe)["updates"].values()) > 0
    for name in ("mnli", "pos"):
        state = drawn[name].state_dict()
        assert all(not torch.equal(state[k], v) for k, v in head(store, recipe, name).items() if k.endswith("weight"))
    rare = start.then(stage(also=[Part(task="pos", share=1e-9)]))
    finish(store, rare)
    assert store.record(rare)["updates"] == {"mnli": 6, "pos": 0}
    state = model.prepare(store, rare)["pos"].state_dict()
    assert all(torch.equal(state[k], v) for k, v in head(store, rare, "pos").items())


def test_a_mixture_is_evaluated_on_all_its_tasks(store, start):
    recipe = start.then(stage(also=[POS, Part(task="squad")], mixing="uniform"))
    evaluations = tuple(Evaluation(task=name, language="de", max_length=48) for name in ("xnli", "udpos", "xquad"))
    execute(store, Job(recipe, evaluations), Resources(eval_batch=4))
    assert all(store.score_file(recipe, e).is_file() for e in evaluations)


def test_a_head_that_the_stage_did_not_train(store, start):
    recipe = start.then(stage(also=[POS]))
    finish(store, recipe)
    with pytest.raises(UserError, match="unknown head 'squad' in run xlmr-mnli[+]pos; .*known: mnli, pos"):
        model.load(store, recipe, "xquad")


def test_parts_of_one_training_task_share_a_head_and_all_their_records_are_in_the_key(store, start):
    recipe = start.then(stage("text", languages=("en",), also=[Part(task="text", languages=("de",), share=0.5)]))
    finish(store, recipe)
    assert [f.name for f in (store.folder(recipe) / "heads").iterdir()] == ["text.safetensors"]
    assert set(store.key(recipe)["data"]["text"]["records"]) == {"en", "de"}
    assert store.record(recipe)["updates"] == {"text": 6}


def test_a_mixture_interrupted_ends_as_if_it_had_not_been(store, twin, start, monkeypatch):
    recipe = start.then(stage(also=[POS, TEXT], mixing="uniform", accumulate=2, method="lora"))
    interrupt(store, recipe, monkeypatch, after=7)
    finish(store, recipe)
    finish(twin, recipe)
    one, other = weights(store, recipe), weights(twin, recipe)
    assert one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


# masked language modelling goes on ------------------------------------------------------------


def test_the_mlm_head_is_that_of_the_nearest_stage_that_trained_one(store, start):
    """text, then mnli with some MLM, then pos with some MLM: the head is handed on; a classification head is not."""
    first = start.then(stage("text", languages=("en", "de")))
    second = first.then(stage(also=[TEXT], mixing="uniform"))
    third = second.then(stage("pos", languages=("en",)))
    for recipe in (first, second, third):
        finish(store, recipe)
    for before, recipe in ((first, second), (second, third.then(stage(also=[TEXT])))):
        state, stored = model.prepare(store, recipe)["text"].state_dict(), head(store, before, "text")
        assert all(torch.equal(state[name], value) for name, value in stored.items())
    again = model.prepare(store, second)["mnli"].state_dict()
    assert not any(torch.equal(again[k], v) for k, v in head(store, second, "mnli").items() if k.endswith("weight"))


def test_three_intermediate_stages_then_a_target(store, start):
    """A sequence of any length; each builds on the encoder before it."""
    order = [stage(also=[POS]), stage("pos", method="lora"), stage("squad"), stage("xnli")]
    recipe = start
    for some in order:
        before, recipe = recipe, recipe.then(some)
        finish(store, recipe)
        assert store.key(recipe)["parent"] == store.id(before)
    assert recipe.name == "xlmr-mnli+pos-pos-squad-xnli"
    evaluation = Evaluation(task="xnli", language="zh", max_length=48)
    execute(store, Job(recipe, (evaluation,)), Resources(eval_batch=4))
    assert store.score_file(recipe, evaluation).is_file()
    swapped = Recipe(start=start.start, stages=(order[2], order[1], order[0], order[3]))
    assert store.id(swapped) != store.id(recipe)


# several and mixed languages ------------------------------------------------------------------


def aligned(n=50):
    return {
        code: Dataset.from_dict(
            {
                "text_a": [f"{code} a{i}" for i in range(n)],
                "text_b": [f"{code} b{i}" for i in range(n)],
                "label": [i % 3 for i in range(n)],
            }
        )
        for code in ("en", "de", "zh")
    }


CHOSEN = {"en": np.array([0, 7, 9]), "de": np.array([1, 2, 3, 7]), "zh": np.array([0, 48, 49])}


@pytest.mark.parametrize("chosen", [dict.fromkeys(("en", "de", "zh"), np.arange(50)), CHOSEN], ids=["all", "some"])
def test_the_second_text_is_the_same_row_in_another_language(chosen):
    mixed = mixture.mixed_pairs(aligned(), chosen, "mnli-translated", seed=0)
    met = set()
    for code, columns in mixed.items():
        assert columns["text_a"] == [f"{code} a{i}" for i in chosen[code]]
        assert columns["label"] == [i % 3 for i in chosen[code]]
        for i, text in zip(chosen[code], columns["text_b"], strict=True):
            other, rest = text.split()
            assert other != code and rest == f"b{i}"
            met.add((code, other))
    assert len(met) == 6 or chosen is CHOSEN
    again, other = (mixture.mixed_pairs(aligned(), chosen, "m", seed=s) for s in (0, 1))
    assert again == mixed and other != mixed


def test_rows_that_are_not_aligned():
    sets = aligned()
    with pytest.raises(UserError, match="mnli-translated: .* aligned across languages, but there are 50 in en, 49 in"):
        mixture.mixed_pairs(sets | {"de": sets["de"].select(range(49))}, CHOSEN, "mnli-translated", 0)
    labels = [0 if i == 7 else i % 3 for i in range(50)]
    sets["zh"] = sets["zh"].remove_columns("label").add_column("label", labels)
    with pytest.raises(UserError, match="the labels of en and zh differ"):
        mixture.mixed_pairs(sets, CHOSEN, "mnli-translated", 0)
    texts = dict.fromkeys(("en", "de"), Dataset.from_dict({"text": ["a"]}))
    with pytest.raises(UserError, match="is for tasks with two texts"):
        mixture.mixed_pairs(texts, {}, "text", 0)


@pytest.fixture
def translated(monkeypatch, world, places):
    """The test split of XNLI, parallel in all languages, as training data of a task of the user's own."""
    root = f"{world.root}/facebook/xnli"
    fields = {
        "family": "classification", "dataset": root, "config": "{code}", "languages": "en de zh",
        "columns": {"text_a": "premise", "text_b": "hypothesis"},
        "labels": ["entailment", "neutral", "contradiction"], "splits": {"train": "test"},
    }  # fmt: skip
    monkeypatch.setitem(tasks.TASKS, "parallel-nli", tasks.parse("parallel-nli", fields, "test"))


def test_examples_are_per_language_and_mixing_adds_none(store, start, translated):
    several = {"languages": ("en", "de", "zh"), "examples": 4, "steps": None, "epochs": 1, "max_length": 200}
    tokenizer = tokenizer_of(store, start)
    found = {}
    for pairs in ("same", "mixed"):
        some = stage("parallel-nli", pair_languages=pairs, **several)
        (found[pairs],) = mixture.features(store, some, tokenizer)
        assert len(found[pairs]) == 12 and some.updates([12]) == 3
    assert [f["labels"] for f in found["same"]] == [f["labels"] for f in found["mixed"]]
    ids = {p: [f["input_ids"].tolist() for f in found[p]] for p in found}
    firsts = {p: [text[: text.index(2)] for text in ids[p]] for p in ids}
    seconds = {p: [text[text.index(2) :] for text in ids[p]] for p in ids}
    assert firsts["same"] == firsts["mixed"]
    assert all(one != other for one, other in zip(seconds["same"], seconds["mixed"], strict=True))


# the shuffled control -------------------------------------------------------------------------


def columns(world, task, split="train"):
    rows = world.load(tasks.get(task), "en", split)
    return {name: rows[name][:] for name in rows.column_names}


def test_shuffled_labels_keep_texts_and_distribution(world):
    rows = columns(world, "mnli")
    other = label_shuffle.shuffled(rows, tasks.CLASSIFICATION, 0)
    assert other["text_a"] == rows["text_a"] and sorted(other["label"]) == sorted(rows["label"])
    assert sum(a != b for a, b in zip(other["label"], rows["label"], strict=True)) >= 4
    assert label_shuffle.shuffled(rows, tasks.CLASSIFICATION, 0) == other
    assert label_shuffle.shuffled(rows, tasks.CLASSIFICATION, 1) != other


def test_shuffled_tags_keep_lengths_and_the_number_of_each_tag(world):
    rows = columns(world, "pos")
    other = label_shuffle.shuffled(rows, tasks.TAGGING, 0)
    assert [len(tags) for tags in other["tags"]] == [len(words) for words in rows["tokens"]]
    flat, was = ([tag for tags in x["tags"] for tag in tags] for x in (other, rows))
    assert sorted(flat) == sorted(was) and np.mean(np.array(flat) == np.array(was)) < 0.5


def test_shuffled_answers_lie_in_their_contexts_and_keep_their_lengths(world):
    rows = columns(world, "squad")
    rows["answers"][0] = {"text": [], "answer_start": []}
    rows["context"] = [context + " " * 40 for context in rows["context"]]  # room for any length
    other = label_shuffle.shuffled(rows, tasks.SPAN, 0)
    lengths = [[len((a["text"] or [""])[0]) for a in x["answers"]] for x in (rows, other)]
    assert sorted(lengths[0]) == sorted(lengths[1]) and lengths[0] != lengths[1]
    for context, answer in zip(other["context"], other["answers"], strict=True):
        for text, at in zip(answer["text"], answer["answer_start"], strict=True):
            assert context[at : at + len(text)] == text
    assert other["answers"] != rows["answers"]


def test_an_answer_longer_than_the_context_is_all_of_it():
    rows = {"context": ["abcdef", "x"], "answers": [{"text": ["abcde"], "answer_start": [0]}, {"text": ["x"]}]}
    for seed in range(5):
        answers = label_shuffle.shuffled(rows, tasks.SPAN, seed)["answers"]
        assert all(a["text"][0] in c for a, c in zip(answers, rows["context"], strict=True))


def test_shuffled_choices_are_places_among_the_choices():
    rows = {"prompt": ["p"] * 300, "choices": [["a", "b"], ["a", "b", "c"]] * 150, "label": [0, 0] * 150}
    label = np.array(label_shuffle.shuffled(rows, tasks.CHOICE, 0)["label"])
    assert set(label[::2]) == {0, 1} and set(label[1::2]) == {0, 1, 2}
    assert label[::2].mean() == pytest.approx(0.5, abs=0.15)


def test_the_shuffled_control_is_trained_on_other_gold_and_on_nothing_else(store, start):
    tokenizer = tokenizer_of(store, start)
    both = [stage(shuffle_labels=flag) for flag in (False, True)]
    plain, other = (mixture.features(store, some, tokenizer)[0] for some in both)
    assert [f["input_ids"].tolist() for f in plain] == [f["input_ids"].tolist() for f in other]
    assert [f["labels"] for f in plain] != [f["labels"] for f in other]
    assert store.id(start.then(both[0])) != store.id(start.then(both[1]))
    text = [mixture.features(store, stage("text", shuffle_labels=flag), tokenizer) for flag in (False, True)]
    assert np.array_equal(*(languages["en"].columns["input_ids"].flat for (languages,) in text))


def test_translations_of_a_record_get_the_same_wrong_label(store, start, translated):
    some = stage("parallel-nli", languages=("en", "de"), shuffle_labels=True)
    (found,) = mixture.features(store, some, tokenizer_of(store, start))
    labels = [f["labels"] for f in found]
    assert labels[: len(labels) // 2] == labels[len(labels) // 2 :]


# which checkpoint -----------------------------------------------------------------------------


TABLE = "embeddings.word_embeddings.weight"


def checkpoints(store, recipe, monkeypatch, at):
    """The trained weights of `recipe` after each of the steps `at`, from a run that looks at nothing."""
    found, check = {}, CheckpointSelector.check

    def look(self, step):
        check(self, step)
        if step in at:
            table = copy.deepcopy(self.learner.encoder.get_input_embeddings())  # while it trains, some rows of it
            whole = {f"models.0.roberta.{TABLE}": table.restored().weight.detach()}
            found[step] = {name: value.clone() for name, value in (self._weights() | whole).items()}

    with monkeypatch.context() as patch:
        patch.setattr(CheckpointSelector, "check", look)
        finish(store, recipe)
    return found


def scores(monkeypatch, values):
    """Development scores as given, one a check."""
    iterator = iter(values)
    monkeypatch.setattr(CheckpointSelector, "_score", lambda self: {"score": next(iterator)})


def trained(store, recipe):
    learner = model.prepare(store, recipe)
    state = model.load(store, recipe).state_dict()
    return {name: state[name.removeprefix("models.0.")] for name, _ in learner.named_parameters()}


def test_the_best_of_the_checks_is_kept(store, twin, start, monkeypatch):
    """Checks at 2, 4, 6, 8; the first of two equal best ones counts."""
    at = checkpoints(twin, start.then(stage(steps=8)), monkeypatch, (2, 4, 6, 8))
    scores(monkeypatch, [0.3, 0.7, 0.7, 0.1])
    recipe = start.then(stage(steps=8, select="dev", checks=4))
    finish(store, recipe)
    record, kept = store.record(recipe), trained(store, recipe)
    assert record["kept_step"] == 4 and record["steps"] == 8
    assert record["curve"] == [{"step": s, "score": v} for s, v in zip((2, 4, 6, 8), (0.3, 0.7, 0.7, 0.1), strict=True)]
    assert all(torch.equal(at[4][name], value) for name, value in kept.items())


def test_patience_ends_the_stage(store, start, monkeypatch):
    scores(monkeypatch, [0.5, 0.6, 0.6, 0.4, 0.9])
    recipe = start.then(stage(steps=20, select="dev", checks=10, patience=2))
    finish(store, recipe)
    record = store.record(recipe)
    assert (record["steps"], record["kept_step"], len(record["curve"])) == (8, 4, 4)
    assert sum(record["updates"].values()) == 8


def test_checks_every_so_many_updates_and_one_at_the_end():
    """jiant's rule: the number of checks follows from the length of the stage."""
    some = stage(select="dev", check_every=1000, patience=30)
    assert _checked(some, 2500) == {1000, 2000, 2500}
    assert _checked(some, 2000) == {1000, 2000} and _checked(some, 400) == {400}
    assert _checked(stage(select="dev", checks=4), 8) == {2, 4, 6, 8}


def test_patience_of_30_ends_a_long_stage_at_the_31st_check(store, start, monkeypatch):
    scores(monkeypatch, [0.9] + [0.5] * 40)
    recipe = start.then(stage(steps=45, select="dev", check_every=1, patience=30))
    finish(store, recipe)
    assert store.record(recipe)["steps"] == 31 and store.record(recipe)["kept_step"] == 1


def test_several_tasks_choose_by_the_plain_mean_of_their_dev_scores(store, start):
    """The language model beside them has no say, nor do the tasks' sizes or shares."""
    fields = {"steps": 3, "select": "dev", "checks": 1, "also": [Part(task="pos", share=0.2), TEXT]}
    recipe = start.then(stage(**fields))
    finish(store, recipe)
    (entry,) = store.record(recipe)["curve"]
    assert set(entry) == {"step", "score", "mnli en", "pos en"}
    assert entry["score"] == pytest.approx((entry["mnli en"] + entry["pos en"]) / 2)
    for task, metric in (("mnli", "accuracy"), ("pos", "chunk_f1")):
        evaluation = Evaluation(task=task, split="dev", examples=500, max_length=40, stride=12)
        execute(store, Job(recipe, (evaluation,)), Resources(eval_batch=4))
        assert store.result(recipe, evaluation)["metrics"][metric] == pytest.approx(entry[f"{task} en"])
    judged = store.key(recipe)["select"]
    assert set(judged) == {"mnli", "pos"} and set(judged["pos"]) == {"version", "records"}


def test_a_choice_on_one_task_keeps_its_key(store, start):
    alone, beside = (start.then(stage(select="dev", also=also)) for also in ([], [TEXT]))
    assert store.key(alone)["select"] == store.key(beside)["select"]
    assert set(store.key(alone)["select"]) == {"version", "records"}


def test_a_task_of_several_parts_is_judged_on_each_of_them():
    judges = stage_rules.selection_tasks(stage("anli-plus", also=[Part(task="qqp"), Part(task="xnli-text")]))
    nli = ["snli", "mnli", "anli-r1", "anli-r2", "anli-r3"]
    assert [(task.name, head) for task, head in judges] == [*((name, "anli-plus") for name in nli), ("qqp", "qqp")]
    (named,) = stage_rules.selection_tasks(stage("anli-plus", select_task="anli-plus"))
    assert named[0].splits["dev"] == "dev_r3"


def test_dev_scores_are_those_of_an_evaluation_on_dev(store, start):
    recipe = start.then(stage(steps=4, select="dev", checks=2, also=[POS], select_examples=5, select_task="udpos"))
    finish(store, recipe)
    best = max(store.record(recipe)["curve"], key=lambda entry: entry["score"])
    evaluation = Evaluation(task="udpos", split="dev", examples=5, max_length=40, stride=12)
    execute(store, Job(recipe, (evaluation,)), Resources(eval_batch=4))
    result = json.loads(store.score_file(recipe, evaluation).read_text())
    assert result["metrics"]["chunk_f1"] == pytest.approx(best["score"]) and best["en"] == best["score"]


def test_the_oracle_looks_at_other_languages_and_dev_at_english(store, start):
    oracle = stage(steps=2, select="oracle", checks=1, select_task="xnli", select_languages=("de", "zh"))
    recipe = start.then(oracle)
    finish(store, recipe)
    (entry,) = store.record(recipe)["curve"]
    assert set(entry) == {"step", "score", "de", "zh"} and entry["score"] == (entry["de"] + entry["zh"]) / 2
    assert set(store.key(recipe)["select"]["records"]) == {"de", "zh"}
    dev = start.then(oracle.model_copy(update={"select": "dev"}))
    assert set(store.key(dev)["select"]["records"]) == {"en"} and "select" not in store.key(start.then(stage()))


def test_a_choice_survives_interruption(store, twin, start, monkeypatch):
    recipe = start.then(stage(steps=8, select="dev", checks=4, also=[POS]))
    interrupt(store, recipe, monkeypatch, after=5)
    finish(store, recipe, ALWAYS)
    finish(twin, recipe)
    one, other = weights(store, recipe), weights(twin, recipe)
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert store.record(recipe)["curve"] == twin.record(recipe)["curve"]


def test_looking_changes_nothing_in_training(store, start):
    looked, plain = start.then(stage(select="dev", checks=3)), start.then(stage())
    for recipe in (looked, plain):
        finish(store, recipe)
    assert store.record(looked)["losses"] == store.record(plain)["losses"]


# what is said before any work -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (
            {"also": [{"task": "pos", "share": 0.6}, {"task": "text", "share": 0.4}]},
            "leave no batch to the stage's own",
        ),
        ({"also": [{"task": "tatoeba"}]}, "tatoeba is evaluated on the encoder as it is; there is nothing to train"),
        ({"also": [{"task": "pos", "langages": ["en"]}]}, "unknown setting 'langages' in tiny: intermediate.mnli"),
        ({"also": [{"task": "text", "languages": ["de"]}], "pivot": "en"}, "pivot en is not one of its languages"),
        ({"pair_languages": "mixed"}, "pair_languages: mixed takes two languages or more"),
        ({"patience": 3}, "patience: there are no development scores to wait for; set select"),
        ({"select": "dev", "checks": 25, "patience": 30}, "patience 30 is never used up in 25 checks; set check_every"),
        ({"select": "dev", "patience": 9}, "patience 9 is never used up in 10 checks; set check_every"),
        ({"select": "dev", "checks": 25, "check_every": 9}, "checks counts nothing beside check_every; leave one of"),
        ({"task": "text", "select": "dev"}, "select: text has no dev split or no head here; set select_task"),
        ({"select": "dev", "select_task": "udpos"}, "select: udpos has no dev split or no head here"),
        ({"select": "dev", "also": [{"task": "tydiqa"}], "select_task": "tydiqa"}, "tydiqa has no dev split"),
    ],
)
def test_a_regime_that_cannot_be(fields, said):
    with pytest.raises(UserError) as error:
        tiny(intermediate={"mnli": fields}).stage("mnli", "intermediate")
    assert said in str(error.value) and str(error.value).count("\n") == 0


def test_sequences_longer_than_given_weights_take():
    profile = tiny(encoder=Encoder(model="somewhere").model_dump(), evaluation={"default": {"max_length": 48}})
    validate.lengths(profile, 48, False, "tiny")
    validate.lengths(profile, None, False, "tiny")
    with pytest.raises(UserError, match=r"tiny: mnli: max_length 48: too few encoder.positions \(47\)"):
        validate.lengths(profile, 47, False, "tiny")
    text = {"task": "text", "languages": ["en", "de"], "max_length": 20, "pairs": 0.5}
    pairs = Profile(**(profile.model_dump() | {"pretraining": text}))
    with pytest.raises(UserError, match=r"tiny: text: max_length 20"):  # two texts of 20 and four special tokens
        validate.lengths(Profile(**(pairs.model_dump() | {"intermediate": {}, "target": {}})), 43, False, "tiny")


def test_a_lab_holds_lengths_against_the_given_weights(store, start, tmp_path, monkeypatch):
    """XLM-R's positions begin at 2: 258 rows of the table are 256 subwords."""
    from xlt.data.weights import given_positions
    from xlt.lab.lab import Lab

    place = Encoder(model=str(store.folder(start) / "encoder"))
    assert given_positions(place) == 256
    with pytest.raises(UserError, match="tiny: mnli: max_length 300: too few encoder.positions"):
        Lab(tiny(encoder=place.model_dump(), training={"max_length": 300}))


def test_what_a_killed_process_left_is_swept(store, start):
    dead = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True)
    with store.creating(start.then(stage())) as ours:
        prefix = ours.name.removesuffix(ours.name.split("-")[-1])
        assert f"-{os.getpid()}-" in prefix
        left = ours.with_name(prefix.replace(f"-{os.getpid()}-", f"-{dead.stdout.strip()}-") + "x")
        left.mkdir()
        elsewhere = ours.with_name(".making-another.machine-1-y")
        elsewhere.mkdir()
        with store.creating(start.then(stage(seed=1))):
            assert not left.exists() and ours.exists() and elsewhere.exists()


def test_checks_read_as_many_records_at_a_time_as_evaluations_and_keep_weights_in_the_same_memory(store, start):
    recipe, batches = start.then(stage(select="dev", checks=2)), []
    scores = iter([0.4, 0.5])

    def better(store, recipe, evaluation, learner, batch):
        batches.append(batch)
        return {"accuracy": next(scores)}, []

    learner = model.prepare(store, recipe)
    selector = CheckpointSelector(store, recipe, learner, 6, better, Resources(eval_batch=77).eval_batch)
    selector.check(3)
    places = {name: value.data_ptr() for name, value in selector.kept.items()}
    with torch.no_grad():
        for weight in learner.parameters():
            weight.add_(1.0)
    selector.check(6)
    assert batches == [77, 77] and {name: value.data_ptr() for name, value in selector.kept.items()} == places
    assert all(torch.equal(value, dict(learner.named_parameters())[name]) for name, value in selector.kept.items())
    assert not {value.data_ptr() for value in learner.parameters()} & set(places.values())


def test_the_random_state_of_the_gpu_is_kept_too(store, start, monkeypatch, tmp_path):
    """Without a GPU: what the checkpoint reads and writes when there is one."""
    here = resume.compute()._replace(device="cuda")
    given, state = [], torch.arange(4, dtype=torch.uint8)
    learner = model.prepare(store, start.then(stage()))
    recipe = start.then(stage())
    optimiser = torch.optim.SGD(learner.parameters(), lr=0.1)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda _: 1.0)
    selector = CheckpointSelector(store, recipe, learner, 1, evaluate, 8)
    kept = resume.ResumeState(tmp_path / "c.pt", 0.0)
    monkeypatch.setattr(resume, "compute", lambda: here)
    monkeypatch.setattr(torch.cuda, "get_rng_state", lambda: state)
    monkeypatch.setattr(torch.cuda, "set_rng_state", given.append)
    curve = train.Curve(recipe.stages[-1], 1, {"step": 1, "losses": [], "recent": []})
    kept.keep(learner, optimiser, schedule, selector, curve)
    kept.restore(learner, optimiser, schedule, selector)
    assert torch.equal(given[0], state)
