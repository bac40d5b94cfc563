"""The semaphores that the semaphore tests run with."""

from __future__ import annotations

import functools

import pytest
from support import until

from concurrent_collections import BoundedSemaphore, Semaphore

KINDS = [
    pytest.param(functools.partial(cls, fair=fair), id=cls.__name__ + "-fair" * fair)
    for cls in (Semaphore, BoundedSemaphore)
    for fair in (False, True)
]

each_semaphore = pytest.mark.parametrize("new", KINDS)


def taken(new, value=1):
    """A semaphore of which every permit has been taken."""
    s = new(value)
    for _ in range(value):
        assert s.acquire(False)
    return s


def until_in_line(s, count):
    until(lambda: s.waiters == count)
