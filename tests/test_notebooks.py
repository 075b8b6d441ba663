"""The notebook runner: what it refuses, what it accepts, what it leaves behind. Each kernel costs about a second."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from xlt.core import progress
from xlt.core.errors import UserError
from xlt.core.paths import ROOT
from xlt.lab.selection import select
from xlt.report import execution
from xlt.report.executed import tidy
from xlt.report.execution import incomplete
from xlt.report.notebooks import check_parameters, run_notebooks

PARAMETERS = 'profile: str = "other"  # which profile\nrate: float = 0.1\nseeds: int = 3'


def notebook(folder: Path, name: str, *cells: str, parameters: str = PARAMETERS) -> Path:
    first = [new_markdown_cell("# Title"), new_code_cell(parameters, metadata={"tags": ["parameters"]})]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    path = folder / f"{name}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(new_notebook(cells=first + [new_code_cell(c) for c in cells], metadata={"kernelspec": kernel}), path)
    return path


@pytest.fixture
def run(tmp_path):
    """run_notebooks on notebooks of the test, with a site that only notes that it was built."""

    def call(*args, **options) -> int:
        def build(profile: str, reports: Path, asked: Sequence[str]) -> Path:
            (reports / "built").write_text(profile)
            (reports / "asked").write_text(" ".join(asked))
            return reports / profile / "index.html"

        where = {"sources": tmp_path / "nb", "reports": tmp_path / "reports", "build": build}
        return run_notebooks("mini", *args, **where, **options)

    return call


def outputs(path: Path) -> str:
    return "".join(o.get("text", "") for c in nbformat.read(path, 4).cells for o in c.get("outputs", []))


# a good run


def test_good_notebooks_are_executed_in_order_with_contiguous_counts(tmp_path, run, capsys):
    notebook(tmp_path / "nb", "01_one", "import sys; print(profile, seeds, sys.executable)", "", "1 + 1")
    notebook(tmp_path / "nb", "02_two", "import os; print(profile, rate, os.environ['XLT_REPORTS'])")
    assert run() == 0
    done = tmp_path / "reports/mini/notebooks"
    assert outputs(done / "01_one.ipynb") == f"mini 3 {sys.executable}\n"  # this interpreter, not some kernelspec's
    assert outputs(done / "02_two.ipynb") == f"mini 0.1 {tmp_path}/reports\n"
    cells = [c for c in nbformat.read(done / "01_one.ipynb", 4).cells if c.cell_type == "code" and c.source]
    assert [c.execution_count for c in cells] == [1, 2, 3, 4]
    assert sorted(p.name for p in done.iterdir()) == ["01_one.ipynb", "02_two.ipynb"]  # no temporary file
    assert (tmp_path / "reports/built").read_text() == "mini"
    said = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[0] for line in said[:4]] == ["[1/2] 01_one"] * 2 + ["[2/2] 02_two"] * 2
    assert "started" in said[0] and "done in" in said[1] and said[-1].startswith("report: ")


def test_two_at_once_meet_and_the_last_waits_for_both(tmp_path, run):
    meet = "import pathlib, time\npathlib.Path('{0}').touch()\nend = time.monotonic() + 90\n"
    meet += "while not pathlib.Path('{1}').exists() and time.monotonic() < end: time.sleep(0.05)\n"
    meet += "print(pathlib.Path('{1}').exists())\ntime.sleep(0.2)\npathlib.Path('{0}-ended').touch()"
    notebook(tmp_path / "nb", "01_one", meet.format("one", "two"))
    notebook(tmp_path / "nb", "study_dialects", meet.format("two", "one"))
    notebook(tmp_path / "nb", "99_all", "import pathlib; print(sorted(p.name for p in pathlib.Path().glob('*-ended')))")
    assert run(None, 2) == 0
    done = tmp_path / "reports/mini/notebooks"
    assert outputs(done / "01_one.ipynb") == outputs(done / "study_dialects.ipynb") == "True\n"
    assert outputs(done / "99_all.ipynb") == "['one-ended', 'two-ended']\n"


def test_two_executions_are_equal_byte_by_byte(tmp_path, run):
    mixed = "import sys, warnings\nfor i in range(50):\n    print(i); print(-i, file=sys.stderr)\nwarnings.warn('w')"
    bars = "from tqdm.auto import tqdm\nlist(tqdm(range(9)))\nobject()"
    notebook(tmp_path / "nb", "01_one", mixed, bars, "{'b', 'a', 'c'}")
    copies = []
    for _ in range(2):
        assert run() == 0
        copies.append((tmp_path / "reports/mini/notebooks/01_one.ipynb").read_bytes())
    assert copies[0] == copies[1]
    assert b"papermill" not in copies[0] and b"widget" not in copies[0] and b"it/s" not in copies[0]


def test_a_full_run_deletes_what_earlier_notebooks_left(tmp_path, run):
    report = tmp_path / "reports/mini"
    cell = f"from pathlib import Path\nPath({str(report)!r}, 'tables/kept.csv').write_text('same')"
    notebook(tmp_path / "nb", "01_one", cell)
    notebook(tmp_path / "nb", "02_bad", "1 / 0")
    names = ["notebooks/04_gone.ipynb", "notebooks/04_gone.html", "tables/gone.csv", "tables/kept.csv", "figures/a.png"]
    names += ["scores_gone.csv.gz", "runs_gone.csv.gz", "outcomes_gone.parquet", "failures/study_gone.ipynb"]
    for path in [report / name for name in (*names, "plans/gone.json")]:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("same")
        os.utime(path, (1e9, 1e9))
    assert run("01") == 0 and run() == 1  # neither is a full run
    assert all((report / name).exists() for name in names)
    (tmp_path / "nb/02_bad.ipynb").unlink()
    os.utime(report / "tables/kept.csv", (1e9, 1e9))
    assert run() == 0
    left = {str(path.relative_to(report)) for path in report.rglob("*") if path.is_file()}
    assert left == {"notebooks/01_one.ipynb", "tables/kept.csv", "plans/gone.json"}


def test_the_last_notebook_of_a_full_run_reads_no_scores_of_older_settings(tmp_path, run):
    report = tmp_path / "reports/mini"
    cell = f"from pathlib import Path\nreport = Path({str(report)!r})\n"
    notebook(tmp_path / "nb", "03_some", cell + "(report / 'scores.csv.gz').write_text('new')")
    notebook(tmp_path / "nb", "99_all", cell + "print(sorted(path.name for path in report.glob('scores*')))")
    report.mkdir(parents=True)
    for name in ("scores.csv.gz", "scores_gone.csv.gz"):
        (report / name).write_text("old")
        os.utime(report / name, (1e9, 1e9))
    assert run("99") == 0  # one notebook alone reads what the others have left
    assert outputs(report / "notebooks/99_all.ipynb") == "['scores.csv.gz', 'scores_gone.csv.gz']\n"
    assert run() == 0
    assert outputs(report / "notebooks/99_all.ipynb") == "['scores.csv.gz']\n"


def test_tidying_merges_streams_and_masks_what_varies(tmp_path):
    source = notebook(tmp_path, "01_one", "x")
    copy = nbformat.read(source, 4)
    stream = {"output_type": "stream"}
    texts = [("stderr", "/tmp/ipykernel_77/123.py:1: W\n"), ("stdout", "a\n"), ("stderr", "c\n"), ("stdout", "b\n")]
    copy.cells[2].outputs = [nbformat.from_dict({**stream, "name": name, "text": text}) for name, text in texts]
    copy.cells[2].metadata = nbformat.from_dict({"tags": [], "papermill": {"duration": 1.5}})
    copy.cells.insert(2, new_code_cell("# Parameters"))  # with a random id, as papermill's
    executed = tmp_path / "executed.ipynb"
    nbformat.write(copy, executed)
    tidy(executed, source)
    cells = nbformat.read(executed, 4).cells
    assert [(o.name, o.text) for o in cells[3].outputs] == [("stdout", "a\nb\n"), ("stderr", "cell:1: W\nc\n")]
    assert cells[3].metadata == {} and cells[2].id == "run-2"
    assert [cells[i].id for i in (0, 1, 3)] == [c.id for c in nbformat.read(source, 4).cells]


def test_the_copy_names_the_file_of_a_profile_without_its_folders(tmp_path):
    """Or every notebook would be another one on another machine."""
    source = notebook(tmp_path, "01_one", 'print("/a/b.yaml")')
    copy = nbformat.read(source, 4)
    set_here = new_code_cell('# Parameters\nprofile = "/home/me/it\'s mine/own.yaml"\n')  # as papermill's
    copy.cells.insert(2, set_here)
    nbformat.write(copy, tmp_path / "executed.ipynb")
    tidy(tmp_path / "executed.ipynb", source)
    cells = nbformat.read(tmp_path / "executed.ipynb", 4).cells
    assert cells[2].source == '# Parameters\nprofile = "own.yaml"\n' and cells[3].source == 'print("/a/b.yaml")'


def test_a_table_stands_once_in_the_copy(tmp_path):
    source = notebook(tmp_path, "01_one", "table", "number")
    copy = nbformat.read(source, 4)
    for cell, data in zip(
        copy.cells[2:], ({"text/html": "<table>", "text/plain": "a  b"}, {"text/plain": "3"}), strict=True
    ):
        cell.outputs = [new_output("display_data", data=data)]
    nbformat.write(copy, tmp_path / "executed.ipynb")
    tidy(tmp_path / "executed.ipynb", source)
    shown = [dict(cell.outputs[0].data) for cell in nbformat.read(tmp_path / "executed.ipynb", 4).cells[2:]]
    assert shown == [{"text/html": "<table>"}, {"text/plain": "3"}]


# runs that go wrong


def test_a_killed_kernel_is_noticed_and_its_children_end(tmp_path, run, capsys):
    child = "import subprocess\nprint(subprocess.Popen(['sleep', '600']).pid)"
    notebook(tmp_path / "nb", "01_one", child, "import os; os.kill(os.getpid(), 9)", "print('never')")
    notebook(tmp_path / "nb", "02_two", "1")
    assert run() == 1
    said = capsys.readouterr().out
    assert "01_one.ipynb, cell 4: killed" in said and "the kernel was killed in cell 4 (out of memory?)" in said
    assert "not run: 02_two" in said and "Traceback" not in said
    kept = tmp_path / "reports/mini/failures/01_one.ipynb"
    assert str(kept) in said
    assert list((tmp_path / "reports/mini/notebooks").iterdir()) == []
    assert not (tmp_path / "reports/built").exists()
    pid = int(outputs(kept))
    assert not Path(f"/proc/{pid}").exists() or "Z" in Path(f"/proc/{pid}/stat").read_text().split()[2]


def test_an_exception_is_summed_up_and_the_last_good_copy_stays(tmp_path, run, capsys):
    notebook(tmp_path / "nb", "01_one", "print('good')")
    assert run() == 0
    good = (tmp_path / "reports/mini/notebooks/01_one.ipynb").read_bytes()
    notebook(tmp_path / "nb", "01_one", "print('before')", "raise ValueError('\\n'.join(map(str, range(40))))")
    capsys.readouterr()
    assert run() == 1
    said = capsys.readouterr().out.splitlines()[2:]  # after the progress lines
    assert said[0] == "01_one.ipynb, cell 4: ValueError" and len(said) <= 10
    assert (tmp_path / "reports/mini/notebooks/01_one.ipynb").read_bytes() == good
    failed = tmp_path / "reports/mini/failures/01_one.ipynb"
    assert "before" in outputs(failed)
    failed.with_suffix(".html").write_text("its page")
    notebook(tmp_path / "nb", "01_one", "print('mended')")
    assert run("01") == 0
    assert not list(failed.parent.iterdir())


def test_leaving_early_without_error_is_a_failure_too(tmp_path, run, capsys):
    notebook(tmp_path / "nb", "01_one", "import sys; sys.exit(0)", "print('never')")
    assert run() == 1
    assert "the notebook ended before cell 4" in capsys.readouterr().out


def test_a_full_disk_in_a_cell_is_named(tmp_path, run, capsys):
    notebook(tmp_path / "nb", "01_one", "import errno\nraise OSError(errno.ENOSPC, 'No space left on device')")
    assert run() == 1
    assert "the disk is full" in capsys.readouterr().out


def test_a_kernel_that_does_not_start_gives_its_last_words(tmp_path, run, capsys, monkeypatch):
    broken = {"argv": [sys.executable, "-c", "import sys; sys.exit('no module named x')", "{connection_file}"]}
    monkeypatch.setattr(execution, "get_kernel_dict", lambda: broken)
    notebook(tmp_path / "nb", "01_one", "1")
    assert run() == 1
    assert "the kernel did not start: no module named x" in capsys.readouterr().out


def test_counts_out_of_order_are_noticed():
    cells = [
        new_code_cell("a", execution_count=1),
        new_code_cell("", outputs=[]),
        new_code_cell("b", execution_count=3),
    ]
    assert incomplete(new_notebook(cells=cells)).message == "cell 2 has execution count 3"


def test_ctrl_c_stops_the_kernel_and_says_what_to_do(tmp_path):
    notebook(tmp_path / "nb", "01_one", "open('begun', 'w').close()\nimport time\ntime.sleep(600)")
    call = "import signal, sys, pathlib, xlt.report.notebooks as n\n"
    call += "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    call += "sys.exit(n.run_notebooks('mini', sources=pathlib.Path('nb'), reports=pathlib.Path('r')))"
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    runner = subprocess.Popen([sys.executable, "-c", call], cwd=tmp_path, env=environment, **pipes)
    deadline = time.monotonic() + 120
    while not (tmp_path / "nb/begun").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(0.3)
    runner.send_signal(signal.SIGINT)
    said, _ = runner.communicate(timeout=30)
    assert runner.returncode == 130, said
    assert said.splitlines()[-1] == "interrupted; everything finished so far is kept; run again to go on"
    assert "Traceback" not in said
    assert list((tmp_path / "r/mini/notebooks").iterdir()) == []


# the cell that takes the profile, checked before a kernel starts


def test_a_notebook_that_takes_no_profile_stops_everything_before_it_starts(tmp_path, run):
    notebook(tmp_path / "nb", "00_before", "open('ran', 'w')")
    notebook(tmp_path / "nb", "01_one", parameters="seeds: int = 3")
    with pytest.raises(UserError, match="01_one.ipynb: its cell tagged 'parameters' does not set 'profile'"):
        run()
    assert not (tmp_path / "nb/ran").exists() and not (tmp_path / "reports").exists()


@pytest.mark.parametrize("cell", [PARAMETERS, 'profile = "mini"', 'seeds = 3\nprofile: str="mini"'])
def test_a_cell_that_sets_the_profile_passes(tmp_path, cell):
    check_parameters(notebook(tmp_path, "01_one", parameters=cell))


def test_a_notebook_without_parameters_cell_or_without_json_is_named(tmp_path):
    nbformat.write(new_notebook(cells=[new_code_cell("1")]), tmp_path / "01_one.ipynb")
    with pytest.raises(UserError, match="01_one.ipynb has 0 cells tagged 'parameters'"):
        check_parameters(tmp_path / "01_one.ipynb")
    (tmp_path / "02_two.ipynb").write_text("{")
    with pytest.raises(UserError, match="02_two.ipynb is not a readable notebook"):
        check_parameters(tmp_path / "02_two.ipynb")


def test_an_error_of_ours_is_said_whole_and_any_other_is_cut(tmp_path, run, capsys):
    ours = "from xlt.core.errors import UserError; raise UserError('long ' * 200 + 'mended so')"
    notebook(tmp_path / "nb", "01_one", ours)
    assert run() == 1 and "mended so" in capsys.readouterr().out
    notebook(tmp_path / "nb", "01_one", "raise ValueError('long ' * 200 + 'mended so')")
    assert run() == 1 and "mended so" not in capsys.readouterr().out


# which notebooks


@pytest.mark.parametrize("only", ["02_two", "02", "2", "two", "02_two.ipynb", "notebooks/02_two.ipynb"])
def test_only_takes_number_name_or_file(tmp_path, only):
    paths = [notebook(tmp_path, name) for name in ("01_one", "02_two")]
    assert select(only, tmp_path) == paths[1:]
    assert select(None, tmp_path) == paths


def test_only_of_an_unknown_notebook_says_which_is_near(tmp_path):
    notebook(tmp_path, "02_two")
    with pytest.raises(UserError, match="unknown notebook '02_tow'.*did you mean 02_two"):
        select("02_tow", tmp_path)
    with pytest.raises(UserError, match="no notebooks"):
        select(None, tmp_path / "empty")


def test_the_notebook_of_a_study_that_the_profile_does_not_declare_is_left_out_and_said(tmp_path, run, capsys):
    for name in ("01_one", "study_dialects", "study_strange"):
        notebook(tmp_path / "nb", name, "1")
    older = tmp_path / "reports/mini/notebooks/study_strange.ipynb"
    older.parent.mkdir(parents=True)
    older.write_text("of a run before the study was taken out")
    os.utime(older, (1e9, 1e9))
    assert run() == 0
    done = sorted(path.stem for path in older.parent.iterdir())
    assert done == ["01_one", "study_dialects"]
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "left out, as the profile mini declares no such study: study_strange"
    assert (tmp_path / "reports" / "asked").read_text() == "01_one study_dialects"  # the index says what is not there
    assert lines[1].startswith("[1/2] 01_one")


def test_such_a_notebook_cannot_be_asked_for_alone(tmp_path, run):
    notebook(tmp_path / "nb", "study_dialect", "open('ran', 'w')")
    with pytest.raises(UserError, match="unknown study 'dialect' in the profile mini; did you mean dialects?"):
        run("dialect")
    assert not (tmp_path / "nb/ran").exists()


# progress


def test_durations_in_words():
    words = [progress.duration(s) for s in (0.4, 59.6, 80, 7500)]
    assert words == ["0 s", "1 min 00 s", "1 min 20 s", "2 h 05 min"]


def test_reports_reach_the_line_of_the_parent(tmp_path, monkeypatch):
    file = tmp_path / "progress"
    assert progress.latest(file) == ""
    monkeypatch.setenv("XLT_PROGRESS", str(file))
    monkeypatch.setattr(progress, "_last_report", 0.0)
    monkeypatch.setattr(progress.time, "monotonic", lambda: 100.0)
    progress.report(3, 9, 80.0, "mnli")
    progress.report(4, 9, 70.0, "mnli")  # too soon: not written
    assert progress.latest(file) == "run 4 of 9: mnli · 1 min 20 s left"
    progress.report(9, 9, 0.0)  # the last one always is
    assert progress.latest(file) == "run 9 of 9"
    assert json.loads(file.read_text().splitlines()[0]) == {"done": 3, "total": 9, "left_s": 80.0, "what": "mnli"}
    with file.open("a") as half:
        half.write('{"done": 1')
    assert progress.latest(file) == ""


class Terminal:
    def __init__(self):
        self.text = ""

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> None:
        self.text += text

    def flush(self) -> None: ...


def test_a_terminal_gets_one_line_rewritten_in_place(tmp_path):
    out, file = Terminal(), tmp_path / "progress"
    with progress.Line("[2/4] 02_two", file, out, every=0.01) as line:
        line.at_cell(3, 8)
        file.write_text('{"done": 3, "total": 9, "left_s": 80, "what": ""}\n')
        time.sleep(0.2)
        line.outcome = "done in"
    assert "\r[2/4] 02_two  cell 3/8 · run 4 of 9 · 1 min 20 s left" in out.text
    assert out.text.count("\n") == 1 and "done in 0 s" in out.text.splitlines()[-1]


def test_elsewhere_a_line_is_printed_now_and_then(tmp_path, capsys):
    with progress.Line("[1/1] 01_one", tmp_path / "progress", every=0.1) as line:
        line.at_cell(1, 2)
        time.sleep(0.25)
    said = capsys.readouterr().out
    assert said.startswith("[1/1] 01_one  started\n[1/1] 01_one  cell 1/2\n") and "\r" not in said


def test_of_two_notebooks_at_work_a_terminal_shows_the_first_and_keeps_both_last_lines(tmp_path):
    out = Terminal()
    with progress.Line("[1/2] 01_one", out=out, every=0.01) as one:
        with progress.Line("[2/2] 02_two", out=out, every=0.01) as two:
            one.at_cell(1, 2)
            two.at_cell(1, 5)
            time.sleep(0.2)
            two.outcome = "done in"
        one.outcome = "done in"
    assert "[1/2] 01_one  cell 1/2" in out.text and "[2/2] 02_two  cell" not in out.text
    lines = out.text.split("\n")
    assert [line.split("\r")[-1].split("  ")[0] for line in lines[:-1]] == ["[2/2] 02_two", "[1/2] 01_one"]
