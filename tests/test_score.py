"""`xlt score`: the metrics of each family from files, and one clear line for whatever is wrong in them."""

import gzip
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from xlt import cli
from xlt.core.errors import UserError
from xlt.evaluation.score import as_text, score
from xlt.spec import tasks


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


def test_what_decides_the_scores_of_pairs_is_said(write):
    """Of two conventions which is which; that all pairs count; what is missing for a score."""
    gold = write("r.jsonl", [{"source": "s1", "target": "t1"}])
    predicted = write("p.jsonl", [{"source": "s1", "target": "t1", "score": 0.5}])
    told = [note.rpartition("r.jsonl: ")[2] for note in score("bucc", "de", predicted, gold)["notes"]]
    convention = (
        "pairs of a sentence that occurs several times count in bucc_f1 (jiant), not in bucc_f1_dropped (XTREME)"
    )
    lacking = "without the sentences of the two pools bucc_f1_dropped has no value"
    assert told == [lacking, convention, "without --dev there is no threshold: all pairs count"]
    assert len(score("bucc", "de", predicted, gold, (predicted, gold))["notes"]) == 2


def test_blanks_around_a_sentence_make_no_other_one(write):
    pools = [("source", "s1", "a"), ("source", "s2", "a "), ("target", "t1", "b")]
    sentences = [{"side": side, "id": name, "text": text} for side, name, text in pools]
    gold = write("r.jsonl", [{"source": "s1", "target": "t1"}, *sentences])
    predicted = write("p.jsonl", [{"source": "s1", "target": "t1", "score": 0.5}])
    metrics = score("bucc", "de", predicted, gold)["metrics"]
    assert (metrics["bucc_f1"], metrics["bucc_f1_dropped"]) == (1, 0)


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
        ("p.json", "[" * 3000 + "]" * 3000, r"p.json: its lists or objects are nested too deep to be read"),
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
    assert cli.main(["score", "--task", "xnli", "--language", "xx-foo", *files]) == 2
    assert capsys.readouterr().err.startswith("xlt: unknown language 'xx-foo'")


# One file for all languages, ids that only one file has -----------------------------------------------------------


def test_of_a_file_for_all_languages_those_of_the_language_count(write):
    """As TyDi QA's ids say them: of two questions, one Arabic, one English, the English one is right."""
    gold = write("r.json", squad({"arabic-1": ["القاهرة"], "english-1": ["Cairo"], "english-2": ["Nile"]}))
    predicted = write("p.json", {"arabic-1": "بغداد", "english-1": "Cairo", "korean-1": "x"})
    arabic, english = (score("tydiqa", code, predicted, gold) for code in ("ar", "en"))
    assert (arabic["examples"], arabic["metrics"]["f1"]) == (1, 0)
    assert (english["examples"], english["metrics"]["f1"], english["metrics"]["exact_match"]) == (2, 0.5, 0.5)
    left_out, ignored = arabic["notes"]
    assert left_out.endswith("2 of 3 references are of other languages, as id does not begin with 'arabic-': left out")
    assert ignored.endswith("p.json: 2 ids (english-1, korean-1) no question of the language: ignored")
    assert english["notes"][-1].endswith("1 id (english-2) of " + f"{gold} missing: counted as wrong")
    with pytest.raises(UserError, match=r"no reference of language fi: none has id beginning with 'finnish-'"):
        score("tydiqa", "fi", predicted, gold)
    with pytest.raises(UserError, match=r"1 id \(arabic-1\) of .* missing"):
        score("tydiqa", "ar", write("other.json", {"english-1": "Cairo"}), gold)


@pytest.mark.parametrize("task", ["xquad", "mlqa"])
def test_questions_of_one_file_alone_are_counted_as_the_official_scorers_do(write, task):
    gold = write("r.json", squad({"q1": ["a cat"], "q2": ["dog"]}))
    result = score(task, "en", write("p.json", {"q1": "cat", "q3": "x"}), gold)
    assert result["examples"] == 2 and set(result["metrics"].values()) == {0.5}
    assert [note.partition(": ")[2] for note in result["notes"]] == [
        f"1 id (q3) no question of {gold}: ignored", f"1 id (q2) of {gold} missing: counted as wrong",
    ]  # fmt: skip
    with pytest.raises(UserError, match=r"2 ids \(q1, q2\) of .* missing .*; 1 id \(q3\) not in"):
        score(task, "en", write("p.json", {"q3": "x"}), gold)


# XTREME's files, the task's own records ---------------------------------------------------------------------------


@pytest.mark.parametrize("predicted", [
    "entailment\nneutral\nneutral\n", "0\r\n1\r\n1\r\n", "q3\tneutral\nq1\tentailment\nq2\tneutral", "label\n0\n1\n1",
    "index\tprediction\nq1\t0\nq2\t1\nq3\tneutral\n", "entailment\ta\tb\nneutral\ta\tb\nneutral\tc\td\n",
    "a\tb\tentailment\na\tb\tneutral\nc\td\tneutral\n",
])  # fmt: skip
def test_labels_in_lines(write, predicted):
    gold = [{"id": f"q{i}", "label": label} for i, label in enumerate(("entailment", "neutral", "contradiction"), 1)]
    path = write("test-de.tsv", predicted)
    assert score("xnli", "de", path, write("r.jsonl", gold))["metrics"] == {"accuracy": 2 / 3}
    same_form = write("labels.tsv", "entailment\nneutral\ncontradiction\n")
    if "q1" not in predicted:
        assert score("xnli", "de", path, same_form)["metrics"] == {"accuracy": 2 / 3}
    with pytest.raises(UserError, match=r"3 predictions for the 2 references|1 id \(q3\) not in"):
        score("xnli", "de", path, write("r.jsonl", gold[:2]))


def test_csv_has_quotes(write):
    gold = write("r.csv", 'id,label\n"q,1",neutral\nq2,entailment\n')
    assert score("xnli", "de", write("p.csv", '"q,1",1\nq2,1\n'), gold)["metrics"] == {"accuracy": 0.5}


def test_tags_in_lines(write):
    gold = write("gold.tsv", "Anna\tB-PER\nkauft\tO\n\n\nein\tO\nAuto\tO\nin\tO\nNew York\tB-LOC\n")
    for predicted in ("B-PER\nO\n\nO\nO\nO\nO\n", "# id = 1\nAnna B-PER\r\nkauft O\r\n\r\nein O\nAuto O\nin O\nN O"):
        metrics = score("panx", "de", write("test-de.tsv", predicted), gold)["metrics"]
        assert metrics["entity_f1"] == pytest.approx(2 * 1 / (2 + 1))
    lines = [{"id": 1, "tags": ["B-PER", "O"]}, {"id": 2, "tags": ["O", "O", "O", "B-LOC"]}]
    assert score("panx", "de", write("p.jsonl", lines), write("r.jsonl", lines))["metrics"]["entity_f1"] == 1
    assert score("panx", "de", write("p.tsv", "B-PER\nO\n\nO\nO\nO\nO"), write("r.jsonl", lines))["metrics"][
        "entity_f1"
    ] == pytest.approx(2 / 3)
    with pytest.raises(UserError, match="p.tsv: line 3: 'in' has 1 column, .*; predictions of panx: a line is"):
        score("panx", "de", write("p.tsv", "Anna B-PER\nkauft O\nin\n"), gold)
    with pytest.raises(UserError, match=r"p.tsv, sentence 1: 1 tags for 2 tokens"):
        score("panx", "de", write("p.tsv", "B-PER\n\nO\n"), gold)
    with pytest.raises(
        UserError, match=r"r.tsv, sentence 1: tags: .* should be one of 7 .*; references of panx: a line"
    ):
        score("panx", "de", gold, write("r.tsv", "Anna\tPER\nkauft\tO\n\na\tO\n"))
    braces = write("braces.tsv", "{\tPUNCT\na\tDET\n}\tPUNCT\n")  # is no JSON
    assert score("udpos", "en", braces, braces)["metrics"]["token_accuracy"] == 1


def test_sentences_that_are_found_in_lines(write):
    """XTREME's: of each English sentence the number of the foreign one, from 0."""
    found = write("test-de.tsv", "0\n2\n2\n")
    for names in (None, (0, 1, 2), "abc", (1, 2, 3)):
        gold = write("r", [{"id": name} for name in names] if names else "0\n1\n2\n")
        result = score("tatoeba", "de", found, gold)
        assert result["metrics"] == {"accuracy_en_to_xx": 2 / 3, "accuracy_xx_to_en": None}
        assert result["notes"][0].endswith("no xx_to_en, so accuracy_xx_to_en has no value")
    shuffled = score("tatoeba", "de", write("p", "2\n0\n2\n"), write("r", "2\n0\n1\n"))["metrics"]
    assert shuffled["accuracy_en_to_xx"] == 2 / 3
    both = write("both.tsv", "id\ten_to_xx\txx_to_en\na\ta\tb\nb\tb\tb\n")
    metrics = score("tatoeba", "de", both, write("r.jsonl", [{"id": i} for i in "ab"]))["metrics"]
    assert metrics == {"accuracy_en_to_xx": 1, "accuracy_xx_to_en": 0.5}
    with pytest.raises(UserError, match="no field 'en_to_xx'"):
        score("tatoeba", "de", write("p.jsonl", [{"id": "a", "en": "a"}]), write("r.jsonl", [{"id": "a"}]))


def test_pairs_in_lines(write):
    gold = write("de.gold", "de-1\ten-1\nde-2\ten-2\n")
    result = score("bucc", "de", write("test-de.tsv", "de-1\ten-1\nde-3\ten-3\n"), gold)
    assert (result["metrics"]["bucc_f1"], result["metrics"]["bucc_f1_oracle"]) == (0.5, None)
    assert "the pairs have no scores" in result["notes"][0] and "all pairs count" in result["notes"][-1]
    scored = write("scored.tsv", "de-1\ten-1\t1.5\nde-3\ten-3\t0.5\n")
    assert score("bucc", "de", scored, gold, (scored, gold))["metrics"]["bucc_f1"] == pytest.approx(2 / 3)
    with pytest.raises(UserError, match="test-de.tsv: no scores, so no threshold; leave --dev out"):
        score("bucc", "de", write("test-de.tsv", "de-1\ten-1"), gold, (scored, gold))
    with pytest.raises(UserError, match=r'line 1: score: "en-1" should be a number; predictions of bucc: a line is'):
        score("bucc", "de", write("p.tsv", "1.5\tde-1\ten-1\n"), gold)


def test_the_last_prediction_of_lines_may_be_empty(write):
    """ "" is the answer "there is none" of SQuAD 2.0, wherever it stands."""
    gold = write("r.json", squad({"q1": ["Paris"], "q2": []}))
    for lines in ("q1\tParis\nq2\t\n", "q2\t\nq1\tParis\n", "id\tanswer\nq1\tParis\nq2\t\n\n"):
        assert score("squad2", "en", write("p.tsv", lines), gold)["metrics"]["squad2_exact_match"] == 1, lines


def test_a_line_break_in_a_quoted_cell_is_kept_and_lines_are_counted_on(write):
    gold = write("r.json", squad({"q1": ["Paris Berlin"], "q2": ["Rome"]}))
    found = write("p.csv", 'q1,"Paris\nBerlin"\r\nq2,Rome\r\n')
    assert score("xquad", "de", found, gold)["metrics"]["f1"] == 1
    with pytest.raises(UserError, match="p.csv, line 3: 3 columns, not 2"):
        score("xquad", "de", write("p.csv", 'q1,"Paris\nBerlin"\nq2,Rome,3\n'), gold)


def test_references_of_pairs_need_a_gold_pair(write):
    sentences = write("r.jsonl", [{"side": side, "id": f"{side}-1", "text": "a"} for side in ("source", "target")])
    with pytest.raises(UserError, match="r.jsonl: no pair of a source and its target"):
        score("bucc", "de", write("p.tsv", "source-1\ttarget-1\n"), sentences)


@pytest.mark.parametrize(
    ("task", "text", "message"),
    [
        ("xnli", "yes\n", r'"yes" should be one of 3 .*xnli: a line is {"id": "q1", "label": "entailment"}, or'),
        ("xnli", "neutral\n\nneutral\n", r"line 2: empty line; take it out; predictions of xnli: a line is"),
        ("xnli", '{"id": 1, "label": }', r"bad JSON at column 20 .*; predictions of xnli: a line is"),
        ("xnli", '{"id": 1, "lable": 0}', r"no field 'label'; it has id, lable; predictions of xnli: a line is"),
        ("udpos", "Anna,PROPN\n", r'tags: "Anna,PROPN" should be one of 17 .*; predictions of udpos: .*WORD<tab>ADJ'),
        ("xquad", "an answer\n", r'1 column that nothing names; predictions of xquad: a line is {"id": "q1", "answer"'),
        ("lareqa", "a\tb\n", r'2 columns that nothing names; predictions of lareqa: a line is {"id": "q1", "ranking"'),
        ("tatoeba", "a\tb\n", r"2 columns that nothing names; predictions of tatoeba: .* in each line the number"),
        ("bucc", "a\n", r"1 column that nothing names; predictions of bucc: .*de-1<tab>en-1<tab>1.2"),
    ],
)  # fmt: skip
def test_the_form_is_shown_where_a_file_has_another(write, task, text, message):
    gold = {"label": 0, "tags": ["ADJ"], "answers": ["a"], "relevant": ["a"], "source": "a", "target": "b", "id": 1}
    if task == "bucc":
        del gold["id"]
    with pytest.raises(UserError, match=message) as caught:
        score(task, "en" if task != "bucc" else "de", write("p.txt", text), write("r.jsonl", [gold]))
    assert "\n" not in str(caught.value)


def test_the_records_of_a_task_are_references(write, tmp_path, extra_task):
    """A user's CSV, with the columns, names and languages of the declaration; by their ids, else in their order."""
    columns = {"text_a": "first", "text_b": None, "label": "mood"}
    extra_task(family="classification", labels=["1", "2"], columns=columns, relabel={"two": "2"}, drop=["-"])
    gold = write("test.csv", "first,mood\nfine,1\nbad,two\nunclear,-\nNA,2\n")
    result = score("extra", "en", write("p.tsv", "1\n2\n1\n"), gold)
    assert result["examples"] == 3 and result["metrics"] == {"accuracy": 2 / 3}
    assert result["notes"] == [f"{gold}: 1 record of other languages, or that the task drops, left out"]
    with_ids = write("ids.tsv", "id\tfirst\tmood\na\tfine\t1\nb\tbad\ttwo\nc\tunclear\t-\nd\tNA\t2\n")
    predicted = [{"id": i, "label": label} for i, label in (("d", "2"), ("a", "2"), ("b", "2"))]
    assert score("extra", "en", write("p.jsonl", predicted), with_ids)["metrics"] == {"accuracy": 2 / 3}
    lines = write("test.jsonl", [{"first": "fine", "mood": 1}, {"first": "bad", "mood": 2}])
    assert score("extra", "en", write("p.tsv", "1\n1\n"), lines)["metrics"] == {"accuracy": 0.5}
    semicolons = write("test.csv", "first;mood\n2,5 stars;1\nbad;two\n")
    assert score("extra", "en", write("p.tsv", "1\n2\n"), semicolons)["metrics"] == {"accuracy": 1}
    (tmp_path / "test.csv.gz").write_bytes(gzip.compress(semicolons.read_bytes()))
    (tmp_path / "p.tsv.gz").write_bytes(gzip.compress(b"1\n2\n"))
    assert score("extra", "en", tmp_path / "p.tsv.gz", tmp_path / "test.csv.gz")["metrics"] == {"accuracy": 1}
    with pytest.raises(UserError, match="none.parquet: No such file"):
        score("extra", "en", tmp_path / "p.tsv.gz", tmp_path / "none.parquet")
    with pytest.raises(UserError, match="label 'three' is outside"):
        score("extra", "en", write("p.tsv", "1\n"), write("test.csv", "first,mood\nfine,three\n"))


def test_records_of_every_family_that_has_them(write, tmp_path, extra_task):
    def parquet(**columns):
        pq.write_table(pa.table(columns), tmp_path / "test.parquet")
        return tmp_path / "test.parquet"

    tags = parquet(id=["x"], tokens=[["Anna", "ruft"]], ner_tags=[[1, 0]], langs=[["de", "de"]])
    extra_task(family="tagging", labels=["O", "B-PER"], columns={"tags": "ner_tags"}, metrics=["entity_f1"])
    assert score("extra", "en", write("p.tsv", "Anna\tB-PER\nruft\tO\n"), tags)["metrics"] == {"entity_f1": 1}
    columns = "1\tAnna\t_\tPROPN" + "\t_" * 6, "2-3\tzum" + "\t_" * 8, "2\tzu\t_\tADP" + "\t_" * 6
    conllu = write("test.conllu", "# text = Anna zum\n" + "\n".join(columns) + "\n")
    for gold in (conllu, write("gold.txt", conllu.read_text())):
        assert score("udpos", "de", write("p.tsv", "PROPN\nADP\n"), gold)["metrics"]["token_accuracy"] == 1
    answers = [{"text": ["b"], "answer_start": [2]}, {"text": ["c"], "answer_start": [0]}]
    asked = {"id": ["arabic-1", "english-1"], "context": ["a b", "c"], "question": ["?", "?"], "answers": answers}
    result = score("tydiqa", "ar", write("p.json", {"arabic-1": "b"}), parquet(**asked))
    assert (result["examples"], result["metrics"]["f1"]) == (1, 1)
    pairs = parquet(source_sentence=["eins", "eins"], target_sentence=["one", "One."])
    assert score("tatoeba", "de", write("p.tsv", "1\n0\n"), pairs)["metrics"]["accuracy_en_to_xx"] == 1
    gold = parquet(source_lang=["s1"], target_lang=["t1"])
    assert score("bucc", "de", write("p.tsv", "s1\tt1\n"), gold)["metrics"]["bucc_f1"] == 1
    extra_task(family="choice", columns={"prompt": "q", "choices": ["a", "b"], "label": "right"})
    asked = write("test.jsonl", [{"q": "?", "a": "x", "b": "y", "right": 1}])
    assert score("extra", "en", write("p.tsv", "1\n"), asked)["metrics"] == {"accuracy": 1}
    (tmp_path / "bad.parquet").write_bytes(b"PAR1")
    with pytest.raises(UserError, match="bad.parquet: "):
        score("bucc", "de", write("p.tsv", "s1\tt1\n"), tmp_path / "bad.parquet")
    with pytest.raises(UserError, match="hold no references; references of lareqa: a line is"):
        score("lareqa", "en", write("p.jsonl", [{"id": 1, "ranking": []}]), gold)


def test_a_list_of_objects_is_read_as_lines_are(write):
    rows = json.dumps([{"id": 1, "label": 0}, {"id": 2, "label": 1}], indent=1)
    assert score("xnli", "de", write("p.json", rows), write("r.json", rows))["metrics"] == {"accuracy": 1}


def test_what_has_no_score_is_said():
    result = {"task": "squad2", "language": "en", "examples": 1, "metrics": {"f1": None, "exact": 1.0}}
    assert as_text(result) == "squad2, language en, 1 example\nf1     no value\nexact  1.0"
