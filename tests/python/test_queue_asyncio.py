"""Tasks of event loops that wait for a queue, beside threads and tasks of other loops.

The races that tests/stress would hardly ever meet are played step by step here, with loops and futures that only
write down what they are asked to do.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import queue
import random
import signal
import sys
import threading
import time
import weakref

import pytest
from queue_kinds import Kind, each_queue
from support import Object, dead, rounds, run_threads

from concurrent_collections import ShutDown, _core

pytestmark = each_queue


def in_thread(function, *arguments):
    """Start a daemon thread; its `end()` returns what the function returned."""
    results = []

    def body():
        try:
            results.append(function(*arguments))
        except BaseException as error:
            results.append(error)

    thread = threading.Thread(target=body, daemon=True)

    def end(timeout=60):
        thread.join(timeout)
        assert not thread.is_alive(), "the wait does not end"
        return results[0]

    thread.end = end
    thread.start()
    return thread


async def a_moment():
    """Let tasks that can go on do so."""
    for _ in range(5):
        await asyncio.sleep(0)


# ---------------------------------------------------------------- one loop


class TestOneLoop:
    def test_what_is_there_is_taken_at_once(self, Queue):
        async def main():
            q = Queue(iterable=[1, None], maxsize=3)
            assert await q.async_get() == 1
            assert await q.async_get() is None
            assert await q.async_put(2) is None
            assert q.drain() == [2]

        asyncio.run(main())

    def test_a_task_waits_for_an_item(self, Queue):
        async def main():
            q = Queue()
            task = asyncio.create_task(q.async_get())
            await a_moment()
            assert not task.done()
            q.put("item")
            assert await task == "item"

        asyncio.run(main())

    def test_a_task_waits_for_room(self, Queue):
        async def main():
            q = Queue(iterable=[1], maxsize=1)
            task = asyncio.create_task(q.async_put(2))
            await a_moment()
            assert not task.done()
            assert q.get() == 1
            await task
            assert q.drain() == [2]

        asyncio.run(main())

    def test_tasks_are_served_in_the_order_in_which_they_came(self, Queue):
        async def main():
            q = Queue()
            tasks = [asyncio.create_task(q.async_get()) for _ in range(10)]
            await a_moment()
            q.put_many(range(10))
            assert await asyncio.gather(*tasks) == list(range(10))

        asyncio.run(main())

    def test_a_task_that_was_woken_in_vain_keeps_its_turn(self, Queue):
        async def main():
            q = Queue()
            first = asyncio.create_task(q.async_get())
            await a_moment()
            second = asyncio.create_task(q.async_get())
            await a_moment()
            q.put("stolen")
            assert q.get() == "stolen"  # before the first task gets to it
            await a_moment()
            q.put(1)
            await a_moment()
            assert first.done()
            assert not second.done()
            q.put(2)
            assert [await first, await second] == [1, 2]

        asyncio.run(main())

    def test_iteration_ends_at_shutdown(self, Queue):
        async def main():
            q = Queue(maxsize=2)

            async def produce():
                for item in range(50):
                    await q.async_put(item)
                q.shutdown()

            task = asyncio.create_task(produce())
            assert [item async for item in q] == list(range(50))
            assert [item async for item in q] == []
            await task

        asyncio.run(main())

    def test_shutdown_wakes_every_task(self, Queue):
        async def main():
            q, full = Queue(), Queue(iterable=[1], maxsize=1)
            tasks = [asyncio.create_task(q.async_get()) for _ in range(40)]
            tasks += [asyncio.create_task(full.async_put(2)) for _ in range(40)]
            await a_moment()
            q.shutdown()
            full.shutdown()
            results = await asyncio.gather(*tasks, return_exceptions=True)
            assert all(type(result) is ShutDown for result in results)
            with pytest.raises(ShutDown):
                await q.async_get()
            with pytest.raises(ShutDown):
                await full.async_put(3)
            assert full.drain() == [1]

        asyncio.run(main())

    def test_timeouts(self, Queue):
        async def main():
            q = Queue(iterable=[1], maxsize=1)
            for wait in (lambda: q.async_put(2), lambda: Queue().async_get()):
                before = time.monotonic()
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.02):
                        await wait()
                assert time.monotonic() - before >= 0.019
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(wait(), 0.01)
            assert q.drain() == [1]

        asyncio.run(main())

    def test_both_are_coroutines(self, Queue):
        q = Queue()
        for coroutine in (q.async_get(), q.async_put(1)):
            assert asyncio.iscoroutine(coroutine)
            coroutine.close()

    def test_without_a_loop(self, Queue):
        q = Queue(iterable=[1])
        with pytest.raises(StopIteration) as caught:
            q.async_get().send(None)  # nothing to wait for: no loop is needed
        assert caught.value.value == 1
        with pytest.raises(RuntimeError, match="no running event loop"):
            q.async_get().send(None)

    def test_producers_and_consumers(self, Queue):
        async def main():
            q = Queue(maxsize=3)
            taken = []

            async def produce(index):
                for n in range(100):
                    await q.async_put((index, n))
                    if n % 7 == 0:
                        await asyncio.sleep(0)

            async def consume():
                async for item in q:
                    taken.append(item)
                    q.task_done()

            consumers = [asyncio.create_task(consume()) for _ in range(3)]
            await asyncio.gather(*(produce(index) for index in range(4)))
            q.shutdown()
            await asyncio.gather(*consumers)
            for index in range(4):
                assert [n for i, n in taken if i == index] == list(range(100))
            q.join()

        asyncio.run(main())


# ---------------------------------------------------------------- several loops, and threads


class TestManyLoops:
    def test_a_thread_wakes_a_task_and_a_task_a_thread(self, Queue):
        there, back = Queue(), Queue(maxsize=1)
        turns = rounds(300)

        def echo():
            for item in there:
                back.put(item)

        async def main():
            for n in range(turns):
                await there.async_put(n)
                assert await back.async_get() == n
            there.shutdown()

        thread = in_thread(echo)
        asyncio.run(main())
        thread.end()

    def test_one_queue_for_many_loops_and_threads(self, Queue, eager_switching):
        q = Queue(maxsize=5)
        each = rounds(150)
        taken = [[] for _ in range(6)]
        producing = [4]
        lock = threading.Lock()

        def finished():
            with lock:
                producing[0] -= 1
                if producing[0] == 0:
                    q.shutdown()

        def produce(index):
            for n in range(each):
                q.put((index, n))
            finished()

        def produce_in_tasks(index):
            async def part(offset):
                for n in range(offset, each, 2):
                    await q.async_put((index, n))

            async def main():
                await asyncio.gather(part(0), part(1))

            asyncio.run(main())
            finished()

        def consume(index):
            for item in q:
                taken[index].append(item)

        def consume_in_tasks(index):
            async def part():
                async for item in q:
                    taken[index].append(item)

            async def main():
                await asyncio.gather(*(part() for _ in range(3)))

            asyncio.run(main())

        run_threads(
            *(lambda i=i: produce(i) for i in (0, 1)),
            *(lambda i=i: produce_in_tasks(i) for i in (2, 3)),
            *(lambda i=i: consume(i) for i in (0, 1, 2)),
            *(lambda i=i: consume_in_tasks(i) for i in (3, 4, 5)),
        )
        everything = sorted(item for part in taken for item in part)
        assert everything == [(index, n) for index in range(4) for n in range(each)]

    def test_a_burst_of_puts_makes_one_call_into_the_loop(self, Queue):
        # What a call costs is most of what waking a task costs.
        async def main():
            loop = asyncio.get_running_loop()
            calls = []
            original = loop.call_soon_threadsafe

            def count(*arguments):
                calls.append(arguments)
                return original(*arguments)

            loop.call_soon_threadsafe = count
            q = Queue()
            tasks = [asyncio.create_task(q.async_get()) for _ in range(50)]
            await a_moment()
            q.put_many(range(50))
            assert await asyncio.gather(*tasks) == list(range(50))
            assert len(calls) == 1

        asyncio.run(main())

    def test_the_same_loop_in_one_thread_after_the_other(self, Queue):
        q = Queue()
        loop = asyncio.new_event_loop()
        for n in range(3):
            thread = in_thread(loop.run_until_complete, q.async_get())
            time.sleep(0.01)
            q.put(n)
            assert thread.end() == n
        loop.close()


# ---------------------------------------------------------------- who gives up passes on


class TestGivingUp:
    def test_a_task_cancelled_after_it_was_notified(self, Queue):
        q = Queue()

        async def main():
            task = asyncio.create_task(q.async_get())
            await a_moment()
            thread = in_thread(q.get)
            time.sleep(0.03)  # it stands behind the task
            q.put("item")
            task.cancel()  # before the task could do anything
            with pytest.raises(asyncio.CancelledError):
                await task
            await asyncio.to_thread(thread.end)
            assert thread.end() == "item"

        asyncio.run(main())

    def test_a_task_cancelled_after_its_future_was_set(self, Queue):
        q = Queue()

        async def main():
            tasks = [asyncio.create_task(q.async_get()) for _ in range(2)]
            await a_moment()
            q.put("item")
            # The drain runs before this task goes on, and the notified task after it.
            await asyncio.sleep(0)
            tasks[0].cancel()
            assert await tasks[1] == "item"
            with pytest.raises(asyncio.CancelledError):
                await tasks[0]

        asyncio.run(main())

    def test_a_put_cancelled_after_it_was_notified(self, Queue):
        q = Queue(iterable=[1], maxsize=1)

        async def main():
            tasks = [asyncio.create_task(q.async_put(n)) for n in (2, 3)]
            await a_moment()
            assert q.get() == 1
            tasks[0].cancel()
            await tasks[1]
            assert q.drain() == [3]

        asyncio.run(main())

    def test_a_timeout_at_the_moment_of_the_notification(self, Queue):
        q = Queue()

        async def main():
            thread = None
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    wait = asyncio.create_task(q.async_get())
                    await a_moment()
                    thread = in_thread(q.get)
                    time.sleep(
                        0.1
                    )  # the loop is late: the timeout and the notification come together
                    q.put("item")
                    await wait
            wait.cancel()
            await a_moment()
            if wait.cancelled():
                assert thread.end() == "item"
            else:
                assert wait.result() == "item"
                q.put("another")
                assert thread.end() == "another"

        asyncio.run(main())

    def test_a_coroutine_that_is_closed(self, Queue):
        q = Queue()

        async def main():
            coroutine = q.async_get()
            future = coroutine.send(None)
            assert not future.done()
            thread = in_thread(q.get)
            time.sleep(0.03)
            q.put("item")
            coroutine.close()
            assert thread.end() == "item"

        asyncio.run(main())

    def test_a_task_that_is_collected(self, Queue):
        q = Queue()
        loop = asyncio.new_event_loop()
        loop.set_exception_handler(
            lambda loop, context: None
        )  # "Task was destroyed but it is pending"
        task = loop.create_task(q.async_get())
        loop.run_until_complete(asyncio.sleep(0))
        thread = in_thread(q.get)
        time.sleep(0.03)
        q.put("item")
        loop.close()
        del task, loop
        gc.collect()
        assert thread.end() == "item"

    def test_asyncio_run_that_ends_under_waiting_tasks(self, Queue):
        q = Queue()
        taken = []

        async def get():
            taken.append(await q.async_get())  # in the same step

        async def main():
            tasks.extend(asyncio.create_task(get()) for _ in range(3))
            await a_moment()
            q.put_many("ab")

        tasks = []
        asyncio.run(main())
        assert taken + q.drain() == ["a", "b"]
        assert len(taken) + sum(task.cancelled() for task in tasks) == 3
        q.put(1)
        assert q.get(timeout=60) == 1

    def test_a_task_cancelled_after_its_wait_returned_the_item(self, Queue):
        # Race 10, which no queue can settle: the item has left it. What is done in the same step is never undone by a
        # cancellation, and who goes on waiting with the item in hand has to give it back.
        q = Queue()
        noted, given_back = [], []

        async def work():
            item = await q.async_get()
            noted.append(item)  # in the same step
            try:
                await asyncio.sleep(100)
            except asyncio.CancelledError:
                given_back.append(item)
                q.put(item)
                raise

        async def main():
            task = asyncio.create_task(work())
            await a_moment()
            thread = in_thread(q.get)
            deadline = time.monotonic() + 60
            while q._sleeps() < 1:  # it stands behind the task
                assert time.monotonic() < deadline
                await asyncio.sleep(0.001)
            q.put("item")
            await a_moment()
            assert noted == ["item"]
            assert thread.is_alive(), "one item, one notification, and the task has followed it"
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert given_back == ["item"]
            assert await asyncio.to_thread(thread.end) == "item"
            assert q.empty()
            assert q.unfinished_tasks == 2

        asyncio.run(main())

    def test_a_task_cancelled_before_it_goes_on_with_an_item_that_was_there(self, Queue):
        # Nothing gives way between the call and its answer: the cancellation comes at the next wait.
        async def main():
            q, taken = Queue(iterable="ab"), []

            async def work():
                asyncio.current_task().cancel()
                taken.append(await q.async_get())
                taken.append(await q.async_get())
                await q.async_get()

            task = asyncio.create_task(work())
            with pytest.raises(asyncio.CancelledError):
                await task
            assert taken == ["a", "b"]
            assert q.empty()

        asyncio.run(main())

    def test_success_at_the_second_look_of_the_shipped_coroutine_passes_on(self, Queue):
        # Race 3. It finds at its second look what came before it stood in line, and is notified of another item.
        thread = put_at = None

        class Slow(Queue.cls):
            looks = 0

            def try_get(self, default=None):
                nonlocal thread, put_at
                self.looks += 1
                item = super().try_get(default)
                if self.looks == 1:
                    assert item is default
                    super().put("found")  # nobody is in line
                elif self.looks == 2:
                    assert item == "found"
                    thread = in_thread(super().get)
                    deadline = time.monotonic() + 60
                    while self._sleeps() < 1:
                        assert time.monotonic() < deadline
                        time.sleep(0.001)
                    super().put("meant for the other")
                    put_at = time.monotonic()
                return item

        async def main():
            q = Kind(Slow, Queue.choice)()
            assert await q.async_get() == "found"
            assert thread.end() == "meant for the other"
            assert q.looks == 2
            return time.monotonic() - put_at

        # A thread that waits beside tasks looks by itself after half a second; a slow machine gets several chances.
        assert any(asyncio.run(main()) < 0.3 for _ in range(5))

    def test_cancelling_at_every_moment_loses_nothing(self, Queue):
        q = Queue(maxsize=2)
        count = rounds(300)

        async def main():
            taken = []

            async def get():
                taken.append(await q.async_get())

            def produce():
                q.put_many(range(count))

            thread = in_thread(produce)
            while len(taken) < count:
                tasks = [asyncio.create_task(get()) for _ in range(4)]
                for _ in range(len(taken) % 4):
                    await asyncio.sleep(0)
                for task in tasks[::2]:
                    task.cancel()
                # Those that are not cancelled get an item each, if there are so many left.
                _, pending = await asyncio.wait(
                    tasks, timeout=0.02 if count - len(taken) < 4 else None
                )
                for task in pending:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
            thread.end()
            assert sorted(taken) == list(range(count))

        asyncio.run(main())


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
        for n in range(count):
            q.put(n)
            if n % 3 == 0:
                time.sleep(0.0002)  # most find it empty, and wait
        deadline = time.monotonic() + 60
        while sum(map(len, taken)) < count:
            assert time.monotonic() < deadline, f"{sum(map(len, taken))} of {count}"
            time.sleep(0.001)
        stop.set()
        q.shutdown()
        for thread in threads:
            assert thread.end() is None
        assert sorted(item for part in taken for item in part) == list(range(count))
        assert taken[0] or taken[1] or count < 500
        assert q.empty()


# ---------------------------------------------------------------- step by step, with actors


class Loop:
    """A loop that writes down what it is asked to call."""

    def __init__(self):
        self.calls = []
        self.closed = False
        self.running = True
        self.on_call = lambda: None

    def call_soon_threadsafe(self, function, *arguments):
        if self.closed:
            raise RuntimeError("Event loop is closed")
        self.on_call()
        self.calls.append(function)

    def is_closed(self):
        return self.closed

    def is_running(self):
        return self.running

    def run(self):
        calls, self.calls = self.calls, []
        for call in calls:
            call()


class Future:
    """A future that writes down how often it was set."""

    def __init__(self):
        self.times = 0
        self.cancelled = False
        self.on_set = lambda: None

    def done(self):
        return self.cancelled or self.times > 0

    def set_result(self, result):
        assert not self.done()
        self.times += 1
        self.on_set()


def stand_in_line(q, port, for_room=False, before=None):
    waiter = _core._TaskWaiter(q, port, Future(), for_room, before)
    waiter.enqueue()
    return waiter


class TestStepByStep:
    def test_one_call_for_all_until_the_loop_gets_to_it(self, Queue):
        q, loop = Queue(), Loop()
        port = _core._LoopPort(loop)
        waiters = [stand_in_line(q, port) for _ in range(4)]
        q.put_many("abc")
        assert len(loop.calls) == 1
        assert [waiter.future.times for waiter in waiters] == [0, 0, 0, 0]
        loop.run()
        assert [waiter.future.times for waiter in waiters] == [1, 1, 1, 0]
        q.put("d")
        assert len(loop.calls) == 1
        loop.run()
        assert waiters[3].future.times == 1
        q.put("e")  # nobody waits
        assert loop.calls == []

    def test_a_notification_that_arrives_during_the_drain(self, Queue):
        # It comes too late for this drain, and too early to count on it.
        q, loop = Queue(), Loop()
        port = _core._LoopPort(loop)
        first, second = stand_in_line(q, port), stand_in_line(q, port)
        first.future.on_set = lambda: q.put("second")
        q.put("first")
        loop.run()
        assert first.future.times == 1
        assert second.future.times == 0
        assert len(loop.calls) == 1
        loop.run()
        assert second.future.times == 1

    def test_a_future_cancelled_in_the_inbox_is_left_alone(self, Queue):
        q, loop = Queue(), Loop()
        port = _core._LoopPort(loop)
        first, second = stand_in_line(q, port), stand_in_line(q, port)
        q.put(1)
        first.future.cancelled = True
        first.leave()
        loop.run()
        assert first.future.times == 0
        loop.run()
        assert second.future.times == 1, "it was passed on"

    def test_success_at_the_second_look_while_notified_passes_on(self, Queue):
        q, loop = Queue(), Loop()
        waiter = stand_in_line(q, _core._LoopPort(loop))
        q_was_empty_until_now = q.try_get()
        assert q_was_empty_until_now is None
        # An item is put whose notification the waiter gets; but it has found another one by itself.
        q.put("found")
        loop.calls.clear()
        waiter = stand_in_line(q, _core._LoopPort(loop))
        assert q.try_get() == "found"
        thread = in_thread(q.get)
        time.sleep(0.03)
        q.put("meant for the waiter")
        assert thread.is_alive()
        assert len(loop.calls) == 1
        waiter.leave()
        assert thread.end() == "meant for the waiter"

    def test_what_was_accepted_is_not_passed_on(self, Queue):
        q, loop = Queue(), Loop()
        port = _core._LoopPort(loop)
        first, second = stand_in_line(q, port), stand_in_line(q, port)
        q.put(1)
        loop.run()
        assert q.try_get() == 1
        first.accept()
        first.leave()
        assert loop.calls == []
        assert second.future.times == 0
        second.leave()

    def test_leaving_twice_and_without_having_come(self, Queue):
        q, loop = Queue(), Loop()
        port = _core._LoopPort(loop)
        never = _core._TaskWaiter(q, port, Future(), False, None)
        never.leave()
        waiter = stand_in_line(q, port)
        waiter.leave()
        waiter.leave()
        q.put(1)
        assert loop.calls == []

    def test_a_loop_that_closes_is_found_out_at_the_call(self, Queue):
        q, closed, open_ = Queue(), Loop(), Loop()
        first = stand_in_line(q, _core._LoopPort(closed))
        second = stand_in_line(q, _core._LoopPort(open_))
        closed.closed = True
        q.put(1)
        assert len(open_.calls) == 1
        open_.run()
        assert second.future.times == 1
        first.leave()  # was notified, in vain; now it says so, and nobody needs it
        assert open_.calls == []

    def test_a_loop_that_closes_between_the_call_and_the_drain(self, Queue):
        q, closed, open_ = Queue(), Loop(), Loop()
        port = _core._LoopPort(closed)
        first = [stand_in_line(q, port) for _ in range(2)]
        second = stand_in_line(q, _core._LoopPort(open_))
        q.put(1)  # told, and still running
        assert open_.calls == []
        closed.closed = True
        q.put(2)  # it has been called already, but it is closed by now
        assert len(open_.calls) == 1
        open_.run()
        assert second.future.times == 1
        for waiter in first:
            waiter.leave()

    def test_a_stopped_loop_is_called_and_the_next_one_too(self, Queue):
        q, stopped, running = Queue(), Loop(), Loop()
        stopped.running = False
        waiter = stand_in_line(q, _core._LoopPort(stopped))
        stand_in_line(q, _core._LoopPort(running))
        q.put(1)
        assert len(stopped.calls) == len(running.calls) == 1
        stopped.run()
        assert waiter.future.times == 1

    def test_a_loop_that_is_gone(self, Queue):
        q, gone, open_ = Queue(), Loop(), Loop()
        port = _core._LoopPort(gone)
        first = stand_in_line(q, port)
        stand_in_line(q, _core._LoopPort(open_))
        assert port.loop is gone
        del gone
        gc.collect()
        assert port.loop is None
        q.put(1)
        assert len(open_.calls) == 1
        first.leave()

    def test_a_loop_without_weak_references(self, Queue):
        class Rigid(Loop):
            __slots__ = ()

        class Slotted:
            __slots__ = ("calls",)

            def __init__(self):
                self.calls = []

            call_soon_threadsafe = Loop.__dict__["call_soon_threadsafe"]
            closed = False
            on_call = staticmethod(lambda: None)

            def is_running(self):
                return True

        q, loop = Queue(), Slotted()
        port = _core._LoopPort(loop)
        assert port.loop is loop
        waiter = stand_in_line(q, port)
        q.put(1)
        loop.calls.pop()()
        assert waiter.future.times == 1

    @pytest.mark.parametrize("use", ["put", "get"])
    def test_a_loop_that_uses_the_queue_while_it_is_called(self, Queue, use):
        q, loop = Queue(maxsize=2), Loop()
        port = _core._LoopPort(loop)
        waiters = [stand_in_line(q, port) for _ in range(3)]
        loop.on_call = lambda: q.put("inner") if use == "put" else q.try_get()
        q.put("outer")
        assert len(loop.calls) == 1
        loop.run()
        assert sum(waiter.future.times for waiter in waiters) == (2 if use == "put" else 1)
        assert q.drain() == (["outer", "inner"] if use == "put" else [])

    def test_a_signal_in_the_middle_of_telling_a_loop_loses_no_item(self, Queue):
        # The get has its item in its hands when the handler raises in the loop's code.
        q, loop = Queue(iterable=["item"], maxsize=1), Loop()
        waiter = stand_in_line(q, _core._LoopPort(loop), for_room=True)
        interruptions = [KeyboardInterrupt("now")]

        def interrupt():
            if interruptions:
                raise interruptions.pop()

        loop.on_call = interrupt
        taken = []
        with pytest.raises(KeyboardInterrupt, match="now"):
            # The interpreter raises after a call what came during it, and the call's result is gone then. Not here:
            # the item is in the list before extend returns.
            taken.extend(itertools.islice(q, 1))
            for _ in range(1000):
                time.sleep(0)
        assert taken == ["item"]
        assert len(loop.calls) == 1, "the loop was told all the same"
        loop.run()
        assert waiter.future.times == 1

    def test_a_loop_that_always_raises_is_passed_over(self, Queue, monkeypatch):
        seen = []
        monkeypatch.setattr(sys, "unraisablehook", lambda event: seen.append(event.exc_type))
        q, broken, sound = Queue(), Loop(), Loop()

        def fail():
            raise MemoryError

        broken.on_call = fail
        port = _core._LoopPort(broken)
        waiter = stand_in_line(q, port)
        stand_in_line(q, _core._LoopPort(sound))
        in_thread(q.put, 1).end()  # not the main thread: there is nobody to raise it for
        assert len(sound.calls) == 1
        assert set(seen) == {MemoryError}
        broken.on_call = lambda: None
        second = stand_in_line(q, port)
        q.put(2)
        broken.run()
        assert waiter.future.times == second.future.times == 1, (
            "what was left behind is found again"
        )

    def test_a_waiter_keeps_its_turn_in_a_new_future(self, Queue):
        q, loop = Queue(), Loop()
        port = _core._LoopPort(loop)
        first = stand_in_line(q, port)
        second = stand_in_line(q, port)
        q.put(1)
        loop.run()
        q.get()
        first.accept()
        again = stand_in_line(q, port, before=first)
        q.put(2)
        loop.run()
        assert (again.future.times, second.future.times) == (1, 0)


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
        port = _core._LoopPort(Loop())
        waiters = [
            stand_in_line(q, port),
            stand_in_line(q, port, for_room=True),
        ]
        referents = gc.get_referents(q)
        assert all(any(waiter is r for r in referents) for waiter in waiters)
        for waiter in waiters:
            waiter.leave()
        assert not any(isinstance(r, _core._TaskWaiter) for r in gc.get_referents(q))

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
        assert not any(isinstance(r, _core._TaskWaiter) for r in gc.get_referents(q))

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
