"""Queries of an attack: put together from texts cut once, as the tokenizer encodes them; many examples at a time."""

import numpy as np
import pytest
from test_attack import asked, trained
from test_model import bert, modern  # noqa: F401
from transformers import AutoTokenizer

from xlt.evaluation import evaluate
from xlt.evaluation.attack import candidates, queries, run
from xlt.evaluation.attack.queries import QueryEncoder
from xlt.evaluation.attack.search import GreedySearch, QueryResult
from xlt.evaluation.attack.texts import rebuilt, texts_of
from xlt.evaluation.attack.victim import Victim
from xlt.models.encoder import tokenizer_of
from xlt.models.features import encode
from xlt.models.inference import Predictor
from xlt.spec import tasks

LONG = "My old boat waits, my old boat " * 9
ODD = ["", " ", "  two  spaces ", "naïve e\u0301 ´x´ ﬁn", "他走了。", "a\u200bb\tc\n"]
TEXTS = ["My old boat waits.", "Anna kauft", *ODD, LONG]


def listed(features):
    """Features as they are compared: plain values, without the marks of what was cut."""
    names = ("input_ids", "token_type_ids", "labels")
    return [{name: np.asarray(f[name]).tolist() for name in names if name in f} for f in features]


@pytest.fixture(params=["own", "bert", "modern"])
def tokenizer(request, shared, start, bert, modern):  # noqa: F811
    if request.param == "own":
        return tokenizer_of(shared, start)
    return AutoTokenizer.from_pretrained(bert / "pooler" if request.param == "bert" else modern)


@pytest.mark.parametrize("pairs", [False, True])
def test_queries_are_encoded_as_the_evaluation_encodes_records(tokenizer, pairs, monkeypatch):
    columns = ("text_a", "text_b") if pairs else ("text_a",)
    rows = {name: ["clean", "other"] for name in columns} | {"label": [0, 2]}
    asked_for = [(row, (text, *([other] if pairs else []))) for row in (0, 1) for text in TEXTS for other in TEXTS]
    records = rebuilt(rows, "classification", asked_for)
    tokenizer(["a" * 50, "b"], truncation=True, max_length=4, padding=True)  # leaves its limits behind
    encoder = QueryEncoder(tasks.get("xnli"), asked("xnli", "de", "characters"), tokenizer)
    whole = []
    monkeypatch.setattr(queries, "encode", lambda *all: whole.append(len(all[1]["label"])) or encode(*all))
    for _ in range(2):
        found = encoder.features(asked_for, records)
        assert listed(found) == listed(encode("classification", records, tokenizer, 64))
    assert 0 < whole[-1] < whole[0] < len(asked_for), "only the first query of a record and what is too long"
    encoder.forget()
    assert not encoder.known.subwords and listed(encoder.features(asked_for, records)) == listed(found)


def test_where_a_tokenizer_cuts_a_text_otherwise_beside_another_all_is_encoded_whole(shared, start, monkeypatch):
    tokenizer = tokenizer_of(shared, start)
    encoder = QueryEncoder(tasks.get("xnli"), asked("xnli", "de", "characters"), tokenizer)
    real = encoder.known.feature
    monkeypatch.setattr(encoder.known, "feature", lambda texts: real((texts[0] + " x", texts[1])))
    monkeypatch.setattr(encoder.known, "read", lambda texts, read=encoder.known.read: read([*texts, "Anna x"]))
    rows = {"text_a": ["Anna"], "text_b": ["kauft"], "label": [1]}
    found = encoder.features([(0, ("Anna", "kauft"))], rows)
    assert encoder.known is None and listed(found) == listed(encode("classification", rows, tokenizer, 64))


class OneByOne:
    """The model asked each query alone: its record encoded as a whole, in a batch of one."""

    def __init__(self, victim):
        self.victim, self.task, self.tokenizer = victim, victim.task, victim.predictor.tokenizer

    def __call__(self, several):
        return [self.result(query) for query in several]

    def result(self, query):
        rows = rebuilt(self.victim.rows, self.task.family, [query])
        [feature] = encode(self.task.family, rows, self.tokenizer, 64, 16)
        predictor = Predictor(self.victim.predictor.learner, self.tokenizer, 1)
        [(_, out)] = predictor.outputs([feature], ("logits",))
        logits = out["logits"][0].astype(float)
        shares = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
        return QueryResult(shares[rows["label"][0]], (int(logits.argmax()) == rows["label"][0],))


@pytest.mark.parametrize("language", ["en", "de", "zh"])
def test_examples_attacked_together_end_as_each_alone(store, start, language):
    """Same edits, so the same texts, and the same number of queries."""
    recipe = trained(store, start, "mnli")
    evaluation, task = asked("xnli", language, "characters"), tasks.get("xnli")
    rows, learner = evaluate._rows(store, evaluation), evaluate.model_for(store, recipe, evaluation)
    rows = {name: rows[name][:] for name in rows.column_names} if hasattr(rows, "column_names") else rows

    def searches():
        found = {}
        for row in range(len(rows["label"])):
            texts = texts_of(rows, task.family, row)
            places = candidates.places(rows, row, task.family, evaluation.attack, language)
            found[row] = GreedySearch(texts, places, 4, evaluation.attack)
        return found

    victim = Victim(rows, task, evaluation, Predictor(learner, tokenizer_of(store, recipe), 8))
    together = run.drive(searches(), victim.ask)
    alone = {}
    for row, search in searches().items():
        alone |= run.drive({row: search}, OneByOne(victim))
    assert together == alone and sum(result.queries for result in alone.values()) > 3 * len(alone)
