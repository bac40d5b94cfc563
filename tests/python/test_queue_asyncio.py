"""Tasks of event loops that wait for a queue, beside threads and tasks of other loops.

The races that tests/stress would hardly ever meet are played step by step here, with loops and futures that only
write down what they are asked to do.
"""

from __future__ import annotations

import asyncio
import gc
import inspect
import itertools
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
from support import Object, dead, hooks, rounds, run_threads, times_asleep

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

    def test_both_are_coroutine_functions(self, Queue):
        q = Queue()
        for function in (q.async_get, q.async_put, Queue.cls.async_get):
            assert inspect.iscoroutinefunction(function)
        assert str(inspect.signature(q.async_get)) == "()"
        assert str(inspect.signature(q.async_put)) == "(item)"

    def test_every_way_to_run_a_coroutine(self, Queue):
        async def main():
            q = Queue()
            tasks = [
                asyncio.create_task(q.async_get(), name="n"),
                asyncio.ensure_future(q.async_get()),
            ]
            async with asyncio.TaskGroup() as group:
                tasks.append(group.create_task(q.async_get()))
                group.create_task(q.async_put("a"))
                await a_moment()
                both = asyncio.gather(q.async_get(), asyncio.shield(q.async_get()))
                await a_moment()
                q.put_many("bcde")
            assert sorted([await task for task in tasks] + await both) == list("abcde")
            async with asyncio.timeout(30):
                q.put("f")
                assert await asyncio.wait_for(q.async_get(), 30) == "f"

        asyncio.run(main(), debug=True)

    @pytest.mark.parametrize("factory", ["in Python", "eager"])
    def test_other_tasks(self, Queue, factory):
        if factory == "eager" and not hasattr(asyncio, "eager_task_factory"):
            pytest.skip("no eager tasks before CPython 3.12")

        def in_python(loop, coroutine, **others):
            return asyncio.tasks._PyTask(coroutine, loop=loop, **others)

        async def main():
            loop = asyncio.get_running_loop()
            loop.set_task_factory(
                in_python if factory == "in Python" else asyncio.eager_task_factory
            )
            q = Queue(maxsize=1)
            tasks = [asyncio.create_task(q.async_get()) for _ in range(3)]
            await a_moment()
            tasks[1].cancel("enough")
            puts = [asyncio.create_task(q.async_put(n)) for n in range(3)]
            assert await tasks[0] == 0
            with pytest.raises(asyncio.CancelledError, match="enough"):
                await tasks[1]
            assert await tasks[2] == 1
            await asyncio.gather(*puts)
            assert q.drain() == [2]

        asyncio.run(main())

    def test_an_item_in_hand_when_a_signal_arrives_is_not_lost(self, Queue):
        # B6. The handler would raise at the next bytecode: while the item is on its way to the task there must be none.
        loop, taken = Loop(), []
        q = Queue(iterable=["item"], maxsize=1)
        Waiting(q, loop, for_room=True)
        interruptions = [KeyboardInterrupt("now")]

        def interrupt():  # in the middle of the get, which tells the one who waits for room
            if interruptions:
                raise interruptions.pop()

        loop.on_call = interrupt

        async def main():
            taken.append(await q.async_get())
            for _ in range(1000):
                time.sleep(0)

        with pytest.raises(KeyboardInterrupt, match="now"):
            main().send(None)
        assert taken == ["item"]

    @pytest.mark.parametrize("there", [[], ["item"]])
    def test_other_libraries_are_refused_at_once(self, Queue, there, monkeypatch):
        # Also when there is something to take: not only when it is too late to notice.
        class AsyncLibraryNotFoundError(RuntimeError):
            pass

        sniffio = types.ModuleType("sniffio")
        sniffio.AsyncLibraryNotFoundError = AsyncLibraryNotFoundError
        sniffio.current_async_library = lambda: "trio"
        monkeypatch.setitem(sys.modules, "sniffio", sniffio)
        q = Queue(iterable=there)
        for coroutine in (q.async_get(), q.async_put(1), anext(aiter(q))):
            with pytest.raises(RuntimeError, match="not in those of trio"):
                coroutine.send(None)
        assert q.drain() == there
        sniffio.current_async_library = lambda: "asyncio"
        q.put(1)
        assert asyncio.run(q.async_get()) == 1

        def nothing_runs():
            raise AsyncLibraryNotFoundError

        sniffio.current_async_library = nothing_runs
        with pytest.raises(RuntimeError, match="no running event loop"):
            q.async_get().send(None)

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
            while times_asleep(q) < 1:  # it stands behind the task
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

    def test_success_at_the_second_look_passes_on(self, Queue):
        # Race 3. It finds at its second look what came before it stood in line, and is notified of another item.
        q, moments, threads = Queue(), [], []

        def come_between(moment):
            if threading.current_thread() is not threading.main_thread():
                return
            moments.append(moment)
            if moment == "before the line":
                q.put("found")  # nobody is in line
            elif moment == "tried again":  # with "found" in hand
                threads.append(in_thread(q.get))
                deadline = time.monotonic() + 60
                while times_asleep(q) < 1:
                    assert time.monotonic() < deadline
                    time.sleep(0.001)
                q.put("meant for the other")

        hooks().call_while_waiting(come_between)
        try:
            assert asyncio.run(asyncio.wait_for(q.async_get(), 60)) == "found"
        finally:
            hooks().call_while_waiting(None)
        assert moments == ["before the line", "in line", "tried again"]
        assert threads[0].end() == "meant for the other"

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
        with pytest.raises(RuntimeError, match="get would stop all greenlets"):
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


# ---------------------------------------------------------------- step by step, with actors


class Loop:
    """A loop that writes down what it is asked to call."""

    def __init__(self):
        self.calls = []  # from any thread
        self.soon = []  # from the loop's own
        self.closed = False
        self.running = True
        self.on_call = lambda: None
        self.on_call_soon = lambda: None

    def call_soon_threadsafe(self, function, *arguments):
        if self.closed:
            raise RuntimeError("Event loop is closed")
        self.on_call()
        self.calls.append(function)

    def call_soon(self, function, *arguments, context):
        if self.closed:
            raise RuntimeError("Event loop is closed")
        self.soon.append(function)
        self.on_call_soon()

    def is_closed(self):
        return self.closed

    def is_running(self):
        return self.running

    def run(self):
        """Once around. Other threads may append meanwhile: nothing takes their list away from them."""
        for calls in self.calls, self.soon:
            for _ in range(len(calls)):
                calls.pop(0)()

    def close(self):
        self.closed = True
        self.calls.clear()
        self.soon.clear()


class Waiting:
    """A task that is awaiting a queue, and goes on when it is told to."""

    def __init__(self, q, loop, for_room=False):
        self.wait = _core._TaskWait(q, for_room, "put by a task" if for_room else None)
        self.times = 0  # how often it was told
        self.on_told = lambda: None
        asyncio._set_running_loop(loop)
        try:
            self.expect_to_wait()
        finally:
            asyncio._set_running_loop(None)

    def expect_to_wait(self):
        assert self.wait.send(None) is self.wait
        assert self.wait._asyncio_future_blocking
        self.wait._asyncio_future_blocking = False  # as a task does
        self.wait.add_done_callback(self.told)

    def told(self, wait):
        assert wait is self.wait
        assert wait.done()
        self.times += 1
        self.on_told()

    def go_on(self):
        """What it gets, when it does not wait again."""
        with pytest.raises(StopIteration) as caught:
            self.wait.send(None)
        return caught.value.value

    def leave(self):
        self.wait.close()


def stand_in_line(q, loop, for_room=False):
    return Waiting(q, loop, for_room)


def run_until_told(loop, waiter):
    end = time.monotonic() + 60
    while not waiter.times and time.monotonic() < end:
        loop.run()
        time.sleep(0.001)
    assert waiter.times == 1


class TestStepByStep:
    def test_one_call_for_all_until_the_loop_gets_to_it(self, Queue):
        q, loop = Queue(), Loop()
        waiters = [stand_in_line(q, loop) for _ in range(4)]
        q.put_many("abc")
        assert len(loop.calls) == 1
        assert [waiter.times for waiter in waiters] == [0, 0, 0, 0]
        loop.run()
        assert [waiter.times for waiter in waiters] == [1, 1, 1, 0]
        q.put("d")
        assert len(loop.calls) == 1
        loop.run()
        assert waiters[3].times == 1
        q.put("e")  # nobody waits
        assert loop.calls == []

    def test_a_notification_that_arrives_during_the_drain(self, Queue):
        # It comes too late for this drain, and too early to count on it.
        q, loop = Queue(), Loop()
        first, second = stand_in_line(q, loop), stand_in_line(q, loop)
        more = ["second"]
        loop.on_call_soon = lambda: more and q.put(more.pop())
        q.put("first")
        loop.run()
        assert first.times == 1
        assert second.times == 0
        assert len(loop.calls) == 1
        loop.run()
        assert second.times == 1

    def test_a_task_cancelled_in_the_inbox_is_told_once(self, Queue):
        q, loop = Queue(), Loop()
        first, second = stand_in_line(q, loop), stand_in_line(q, loop)
        q.put(1)
        assert first.wait.cancel("enough")
        assert not first.wait.cancel()
        assert first.wait.cancelled()
        with pytest.raises(asyncio.CancelledError, match="enough") as caught:
            first.wait.result()
        with pytest.raises(asyncio.CancelledError):
            first.wait.throw(caught.value)
        loop.run()
        assert first.times == 1
        loop.run()
        assert second.times == 1, "it was passed on"

    def test_success_at_the_second_look_while_notified_passes_on(self, Queue):
        q, loop = Queue(), Loop()
        waiter = stand_in_line(q, loop)
        thread = in_thread(q.get)
        time.sleep(0.03)
        q.put("meant for the waiter")
        assert thread.is_alive()
        assert len(loop.calls) == 1
        waiter.leave()
        assert thread.end() == "meant for the waiter"

    def test_what_was_accepted_is_not_passed_on(self, Queue):
        q, loop = Queue(), Loop()
        first, second = stand_in_line(q, loop), stand_in_line(q, loop)
        q.put(1)
        loop.run()
        assert first.go_on() == 1
        first.leave()
        assert loop.calls == []
        assert second.times == 0
        second.leave()

    def test_leaving_twice_and_without_having_come(self, Queue):
        q, loop = Queue(), Loop()
        never = _core._TaskWait(q, False, None)
        never.close()
        waiter = stand_in_line(q, loop)
        waiter.leave()
        waiter.leave()
        q.put(1)
        assert loop.calls == []

    def test_a_loop_that_closes_is_found_out_at_the_call(self, Queue):
        q, closed, open_ = Queue(), Loop(), Loop()
        first = stand_in_line(q, closed)
        second = stand_in_line(q, open_)
        closed.closed = True
        q.put(1)
        assert len(open_.calls) == 1
        open_.run()
        assert second.times == 1
        first.leave()  # was notified, in vain; now it says so, and nobody needs it
        assert open_.calls == []

    def test_a_loop_that_closes_between_the_call_and_the_drain(self, Queue):
        q, closed, open_ = Queue(), Loop(), Loop()
        first = [stand_in_line(q, closed) for _ in range(2)]
        second = stand_in_line(q, open_)
        q.put(1)  # told, and still running
        assert open_.calls == []
        closed.closed = True
        q.put(2)  # it has been called already, but it is closed by now
        assert len(open_.calls) == 1
        open_.run()
        assert second.times == 1
        for waiter in first:
            waiter.leave()

    def test_a_stopped_loop_is_called_and_the_next_one_too(self, Queue):
        q, stopped, running = Queue(), Loop(), Loop()
        stopped.running = False
        waiter = stand_in_line(q, stopped)
        stand_in_line(q, running)
        q.put(1)
        assert len(stopped.calls) == len(running.calls) == 1
        stopped.run()
        assert waiter.times == 1

    def test_a_loop_that_is_gone(self, Queue):
        q, gone, open_ = Queue(), Loop(), Loop()
        reference = weakref.ref(gone)
        stand_in_line(q, gone)  # nobody else has the task
        second = stand_in_line(q, open_)
        q.put(1)
        assert len(gone.calls) == 1
        assert open_.calls == []
        del gone
        gc.collect()
        assert dead(reference)
        assert len(open_.calls) == 1, "what nobody will hear any more was passed on"
        open_.run()
        assert second.go_on() == 1

    @pytest.mark.parametrize("rounds_of_loop", [0, 1])
    def test_a_loop_that_closes_under_tasks_that_are_held(self, Queue, rounds_of_loop):
        # Told, and the loop closed before the task could go on, at either of the two stages. The tasks live on.
        q, closed, open_ = Queue(), Loop(), Loop()
        held = [stand_in_line(q, closed) for _ in range(3)]
        others = [stand_in_line(q, open_) for _ in range(3)]
        q.put_many("ab")
        if rounds_of_loop:
            for call in closed.calls:
                call()
            closed.calls.clear()
            assert len(closed.soon) == 2
        assert open_.calls == []
        closed.close()
        open_.run()
        assert [task.times for task in others] == [1, 1, 0]
        assert [task.go_on() for task in others[:2]] == ["a", "b"]
        q.put("c")  # the third one of the closed loop has not been told
        open_.run()
        assert others[2].go_on() == "c"
        for task in held:
            task.leave()  # has nothing to pass on any more
        assert open_.calls == closed.calls == []

    def test_a_loop_that_cannot_be_told_and_closes_passes_on_what_others_told_it(self, Queue):
        q, closed, open_ = Queue(), Loop(), Loop()
        held = [stand_in_line(q, closed) for _ in range(2)]
        others = [stand_in_line(q, open_) for _ in range(2)]

        def close_late():
            closed.on_call = lambda: None
            q.put("b")  # into the same inbox, while the loop seems to run
            closed.close()
            raise RuntimeError("Event loop is closed")

        closed.on_call = close_late
        q.put("a")
        open_.run()
        assert [task.go_on() for task in others] == ["a", "b"]
        for task in held:
            task.leave()

    @pytest.mark.parametrize("use", ["put", "get"])
    def test_a_loop_that_uses_the_queue_while_it_is_called(self, Queue, use):
        q, loop = Queue(maxsize=2), Loop()
        waiters = [stand_in_line(q, loop) for _ in range(3)]
        loop.on_call = lambda: q.put("inner") if use == "put" else q.try_get()
        q.put("outer")
        assert len(loop.calls) == 1
        loop.run()
        assert sum(waiter.times for waiter in waiters) == (2 if use == "put" else 1)
        assert q.drain() == (["outer", "inner"] if use == "put" else [])

    @pytest.mark.parametrize("kind", [KeyboardInterrupt, RuntimeError])  # closed loops raise that
    def test_a_signal_in_the_middle_of_telling_a_loop_loses_no_item(self, Queue, kind):
        # The get has its item in its hands when the handler raises in the loop's code.
        q, loop = Queue(iterable=["item"], maxsize=1), Loop()
        waiter = stand_in_line(q, loop, for_room=True)
        interruptions = [kind("now")]

        def interrupt():
            if interruptions:
                raise interruptions.pop()

        loop.on_call = interrupt
        taken = []
        with pytest.raises(kind, match="now"):
            # The interpreter raises after a call what came during it, and the call's result is gone then. Not here:
            # the item is in the list before extend returns.
            taken.extend(itertools.islice(q, 1))
            for _ in range(1000):
                time.sleep(0)
        assert taken == ["item"]
        assert len(loop.calls) == 1, "the loop was told all the same"
        loop.run()
        assert waiter.times == 1

    def test_a_loop_that_always_raises_is_passed_over(self, Queue, monkeypatch):
        seen = []
        monkeypatch.setattr(sys, "unraisablehook", lambda event: seen.append(event.exc_type))
        q, broken, sound = Queue(), Loop(), Loop()

        def fail():
            raise MemoryError

        broken.on_call = fail
        waiter = stand_in_line(q, broken)
        in_thread(
            stand_in_line, q, sound
        ).end()  # a thread has one port, of the loop that ran there last
        in_thread(q.put, 1).end()  # not the main thread: there is nobody to raise it for
        assert len(sound.calls) == 1
        assert set(seen) == {MemoryError}
        assert q.get() == 1
        broken.on_call = lambda: None
        run_until_told(broken, waiter)  # without another notification
        sound.close()

    def test_a_put_without_stack_left_tells_the_loop_all_the_same(self, Queue, monkeypatch):
        monkeypatch.setattr(sys, "unraisablehook", lambda event: None)
        q, loop = Queue(), Loop()
        waiter = stand_in_line(q, loop)
        deep = set()

        def fail():
            if threading.get_ident() in deep:
                raise RecursionError

        def put_at_the_bottom():
            deep.add(threading.get_ident())
            try:
                put_at_the_bottom()
            except RecursionError:
                q.try_put("deep")

        loop.on_call = fail
        in_thread(put_at_the_bottom).end()
        run_until_told(loop, waiter)
        assert waiter.go_on() == "deep"

    def test_a_put_without_stack_left_raises_nothing_later(self, Queue, monkeypatch):
        seen = []
        monkeypatch.setattr(sys, "unraisablehook", lambda event: seen.append(event.exc_type))
        q, loop = Queue(), Loop()
        waiter = stand_in_line(q, loop)
        errors = [RecursionError()]

        def fail():
            if errors:
                raise errors.pop()

        loop.on_call = fail
        q.put("item")
        for _ in range(1000):
            time.sleep(0)
        run_until_told(loop, waiter)
        assert waiter.go_on() == "item"
        assert seen == [RecursionError]

    def test_a_signal_in_the_middle_of_waking_a_task_wakes_it(self, Queue):
        # B6: the handler raises before, or after, the loop has noted the call. Once is once, all the same.
        for before, kind in itertools.product((True, False), (KeyboardInterrupt, RuntimeError)):
            q, loop = Queue(iterable=["old"], maxsize=1), Loop()
            waiter = stand_in_line(q, loop, for_room=True)
            interruptions = [kind("now")]

            def interrupt(loop=loop, before=before, interruptions=interruptions):
                if interruptions:
                    if before:
                        loop.soon.clear()
                    raise interruptions.pop()

            loop.on_call_soon = interrupt
            assert q.get() == "old"
            with pytest.raises(kind, match="now"):
                loop.run()
                for _ in range(1000):
                    time.sleep(0)
            loop.run()
            assert waiter.times == 1
            assert waiter.go_on() is None
            assert q.drain() == ["put by a task"]

    def test_a_waiter_keeps_its_turn(self, Queue):
        q, loop = Queue(), Loop()
        first, second = stand_in_line(q, loop), stand_in_line(q, loop)
        q.put(1)
        loop.run()
        q.get()
        first.expect_to_wait()
        q.put(2)
        loop.run()
        assert (first.times, second.times) == (2, 0)

    def test_what_a_wait_refuses(self, Queue):
        q, loop = Queue(), Loop()
        task = stand_in_line(q, loop)
        assert task.wait.get_loop() is loop
        assert not task.wait.done()
        with pytest.raises(asyncio.InvalidStateError):
            task.wait.result()
        with pytest.raises(RuntimeError, match="before"):
            task.wait.send(None)
        q.put(1)  # it has left
        assert loop.calls == []
        with pytest.raises(RuntimeError, match="twice"):
            task.wait.send(None)
        with pytest.raises(ValueError, match="thrown"):
            stand_in_line(Queue(), loop).wait.throw(ValueError("thrown"))

    def test_what_is_thrown_into_a_wait(self, Queue):
        q, loop = Queue(), Loop()
        error = KeyError("x")
        for thrown in ((error,), (KeyError, error), (KeyError, "x"), (KeyError, "x", None)):
            waiter = stand_in_line(q, loop)
            with pytest.raises(KeyError, match="x"):
                waiter.wait.throw(*thrown)
        q.put(1)
        assert loop.calls == [], "they are gone"
        with pytest.raises(KeyError):
            stand_in_line(Queue(), loop).wait.throw(KeyError)

    def test_callbacks_of_a_wait(self, Queue):
        q, loop, seen = Queue(), Loop(), []
        task = stand_in_line(q, loop)
        task.wait.add_done_callback(seen.append)
        task.wait.add_done_callback(print)
        assert task.wait.remove_done_callback(print) == 1
        q.put(1)
        loop.run()
        assert seen == [task.wait]
        task.wait.add_done_callback(seen.append)  # too late: at once
        loop.run()
        assert seen == [task.wait] * 2
        assert task.wait.result() is task.wait.exception() is None


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
        assert not any(isinstance(r, _core._TaskWait) for r in gc.get_referents(q))

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
        assert not any(isinstance(r, _core._TaskWait) for r in gc.get_referents(q))

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
