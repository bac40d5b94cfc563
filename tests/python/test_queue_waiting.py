"""Threads that wait for a queue: who is woken, and in which order; and those that run an event loop."""

from __future__ import annotations

import asyncio
import threading
import time
import warnings

import pytest
from queue_kinds import each_store
from queue_waiters import (
    SOON,
    Waiter,
    asleep,
    run_script,
    when_asleep,
)
from support import rounds, run_threads, set_at_the_end

from concurrent_collections import Empty, Full, ShutDown

pytestmark = each_store


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
    for n in range(6):
        waiters.append(asleep(q, n + 1, q.get))
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
    with set_at_the_end(stop), pytest.raises(Empty):
        q.get(timeout=0.05)
    assert 0.05 <= time.monotonic() - before < 10
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
@pytest.mark.queues_only
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


@pytest.mark.queues_only
def test_a_join_that_stops_its_event_loop_is_warned(Queue):
    q = Queue(iterable=[1])

    async def main():
        worker = when_asleep(q, 1, q.task_done)
        with pytest.warns(RuntimeWarning, match=r"await queue.async_join\(\)"):
            q.join()
        assert worker.end() is None
        q.join()

    asyncio.run(main())


@pytest.mark.queues_only
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
