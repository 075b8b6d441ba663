"""The console command: exit codes and one-line errors."""

from __future__ import annotations

import errno
import json
import subprocess
import sys

import pytest

import xlt
from xlt import cli
from xlt.core.errors import UserError
from xlt.lab import ahead, profiles
from xlt.report import notebooks
from xlt.spec.tasks import TASKS


def fails(error: BaseException):
    def command(*_: object, **__: object) -> None:
        raise error

    return command


def test_version(capsys):
    with pytest.raises(SystemExit) as exit_:
        cli.main(["--version"])
    assert exit_.value.code == 0 and capsys.readouterr().out == f"xlt {xlt.__version__}\n"


def test_help_names_the_commands_and_imports_nothing_heavy():
    code = "import sys, xlt.cli\ntry: xlt.cli.main(['--help'])\nexcept SystemExit: pass\n"
    code += "sys.exit(bool({'torch', 'transformers', 'papermill', 'pydantic', 'numpy'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0
    assert all(name in done.stdout for name in ("run", "plan", "tasks", "why", "languages"))


@pytest.mark.parametrize("arguments", [[], ["rnu"], ["why"], ["run", "--onyl", "02"]])
def test_wrong_arguments_end_with_2_and_a_hint(arguments, capsys):
    with pytest.raises(SystemExit) as exit_:
        cli.main(arguments)
    assert exit_.value.code == 2 and "xlt" in capsys.readouterr().err


def test_languages_and_tasks_are_tables(capsys):
    assert cli.main(["languages"]) == 0
    assert any(line.split() == ["de", "German", "Latn", "Germanic"] for line in capsys.readouterr().out.splitlines())
    assert cli.main(["tasks"]) == 0
    header, *rows = capsys.readouterr().out.splitlines()
    assert header.split() == ["task", "family", "role", "languages", "data", "set", "licence", "metrics"]
    udpos = next(row for row in rows if row.startswith("udpos "))
    assert "33 (R: 38)" in udpos and "google/xtreme" in udpos and udpos.endswith("chunk_f1 token_accuracy")
    assert "snli + mnli + anli-r1" in next(row for row in rows if row.startswith("anli-plus "))
    assert "Rowan/hellaswag* " in next(row for row in rows if row.startswith("hellaswag "))


def test_tasks_as_json(capsys):
    assert cli.main(["tasks", "--json"]) == 0
    listed = {task["name"]: task for task in json.loads(capsys.readouterr().out)}
    assert len(listed) > 50 and set(listed) >= {"xnli", "squad", "mewslix"}
    tatoeba = listed["tatoeba"]
    assert set(tatoeba) >= {"family", "role", "licence", "metrics", "note", "dataset", "trains_on"}
    assert len(tatoeba["languages"]) == 36
    assert set(tatoeba["xtreme_r"]) - set(tatoeba["languages"]) == set(tatoeba["elsewhere"])
    assert tatoeba["unread"] == ["mteb/tatoeba-bitext-mining"] and listed["xnli"]["unread"] == []
    assert listed["xquad"]["trains_on"] == "squad" and listed["ccg"]["note"].startswith("UD English-EWT")


def test_on_a_terminal_lines_are_cut_to_its_width(capsys, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "70")
    assert cli.main(["tasks"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) == 70 and any(line.endswith("…") for line in lines)


@pytest.fixture
def mine(tmp_path):
    """A profile with a task of its own."""
    file = tmp_path / "mine.yaml"
    file.write_text(
        "extends: mini\ndescription: d\ntasks:\n  moods:\n    family: classification\n    dataset: ./moods\n"
        "    labels: [glad, sad]\n    metrics: [accuracy, f1_binary]\n"
    )
    yield str(file)
    TASKS.pop("moods", None)


def test_tasks_of_a_profile_are_listed_and_scored(mine, tmp_path, capsys):
    assert cli.main(["tasks", "--profile", mine]) == 0
    assert any(line.startswith("moods ") for line in capsys.readouterr().out.splitlines())
    TASKS.pop("moods")
    for name, labels in (("references", ("glad", "sad")), ("predictions", ("glad", "glad"))):
        lines = [json.dumps({"id": i, "label": label}) for i, label in enumerate(labels)]
        (tmp_path / name).write_text("\n".join(lines))
    files = ["--predictions", str(tmp_path / "predictions"), "--references", str(tmp_path / "references")]
    assert cli.main(["score", "--task", "moods", "--language", "en", *files]) == 2
    assert "unknown task 'moods'" in capsys.readouterr().err
    assert cli.main(["score", "--task", "moods", "--language", "en", *files, "--profile", mine, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["metrics"]["accuracy"] == 0.5


def test_an_unknown_profile_is_one_line_with_a_hint(capsys):
    assert cli.main(["run", "--profile", "minni"]) == 2
    assert capsys.readouterr().err == "xlt: unknown profile 'minni'; did you mean mini?\n"


def test_an_unknown_notebook_is_one_line(monkeypatch, capsys):
    assert cli.main(["run", "--only", "99_nothing"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("xlt: unknown notebook '99_nothing'") and error.count("\n") == 1


def test_run_hands_over_and_returns_the_runner_s_code(monkeypatch):
    calls = []
    monkeypatch.setattr(ahead, "run", lambda *given: calls.append(given))
    monkeypatch.setattr(notebooks, "run_notebooks", lambda *given: calls.append(given) or 1)
    assert cli.main(["run", "--only", "02"]) == 1
    assert calls == [("mini", ["02_intermediate_training"]), ("mini", "02", cli._kernels())]


def test_a_run_that_fails_is_one_line_and_no_notebook_is_executed(monkeypatch, capsys):
    monkeypatch.setattr(ahead, "run", fails(UserError("run xlmr-mnli failed: lower lr")))
    monkeypatch.setattr(notebooks, "run_notebooks", fails(AssertionError("executed")))
    assert cli.main(["run", "--only", "02"]) == 1
    assert capsys.readouterr().err == "xlt: run xlmr-mnli failed: lower lr\n"


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (UserError("no such thing"), 2, "xlt: no such thing\n"),
        (KeyboardInterrupt(), 130, "interrupted\n"),
        (OSError(errno.ENOSPC, "No space left", "a/file"), 2, "xlt: the disk is full (a/file): free some space"),
    ],
)
def test_errors_that_the_user_can_mend_have_no_traceback(monkeypatch, capsys, error, code, message):
    monkeypatch.setattr(profiles, "load", fails(error))
    assert cli.main(["run"]) == code
    assert capsys.readouterr().err.startswith(message)


def test_other_errors_keep_their_traceback(monkeypatch):
    monkeypatch.setattr(profiles, "load", fails(OSError(errno.EACCES, "Permission denied")))
    with pytest.raises(PermissionError):
        cli.main(["run"])


def test_a_closed_pipe_is_quiet():
    command = f"{sys.executable} -m xlt.cli languages | true; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
