"""The notebooks as they lie in notebooks/: readable sources without outputs. And all of them run."""

import json
import re
from pathlib import Path
from statistics import median

import nbformat
import pandas as pd
import pytest

from xlt.analysis import score_tables
from xlt.core.paths import ROOT
from xlt.lab import profiles
from xlt.lab.studies import PHASES

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
read = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def code_cells(path: Path) -> list:
    return [cell for cell in nbformat.read(path, 4).cells if cell.cell_type == "code"]


@read
def test_no_outputs_in_the_sources(path):
    assert all(not cell.outputs and cell.execution_count is None for cell in code_cells(path))


@read
def test_title_and_what_goes_in_and_comes_out_first_then_parameters(path):
    first, second = nbformat.read(path, 4).cells[:2]
    assert re.match(r"# .+\n.+\?\nIn go.*\nOut come", first.source)
    assert "parameters" in second.metadata.get("tags", [])


@read
def test_cells_are_short_and_without_plumbing(path):
    for cell in code_cells(path):
        assert len(cell.source.splitlines()) <= 25
        assert not re.search(r"^(def|class|%|!)|torch|pickle", cell.source, re.M)
        assert not re.search(
            r" else None|\.(pivot|isin|loc)\b|^\{", cell.source, re.M
        )  # what chooses is in the package


@read
def test_half_of_the_code_cells_have_six_lines_or_fewer(path):
    assert median(len(cell.source.splitlines()) for cell in code_cells(path)) <= 6


MEASURED = ("study_calibration", "study_power_curves")  # of the instrument: they ask nothing of arms
ASKED = [path for path in NOTEBOOKS if path.stem.startswith("study_") and path.stem not in MEASURED]


@pytest.mark.parametrize("path", ASKED, ids=lambda path: path.stem)
def test_a_study_opens_with_its_answer_and_ends_with_its_records(path):
    _, first, *_, last = code_cells(path)
    assert first.source.endswith("\npage.answers()") and last.source == "page.records()"


def test_the_page_of_transfer_opens_with_the_matrix_and_folds_the_recipes_below_it():
    cells = [cell.source for cell in code_cells(ROOT / "notebooks" / "03_zero_shot_transfer.ipynb")]
    assert cells[2].endswith("report.show_matrix(matrix)")
    assert [number for number, cell in enumerate(cells) if "report.folded(recipes" in cell][0] > len(cells) / 2


@pytest.mark.parametrize("path", ASKED, ids=lambda path: path.stem)
def test_a_study_names_no_phase_as_a_profile_may_have_run_none(path):
    assert not any(re.search(r"\bphases? \d", cell.source, re.IGNORECASE) for cell in nbformat.read(path, 4).cells)


def test_every_study_has_its_notebook():
    declared = {f"study_{name}" for profile in ("mini", "calibration") for name in profiles.load(profile).studies}
    assert declared | set(PHASES) <= {path.stem for path in NOTEBOOKS}
    assert {path.stem for path in NOTEBOOKS if path.stem.startswith("study_")} == declared


@pytest.mark.slow
def test_all_notebooks_run_and_the_second_time_nothing_is_trained(tmp_path, monkeypatch):
    from xlt.report.notebooks import run_notebooks

    monkeypatch.setenv("XLT_CACHE", str(tmp_path / "cache"))
    assert run_notebooks("smoke", reports=tmp_path / "reports") == 0
    report = tmp_path / "reports" / "smoke"
    summary = json.loads((report / "summary.json").read_text(encoding="utf-8"))
    assert summary["state"] == "smoke"
    answers = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in (report / "answers").glob("*.json")}
    assert set(answers) == {*(path.stem for path in ASKED), "99_report"}
    assert all(len(said["answers"]) >= 5 for said in answers.values())
    assert "not run" not in (report / "tables" / "0_transfer_matrix.md").read_text(encoding="utf-8")
    control = score_tables.read(report / "scores_pretrained.csv.gz").query("not pretrained and main")
    shown = pd.read_csv(report / "tables" / "1_control.csv")
    assert set(control["task"]) >= set(shown["task"])
    runs = {path: path.stat().st_mtime_ns for path in (tmp_path / "cache" / "runs").glob("*/run.json")}
    before = (report / "notebooks" / "03_zero_shot_transfer.ipynb").read_bytes()
    assert run_notebooks("smoke", only="03", reports=tmp_path / "reports") == 0
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "cache" / "runs").glob("*/run.json")} == runs
    assert (report / "notebooks" / "03_zero_shot_transfer.ipynb").read_bytes() == before
