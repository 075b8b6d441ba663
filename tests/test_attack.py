"""Search attacks: what the search does on a model that is known, and what stands in the records of a real one."""

import json
from argparse import Namespace
from pathlib import Path
from runpy import run_path

import numpy as np
import pandas as pd
import pytest
from conftest import tiny

from xlt.core.errors import UserError
from xlt.core.recent import Recent
from xlt.data.store import predictions
from xlt.evaluation import evaluate
from xlt.evaluation.attack import candidates, run
from xlt.evaluation.attack.search import GreedySearch, QueryResult, control
from xlt.evaluation.attack.texts import Place, edited, rebuilt, texts_of
from xlt.evaluation.attack.victim import Victim
from xlt.lab.jobs import Job
from xlt.lab.work import execute
from xlt.models import model
from xlt.models.encoder import encoder_of, tokenizer_of
from xlt.models.features import encode
from xlt.models.inference import Predictor
from xlt.perturb import attacks, valid
from xlt.spec import tasks
from xlt.spec.perturbations import Attack, Ball
from xlt.spec.recipe import Evaluation
from xlt.spec.stage import Stage

TEXT = ("one two three four",)
PLACES = [Place(0, 0, 3, ("1", "I")), Place(0, 4, 7, ("2", "II")), Place(0, 8, 13, ("3",)), Place(0, 14, 18, ("4",))]
WEIGHTS = {"one": 0.05, "two": 0.2, "three": 0.1, "four": 0.05, "1": 0.05, "2": 0.1, "II": -0.2, "3": -0.05}


class Known:
    """A model that adds up the weights of words; right while the sum is above a threshold."""

    def __init__(self, threshold=0.05, weights=WEIGHTS):
        self.threshold, self.weights, self.asked = threshold, weights, []

    def __call__(self, asked):
        self.asked.append([texts[0] for _, texts in asked])
        sums = [sum(self.weights.get(word, 0.0) for word in texts[0].split()) for _, texts in asked]
        return [QueryResult(total, (total > self.threshold,)) for total in sums]


def search(most=4, places=PLACES, **attack):
    return GreedySearch(TEXT, places, most, Attack(name="synonyms", **attack))


def attack(model, *searches):
    return run.drive(dict(enumerate(searches)), model)


def test_greedy_goes_by_importance_and_stops_when_the_answer_changes():
    model = Known()
    found = attack(model, search())[0]
    # clean; four deletions; "two" matters most: II brings 0.4 down to 0.0
    assert model.asked == [
        ["one two three four"],
        ["two three four", "one three four", "one two four", "one two three"],
        ["one 2 three four", "one II three four"],
    ]
    assert found.queries == 7 and edited(TEXT, PLACES, found.edits) == ("one II three four",)


def test_what_does_not_help_is_not_kept_and_the_most_that_may_change_holds():
    found = attack(Known(threshold=-9), search())[0]
    assert found.edits == ((0, 1), (1, 1), (2, 0), (3, 0)) and found.queries == 1 + 4 + 6
    assert attack(Known(threshold=-9), search(most=2))[0].edits == ((1, 1), (2, 0))
    worse = Known(threshold=-9, weights=WEIGHTS | {"I": 1.0, "1": 1.0, "4": 1.0})
    assert attack(worse, search())[0].edits == ((1, 1), (2, 0))


@pytest.mark.parametrize("budget", range(1, 9))
def test_the_budget_is_never_passed(budget):
    model = Known(threshold=-9)
    found = attack(model, search(budget=budget))[0]
    assert found.queries == sum(map(len, model.asked)) == min(budget, 11)


def test_a_wrong_answer_is_not_attacked_and_examples_go_together():
    model = Known(threshold=0.05, weights=WEIGHTS)
    easy = GreedySearch(("zero",), [Place(0, 0, 4, ("x",))], 1, Attack(name="synonyms"))
    found = attack(model, search(), easy, search())
    assert found[1] == ((), 1) and found[0] == found[2] and len(model.asked) == 3
    assert len(model.asked[0]) == 3, "all first questions in one pass"


def test_the_control_is_of_the_same_size_and_repeats():
    assert control(PLACES, 3, "x") == control(PLACES, 3, "x")
    drawn = [control(PLACES, 2, str(i)) for i in range(200)]
    assert all(len({number for number, _ in edits}) == 2 for edits in drawn)
    every = {(number, option) for number, place in enumerate(PLACES) for option in range(len(place.options))}
    assert {edit for edits in drawn for edit in edits} == every


# candidates -----------------------------------------------------------------------------------


def options(name, text, language, family="classification", **more):
    rows = {"tokens": [text]} if family == "tagging" else {"text_a": [text]}
    found = candidates.places(rows, 0, family, Attack(name=name, **more), language)
    texts = texts_of(rows, family, 0)
    return {texts[place.text][place.start : place.end]: place.options for place in found}


def test_letters_change_one_at_a_time():
    found = options("characters", "The market opens", "en", candidates=8)
    assert list(found) == ["market", "opens"], "function words stay"
    assert list(options("characters", "The market", "en", keep_stop_words=False)) == ["The", "market"]
    for word, others in found.items():
        assert len(set(others)) == len(others) == 8 and all(abs(len(other) - len(word)) <= 1 for other in others)
    assert options("characters", "сенбі बाज़ार", "ru", seed=1) != options("characters", "сенбі बाज़ार", "ru", seed=2)
    assert len(options("homoglyphs", "market", "en")["market"]) > 1


def test_words_come_from_the_lexicon_in_its_order(tmp_path):
    file = tmp_path / "words.json"
    file.write_text('{"market": ["bazaar", "shop", "fair"], "opens": ["big sale"]}')
    found = options(f"synonyms:{file}", "Market opens", "en", candidates=2)
    assert found == {"Market": ("Bazaar", "Shop"), "opens": ("Big sale",)} or found["opens"] == ("big sale",)
    tokens = options(f"synonyms:{file}", ["market", "opens"], "en", family="tagging")
    assert list(tokens) == ["market"], "a token stays one token"
    assert options("code-mix:de", "apple", "en")["apple"] and options("inflection", "He goes", "en")["goes"]


@pytest.mark.parametrize(
    ("name", "family", "language", "says"),
    [("charcters", "classification", "en", "did you mean characters"), ("distractor", "tagging", "en", "questions"),
     ("inflection", "classification", "zh", "not valid for zh"), ("order", "classification", "en", "unknown attack"),
     ("masked:de", "choice", "en", "masked takes no argument"), ("code-mix", "choice", "en", "name another language"),
     ("synonyms:none.tsv", "choice", "en", "none.tsv cannot be read"),
     ("join", "classification", "en", "unknown attack"), ("punctuation", "choice", "en", "unknown attack")],
)  # fmt: skip
def test_attacks_that_cannot_be(name, family, language, says):
    with pytest.raises(UserError, match=says):
        attacks.check(Attack(name=name), family, language)


def test_every_attack_by_letters_has_places():
    """Candidates are made word by word, so what changes the blanks and marks between words is no attack."""
    words = "Ελένη άρχισε Anna can't άλφα"
    for name in attacks._letterwise():
        language = next(code for code in ("el", "en", "he", "ar", "de") if valid(name, code, "classification"))
        text = {"he": "שָׁלוֹם", "ar": "السُّوقِ"}.get(language, words)
        assert options(name, text, language), name


def test_masked_tokens_are_read_in_their_sentence():
    def masked(text):
        assert text == "Das rote Haus"
        return [((4, 8), ["blaue"]), ((9, 13), ["Boot", "weiße Haus"])]

    found = candidates.places({"tokens": [["Das", "rote", "Haus"]]}, 0, "tagging", Attack(name="masked"), "de", masked)
    assert found == [(1, 0, 4, ("blaue",)), (2, 0, 4, ("Boot",))]


def test_records_are_put_together_again(world):
    for name in ("xnli", "udpos", "xquad"):
        found = world.load(tasks.get(name), "de", "test")
        rows = {column: found[column][:] for column in found.column_names}
        family, count = tasks.get(name).family, len(next(iter(rows.values())))
        assert rebuilt(rows, family, [(i, texts_of(rows, family, i)) for i in range(count)]) == rows


# with a model ---------------------------------------------------------------------------------

CASES = [
    ("xnli", "mnli", "characters", "en"), ("xnli", "mnli", "code-mix:en", "de"), ("udpos", "pos", "characters", "zh"),
    ("udpos", "pos", "synonyms", "en"), ("xquad", "squad", "distractor", "de"), ("xquad", "squad", "characters", "en"),
]  # fmt: skip


def trained(store, start, task, steps=25):
    recipe = start.then(Stage(task=task, steps=steps, batch=8, lr=3e-3, max_length=64, stride=16))
    execute(store, Job(recipe), tiny().resources)
    return recipe


def asked(task, language, name, **more):
    more = {"budget": 40, **more}
    return Evaluation(task=task, language=language, max_length=64, stride=16, attack=Attack(name=name, **more))


@pytest.mark.parametrize(("task", "trains_on", "name", "language"), CASES)
def test_success_means_that_the_stored_text_changes_the_answer(
    store, start, monkeypatch, task, trains_on, name, language
):
    recipe = trained(store, start, trains_on)
    evaluation = asked(task, language, name)
    execute(store, Job(recipe, (evaluation,)), tiny().resources)
    file = store.score_file(recipe, evaluation)
    found, values = predictions(file), json.loads(file.read_text())["metrics"]
    assert not file.with_suffix(".partial.jsonl").exists()

    plain = evaluation.model_copy(update={"attack": None})
    learner = evaluate.model_for(store, recipe, plain)
    clean, before = evaluate.evaluate(store, recipe, plain, learner, 4)
    rows = evaluate._rows(store, plain)
    stored = [{name: values[i] for name, values in rows.items()} | one["attacked"] for i, one in enumerate(found)]
    again = {column: [row[column] for row in stored] for column in rows}
    with monkeypatch.context() as patch:
        patch.setattr(evaluate, "_rows", lambda *_: again)
        patch.setattr(evaluate, "_features_of", Recent(128))
        robust, after = evaluate.evaluate(store, recipe, plain, learner, 4)

    main = tasks.get(task).metrics[0]
    assert {f"clean_{n}": v for n, v in clean.items()}.items() <= values.items() and robust.items() <= values.items()
    drop = 1 - robust[main] / clean[main] if clean[main] else float("nan")
    assert values[main] <= clean[main] and values["relative_drop"] == pytest.approx(drop, nan_ok=True)
    for row, (one, first, last) in enumerate(zip(found, before, after, strict=True)):
        assert (one["clean_prediction"], one["prediction"]) == (first["prediction"], last["prediction"])
        assert not one["success"] or first["prediction"] != last["prediction"]
        assert one["queries"] <= 40 and one["changed_words"] <= max(1, 0.4 * one["words"])
        assert (one["changed_words"] > 0) == any(text != rows[name][row] for name, text in one["attacked"].items())
    if task == "xnli":
        won = [one["success"] for one, first in zip(found, before, strict=True) if first["accuracy"]]
        assert values["attack_success"] == pytest.approx(np.mean(won) if won else float("nan"), nan_ok=True)
        asked_more = [one["queries"] > 1 for one, first in zip(found, before, strict=True) if first["accuracy"]]
        assert values["attackable"] == pytest.approx(np.mean(asked_more) if asked_more else float("nan"), nan_ok=True)
    if name == "distractor":
        assert np.isnan(values["share_changed"])


def test_an_interrupted_attack_goes_on_and_ends_the_same(store, start, monkeypatch):
    recipe, evaluation = trained(store, start, "mnli", 5), asked("xnli", "de", "characters")
    learner, sizes = evaluate.model_for(store, recipe, evaluation), []
    monkeypatch.setattr(run, "CHUNK", 2)

    def attacked(batch):
        return json.dumps(evaluate.evaluate(store, recipe, evaluation, learner, batch))

    whole = attacked(4)
    file = store.score_file(recipe, evaluation).with_suffix(".partial.jsonl")
    lines = file.read_text().splitlines(keepends=True)
    assert len(lines) == 6
    file.write_text("".join(lines[:4]))
    chunk = run._chunk
    monkeypatch.setattr(
        run, "_chunk", lambda victim, numbers, *more: sizes.append(numbers) or chunk(victim, numbers, *more)
    )
    assert attacked(3) == whole and sizes == [range(4, 6)]
    file.unlink()
    monkeypatch.setattr(run, "CHUNK", 64)
    assert attacked(6) == whole, "chunks and batches decide nothing"


def test_masked_words_are_words_of_the_encoder(store, start):
    recipe = start.then(Stage(task="text", languages=("en", "de"), steps=3, batch=4, max_length=32))
    recipe = recipe.then(Stage(task="mnli", steps=3, batch=4, max_length=48))
    for job in (recipe.parent, recipe):
        execute(store, Job(job), tiny().resources)
    for code in ("de", "zh"):
        evaluation = asked("xnli", code, "masked").model_copy(update={"examples": 3})
        learner = evaluate.model_for(store, recipe, evaluation)
        values, examples = evaluate.evaluate(store, recipe, evaluation, learner, 8)
        assert len(examples) == 3 and values["queries_max"] > 1
    bare = start.then(Stage(task="mnli", steps=3, batch=4, max_length=48))
    execute(store, Job(bare), tiny().resources)
    with pytest.raises(UserError, match="no head for masked language modelling"):
        evaluate.evaluate(store, bare, evaluation, learner, 8)


def test_choices_are_attacked_and_read_in_a_ball(store, start):
    task = tasks.get("copa")
    choices = [["It was ripe.", "It was green."], ["She slept.", "He ran.", "They ate apples."]]
    rows = {"prompt": ["Anna bought an apple. Why?", "What then?"], "choices": choices, "label": [0, 1]}
    learner = model.with_head(encoder_of(store, start), task, ("a", "b"), seed=3).eval()
    tokenizer = tokenizer_of(store, start)
    victim = Victim(rows, task, asked("copa", "en", "characters"), Predictor(learner, tokenizer, 2))
    clean = victim.ask([(row, texts_of(rows, "choice", row)) for row in range(2)])
    assert all(0 < outcome.score < 1 for outcome in clean)
    texts = texts_of(rows, "choice", 1)
    found = candidates.places(rows, 1, "choice", Attack(name="characters"), "en")
    assert {place.text for place in found} == {1, 2, 3}, "the prompt is of function words"
    [changed] = rebuilt(rows, "choice", [(1, edited(texts, found, ((len(found) - 1, 0),)))])["choices"]
    assert changed[:2] == choices[1][:2] and changed[2] != choices[1][2]
    features = encode("choice", rows, tokenizer, 48)
    logits = [
        {
            index: logits
            for indices, out in Predictor(learner, tokenizer, size, around).outputs(features, ("logits",))
            for index, logits in zip(indices, out["logits"], strict=True)
        }
        for size, around in ((2, None), (2, Ball(radius=3.0)), (1, Ball(radius=3.0)))
    ]
    gaps = [one[0][0] - one[0][1] for one in logits]
    assert gaps[1] < gaps[0], "the gold choice loses"
    assert gaps[1] == pytest.approx(gaps[2], abs=1e-4)


def test_attacks_are_of_the_records_that_are_kept(store, start):
    with pytest.raises(ValueError, match="attack"):
        Evaluation(task="xnli", attack=Attack(name="characters"), language_b="de")
    assert asked("xnli", "de", "characters").key()["attack"] == {"name": "characters", "budget": 40}


# the benchmark --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "seconds, theirs, says",
    [
        (30.0, [True, False, None, True, False], "10.0 times, at least ten times as fast; success +0.000"),
        (6.0, [False, True, True, True, True], "2.0 times, not ten times as fast; success +0.000"),
        (6.0, [False] * 5, "success +0.750 [+0.260, +1.240], higher"),
        (6.0, [None, None, None, None, True], "too few records"),
    ],
)
def test_the_benchmark_says_in_words_how_two_attacks_compare(seconds, theirs, says):
    module = run_path(str(Path(__file__).parents[1] / "benchmarks" / "attack_speed.py"))
    ours = module["Result"]("xlt", [True, False, True, True, None], [3, 4, 5, 6], 4.0, 3.0)
    found = module["compared"](ours, module["Result"]("other", theirs, [7], 40.0, seconds))
    said = module["said"](found, "other")
    assert said.startswith("xlt beside other: ") and says in said


def test_the_benchmark_keeps_one_row_for_each_system_and_setting(tmp_path):
    module, file = run_path(str(Path(__file__).parents[1] / "benchmarks" / "attack_speed.py")), tmp_path / "speed.csv"
    ours = module["Result"]("xlt", [True, None, False], [3, 4], 2.0, 1.5)
    options = dict(profile="params/mini.yaml", task="xnli", attack="characters", batch=16, threads=1)
    for budget, precision in ((40, "fp32"), (50, "fp32"), (40, "fp32"), (50, "bf16")):
        settings = Namespace(budget=budget, precision=precision, **options)
        module["keep"](settings, ours, [ours._replace(who="other", cpu=3.0)], file)
    rows = pd.read_csv(file)
    assert rows.profile.eq("mini").all() and rows.budget.tolist() == [50, 50, 40, 40, 50, 50]
    assert rows.precision.tolist() == ["fp32"] * 4 + ["bf16"] * 2
    assert rows.times_as_fast.tolist() == [1.0, 2.0] * 3 and rows.success.eq(0.5).all()
    assert rows.examples_per_second.eq(1.5).all() and rows.queries_mean.eq(3.5).all()
