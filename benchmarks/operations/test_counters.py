"""The operations of counters, one thread. One test for each."""

from __future__ import annotations

from itertools import repeat, starmap

import pytest
from test_queues import run

import concurrent_collections

COUNT = 1000

OPERATIONS = [
    ("AtomicCounter", "add", ()),
    ("AtomicCounter", "add", (5,)),
    ("AtomicCounter", "get", ()),
    ("AtomicCounter", "set", (7,)),
    ("AtomicCounter", "get_and_set", (7,)),
    ("AtomicCounter", "compare_and_set", (0, 0)),
    ("StripedCounter", "add", ()),
    ("StripedCounter", "add", (5,)),
    ("StripedCounter", "increment", ()),
    ("StripedCounter", "decrement", ()),
    ("StripedCounter", "sum", ()),
    ("StripedCounter", "sum_then_reset", ()),
    ("StripedCounter", "reset", ()),
    ("Stats", "add", ("name",)),
    ("Stats", "counter", ("name",)),
    ("Stats", "snapshot", ()),
    ("Stats", "snapshot_then_reset", ()),
    ("AccessTracker", "record", ("key",)),
    ("AccessTracker", "count", ("key",)),
    ("AccessTracker", "last_access", ("key",)),
    ("AccessTracker", "score", ("key",)),
    ("AccessTracker", "top", ()),
]


def made(cls):
    if not hasattr(concurrent_collections, cls):
        pytest.skip(f"there is no {cls} in this build")
    return getattr(concurrent_collections, cls)


@pytest.mark.parametrize(
    ("cls", "name", "arguments"),
    OPERATIONS,
    ids=["-".join(map(str, [c, n, *a])) for c, n, a in OPERATIONS],
)
def test_operation(measure, cls, name, arguments):
    counter = made(cls)()
    if cls == "Stats":
        for i in range(10):
            counter.add(f"name {i}")
    elif cls == "AccessTracker":
        for i in range(10):
            counter.record(i)
    operation = getattr(counter, name)
    measure(lambda: run(starmap(operation, repeat(arguments, COUNT))), COUNT)


def test_record_with_decay(measure):
    record = made("AccessTracker")(half_life=60).record
    measure(lambda: run(map(record, repeat("key", COUNT))), COUNT)


def test_making(measure):
    cls = made("StripedCounter")
    measure(lambda: run(starmap(cls, repeat((), COUNT))), COUNT)
