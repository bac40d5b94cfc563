"""A bound that changes: beside threads and tasks that wait for room, and below what is inside."""

from __future__ import annotations

import asyncio
import queue
import random
import threading

import pytest
from queue_kinds import KINDS, STORES, Kind, each
from queue_waiters import a_moment, asleep, in_thread
from support import rounds, set_at_the_end

from concurrent_collections import LockFreeQueue, LockFreeStack, ShutDown, WaitFreeQueue


def can_change(kind):
    q = kind(maxsize=3)
    try:
        q.maxsize = 2
    except ValueError:
        return False
    return True


CHANGING = [kind for kind in STORES if can_change(kind)]
each_changing = each(CHANGING)


@each_changing
class TestOneThread:
    def test_up_and_down(self, Queue):
        q = Queue(maxsize=2)
        q.put_many("ab")
        q.maxsize = 3
        assert q.maxsize == 3
        q.put("c")
        assert q.full()
        q.maxsize = 1
        assert (q.maxsize, len(q), q.full(), q.try_put("d")) == (1, 3, True, False)
        taken = [q.get() for _ in range(2)]
        assert q.try_put("d") is False
        taken.append(q.get())
        assert sorted(taken) == ["a", "b", "c"]
        assert not q.full()
        assert q.try_put("d")
        assert not q.try_put("e")

    @pytest.mark.parametrize("none", [0, -1, float("inf"), -float("inf"), 10**30])
    def test_without_a_bound_and_with_one_again(self, Queue, none):
        q = Queue(maxsize=1, iterable=[0])
        q.maxsize = none
        assert q.maxsize == 0
        assert not q.full()
        assert q.put_many(range(100)) == 100
        q.maxsize = 50
        assert (q.maxsize, len(q), q.full()) == (50, 101, True)
        assert not q.try_put("no")
        assert len(q.drain(52)) == 52
        assert q.try_put("yes")
        assert not q.try_put("no")

    @pytest.mark.parametrize("wrong", [None, "3", 2.5, float("nan"), [1]])
    def test_what_is_no_bound(self, Queue, wrong):
        q = Queue(maxsize=3)
        with pytest.raises(TypeError, match="maxsize: expected an int, got"):
            q.maxsize = wrong
        with pytest.raises((AttributeError, NotImplementedError)):
            del q.maxsize
        assert q.maxsize == 3

    def test_after_the_end(self, Queue):
        q = Queue(maxsize=2, iterable=[1])
        q.shutdown()
        q.maxsize = 5
        assert q.maxsize == 5
        with pytest.raises(ShutDown):
            q.put(2)
        assert q.get() == 1

    def test_before_init(self, Queue):
        raw = Queue.cls.__new__(Queue.cls)
        with pytest.raises(RuntimeError, match="call __init__ of the base class first"):
            raw.maxsize = 3

    def test_against_a_model(self, Queue):
        q, draw = Queue(maxsize=3), random.Random(7)
        bound, inside = 3, 0
        for _ in range(rounds(3000)):
            dice = draw.randrange(8)
            if dice == 0:
                q.maxsize = bound = draw.randrange(1, 9)
            elif dice < 4:
                assert (q.try_get() is not None) == (inside > 0)
                inside -= inside > 0
            else:
                assert q.try_put("item") == (inside < bound)
                inside += inside < bound
            assert (len(q), q.maxsize, q.full()) == (inside, bound, inside >= bound)

    def test_through_the_face_for_tasks(self, Queue):
        q = Queue(maxsize=3)
        q.async_q.maxsize = 5
        assert q.async_q.maxsize == q.sync_q.maxsize == 5


@each_changing
class TestThoseWhoWait:
    @pytest.mark.parametrize("bound", [3, 0])
    def test_threads_are_woken(self, Queue, bound):
        q = Queue(maxsize=1, iterable=[0])
        threads = [asleep(q, n + 1, q.put, n + 1) for n in range(2)]
        q.maxsize = bound
        for thread in threads:
            assert thread.end() is None
        assert sorted(q.drain()) == [0, 1, 2]

    def test_as_many_as_there_is_room_for(self, Queue):
        q = Queue(maxsize=1, iterable=[0])
        threads = [asleep(q, n + 1, q.put, n + 1) for n in range(3)]
        q.maxsize = 2
        threads[0].end()
        assert all(thread.still_waits() for thread in threads[1:])
        assert len(q) == 2
        q.maxsize = 4
        for thread in threads[1:]:
            thread.end()
        assert sorted(q.drain()) == [0, 1, 2, 3]

    def test_tasks_are_woken(self, Queue):
        async def main():
            q = Queue(maxsize=1, iterable=[0])
            tasks = [asyncio.create_task(q.async_put(n)) for n in (1, 2, 3)]
            await a_moment()
            q.maxsize = 3
            await asyncio.gather(*tasks[:2])
            await a_moment()
            assert not tasks[2].done()
            q.maxsize = 0
            await tasks[2]
            assert sorted(q.drain()) == [0, 1, 2, 3]

        asyncio.run(main())

    def test_in_debt_a_get_makes_no_room(self, Queue):
        q = Queue(maxsize=3, iterable=range(3))
        q.maxsize = 1
        thread = asleep(q, 1, q.put, 3)
        for _ in range(2):
            q.get()
            assert thread.still_waits()
        q.get()
        thread.end()
        assert q.drain() == [3]

    def test_a_notification_whose_room_is_taken_away(self, Queue):
        async def main():
            q = Queue(maxsize=2, iterable=[0, 1])
            task = asyncio.create_task(q.async_put(2))
            await a_moment()
            q.get()
            q.maxsize = 1  # before the task gets to it
            await a_moment()
            assert not task.done()
            q.get()
            await task
            assert q.drain() == [2]

        asyncio.run(main())


@each_changing
def test_beside_threads_and_tasks_nothing_is_lost(Queue):
    q = Queue(maxsize=3)
    count, producers = rounds(500), 2
    largest = 6
    lengths, taken = [], []
    ended = threading.Event()

    def produce(first):
        q.put_many(range(first, first + count))

    def change():
        draw = random.Random(3)
        while True:
            q.maxsize = draw.randrange(1, largest + 1)
            lengths.append(len(q))
            if ended.is_set():
                break
        q.maxsize = 1

    async def consume():
        while len(taken) < (producers + 1) * count:
            taken.extend(await q.async_get_many(5))

    async def main():
        threads = [in_thread(produce, n * count) for n in range(producers)]
        changer = in_thread(change)
        with set_at_the_end(ended):
            await asyncio.gather(
                consume(), q.async_put_many(range(producers * count, (producers + 1) * count))
            )
        for thread in (*threads, changer):
            await asyncio.to_thread(thread.end)

    asyncio.run(main())
    assert sorted(taken) == list(range((producers + 1) * count))
    assert max(lengths) <= largest
    assert (len(q), q.maxsize, q.waiting_putters) == (0, 1, 0)
    assert q.try_put(1)
    assert not q.try_put(2)


@each_changing
def test_several_who_set_it_agree_in_the_end(Queue):
    q = Queue(maxsize=2)

    def change(seed):
        draw = random.Random(seed)
        for _ in range(rounds(2000)):
            q.maxsize = draw.randrange(1, 9)
            q.try_put(1)
            q.try_get()

    threads = [in_thread(change, seed) for seed in range(3)]
    for thread in threads:
        assert thread.end() is None
    q.drain()
    bound = q.maxsize
    assert [q.try_put(n) for n in range(bound + 1)] == [True] * bound + [False]


@pytest.mark.parametrize("Queue", [*KINDS, Kind(LockFreeStack)], ids=str)
def test_what_was_made_without_a_bound_cannot_get_one(Queue):
    q = Queue()
    q.maxsize = 0  # as it is
    with pytest.raises(ValueError, match=r"maxsize: this (queue|stack) was made without a bound"):
        q.maxsize = 3
    assert q.maxsize == 0
    assert not q.full()


def test_a_wait_free_bound_stays():
    q = WaitFreeQueue(maxsize=3, patience=16)
    if not q.wait_free:
        pytest.skip("its places are counted here")
    q.maxsize = 3
    with pytest.raises(ValueError, match="so that it is wait-free"):
        q.maxsize = 4
    with pytest.raises(ValueError, match="so that it is wait-free"):
        q.maxsize = 0
    assert q.maxsize == 3


def test_the_bound_of_a_list_under_the_gil_can_be_changed():
    q = WaitFreeQueue(maxsize=1)
    if q.backend != "gil":
        pytest.skip("there is no GIL")
    q.maxsize = 2
    assert [q.try_put(n) for n in range(3)] == [True, True, False]


def test_as_queue_Queue_takes_it():
    ours, theirs = LockFreeQueue(maxsize=2), queue.Queue(maxsize=2)
    for q in ours, theirs:
        q.put(1)
        q.put(2)
        q.maxsize = 3
        q.put(3)
        q.maxsize = 1
        assert q.full()
        with pytest.raises(queue.Full):
            q.put_nowait(4)
        assert [q.get() for _ in range(3)] == [1, 2, 3]
        q.put_nowait(4)
