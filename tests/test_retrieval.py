"""Retrieval: vectors, pairs and the sweep, mining, answers, entities, dual encoders, sentences, the anchor."""

import json
import shutil
from collections import Counter
from types import SimpleNamespace

import datasets
import numpy as np
import pandas as pd
import pytest
import torch
import transformers
from conftest import SIZES, tiny

from xlt import report
from xlt.analysis import layers
from xlt.core import progress
from xlt.core.errors import UserError
from xlt.data import records, sentences
from xlt.data.sources import Source
from xlt.data.store import Store, predictions
from xlt.evaluation import evaluate, retrieval
from xlt.evaluation.retrieval import Cell, families, pairs, search
from xlt.lab import anchors, sweeps
from xlt.lab.jobs import Job
from xlt.lab.lab import Lab
from xlt.lab.work import execute
from xlt.models import cells, dual, vectors
from xlt.models.encoder import encoder_of, tokenizer_of
from xlt.spec import tasks
from xlt.spec.profile import Resources
from xlt.spec.recipe import Evaluation, Recipe
from xlt.spec.stage import Stage


class Ids(torch.nn.Module):
    """An encoder whose hidden states are the token ids times one plus the layer, in two dimensions."""

    def __init__(self, layers=12):
        super().__init__()
        self.config = SimpleNamespace(num_hidden_layers=layers, hidden_size=2)

    def forward(self, input_ids, attention_mask, output_hidden_states, **_):
        assert output_hidden_states
        states = torch.stack([input_ids.float(), torch.ones_like(input_ids).float()], dim=-1)
        states = torch.where(attention_mask.unsqueeze(-1) == 1, states, torch.tensor(float("nan")))  # not to be read
        return SimpleNamespace(hidden_states=[states * (1 + i) for i in range(self.config.num_hidden_layers + 1)])


TEXTS = ["Anna kauft ein Auto.", "Anna", "Der Hund ☃"]


@pytest.fixture
def tokenizer(shared, start):
    return tokenizer_of(shared, start)


# vectors ----------------------------------------------------------------------------------------


def test_all_poolings_and_layers_come_from_one_pass(tokenizer):
    asked = [Cell(0, "mean"), Cell(0, "inner"), Cell(2, "cls"), Cell(0, "mean", True)]
    found = vectors.embed(TEXTS, tokenizer, Ids(), asked, max_length=64, batch=2)
    ids = [tokenizer(text)["input_ids"] for text in TEXTS]
    assert tokenizer.unk_token_id in ids[2]  # a word, not a special token
    means = np.array([[np.mean(row), 1.0] for row in ids])
    np.testing.assert_allclose(found[Cell(0, "mean")], means, rtol=1e-6)
    np.testing.assert_allclose(found[Cell(0, "inner")], [[np.mean(row[1:-1]), 1.0] for row in ids], rtol=1e-6)
    assert found[Cell(2, "cls")].tolist() == [[3 * tokenizer.cls_token_id, 3.0]] * 3
    np.testing.assert_allclose(found[Cell(0, "mean", True)], means - means.mean(0), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", ["xlm-r", "bert", "modern", "albert", "distilbert"])
def test_a_layer_is_that_of_a_whole_pass_and_those_above_it_are_not_computed(kind):
    size = dict(vocab_size=50, hidden_size=16, num_hidden_layers=4, num_attention_heads=2, intermediate_size=32)
    configs = {
        "xlm-r": transformers.XLMRobertaConfig(**size), "bert": transformers.BertConfig(**size),
        "modern": transformers.ModernBertConfig(**size, pad_token_id=1, bos_token_id=0, cls_token_id=0, eos_token_id=2,
                                                sep_token_id=2),
        "albert": transformers.AlbertConfig(**size, embedding_size=8),
        "distilbert": transformers.DistilBertConfig(vocab_size=50, dim=16, n_layers=4, n_heads=2, hidden_dim=32),
    }  # fmt: skip
    torch.manual_seed(0)
    encoder = transformers.AutoModel.from_config(configs[kind]).eval()
    inputs = {"input_ids": torch.randint(3, 50, (3, 9)), "attention_mask": torch.ones(3, 9, dtype=torch.long)}
    inputs["attention_mask"][1, 5:] = 0
    runs = []
    for block in vectors._blocks(encoder) or []:
        block.register_forward_hook(lambda *_: runs.append(1))
    with torch.no_grad():
        whole = encoder(**inputs, output_hidden_states=True).hidden_states
        for layers in ({0}, {1}, {2, 0}, {3}, {4}, {1, 4}, {0, 1, 2, 3, 4}):
            runs.clear()
            found = vectors.hidden_states(encoder, inputs, layers)
            assert all(torch.equal(found[layer], whole[layer]) for layer in layers), layers
            assert kind == "albert" or len(runs) == max(layers)
        runs.clear()
        assert torch.equal(encoder(**inputs).last_hidden_state, whole[4]) and len(runs) in (0, 4)


def test_texts_are_cut_once_for_all_encoders_that_read_them(tokenizer, monkeypatch):
    cut, texts = [], ["Anna kauft ein Auto.", "Der Hund schläft hier."]
    real = vectors.encode_sentences
    monkeypatch.setattr(vectors, "encode_sentences", lambda *all: cut.append(all[0]) or real(*all))
    first, again, shorter = (
        vectors.embed(texts, tokenizer, Ids(), [Cell(0, "mean")], length, 2)[Cell(0, "mean")] for length in (40, 40, 5)
    )
    assert (first == again).all() and (first != shorter).any() and cut == [texts, texts]
    vectors.embed(texts[::-1], tokenizer, Ids(), [Cell(0, "mean")], 40, 2)
    assert cut[2:] == [texts[::-1]]


def test_a_pair_of_texts_is_one_vector(tokenizer):
    [found] = vectors.embed([("Anna", "Der Hund")], tokenizer, Ids(), [Cell(0, "mean")], 64, 2).values()
    assert found[0, 0] == pytest.approx(np.mean(tokenizer("Anna", "Der Hund")["input_ids"]))


@pytest.mark.parametrize(("layer", "read"), [(0, 0), (3, 3), (12, 12), (None, 8)])
def test_the_layer_asked_for(layer, read):
    assert cells.point(Evaluation(task="tatoeba", layer=layer), 12, default=8) == Cell(read, "mean", False)


@pytest.mark.parametrize("layer", [13, -1])
def test_a_layer_that_the_encoder_does_not_have(layer):
    with pytest.raises(UserError, match=f"evaluation of tatoeba: the encoder has layers 0 to 12, not {layer}"):
        cells.point(Evaluation(task="tatoeba", layer=layer), 12, default=8)


def test_the_default_layer_is_that_of_xtreme():
    assert [retrieval.default_layer(n) for n in (24, 12, 6, 2, 1)] == [14, 8, 4, 1, 1]


def test_a_cell_has_one_name():
    assert [Cell.parse(str(cell)) for cell in cells.every(2)] == cells.every(2) and len(cells.every(2)) == 3 * 3 * 2


# pairs ------------------------------------------------------------------------------------------


def scripted(monkeypatch, table):
    """Sentence vectors as the test says, the same in every cell."""
    by_text = lambda texts, _, __, asked, *___: {c: np.array([table[t] for t in texts], float) for c in asked}  # noqa: E731
    monkeypatch.setattr(pairs, "embed", by_text)


def test_known_vectors_find_their_sentence(world, monkeypatch):
    rows = {"source": ["a", "b", "c"], "target": ["A", "B", "C"]}
    scripted(monkeypatch, {"a": [1, 0], "b": [0, 1], "c": [1, 0.1], "A": [1, 0], "B": [1, 0.2], "C": [0, 1]})
    asked = search.Search(world, Evaluation(task="tatoeba", language="de"), rows, None, Ids(), 4)
    values, examples = pairs.score(asked)
    # A finds a, B (1, 0.2) finds c, C finds b; a finds A, b finds C, and c (1, 0.1) finds B
    assert [example["found_en_to_xx"] for example in examples] == [0, 2, 1]
    assert [example["found_xx_to_en"] for example in examples] == [0, 2, 1]
    assert [example["accuracy_xx_to_en"] for example in examples] == [1.0, 0.0, 0.0]
    assert values == {
        "accuracy_en_to_xx": pytest.approx(1 / 3), "accuracy_xx_to_en": pytest.approx(1 / 3),
        "tied_en_to_xx": 0, "tied_xx_to_en": 0,
    }  # fmt: skip


def test_each_copy_of_a_repeated_sentence_is_right_and_ties_are_counted(world, monkeypatch, capsys):
    rows = {"source": ["a", "b", "a", "c"], "target": ["A", "B", "A", "A"]}
    scripted(monkeypatch, {"a": [1, 0], "A": [1, 0], "b": [0, 1], "B": [0, 1], "c": [0, 1]})
    monkeypatch.setattr(progress, "_subjects", set())
    asked = search.Search(world, Evaluation(task="tatoeba", language="de"), rows, None, Ids(), 4)
    values, examples = pairs.score(asked)
    # A finds a, of which there are two; the third A should have found c. b and c have one vector, so B is tied
    assert [example["accuracy_en_to_xx"] for example in examples] == [1, 1, 1, 0]
    assert [example["tied_en_to_xx"] for example in examples] == [False, True, False, False]
    assert values["accuracy_en_to_xx"] == 3 / 4 and values["tied_en_to_xx"] == 1 / 4
    assert values["accuracy_xx_to_en"] == 3 / 4 and values["tied_xx_to_en"] == 0  # three A are one text
    assert "tatoeba (de): to 1 of 8 queries several different sentences are equally near" in capsys.readouterr().err


def test_an_encoder_without_differences_finds_only_the_first(world, monkeypatch):
    rows = {"source": list("abcd"), "target": list("ABCD")}
    scripted(monkeypatch, dict.fromkeys("abcdABCD", [1, 0]))
    asked = search.Search(world, Evaluation(task="tatoeba", language="de"), rows, None, Ids(), 4)
    values, _ = pairs.score(asked)
    assert values == {
        "accuracy_en_to_xx": 1 / 4, "accuracy_xx_to_en": 1 / 4, "tied_en_to_xx": 1, "tied_xx_to_en": 1,
    }  # fmt: skip


def test_retrieval_needs_no_head(shared, start):
    learner = evaluate.model_for(shared, start, Evaluation(task="tatoeba", language="de"))
    assert not hasattr(learner, "classifier") and not learner.training


# the sweep --------------------------------------------------------------------------------------


def test_a_sweep_holds_what_each_single_evaluation_gives(store, start):
    swept = Evaluation(task="tatoeba", language="de", max_length=48, sweep=True)
    single = [
        Evaluation(task="tatoeba", language="de", max_length=48, layer=c.layer, pooling=c.pooling, centred=c.centred)
        for c in cells.every(1)
    ]
    execute(store, Job(start, (swept, *single)), Resources(eval_batch=3))
    read = lambda e: json.loads(store.score_file(start, e).read_text())["metrics"]  # noqa: E731
    values = read(swept)
    for cell, evaluation in zip(cells.every(1), single, strict=True):
        alone = read(evaluation)
        accuracies = {name: value for name, value in alone.items() if name.startswith("accuracy")}
        assert len(accuracies) == 2 and {name: values[f"{name}@{cell}"] for name in accuracies} == accuracies
    assert values["accuracy_en_to_xx"] == values["accuracy_en_to_xx@1/mean"]
    kept = predictions(store.score_file(start, swept))
    column = cells.every(1).index(Cell(0, "cls"))
    found = [example["sweep_xx_to_en"][column] for example in kept]
    assert np.mean([place == i for i, place in enumerate(found)]) == values["accuracy_xx_to_en@0/cls"]


def test_what_was_not_swept_reads_not_run(places, monkeypatch):
    monkeypatch.setenv("XLT_STORED_ONLY", "1")
    lab = Lab(tiny())
    tables = sweeps.sweep(lab, {"none": lab.recipe()}, languages=["de", "zh"])
    curve = report.layer_table(tables)
    assert curve.empty
    assert [text.get_text() for text in report.layer_plot(curve).axes[0].texts] == ["not run"]
    assert report.layer_summary(curve, 1)["recipe"].tolist() == ["not run"]
    assert report.layer_note(curve, 1) == "Nothing of this has run."
    assert report.rule_table(tables, 1).loc["none"].isna().all()


def test_a_sweep_is_one_table(places, in_process):
    lab = Lab(tiny())
    recipe = lab.recipe().then(Stage(task="mnli", steps=1, batch=4, max_length=48, role="intermediate"))
    table = sweeps.sweep(lab, {"mnli": recipe}, languages=["de", "zh"], seeds=2)["mnli"]
    assert list(table) == ["seed", "language", "direction", "layer", "pooling", "centred", "accuracy"]
    assert len(table) == 2 * 2 * 2 * len(cells.every(1)) and not table.duplicated(list(table)[:-1]).any()
    started = in_process.started
    again = sweeps.sweep(lab, {"mnli": recipe}, languages=["de", "zh"], seeds=2)
    pd.testing.assert_frame_equal(again["mnli"], table)
    assert in_process.started == started  # stored like any evaluation
    with pytest.raises(UserError, match="sentence pairs .family retrieval., which xnli has not"):
        sweeps.sweep(lab, {"mnli": recipe}, "xnli")


def swept(**languages):
    return pd.DataFrame(
        {"seed": 0, "language": code, "direction": "en_to_xx", "layer": layer, "pooling": "mean", "centred": False,
         "accuracy": value}
        for code, values in languages.items() for layer, value in enumerate(values)
    )  # fmt: skip


def test_the_rules_that_choose_a_layer():
    table = swept(de=[0.1, 0.9, 0.2], fr=[0.1, 0.3, 0.5], zh=[0.2, 0.3, 0.3])
    fixed = layers.choose(table, "fixed")
    assert fixed["layer"].unique().tolist() == [1]
    chosen = layers.choose(table, "held out").set_index("language")
    # for de the others say 0.3, 0.6, 0.8; for fr 0.3, 1.2, 0.5; for zh 0.2, 1.2, 0.7
    assert chosen["layer"].to_dict() == {"de": 2, "fr": 1, "zh": 1}
    assert chosen["accuracy"].to_dict() == {"de": 0.2, "fr": 0.3, "zh": 0.3}
    with pytest.raises(UserError, match="two or more"):
        layers.choose(table[table["language"] == "de"], "held out")
    with pytest.raises(UserError, match="rule"):
        layers.choose(table, "best")


def test_the_fixed_layer_is_the_one_that_the_profile_declares():
    """Of 3 layers XTREME's rule takes 2 (21 / 12 = 1.75). Means of de, fr: .10 .45 .30 .40; .10 .20 .25 .60."""
    tables = {
        "none": swept(de=[0.1, 0.6, 0.3, 0.3], fr=[0.1, 0.3, 0.3, 0.5]),
        "mnli": swept(de=[0.1, 0.2, 0.2, 0.7], fr=[0.1, 0.2, 0.3, 0.5]),
    }
    curve = report.layer_table(tables)
    shown = report.layer_summary(curve, 3)
    assert shown["layer 3"].tolist() == [0.4, 0.6] and shown["best"].tolist() == [0.45, 0.6]
    assert shown["best layer"].tolist() == [1, 3]
    assert report.rule_table(tables, 3)["fixed"].tolist() == [0.4, 0.6]
    assert report.layer_note(curve, 3) == (
        "The fixed layer is 3 (as the profile declares; XTREME's rule: 2). The best of the sweep is chosen on the test "
        "set: an oracle, not to be reported as a result. With mean pooling, not centred, it is the fixed layer itself "
        "for mnli and another for none."
    )
    assert report.layer_summary(curve, None)["layer 2"].tolist() == [0.3, 0.25]
    assert report.rule_table(tables, None)["fixed"].tolist() == [0.3, 0.25]
    note = report.layer_note(curve, None)
    assert note.startswith("The fixed layer is 2 (XTREME's rule for this depth).") and "itself" not in note


# the world's forms of the other families ---------------------------------------------------------

MORE = {"bucc_dev": 40, "bucc_test": 40, "lareqa_test": 8, "mewsli_train": 12, "mewsli_test": 8}


@pytest.fixture(scope="module")
def bigger(places):
    """A store over a world that has all forms of retrieval, with the starting encoder in it."""
    profile = tiny(data={"source": "world", "world": {"sizes": SIZES | MORE}})
    store = Store(places / "retrieval", Source.of(profile))
    start = Recipe(start=profile.encoder)
    execute(store, Job(start), Resources())
    return store, start


class Known(torch.nn.Module):
    """Any encoder; the vectors come from elsewhere."""

    config = SimpleNamespace(num_hidden_layers=2, hidden_size=2)


def searched(store, task, language, by_text, monkeypatch, split="test", rows=None, **settings):
    """Metrics and examples when texts have the vectors of `by_text`."""
    monkeypatch.setattr(
        search, "embed", lambda texts, _, __, cells, *___: {cells[0]: np.array(list(map(by_text, texts)))}
    )
    evaluation = Evaluation(task=task, language=language, split=split, **settings)
    rows = rows or evaluate._rows(store, evaluation)
    found = search.Search(store.source, evaluation, rows, None, Known(), 4)
    return families.score(found, Recipe(start=tiny().encoder))


def hashed(key, width=64):
    """A vector of its own for each key."""
    return np.random.default_rng(list(repr(key).encode())).normal(size=width)


def translations(store, task, language, split):
    """Text of either side -> what it means: the English text of its gold pair, or itself."""
    source, gold = store.source, tasks.get(task)
    pools = [source.load(tasks.get(name), language, split) for name in gold.pool]
    text = [dict(zip(pool["id"], pool["text"], strict=True)) for pool in pools]
    rows = source.load(gold, language, split)
    return {text[0][a]: text[1][b] for a, b in zip(rows["source_id"], rows["target_id"], strict=True)}, text


def test_mining_finds_all_pairs_and_xtreme_misses_the_repeated_ones(bigger, monkeypatch):
    store, _ = bigger
    meaning = {}
    for split in ("dev", "test"):
        found, text = translations(store, "bucc", "de", split)
        meaning |= found
    values, examples = searched(store, "bucc", "de", lambda t: hashed(meaning.get(t, t)), monkeypatch)
    assert values["bucc_f1"] == values["bucc_f1_oracle"] == values["bucc_precision"] == values["bucc_recall"] == 1.0
    gold = [(e["source"], e["target"]) for e in examples if e["gold"]]
    assert all(e["mined"] == e["gold"] for e in examples) and {len(set(gold))} == {len(gold)}
    times = [Counter(side.values()) for side in text]
    kept = sum(times[0][text[0][a]] == times[1][text[1][b]] == 1 for a, b in gold)
    assert 0 < kept < len(gold)  # the world repeats sentences
    assert values["bucc_f1_dropped"] == pytest.approx(2 * kept / (kept + len(gold)))


def test_the_threshold_of_test_is_that_of_dev(bigger, monkeypatch):
    """Dev says that only identical vectors are pairs; a test pair that is a little off is missed, if not by oracle."""
    store, _ = bigger
    dev, _ = translations(store, "bucc", "de", "dev")
    test, _ = translations(store, "bucc", "de", "test")
    test = {k: v for k, v in test.items() if k not in dev}

    def vector(text):
        shared = hashed("what all sentences have in common")
        if text in test:
            return shared + hashed(test[text]) + 1.2 * hashed(text)
        return shared + hashed(dev.get(text, text))

    values, examples = searched(store, "bucc", "de", vector, monkeypatch)
    assert values["bucc_f1"] < values["bucc_f1_oracle"] and values["bucc_precision"] == 1.0
    mined, missed = ([e["score"] for e in examples if e["gold"] and e["mined"] == m] for m in (True, False))
    assert min(mined, default=9) > max(missed)
    on_dev, _ = searched(store, "bucc", "de", vector, monkeypatch, split="dev")
    assert on_dev["bucc_f1"] == on_dev["bucc_f1_oracle"] == 1.0


def test_mining_says_what_is_wrong(bigger, monkeypatch):
    store, _ = bigger
    rows = evaluate._rows(store, Evaluation(task="bucc", language="de"))
    wrong = rows | {"target_id": [*rows["target_id"][:2], "en-999999999", *rows["target_id"][3:]]}
    with pytest.raises(UserError, match="bucc de test: row 3: target_id en-999999999 is not in its pool"):
        searched(store, "bucc", "de", hashed, monkeypatch, rows=wrong)
    with pytest.raises(UserError, match="whole pools; leave examples out"):
        searched(store, "bucc", "de", hashed, monkeypatch, examples=3)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"id": ["a", "b"], "text": ["x", " "]}, "here: row 2: text is blank"),
        ({"id": ["a", "b", "a"], "text": ["x", "y", "z"]}, "here: rows 1 and 3 have the same id a"),
    ],
)
def test_a_pool_has_sentences_with_ids(columns, message):
    task = tasks.parse("mine", {"family": "pool", "dataset": "./mine"}, "test")
    with pytest.raises(UserError, match=message):
        records.canonical(datasets.Dataset.from_dict(columns), task, "de", "here")


def sentence_of_answer(store, code):
    """Question -> the statement of its context that holds the answer, by the world's own full stops."""
    rows = store.source.load(tasks.get("lareqa"), code, "test")
    for question, context, answer in zip(rows["question"], rows["context"], rows["answers"], strict=True):
        start = answer["answer_start"][0]
        yield question, next(context[a:b] for a, b in sentences.split(context) if a <= start < b)


def test_the_answer_is_found_in_every_language(bigger, monkeypatch):
    store, _ = bigger
    codes = ("en", "de", "zh")
    by_text = {}
    for code in codes:
        for i, (question, statement) in enumerate(sentence_of_answer(store, code)):
            by_text |= {question: hashed(i), statement: hashed(i)}
    vector = lambda text: by_text.get(text if isinstance(text, str) else text[0], hashed(text))  # noqa: E731
    values, examples = searched(store, "lareqa", "de", vector, monkeypatch)
    assert values == {"map_at_20": 1.0} and len(examples) == 8
    for i, example in enumerate(examples):
        assert sorted(example["prediction"][:3]) == example["gold"]
        assert [name.split("-")[0] for name in example["gold"]] == ["de", "en", "zh"] and f"-{i}-" in example["gold"][0]
    english = {text: vec for text, vec in by_text.items()}
    lost = lambda text: -vector(text) if not isinstance(text, str) and text[0].isascii() else vector(text)  # noqa: E731
    assert english and searched(store, "lareqa", "de", lost, monkeypatch)[0]["map_at_20"] < 1.0


def test_an_entity_is_found_by_its_description(bigger, monkeypatch):
    store, _ = bigger
    task = tasks.get("mewslix")
    pool = store.source.load(tasks.get("mewslix-entities"), "en", "test")
    entity = dict(zip(pool["id"], pool["text"], strict=True))
    rows = store.source.load(task, "zh", "test")
    key = dict(zip(rows["query"], rows["target"], strict=True)) | {text: name for name, text in entity.items()}
    values, examples = searched(store, "mewslix", "zh", lambda t: hashed(key[t]), monkeypatch)
    assert values == {"map_at_20": 1.0} and [e["prediction"][0] for e in examples] == rows["target"][:]
    shifted = {t: rows["target"][(i + 1) % len(rows)] for i, t in enumerate(rows["query"][:])}
    second = lambda t: hashed(key[t]) + (2 * hashed(shifted[t]) if t in shifted else 0)  # noqa: E731
    assert searched(store, "mewslix", "zh", second, monkeypatch)[0]["map_at_20"] == pytest.approx(0.5)
    wrong = {"query": rows["query"][:], "target": ["Q0", *rows["target"][1:]]}
    with pytest.raises(UserError, match="mewslix zh test: row 1: target Q0 is not in the pool mewslix-entities"):
        searched(store, "mewslix", "zh", hashed, monkeypatch, rows=wrong)


def test_a_pool_that_is_not_here_is_named(bigger, monkeypatch):
    store, start = bigger
    elsewhere = tasks.get("bucc-foreign").model_copy(update={"dataset": "xlt/elsewhere"})
    monkeypatch.setitem(tasks.TASKS, "bucc-foreign", elsewhere)
    with pytest.raises(UserError, match=r"bucc-foreign in de.*google/xtreme has the gold pairs only"):
        store.evaluation_key(start, Evaluation(task="bucc", language="de"))


def test_what_is_searched_belongs_to_the_key(bigger):
    store, start = bigger
    key = lambda task, language="de", split="test": store.evaluation_key(  # noqa: E731
        start, Evaluation(task=task, language=language, split=split)
    ).get("searched", {})
    assert not key("tatoeba") and set(key("lareqa")) == {"en", "de", "zh"}
    assert set(key("bucc")) == {
        "bucc-foreign test",
        "bucc-english test",
        "bucc dev",
        "bucc-foreign dev",
        "bucc-english dev",
    }
    assert set(key("bucc", split="dev")) == {"bucc-foreign dev", "bucc-english dev"}
    assert set(key("mewslix")) == {"mewslix-entities test"}


# dual encoders ----------------------------------------------------------------------------------


def test_the_loss_is_a_softmax_over_the_batch_without_the_same_target_twice():
    vectors_ = {"query": [[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]], "target": [[2.0, 0.0], [0.0, 3.0], [0.0, 3.0]]}

    class Encoder(torch.nn.Module):
        def forward(self, input_ids, attention_mask):
            return SimpleNamespace(last_hidden_state=input_ids[..., None] * torch.ones(2) + self.add)

    class Learner(torch.nn.Module):
        base_model_prefix = "encoder"

        def encoder(self, side, attention_mask):
            states = torch.tensor(vectors_[side])[:, None].repeat(1, 2, 1)
            return SimpleNamespace(last_hidden_state=states * torch.tensor([1.0, 50.0])[None, :, None])  # 2nd: padding

    mask = torch.tensor([[1, 0]] * 3)
    batch = {side: {"side": side, "attention_mask": mask} for side in vectors_} | {"same": torch.tensor([0, 1, 1])}
    # cosines with the targets (1,0), (0,1), (0,1); the third target is the second one again
    terms = [
        np.log(np.exp(20 * 1) + 2 * np.exp(0)) - 20,
        np.log(np.exp(20 * 0.6) + np.exp(20 * 0.8)) - 20 * 0.8,
        np.log(np.exp(0) + np.exp(20)) - 20,
    ]
    assert float(dual.loss(Learner(), batch)) == pytest.approx(np.mean(terms), rel=1e-5)


@pytest.mark.parametrize(("task", "target"), [("lareqa", "squad-sentences"), ("mewslix", "mewslix-pairs")])
def test_a_dual_encoder_learns_and_is_read_at_its_last_layer(bigger, task, target):
    store, start = bigger
    trained = start.then(Stage(task=target, steps=30, batch=6, lr=3e-3, max_length=64, seed=0))
    at = [Evaluation(task=task, language="en", max_length=64, layer=layer) for layer in (None, 1, 0)]
    execute(store, Job(trained, tuple(at)), Resources())
    losses = store.record(trained)["losses"]
    assert np.mean(losses[-5:]) < 0.8 * np.mean(losses[:5])
    default, last, first = (json.loads(store.score_file(trained, e).read_text())["metrics"] for e in at)
    assert default == last != first
    assert tasks.get(f"{task}-zero-shot").headless and not tasks.get(task).headless
    plain = Evaluation(task=f"{task}-zero-shot", language="en", max_length=64)
    execute(store, Job(start, (plain,)), Resources())
    assert len(predictions(store.score_file(start, plain))) == len(predictions(store.score_file(trained, at[0])))


def test_the_pool_of_an_encoder_is_read_once_until_its_weights_change(bigger, monkeypatch):
    store, start = bigger
    encoder = encoder_of(store, start)
    tokenizer, made = tokenizer_of(store, start), []
    real = search.embed
    monkeypatch.setattr(search, "embed", lambda texts, *rest: made.append(texts[0]) or real(texts, *rest))

    def read(code):
        evaluation = Evaluation(task="lareqa", language=code, max_length=48)
        found = search.Search(store.source, evaluation, evaluate._rows(store, evaluation), tokenizer, encoder, 4)
        _, examples = families.score(found, start)
        return [example["scores"] for example in examples]

    first, _ = read("de"), read("zh")
    assert len([texts for texts in made if isinstance(texts, tuple)]) == 3  # one for each language of the pool
    with torch.no_grad():
        encoder.embeddings.word_embeddings.weight.mul_(-1)
    assert read("de") != first and len([texts for texts in made if isinstance(texts, tuple)]) == 6


# sentences --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("He (Dr. J. Smith) left. Why? “Yes.” It is so!", ["He (Dr. J. Smith) left.", "Why?", "“Yes.”", "It is so!"]),
        ("Am 3. Mai 1900. Im 16. Jahrhundert z. B. nicht.", ["Am 3. Mai 1900.", "Im 16. Jahrhundert z. B. nicht."]),
        ("Τι είναι; Δεν ξέρω.", ["Τι είναι;", "Δεν ξέρω."]),
        ("Это г. Москва. Он тут… Она там.", ["Это г. Москва.", "Он тут…", "Она там."]),
        ("ذهب الولد. لماذا؟ لا أعرف.", ["ذهب الولد.", "لماذا؟", "لا أعرف."]),
        ("वह गया। क्यों? डॉ. राम आए।", ["वह गया।", "क्यों?", "डॉ. राम आए।"]),
        ("他走了。“为什么？”她问！3.5米", ["他走了。", "“为什么？”", "她问！", "3.5米"]),
        ("\ufeff Ends with a quote. ”", ["Ends with a quote. ”"]),
        ("  ", []),
    ],
)  # fmt: skip
def test_sentences_by_script(text, pieces):
    assert [text[a:b] for a, b in sentences.split(text)] == pieces


def test_thai_is_cut_at_a_space_after_enough_letters():
    words = ["กขค" * 20] * 9  # 60 letters and a space each: the 4th space is the first after 215 characters
    text = " ".join(words)
    assert [text[a:b] for a, b in sentences.split(text)] == [" ".join(words[:4]), " ".join(words[4:8]), words[8]]


def test_no_boundary_cuts_an_answer():
    text = "It was St. Elmo. Fire! Came later. End."
    assert len(sentences.split(text)) == 4
    pieces = sentences.split(text, [(7, text.index("! Came"))])
    assert [text[a:b] for a, b in pieces] == ["It was St. Elmo. Fire!", "Came later.", "End."]


# the anchor -------------------------------------------------------------------------------------


def test_the_anchor_says_what_is_published_and_why_it_did_not_run(places):
    table = anchors.anchor(Lab(tiny()))
    assert set(anchors.in_short(table)["language"]) == {"mean", "de", "zh"}
    means = table[table["language"] == "mean"].set_index("task")["published"]
    per_language = table[table["language"] != "mean"].groupby("task")["published"]
    assert per_language.count().to_dict() == {"bucc": 4, "tatoeba": 36}
    assert means.to_dict() == per_language.mean().round(1).to_dict() == {"bucc": 71.5, "tatoeba": 31.0}
    assert table["note"].str.startswith("not run: ").all() and table["own"].isna().all()
    assert set(tasks.get("tatoeba").languages) == set(table["language"][table["task"] == "tatoeba"]) - {"mean"}


def test_the_anchor_runs_what_is_there(places, in_process, monkeypatch, tmp_path):
    """The same table from a stand-in: a model folder of 14 layers, two languages of the world taken for Tatoeba."""
    lab = Lab(tiny())
    folder = tmp_path / "large"
    deep = Recipe(start=tiny().encoder.model_copy(update={"layers": 14}))
    execute(lab.store, Job(deep), Resources())
    shutil.copytree(lab.store.folder(deep) / "encoder", folder)
    monkeypatch.setattr(lab.store.source, "label", {**lab.store.source.label}, raising=True)
    monkeypatch.setattr("xlt.lab.anchors._missing", lambda _, __, task: "" if task == "tatoeba" else "not run: x")
    table = anchors.anchor(lab, str(folder))
    ran = table[table["own"].notna()].set_index("language")
    assert list(ran.index) == ["de", "zh", "mean"]
    assert ran["own"]["mean"] == pytest.approx((ran["own"]["de"] + ran["own"]["zh"]) / 2)
    assert ran["note"].to_dict() == {"de": "", "zh": "", "mean": "of 2 languages only"}
    assert ran["difference"]["de"] == pytest.approx(ran["own"]["de"] - 63.9)
    single = Evaluation(task="tatoeba", language="de", max_length=256, layer=14)
    recipe = Recipe(start=tiny().encoder.model_copy(update={"model": str(folder)}))
    assert lab.store.score_file(Recipe(start=type(recipe.start)(model=str(folder))), single).is_file()
