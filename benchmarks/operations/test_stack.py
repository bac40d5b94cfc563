"""The operations of the stack, one thread. One test for each."""

from __future__ import annotations

from itertools import repeat, starmap

import pytest
from test_queues import COUNT, ITEMS, run

import concurrent_collections


@pytest.fixture
def stack():
    if not hasattr(concurrent_collections, "LockFreeStack"):
        pytest.skip("there is no LockFreeStack in this build")
    return concurrent_collections.LockFreeStack()


@pytest.mark.parametrize(("push", "pop"), [("push", "pop"), ("try_push", "try_pop")])
def test_pairs(measure, stack, push, pop):
    push, pop = getattr(stack, push), getattr(stack, pop)

    def batch():
        for item in ITEMS:
            push(item)
            pop()

    measure(batch, COUNT)


def test_bursts(measure, stack):
    def batch():
        run(map(stack.push, ITEMS))
        run(starmap(stack.pop, repeat((), COUNT)))

    measure(batch, COUNT)


def test_many(measure, stack):
    def batch():
        stack.push_many(ITEMS)
        stack.pop_many(COUNT)

    measure(batch, COUNT)


@pytest.mark.parametrize("name", ["drain", "clear"])
def test_filled_and_emptied(measure, stack, name):
    empty = getattr(stack, name)

    def batch():
        stack.push_many(ITEMS)
        empty()

    measure(batch, COUNT)


@pytest.mark.parametrize("name", ["peek", "empty", "full", "__len__"])
def test_looks(measure, stack, name):
    stack.push_many(ITEMS)
    measure(lambda: run(starmap(getattr(stack, name), repeat((), COUNT))), COUNT)


def test_snapshot(measure, stack):
    stack.push_many(ITEMS)
    measure(stack.snapshot, COUNT)


def test_making(measure):
    if not hasattr(concurrent_collections, "LockFreeStack"):
        pytest.skip("there is no LockFreeStack in this build")
    measure(lambda: run(starmap(concurrent_collections.LockFreeStack, repeat((), COUNT))), COUNT)
