"""Freed memory goes back to the system, but not at every step."""

import gc
import sys

import pytest
import torch
import transformers
from conftest import tiny

from xlt.core import memory
from xlt.lab import cluster
from xlt.lab.jobs import Job
from xlt.lab.work import execute
from xlt.spec.profile import Resources
from xlt.spec.recipe import Evaluation
from xlt.spec.stage import Stage

MEGABYTE = 2**20


@pytest.fixture
def scripted(monkeypatch):
    """A process whose size is as the test says; what is given back halves it."""
    size, given = [0], []

    def trim(_):
        given.append(size[0])
        size[0] //= 2

    monkeypatch.setattr(memory, "resident", lambda: size[0])
    monkeypatch.setattr(memory, "_trim", lambda: trim)
    monkeypatch.setattr(memory, "SLACK", 100)
    monkeypatch.setattr(memory, "_before", 0)
    return size, given


def test_memory_is_given_back_once_the_process_has_grown(scripted):
    size, given = scripted
    for now in (60, 100, 160, 161, 150, 180, 181):  # from the 60 of the first call; then 161 becomes 80
        size[0] = now
        memory.give_back()
    assert given == [161, 181]


def test_a_process_that_works_for_long_grows_no_further(scripted):
    """Each piece of work leaves 70 behind, less than what is given back at once, and so does the next."""
    size, given = scripted
    size[0] = 50
    for _ in range(20):
        memory.give_back()
        size[0] += 70
    assert max(given) < 50 + 100 + 70 + 70


def test_without_the_call_nothing_happens(scripted, monkeypatch):
    size, _ = scripted
    monkeypatch.setattr(memory, "_trim", lambda: None)
    memory.give_back()
    size[0] = 1000
    memory.give_back()
    assert size[0] == 1000


@pytest.mark.skipif(sys.platform != "linux" or memory._trim() is None, reason="glibc alone")
def test_what_lies_between_tensors_in_use_is_given_back(monkeypatch):
    monkeypatch.setattr(memory, "SLACK", 64 * MEGABYTE)
    memory._trim()(0)  # what earlier tests have left would be used again
    monkeypatch.setattr(memory, "_before", before := memory.resident())
    tensors = [torch.ones(16 * 1024) for _ in range(4096)]  # 64 kB each, 256 MB in all
    full = memory.resident()
    assert full > before + 200 * MEGABYTE
    del tensors[::2]
    memory.give_back()
    assert memory.resident() < full - 100 * MEGABYTE


STAGES = {
    "plain": {},
    "with LoRA": {"method": "lora"},
    "with frozen embeddings": {"frozen": "embeddings"},
    "under attack": {"ball": {"radius": 0.1, "search": "pgd", "steps": 1}},
    "the best of two checks": {"select": "dev", "checks": 2},
}


@pytest.mark.parametrize("stage", STAGES.values(), ids=STAGES)
def test_a_run_leaves_no_model_behind(stage, store, start):
    """Not even until Python next looks for circles of objects: a worker held seven encoders of half a gigabyte."""
    recipe = start.then(Stage(**{"task": "xnli", "steps": 4, "batch": 4, "max_length": 48, "seed": 0} | stage))
    evaluations = (
        Evaluation(task="xnli", language="de"),
        Evaluation(task="tatoeba", language="de"),
        Evaluation(task="xnli", language="de", examples=2, attack={"name": "characters", "budget": 5}),
    )
    model = transformers.PreTrainedModel  # asked of types: some objects answer for another class, at a price
    gc.collect()
    gc.disable()
    try:
        execute(store, Job(recipe, evaluations), tiny().resources)
        left = [type(thing).__name__ for thing in gc.get_objects() if issubclass(type(thing), model)]
    finally:
        gc.enable()
    assert left == []


def test_workers_keep_few_kernels_of_the_many_shapes_of_texts(monkeypatch):
    """Unless the user says how many."""
    monkeypatch.setattr(cluster, "SpecCluster", lambda workers, **_: workers)
    for asked, kept in ((None, "128"), ("1024", "1024")):
        monkeypatch.delenv("ONEDNN_PRIMITIVE_CACHE_CAPACITY", raising=False)
        if asked:
            monkeypatch.setenv("ONEDNN_PRIMITIVE_CACHE_CAPACITY", asked)
        workers = cluster.local(Resources(), 2)
        assert {one["options"]["env"]["ONEDNN_PRIMITIVE_CACHE_CAPACITY"] for one in workers.values()} == {kept}
