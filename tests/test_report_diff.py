"""What counts as a difference of two reports, and what the page and the exit code say of it."""

import json
import shutil

import nbformat
import numpy as np
import pandas as pd
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from xlt import cli
from xlt.analysis.agreement import Pair, means
from xlt.core.errors import UserError
from xlt.report.report_diff import compare, diff

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
    assert [len(difference.changes) for difference in diff(old, new, tolerance=0)] == [1, 2]
    assert [difference.name for difference in diff(old, new, tolerance=0.03)] == ["tables/languages.csv"]


def test_a_number_that_comes_or_goes_is_a_difference(reports):
    old, new = reports
    for gone in ("", "nan", "not run"):
        edit(new, "tables/languages.csv", "Han,0.5", f"Han,{gone}")
        for a, b in ((old, new), (new, old)):
            assert [change.by for difference in diff(a, b, tolerance=9) for change in difference.changes] == [None]
        edit(new, "tables/languages.csv", f"Han,{gone},", "Han,0.5,")


def test_rows_columns_tables_and_notebooks_that_appear_or_vanish(reports):
    old, new = reports
    edit(new, "tables/languages.csv", "zh,Han", "ja,Japanese")
    edit(new, "scores.csv", "value,main", "value,best")
    (new / "tables/more.csv").write_text("a\n1\n")
    (new / "notebooks/01_first.ipynb").unlink()
    said = {difference.name: difference.notes for difference in diff(old, new)}
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
    assert [change[:2] for difference in diff(old, new) for change in difference.changes] == [
        ("row 2", "b"),
        ("x (2)", "b"),
    ]


# made on different machines ---------------------------------------------------------------------


def scored(folder, shift=0.0, processor="Xeon", seeds=3, noise=0.0, **columns):
    """scores.csv of two recipes in two languages, seeds a point apart; `shift` and, in turns, `noise` on the second."""
    rows = []
    for recipe, base in (("none → xnli", 0.5), ("mnli → xnli", 0.6)):
        for language in ("de", "zh"):
            for seed in range(seeds):
                moved = (shift + noise * (-1) ** seed) * (recipe != "none → xnli")
                rows.append({
                    "recipe": recipe, "seed": seed, "task": "xnli", "language": language, "metric": "accuracy",
                    "value": round(base + seed / 100 + moved, 6), "n": 200, "device": "cpu", "processor": processor,
                    "instructions": "AVX512", "threads": "1 + 2", "torch_version": "2.13", **columns,
                })  # fmt: skip
    pd.DataFrame(rows).to_csv(folder / "scores.csv", index=False)


def test_on_equal_machines_every_number_has_to_be_equal(reports):
    old, new = reports
    scored(old), scored(new, shift=1e-6)
    found = compare(old, new)
    assert [len(difference.changes) for difference in found.differences] == [6] and not found.elsewhere
    assert found.how == [
        "made on equal machines, as far as they tell (device cpu; precision not recorded; processor Xeon; instructions "
        "AVX512; threads 1 + 2; torch version 2.13): compared number by number"
    ]


def test_on_another_machine_means_agree_where_their_intervals_overlap(reports):
    """By hand: three seeds a point apart have 4.303 · 0.01 / √3 = 2.48 points about their mean; a share of 0.61 in 200
    examples 1.96 · √(0.6078 · 0.3922 / 204) = 6.70; together 7.14 in one language and 5.35 over two."""
    old, new = reports
    scored(old), scored(new, noise=0.02, processor="EPYC")
    edit(new, "tables/languages.csv", "0.25,up", "0.75,down")
    found = compare(old, new)
    assert found.differences == [] and found.elsewhere
    where, compared, left = found.how
    assert where.startswith("made on different machines (processor Xeon in the old report and EPYC in the new)")
    assert compared == "compared: 6 means, by their spread over seeds and the size of the test set"
    assert left == "not compared: 1 tables that are made of the scores and differ"
    first = next(mean for mean in means([Pair("x", "de", str(seed), 0.6 + seed / 100, 0.5, 200) for seed in range(3)]))
    assert first.old.high - first.old.value == pytest.approx(0.0714, abs=1e-4)


def test_a_difference_that_the_intervals_do_not_allow_still_fails(reports):
    old, new = reports
    scored(old), scored(new, shift=0.12, processor="EPYC")  # allowed: 14.2 in one language, 10.7 over both
    (found,) = diff(old, new)
    assert [change.row for change in found.changes] == ["mnli → xnli · xnli · accuracy · mean over languages · 3 runs"]
    assert found.changes[0].by == pytest.approx(0.12) and found.changes[0].old == "0.61 [0.5565, 0.6635]"
    scored(new, shift=0.2, processor="EPYC")
    assert len(diff(old, new)[0].changes) == 3


@pytest.mark.parametrize(
    ("columns", "elsewhere"),
    [
        ({"threads": "1"}, True), ({"instructions": "AVX2"}, True), ({"torch_version": "2.14"}, True),
        ({"device": "cuda"}, True), ({"commit": "abc"}, False), ({}, False),
    ],
)  # fmt: skip
def test_threads_instructions_and_versions_make_another_machine_and_code_does_not(reports, columns, elsewhere):
    old, new = reports
    scored(old, commit="abd"), scored(new, shift=1e-6, **{"commit": "abd"} | columns)
    assert compare(old, new).elsewhere == elsewhere and bool(diff(old, new)) != elsewhere


def test_a_report_that_does_not_tell_its_processor_is_of_another_machine_than_one_that_does(reports):
    old, new = reports
    scored(old), scored(new, noise=0.01)
    table = pd.read_csv(old / "scores.csv").drop(columns=["processor", "instructions", "threads"])
    table.to_csv(old / "scores.csv", index=False)
    found = compare(old, new)
    assert found.differences == [] and "processor not recorded in the old report and Xeon in the new" in found.how[0]


def test_a_single_run_is_not_judged(reports):
    """Nobody knows how far another draw of it would lie."""
    old, new = reports
    scored(old, seeds=1), scored(new, seeds=1, shift=0.3, processor="EPYC")
    found = compare(old, new)
    assert found.differences == [] and found.how[1].startswith("compared: 0 means")
    assert found.how[2] == "not compared: 4 means without an interval (of one run, or of missing numbers)"


@pytest.mark.parametrize(("seeds", "n", "most"), [(1, 5000, 0), (2, 5000, 0.012), (3, 200, 0.012)])
def test_equal_training_on_another_machine_hardly_ever_parts(seeds, n, most):
    """Two points from seed to seed, drawn anew on each machine."""
    rng, parted = np.random.default_rng(0), 0
    for old, new in 0.6 + 0.02 * rng.standard_normal((1000, 2, seeds)):
        (mean,) = means([Pair("x", "de", str(seed), old[seed], new[seed], n) for seed in range(seeds)])
        parted += not mean.agrees
    assert parted / 1000 <= most  # of 5 expected in a thousand, three standard errors above


def test_what_is_no_share_of_a_test_set_is_not_judged_in_one_run_either(reports):
    old, new = reports
    scored(old, seeds=1), scored(new, seeds=1, shift=5, processor="EPYC")  # such as queries of an attack
    edit(old, "scores.csv", "0.6,", "7.6,")
    found = compare(old, new)
    assert found.differences == [] and found.how[-1].startswith("not compared: 4 means without an interval")
    edit(new, "scores.csv", "5.6,", ",")  # such as the words changed where an attack succeeded, and it did not
    assert compare(old, new).differences == []


def test_rows_that_vanish_and_code_that_changes_are_differences_on_any_machine(reports):
    old, new = reports
    scored(old), scored(new, noise=0.01, processor="EPYC")
    text = (new / "scores.csv").read_text().splitlines()
    (new / "scores.csv").write_text("\n".join(text[:-1]) + "\n")
    notebook(new, "x = 2")
    (new / "tables/languages.csv").unlink()
    scores, table, code = diff(old, new)
    assert scores.notes == ["row vanished: mnli → xnli · 2 · xnli · zh · accuracy"] and not scores.changes
    assert table.notes == ["not in the new report"] and code.text


def test_the_command_says_which_comparison_was_made(reports, tmp_path, capsys):
    old, new = reports
    page = tmp_path / "diff.html"
    scored(old), scored(new, noise=0.01, processor="EPYC")
    assert cli.main(["diff", str(old), str(new), "--page", str(page)]) == 0
    out = capsys.readouterr().out
    assert "made on different machines" in out and "the reports agree within their intervals" in out
    assert "made on different machines" in page.read_text() and "agree within their intervals" in page.read_text()
    scored(new, shift=0.3, processor="EPYC")
    assert cli.main(["diff", str(old), str(new), "--page", str(page)]) == 1
    assert "mean over languages" in page.read_text()


def test_seeds_that_agree_to_the_last_digit_have_no_interval_of_their_own():
    queries = next(means([Pair("queries_max", "de", seed, 40, 39, 25) for seed in "012"]))
    shares = next(means([Pair("accuracy", "de", seed, 0.5, 0.9, 200) for seed in "012"]))
    assert not queries.judged and queries.agrees
    assert shares.judged and not shares.agrees
