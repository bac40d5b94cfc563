"""Threads that wait for a queue: who is woken, when, and by what; signals, fork, the end of the process."""

from __future__ import annotations

import asyncio
import collections
import ctypes
import functools
import gc
import itertools
import operator
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
import warnings

import pytest
from queue_kinds import KINDS, each_queue
from support import Interrupt, hooks, in_child, interrupt, rounds, run_threads, times_asleep

from concurrent_collections import Empty, Full, ShutDown

pytestmark = each_queue

SOON = 0.02  # time for a thread to fall asleep; nothing depends on it but how much a test sees


class Waiter(threading.Thread):
    """A thread that waits in a call and keeps what came of it."""

    def __init__(self, function, *arguments):
        super().__init__(daemon=True)
        self.call = function, arguments
        self.result = None
        self.start()

    def run(self):
        function, arguments = self.call
        try:
            self.result = function(*arguments)
        except BaseException as error:
            self.result = error

    def end(self, timeout=60):
        self.join(timeout)
        assert not self.is_alive(), "the wait does not end"
        return self.result

    def still_waits(self):
        time.sleep(SOON)
        return self.is_alive()


# ---------------------------------------------------------------- waking


def test_a_put_wakes_a_get(Queue):
    q = Queue()
    waiter = Waiter(q.get)
    assert waiter.still_waits()
    q.put(None)
    assert waiter.end() is None
    assert q.empty()


def test_a_get_wakes_a_put(Queue):
    q = Queue(iterable=[1], maxsize=1)
    waiter = Waiter(q.put, 2)
    assert waiter.still_waits()
    assert q.get() == 1
    waiter.end()
    assert q.get() == 2


@pytest.mark.parametrize(
    "make_room",
    [
        lambda q: q.get_nowait(),
        lambda q: q.try_get(),
        lambda q: q.get_many(1),
        lambda q: q.drain(1),
        lambda q: q.clear(),
        lambda q: next(iter(q)),
    ],
    ids="get_nowait try_get get_many drain clear next".split(),
)
def test_everything_that_makes_room_wakes_a_put(Queue, make_room):
    q = Queue(iterable=[1], maxsize=1)
    waiter = Waiter(q.put, 2)
    assert waiter.still_waits()
    make_room(q)
    waiter.end()
    assert q.drain() == [2]


@pytest.mark.parametrize(
    "put",
    [
        lambda q: q.put_nowait(1),
        lambda q: q.try_put(1),
        lambda q: q.put(1, timeout=1),
        lambda q: q.put_many([1]),
    ],
    ids="put_nowait try_put timeout put_many".split(),
)
@pytest.mark.parametrize(
    "get",
    [
        lambda q: q.get(),
        lambda q: q.get(timeout=100),
        lambda q: q.get_many(2)[0],
        lambda q: next(iter(q)),
    ],
    ids="get timeout get_many next".split(),
)
def test_everything_that_puts_wakes_everything_that_gets(Queue, put, get):
    q = Queue()
    waiter = Waiter(get, q)
    assert waiter.still_waits()
    put(q)
    assert waiter.end() == 1


def test_one_put_wakes_one_and_the_others_sleep_on(Queue):
    q = Queue()
    waiters = [Waiter(q.get) for _ in range(5)]
    time.sleep(SOON)
    for n in range(5):
        q.put(n)
        deadline = time.monotonic() + 60
        while sum(not waiter.is_alive() for waiter in waiters) < n + 1:
            assert time.monotonic() < deadline
            time.sleep(0.001)
        time.sleep(0.002)
        assert sum(waiter.is_alive() for waiter in waiters) == 4 - n
    assert sorted(waiter.end() for waiter in waiters) == list(range(5))


def test_they_are_woken_in_the_order_in_which_they_came(Queue):
    q = Queue()
    waiters = []
    for _ in range(6):
        waiters.append(Waiter(q.get))
        time.sleep(SOON)
    for n, waiter in enumerate(waiters):
        q.put(n)
        assert waiter.end() == n


def test_a_waiter_that_times_out_leaves_the_item_to_the_next(Queue):
    # Its turn comes first, but it is gone: the notification must not go with it.
    for _ in range(rounds(20)):
        q = Queue()
        first = Waiter(q.get, True, 0.01)
        second = Waiter(q.get)
        time.sleep(0.0095)
        q.put("item")
        if isinstance(first.end(), Empty):
            assert second.end() == "item"
        else:
            assert first.result == "item"
            q.put("another")
            assert second.end() == "another"


def test_waiting_threads_do_not_hold_the_interpreter_up(Queue):
    q = Queue()
    waiters = [Waiter(q.get) for _ in range(8)]
    time.sleep(SOON)
    before = time.process_time()
    count = sum(range(100_000))
    time.sleep(0.3)
    assert count == 4999950000
    assert time.process_time() - before < 0.25, "they park, they do not poll"
    q.shutdown()
    assert all(isinstance(waiter.end(), ShutDown) for waiter in waiters)


def test_a_wait_with_a_timeout_ends_in_time_while_others_are_busy(Queue):
    q = Queue()
    stop = threading.Event()

    def be_busy():
        while not stop.is_set():
            sum(range(1000))

    threads = [Waiter(be_busy) for _ in range(2)]
    before = time.monotonic()
    with pytest.raises(Empty):
        q.get(timeout=0.05)
    assert 0.05 <= time.monotonic() - before < 10
    stop.set()
    for thread in threads:
        thread.end()


def test_ping_pong(Queue):
    there, back = Queue(), Queue(maxsize=1)
    turns = rounds(3000)

    def ping():
        for n in range(turns):
            there.put(n)
            assert back.get() == n

    def pong():
        for n in range(turns):
            assert there.get() == n
            back.put(n)

    run_threads(ping, pong)


def test_a_shutdown_beside_puts_strands_nothing(Queue, eager_switching):
    for n in range(rounds(60)):
        q = Queue(maxsize=(0, 1, 3)[n % 3], ring_size=(None, 1)[n % 2])
        counts = [0] * 3
        taken = []

        def put(index, q=q, counts=counts):
            try:
                while True:
                    q.put((index, counts[index]), timeout=60)
                    counts[index] += 1
            except ShutDown:
                pass

        def get(q=q, taken=taken):
            taken.extend(q)

        def shut_down(q=q):
            time.sleep(0.002)
            q.shutdown()

        run_threads(*(lambda i=i: put(i) for i in range(3)), get, get, shut_down)
        assert len(taken) == sum(counts)
        assert len(set(taken)) == len(taken)
        assert q.empty()
        assert q.unfinished_tasks == len(taken)


def test_an_immediate_shutdown_beside_puts_and_gets_lets_join_end(Queue, eager_switching):
    for n in range(rounds(60)):
        q = Queue(maxsize=(0, 2)[n % 2])

        def put(q=q):
            try:
                while True:
                    q.put(1)
            except ShutDown:
                pass

        def work(q=q):
            for _ in q:
                q.task_done()

        def shut_down(q=q):
            time.sleep(0.002)
            q.shutdown(immediate=True)
            # At once, wherever the puts are that will be refused.
            assert (q.qsize(), len(q), q.empty(), q.full()) == (0, 0, True, False)

        run_threads(put, put, work, shut_down, q.join)
        assert q.empty()
        assert q.unfinished_tasks == 0


# ---------------------------------------------------------------- step by step, in the loops that are shipped


@pytest.fixture
def moments():
    """`moments[name] = action`: the first thread that gets to this moment of its wait runs the action there.

    "before the line": it has tried in vain. "in line": it stands in line and has not tried again. "tried again": it has,
    and is about to leave the line or to fall asleep. An action may set another one; each must have run.
    """
    planned, errors = {}, []

    def act(moment):
        action = planned.pop(moment, None)
        if action is not None:
            try:
                action()
            except BaseException as error:
                errors.append(error)

    hooks().call_while_waiting(act)
    yield planned
    hooks().call_while_waiting(None)
    if errors:
        raise errors[0]
    assert not planned, "these moments never came"


def asleep(q, count, function, *arguments):
    """A thread that waits in a call, and is the count-th that has fallen asleep in this queue."""
    hooks()
    waiter = Waiter(function, *arguments)
    deadline = time.monotonic() + 60
    while times_asleep(q) < count:
        assert time.monotonic() < deadline
        time.sleep(0.0005)
    return waiter


def test_what_comes_before_the_line_is_found_in_it(Queue, moments):
    # Race 1: nobody stood in line for the notification. Who does not look again sleeps beside an item.
    q = Queue()
    moments["before the line"] = lambda: q.put("item")
    assert Waiter(q.get).end() == "item"
    q = Queue(iterable=["old"], maxsize=1)
    moments["before the line"] = q.get_nowait
    assert Waiter(q.put, "new").end() is None
    assert q.drain() == ["new"]
    assert times_asleep(q) == 0


def test_a_notification_at_the_moment_of_the_timeout_is_followed(Queue, moments):
    # Race 2: the thread is notified, and its time is over. Whoever notified it has told nobody else.
    q, behind = Queue(), []

    def notify():
        behind.append(asleep(q, 1, q.get))
        q.put("item")
        time.sleep(0.06)

    moments["tried again"] = notify
    assert Waiter(q.get, True, 0.05).end() == "item"
    assert behind[0].still_waits()
    q.put("another")
    assert behind[0].end() == "another"

    q, behind = Queue(iterable=["old"], maxsize=1), []

    def make_room():
        behind.append(asleep(q, 1, q.put, "behind"))
        assert q.get_nowait() == "old"
        time.sleep(0.06)

    moments["tried again"] = make_room
    assert Waiter(q.put, "new", True, 0.05).end() is None
    assert behind[0].still_waits()
    assert q.get_nowait() == "new"
    assert behind[0].end() is None
    assert q.drain() == ["behind"]


def test_a_notification_whose_item_is_gone_at_the_deadline_ends_the_wait(Queue, moments):
    q = Queue()

    def notify_in_vain():
        time.sleep(0.02)
        q.put("item")
        assert q.get() == "item"

    moments["tried again"] = notify_in_vain
    assert isinstance(Waiter(q.get, True, 0.01).end(), Empty)


def test_a_get_that_needs_no_notification_any_more_passes_it_on(Queue, moments):
    # Race 3. The first item comes before the thread stands in line, so it finds it by itself; the notification for the
    # second one, which it gets since it has not yet left, is for the thread behind it.
    q, behind = Queue(), []

    def notify():
        behind.append(asleep(q, 1, q.get))
        q.put(2)
        assert behind[0].still_waits(), "the notification went to the one that came first"

    moments["before the line"] = lambda: q.put(1)
    moments["tried again"] = notify
    assert Waiter(q.get).end() == 1
    assert behind[0].end() == 2


def test_a_put_that_needs_no_notification_any_more_passes_it_on(Queue, moments):
    # Race 3 for room.
    q, behind = Queue(iterable=[1], maxsize=1), []

    def notify():
        behind.append(asleep(q, 1, q.put, 3))
        assert q.get_nowait() == 2  # what has just been put
        assert behind[0].still_waits(), "the notification went to the one that came first"

    moments["before the line"] = q.get_nowait
    moments["tried again"] = notify
    assert Waiter(q.put, 2).end() is None
    assert behind[0].end() is None
    assert q.drain() == [3]


@pytest.mark.parametrize("immediate", [False, True])
@pytest.mark.parametrize("moment", ["before the line", "in line", "tried again"])
def test_a_shutdown_at_every_moment_ends_every_wait(Queue, moments, moment, immediate):
    # Race 9: who is not in line when all are woken sees that the queue is closed.
    for q, wait in (
        (Queue(), lambda q: q.get()),
        (Queue(iterable=["item"], maxsize=1), lambda q: q.put("never")),
    ):
        others = []

        def shut_down(q=q, wait=wait, others=others):
            others += [asleep(q, n, wait, q) for n in (1, 2)]
            q.shutdown(immediate)

        moments[moment] = shut_down
        assert isinstance(Waiter(wait, q).end(), ShutDown)
        assert [type(other.end()) for other in others] == [ShutDown, ShutDown]
        assert q.drain() == ([] if immediate or q.maxsize == 0 else ["item"])


# ---------------------------------------------------------------- in an event loop

STOPS_THE_LOOP = {
    "get": (lambda q: q.get(timeout=0.001), Empty, {}, "async_get"),
    "get_many": (lambda q: q.get_many(2, timeout=0.001), Empty, {}, "async_get"),
    "put": (
        lambda q: q.put(2, timeout=0.001),
        Full,
        {"iterable": [1], "maxsize": 1},
        "async_put",
    ),
}


@pytest.mark.parametrize("what", STOPS_THE_LOOP)
def test_a_thread_that_stops_its_event_loop_is_warned(Queue, what):
    wait, error, options, instead = STOPS_THE_LOOP[what]
    q = Queue(**options)

    async def main():
        with pytest.warns(RuntimeWarning, match=instead) as caught, pytest.raises(error):
            wait(q)
        assert [warning.filename for warning in caught] == [__file__]
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with pytest.raises(RuntimeWarning):
                wait(q)
            # Elsewhere it may wait, and here if it need not.
            with pytest.raises(error):
                await asyncio.to_thread(wait, q)
            assert Queue(iterable=[1]).get() == 1
            with pytest.raises(Empty):
                Queue().get_nowait()

    asyncio.run(main())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(error):  # the loop does not run any more
            wait(q)

    async def debugged():
        with pytest.raises(RuntimeError, match=instead):
            wait(q)

    asyncio.run(debugged(), debug=True)
    assert q.drain() == list(options.get("iterable", []))


def test_a_join_that_stops_its_event_loop_is_warned(Queue):
    q = Queue(iterable=[1])

    async def main():
        worker = when_asleep(q, 1, q.task_done)
        with pytest.warns(RuntimeWarning, match=r"to_thread\(queue.join\)"):
            q.join()
        assert worker.end() is None
        q.join()

    asyncio.run(main())


def test_who_waits_need_not_load_asyncio(Queue):
    result = run_script(
        Queue,
        """
        try:
            q.get(timeout=0.001)
        except c.Empty:
            print("asyncio" in sys.modules)
        """,
    )
    assert (result.stdout, result.stderr) == ("False\n", "")


# ---------------------------------------------------------------- the main thread and signals


needs_signals = pytest.mark.skipif(
    not hasattr(signal, "setitimer"), reason="this system has no interval timers"
)


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
    before = time.monotonic()
    alarm(interrupt, 0.05)
    with pytest.raises(Interrupt):
        wait(q)
    assert time.monotonic() - before < 5
    q.put(1)
    assert q.get() == 1


@needs_signals
def test_a_signal_handler_that_raises_ends_a_put_and_a_join(Queue, alarm):
    q = Queue(iterable=[1], maxsize=1)
    for wait in (lambda: q.put(2), lambda: q.put(2, timeout=100), q.join):
        alarm(interrupt, 0.05)
        with pytest.raises(Interrupt):
            wait()
    assert q.drain() == [1]
    assert q.unfinished_tasks == 1


@needs_signals
def test_a_signal_handler_that_returns_does_not_end_the_wait(Queue, alarm):
    q = Queue()
    calls = []
    alarm(lambda: calls.append(1), 0.01, 0.01)
    before = time.monotonic()
    with pytest.raises(Empty):
        q.get(timeout=0.2)
    assert 0.2 <= time.monotonic() - before < 5
    assert len(calls) >= 2


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


def when_asleep(q, count, action):
    """A thread that acts when so many sleeps have begun in this queue, and the last one is sound."""
    hooks()

    def act():
        deadline = time.monotonic() + 60
        while times_asleep(q) < count:
            assert time.monotonic() < deadline
            time.sleep(0.0005)
        time.sleep(0.002)
        action()

    return Waiter(act)


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

    def notify_and_signal():
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


# ---------------------------------------------------------------- processes


def run_script(Queue, script, timeout=60, **options):
    """Run a script in a process of its own; `q` there is a queue of this kind."""
    choice = "" if Queue.choice is None else f"c.config.queue_backend = {Queue.choice!r}\n"
    prelude = (
        "import concurrent_collections as c, os, signal, sys, threading, time\n"
        f"{choice}q = c.{Queue.cls.__name__}(maxsize=1)\n"
    )
    return subprocess.run(
        [sys.executable, "-P", "-c", prelude + textwrap.dedent(script)],
        capture_output=True,
        text=True,
        timeout=timeout,
        **options,
    )


@pytest.mark.skipif(os.name != "posix", reason="sends SIGINT")
@pytest.mark.parametrize("wait", ["q.get()", "q.put(1); q.put(2)", "q.put(1); q.join()"])
def test_ctrl_c_ends_a_waiting_program_at_once(Queue, wait):
    result = run_script(
        Queue,
        f"""
        def interrupt():
            time.sleep(0.2)
            print(time.monotonic(), flush=True)
            os.kill(os.getpid(), signal.SIGINT)
        threading.Thread(target=interrupt).start()
        try:
            {wait}
        except KeyboardInterrupt:
            print(time.monotonic())
        """,
    )
    assert result.stderr == ""
    sent, received = map(float, result.stdout.split())
    assert received - sent < 2


@pytest.mark.parametrize(
    "wait",
    [
        "q.get()",
        "q.get(timeout=1000)",
        "q.get(timeout=0.3)",
        "list(q)",
        "q.put(1); q.put(2)",
        "q.put(1); q.put(2, timeout=0.3)",
        "q.put(1); q.join()",
    ],
)
def test_a_process_ends_while_daemon_threads_wait(Queue, wait):
    result = run_script(
        Queue,
        f"""
        def work():
            {wait}
        for _ in range(4):
            threading.Thread(target=work, daemon=True).start()
        time.sleep(0.28)
        print("the end")
        """,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout == "the end\n"


def test_a_queue_is_used_until_the_very_end_of_the_interpreter(Queue):
    result = run_script(
        Queue,
        """
        import atexit
        class Last:
            def __init__(self, queue):
                self.queue = queue
            def __del__(self):
                self.queue.try_get()
                self.queue.try_put(1)
        def work():
            while True:
                q.get()
        for _ in range(4):
            threading.Thread(target=work, daemon=True).start()
        atexit.register(lambda: [q.put(n) for n in range(20)])
        keep = Last(q)
        sys.keep = Last(q)
        """,
    )
    assert result.returncode == 0, result.stderr


def test_threads_that_wait_without_being_daemons_end_by_shutdown(Queue):
    result = run_script(
        Queue,
        """
        def work():
            for item in q:
                print(item)
        threads = [threading.Thread(target=work) for _ in range(3)]
        for thread in threads:
            thread.start()
        time.sleep(0.05)
        q.put("only")
        q.shutdown()
        """,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout == "only\n"


FIRST_IMPORT_IN_A_THREAD = """
import ctypes, os, signal, threading, time

def load():
    global c
    import concurrent_collections as c

thread = threading.Thread(target=load)
thread.start()
thread.join()
q = c.LockFreeQueue()
# Each moment lasts until a signal arrives, and no step of the interpreter follows: the last signal is there when
# the thread falls asleep.
c._core._test_hooks.call_while_waiting(ctypes.CDLL(None).pause)
main = threading.get_ident()

def interrupt():
    for _ in ("before the line", "in line", "tried again"):
        time.sleep(0.2)
        signal.pthread_kill(main, signal.SIGINT)
    time.sleep(30)
    print("still asleep", flush=True)
    os._exit(1)

threading.Thread(target=interrupt, daemon=True).start()
try:
    q.get()
except KeyboardInterrupt:
    print("interrupted", flush=True)
    os._exit(0)
"""


@needs_signals
def test_signals_end_a_wait_wherever_the_package_was_imported_first(Queue):
    # Its thread is not the main thread, and a signal that comes just before the main thread falls asleep does not wake it.
    if Queue is not KINDS[0]:
        pytest.skip("one kind is enough")
    hooks()
    result = subprocess.run(
        [sys.executable, "-P", "-c", FIRST_IMPORT_IN_A_THREAD],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (result.returncode, result.stdout) == (0, "interrupted\n"), result.stderr


forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
quietly = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")


@forks
@quietly
def test_a_forked_child_has_none_of_the_parents_waiters(Queue):
    q, full = Queue(), Queue(iterable=[1], maxsize=1)
    waiters = [Waiter(q.get) for _ in range(3)] + [Waiter(full.put, 2)]
    time.sleep(SOON)

    def child():
        # These would notify threads that do not exist here.
        q.put(1)
        assert q.get() == 1
        assert full.get() == 1
        with pytest.raises(Empty):
            q.get(timeout=0.01)
        full.put(3)
        with pytest.raises(Full):
            full.put(4, timeout=0.01)
        own = Waiter(q.get)
        time.sleep(SOON)
        q.put("own")
        assert own.end() == "own"
        q.task_done()
        q.task_done()
        q.join()

    in_child(child)
    for n in range(3):
        q.put(n)
    full.get()
    for waiter in waiters:
        waiter.end()


@forks
@quietly
def test_forking_while_others_put_and_get(Queue):
    q = Queue(maxsize=3)
    stop = threading.Event()

    def produce():
        while not stop.is_set():
            try:
                q.put(1, timeout=0.01)
            except Full:
                pass

    def consume():
        while not stop.is_set():
            try:
                q.get(timeout=0.01)
            except Empty:
                pass

    threads = [Waiter(function) for function in (produce, produce, consume, consume)]

    def child():
        # What a dead thread was doing may have stopped half-way: a credit may be gone with it, but nothing hangs.
        for _ in range(10):
            q.try_put(2)
            q.try_get()
        q.drain()
        own = Queue()
        waiter = Waiter(own.get)
        time.sleep(0.005)
        own.put(3)
        assert waiter.end() == 3

    for _ in range(rounds(8)):
        in_child(child)
    stop.set()
    for thread in threads:
        assert thread.end() is None


@forks
@quietly
def test_the_child_of_a_fork_in_a_thread_gets_signals_in_that_thread(Queue):
    if Queue is not KINDS[0]:
        pytest.skip("one kind is enough")

    def child():
        def raise_interrupt(number, frame):
            raise Interrupt

        signal.signal(signal.SIGALRM, raise_interrupt)
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises(Interrupt):
            Queue().get(timeout=30)

    errors = []

    def fork():
        try:
            in_child(child)
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=fork)
    thread.start()
    thread.join()
    assert not errors
