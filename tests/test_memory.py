"""Freed memory goes back to the system, but not at every step."""

import sys

import pytest
import torch

from xlt.core import memory

MEGABYTE = 2**20


@pytest.fixture
def scripted(monkeypatch):
    """Slack of a process whose size is as the test says; what is given back halves it."""
    size, given = [0], []

    def trim(_):
        given.append(size[0])
        size[0] //= 2

    monkeypatch.setattr(memory, "resident", lambda: size[0])
    monkeypatch.setattr(memory, "_trim", lambda: trim)
    monkeypatch.setattr(memory, "SLACK", 100)
    return size, given


def test_memory_is_given_back_once_the_process_has_grown(scripted):
    size, given = scripted
    slack = memory.Slack()
    for now in (60, 100, 101, 150, 151):  # 101 becomes 50, from where 150 is not yet too much
        size[0] = now
        slack.give_back()
    assert given == [101, 151]


def test_without_the_call_nothing_happens(scripted, monkeypatch):
    size, _ = scripted
    monkeypatch.setattr(memory, "_trim", lambda: None)
    slack, size[0] = memory.Slack(), 1000
    slack.give_back()
    assert size[0] == 1000


@pytest.mark.skipif(sys.platform != "linux" or memory._trim() is None, reason="glibc alone")
def test_what_lies_between_tensors_in_use_is_given_back(monkeypatch):
    monkeypatch.setattr(memory, "SLACK", 64 * MEGABYTE)
    memory._trim()(0)  # what earlier tests have left would be used again
    slack = memory.Slack()
    tensors = [torch.ones(16 * 1024) for _ in range(4096)]  # 64 kB each, 256 MB in all
    full = memory.resident()
    assert full > slack.before + 200 * MEGABYTE
    del tensors[::2]
    slack.give_back()
    assert memory.resident() < full - 100 * MEGABYTE
