"""The operations of queues, one thread. One test for each; the queues are in kinds.py."""

from __future__ import annotations

import asyncio
from collections import deque
from itertools import repeat, starmap

import pytest
from kinds import QUEUES

COUNT = 1000
ITEMS = [object() for _ in range(COUNT)]

run = deque(maxlen=0).extend


@pytest.fixture(params=QUEUES, ids=lambda kind: kind.name)
def kind(request):
    request.param.require()
    return request.param


@pytest.fixture
def queue(kind):
    return kind.make()


@pytest.mark.parametrize(
    ("put", "get"), [("put", "get"), ("put_nowait", "get_nowait"), ("try_put", "try_get")]
)
def test_pairs(measure, queue, put, get):
    put, get = getattr(queue, put), getattr(queue, get)

    def batch():
        for item in ITEMS:
            put(item)
            get()

    measure(batch, COUNT)


def test_bursts(measure, queue):
    def batch():
        run(map(queue.put, ITEMS))
        run(starmap(queue.get, repeat((), COUNT)))

    measure(batch, COUNT)


def test_many(measure, queue):
    def batch():
        queue.put_many(ITEMS)
        queue.get_many(COUNT)

    measure(batch, COUNT)


def full(queue):
    queue.put_many(ITEMS)
    return queue


def test_put_many(measure, kind):
    measure(lambda queue: queue.put_many(ITEMS), COUNT, kind.make)


def test_drain(measure, queue):
    measure(lambda queue: queue.drain(), COUNT, lambda: full(queue))


def test_clear(measure, queue):
    measure(lambda queue: queue.clear(), COUNT, lambda: full(queue))


def test_iterate(measure, kind):
    def ended():
        queue = full(kind.make())
        queue.shutdown()
        return queue

    measure(run, COUNT, ended)


def test_try_get_of_empty(measure, queue):
    measure(lambda: run(starmap(queue.try_get, repeat((), COUNT))), COUNT)


def test_len(measure, queue):
    full(queue)
    measure(lambda: run(starmap(len, repeat((queue,), COUNT))), COUNT)


def test_empty(measure, queue):
    measure(lambda: run(starmap(queue.empty, repeat((), COUNT))), COUNT)


def test_task_done(measure, queue):
    def taken():
        full(queue).drain()
        return queue

    measure(lambda queue: run(starmap(queue.task_done, repeat((), COUNT))), COUNT, taken)


def test_async_pairs(measure, queue):
    async def batch():
        for item in ITEMS:
            await queue.async_put(item)
            await queue.async_get()

    with asyncio.Runner() as runner:
        measure(lambda: runner.run(batch()), COUNT)


def test_make(measure, kind):
    measure(lambda: run(starmap(kind.make, repeat((), 20))), 20)
