"""SQuAD's JSON is read as questions with their context."""

import json

import pytest

from xlt.core.errors import UserError
from xlt.data.sources import Source
from xlt.spec import tasks

CONTEXT = "Anna went to Rome."
ANSWER = {"text": "Rome", "answer_start": 13}


def article(*questions):
    return {"title": "t", "paragraphs": [{"context": CONTEXT, "qas": list(questions)}]}


def asked(key, *answers):
    return {"id": key, "question": "Where did Anna go?", "answers": list(answers)}


@pytest.fixture
def load(tmp_path):
    def read(content, **fields):
        (tmp_path / "train.json").write_text(content, encoding="utf-8")
        task = {"family": "span", "dataset": str(tmp_path), "splits": {"train": "train"}} | fields
        return Source(None).load(tasks.parse("trips", task, "test"), "en", "train").to_dict()

    return read


@pytest.mark.parametrize("indent", [None, 1])
def test_articles_in_one_line_or_many(load, indent):
    whole = {"version": "1.1", "data": [article(asked("a", ANSWER, ANSWER)), article(asked("b"))]}
    rows = load(json.dumps(whole, indent=indent), metrics="squad2_f1")
    assert rows["id"] == ["a", "b"] and rows["context"] == [CONTEXT] * 2
    assert rows["answers"] == [{"text": ["Rome"] * 2, "answer_start": [13] * 2}, {"text": [], "answer_start": []}]


def test_a_list_of_answers_in_lines(load):
    row = {"id": 1, "context": CONTEXT, "question": "Where?", "answers": [ANSWER]}
    assert load(json.dumps(row))["answers"] == [{"text": ["Rome"], "answer_start": [13]}]


def test_questions_without_ids_are_numbered(load):
    row = {"context": CONTEXT, "question": "Where?", "answers": [ANSWER]}
    assert load(f"{json.dumps(row)}\n" * 2, columns={"id": None})["id"] == ["1", "2"]


def test_a_question_that_lacks_something_is_named(load):
    with pytest.raises(UserError, match="article 1, paragraph 1: no question"):
        load(json.dumps({"data": [article({"id": "a"})]}))
    for article_of, said in (
        ({"paragraphs": None}, "article 1: paragraphs is null, not a list"),
        ({"paragraphs": {"a": 1}}, "article 1: paragraphs is {.a.: 1}, not a list"),
        ({"paragraphs": [{"context": CONTEXT, "qas": None}]}, "article 1, paragraph 1: qas is null, not a list"),
        ({"paragraphs": [None]}, "article 1, paragraph 1: no qas"),
        ({"paragraphs": [{"context": CONTEXT, "qas": [None]}]}, "article 1, paragraph 1: no id"),
    ):
        with pytest.raises(UserError, match=f"train.json \\({said}"):
            load(json.dumps({"data": [article_of]}))
    with pytest.raises(UserError, match="row 1: question a: the answer 'Rome' is not in its context at 3 but at 13"):
        load(json.dumps({"data": [article(asked("a", ANSWER | {"answer_start": 3}))]}))
