"""The operations of semaphores, one thread, while nobody waits. One test for each; the semaphores are in kinds.py."""

from __future__ import annotations

import asyncio

import pytest
from kinds import SEMAPHORES

COUNT = 1000


@pytest.fixture(params=SEMAPHORES, ids=lambda kind: kind.name)
def semaphore(request):
    request.param.require()
    return request.param.make()


def test_pairs(measure, semaphore):
    acquire, release = semaphore.acquire, semaphore.release

    def batch():
        for _ in range(COUNT):
            acquire()
            release()

    measure(batch, COUNT)


def test_try(measure, semaphore):
    acquire, release = semaphore.acquire, semaphore.release

    def batch():
        for _ in range(COUNT):
            acquire(False)
            release(1)

    measure(batch, COUNT)


def test_refused(measure, semaphore):
    acquire = semaphore.acquire
    while acquire(False):
        pass

    def batch():
        for _ in range(COUNT):
            acquire(False)

    measure(batch, COUNT)


def test_with(measure, semaphore):
    def batch():
        for _ in range(COUNT):
            with semaphore:
                pass

    measure(batch, COUNT)


def test_async_with(measure, semaphore):
    async def batch():
        for _ in range(COUNT):
            async with semaphore:
                pass

    with asyncio.Runner() as runner:
        measure(lambda: runner.run(batch()), COUNT)
