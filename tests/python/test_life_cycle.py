"""Threads, processes and containers that end at any point, in great numbers, under every scheme of reclamation.

CC_STRESS_SCALE makes the numbers larger: 10 stands for millions of containers and tens of thousands of threads.
"""

from __future__ import annotations

import gc
import threading
import time

import pytest
from support import (
    PERCENT,
    Object,
    collect,
    dead,
    fill,
    forks_beside_threads,
    hooks,
    in_background,
    in_child,
    resident_bytes,
    rounds,
    run_copies,
    run_program,
    stalled_reader,
    waiting_in,
)

import concurrent_collections
from concurrent_collections import smr

# ---- the end of the process -------------------------------------------------------------------

# What daemon threads are doing when the interpreter ends. Before 3.14 they are ended wherever they next ask for the
# interpreter, in the middle of a release function too; from 3.14 on they hang there.
DAEMONS = {
    "operations": "m[n % 50] = [m]; m.delete((n + 7) % 50); list(m.items(0, 9))",
    "slow finalizers": "m[n % 50] = Slow(); m.delete((n + 1) % 50)",
    "short-lived containers": "c.SkipListMap({1: Slow(0), 2: c.SkipListSet([n])})",
    "flushes and collections": "m[n % 5] = Slow(0); c.flush(); gc.collect() if n % 50 == 0 else None",
    "a comparison that blocks": "m.get(Slow())",
}

AT_EXIT = """
import functools, gc, itertools, sys, threading, time
import concurrent_collections as c
from concurrent_collections import _core
c.config.smr_scheme = sys.argv[1]
# A thread that is ended while it prints a traceback takes stderr's lock along, and CPython 3.13t then waits for that at its end
# (9 of 200 processes without any code of ours, on a busy machine).
threading.excepthook = sys.unraisablehook = lambda *_: None

@functools.total_ordering
class Slow:
    finalized = itertools.count()
    def __init__(self, seconds=0.002):
        self.seconds = seconds
        self.me = self if seconds else None
    def __lt__(self, other):
        time.sleep(0.002)
        return id(self) < id(other)
    def __del__(self):
        # Only the first hundred: a collection in the main thread would sleep for thousands of
        # them, and wait for the GIL after each, before this program came to its end.
        if time is not None and next(self.finalized) < 100:
            time.sleep(self.seconds)

m = c.SkipListMap()
if "Slow()" in sys.argv[2] and "get" in sys.argv[2]:
    m[Slow()] = m[Slow()] = 1
step = compile(sys.argv[2], "step", "exec")

def work():
    n = 0
    while True:
        exec(step, globals(), {"n": n})
        n += 1

for _ in range(3):
    threading.Thread(target=work, daemon=True).start()
if len(sys.argv) > 3:
    readers = [_core._test_hooks.StalledReader(m)]  # one that stands inside for ever
time.sleep(0.05)
print("end", flush=True)
"""


@pytest.mark.parametrize("step", DAEMONS.values(), ids=DAEMONS)
def test_daemon_threads_at_work_do_not_disturb_the_end_of_the_process(step, smr_scheme):
    hooks()
    for attempt in range(rounds(3)):
        stalled = ["with a stalled reader"] if attempt % 2 else []
        result = run_program(AT_EXIT, smr_scheme, step, *stalled)
        assert (result.returncode, result.stdout) == (0, "end\n"), result.stderr


# ---- fork -------------------------------------------------------------------------------------


@forks_beside_threads
def test_a_reader_that_does_not_exist_in_the_child_holds_nothing_there(Map, smr_scheme):
    m = Map()

    with waiting_in(m) as references:

        def child():
            assert smr.stats(m).open_regions == 0
            assert concurrent_collections.flush() == 0
            assert all(map(dead, references))

        in_child(child)
        assert not any(map(dead, references))  # here it still does
    assert concurrent_collections.flush() == 0


@forks_beside_threads
def test_a_fork_beside_every_kind_of_work(Map, Set, smr_scheme, eager_switching):
    m = Map((n, n) for n in range(50))

    def churn():
        for key in range(50):
            m[key] = [key]
            m.delete((key * 7) % 50)

    def come_and_go():
        Map({1: Set([1])})
        concurrent_collections.flush()

    def child():
        for key in range(100, 300):
            m[key] = [key]
        for key in range(100, 300, 2):
            assert m.pop(key) == [key]
        references = fill(Map(), 5)
        assert all(map(dead, references))
        threads = [threading.Thread(target=churn) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert concurrent_collections.flush() == 0
        m.clear()
        assert smr.stats().open_regions == 0

    with in_background(churn), in_background(come_and_go):
        for _ in range(rounds(8)):
            in_child(child)


# ---- threads ----------------------------------------------------------------------------------


def test_threads_that_end_inside_a_release_leave_nothing_undone(Map, smr_scheme):
    """A finalizer is the last thing that a thread does, and makes, fills and drops containers there."""
    released = []

    class Value:
        def __del__(self):
            inner = Map({n: Object() for n in range(3)})
            with_waiting = fill(inner, 3)
            inner.clear()
            released.append(all(map(dead, with_waiting)))

    class Local(threading.local):
        pass

    local = Local()

    def work(_):
        # Dropped when the thread's state is taken apart.
        local.map = Map({n: Value() for n in range(5)})

    for _ in range(rounds(20)):
        run_copies(4, work)
    gc.collect()
    assert len(released) == rounds(20) * 4 * 5
    # What is retired inside a release is released by the outermost one, so inner values die a little later.
    assert concurrent_collections.flush() == 0


def test_short_lived_threads_use_each_other_s_records(Map, smr_scheme):
    m = Map()
    run_copies(8, lambda index: m.put(index, index))
    before = smr.stats().threads
    total = rounds(3000)
    for first in range(0, total, 8):
        threads = [
            threading.Thread(target=m.put, args=(number % 100, [number]))
            for number in range(first, min(first + 8, total))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert smr.stats().threads - before <= 8
    m.clear()
    assert concurrent_collections.flush() == 0


# ---- containers -------------------------------------------------------------------------------


def check_growth(work, most):
    """The process does not grow by `most` bytes, after a first time that fills every cache.

    What is left behind shows every time, what allocators take and keep does not: one time in six is enough.
    """
    work(0)
    growths = []
    for turn in range(1, 7):
        gc.collect()
        before = resident_bytes()
        work(turn)
        gc.collect()
        if before is None or PERCENT < 100:
            return
        growths.append(resident_bytes() - before)
        if growths[-1] < most:
            return
    assert growths == [], f"it has grown by at least {most} bytes each time"


def test_short_lived_containers_leave_nothing_behind(Map, smr_scheme):
    containers = smr.stats().containers
    count = rounds(60_000)

    def work(_):
        for n in range(count):
            m = Map()
            m[n] = m[-1] = n
            del m[n]

    # An empty map takes more than a kilobyte: a thousandth of them would show.
    check_growth(work, 4_000_000 + count)
    assert smr.stats().containers == containers


def test_short_lived_containers_in_threads_with_garbage_leave_nothing_behind(Map, smr_scheme):
    containers = smr.stats().containers

    def churn(_):
        for n in range(rounds(150)):
            m = Map()
            with waiting_in(m, 3) as references:
                pass
            if n % 2:
                m.flush()
            del m
            assert all(map(dead, references))

    def work(_):
        run_copies(4, churn)

    check_growth(work, 4_000_000)
    assert smr.stats().containers == containers
    assert concurrent_collections.flush() == 0


def test_a_container_made_in_one_thread_and_dropped_in_another(Map, smr_scheme):
    box = []
    stop = threading.Event()

    def drop():
        while not stop.is_set() or box:
            if box:
                box.pop()
            else:
                time.sleep(1e-4)

    thread = threading.Thread(target=drop)
    thread.start()
    try:
        references = []
        for _ in range(rounds(500)):
            m = Map()
            references += fill(m, 2)
            box.append(m)
            del m
    finally:
        stop.set()
        thread.join(60)
    collect()
    assert all(map(dead, references))


def test_a_stalled_reader_that_is_dropped_leaves(Map, smr_scheme):
    m = Map({1: 1})
    reader = stalled_reader(m)
    del m, reader
    gc.collect()
    assert smr.stats().open_regions == 0
