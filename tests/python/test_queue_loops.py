"""Event loops that end, threads and greenlets beside tasks, and what waiting tasks keep alive."""

from __future__ import annotations

import asyncio
import gc
import queue
import random
import signal
import sys
import threading
import time
import types
import weakref

import pytest
from queue_kinds import each_queue
from queue_waiters import (
    Loop,
    in_thread,
    stand_in_line,
)
from support import Object, dead, rounds, set_at_the_end, times_asleep

from concurrent_collections import ShutDown, _queues

pytestmark = each_queue


# ---------------------------------------------------------------- loops that end


class TestLoopsThatEnd:
    def wait_in_loop(self, q, tasks=1):
        """A loop that has stopped while tasks wait in it."""
        loop = asyncio.new_event_loop()
        loop.set_exception_handler(lambda loop, context: None)
        waiting = [loop.create_task(q.async_get()) for _ in range(tasks)]
        loop.run_until_complete(asyncio.sleep(0))
        return loop, waiting

    def test_a_closed_loop_is_passed_over(self, Queue):
        q = Queue()
        loop, tasks = self.wait_in_loop(q, 3)
        thread = in_thread(q.get)
        time.sleep(0.03)
        loop.close()
        q.put("item")
        assert thread.end() == "item"
        del tasks

    def test_a_stopped_loop_is_told_and_a_thread_is_woken_too(self, Queue):
        q = Queue()
        loop, tasks = self.wait_in_loop(q)
        thread = in_thread(q.get)
        time.sleep(0.03)
        q.put("for the thread")
        assert thread.end() == "for the thread"
        q.put("for the task")
        assert loop.run_until_complete(tasks[0]) == "for the task"
        loop.close()

    def test_a_loop_that_is_closed_after_it_was_told(self, Queue):
        q = Queue()
        loop, tasks = self.wait_in_loop(q, 2)
        q.put(1)  # told, and never runs again
        loop.close()
        thread = in_thread(lambda: [q.get(), q.get()])
        q.put(2)
        assert thread.end() == [1, 2]
        del tasks

    def test_a_second_notification_for_a_loop_that_was_told_and_closed(self, Queue):
        q = Queue()
        loop, tasks = self.wait_in_loop(q, 2)
        thread = in_thread(lambda: [q.get(), q.get()])
        time.sleep(0.03)
        q.put(1)
        loop.close()
        time.sleep(0.03)  # the thread stands behind the second task now
        q.put(2)
        assert thread.end() == [1, 2]
        del tasks

    @pytest.mark.parametrize("count", [1, 2, 3])
    def test_what_a_closed_loop_was_told_goes_to_another_loop(self, Queue, count):
        # The told task can be collected, though others of its loop still stand in line, and passes on what it was told.
        q, loop = Queue(), asyncio.new_event_loop()
        loop.set_exception_handler(lambda loop, context: None)  # tasks destroyed while they wait
        tasks = [loop.create_task(q.async_get()) for _ in range(count)]
        loop.run_until_complete(asyncio.sleep(0))

        async def get_elsewhere():
            return await asyncio.wait_for(q.async_get(), 30)

        thread = in_thread(lambda: asyncio.run(get_elsewhere()))
        time.sleep(0.05)  # it stands behind the others

        def stop_and_put():
            loop.stop()
            q.put("item")

        loop.call_soon(stop_and_put)
        loop.run_forever()  # told while it runs; closed before it gets to it
        loop.close()
        del tasks, loop
        gc.collect()
        assert thread.end() == "item"

    def test_a_loop_that_stops_right_after_it_was_told(self, Queue):
        # It seems to run when it is told. Nobody hears that it has stopped; but a thread looks now and then.
        q = Queue()
        loop, tasks = self.wait_in_loop(q)
        loop.is_running = lambda: True
        thread = in_thread(q.get)
        time.sleep(0.03)
        q.put("item")
        assert thread.end() == "item"
        del loop.is_running
        for task in tasks:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        loop.close()

    def test_loops_that_come_and_go(self, Queue):
        q = Queue()
        stop = threading.Event()
        count = rounds(1000)
        taken = [[] for _ in range(3)]

        def come_and_go(index):
            generator = random.Random(index)

            async def get():
                # In the same step as the get: whatever becomes of the loop, and of the task, what was taken is here.
                taken[index].append(await q.async_get())

            while not stop.is_set():
                loop = asyncio.new_event_loop()
                loop.set_exception_handler(lambda loop, context: None)
                tasks = [loop.create_task(get()) for _ in range(3)]
                for _ in range(generator.randrange(1, 8)):
                    loop.run_until_complete(asyncio.sleep(generator.choice([0, 0, 1e-4])))
                for task in tasks:
                    task.cancel()
                if generator.random() < 0.5:
                    loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
                loop.close()  # the tasks may not have got to know that they were cancelled

        def consume():
            taken[2].extend(q)

        threads = [in_thread(come_and_go, 0), in_thread(come_and_go, 1), in_thread(consume)]
        with set_at_the_end(stop):
            deadline = time.monotonic() + 60
            n = 0
            while n < count or not (taken[0] or taken[1] or time.monotonic() > deadline):
                q.put(n)
                if n % 3 == 0:
                    time.sleep(0.0002)  # most find it empty, and wait
                n += 1
            count, deadline = n, time.monotonic() + 60
            while sum(map(len, taken)) < count:
                assert time.monotonic() < deadline, f"{sum(map(len, taken))} of {count}"
                time.sleep(0.001)
        q.shutdown()
        for thread in threads:
            assert thread.end() is None
        assert sorted(item for part in taken for item in part) == list(range(count))
        assert taken[0] or taken[1]
        assert q.empty()


# ---------------------------------------------------------------- threads beside tasks


class TestThreadsBesideTasks:
    def asleep(self, q, count):
        """How often threads have fallen asleep, as soon as `count` are."""
        deadline = time.monotonic() + 60
        while times_asleep(q) < count:
            assert time.monotonic() < deadline
            time.sleep(0.001)
        return times_asleep(q)

    @pytest.mark.parametrize("waits_on", [False, True])
    def test_threads_that_wait_beside_tasks_sleep_on(self, Queue, waits_on):
        # D6: they woke up twice a second for good as soon as one task had waited.
        q = Queue()
        loop = asyncio.new_event_loop()
        first, second = loop.create_task(q.async_get()), loop.create_task(q.async_get())
        loop.run_until_complete(asyncio.sleep(0))
        threads = [in_thread(q.get) for _ in range(20)]
        before = self.asleep(q, 20)

        async def put():
            q.put("for the first")
            await asyncio.sleep(0.7 if waits_on else 0)

        loop.run_until_complete(put())
        assert first.result() == "for the first"
        if not waits_on:
            second.cancel()
            loop.run_until_complete(asyncio.wait([second]))
        time.sleep(1.3)
        assert times_asleep(q) == before
        q.shutdown()
        for thread in threads:
            assert type(thread.end()) is ShutDown
        loop.run_until_complete(asyncio.wait([second]))
        assert waits_on == (not second.cancelled() and type(second.exception()) is ShutDown)
        loop.close()

    def test_one_thread_looks_while_a_task_does_not_answer(self, Queue):
        q, loop = Queue(), Loop()
        task = stand_in_line(q, loop)
        threads = [in_thread(q.get) for _ in range(5)]
        self.asleep(q, 5)
        q.put("told to a task that does not go on")  # though its loop seems to run
        deadline = time.monotonic() + 60
        while all(thread.is_alive() for thread in threads):
            assert time.monotonic() < deadline
            time.sleep(0.001)
        task.leave()
        assert q.empty()
        q.shutdown()
        answers = [thread.end() for thread in threads]
        assert sum(answer == "told to a task that does not go on" for answer in answers) == 1
        assert sum(type(answer) is ShutDown for answer in answers) == 4

    def test_the_end_goes_from_thread_to_thread_past_a_task_that_does_not_answer(self, Queue):
        q, full = Queue(), Queue(iterable=[1], maxsize=1)
        loop = Loop()
        tasks = [stand_in_line(q, loop), stand_in_line(full, loop, for_room=True)]
        threads = [in_thread(q.get) for _ in range(50)]
        threads += [in_thread(full.put, 2) for _ in range(50)]
        self.asleep(q, 50)
        self.asleep(full, 50)
        q.shutdown()
        full.shutdown()
        assert all(type(thread.end()) is ShutDown for thread in threads)
        for task in tasks:
            task.leave()


class TestGreenlets:
    @pytest.fixture
    def gevent(self, monkeypatch):
        """Modules that say what gevent says; its own are not built for every interpreter."""
        monkey, hubs = types.ModuleType("gevent.monkey"), types.ModuleType("gevent._hub_local")
        monkey.is_module_patched = lambda name: name == "threading"
        hubs.get_hub_if_exists = lambda: "the hub"
        monkeypatch.setitem(sys.modules, "gevent.monkey", monkey)
        monkeypatch.setitem(sys.modules, "gevent._hub_local", hubs)
        return types.SimpleNamespace(monkey=monkey, hubs=hubs)

    def test_sleeps_that_would_stop_all_of_them_are_refused(self, Queue, gevent):
        q = Queue(maxsize=1)
        q.put(1)  # need not wait
        for wait in (lambda: q.put(2), lambda: q.put(2, timeout=100), q.join):
            with pytest.raises(RuntimeError, match="gevent has patched"):
                wait()
        assert not q.try_put(2)
        assert q.get() == 1
        with pytest.raises(RuntimeError, match="get would block all greenlets"):
            q.get()
        with pytest.raises(RuntimeError, match="gevent has patched"):
            q.get_many(2)

    @pytest.mark.parametrize("harmless", ["not patched", "a native thread"])
    def test_others_sleep(self, Queue, gevent, harmless):
        if harmless == "not patched":
            gevent.monkey.is_module_patched = lambda name: False
        else:
            gevent.hubs.get_hub_if_exists = lambda: None
        with pytest.raises(queue.Empty):
            Queue().get(timeout=0.01)


# ---------------------------------------------------------------- what is kept alive


class TestReferences:
    def test_an_abandoned_queue_with_a_waiting_task_is_collected(self, Queue):
        loop = asyncio.new_event_loop()
        loop.set_exception_handler(lambda loop, context: None)
        q = Queue()
        reference = weakref.ref(q)
        task = loop.create_task(q.async_get())
        loop.run_until_complete(asyncio.sleep(0))
        assert not task.done()
        loop.close()
        del q, task, loop
        for _ in range(3):
            gc.collect()
        assert dead(reference)

    def test_a_stranded_notification_keeps_nothing_alive(self, Queue):
        loop = asyncio.new_event_loop()
        loop.set_exception_handler(lambda loop, context: None)
        q = Queue()
        item, reference = Object(), weakref.ref(q)
        item_reference = weakref.ref(item)
        task = loop.create_task(q.async_get())
        loop.run_until_complete(asyncio.sleep(0))
        q.put(item)
        loop.close()
        del q, task, loop, item
        for _ in range(3):
            gc.collect()
        assert dead(reference)
        assert dead(item_reference)

    def test_the_collector_sees_waiting_tasks(self, Queue):
        q = Queue(iterable=[1], maxsize=1)
        get_one, put_one = stand_in_line(Queue(), Loop()), stand_in_line(q, Loop(), for_room=True)
        waiters = [get_one, put_one]
        assert any(put_one.wait is r for r in gc.get_referents(q))
        assert any(get_one.wait is r for r in gc.get_referents(gc.get_referents(get_one.wait)[0]))
        for waiter in waiters:
            waiter.leave()
        assert not any(isinstance(r, _queues._TaskWait) for r in gc.get_referents(q))

    def test_waiting_again_and_again_leaves_nothing_behind(self, Queue):
        q = Queue()
        references = []

        async def main():
            for n in range(rounds(200)):
                item = Object()
                references.append(weakref.ref(item))
                task = asyncio.create_task(q.async_get())
                await asyncio.sleep(0)
                q.put(item)
                del item
                await task
                cancelled = asyncio.create_task(q.async_get())
                await asyncio.sleep(0)
                cancelled.cancel()
                if n % 50 == 0:
                    gc.collect()

        asyncio.run(main())
        gc.collect()
        assert all(map(dead, references))
        assert not any(isinstance(r, _queues._TaskWait) for r in gc.get_referents(q))

    def test_queues_of_the_standard_library_behave_alike_at_the_end(self, Queue):
        # The two differ in nothing that an `async for` can see.
        if not hasattr(asyncio.Queue(), "shutdown"):
            pytest.skip("asyncio.Queue has no shutdown here")
        assert hasattr(queue, "ShutDown")

        async def main(q, put):
            for n in range(3):
                put(n)
            q.shutdown()
            taken = []
            try:
                while True:
                    taken.append(await (q.async_get if isinstance(q, Queue.cls) else q.get)())
            except Exception as error:
                return taken, type(error).__name__

        ours, theirs = Queue(), asyncio.Queue()
        assert asyncio.run(main(ours, ours.put)) == (
            [0, 1, 2],
            asyncio.run(main(theirs, theirs.put_nowait))[1].removeprefix("Queue"),
        )


def test_asyncio_and_ctrl_c(Queue):
    # asyncio.Runner turns SIGINT into the cancellation of the main task.
    if sys.platform == "win32":
        pytest.skip("sends SIGINT to itself")
    q = Queue()

    async def main():
        asyncio.get_running_loop().call_later(0.05, signal.raise_signal, signal.SIGINT)
        await q.async_get()

    with pytest.raises(KeyboardInterrupt):
        asyncio.run(main())
    q.put(1)
    assert q.get() == 1
