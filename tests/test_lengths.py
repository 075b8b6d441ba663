"""How long texts are and in how many windows they are read, as a plan counts it."""

import pytest

from xlt.data.sources import Source
from xlt.lab.lengths import MARKS, QUESTION, reading
from xlt.spec import tasks

PUBLIC = Source(None)  # records of the hub, none of which a plan reads


# Windows and subwords a record, counted with XLM-R's tokenizer: English TyDiQA's 3,696 records, 4,208 of SQuAD.
@pytest.mark.parametrize(
    ("task", "most", "stride", "windows", "tokens"),
    [
        ("tydiqa", 128, 128, 2.03, 220.0), ("tydiqa", 256, 64, 1.14, 173.0), ("tydiqa", 384, 128, 1.03, 167.2),
        ("squad", 128, 128, 2.26, 255.2), ("squad", 256, 64, 1.13, 190.6), ("squad", 384, 128, 1.02, 182.4),
    ],
)  # fmt: skip
def test_windows_are_as_many_as_real_passages_take(task, most, stride, windows, tokens):
    found = reading(PUBLIC, task, most, stride)
    assert found.windows == pytest.approx(windows, rel=0.16)
    assert found.windows * found.tokens == pytest.approx(tokens, rel=0.12)


def test_one_text_keeps_its_mean_until_some_are_cut():
    assert reading(PUBLIC, "mnli", 512, 128) == (1, 1, pytest.approx(46))
    cut = reading(PUBLIC, "mnli", 50, 128)
    # a sixth at 2.03 times the mean is cut to 50; the others, at 0.90 and 0.40 times, are not
    assert cut.windows == 1 and cut.length == pytest.approx(46 * (2 / 3 * 0.895 + 1 / 6 * 0.395) + 50 / 6, rel=0.01)


def test_texts_of_a_record():
    assert reading(PUBLIC, "copa", 128, 128).texts == 2
    assert reading(PUBLIC, "tatoeba", 128, 128).texts == 2
    assert reading(PUBLIC, "squad", 128, 128).texts == 1


def test_a_window_has_room_for_a_question_however_short_it_is():
    assert reading(PUBLIC, "squad", QUESTION + MARKS, 128).windows >= 1


def test_a_task_that_declares_no_length_has_that_of_its_family():
    assert tasks.get("mlqa").subwords is None
    assert reading(PUBLIC, "mlqa", 10_000, 128).length == pytest.approx(200)
