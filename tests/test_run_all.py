"""run_all.sh and the files of the environment, on copies without .venv: nothing is installed here."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.specifiers import SpecifierSet

from xlt.core.paths import ROOT
from xlt.lab.profiles import profiles


@pytest.fixture
def copy(tmp_path) -> Path:
    for name in ("run_all.sh", "environment.yml", "constraints.txt", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "params", tmp_path / "params")
    return tmp_path


def call(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
    kept = {k: v for k, v in os.environ.items() if k not in ("CONDA_PREFIX", "PYTHON", "XLT_CACHE")}
    return subprocess.run(
        ["bash", str(folder / "run_all.sh"), *arguments], capture_output=True, text=True, env=kept | environment
    )


def fake(path: Path, script: str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def environment_at(prefix: Path) -> None:
    """Commands that only write down how they were called, so that no test installs anything."""
    for name in ("python", "xlt"):
        fake(prefix / "bin" / name, f'echo {name} "$@" >> "{prefix}/calls"')


def test_help_needs_no_environment(copy):
    done = call(copy, "--help")
    assert done.returncode == 0 and done.stdout.startswith("Usage: ./run_all.sh")
    assert not (copy / ".venv").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--profil", "mini"], "unknown argument '--profil'; ./run_all.sh --help lists them"),
        (["--profile"], "--profile needs a value"),
        (["--only"], "--only needs a value"),
        (["--profile", "minni"], "unknown profile 'minni'; there are: "),
        (["lab", "more"], "unknown argument 'more'"),
        (["--verify", "--stored"], "unknown argument '--stored'"),
        (["--plan", "--latex"], "unknown argument '--latex'"),
        (["--device", "H100"], "--device goes with --plan"),
        (["--plan", "--workers"], "--workers needs a value"),
    ],
)
def test_wrong_arguments_end_before_anything_is_made(copy, arguments, message):
    done = call(copy, *arguments)
    assert done.returncode == 2 and message in done.stderr and len(done.stderr.splitlines()) == 1
    assert not (copy / ".venv").exists()


def test_an_old_python_and_a_missing_venv_module_are_named(copy):
    old = fake(copy / "old", 'case "$2" in *print*) echo 3.9 ;; *) exit 1 ;; esac')
    done = call(copy, PYTHON=old)
    assert done.returncode == 2 and "Python 3.11 or newer is needed (found: 3.9)" in done.stderr
    bare = fake(copy / "bare", 'case "$2" in *print*) echo 3.12 ;; *ensurepip*) exit 1 ;; esac')
    done = call(copy, PYTHON=bare)
    assert done.returncode == 2 and "apt install python3.12-venv" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_packages_are_installed_once_and_again_when_the_pins_change(copy):
    environment_at(copy / ".venv")
    installs = []
    for change in (False, False, True):
        if change:
            (copy / "constraints.txt").write_text("numpy==1.0\n")
        assert call(copy, "--only", "02").returncode == 0
        installs.append((copy / ".venv/calls").read_text().count("-m pip install"))
    assert installs == [1, 1, 2]
    assert "xlt run --profile mini --only 02" in (copy / ".venv/calls").read_text()


@pytest.mark.parametrize(
    ("arguments", "extras"),
    [([], "."), (["--plan"], "."), (["--verify"], ".[lab]"), (["lab"], ".[lab]"), (["test"], ".[dev]")],
)
def test_what_a_call_can_do_without_is_not_installed_for_it(copy, arguments, extras):
    environment_at(copy / ".venv")
    (copy / "reports/mini").mkdir(parents=True)
    call(copy, *arguments)
    installed = [line for line in (copy / ".venv/calls").read_text().splitlines() if "pip install" in line]
    assert [line.split(" -e ")[1] for line in installed] == [extras]


def test_a_failing_pip_is_one_clear_line_and_leaves_no_stamp(copy):
    environment_at(copy / ".venv")
    fake(copy / ".venv/bin/python", 'case "$*" in *install*) exit 1 ;; esac')
    done = call(copy)
    assert done.returncode == 2 and "pip could not install the packages" in done.stderr
    assert not list((copy / ".venv").glob("*.stamp"))


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], "xlt run --profile mini"),
        (["--plan", "--profile", "smoke"], "xlt plan --profile smoke"),
        (["--plan", "--only", "03"], "xlt plan --profile mini --only 03"),
        (
            ["--device", "H100", "--plan", "--workers", "8", "--budget", "24"],
            "xlt plan --profile mini --device H100 --workers 8 --budget 24",
        ),
        (["--profile", "smoke", "--plan"], "xlt plan --profile smoke"),
        (["test", "-k", "some thing", "--help"], "python -m pytest -k some thing --help"),
        (["lab"], "python -m jupyterlab notebooks"),
    ],
)
def test_each_call_hands_over(copy, arguments, expected):
    environment_at(copy / ".venv")
    assert call(copy, *arguments).returncode == 0
    assert (copy / ".venv/calls").read_text().splitlines()[-1] == expected


def test_verify_runs_again_from_nothing_and_compares_with_the_report_that_is_there(copy):
    environment_at(copy / ".venv")
    missing = call(copy, "--verify", "--profile", "smoke")
    assert missing.returncode == 2 and "there is no reports/smoke to compare with" in missing.stderr
    (copy / "reports/smoke").mkdir(parents=True)
    (old := copy / ".cache/verify/cache/runs").mkdir(parents=True)
    script = 'echo "$XLT_CACHE $XLT_REPORTS $@" >> "$CALLS"; case $1 in run) exit $RUN ;; diff) exit 1 ;; esac'
    fake(copy / ".venv/bin/xlt", script)
    place, calls = copy / ".cache/verify", copy / "calls"
    assert call(copy, "--verify", "--profile", "smoke", CALLS=str(calls), RUN="0").returncode == 1
    run, diff = calls.read_text().splitlines()
    assert run == f"{place}/cache {place}/reports run --profile smoke" and not old.exists()
    assert diff.endswith(f" diff reports/smoke {place}/reports/smoke --page {place}/diff.html")
    assert call(copy, "--verify", "--profile", "smoke", CALLS=str(calls), RUN="7", XLT_CACHE="/kept").returncode == 7
    assert calls.read_text().splitlines()[2:] == [f"/kept {place}/reports run --profile smoke"]


def test_the_weights_of_the_profile_local_come_as_an_extra(copy):
    environment_at(copy / ".venv")
    (copy / "mine.yaml").write_text("extends: local_full # and so on\ndescription: mine\n")
    (copy / "marked.yaml").write_bytes(b"\xef\xbb\xbfextends: local\r\ndescription: x\r\n")
    (copy / "flow.yaml").write_text("{description: x, extends: 'local'}\n")
    (copy / "other.yaml").write_text("extends: local\nencoder: {model: some/other}\n")
    (copy / "again.yaml").write_text("extends: again.yaml\ndescription: of itself\n")
    taken = {}
    for name in ("local", "local_full", "mine.yaml", "marked.yaml", "flow.yaml", "mini", "other.yaml", "again.yaml"):
        environment_at(copy / ".venv")
        record = f'echo python "$@" >> "{copy}/.venv/calls"'
        fake(copy / ".venv/bin/python", f'case "$1" in -c) exec "{sys.executable}" "$@" ;; esac; {record}')
        call(copy, "--profile", name)
        taken[name] = "-c constraints.txt -e .[local]" in (copy / ".venv/calls").read_text()
        shutil.rmtree(copy / ".venv")
    assert [name for name, weights in taken.items() if weights] == [
        "local", "local_full", "mine.yaml", "marked.yaml", "flow.yaml",
    ]  # fmt: skip


def test_an_unknown_profile_is_left_to_xlt_where_it_is_installed(copy):
    for name in ("studies", "studies_hub", "claims", "nothing.yaml"):
        done = call(copy, "--profile", name)
        assert done.returncode == 2 and len(done.stderr.splitlines()) == 1
        assert done.stderr.endswith(f"there are: {' '.join(profiles())} \n")
    fake(copy / ".venv/bin/xlt", 'echo "$@"; exit 2')
    done = call(copy, "--profile", "mni")
    assert (done.returncode, done.stdout, done.stderr) == (2, "plan --profile mni\n", "")


def test_the_conda_environment_of_that_name_is_used_and_no_other(copy):
    for name in ("xlt", "other"):
        environment_at(copy / "envs" / name)
    environment_at(copy / ".venv")
    call(copy, CONDA_PREFIX=str(copy / "envs/xlt"))
    assert (copy / "envs/xlt/calls").exists() and not (copy / ".venv/calls").exists()
    call(copy, CONDA_PREFIX=str(copy / "envs/other"))
    assert (copy / ".venv/calls").exists() and not (copy / "envs/other/calls").exists()


def test_the_pins_take_every_python_that_the_readme_takes():
    """Debian's 3.11.2 could not install a pin that wanted 3.11.5."""
    oldest = (
        tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"].removeprefix(">=") + ".0"
    )
    pins = [line.split("==")[0] for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line]
    wanted = {}
    for name in pins:
        with contextlib.suppress(metadata.PackageNotFoundError):  # of another platform
            wanted[name] = metadata.metadata(name).get("Requires-Python") or ""
    assert len(wanted) > 100
    assert not [name for name, versions in wanted.items() if not SpecifierSet(versions).contains(oldest)]


def test_pins_are_exact_serve_every_build_of_torch_and_cover_what_we_import():
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][0-9a-z.]*", line) for line in lines), "no ranges, no +cpu"
    names = {line.split("==")[0].lower().replace("_", "-") for line in lines}
    assert "torch==2.13.0" in lines and not any(name.startswith(("nvidia", "cuda", "triton")) for name in names)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *sum(project["optional-dependencies"].values(), [])]
    wanted.remove("xlt-compendium[lab]")  # this very project
    assert {re.split("[>=]", line)[0].lower().replace("_", "-") for line in wanted} <= names


def test_conda_users_get_the_same_pins():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    assert environment["dependencies"][-1] == {"pip": ["-c constraints.txt", "-e .[dev]"]}


def test_git_diffs_of_notebooks_ignore_what_execution_changes(tmp_path):
    import nbformat
    from nbformat.v4 import new_code_cell, new_notebook

    shutil.copy(ROOT / "nbdime_config.json", tmp_path)
    cell = new_code_cell("1", id="a")
    nbformat.write(new_notebook(cells=[cell]), tmp_path / "a.ipynb")
    output = nbformat.v4.new_output("stream", text="x")
    run = new_code_cell("1", id="b", execution_count=7, outputs=[output], metadata={"tags": ["t"]})
    nbformat.write(new_notebook(cells=[run], metadata={"x": 1}), tmp_path / "b.ipynb")
    nbformat.write(new_notebook(cells=[new_code_cell("2", id="a")]), tmp_path / "c.ipynb")
    diff = [Path(sys.executable).with_name("nbdiff"), "a.ipynb"]
    assert subprocess.run([*diff, "b.ipynb"], cwd=tmp_path, capture_output=True, text=True).stdout == ""
    assert "2" in subprocess.run([*diff, "c.ipynb"], cwd=tmp_path, capture_output=True, text=True).stdout
