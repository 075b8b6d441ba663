"""Rows of each family -> records with our columns; what is wrong with a row is said with its number."""

import pytest
from datasets import ClassLabel, Dataset, Features, List, Value

from xlt.core import progress
from xlt.core.errors import UserError
from xlt.data import records
from xlt.spec import tasks
from xlt.spec.tasks import parse

TEXT = Value("string")


def task(family, **fields):
    return parse("mine", {"family": family, "dataset": "./mine", **fields}, "mine.yaml")


NLI = task("classification", labels=["yes", "no"])
TAGS = task("tagging", labels=["X", "Y"])
SPAN, CHOICE, BITEXT = task("span"), task("choice"), task("retrieval")
SINGLE = {"labels": ["yes", "no"], "columns": {"text_b": None}}
INSIDE = task("classification", **SINGLE | {"columns": {"text_a": "p.of", "text_b": None}})
WORDS = task("classification", **SINGLE | {"columns": {"text_a": "words", "text_b": None}})
XQUAD, MLQA, LAREQA = map(tasks.get, ("xquad", "mlqa", "lareqa"))
AWARE, SQUAD2 = task("span", metrics="exact_match_language_aware f1"), task("span", metrics="squad2_f1")


def canonical(task, columns, features=None, code="en", large=False):
    rows = columns if isinstance(columns, Dataset) else Dataset.from_dict(columns, features=features)
    return records.canonical(rows, task, code, "mine/en/train", large)


def read(*arguments, **options):
    return canonical(*arguments, **options).to_dict()


def complaint(*arguments, **options):
    with pytest.raises(UserError) as error:
        canonical(*arguments, **options)
    message = str(error.value)
    assert "\n" not in message and message.startswith("mine/en/train: ")
    return message


def pair(**changes):
    return {"text_a": ["a", "b"], "text_b": ["c", "d"], "label": ["yes", "no"]} | changes


def question(context="It rained on Monday.", text=("Monday",), start=(13,), **changes):
    answers = [{"text": list(text), "answer_start": list(start)}]
    return {"id": ["q1"], "context": [context], "question": ["When?"], "answers": answers} | changes


def choice(**changes):
    return {"prompt": ["p"], "choices": [["a", "b"]], "label": [1]} | changes


def twice(**changes):
    return {"prompt": ["p", "p"], "label": [1, 1]} | changes


def inside(*tables):
    return {"p": list(tables), "label": ["yes"] * len(tables)}


def bitext(**changes):
    return {"source_sentence": ["a", "b"], "target_sentence": ["c", "d"]} | changes


# what is wrong -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("task", "rows", "said"),
    [
        (NLI, {"text_a": ["a"], "label": ["yes"], "b": [1]}, "missing column text_b; it has text_a, label, b"),
        (NLI, pair(text_b=["c", None]), "row 2: text_b is empty. Correct the file or the task"),
        (NLI, pair(text_b=[3, 4]), "row 1: text_b is 3, not a text"),
        (NLI, pair(label=["yes", "noo"]), "row 2: label 'noo' is outside 0..1 (yes, no)"),
        (NLI, pair(label=[0, 2]), "row 2: label 2 is outside 0..1"),
        (NLI, pair(label=[0, None]), "row 2: label None is outside 0..1"),
        (NLI, pair(label=[0, 0.5]), "row 2: label 0.5 is outside 0..1"),
        (NLI, pair(label=["yes", "nope"]), "(yes, no); name it in labels of task mine, or under relabel"),
        (NLI, pair(label=[True, True]), "row 1: label True is outside 0..1 (yes, no); name it"),
        (NLI, pair(label=[["yes"], ["no"]]), "row 1: label ['yes'] is a list, not one label. Correct the file"),
        (NLI, pair(label=[None, {"of": "no"}]), "row 2: label {'of': 'no'} is a table, not one label"),
        (TAGS, {"tokens": [["a"], ["b"]], "tags": [["X"], [None]]}, "row 2: label None is outside 0..1 (X, Y)"),
        (TAGS, {"tokens": [["a"], ["b"]], "tags": [["X"], ["Z"]]}, "row 2: label 'Z' is outside 0..1 (X, Y)"),
        (TAGS, {"tokens": [["a"]], "tags": [[["X"]]]}, "row 1: label ['X'] is a list, not one label"),
        (TAGS, {"tokens": [["a"]], "tags": [[{"t": "X"}]]}, "row 1: label {'t': 'X'} is a table, not one label"),
        (TAGS, {"tokens": ["a", None], "tags": ["X", "Y"]}, "row 2: tokens is empty. Correct the file or the task"),
        (TAGS, {"tokens": ["a", "b"], "tags": ["X", None]}, "row 2: tags is empty. Correct the file or the task"),
        (TAGS, {"tokens": [["a"], ["b", "c"]], "tags": [["X"], ["Y"]]}, "row 2 has 2 tokens but 1 tags"),
        (TAGS, {"tokens": [["a"], ["b"]], "tags": [["X"], ["Y", "X"]]}, "row 2 has 1 tokens but 2 tags"),
        (TAGS, {"tokens": ["a", "b"], "tags": [["X"], ["Y"]]}, "row 1: tokens is 'a', not a list of words"),
        (
            TAGS,
            {"tokens": [["a"], ["b"]], "tags": ["X", "Y"]},
            "row 1: tags is no list; write tags, and tokens too, as [",
        ),
        (TAGS, {"tokens": ["a b", "c"], "tags": ["X Y", "X Y"]}, "row 2 has 1 tokens but 2 tags; write both as ["),
        (TAGS, {"tokens": ["['a' ... 'b']"], "tags": ["['X']"]}, "row 1: ['a' ... 'b'] is no list; write ["),
        (TAGS, {"tokens": ["[" * 3000 + "]" * 3000], "tags": ["['X']"]}, "row 1: [[[["),
        (TAGS, {"tokens": [["a"], ["b"]], "tags": [["X"], None]}, "row 2: tags is no list"),
        (TAGS, {"tokens": [["a", None]], "tags": [["X", "Y"]]}, "row 1: a token is no text"),
        (SPAN, question(start=[14]), "question q1: the answer 'Monday' is not in its context at 14"),
        (SPAN, question(text=["monday"]), "question q1: the answer 'monday' is not in its context at 13"),
        (SPAN, question("Als ich kam, ging er.", ["ging"], [12]), "is not in its context at 12 but at 13"),
        (SPAN, question("Ağaç köyde.", ["köyde"], [7]), "at 7 but at 5; offsets seem to count bytes of UTF-8"),
        (SPAN, question("\U0001f600 Anna.", ["Anna"], [3]), "at 3 but at 2; offsets seem to count units of UTF-16"),
        (SPAN, question("a\r\nb\r\nAnna", ["Anna"], [4]), r"at 4 but at 6; offsets seem to count \r\n as one"),
        (SPAN, question(text=["Tuesday"]), "not in its context at 13, nor anywhere else in it"),
        (SPAN, question(text=["Monday", "on"]), "question q1: answers must have lists text and answer_start"),
        (SPAN, question(answers=["Monday"]), "row 1: answers is 'Monday', not a table of text and answer_start"),
        (SPAN, question(question=[None]), "row 1: question is empty"),
        (
            SPAN,
            question(start=["13"]),
            "row 1: question q1: answer_start of 'Monday' is '13', but must be",
        ),
        (
            SPAN,
            question(start=[13.0]),
            "row 1: question q1: answer_start of 'Monday' is 13.0, but must be",
        ),
        (SPAN, question(start=[None]), "row 1: question q1: answer_start of 'Monday' is missing, but must be a whole"),
        (SPAN, question(text=[None]), "row 1: question q1: the text of an answer is missing. Correct the file"),
        (SPAN, question(text=[4]), "row 1: question q1: the text of an answer is 4. Correct the file"),
        (SPAN, question(answers=[[{"text": "Monday"}]]), "answer_start of 'Monday' is missing, but must be a whole"),
        (SPAN, question(answers=[{"text": ["Monday"]}]), "row 1: question q1: answers must have lists text and"),
        (SPAN, question(start=[14]), "row 1: question q1: the answer 'Monday' is not in its context at 14"),
        (
            SPAN,
            question(text=[], start=[]),
            "row 1: question q1 has no answer, but f1 needs one; leave it out",
        ),
        (MLQA, question(text=[], start=[]), "row 1: question q1 has no answer, but mlqa_f1 needs one; leave it out"),
        (XQUAD, question(text=[], start=[]), "or give the task metrics: squad2_f1 squad2_exact_match"),
        (AWARE, question(text=[], start=[]), "row 1: question q1 has no answer, but exact_match_language_aware needs"),
        (LAREQA, question(text=[], start=[]), "row 1: question q1 has no answer, so no sentence is right"),
        (CHOICE, choice(label=[2]), "row 1: label 2 is none of its 2 choices (from 0)"),
        (CHOICE, choice(choices=[["a", None]]), "row 1: a choice is empty"),
        (CHOICE, twice(choices=["['a', 'b']", None]), "row 2: choices is empty"),
        (CHOICE, choice(choices=["a"]), "row 1: choices is 'a', not a list of choices"),
        (BITEXT, bitext(target_sentence=["c", "  "]), "row 2: target is blank"),
        (BITEXT, bitext(source_sentence=[None, "b"]), "row 1: source is blank"),
        (BITEXT, bitext(source_sentence=[3, 4]), "row 1: source is 3, not a text. Correct the file or the task"),
        (INSIDE, inside({"of": "x"}, {"of": None}), "row 2: text_a is empty"),
        (INSIDE, inside({"of": "x"}, None), "row 2: text_a is empty"),
        (INSIDE, inside({"on": "x"}), "row 1: missing column p.of: it has on. Correct the file or the task"),
        (INSIDE, inside("x"), "row 1: missing column p.of: 'x' is no table. Correct the file or the task"),
        (INSIDE, inside(["x"]), "row 1: missing column p.of: ['x'] is no table. Correct the file or the task"),
        (WORDS, {"words": [["a"], None], "label": ["yes", "no"]}, "row 2: text_a is empty"),
        (WORDS, {"words": [None, ["a"]], "label": ["yes", "no"]}, "row 1: text_a is empty"),
    ],
)
def test_what_is_wrong_is_named(task, rows, said):
    assert said in complaint(task, rows)


def test_of_several_labels_that_are_wrong_the_first_in_the_file_is_named():
    for wrong in (["c", "b", "a"], ["a", "c", "b"]):
        assert f"row 2: label {wrong[0]!r} is outside" in complaint(
            NLI, pair(text_a=["t"] * 4, text_b=["t"] * 4, label=["yes", *wrong])
        )


def test_rows_are_numbered_as_in_the_file_where_it_holds_several_languages():
    mixed = task(
        "classification", labels=["yes", "no"], languages=["en", "de"], prefix={"id": "{code}", "of": "{code}"}
    )
    rows = {"id": ["de1", "en1", "de2", "en2", "en3"], "of": ["de", "en", "xx", "de", "en"]}
    rows |= {"text_a": ["a"] * 5, "text_b": ["b"] * 5, "label": ["yes", "yes", "yes", "yes", "noo"]}
    assert "row 5: label 'noo' is outside" in complaint(mixed, rows)
    numbered = task("span", languages=["en", "de"], prefix={"lang": "{code}"}, columns={"id": None})
    one = question() | {"lang": ["en"]}
    del one["id"]
    both = {name: values * 3 for name, values in one.items()} | {"lang": ["de", "en", "en"]}
    assert canonical(numbered, both)["id"][:] == ["1", "2"]  # ids count the questions of the language


def test_no_row_at_all():
    assert "empty" in complaint(NLI, pair(text_a=[], text_b=[], label=[]))


def test_no_row_of_the_language():
    mixed = task("classification", labels=["yes", "no"], languages=["en", "de"], prefix={"language": "{code}"})
    rows = pair(language=["en", "en"])
    assert len(canonical(mixed, rows)) == 2
    assert "no row for language de: none has language beginning with 'de'" in complaint(mixed, rows, code="de")


# what is read --------------------------------------------------------------------------------------------


def test_texts_are_their_place_among_the_labels():
    assert read(NLI, pair(label=["no", "yes"]))["label"] == [1, 0]
    assert read(NLI, pair(label=[1.0, 0.0]))["label"] == [1, 0]


@pytest.mark.parametrize(
    ("names", "written", "places"),
    [
        (["1", "0"], ["1", "0"], [0, 1]),
        (["1", "0"], [1, 0], [0, 1]),
        (["1", "2", "3"], [1, 3], [0, 2]),
        (["1", "2", "3"], [1.0, 3.0], [0, 2]),
        (["-1", "0", "1"], [-1, 1], [0, 2]),
        (["yes", "no"], ["0", "1"], [0, 1]),  # CSV has figures as text
        (["yes", "no"], [0, 1], [0, 1]),
        (["true", "false"], [True, False], [0, 1]),
        (["FALSE", "TRUE"], [True, False], [1, 0]),
        (["TRUE", "FALSE"], ["true", "FALSE"], [0, 1]),
        (["glad", "NA"], ["NA", "glad"], [1, 0]),
        (["007", "7"], ["7", "007"], [1, 0]),
    ],
)
def test_a_label_is_what_is_written_figures_and_truth_values_too(names, written, places):
    assert read(task("classification", labels=names), pair(label=written))["label"] == places


def test_a_figure_is_no_place_where_labels_are_figures():
    figures = task("classification", labels=[1, 2, 3])
    assert "label 0 is outside 0..2 (1, 2, 3)" in complaint(figures, pair(label=[0, 1]))
    third = task("choice", labels=["1", "2", "3"])
    assert read(third, choice(choices=[["a", "b", "c"]], label=[3]))["label"] == [2]


def test_what_is_dropped_may_be_text_in_csv():
    dropping = task("classification", labels=["yes", "no"], drop=[-1])
    assert read(dropping, pair(label=["-1", "no"]))["label"] == [1]


def test_columns_that_are_joined_hold_texts():
    joining = task("classification", labels=["yes", "no"], columns={"text_a": ["title", "body"], "text_b": None})
    rows = {"title": ["Report", "a"], "body": ["None", " b "], "label": ["yes", "no"]}
    assert read(joining, rows)["text_a"] == ["Report None", "a b"]
    assert "row 1: text_a is 12, not a text" in complaint(joining, rows | {"title": [12, 13]})


def test_names_of_the_file_count_and_not_its_numbers():
    features = Features({"text_a": TEXT, "text_b": TEXT, "label": ClassLabel(names=["no", "yes"])})
    assert read(NLI, pair(label=[0, 1]), features)["label"] == [1, 0]
    words = Features({"tokens": List(TEXT), "tags": List(ClassLabel(names=["Y", "_", "X"]))})
    dropping = task("tagging", labels=["X", "Y"], drop=["_"])
    rows = {"tokens": [["du", "de", "le"]], "tags": [[1, 2, 0]]}
    assert read(dropping, rows, words) == {"tokens": [["de", "le"]], "tags": [[0, 1]]}
    assert "labels are Y, _, X, but task mine declares X, Y" in complaint(TAGS, rows, words)


def test_rows_without_gold_are_left_out_where_the_task_says_so():
    dropping = task("classification", labels=["yes", "no"], drop=[-1])
    assert read(dropping, pair(label=[-1, 1])) == {"text_a": ["b"], "text_b": ["d"], "label": [1]}
    assert "label -1 is outside" in complaint(NLI, pair(label=[-1, 1]))


def test_labels_can_be_renamed_and_of_a_compound_the_first_in_the_table_counts():
    renaming = task("tagging", labels=["VERB", "NOUN", "ADP"], relabel={"V": "VERB", "N": "NOUN", "P": "ADP"})
    rows = {"tokens": [["a", "b", "c", "d"]], "tags": [["P+N", "N", "P+V+N", "P"]]}
    assert read(renaming, rows)["tags"] == [[1, 1, 0, 2]]
    assert "label 'Q' is outside" in complaint(renaming, {"tokens": [["a"]], "tags": [["Q"]]})


def test_single_texts_and_lists_of_words_as_text():
    single = task("classification", labels=["yes", "no"], columns={"text_a": "words", "text_b": None})
    rows = {"words": [["to", "be"], ["or", "not"]], "label": ["yes", "no"]}
    assert read(single, rows) == {"text_a": ["to be", "or not"], "label": [0, 1]}


def test_columns_are_joined_replaced_and_taken_from_inside():
    copa = task(
        "choice", columns={"prompt": ["premise", "question"], "choices": ["one", "two"]},
        words={"question": {"cause": "Why?"}},
    )  # fmt: skip
    rows = {"premise": ["It fell. "], "question": ["cause"], "one": ["a"], "two": ["b"], "label": [1]}
    assert read(copa, rows) == {"prompt": ["It fell. Why?"], "choices": [["a", "b"]], "label": [1]}
    nested = task("choice", columns={"choices": "options.text", "label": "key"}, labels=["A", "B"])
    rows = {"prompt": ["p"], "options": [{"text": ["a", "b"]}], "key": ["B"]}
    assert read(nested, rows) == {"prompt": ["p"], "choices": [["a", "b"]], "label": [1]}


def test_questions_without_an_answer_and_with_numbers_as_ids():
    found = read(SQUAD2, question(text=[], start=[], id=[7]))
    assert found["id"] == ["7"] and found["answers"][0]["text"] == []


@pytest.mark.parametrize("tokens", ["['a', 'it\\'s']", '["a", "it\'s"]', "['a' \"it's\"]", "a  it's"])
@pytest.mark.parametrize("tags", ["['X', 'Y']", '["X","Y"]', "['X'\n 'Y']", "X Y", "[0, 1]", "0 1"])
def test_words_and_tags_as_csv_has_them(tokens, tags):
    assert read(TAGS, {"tokens": [tokens], "tags": [tags]}) == {"tokens": [["a", "it's"]], "tags": [[0, 1]]}


def test_words_that_are_brackets():
    assert read(TAGS, {"tokens": ["[ 1 ]", "a"], "tags": ["X Y X", "X"]})["tokens"] == [["[", "1", "]"], ["a"]]


def test_choices_and_answers_as_csv_has_them():
    assert read(CHOICE, choice(choices=["['a', 'b']"]))["choices"] == [["a", "b"]]
    answers = ["{'text': ['Monday'], 'answer_start': [13]}"]
    assert read(SPAN, question(answers=answers))["answers"] == [{"text": ["Monday"], "answer_start": [13]}]


def test_labels_that_yaml_reads_as_truth_values():
    assert read(task("classification", labels=[True, False]), pair(label=["FALSE", "true"]))["label"] == [1, 0]


# what is said ----------------------------------------------------------------------------------------------


@pytest.fixture
def said(capsys, monkeypatch):
    """What is said of the rows that a call reads."""
    monkeypatch.setattr(progress, "_subjects", set())

    def said(*arguments, **options):
        canonical(*arguments, **options)
        return capsys.readouterr().err

    return said


def test_dropped_rows_are_said_with_their_count_and_the_first_places(said):
    dropping = task("classification", labels=["yes", "no"], drop=[-1])
    rows = {"text_a": ["a"] * 9, "text_b": ["b"] * 9, "label": [-1, 1] + [-1] * 7}
    expected = "mine/en/train: left out for a label under drop: 8 rows: rows 1, 3, 4, 5, 6 and 3 more\n"
    assert said(dropping, rows) == expected
    assert said(dropping, pair(label=[0, 1])) == ""


def test_dropped_words_are_said(said):
    dropping = task("tagging", labels=["X"], drop=["_"])
    rows = {"tokens": [["a"], ["du", "de", "le"], ["au", "b"]], "tags": [["X"], ["_", "X", "_"], ["_", "X"]]}
    assert said(dropping, rows) == "mine/en/train: left out for a label under drop: 3 words of 2 rows: rows 2, 3\n"


def test_rows_of_no_language_are_said(said):
    mixed = task("classification", labels=["yes", "no"], languages=["en", "de"], prefix={"language": "{code}"})
    rows = {"text_a": ["a"] * 4, "text_b": ["b"] * 4, "label": [0] * 4, "language": ["en", "de", "xx", "en"]}
    assert said(mixed, rows) == "mine/en/train: left out, as language begins with no language: 1 row: row 3\n"


def test_names_under_relabel_that_no_row_has_are_said(said):
    renaming = task("classification", labels=["yes", "no"], relabel={"ja": "yes", "jah": "yes", "nein": "no"})
    assert said(renaming, pair(label=["ja", "no"]), large=True) == (
        "mine/en/train: under relabel, but in no row: jah, nein\n"
    )
    assert said(renaming, pair(label=["no", "no"])) == ""  # of a small test set a label may lack
    renaming = task("tagging", labels=["VERB", "NOUN"], relabel={"V": "VERB", "N": "NOUN", "P": "NOUN"})
    rows = {"tokens": ["a b"], "tags": ["V+N VERB"]}
    assert said(renaming, rows, large=True) == "mine/en/train: under relabel, but in no row: P\n"
