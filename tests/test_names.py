"""Names and texts of strangers in a report: neither formulas, marks nor mathematics, and links that lead somewhere."""

import gzip
import re
from pathlib import Path
from urllib.parse import unquote

import matplotlib
import nbformat
import pandas as pd
import pytest
from nbformat.v4 import new_markdown_cell, new_notebook

matplotlib.use("Agg")

from xlt import cli, report
from xlt.core import spreadsheets  # noqa: E402
from xlt.core.errors import UserError  # noqa: E402
from xlt.lab import owner
from xlt.report import figures, site
from xlt.report.artifacts import save_figure, save_table  # noqa: E402

MATHEMATICS = r"$\frac{a}$ b"


@pytest.fixture
def scores():
    rows = [
        {"recipe": name, "intermediate": name, "target": "xnli", "seed": seed, "task": "xnli", "language": language,
         "metric": "accuracy", "value": 0.5 + seed / 50, "main": True, "perturbation": "none", "same_task": False}
        for name in ("none", MATHEMATICS, "pay $5 or $6") for seed in (0, 1, 2) for language in ("en", "de")
    ]  # fmt: skip
    return pd.DataFrame(rows)


@pytest.mark.parametrize("drawn", ["dot plot", "heat map"])
def test_dollar_signs_in_a_name_stop_no_figure(tmp_path, scores, drawn):
    dots = drawn == "dot plot"
    figure = figures.dot_plot(scores, "xnli") if dots else figures.heat_map(report.transfer_matrix(scores))
    assert save_figure(figure, tmp_path, "x", "c")[0].stat().st_size > 0


def test_numbers_on_an_axis_stay_as_matplotlib_writes_them(tmp_path):
    figure, axes = figures.canvas(3, 2)
    axes.bar([MATHEMATICS, "b $"], [1, 200])
    axes.set(yscale="log", title=MATHEMATICS)
    save_figure(figure, tmp_path, "x", "c")
    assert all(text.get_parse_math() for text in axes.get_yticklabels())
    assert not any(text.get_parse_math() for text in (axes.title, *axes.get_xticklabels()))


def test_cells_and_captions_are_no_marks(tmp_path):
    evil = "[a](javascript:alert(1)) <img src=x> $x$ *b* `c` # d"
    save_table(pd.DataFrame({evil: [evil]}), tmp_path, "t", f"= {evil}\n# next")
    head, rule, row, _, caption = (tmp_path / "t.md").read_text(encoding="utf-8").splitlines()
    assert rule == "| --- |" and caption.startswith(r"\= ") and caption.endswith("<br># next")
    for line in (head, row, caption):
        assert not re.search(r"(?<!\\)[\[\]*`$]|(?<!\\)<(?!br>)", line)


FOREIGN = ["=HYPERLINK(1)", "+1+1", "-x", "@SUM(A1)", "\t=1", "'=1", "'a", "a=b", "-1.5", "+3", "1e5"]


def test_no_text_of_a_table_is_a_formula_of_a_spreadsheet(tmp_path):
    table = pd.DataFrame({"=name": FOREIGN, "value": -0.5})
    save_table(table, tmp_path, "t", "c")
    kept = pd.read_csv(tmp_path / "t.csv", dtype=str)
    assert list(kept) == ["'=name", "value"] and set(kept["value"]) == {"-0.5"}
    cells = kept["'=name"].tolist()
    assert cells[:6] == ["'=HYPERLINK(1)", "'+1+1", "'-x", "'@SUM(A1)", "'\t=1", "''=1"] and cells[6:] == FOREIGN[6:]
    assert spreadsheets.read(tmp_path / "t.csv", dtype={"=name": str, "'=name": str}).equals(table)


def test_the_scores_of_a_recipe_with_such_a_name_are_read_back(tmp_path, scores):
    named = scores.assign(recipe="=mine", run="a", dirty=False, commit="a", seconds=1, finished="")
    report.save_scores(named, tmp_path)
    assert "\n'=mine," in gzip.decompress((tmp_path / "scores.csv.gz").read_bytes()).decode()
    assert set(site.results.scores(tmp_path)["recipe"]) == {"=mine"}


def test_links_lead_to_files_of_any_name(tmp_path):
    folder = tmp_path / "p"
    (folder / "notebooks").mkdir(parents=True)
    for name in ("01_plain", "study_my idea", "study_a #1", "study_what?", "study_100%25", "study_ä", "study_[x]"):
        cells = [new_markdown_cell(f"# {name}\n\nA."), new_markdown_cell("## Limits")]
        nbformat.write(new_notebook(cells=cells), folder / "notebooks" / f"{name}.ipynb")
    save_table(pd.DataFrame({"a": [1]}), folder / "tables", "a #1_t?", "c")
    figure, _ = figures.canvas(1, 1)
    save_figure(figure, folder / "figures", "a #1_f%20", "c")
    site.build("p", tmp_path)
    pages = [folder / "index.html", folder / "checklists.html", *(folder / "notebooks").glob("*.html")]
    links = [(page, link) for page in pages for link in re.findall(r'href="([^"#][^"]*)"', page.read_text("utf-8"))]
    assert len(links) > 40
    assert [link for page, link in links if not (page.parent / unquote(link.partition("#")[0])).is_file()] == []


def test_two_profiles_of_one_file_name_share_no_report(tmp_path, monkeypatch):
    monkeypatch.setenv("XLT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("XLT_REPORTS", str(tmp_path / "reports"))
    one, other = (tmp_path / place / "mine.yaml" for place in "ab")
    for file in (one, other):
        file.parent.mkdir()
        file.write_text("extends: smoke\n")
    owner.claim(str(one))
    owner.claim(str(other))  # nothing has been written yet
    (tmp_path / "reports" / "mine").mkdir(parents=True)
    owner.claim(str(other))
    with pytest.raises(UserError, match="mine: its report is of .*b/mine.yaml, not of .*a/mine.yaml; rename one"):
        owner.claim(str(one))
    monkeypatch.setenv("XLT_REPORTS", str(tmp_path / "elsewhere"))
    owner.claim(str(one))
    monkeypatch.setenv("XLT_REPORTS", str(tmp_path / "reports"))
    other.rename(Path(tmp_path / "b" / "moved.yaml"))
    owner.claim(str(one))


def test_a_report_that_nobody_has_claimed_is_of_the_projects_own_profile(tmp_path, monkeypatch, capsys):
    """As in a fresh clone, whose reports/mini is committed, or after XLT_CACHE was moved."""
    monkeypatch.setenv("XLT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("XLT_REPORTS", str(tmp_path / "reports"))
    (tmp_path / "reports" / "mini").mkdir(parents=True)
    mine = tmp_path / "mini.yaml"
    mine.write_text("extends: smoke\n")
    with pytest.raises(UserError, match="mini: its report is of .*params/mini.yaml, not of .*/mini.yaml; rename one"):
        owner.claim(str(mine))
    assert cli.main(["check", "--profile", str(mine)]) == 2  # nor are its scores read as if they were of this file
    assert "its report is of" in capsys.readouterr().err
    owner.claim("mini")
    other = mine.rename(tmp_path / "own.yaml")  # of a name that the project has no profile of
    (tmp_path / "reports" / "own").mkdir()
    owner.claim(str(other))
