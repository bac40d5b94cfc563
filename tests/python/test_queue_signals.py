"""Signals and exceptions in threads that wait for a queue, and in its loops that the interpreter does not see."""

from __future__ import annotations

import collections
import ctypes
import functools
import gc
import itertools
import operator
import signal
import sys
import threading
import time

import pytest
from queue_kinds import each_queue
from queue_waiters import (
    SOON,
    Waiter,
    asleep,
    needs_signals,
    when_asleep,
)
from support import Interrupt, interrupt, rounds

from concurrent_collections import Empty, ShutDown

pytestmark = each_queue


@needs_signals
@pytest.mark.parametrize(
    "wait",
    [
        lambda q: q.get(),
        lambda q: q.get(timeout=100),
        lambda q: q.get_many(3),
        lambda q: next(iter(q)),
    ],
    ids="get timeout get_many next".split(),
)
def test_a_signal_handler_that_raises_ends_a_get(Queue, alarm, wait):
    q = Queue()
    with pytest.raises(Interrupt):
        alarm(interrupt, 0.05)  # not before the block: it may come at once
        wait(q)
    q.put(1)
    assert q.get() == 1


@needs_signals
def test_a_signal_handler_that_raises_ends_a_put_and_a_join(Queue, alarm):
    q = Queue(iterable=[1], maxsize=1)
    for wait in (lambda: q.put(2), lambda: q.put(2, timeout=100), q.join):
        with pytest.raises(Interrupt):
            alarm(interrupt, 0.05)
            wait()
    assert q.drain() == [1]
    assert q.unfinished_tasks == 1


@needs_signals
def test_a_signal_handler_that_returns_does_not_end_the_wait(Queue, alarm):
    q = Queue()
    calls = []

    def handler():
        calls.append(1)
        if len(calls) == 3:  # the first two have not ended it
            q.put("item")

    alarm(handler, 0.01, 0.01)
    assert q.get(timeout=100) == "item"
    assert len(calls) >= 3
    before = time.monotonic()
    with pytest.raises(Empty):
        q.get(timeout=0.05)
    assert time.monotonic() - before >= 0.05


# What is waited for in a queue of that size; what makes it possible; and what is left when it has not been done.
WAITS = {
    "get": (lambda q: q.get(), lambda q: q.put("new"), ["new"], {}),
    "timeout": (lambda q: q.get(timeout=100), lambda q: q.put("new"), ["new"], {}),
    "get_many": (lambda q: q.get_many(3), lambda q: q.put("new"), ["new"], {}),
    "next": (lambda q: next(iter(q)), lambda q: q.put("new"), ["new"], {}),
    "put": (lambda q: q.put("late"), lambda q: q.get(), [], {"iterable": [0], "maxsize": 1}),
    "put timeout": (
        lambda q: q.put("late", timeout=100),
        lambda q: q.get(),
        [],
        {"iterable": [0], "maxsize": 1},
    ),
    "put_many": (
        lambda q: q.put_many(["late"]),
        lambda q: q.get(),
        [],
        {"iterable": [0], "maxsize": 1},
    ),
}


@needs_signals
@pytest.mark.parametrize("what", WAITS)
def test_a_wait_that_raises_has_done_nothing(Queue, alarm, what):
    # The signal is there, and then what was waited for, before the thread can run.
    wait, satisfy, left, options = WAITS[what]
    main = threading.get_ident()

    def both(q):
        before = sys.getswitchinterval()
        sys.setswitchinterval(10)
        signal.pthread_kill(main, signal.SIGALRM)
        satisfy(q)
        sys.setswitchinterval(before)

    for _ in range(rounds(20)):
        q = Queue(**options)
        alarm(interrupt, 100)
        helper = when_asleep(q, 1, lambda q=q: both(q))
        with pytest.raises(Interrupt):
            wait(q)
        assert helper.end() is None
        assert q.drain() == left
        assert q.unfinished_tasks == 1


@needs_signals
@pytest.mark.parametrize("what", ["get", "put"])
def test_a_wait_that_raises_passes_its_notification_on(Queue, alarm, what):
    wait, satisfy, _, options = WAITS[what]
    main = threading.get_ident()
    q = Queue(**options)
    behind = []

    def both():
        behind.append(asleep(q, 2, wait, q))
        time.sleep(0.002)
        before = sys.getswitchinterval()
        sys.setswitchinterval(10)
        satisfy(q)
        signal.pthread_kill(main, signal.SIGALRM)
        sys.setswitchinterval(before)

    alarm(interrupt, 100)
    helper = when_asleep(q, 1, both)
    taken = []
    first_wait = q.get if what == "get" else functools.partial(q.put, "late")
    with pytest.raises(Interrupt):
        # Nothing of the interpreter's between the wait and the list: not even the end of a lambda.
        taken.extend(map(operator.call, [first_wait]))
        time.sleep(60)
    assert helper.end() is None
    if taken:  # the signal was the later one
        satisfy(q)
    assert behind[0].end() in ("new", None)


def test_an_asynchronous_exception_finds_nothing_done(Queue):
    # It does not end a sleep (CPython's own locks sleep on as well), but it is looked at before anything is done.
    raise_in = ctypes.pythonapi.PyThreadState_SetAsyncExc
    for wait, satisfy, left, options in WAITS.values():
        q = Queue(**options)
        waiter = asleep(q, 1, wait, q)
        assert raise_in(ctypes.c_ulong(waiter.ident), ctypes.py_object(Interrupt)) == 1
        satisfy(q)
        assert isinstance(waiter.end(), Interrupt)
        assert q.drain() == left


@needs_signals
@pytest.mark.parametrize("woken_by", ["signal", "slice"])
def test_a_waiter_keeps_its_place_in_line(Queue, alarm, woken_by):
    # The main thread's sleep ends now and then, without a notification. It is first in line all the same.
    q, behind, calls = Queue(), [], []

    def others():
        behind.append(asleep(q, 2, q.get))
        if woken_by == "signal":
            signal.pthread_kill(main, signal.SIGALRM)
        when_asleep(q, 3, lambda: q.put("first")).end()

    main = threading.get_ident()
    alarm(lambda: calls.append(1), 100)
    helper = when_asleep(q, 1, others)
    assert q.get(timeout=60) == "first"
    assert helper.end() is None
    assert len(calls) == (woken_by == "signal")
    q.put("second")
    assert behind[0].end() == "second"


@needs_signals
def test_a_waiter_for_room_keeps_its_place_in_line(Queue, alarm):
    q, behind = Queue(iterable=[0], maxsize=1), []

    def others():
        behind.append(asleep(q, 2, q.put, "second"))
        signal.pthread_kill(main, signal.SIGALRM)
        when_asleep(q, 3, q.get).end()

    main = threading.get_ident()
    alarm(lambda: None, 100)
    helper = when_asleep(q, 1, others)
    q.put("first", timeout=60)
    assert helper.end() is None
    assert q.get() == "first"
    assert behind[0].end() is None
    assert q.get() == "second"


@needs_signals
def test_a_signal_handler_may_use_the_queue(Queue, alarm):
    q = Queue()
    alarm(lambda: q.put("from the handler"), 0.02)
    assert q.get(timeout=60) == "from the handler"
    q = Queue(iterable=[1], maxsize=1)
    alarm(lambda: q.get(), 0.02)
    q.put(2, timeout=60)
    assert q.drain() == [2]


@needs_signals
def test_no_item_is_lost_to_signals(Queue, alarm):
    # list.extend takes items without a step of the interpreter in between: a handler can raise only inside the wait,
    # and there either an item or an exception comes out.
    q = Queue(maxsize=2)
    count = rounds(5000)
    taken = []
    interrupted = 0

    def produce():
        q.put_many(range(count))
        q.shutdown()

    producer = Waiter(produce)
    alarm(interrupt, 100)
    while True:
        try:
            # One signal for each turn, so that none arrives outside of the block.
            signal.setitimer(signal.ITIMER_REAL, 0.0005)
            taken.extend(q)
            signal.setitimer(signal.ITIMER_REAL, 0)
            break
        except Interrupt:
            interrupted += 1
    producer.end()
    assert taken == list(range(count))
    assert interrupted


@needs_signals
def test_a_signal_that_arrives_with_the_notification_does_not_swallow_it(Queue, alarm):
    # The main thread is notified, and before it can do anything a signal is there as well. It either takes the item,
    # or the thread behind it does.
    q = Queue()
    taken = []
    others = []
    until_it_is_expected = threading.Event()

    def notify_and_signal():
        until_it_is_expected.wait()
        time.sleep(SOON)
        others.append(Waiter(q.get))
        time.sleep(SOON)
        before = sys.getswitchinterval()
        sys.setswitchinterval(10)  # under a GIL: both, before anybody else runs
        q.put("item")
        signal.raise_signal(signal.SIGALRM)
        sys.setswitchinterval(before)

    alarm(interrupt, 100)
    helper = Waiter(notify_and_signal)
    with pytest.raises(Interrupt):
        until_it_is_expected.set()
        taken.extend(itertools.islice(q, 1))
        for _ in range(1000):
            time.sleep(0.001)
    helper.end()
    if taken:
        q.put("item")
    assert others[0].end() == "item"


# ---------------------------------------------------------------- loops that the interpreter does not see

# Enough for several looks, and for a signal to come in the middle.
MANY = 10_000


def interrupted(*calls):
    """Let a signal arrive whose handler raises, then call; no step of the interpreter lies in between."""
    raise_signal = ctypes.CDLL(None)["raise"]
    with pytest.raises(Interrupt) as caught:
        list(map(operator.call, (functools.partial(raise_signal, signal.SIGALRM), *calls)))
    return caught.value


def signal_then(items):
    """An iterator in C: a signal arrives with its first item."""
    raise_signal = ctypes.CDLL(None)["raise"]
    return itertools.chain(map(raise_signal, [signal.SIGALRM]), items)


@needs_signals
def test_put_many_looks_at_signals(Queue, alarm):
    q = Queue()
    alarm(interrupt, 100)
    with pytest.raises(Interrupt) as caught:
        q.put_many(signal_then(itertools.repeat("item", MANY)))
    assert 0 < caught.value.items_put == len(q) < MANY


@needs_signals
def test_a_constructor_looks_at_signals(Queue, alarm):
    alarm(interrupt, 100)
    rest = iter(range(MANY))
    with pytest.raises(Interrupt):
        Queue(iterable=signal_then(rest))
    assert 0 < sum(1 for _ in rest) <= MANY


@needs_signals
@pytest.mark.parametrize(
    "consume",
    [list, sum, lambda items: collections.deque(items, 0), lambda items: [].extend(items)],
    ids="list sum deque extend".split(),
)
def test_iteration_in_c_looks_at_signals(Queue, alarm, consume):
    q = Queue(iterable=range(MANY))
    q.shutdown()
    alarm(interrupt, 100)
    with pytest.raises(Interrupt):
        consume(signal_then(q))
    assert 0 < len(q) < MANY


@needs_signals
@pytest.mark.parametrize(
    "take",
    [lambda q: q.drain, lambda q: functools.partial(q.get_many, MANY)],
    ids="drain get_many".split(),
)
def test_taking_many_items_looks_at_signals_and_loses_none(Queue, alarm, take):
    q = Queue(iterable=range(MANY))
    alarm(interrupt, 100)
    error = interrupted(take(q))
    assert 0 < len(error.items_taken) < MANY
    assert error.items_taken + q.drain() == list(range(MANY))


@needs_signals
def test_a_clear_looks_at_signals(Queue, alarm):
    q = Queue(iterable=range(MANY))
    alarm(interrupt, 100)
    interrupted(q.clear)
    assert 0 < len(q) < MANY
    assert q.unfinished_tasks == len(q)
    q.clear()
    q.join()


@needs_signals
def test_a_shutdown_looks_at_signals_and_shuts_down(Queue, alarm):
    q = Queue(iterable=range(MANY), maxsize=MANY)
    waiter = asleep(q, 1, q.put, "never")
    alarm(interrupt, 100)
    interrupted(functools.partial(q.shutdown, immediate=True))
    assert isinstance(waiter.end(), ShutDown)
    assert q.is_shutdown
    assert 0 < len(q) < MANY
    q.shutdown(immediate=True)
    assert len(q) == 0
    q.join()


@pytest.mark.parametrize("loop", ["put_many", "iteration"])
def test_bulk_loops_let_others_run(Queue, loop):
    # Under a GIL another thread gets a turn; on free-threaded builds it can stop the world.
    q, told, go = Queue(), [], threading.Event()

    def other():
        go.wait(60)
        gc.collect(0)
        told.append("has run")

    waiter = Waiter(other)
    step = {"put_many": q.try_get, "iteration": functools.partial(q.put, None)}[loop]
    # Goes on while the list is empty. The limit is for loops that let nobody run.
    steps = zip(
        iter(told.__len__, 1), map(operator.call, itertools.repeat(step, 20_000_000)), strict=False
    )
    go.set()
    if loop == "put_many":
        q.put_many(steps)
    else:
        collections.deque(zip(steps, q, strict=False), 0)
    has_run = bool(told)
    assert waiter.end() is None
    assert has_run
