"""Finished tasks, join, and shutdown, as queue.Queue has them."""

from __future__ import annotations

import threading
import time
import weakref

import pytest
from queue_kinds import each_store
from queue_waiters import Waiter
from support import Object, dead, run_copies, run_threads, until

from concurrent_collections import (
    Full,
    ShutDown,
)

pytestmark = each_store


class TestTasks:
    def test_join_of_an_unused_queue_ends_at_once(self, Queue):
        assert Queue().join() is True
        assert Queue().join(timeout=0) is True

    def test_join_with_a_timeout(self, Queue):
        q = Queue(iterable=[1])
        assert q.join(0) is False
        before = time.monotonic()
        assert q.join(timeout=0.05) is False
        assert time.monotonic() - before >= 0.05
        waiter = Waiter(q.join, 60)
        q.get()
        q.task_done()
        assert waiter.end() is True
        assert q.join(timeout=0.05) is True
        for timeout, error in ((-1, ValueError), (float("nan"), ValueError), ("1", TypeError)):
            with pytest.raises(error, match="timeout"):
                q.join(timeout)

    def test_who_waits_is_counted(self, Queue):
        q = Queue(maxsize=1)
        assert (q.waiting_getters, q.waiting_putters) == (0, 0)
        getters = [Waiter(q.get) for _ in range(2)]
        until(lambda: q.waiting_getters == 2)
        assert q.waiting_putters == 0
        q.put(1)
        until(lambda: q.waiting_getters == 1)
        q.put(2)
        assert {waiter.end() for waiter in getters} == {1, 2}
        q.put(3)
        putter = Waiter(q.put, 4)
        until(lambda: q.waiting_putters == 1)
        assert q.get() == 3
        putter.end()
        assert (q.waiting_getters, q.waiting_putters) == (0, 0)

    def test_task_done_too_often(self, Queue):
        q = Queue()
        with pytest.raises(ValueError, match=r"task_done\(\) called too many times"):
            q.task_done()
        q.put(1)
        q.task_done()  # as with queue.Queue: nobody asks whether the item was taken
        with pytest.raises(ValueError, match=r"task_done\(\) called too many times"):
            q.task_done()
        q.join()

    def test_unfinished_tasks(self, Queue):
        q = Queue(iterable=range(3))
        assert q.unfinished_tasks == 3
        q.get()
        assert q.unfinished_tasks == 3
        q.task_done()
        assert q.unfinished_tasks == 2
        q.drain()
        q.task_done()
        q.task_done()
        assert q.unfinished_tasks == 0
        q.join()

    def test_what_was_not_put_is_no_task(self, Queue):
        q = Queue(iterable=[1], maxsize=1)
        for _ in range(3):
            assert not q.try_put(2)
            with pytest.raises(Full):
                q.put(2, timeout=0.001)
        assert q.unfinished_tasks == 1
        q.shutdown()
        with pytest.raises(ShutDown):
            q.put(3)
        assert q.unfinished_tasks == 1
        q.get()
        q.task_done()
        q.join()

    def test_join_waits_for_the_last_task(self, Queue):
        q = Queue()
        workers, each = 4, 200
        done = [0] * workers

        def work(index):
            while q.get() is not None:
                done[index] += 1
                if done[index] % 50 == 0:
                    time.sleep(0.001)
                q.task_done()
            q.task_done()

        def supervise():
            for round_ in range(1, 4):
                q.put_many(range(each))
                q.join()
                assert sum(done) == round_ * each
            q.put_many([None] * workers)
            q.join()

        run_threads(*(lambda i=i: work(i) for i in range(workers)), supervise)
        assert q.unfinished_tasks == 0

    def test_many_join_at_once(self, Queue):
        q = Queue(iterable=[1])

        def work(index):
            if index:
                q.join()
                return q.unfinished_tasks
            time.sleep(0.05)
            q.task_done()
            return 0

        assert run_copies(6, work) == [0] * 6


class TestShutdown:
    @pytest.mark.queues_only
    def test_what_is_left_can_be_got(self, Queue):
        q = Queue(iterable=[1, 2, 3])
        q.shutdown()
        assert q.is_shutdown
        for put in (q.put, q.put_nowait, q.try_put):
            with pytest.raises(ShutDown):
                put(4)
        assert q.get() == 1
        assert q.get_nowait() == 2
        assert q.try_get() == 3
        for get in (
            q.get,
            q.get_nowait,
            q.try_get,
            lambda: q.get_many(5),
            lambda: q.get(timeout=1),
        ):
            with pytest.raises(ShutDown):
                get()
        assert len(q) == 0

    def test_again_and_again(self, Queue):
        q = Queue(iterable=[1])
        q.shutdown()
        q.shutdown()
        assert q.get() == 1
        q.shutdown()
        q.shutdown(True)
        assert q.is_shutdown

    def test_of_a_full_queue(self, Queue):
        q = Queue(iterable=[1], maxsize=1)
        q.shutdown()
        with pytest.raises(ShutDown):
            q.put_nowait(2)
        assert q.get() == 1

    def test_immediately(self, Queue):
        item = Object()
        reference = weakref.ref(item)
        q = Queue(iterable=[item, 2, 3])
        q.get()
        del item
        q.put(4)
        q.shutdown(immediate=True)
        assert q.empty()
        assert dead(reference)
        with pytest.raises(ShutDown):
            q.get()
        assert q.unfinished_tasks == 1  # the item that was got
        q.task_done()
        q.join()
        with pytest.raises(ValueError, match="too many times"):
            q.task_done()

    @pytest.mark.queues_only
    def test_first_gently_then_immediately(self, Queue):
        q = Queue(iterable=[1, 2])
        q.shutdown()
        assert q.get() == 1
        q.shutdown(immediate=True)
        with pytest.raises(ShutDown):
            q.get_nowait()

    def test_it_wakes_everybody(self, Queue):
        empty, full = Queue(), Queue(iterable=[1], maxsize=1)
        unfinished = Queue(iterable=[1])
        results = []

        def wait(function):
            try:
                results.append(function())
            except ShutDown:
                results.append("shut down")

        threads = [
            threading.Thread(target=wait, args=(function,))
            for function in (
                *[empty.get] * 3,
                lambda: empty.get(timeout=100),
                lambda: empty.get_many(3),
                lambda: list(empty),
                *[lambda: full.put(2)] * 3,
                lambda: full.put(2, timeout=100),
                lambda: full.put_many([2, 3]),
                unfinished.join,
            )
        ]
        for thread in threads:
            thread.start()
        time.sleep(0.1)
        assert results == []
        for q in (empty, full):
            q.shutdown()
        unfinished.shutdown(immediate=True)
        for thread in threads:
            thread.join(60)
        assert sorted(map(str, results)) == ["True", "[]", *["shut down"] * 10]
        assert full.drain() == [1]
