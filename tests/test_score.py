"""`xlt score`: the metrics of each family from files, and one clear line for whatever is wrong in them."""

import json

import pytest

from xlt import cli, tasks
from xlt.errors import UserError
from xlt.score import as_text, score


@pytest.fixture
def write(tmp_path):
    """Files by name: a list is written as lines, text as it is, anything else as one document."""

    def to_file(name, content):
        if isinstance(content, list):
            content = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in content)
        path = tmp_path / name
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        return path

    return to_file


@pytest.fixture
def results(write):
    """The metrics of a task from the contents of its two files."""

    def run(task, language, predictions, references, names=("predictions.jsonl", "references.jsonl")):
        files = [write(name, content) for name, content in zip(names, (predictions, references), strict=True)]
        return score(task, language, *files)["metrics"]

    return run


@pytest.fixture
def extra_task(monkeypatch):
    def add(**fields):
        monkeypatch.setitem(tasks.TASKS, "extra", tasks.parse("extra", {"dataset": "some/where", **fields}, "test"))

    return add


def squad(answers):
    questions = [{"id": i, "answers": [{"text": text} for text in texts]} for i, texts in answers.items()]
    return {"version": "1.1", "data": [{"paragraphs": [{"qas": questions}]}]}


def test_classification_by_name_and_by_number(results):
    gold = [{"id": i, "label": label} for i, label in enumerate(["entailment", 1, "contradiction", 0])]
    predicted = [{"id": str(i), "label": label} for i, label in enumerate([0, "neutral", 0, None])]
    assert results("xnli", "de", predicted[::-1], gold) == {"accuracy": 2 / 4}


def test_paraphrases(results):
    gold = [{"id": i, "label": label} for i, label in enumerate(["duplicate", "duplicate", 0, 0])]
    predicted = [{"id": i, "label": label} for i, label in enumerate([1, 0, 1, "not_duplicate"])]
    assert results("qqp", "en", predicted, gold) == {"accuracy_and_f1": 0.5, "accuracy": 0.5, "f1_binary": 0.5}


def test_choices(results):
    assert results("xcopa", "th", [{"id": 1, "choice": 0}, {"id": 2, "choice": 1}], [
        {"id": 1, "choice": 0}, {"id": 2, "choice": 0},
    ]) == {"accuracy": 0.5}  # fmt: skip


def test_tags_with_words_and_sentences_without_a_prediction(results):
    gold = [
        {"id": 1, "tokens": ["a", "b", "c"], "tags": ["DET", "NOUN", "NOUN"]},
        {"id": 2, "tags": ["PRON", "VERB"]},
    ]
    predicted = [{"id": 1, "tags": ["DET", "NOUN", None]}, {"id": 2, "tags": None}]
    metrics = results("udpos", "hi", predicted, gold)
    assert metrics == {"chunk_f1": pytest.approx(2 * 1 / (4 + 2)), "token_accuracy": 2 / 5}


def test_answers_from_squads_json_and_a_mapping(results):
    names = ("predictions.json", "references.json")
    predicted, gold = {"q1": "北京大学", "q2": None}, squad({"q1": ["北京"], "q2": ["上海"]})
    metrics = results("xquad", "zh", predicted, gold, names)
    aware = {"f1_language_aware": pytest.approx((2 * 2 / 6 + 0) / 2), "exact_match_language_aware": 0}
    assert metrics == {"f1": 0, "exact_match": 0} | aware
    lines = [{"id": "q1", "answers": ["北京"]}, {"id": "q2", "answers": {"text": ["上海"], "answer_start": [0]}}]
    assert results("xquad", "zh", [{"id": i, "answer": a} for i, a in predicted.items()], lines) == metrics


def test_mlqa_scores_by_the_language(results):
    metrics = results("mlqa", "ar", [{"id": 1, "answer": "سالم"}], [{"id": 1, "answers": ["س م"]}])
    assert metrics == {"mlqa_f1": 1, "mlqa_exact_match": 1, "mlqa_f1_mended": 0, "mlqa_exact_match_mended": 0}


def test_a_sentence_of_the_same_text_is_found_where_the_references_hold_the_texts(results):
    gold = [{"id": 1, "source": "eins", "target": "one"}, {"id": 2, "source": "eins", "target": "One."}]
    predicted = [{"id": i, "en_to_xx": 1, "xx_to_en": 1} for i in (1, 2)]
    assert results("tatoeba", "de", predicted, gold) == {"accuracy_en_to_xx": 1, "accuracy_xx_to_en": 0.5}
    bare = [{"id": 1}, {"id": 2}]
    assert results("tatoeba", "de", predicted, bare) == {"accuracy_en_to_xx": 0.5, "accuracy_xx_to_en": 0.5}


def test_a_kind_of_question_that_is_not_there_has_no_score(results, extra_task):
    extra_task(family="span", metrics="squad2_f1 squad2_f1_has_answer squad2_f1_no_answer")
    gold = [{"id": 1, "answers": []}, {"id": 2, "answers": []}]
    predicted = [{"id": 1, "answer": ""}, {"id": 2, "answer": "x"}]
    metrics = results("extra", "en", predicted, gold)
    exact = {"squad2_exact_match": 0.5, "squad2_exact_match_has_answer": None, "squad2_exact_match_no_answer": 0.5}
    assert metrics == {"squad2_f1": 0.5, "squad2_f1_has_answer": None, "squad2_f1_no_answer": 0.5} | exact


def test_sentences_that_find_one_another(results):
    predicted = [{"id": "a", "en_to_xx": "a", "xx_to_en": "b"}, {"id": "b", "en_to_xx": "b", "xx_to_en": None}]
    metrics = results("tatoeba", "ar", predicted, [{"id": "a"}, {"id": "b"}])
    assert metrics == {"accuracy_en_to_xx": 1, "accuracy_xx_to_en": 0}
    predicted[1]["xx_to_en"] = "c"
    with pytest.raises(UserError, match=r"predictions.jsonl: found 1 id \(c\) not among the references"):
        results("tatoeba", "ar", predicted, [{"id": "a"}, {"id": "b"}])


def test_rankings(results):
    predicted = [{"id": 1, "ranking": ["x", "en-7"]}, {"id": 2, "ranking": None}]
    gold = [{"id": 1, "relevant": ["en-7", "de-7"]}, {"id": 2, "relevant": [3]}]
    assert results("lareqa", "en", predicted, gold) == {"map_at_20": (1 / 2) / 2 / 2}


def test_pairs_with_the_threshold_of_dev(write):
    def pairs(name, *rows):
        return write(name, [dict(zip(("source", "target", "score"), row, strict=False)) for row in rows])

    dev = (pairs("dev.jsonl", (1, 1, 0.9), (2, 3, 0.5)), pairs("dev-gold.jsonl", (1, 1)))
    predicted = pairs("test.jsonl", (1, 1, 0.8), (2, 2, 0.6), (3, 4, 0.3))
    gold = pairs("test-gold.jsonl", (1, 1), (2, 2))
    always = {"bucc_f1_oracle": 1, "bucc_f1_dropped": None}  # no sentences are given
    metrics = score("bucc", "de", predicted, gold, dev)["metrics"]  # threshold 0.7
    assert metrics == {"bucc_f1": 2 / 3, "bucc_precision": 1, "bucc_recall": 0.5} | always
    metrics = score("bucc", "de", predicted, gold)["metrics"]
    assert metrics == {"bucc_f1": 0.8, "bucc_precision": 2 / 3, "bucc_recall": 1} | always
    right = pairs("right.jsonl", (1, 1, 0.8), (2, 2, 0.6))
    assert score("bucc", "de", right, gold, (right, gold))["metrics"]["bucc_f1"] == 1  # the threshold itself counts
    with pytest.raises(UserError, match=r'line 1: score: "0.8" should be a finite number'):
        score("bucc", "de", pairs("text.jsonl", (1, 1, "0.8")), gold)
    for number in ("1e999", "-1e999", "1" + 400 * "0"):
        with pytest.raises(UserError, match=r"line 1: score: .* should be a finite number"):
            score("bucc", "de", write("huge.jsonl", f'{{"source": 1, "target": 1, "score": {number}}}\n'), gold)
    with pytest.raises(UserError, match=r"again.jsonl, line 2: doubled, .*again.jsonl, line 1; 1 source and target"):
        score("bucc", "de", pairs("again.jsonl", (1, 1, 0.8), ("1", 1, 0.6)), gold)


def test_pairs_of_repeated_sentences_are_left_out_where_the_sentences_are_given(write):
    def sentences(side, **texts):
        return [{"side": side, "id": name, "text": text} for name, text in texts.items()]

    pairs = [{"source": "s1", "target": "t1"}, {"source": "s2", "target": "t2"}]
    pools = sentences("source", s1="eins", s2="zwei", s3="zwei") + sentences("target", t1="one", t2="two")
    predicted = write("p.jsonl", [{**pair, "score": 0.5} for pair in pairs])
    metrics = score("bucc", "de", predicted, write("r.jsonl", pairs + pools))["metrics"]
    assert (metrics["bucc_f1"], metrics["bucc_f1_dropped"]) == (1, 2 * 1 / (1 + 2))  # "zwei" stands twice
    dev = predicted, write("dev.jsonl", pairs)  # whose sentences are not given
    metrics = score("bucc", "de", predicted, write("r.jsonl", pairs + pools), dev)["metrics"]
    assert (metrics["bucc_f1"], metrics["bucc_f1_dropped"]) == (1, None)
    with pytest.raises(UserError, match=r"r.jsonl: no sentences for 1 pair \(s2 t2\); give those of both whole pools"):
        score("bucc", "de", predicted, write("r.jsonl", pairs + pools[:-1]))
    with pytest.raises(UserError, match=r"r.jsonl, line 8: side: english should be source or target"):
        score("bucc", "de", predicted, write("r.jsonl", pairs + pools + sentences("english", t3="three")))


GOLD = [{"id": f"q{i}", "label": "neutral"} for i in range(6)]


@pytest.mark.parametrize(
    ("predictions", "message"),
    [
        (GOLD[4:], r"p.jsonl: 4 ids \(q0, q1, q2, \.\.\.\) of .*r.jsonl missing \(null"),
        ([*GOLD, {"id": "new", "label": 0}], r"p.jsonl: 1 id \(new\) not in .*r.jsonl"),
        ([{"id": "new", "label": 0}, *GOLD[1:]], r"1 id \(q0\) of .* missing .*; 1 id \(new\) not in"),
        ([*GOLD, GOLD[2], GOLD[4]], r"p.jsonl, line 7: doubled, first in .*p.jsonl, line 3; 2 ids \(q2, q4\)"),
        ([*GOLD[:5], {"id": "q5", "label": "entailement"}], r'line 6: label: "entailement" should be one of 3 labels'),
        ([*GOLD[:5], {"id": "q5", "label": 3}], r"line 6: label: 3 should be one of 3 labels \(entailment, neutral"),
        ([*GOLD[:5], {"id": "q5", "label": 0.5}], r"line 6: label: 0.5 should be the name or the number"),
        ([*GOLD[:5], {"id": "q5", "label": True}], r"line 6: label: true should be"),
        ([*GOLD[:5], {"id": "q5", "lable": "neutral"}], r"line 6: no field 'label'; it has id, lable"),
        ([*GOLD[:5], {"label": "neutral"}], r"line 6: no field 'id'"),
        ([*GOLD[:5], {"id": None, "label": "neutral"}], r"line 6: id: null should be a string or a whole number"),
        ([*GOLD[:5], ["q5", "neutral"]], r'line 6: \["q5", "neutral"\] should be an object'),
        ('{"id": 1, "label": 0}\n{"id": 2, "label": }\n', r"line 2: bad JSON at column 20 \(Expecting value"),
        ('{"id": 1, "label": 0}\n\n{"id": 2, "label": 0}\n', r"line 2: empty line"),
        ('{"id": 1, "id": 2, "label": 0}\n', r"line 1: 1 key \(id\) doubled in one object"),
        ('{"id": 1, "label": NaN}\n', r"line 1: NaN is no number of JSON"),
        ("\n", r"p.jsonl: empty"),
    ],
)
def test_bad_lines_are_named(write, predictions, message):
    with pytest.raises(UserError, match=message) as caught:
        score("xnli", "de", write("p.jsonl", predictions), write("r.jsonl", GOLD))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("task", "predicted", "gold", "message"),
    [
        ("udpos", {"tags": ["DET"]}, {"tags": ["DET", "NOUN"]}, r"p.jsonl, line 1: 1 tags for 2 tokens"),
        ("udpos", {"tags": ["DET"]}, {"tags": ["DET"], "tokens": ["a", "b"]}, r"r.jsonl, line 1: 1 tags for 2 tokens"),
        ("udpos", {"tags": ["DET"]}, {"tags": [None]}, r"r.jsonl, line 1: tags: \[null\] should be a tag for every"),
        ("udpos", {"tags": ["NON"]}, {"tags": ["DET"]}, r'p.jsonl, line 1: tags: "NON" should be one of 17 labels'),
        ("udpos", {"tags": "DET"}, {"tags": ["DET"]}, r'p.jsonl, line 1: tags: "DET" should be a list of tags'),
        ("xquad", {"answer": ["a"]}, {"answers": ["a"]}, r'p.jsonl, line 1: answer: \["a"\] should be a text'),
        ("xquad", {"answer": "a"}, {"answers": "a"}, r'r.jsonl, line 1: answers: "a" should be a list of texts'),
        ("xquad", {"answer": "a"}, {"answers": []}, r"answers: \[\] should be one text at least: xquad has no"),
        ("siqa", {"choice": 1}, {"choice": "1"}, r'p.jsonl, line 1: choice: 1 should be a string, "1"'),
        ("mnli-text", {}, {}, r"task mnli-text: nothing to score"),
        ("xnlu", {}, {}, r"unknown task 'xnlu'; did you mean xnli"),
    ],
)
def test_bad_values_are_named(write, task, predicted, gold, message):
    with pytest.raises(UserError, match=message):
        score(task, "en", write("p.jsonl", [{"id": 1, **predicted}]), write("r.jsonl", [{"id": 1, **gold}]))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("p.json", '{"q1": "a",\n "q2": }', r"p.json, line 2: bad JSON at column 8"),
        ("p.json", '{"id": "q1"}\n{"id": "q2"}\n', r"p.json, line 2: bad JSON .*name a file of lines .jsonl"),
        ("p.json", '{"q1": "a", "q1": "b"}', r"p.json: 1 key \(q1\) doubled"),
        ("p.json", '["a"]', r"p.json: should be \{id: value\}"),
        ("p.json", {"q1": 7, "q2": "b"}, r"p.json, id q1: answer: 7 should be a text"),
        ("p.json", {"data": [{"paragraphs": [{"qas": [{"id": 1}]}]}]}, r"p.json: not SQuAD's JSON \('answers'\)"),
    ],
)
def test_bad_documents_are_named(write, name, content, message):
    references = write("r.json", squad({"q1": ["a"], "q2": ["b"]}))
    with pytest.raises(UserError, match=message):
        score("xquad", "en", write(name, content), references)


def test_unreadable_files_are_named(tmp_path, write):
    references = write("r.jsonl", GOLD)
    with pytest.raises(UserError, match=r"none.jsonl: No such file"):
        score("xnli", "de", tmp_path / "none.jsonl", references)
    (tmp_path / "latin.jsonl").write_bytes('{"id": "é"}'.encode("latin-1"))
    with pytest.raises(UserError, match=r"latin.jsonl: not UTF-8 \(byte 8\)"):
        score("xnli", "de", tmp_path / "latin.jsonl", references)


def test_a_threshold_is_for_pairs_only(write):
    files = write("p.jsonl", GOLD), write("r.jsonl", GOLD)
    with pytest.raises(UserError, match="task xnli: no threshold to choose; leave --dev out"):
        score("xnli", "de", *files, dev=files)


def test_the_command_prints_full_precision(write, capsys):
    gold = [{"id": i, "label": 0} for i in range(3)]
    files = ["--predictions", str(write("p.jsonl", [{"id": i, "label": i} for i in range(3)]))]
    files += ["--references", str(write("r.jsonl", gold))]
    assert cli.main(["score", "--task", "xnli", "--language", "sw", *files]) == 0
    assert capsys.readouterr().out == "xnli, language sw, 3 examples\naccuracy  0.3333333333333333\n"
    assert cli.main(["score", "--task", "xnli", "--language", "sw", *files, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "task": "xnli", "language": "sw", "examples": 3, "metrics": {"accuracy": 1 / 3},
    }  # fmt: skip
    assert cli.main(["score", "--task", "xnli", "--language", "sv-fi", *files]) == 2
    assert capsys.readouterr().err.startswith("xlt: unknown language 'sv-fi'")


def test_what_has_no_score_is_said():
    result = {"task": "squad2", "language": "en", "examples": 1, "metrics": {"f1": None, "exact": 1.0}}
    assert as_text(result) == "squad2, language en, 1 examples\nf1     no such example or sentence\nexact  1.0"
