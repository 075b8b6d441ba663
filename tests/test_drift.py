"""What counts as a difference of two reports, and what the page and the exit code say of it."""

import json
import shutil

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from xlt import cli
from xlt.drift import diff
from xlt.errors import UserError

SCORES = """recipe,seed,language,metric,value,main,n,commit,torch_version
mnli → xnli,0,de,accuracy,0.5,True,100,aaa,2.1
mnli → xnli,1,de,accuracy,0.6,True,100,aaa,2.1
"""
TABLE = "language,script,mean,verdict\nde,Latin,0.25,up\nzh,Han,0.5,\n"


@pytest.fixture
def reports(tmp_path):
    """Two equal reports."""
    old = tmp_path / "old"
    (old / "tables").mkdir(parents=True)
    (old / "notebooks").mkdir()
    (old / "scores.csv").write_text(SCORES)
    (old / "tables/languages.csv").write_text(TABLE)
    notebook(old, "x = 1")
    shutil.copytree(old, tmp_path / "new")
    return old, tmp_path / "new"


def notebook(folder, source: str, **cell) -> None:
    cells = [new_markdown_cell("# Title", id="a"), new_code_cell(source, id="b", **cell)]
    nbformat.write(new_notebook(cells=cells), folder / "notebooks/01_first.ipynb")


def edit(folder, name: str, old: str, new: str) -> None:
    path = folder / name
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def test_equal_reports_do_not_differ_whatever_the_machine_and_the_order(reports):
    old, new = reports
    assert diff(old, new) == []
    edit(new, "scores.csv", "aaa,2.1", "bbb,2.2")
    head, *rows = (new / "scores.csv").read_text().splitlines()
    (new / "scores.csv").write_text("\n".join([head, *reversed(rows)]) + "\n")
    notebook(new, "x = 1", execution_count=3, outputs=[new_output("stream", text="y")], metadata={"tags": ["t"]})
    assert diff(old, new) == []


def test_changed_cells_are_named_and_numbers_have_a_tolerance(reports):
    old, new = reports
    edit(new, "scores.csv", "0.6,", "0.625,")
    edit(new, "tables/languages.csv", "0.25,up", "0.2500000001,down")
    first, second = diff(old, new)
    assert first.name == "scores.csv" and first.changes == [
        ("mnli → xnli · 1 · de · accuracy", "value", "0.6", "0.625", pytest.approx(0.025))
    ]
    assert second.changes == [("de · Latin", "verdict", "up", "down", None)]
    assert [len(drift.changes) for drift in diff(old, new, tolerance=0)] == [1, 2]
    assert [drift.name for drift in diff(old, new, tolerance=0.03)] == ["tables/languages.csv"]


def test_a_number_that_comes_or_goes_is_a_difference(reports):
    old, new = reports
    for gone in ("", "nan", "not run"):
        edit(new, "tables/languages.csv", "Han,0.5", f"Han,{gone}")
        for a, b in ((old, new), (new, old)):
            assert [change.by for drift in diff(a, b, tolerance=9) for change in drift.changes] == [None]
        edit(new, "tables/languages.csv", f"Han,{gone},", "Han,0.5,")


def test_rows_columns_tables_and_notebooks_that_appear_or_vanish(reports):
    old, new = reports
    edit(new, "tables/languages.csv", "zh,Han", "ja,Japanese")
    edit(new, "scores.csv", "value,main", "value,best")
    (new / "tables/more.csv").write_text("a\n1\n")
    (new / "notebooks/01_first.ipynb").unlink()
    said = {drift.name: drift.said for drift in diff(old, new)}
    assert said == {
        "scores.csv": ["column vanished: main", "column appeared: best"],
        "tables/languages.csv": ["row vanished: zh · Han", "row appeared: ja · Japanese"],
        "tables/more.csv": ["not in the old report"],
        "notebooks/01_first.ipynb": ["not in the new report"],
    }


def test_code_and_text_of_notebooks(reports):
    old, new = reports
    notebook(new, "x = 2")
    (found,) = diff(old, new)
    assert "-  x = 1" in found.text and "+  x = 2" in found.text


def test_the_command_and_its_page(reports, tmp_path, capsys):
    old, new = reports
    page, arguments = tmp_path / "pages/diff.html", [str(old), str(new), "--page", str(tmp_path / "pages/diff.html")]
    assert cli.main(["diff", *arguments]) == 0 and "the reports say the same" in capsys.readouterr().out
    edit(new, "tables/languages.csv", "0.25,up", "0.75,<script>alert(1)</script>")
    edit(new, "tables/languages.csv", "zh", "<b>zh")
    notebook(new, "x = '</pre><script>'")
    assert cli.main(["diff", *arguments]) == 1
    out = capsys.readouterr().out
    assert (
        "tables/languages.csv: row vanished: zh · Han; row appeared: <b>zh · Han; 2 cells changed, the largest by +0.5"
        in out
    )
    assert "2 tables or notebooks differ (numbers within 1e-09 are equal)" in out
    text = page.read_text()
    assert "<script" not in text and "<b>zh" not in text and "&lt;script&gt;alert(1)" in text
    assert "http" not in text.replace("http-equiv", "") and "+0.5" in text
    before = page.read_bytes()
    cli.main(["diff", *arguments])
    assert page.read_bytes() == before


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("scores.csv", "", "scores.csv is empty or damaged"),
        ("tables/languages.csv", "a\n1,2,3\n4\n5,6,7,8\n", "languages.csv is empty or damaged"),
        ("notebooks/01_first.ipynb", "{}", "01_first.ipynb is empty or damaged"),
        ("notebooks/01_first.ipynb", json.dumps({"cells": 3}), "01_first.ipynb is empty or damaged"),
    ],
)
def test_damaged_files_are_named(reports, name, content, message):
    (reports[1] / name).write_text(content)
    with pytest.raises(UserError, match=message):
        diff(*reports)


def test_what_is_no_report(reports, tmp_path, capsys):
    assert cli.main(["diff", str(reports[0]), str(tmp_path / "nothing")]) == 2
    assert "nothing holds no tables and no notebooks" in capsys.readouterr().err
    assert cli.main(["diff", *map(str, reports), "--tolerance", "-1"]) == 2
    assert "--tolerance must be zero or more" in capsys.readouterr().err


def test_tables_without_names_or_with_the_same_name_twice_are_matched_in_order(reports):
    old, new = reports
    for folder, last in ((old, 3), (new, 4)):
        (folder / "tables/numbers.csv").write_text(f"a,b\n1,2\n1,{last}\n")
        (folder / "tables/twice.csv").write_text(f"name,b\nx,2\nx,{last}\n")
    assert [change[:2] for drift in diff(old, new) for change in drift.changes] == [("row 2", "b"), ("x (2)", "b")]
