"""Runs in the workers of a scheduler that somebody else started: real processes on loopback."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import tiny

from xlt.core import paths
from xlt.core.errors import UserError
from xlt.core.paths import ROOT
from xlt.lab import cluster
from xlt.lab.lab import Lab
from xlt.spec.profile import Resources

pytestmark = pytest.mark.slow
DASK = [sys.executable, "-m", "dask"]
WORKER = [*DASK, "worker", "--no-dashboard", "--memory-limit", "0", "--host", "127.0.0.1", "--death-timeout", "60"]


class Machines:
    """A scheduler and workers, each in a process of its own."""

    def __init__(self, folder):
        self.file, self.processes = folder / "scheduler.json", []
        self._start([*DASK, "scheduler", "--no-dashboard", "--host", "127.0.0.1", "--port", "0"])
        self.resources = Resources(scheduler=str(self.file), eval_batch=4)

    def worker(self, *arguments, **environment):
        self._start([*WORKER, "--nthreads", "1", "--no-nanny", *arguments], **environment)
        return self.processes[-1]

    def _start(self, call, **environment):
        env = os.environ | {"PYTHONPATH": str(ROOT)} | environment
        call = [*call, "--scheduler-file", str(self.file)]
        self.processes.append(subprocess.Popen(call, env=env, stderr=subprocess.DEVNULL))

    def connection(self, workers):
        while not self.file.exists():
            time.sleep(0.1)
        connection = cluster.client(self.resources, 1)
        connection.wait_for_workers(workers, timeout=60)
        return connection

    def end(self):
        cluster.close()
        for process in self.processes:
            process.kill()
            process.wait()


@pytest.fixture
def machines(tmp_path):
    made = Machines(tmp_path)
    yield made
    made.end()


def scores(lab):
    """Scores of two intermediate stages and none before XNLI."""
    recipes = {name: lab.recipe(*names, target="xnli") for name, names in {"none": (), "mnli": ("mnli",)}.items()}
    table = lab.run(recipes, lab.evaluations("xnli"), seeds=2)
    return table.set_index(["recipe", "seed", "language", "metric"])["value"].sort_index()


def fresh(places, folder, monkeypatch):
    """A cache with the records and no runs."""
    shutil.copytree(places / "cache", folder, ignore=shutil.ignore_patterns("runs", "workers"))
    monkeypatch.setenv("XLT_CACHE", str(folder))
    return folder


def test_workers_elsewhere_do_the_runs_and_one_may_be_killed(machines, places, world, tmp_path, monkeypatch):
    """Each run is done once, and the scores are those of workers of our own."""
    fresh(places, tmp_path / "far", monkeypatch)
    killed, _ = machines.worker(), machines.worker()
    machines.connection(2)
    marker = tmp_path / "far" / "runs"

    def kill(*_):
        if killed.poll() is None and any(marker.glob(".making-*")):
            killed.send_signal(signal.SIGKILL)

    monkeypatch.setattr("xlt.core.progress.report", kill)
    monkeypatch.setattr("xlt.lab.engine._WAIT", 0.05)
    far = scores(Lab(tiny(resources=machines.resources.model_dump())))
    assert killed.wait(10) == -signal.SIGKILL
    done = [path.name for path in marker.glob("[!.]*")]
    assert len(done) == len(set(done)) == 5 and all((marker / name / "run.json").is_file() for name in done)
    cluster.close()
    fresh(places, tmp_path / "near", monkeypatch)
    try:
        assert scores(Lab(tiny(resources={"workers": 2, "eval_batch": 4}))).equals(far)
    finally:
        cluster.close()


def test_a_worker_that_does_not_fit_is_refused_with_the_difference(machines, tmp_path, monkeypatch):
    code = "import xlt; xlt.__version__ = '9.9'"
    (tmp_path / "other.py").write_text(code)
    machines.worker("--preload", str(tmp_path / "other.py"))
    connection = machines.connection(1)
    (address,) = connection.scheduler_info()["workers"]
    with pytest.raises(UserError, match=f"worker {address}: package is 9.9, here .*; install the same version"):
        cluster.check(connection, [address])


@pytest.mark.parametrize(
    ("arguments", "environment", "says"),
    [
        (
            (),
            {"XLT_HUB_ROOT": "/nowhere"},
            "data is /nowhere, which is no folder there, here the hub; set",
        ),
        ((), {"XLT_CACHE": "/tmp/another"}, "store is another, here the same; set XLT_CACHE"),
        (("--nthreads", "2"), {}, "threads is 2, here 1; start it with --nthreads 1"),
    ],
)
def test_what_a_worker_lacks_is_named(machines, arguments, environment, says):
    machines.worker(*arguments, **environment)
    connection = machines.connection(1)
    with pytest.raises(UserError, match=says):
        cluster.check(connection, list(connection.scheduler_info()["workers"]))


def test_a_scheduler_that_does_not_answer_is_one_line(monkeypatch):
    monkeypatch.setattr(cluster, "_CONNECT", 0.5)
    with pytest.raises(UserError, match="the scheduler tcp://127.0.0.1:1 does not answer .*; start one"):
        cluster.client(Resources(scheduler="tcp://127.0.0.1:1"), 1)


def test_the_job_for_slurm_runs_with_plain_processes(tmp_path):
    """Everything but srun and the notebooks is real: a scheduler, a worker, and a client that finds both."""
    project = tmp_path / "project"
    (project / ".venv" / "bin").mkdir(parents=True)
    (project / ".venv" / "bin" / "activate").write_text(f"export PATH={Path(sys.executable).parent}:$PATH\n")
    program = (
        "import os; from distributed import Client; c = Client(scheduler_file=os.environ['XLT_SCHEDULER']); "
        "c.wait_for_workers(1, timeout=60); print('workers', len(c.scheduler_info()['workers']))"
    )
    run = project / "run_all.sh"
    run.write_text(f'#!/usr/bin/env bash\necho "$@"\npython -c "{program}"\n')
    run.chmod(0o755)
    environment = os.environ | {"XLT_CACHE": str(tmp_path), "XLT_LAUNCH": ""}
    call = ["bash", str(ROOT / "params" / "slurm.sh"), "smoke", "--only", "03"]
    done = subprocess.run(call, cwd=project, env=environment, capture_output=True, text=True, timeout=120)
    assert done.stdout.split("\n")[:2] == ["--profile smoke --only 03", "workers 1"], done.stderr
    assert not list(tmp_path.glob("scheduler-*.json"))


def test_one_cluster_serves_what_is_executed_within(monkeypatch, tmp_path):
    monkeypatch.delenv(cluster.ADDRESS, raising=False)
    with cluster.serving(Resources(workers=1)):
        address = os.environ[cluster.ADDRESS]
        connection = cluster.client(Resources(), 5)
        assert connection.scheduler.address == address and not cluster.foreign(connection)
        cluster.close()
    assert cluster.ADDRESS not in os.environ and paths.cache_root()


def test_a_connection_to_workers_that_are_gone_is_closed_with_them():
    """It used to look for its scheduler for a minute, and to complain at the end of a run."""
    with cluster.serving(Resources(workers=1)):
        used = cluster.client(Resources(), 1)
        assert used.status == "running"
    assert used.status == "closed" and used not in cluster._own.values()


def test_workers_that_write_to_another_cache_are_not_used(monkeypatch, tmp_path):
    """XLT_CACHE may change within a process; workers that are there already go on with what it was."""

    class Connection:
        def __init__(self, at):
            self.status, self.cluster = "running", None

        def close(self):
            self.status = "closed"

    cluster.close()
    monkeypatch.delenv(cluster.ADDRESS, raising=False)
    monkeypatch.setattr(cluster, "Client", Connection)
    monkeypatch.setattr(cluster, "local", lambda *_: None)
    monkeypatch.setattr(cluster, "_own", {})
    monkeypatch.setenv("XLT_CACHE", str(tmp_path / "one"))
    first = cluster.client(Resources(workers=1), 1)
    assert cluster.client(Resources(workers=1), 1) is first
    monkeypatch.setenv("XLT_CACHE", str(tmp_path / "two"))
    second = cluster.client(Resources(workers=1), 1)
    assert second is not first and (first.status, second.status) == ("closed", "running")
