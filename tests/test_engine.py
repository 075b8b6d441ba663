"""The grid of runs: order, failures, dead workers, interruption. Jobs here do what the name of a stage says."""

import os
import signal
import sys
import time
from pathlib import Path

import pytest
from conftest import tiny

from xlt.lab import cluster, engine, pace, schedule, slots, work
from xlt.lab.jobs import Job
from xlt.lab.work import Failure
from xlt.spec.profile import Resources
from xlt.spec.recipe import Encoder, Recipe
from xlt.spec.stage import Stage

START = Recipe(start=Encoder(text="text", languages=("en",)))
sys.path.insert(0, os.path.dirname(__file__))  # for the workers, which import what they do


def chain(*names):
    """start -> a stage for each name, as jobs; a name says what the stub does with the run."""
    recipe, jobs = START, [Job(START)]
    for name in names:
        recipe = recipe.then(Stage(task=name))
        jobs.append(Job(recipe))
    return jobs


def stub(folder, profile_json, job, resources):
    """In place of `work.work`: notes that the run took place, then does what its last stage says."""
    name = job.recipe.name
    with open(Path(folder) / name, "a") as file:
        file.write("x")
    last = name.split("-")[-1]
    times = (Path(folder) / name).stat().st_size
    if last == "fail":
        return Failure("it failed")
    if last == "full":
        return Failure(work.DISK_FULL, "all")
    if last == "poisoned":
        return Failure(f"CUDA error in process {os.getpid()}", "worker", work._address())
    if last == "die" or (last == "dieonce" and times == 1):
        os.kill(os.getpid(), signal.SIGKILL)
    if last == "raise":
        raise ValueError("bad\nvalue")
    if last == "slow":
        time.sleep(0.3)
    if last == "long":
        time.sleep(60)
    if last == "interrupt":
        raise KeyboardInterrupt
    return None


class Stub:
    """`stub` for one folder, as workers can be sent it."""

    def __init__(self, folder):
        self.folder = str(folder)

    def __call__(self, *arguments):
        return stub(self.folder, *arguments)


@pytest.fixture
def stubbed(monkeypatch, tmp_path):
    monkeypatch.setattr(engine, "work", Stub(tmp_path))
    return tmp_path


@pytest.fixture(scope="module")
def two_workers():
    """Two real workers for all tests of this module; each is started anew by dask when it was killed."""
    with cluster.local(Resources(threads=3), 2) as made:
        yield made


@pytest.fixture
def processes(two_workers, monkeypatch):
    monkeypatch.setenv(cluster.ADDRESS, two_workers.scheduler_address)
    deadline = time.monotonic() + 30
    while len(two_workers.scheduler.workers) < 2 and time.monotonic() < deadline:
        time.sleep(0.1)
    monkeypatch.setattr(cluster, "check", lambda *_: None)  # in a test of its own
    yield two_workers
    cluster.close()


def run(*jobs, workers=1, seconds=lambda job: 1.0, report=lambda *_: None):
    unique = {job.recipe: job for job in jobs}
    return engine.run(tiny(resources={"workers": workers}), list(unique.values()), seconds, report)


def ran(folder):
    return sorted(file.name for file in folder.iterdir())


def names(recipes):
    return sorted(recipe.name for recipe in recipes)


def test_a_parent_runs_before_its_children_whatever_the_order(stubbed, in_process, monkeypatch):
    order = []
    monkeypatch.setattr(engine, "work", lambda _, job, __: order.append(job.recipe.name))
    run(*reversed(chain("mnli", "xnli")))
    assert order == ["xlmr", "xlmr-mnli", "xlmr-mnli-xnli"]


def test_the_longest_remaining_path_goes_first(stubbed, in_process, monkeypatch):
    order = []
    monkeypatch.setattr(engine, "work", lambda _, job, __: order.append(job.recipe.name))
    run(*chain("pos"), *chain("mnli", "xnli"), seconds=lambda job: 1.5 if job.recipe.name == "xlmr-pos" else 1.0)
    assert order.index("xlmr-mnli") < order.index("xlmr-pos")


def test_nothing_runs_beside_pretraining(stubbed, processes):
    pretraining, said = START.then(Stage(task="pre", role="pretraining")), []
    targets = [Job(pretraining.then(Stage(task=name))) for name in ("mnli", "pos")]
    controls = chain("slow") + chain("fast")
    run(Job(pretraining), *targets, *controls, workers=2, report=lambda *state: said.append(state[3]))
    assert "xlmr-pre" in said
    assert not [names for names in said if "xlmr-pre" in names.split(" and ") and " and " in names]
    assert any(" and " in names for names in said)


def test_a_failure_blocks_what_builds_on_it_and_nothing_else(stubbed, in_process):
    outcome = run(*chain("fail", "mnli", "xnli"), *chain("pos", "udpos"))
    assert {recipe.name: message for recipe, message in outcome.failed.items()} == {"xlmr-fail": "it failed"}
    assert names(outcome.blocked) == ["xlmr-fail-mnli", "xlmr-fail-mnli-xnli"]
    assert ran(stubbed) == ["xlmr", "xlmr-fail", "xlmr-pos", "xlmr-pos-udpos"]


def test_progress_is_told_up_to_the_end(stubbed, in_process):
    told = []
    run(*chain("mnli"), report=lambda *what: told.append(what))
    assert [done for done, *_ in told] == [0, 1, 2]
    assert told[-1] == (2, 2, 0.0, "")


def test_time_left_shrinks_while_a_long_run_is_at_work(monkeypatch):
    clock = {"now": 0.0}
    monkeypatch.setattr(pace.time, "monotonic", lambda: clock["now"])
    first, long, last = START, START.then(Stage(task="text", role="pretraining")), START.then(Stage(task="mnli"))
    estimates = {first: 1.0, long: 100.0, last: 50.0}
    widths = {recipe: slots.width(recipe, 2, Resources()) for recipe in estimates}
    left = pace.Pace(estimates, 2, widths)
    assert left.left([first, long, last], []) == pytest.approx((1 + 200 + 50) / 2)
    left.start(first)
    clock["now"] = 20.0  # twenty times as long as it should
    left.finish(first)
    scale = 80 / 61
    left.start(long)
    told = []
    for now in (20.0, 50.0, 100.0, 170.0):
        clock["now"] = now
        told.append(left.left([last], [long]))
    assert told[0] == pytest.approx(scale * 125) and told[1] == pytest.approx(told[0] - 30)
    assert told == sorted(told, reverse=True) and told[-1] == pytest.approx(scale * 25)


def test_a_killed_worker_costs_its_run_only_a_start(stubbed, processes):
    outcome = run(*chain("slow", "udpos"), *chain("dieonce", "xnli"))
    assert not outcome.failed and not outcome.blocked
    assert (stubbed / "xlmr-dieonce").stat().st_size == 2
    assert {file.name for file in stubbed.iterdir() if file.stat().st_size == 1} == {
        "xlmr", "xlmr-slow", "xlmr-slow-udpos", "xlmr-dieonce-xnli",
    }  # fmt: skip


def test_a_run_that_kills_its_worker_goes_once_more_then_alone_then_has_failed(stubbed, processes):
    """What was at work beside it is not blamed and does not run twice."""
    outcome = run(*chain("slow", "udpos"), *chain("die", "xnli"))
    assert names(outcome.failed) == ["xlmr-die"]
    assert "killed" in next(iter(outcome.failed.values()))
    assert names(outcome.blocked) == ["xlmr-die-xnli"]
    sizes = {file.name: file.stat().st_size for file in stubbed.iterdir()}
    assert sizes == {"xlmr": 1, "xlmr-slow": 1, "xlmr-slow-udpos": 1, "xlmr-die": 3}


def test_a_process_that_cannot_go_on_is_replaced(stubbed, processes):
    """After an error of CUDA every later call in the process fails."""
    before = set(processes.scheduler.workers)
    outcome = run(*chain("poisoned"))
    pid = int(next(iter(outcome.failed.values())).split()[-1])
    assert not run(*chain("pos")).failed
    connection = cluster.client(Resources(), 1)
    deadline = time.monotonic() + 30
    while len(connection.scheduler_info()["workers"]) < 2 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert pid not in connection.run(os.getpid).values()
    assert len(before - set(processes.scheduler.workers)) == 1


def test_on_a_full_disk_nothing_more_is_started(stubbed, in_process):
    outcome = run(*chain("full", "xnli"), *chain("pos", "udpos"), seconds=lambda job: float("full" in job.recipe.name))
    assert list(outcome.failed.values()) == [work.DISK_FULL]
    assert names(outcome.blocked) == ["xlmr-full-xnli", "xlmr-pos", "xlmr-pos-udpos"]
    assert ran(stubbed) == ["xlmr", "xlmr-full"]


def test_an_error_that_the_worker_could_not_catch_is_one_line(stubbed, processes):
    outcome = run(*chain("raise"), *chain("pos"))
    assert [message.split(" (")[0] for message in outcome.failed.values()] == ["ValueError: bad value"]
    assert "xlmr-pos" in ran(stubbed)


def test_ctrl_c_ends_the_runs_at_work_and_goes_through(stubbed, processes):
    def interrupt(done, *_):
        if (stubbed / "xlmr-long").exists():
            raise KeyboardInterrupt

    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        run(*chain("long"), report=interrupt)
    assert time.monotonic() - began < 25  # the run itself takes 60 s
    assert not run(*chain("pos")).failed  # the workers are there for the next one


def test_what_is_at_work_is_told_to_stop(stubbed, in_process, monkeypatch):
    grids = []
    monkeypatch.setattr(engine._Grid, "stop", lambda self: grids.append(self))
    with pytest.raises(KeyboardInterrupt):
        run(*chain("mnli", "interrupt"))
    assert len(grids) == 1


def test_two_engines_on_one_scheduler_do_no_harm(stubbed, processes):
    jobs = [*chain("slow", "a"), *chain("slow", "b")]
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(lambda _: run(*jobs), range(2)))
    assert not any(outcome.failed for outcome in outcomes)


def test_what_goes_wrong_in_a_run_is_one_line(monkeypatch):
    def explode(*_):
        raise ValueError("bad\nvalue")

    monkeypatch.setattr(work, "execute", explode)
    monkeypatch.setattr(work, "_store", lambda _: None)
    message, ends, _ = work.work("", Job(START), Resources())
    assert message.startswith("ValueError: bad value (test_engine.py:") and ends == "run"


def test_a_full_disk_is_said_plainly(monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(work, "execute", full)
    monkeypatch.setattr(work, "_store", lambda _: None)
    assert work.work("", Job(START), Resources()) == Failure("the disk is full; free some space and run again", "all")


def test_a_run_that_could_not_be_saved_does_not_start(store, start, monkeypatch):
    """A full disk used to be noticed when hours of training were to be saved."""
    usage = work.shutil.disk_usage(store.root)
    monkeypatch.setattr(work.shutil, "disk_usage", lambda _: usage._replace(free=100_000))
    monkeypatch.setattr(work, "_store", lambda _: store)
    monkeypatch.setattr("xlt.models.train.train_stage", lambda *_: pytest.fail("trained"))
    job = Job(start.then(Stage(task="mnli", steps=1)))
    failed = work.work("", job, Resources())
    assert failed.ends == "all" and failed.message.startswith(f"{work.DISK_FULL}: xlmr-mnli needs ")


def test_an_error_of_cuda_ends_the_process(monkeypatch):
    def poisoned(*_):
        raise RuntimeError("CUDA error: device-side assert triggered")

    monkeypatch.setattr(work, "execute", poisoned)
    monkeypatch.setattr(work, "_store", lambda _: None)
    assert work.work("", Job(START), Resources()).ends == "worker"


def test_workers_as_asked_or_for_each_gpu_or_core_group(monkeypatch):
    monkeypatch.setattr(slots, "gpus", lambda: ())
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))
    assert slots.workers(Resources(workers=3)) == 3
    assert slots.workers(Resources(threads=4)) == 2
    assert slots.workers(Resources(threads=16)) == 1
    monkeypatch.setattr(slots, "gpus", lambda: ("0", "1", "2", "3"))
    assert slots.workers(Resources()) == 4
    assert slots.workers(Resources(per_gpu=3)) == 12


def test_the_gpus_that_may_be_used_are_respected(monkeypatch):
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    monkeypatch.setattr(slots.importlib.metadata, "version", lambda _: "2.13.0+cu130")
    monkeypatch.delenv("XLT_DEVICE", raising=False)
    for listed, expected in ((None, ("0", "1")), ("5,GPU-abc", ("5", "GPU-abc")), ("", ())):
        slots.gpus.cache_clear()
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
        if listed is not None:
            monkeypatch.setenv("CUDA_VISIBLE_DEVICES", listed)
        assert slots.gpus() == expected
    monkeypatch.setenv("XLT_DEVICE", "cpu")
    slots.gpus.cache_clear()
    assert slots.gpus() == ()
    slots.gpus.cache_clear()


def test_each_worker_sees_one_gpu_and_the_threads_of_the_profile(monkeypatch):
    """Before torch is imported there: afterwards it would change nothing."""
    monkeypatch.setattr(cluster, "gpus", lambda: ("4", "7"))
    with cluster.local(Resources(threads=3), 3) as made, cluster.Client(made) as connection:
        connection.wait_for_workers(3)
        what = "(__import__('os').environ['CUDA_VISIBLE_DEVICES'], 'torch' in __import__('sys').modules)"
        seen = connection.run(eval, what)  # a function of this module would bring torch along
        assert sorted(seen.values()) == [("4", False), ("4", False), ("7", False)]
        names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
        for name in names:
            assert set(connection.run(os.getenv, name).values()) == {"3"}
        assert {address.split(":")[1] for address in seen} == {"//127.0.0.1"}


@pytest.mark.parametrize("cores", [1, 2, 64])
def test_threads_are_those_of_the_profile_whatever_the_machine(monkeypatch, cores):
    """Also of pretraining, which used to take all cores, so that its weights were others on another machine."""
    import torch

    seen = []
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(cores)))
    monkeypatch.setattr(work, "execute", lambda *_: seen.append(torch.get_num_threads()))
    monkeypatch.setattr(work, "_store", lambda _: None)
    pretraining, later = Stage(task="text", role="pretraining"), Stage(task="mnli", role="intermediate")
    before = torch.get_num_threads()
    for resources in (Resources(), Resources(threads=3, pretraining_threads=4)):
        for recipe in (START, START.then(pretraining), START.then(pretraining, later)):
            assert work.work("", Job(recipe), resources) is None
    torch.set_num_threads(before)
    assert seen == [1, 2, 1, 3, 4, 3]


def test_a_run_takes_as_many_slots_as_its_threads_fill():
    pretraining, other = START.then(Stage(task="text", role="pretraining")), START
    resources = Resources(threads=2, pretraining_threads=5)
    assert [slots.width(pretraining, count, resources) for count in (1, 2, 3, 8)] == [1, 2, 3, 3]
    assert [slots.width(other, count, resources) for count in (1, 8)] == [1, 1]


def test_the_longest_path_counts_everything_below():
    jobs = {job.recipe: job for job in [*chain("mnli", "xnli"), *chain("pos")]}
    paths = schedule.longest_paths({recipe: float(len(recipe.stages) + 1) for recipe in jobs})
    assert {recipe.name: path for recipe, path in paths.items()} == {
        "xlmr": 6.0, "xlmr-mnli": 5.0, "xlmr-mnli-xnli": 3.0, "xlmr-pos": 2.0,
    }  # fmt: skip


class OutOfMemoryError(RuntimeError):
    """torch's class of this name is known to the engine by the name alone."""


def test_advice_for_too_little_memory_changes_no_score_where_that_can_be_had(monkeypatch):
    def full(*_):
        raise OutOfMemoryError

    trained = []
    store = type("Store", (), {"has_weights": lambda self, recipe: bool(trained)})()
    monkeypatch.setattr(work, "_store", lambda _: store)
    monkeypatch.setattr(work, "execute", full)

    def said(**fields):
        return work.work("", Job(START.then(Stage(task="mnli", **fields))), Resources(eval_batch=64)).message

    assert said() == (
        "out of GPU memory; not one record of mnli fits: take a shorter max_length, method: lora or a smaller encoder"
    )
    checks = "or, if it was a check on development records, lower resources.eval_batch (64): no score depends on it"
    assert said(select="dev").endswith(checks)
    dual = work.work("", Job(START.then(Stage(task="lareqa", batch=8))), Resources()).message
    assert "lower batch (8) of lareqa" in dual and "negatives" in dual
    trained.append("yes")
    assert said() == "out of GPU memory; lower resources.eval_batch (64): no score depends on it"
