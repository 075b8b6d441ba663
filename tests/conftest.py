"""A tiny world, a tiny encoder and a store of its own for the tests; nothing touches those of the project."""

import os
import shutil
from concurrent.futures import Future

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["HF_HUB_OFFLINE"] = "1"  # a test that needs the network is a broken test

import pytest

SIZES = {
    "nli_train": 24, "nli_dev": 6, "nli_test": 6, "qa_train": 12, "qa_dev": 4, "qa_test": 6,
    "pos_train": 16, "pos_dev": 6, "pos_test": 6, "parallel": 8, "text": 60,
}  # fmt: skip


@pytest.fixture(scope="session", autouse=True)
def places(tmp_path_factory):
    """XLT_CACHE and XLT_REPORTS of this test session."""
    root = tmp_path_factory.mktemp("xlt")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XLT_CACHE", str(root / "cache"))
        patch.setenv("XLT_REPORTS", str(root / "reports"))
        patch.setenv("XLT_DEVICE", "cpu")
        patch.delenv("XLT_HUB_ROOT", raising=False)
        yield root


def tiny(**changes):
    """A profile with everything as small as it can be; `changes` replace whole sections."""
    from xlt.spec.profile import Profile

    sections = {
        "name": "tiny", "description": "as small as it can be", "seeds": 2, "languages": ("en", "de", "zh"),
        "data": {"source": "world", "world": {"sizes": SIZES}},
        "encoder": {"layers": 1, "width": 32, "heads": 2, "vocabulary": 300, "text": "text", "languages": ("en", "de")},
        "training": {"steps": 2, "batch": 4, "lr": 1e-3, "max_length": 48},
        "intermediate": {"mnli": {}, "pos": {}},
        "target": {"xnli": {}, "udpos": {}, "xquad": {"stride": 16}, "tatoeba": {}},
        "evaluation": {"default": {"max_length": 48}, "xquad": {"stride": 16}},
        "resources": {"workers": 1, "eval_batch": 4},
    }  # fmt: skip
    return Profile(**(sections | changes))


@pytest.fixture(scope="session")
def world(places):
    """The tiny world as a source."""
    from xlt.data.sources import Source

    return Source.of(tiny())


@pytest.fixture(scope="session")
def shared(places, world):
    """A store that holds the tiny starting encoder; for reading only."""
    from xlt.data.store import Store
    from xlt.lab.jobs import Job
    from xlt.lab.work import execute
    from xlt.spec.recipe import Recipe

    store = Store(places / "shared", world)
    execute(store, Job(Recipe(start=tiny().encoder)), tiny().resources)
    return store


@pytest.fixture
def store(shared, tmp_path):
    """A store of one test, with the tiny starting encoder in it."""
    from xlt.data.store import Store

    shutil.copytree(shared.root, tmp_path / "runs")
    return Store(tmp_path / "runs", shared.source)


@pytest.fixture
def start():
    """The recipe of the tiny starting encoder."""
    from xlt.spec.recipe import Recipe

    return Recipe(start=tiny().encoder)


class InProcess:
    """In place of the connection to workers: does the work at once, in this process."""

    started = 0
    cluster = "of this process"  # no foreign workers

    def __init__(self, *_):
        InProcess.started += 1
        self.stopped = []

    def submit(self, function, *arguments, **_):
        future = Future()
        try:
            future.set_result(function(*arguments))
        except Exception as error:
            future.set_exception(error)
        return future

    def scheduler_info(self):
        return {"workers": {"here": {}}}

    def processing(self):
        return {}

    def cancel(self, futures, force):
        self.stopped += futures

    def restart_workers(self, *_, **__):
        pass


def work_here(monkeypatch):
    """Runs take place in this process."""
    from xlt.lab import engine

    monkeypatch.setattr(engine.cluster, "client", InProcess)
    monkeypatch.setattr(engine, "wait", lambda *_, **__: None)
    InProcess.started = 0


def lab_of(store, monkeypatch, **changes):
    """A tiny lab whose runs take place in this process, in `store`."""
    from xlt.lab import work
    from xlt.lab.lab import Lab

    made = Lab(tiny(**changes))
    made.store = store
    work_here(monkeypatch)
    monkeypatch.setattr(work, "_store", lambda _: store)
    return made


@pytest.fixture
def in_process(monkeypatch):
    """Runs take place in this process; `in_process.started` counts connections."""
    work_here(monkeypatch)
    return InProcess
