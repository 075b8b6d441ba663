"""What a process keeps stays within its bound."""

import numpy as np
import pytest

from xlt.core.recent import Recent, bytes_of


def megabyte():
    return np.zeros(2**20, np.uint8)


def test_what_is_kept_is_made_once():
    recent, made = Recent(3), []
    for _ in range(2):
        assert recent.get("a", lambda: made.append(1) or "value") == "value"
    assert made == [1]


def test_over_the_bound_those_asked_for_least_recently_go():
    recent, made = Recent(3), []
    for key in ("a", "b", "c", "a", "d", "a", "c", "b"):  # "d" takes the place of "b", and that then the one of "d"
        recent.get(key, lambda key=key: made.append(key) or megabyte())
    assert made == ["a", "b", "c", "d", "b"]


def test_the_last_one_stays_even_if_it_is_larger_than_the_bound():
    recent, made = Recent(0.5), []
    for key in ("a", "a", "b", "a"):
        recent.get(key, lambda key=key: made.append(key) or megabyte())
    assert made == ["a", "b", "a"]


def test_the_memory_is_bounded_whatever_is_asked_for():
    recent, alive = Recent(4), []
    import weakref

    for number in range(50):
        value = recent.get(number, megabyte)
        alive.append(weakref.ref(value))
    del value
    assert sum(ref() is not None for ref in alive) == 4


@pytest.mark.parametrize(
    ("value", "least", "most"),
    [(["x" * 1000] * 3, 3000, 3400), ({"a": [1] * 1000}, 8000, 40000), (np.zeros(10, np.int32), 40, 40)],
)
def test_bytes_are_counted_to_the_bottom(value, least, most):
    assert least <= bytes_of(value) <= most
