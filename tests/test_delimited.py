"""CSV and TSV of people: the separator and the quoting that fit are found, and what reading loses is said."""

import csv

import pytest

from xlt.data import textfiles
from xlt.data.textfiles import Want

WANT = Want(("text", "label"))
STRAY = 'text\tlabel\n"Great day\tpos\nbad\tneg\nShe said "no\tneg\nfine"\tpos\nso so\tneg\n'


@pytest.fixture
def read(tmp_path):
    """Rows of a file, and what is said of how they were read."""

    def read(content, name="train.tsv", want=WANT, **options):
        file = tmp_path / name
        file.write_text(content, newline="")
        options = ({"sep": "\t"} if name.endswith("tsv") else {}) | options
        form = textfiles.form(file, "csv", options, want)
        return textfiles.table(file, form).to_pylist(), form.losses

    return read


def test_stray_quotes_of_a_tsv_join_no_lines(read):
    rows, said = read(STRAY)
    assert [row["text"] for row in rows] == ['"Great day', "bad", 'She said "no', 'fine"', "so so"]
    assert said == (
        "quotes are read as they stand, as they quote no cells (line 2); "
        "with read: {quoting: minimal} they are as in CSV",
    )


def test_quotes_that_close_but_in_another_line_are_stray_where_every_line_is_whole(read):
    rows, said = read('text\tlabel\n"so\tpos\nbad\tneg\nit is"\tpos\n')
    assert len(rows) == 3 and rows[0] == {"text": '"so', "label": "pos"} and "(line 2)" in said[0]


def test_cells_that_are_quoted_as_in_csv_are_read_so(read):
    content = 'text\tlabel\n"a ""b"" c"\tpos\n"two\nlines"\tneg\nit is 5" long\tneg\n'
    rows, said = read(content)
    assert [row["text"] for row in rows] == ['a "b" c', "two\nlines", 'it is 5" long']
    assert said == (
        "quotes join 2 lines to 1 row, beginning at line 3; with read: {quoting: none} they are read as they stand",
    )


def test_quoting_can_be_declared(read):
    none = Want(WANT.columns, read=(("quoting", csv.QUOTE_NONE),))
    rows, said = read('text\tlabel\n"a"\tpos\n', want=none)
    assert rows == [{"text": '"a"', "label": "pos"}] and not said
    minimal = Want(WANT.columns, read=(("quoting", csv.QUOTE_MINIMAL),))
    rows, said = read('text\tlabel\n"so\tpos\nbad\tneg\nit is"\tpos\n', want=minimal)
    assert len(rows) == 1 and said[0].startswith("quotes join 3 lines to 1 row, beginning at line 2")


@pytest.mark.parametrize("name", ["a.csv", "a.tsv"])
@pytest.mark.parametrize("sep", [",", ";", "\t", "|"])
def test_the_separator_is_that_which_gives_the_wanted_columns(read, sep, name):
    rows, _ = read(f"id{sep}text{sep}label\n1{sep}a b{sep}pos\n", name)
    assert rows == [{"id": "1", "text": "a b", "label": "pos"}]


def test_a_separator_and_names_can_be_declared(read):
    declared = Want(WANT.columns, read=(("sep", "~"), ("names", ("text", "label"))))
    assert read("a~pos\nb~neg\n", "a.csv", declared)[0][0] == {"text": "a", "label": "pos"}


def test_lines_that_are_left_out_or_too_short_and_columns_of_one_name_are_said(read):
    content = "text,label,text\na,pos,x\n\nb,neg\n\n\nc,pos,y\n\n"
    rows, said = read(content, "a.csv")
    assert [row["text"] for row in rows] == ["a", "b", "c"]
    assert said == (
        "left out: 3 empty lines: lines 3, 5, 6",
        "fewer cells than columns in 1 row: line 4",
        "columns of one name, of which the first is read: text",
    )


def test_of_many_places_the_first_are_named(read):
    _, said = read("text,label\n" + "a,b\n\n" * 9 + "a,b\n", "a.csv")
    assert said == ("left out: 9 empty lines: lines 3, 5, 7, 9, 11 and 4 more",)


def test_a_cell_may_be_longer_than_those_of_the_standard_library(read):
    assert len(read(f'text\tlabel\n"{"a" * 200_000}"\tpos\n')[0][0]["text"]) == 200_000
