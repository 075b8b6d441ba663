"""The pool of workers: order, failures, dead workers, interruption. Jobs here do what the name of a stage says."""

import os
import time
from pathlib import Path

import pytest
from conftest import InProcess, tiny

from xlt import engine
from xlt.engine import Job
from xlt.params import Resources
from xlt.recipe import Encoder, Recipe, Stage

START = Recipe(start=Encoder(text="text", languages=("en",)))


def chain(*names):
    """start -> a stage for each name, as jobs; a name says what the stub does with the run."""
    recipe, jobs = START, [Job(START)]
    for name in names:
        recipe = recipe.then(Stage(task=name))
        jobs.append(Job(recipe))
    return jobs


def stub(folder, job, resources):
    """In place of `engine._work`: notes that the run took place, then does what its last stage says."""
    name = job.recipe.name
    with open(Path(os.environ["XLT_STUB"]) / name, "a") as file:
        file.write("x")
    last = name.split("-")[-1]
    if last == "fail":
        return "it failed"
    if last == "die":
        os._exit(1)
    if last == "exit":
        raise SystemExit("leaves")
    if last == "slow":
        time.sleep(0.3)
    if last == "interrupt":
        raise KeyboardInterrupt
    return None


def no_start():
    """In place of `engine._start_worker`: no torch."""


@pytest.fixture
def stubbed(monkeypatch, tmp_path):
    monkeypatch.setattr(engine, "_work", stub)
    monkeypatch.setattr(engine, "_start_worker", no_start)
    monkeypatch.setenv("XLT_STUB", str(tmp_path))
    return tmp_path


def run(*jobs, workers=1, seconds=lambda job: 1.0, report=lambda *_: None):
    unique = {job.recipe: job for job in jobs}
    return engine.run(tiny(resources={"workers": workers}), list(unique.values()), seconds, report)


def ran(folder):
    return sorted(file.name for file in folder.iterdir())


def names(recipes):
    return sorted(recipe.name for recipe in recipes)


def test_a_parent_runs_before_its_children_whatever_the_order(stubbed, in_process, monkeypatch):
    order = []
    monkeypatch.setattr(engine, "_work", lambda _, job, __: order.append(job.recipe.name))
    run(*reversed(chain("mnli", "xnli")))
    assert order == ["xlmr", "xlmr-mnli", "xlmr-mnli-xnli"]


def test_the_longest_remaining_path_goes_first(stubbed, in_process, monkeypatch):
    order = []
    monkeypatch.setattr(engine, "_work", lambda _, job, __: order.append(job.recipe.name))
    run(*chain("pos"), *chain("mnli", "xnli"), seconds=lambda job: 1.5 if job.recipe.name == "xlmr-pos" else 1.0)
    assert order.index("xlmr-mnli") < order.index("xlmr-pos")


def test_nothing_runs_beside_pretraining(stubbed):
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
    monkeypatch.setattr(engine.time, "monotonic", lambda: clock["now"])
    first, long, last = START, START.then(Stage(task="text", role="pretraining")), START.then(Stage(task="mnli"))
    pace = engine.Pace({first: 1.0, long: 100.0, last: 50.0}, slots=2, resources=Resources())
    assert pace.left([first, long, last], []) == pytest.approx((1 + 200 + 50) / 2)
    pace.start(first)
    clock["now"] = 20.0  # twenty times as long as it should
    pace.finish(first)
    scale = 80 / 61
    pace.start(long)
    told = []
    for now in (20.0, 50.0, 100.0, 170.0):
        clock["now"] = now
        told.append(pace.left([last], [long]))
    assert told[0] == pytest.approx(scale * 125) and told[1] == pytest.approx(told[0] - 30)
    assert told == sorted(told, reverse=True) and told[-1] == pytest.approx(scale * 25)


def test_a_worker_that_dies_fails_its_run_only(stubbed):
    """Both runs at work are lost with the pool; the innocent one goes again and is not blamed."""
    outcome = run(*chain("slow", "udpos"), *chain("die", "xnli"), workers=2)
    assert names(outcome.failed) == ["xlmr-die"]
    assert "killed" in next(iter(outcome.failed.values()))
    assert names(outcome.blocked) == ["xlmr-die-xnli"]
    assert {"xlmr-slow", "xlmr-slow-udpos"} <= set(ran(stubbed))


def test_an_error_that_the_worker_could_not_catch_is_one_line(stubbed):
    outcome = run(*chain("exit"), *chain("pos"))
    assert list(outcome.failed.values()) == ["SystemExit: leaves"]
    assert "xlmr-pos" in ran(stubbed)


def test_an_idle_worker_that_was_killed_is_replaced(stubbed, monkeypatch):
    class Broken(InProcess):
        def submit(self, *_):
            raise engine.BrokenProcessPool

    pools = iter([Broken(), InProcess()])
    monkeypatch.setattr(engine, "_pool", lambda *_: next(pools))
    assert not run(*chain("mnli")).failed
    assert ran(stubbed) == ["xlmr", "xlmr-mnli"]


def test_ctrl_c_ends_the_workers_and_goes_through(stubbed, monkeypatch, in_process):
    ended = []
    monkeypatch.setattr(engine, "_kill", ended.append)
    with pytest.raises(KeyboardInterrupt):
        run(*chain("mnli", "interrupt"))
    assert len(ended) == 1


def test_what_goes_wrong_in_a_run_is_one_line(monkeypatch):
    def explode(*_):
        raise ValueError("bad\nvalue")

    monkeypatch.setattr(engine, "execute", explode)
    monkeypatch.setattr(engine, "_store", lambda _: None)
    message = engine._work("", Job(START), Resources())
    assert message.startswith("ValueError: bad value (test_engine.py:")


def test_a_full_disk_is_said_plainly(monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(engine, "execute", full)
    monkeypatch.setattr(engine, "_store", lambda _: None)
    assert engine._work("", Job(START), Resources()) == "the disk is full; free some space and run again"


def test_workers_as_asked_or_one_for_each_core_group(monkeypatch):
    monkeypatch.setattr("torch.cuda.device_count", lambda: 0)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))
    assert engine.workers(Resources(workers=3)) == 3
    assert engine.workers(Resources(threads=4)) == 2
    assert engine.workers(Resources(threads=16)) == 1
    monkeypatch.setattr("torch.cuda.device_count", lambda: 4)
    assert engine.workers(Resources()) == 4


@pytest.mark.parametrize("cores", [1, 2, 64])
def test_threads_are_those_of_the_profile_whatever_the_machine(monkeypatch, cores):
    """Also of pretraining, which used to take all cores, so that its weights were others on another machine."""
    import torch

    seen = []
    monkeypatch.setattr("torch.cuda.device_count", lambda: 0)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(cores)))
    monkeypatch.setattr(engine, "execute", lambda *_: seen.append(torch.get_num_threads()))
    monkeypatch.setattr(engine, "_store", lambda _: None)
    pretraining, later = Stage(task="text", role="pretraining"), Stage(task="mnli", role="intermediate")
    before = torch.get_num_threads()
    for resources in (Resources(), Resources(threads=3, pretraining_threads=4)):
        for recipe in (START, START.then(pretraining), START.then(pretraining, later)):
            assert engine._work("", Job(recipe), resources) is None
    torch.set_num_threads(before)
    assert seen == [1, 2, 1, 3, 4, 3]


def test_a_run_takes_as_many_slots_as_its_threads_fill():
    pretraining, other = START.then(Stage(task="text", role="pretraining")), START
    resources = Resources(threads=2, pretraining_threads=5)
    assert [engine.width(pretraining, slots, resources) for slots in (1, 2, 3, 8)] == [1, 2, 3, 3]
    assert [engine.width(other, slots, resources) for slots in (1, 8)] == [1, 1]


def test_workers_search_vectors_with_as_many_threads_as_the_profile_says(monkeypatch):
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    for name in names:
        monkeypatch.setenv(name, "7")
    pool = engine._pool(1, 3)
    try:
        assert [pool.submit(os.getenv, name).result() for name in names] == ["3", "3", "3"]
    finally:
        pool.shutdown()


def test_the_longest_path_counts_everything_below():
    jobs = {job.recipe: job for job in [*chain("mnli", "xnli"), *chain("pos")]}
    paths = engine._longest_paths(jobs, {recipe: float(len(recipe.stages) + 1) for recipe in jobs})
    assert {recipe.name: path for recipe, path in paths.items()} == {
        "xlmr": 6.0, "xlmr-mnli": 5.0, "xlmr-mnli-xnli": 3.0, "xlmr-pos": 2.0,
    }  # fmt: skip


class OutOfMemoryError(RuntimeError):
    """torch's class of this name is known to the engine by the name alone."""


def test_advice_for_too_little_memory_keeps_the_records_of_an_update(monkeypatch):
    def full(*_):
        raise OutOfMemoryError

    trained = []
    store = type("Store", (), {"done": lambda self, recipe: bool(trained)})()
    monkeypatch.setattr(engine, "_store", lambda _: store)
    monkeypatch.setattr(engine, "execute", full)

    def said(**fields):
        return engine._work("", Job(START.then(Stage(task="mnli", **fields))), Resources(eval_batch=64))

    assert "set batch: 16, accumulate: 2 for mnli (now 32 and 1)" in said()
    assert "set batch: 3, accumulate: 12 " in said(batch=9, accumulate=4)
    assert "max_length" in said(batch=1)
    trained.append("yes")
    assert said() == "out of GPU memory; lower resources.eval_batch (64): no score depends on it"
