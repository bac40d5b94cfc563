"""CPython's own tests of semaphores (test.lock_tests), run against ours: all of them."""

from __future__ import annotations

import functools

from support import standard_tests

from concurrent_collections import BoundedSemaphore, Semaphore

lock_tests = standard_tests("lock_tests")


class TestSemaphore(lock_tests.SemaphoreTests):
    semtype = Semaphore


class TestBoundedSemaphore(lock_tests.BoundedSemaphoreTests):
    semtype = BoundedSemaphore


class TestFairSemaphore(lock_tests.SemaphoreTests):
    semtype = staticmethod(functools.partial(Semaphore, fair=True))


class TestFairBoundedSemaphore(lock_tests.BoundedSemaphoreTests):
    semtype = staticmethod(functools.partial(BoundedSemaphore, fair=True))
