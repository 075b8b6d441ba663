"""Words and tags in columns: CoNLL, IOB files, CoNLL-U; a line that does not fit is named."""

import pytest

from xlt.data import textfiles
from xlt.data.textfiles import Want

WANT = ("tokens", "tags")
PLAIN = [(["EU", "rejects"], ["B-ORG", "O"]), (["#", "Paris"], ["O", "B-LOC"])]
LINES = ["-DOCSTART- -X- O", "", "EU NNP B-ORG", "rejects VBZ O", "", "", "# id = 2", "# NN O", "Paris NNP B-LOC"]


@pytest.fixture
def read(tmp_path):
    """The table of a file, as its name makes it."""

    def read(content, name="train.txt", columns=WANT, **options):
        file = tmp_path / name
        file.write_bytes(content.encode())
        reader, given = {"txt": ("text", {}), "tsv": ("csv", {"sep": "\t"}), "csv": ("csv", {})}.get(
            name.rpartition(".")[2], ("conll", {})
        )
        want = Want(tuple(columns), True, tuple(options.items()))
        return textfiles.table(file, textfiles.form(file, reader, given, want))

    return read


def pairs(table):
    return list(zip(table["tokens"].to_pylist(), table["tags"].to_pylist(), strict=True))


@pytest.mark.parametrize("name", ["a.txt", "a.tsv", "a.conll", "a.iob", "a.iob2", "a.bio"])
@pytest.mark.parametrize("sep", ["\t", " ", "   ", " \t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_sentences_in_columns(read, name, sep, end):
    content = end.join(sep.join(line.split(" ")) if line[:1] != "#" or "=" not in line else line for line in LINES)
    assert pairs(read(content, name)) == PLAIN


def test_columns_have_numbers_or_the_names_that_are_declared(read):
    content = "\n".join(LINES)
    assert read(content)["2"].to_pylist() == [["NNP", "VBZ"], ["NN", "NNP"]]
    assert read(content, names=("word", "pos", "ner"))["pos"].to_pylist()[0] == ["NNP", "VBZ"]


def test_a_first_line_may_name_the_columns(read):
    found = read("word\ttag\tsource\nEU\tB-ORG\tx\n\nParis\tB-LOC\ty\n", "a.tsv", ("word", "tag"))
    assert found.select(["word", "tag"]).to_pydict() == {"word": [["EU"], ["Paris"]], "tag": [["B-ORG"], ["B-LOC"]]}


def test_universal_dependencies(read):
    words = ["1-2 du _ _", "1 de de ADP", "2 le le DET", "2.1 null _ X", "3 10~000 10000 NUM"]
    lines = ["\t".join([*word.replace(" ", "\t").replace("~", " ").split("\t"), *"______"]) for word in words]
    lines = ["# text = du pain", *lines, "", "# text = #", "\t".join(["1", "#", "#", "SYM", *"______"])]
    found = read("\n".join(lines), "a.conllu")
    assert pairs(found) == [(["de", "le", "10 000"], ["ADP", "DET", "NUM"]), (["#"], ["SYM"])]
    assert found["LEMMA"].to_pylist()[0] == ["de", "le", "10000"]


def test_universal_dependencies_with_columns_of_its_own(read):
    content = "# global.columns = ID FORM UPOS NER\n1\tEU\tPROPN\tB-ORG\n"
    found = read(content, "a.conllup")
    assert found["FORM"].to_pylist() == [["EU"]] and found["NER"].to_pylist() == [["B-ORG"]]


def test_words_may_hold_any_white_space_but_blanks_and_tabs(read):
    assert pairs(read("a\u2028b O\n10\u00a0000 B\nx\u3000y O\nc\u0085d O"))[0][0] == [
        "a\u2028b", "10\u00a0000", "x\u3000y", "c\u0085d",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("EU O\nNew York B-LOC\nx O\n", "line 2: 'New York B-LOC' has 3 columns, the other lines 2; write a word and"),
        ("EU O\n\nParis\nx O\n", "line 3: 'Paris' has 1 column, the other lines 2"),
        ("EU\tO\nx\tO\n\tB\ny\tO\n", r"line 3: '\tB' has no word"),
        ("EU\tO\nParis\t\nx\tO\n", "line 2: 'Paris\\t' has 1 column"),
        ("one\ntwo\n", "no columns of words and tags; write a word and its tag a line"),
        ("EU O\nx O\n# Q\nParis B\nR\n", "line 5: 'R' has 1 column"),
    ],
)
def test_a_line_that_does_not_fit_is_named(read, content, said):
    with pytest.raises(ValueError) as error:
        read(content)
    assert said in str(error.value) and "\n" not in str(error.value)


def test_a_word_with_a_blank_is_said(tmp_path):
    file = tmp_path / "a.conll"
    file.write_text("New York\tB-LOC\nx\tO\n")
    assert textfiles.form(file, "conll", {}, Want(WANT, True)).losses == ("a blank in 1 word: line 1",)


def test_a_table_of_lists_is_no_file_of_columns(read):
    content = "tokens\ttags\n['a', 'b']\t['O', 'B']\n\n['c']\t['O']\n"
    assert read(content, "a.tsv")["tokens"].to_pylist() == ["['a', 'b']", "['c']"]
