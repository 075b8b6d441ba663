"""From logits to predictions and scores; a perfect model, a hopeless one, and what is cut off."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from conftest import tiny

from xlt.core import progress
from xlt.core.recent import Recent
from xlt.data.store import Store, predictions
from xlt.evaluation import evaluate, predict
from xlt.lab.jobs import Job
from xlt.lab.work import execute
from xlt.models import unseen
from xlt.models.columns import Features
from xlt.models.encoder import tokenizer_of
from xlt.models.features import IGNORED
from xlt.spec import tasks
from xlt.spec.profile import Resources
from xlt.spec.recipe import Evaluation, Recipe
from xlt.spec.stage import Stage


class Scripted:
    """A model that answers each feature as the test says; features are known by their token ids."""

    config = SimpleNamespace()  # it says nothing of positions

    def __init__(self, features, **outputs):
        self.known = {tuple(f["input_ids"]): i for i, f in enumerate(features)}
        assert len(self.known) == len(features), "features must differ"
        self.outputs, self.batches = outputs, []

    def __call__(self, input_ids, attention_mask, **_):
        rows = [
            self.known[tuple(ids[: int(mask.sum())].tolist())]
            for ids, mask in zip(input_ids, attention_mask, strict=True)
        ]
        self.batches.append(len(rows))
        made = {}
        for name, values in self.outputs.items():
            first = values[rows[0]]
            shape = (
                len(rows),
                *([input_ids.shape[1]] if name != "logits" or first.dim() == 2 else []),
                *first.shape[1:],
            )
            made[name] = torch.full(
                shape if len(shape) > 1 else (len(rows), *first.shape), 99.0
            )  # padding must not win
            for place, row in enumerate(rows):
                if first.dim() == 1 and name == "logits":
                    made[name][place] = values[row]
                else:
                    made[name][place, : len(values[row])] = values[row]
        return made


@pytest.fixture
def tokenizer(shared, start):
    return tokenizer_of(shared, start)


def run(shared, start, evaluation, make, monkeypatch, batch=3, rows=None):
    """Evaluate a scripted model that `make` builds from the features."""
    monkeypatch.setattr(evaluate, "_test_sets", Recent(128))
    monkeypatch.setattr(evaluate, "_features_of", Recent(128))
    if rows:
        monkeypatch.setattr(evaluate, "_rows", lambda *_: rows)
    tokenizer = tokenizer_of(shared, start)
    features = evaluate._features(shared, evaluation, tokenizer)
    recipe = start.then(Stage(task=evaluation.task))
    return evaluate.evaluate(shared, recipe, evaluation, make(features), batch)


def one_hot(place, length, width=0):
    values = torch.zeros(length, width) if width else torch.zeros(length)
    values[place] = 5.0
    return values


# classification and tagging -------------------------------------------------------------------


def labelled(features):
    return Scripted(features, logits=[one_hot(feature["labels"], 3) for feature in features])


def test_a_perfect_classifier(shared, start, monkeypatch):
    values, examples = run(shared, start, Evaluation(task="xnli", language="zh"), labelled, monkeypatch)
    assert values == {"accuracy": 1.0} and len(examples) == 6
    assert all(
        e["gold"] == e["prediction"] and e["gold"] in tasks.get("mnli").labels and e["accuracy"] == 1.0
        for e in examples
    )


def test_the_scores_are_those_of_the_predictions_in_the_order_of_the_records(shared, start, monkeypatch):
    evaluation = Evaluation(task="xnli", language="de")
    gold = shared.source.load(tasks.get("xnli"), "de", "test")["label"][:]

    def always_first(features):
        return Scripted(features, logits=[one_hot(0, 3) for _ in features])

    values, examples = run(shared, start, evaluation, always_first, monkeypatch)
    assert [example["gold"] for example in examples] == [tasks.get("mnli").labels[label] for label in gold]
    assert values["accuracy"] == pytest.approx(np.mean([label == 0 for label in gold]))


def tagger(features):
    """Right wherever there is a word; elsewhere nonsense that must not count."""
    logits = []
    for feature in features:
        tags = [label if label != IGNORED else 16 for label in feature["labels"]]
        logits.append(torch.nn.functional.one_hot(torch.tensor(tags), 17).float())
    return Scripted(features, logits=logits)


@pytest.mark.parametrize("code", ["de", "zh"])
def test_a_perfect_tagger(shared, start, monkeypatch, code):
    values, examples = run(shared, start, Evaluation(task="udpos", language=code), tagger, monkeypatch)
    assert values == {"chunk_f1": 1.0, "token_accuracy": 1.0}
    assert all(example["gold"] == example["prediction"] for example in examples)


def test_cut_records_are_counted_in_one_line_for_a_task(monkeypatch, capsys):
    monkeypatch.setattr(progress, "_subjects", set())
    for code, features in (("en", [0, 0]), ("de", [1, 0]), ("hi", [1, 1])):
        unseen.say("udpos", code, Features({"cut": np.array(features)}), 64)
    assert capsys.readouterr().err == "udpos (de): 1 of 2 records cut at 64 subwords (said once for a task)\n"


def test_words_past_the_end_count_as_wrong(shared, start, monkeypatch):
    evaluation = Evaluation(task="udpos", language="de", max_length=8)
    values, examples = run(shared, start, evaluation, tagger, monkeypatch)
    gold = [tag for example in examples for tag in example["gold"]]
    guessed = [tag for example in examples for tag in example["prediction"]]
    right = [a == b for a, b in zip(gold, guessed, strict=True)]
    assert None in guessed and values["token_accuracy"] == pytest.approx(np.mean(right))
    rows = shared.source.load(tasks.get("udpos"), "de", "test")["tags"][:]
    assert len(gold) == sum(map(len, rows))


# spans ----------------------------------------------------------------------------------------


def reader(features):
    """Sure of the gold answer where a window has it; of nothing elsewhere."""
    start, end = [], []
    for feature in features:
        length, has = len(feature["input_ids"]), feature["start_positions"] > 0
        start.append(one_hot(feature["start_positions"], length) * has)
        end.append(one_hot(feature["end_positions"], length) * has)
    return Scripted(features, start_logits=start, end_logits=end)


@pytest.mark.parametrize("code", ["en", "de", "zh", "hi", "ar", "ru"])
def test_a_perfect_reader_gives_the_gold_answers(places, monkeypatch, code):
    from conftest import SIZES

    from xlt.data.sources import Source

    profile = tiny(languages=("en", "de", "zh", "hi", "ar", "ru"), data={"source": "world", "world": {"sizes": SIZES}})
    source = Source.of(profile)
    store = Store(places / "readers", source)
    start = Recipe(start=profile.encoder)
    if not store.done(start):
        execute(store, Job(start), Resources())
    evaluation = Evaluation(task="xquad", language=code, max_length=512)
    values, examples = run(store, start, evaluation, reader, monkeypatch)
    assert all(example["prediction"] in example["gold"] for example in examples)
    assert values == {"f1": 1.0, "exact_match": 1.0, "f1_language_aware": 1.0}


def test_the_answer_may_be_in_the_second_window(shared, start, monkeypatch):
    evaluation = Evaluation(task="xquad", language="de", max_length=80, stride=20)
    values, examples = run(shared, start, evaluation, reader, monkeypatch)
    recipe = start.then(Stage(task="xquad"))
    features = evaluate._features(shared, evaluation, tokenizer_of(shared, recipe))
    later = {f["row"] for i, f in enumerate(features) if f["start_positions"] and features[i - 1]["row"] == f["row"]}
    assert later and len(features) > len(examples)
    assert all(examples[row]["prediction"] == examples[row]["gold"][0] for row in later)


def one_question(context, answer="Anna"):
    return {
        "id": ["q"],
        "question": ["Wer"],
        "context": [context],
        "answers": [{"text": [answer], "answer_start": [0]}],
    }


def test_an_empty_context_is_answered_with_nothing(shared, start, monkeypatch):
    values, examples = run(
        shared, start, Evaluation(task="xquad", language="de"), reader, monkeypatch, rows=one_question("")
    )
    assert examples[0]["prediction"] == "" and values["f1"] == 0.0


def test_a_model_without_numbers_is_wrong_not_an_error(shared, start, monkeypatch):
    def broken(features):
        lost = [torch.full((len(f["input_ids"]),), float("nan")) for f in features]
        return Scripted(features, start_logits=lost, end_logits=lost)

    values, examples = run(shared, start, Evaluation(task="xquad", language="de"), broken, monkeypatch)
    assert values["f1"] == 0.0 and {example["prediction"] for example in examples} == {""}


OFFSETS = [(0, 0), (0, 0), (0, 4), (4, 10), (10, 14), (0, 0)]  # of which three lie in the context


@pytest.mark.parametrize(
    ("start", "end", "found"),
    [
        ([0, 0, 9, 0, 0, 0], [0, 0, 0, 9, 0, 0], (0, 10)),
        ([9, 0, 1, 0, 0, 0], [9, 0, 0, 1, 0, 0], (0, 10)),  # the best is outside the context
        ([0, 0, 0, 0, 9, 0], [0, 0, 8, 0, 0, 0], (10, 14)),  # the end lies before the start
    ],
)
def test_the_best_span_is_in_the_context_and_in_order(start, end, found):
    assert best_span(start, end, OFFSETS)[1:] == found


def best_span(start, end, offsets):
    """Of one window."""
    [found] = predict._best_spans(np.array([start], float), np.array([end], float), [np.array(offsets)])
    return found


def test_padding_after_the_window_is_not_read():
    scores = [0, 0, 1, 0, 0, 0, 99, 99]
    assert best_span(scores, scores, OFFSETS)[1:] == (0, 4)


def test_an_answer_has_thirty_tokens_at_most():
    offsets = [(i, i + 1) for i in range(60)]
    start, end = np.zeros(60), np.zeros(60)
    start[0], end[29], end[30] = 9, 5, 9
    assert best_span(start, end, offsets)[1:] == (0, 30)


def test_a_window_without_context_has_no_answer():
    assert best_span([1, 1], [1, 1], [(0, 0), (0, 0)]) is None
    assert best_span([1, 1], [1, 1], [(0, 0), (7, 7)]) is None


def plain_best_span(start, end, offsets):
    """All pairs of start and end of one window, one by one: the first of the best."""
    best = None
    for first, a in enumerate(offsets):
        for last in range(first, min(first + 30, len(offsets))):
            b = offsets[last]
            if a[1] > a[0] and b[1] > b[0]:
                score = start[first] + end[last]
                if score > (best[0] if best else -np.inf):
                    best = (float(score), a[0], b[1])
    return best


def test_the_spans_of_a_batch_are_those_of_each_window_alone():
    """Logits of few values, so that many spans are equal; also what is not finite; windows of unequal length."""
    rng = np.random.default_rng(0)
    for _ in range(20):
        width, count = int(rng.integers(1, 70)), 6
        values = rng.choice([-1.0, 0.0, 0.25, 1.0, np.nan, np.inf, -np.inf], p=[0.3, 0.3, 0.2, 0.17] + [0.01] * 3,
                            size=(2, count, width)).astype(np.float32)  # fmt: skip
        lengths = rng.integers(0, width + 1, count)
        offsets = [[(i, i + int(rng.integers(0, 3))) if rng.random() < 0.8 else (0, 0) for i in range(length)]
                   for length in lengths]  # fmt: skip
        with np.errstate(invalid="ignore"):  # infinities of both signs
            arrays = [np.array(spans, int).reshape(-1, 2) for spans in offsets]
            found = predict._best_spans(*values, arrays)
            assert found == [plain_best_span(*window) for window in zip(*values, offsets, strict=True)]


# batches --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def trained(shared, tmp_path_factory):
    """A store with one run for each head."""
    import shutil

    root = tmp_path_factory.mktemp("trained") / "runs"
    shutil.copytree(shared.root, root)
    store = Store(root, shared.source)
    recipes = {}
    for task in ("xnli", "udpos", "xquad"):
        recipes[task] = Recipe(start=tiny().encoder).then(
            Stage(task=task, steps=3, batch=4, lr=1e-2, max_length=48, stride=12, seed=0)
        )
        execute(store, Job(recipes[task]), Resources())
    recipes["tatoeba"] = recipes["xnli"]
    return store, recipes


@pytest.mark.parametrize("task", ["xnli", "udpos", "xquad", "tatoeba"])
def test_the_evaluation_batch_changes_no_prediction(trained, task):
    store, recipes = trained
    evaluation = Evaluation(task=task, language="de", max_length=48, stride=12)
    learner = evaluate.model_for(store, recipes[task], evaluation)
    one, many = (evaluate.evaluate(store, recipes[task], evaluation, learner, batch) for batch in (1, 64))
    assert one == many
    assert {name for name in one[0] if not name.startswith("tied_")} == set(tasks.get(task).metrics)


def test_scores_and_predictions_are_stored_together(trained):
    store, recipes = trained
    evaluation = Evaluation(task="xnli", language="zh", examples=4)
    execute(store, Job(recipes["xnli"], (evaluation,)), Resources(eval_batch=2))
    file = store.score_file(recipes["xnli"], evaluation)
    assert len(predictions(file)) == 4


def test_a_limited_evaluation_takes_the_same_rows_of_every_language(trained):
    store, _ = trained
    rows = [
        evaluate._rows(store, Evaluation(task="tatoeba", language=code, examples=3))["target"] for code in ("de", "zh")
    ]
    assert rows[0] == rows[1] and len(rows[0]) == 3
