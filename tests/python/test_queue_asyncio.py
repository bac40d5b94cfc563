"""Tasks of event loops that wait for a queue, beside threads and tasks of other loops."""

from __future__ import annotations

import asyncio
import gc
import inspect
import sys
import threading
import time
import types

import pytest
from queue_kinds import each_store
from queue_waiters import (
    Loop,
    Waiting,
    a_moment,
    in_thread,
)
from support import hooks, rounds, run_threads, times_asleep

from concurrent_collections import ShutDown

pytestmark = each_store


# ---------------------------------------------------------------- one loop


class TestOneLoop:
    @pytest.mark.queues_only
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

    @pytest.mark.queues_only
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

    @pytest.mark.queues_only
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
            with pytest.raises(RuntimeError, match="and this is trio's"):
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

    @pytest.mark.queues_only
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

    @pytest.mark.queues_only
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
                async with asyncio.timeout(None) as limit:
                    wait = asyncio.create_task(q.async_get())
                    await a_moment()
                    thread = in_thread(q.get)
                    limit.reschedule(asyncio.get_running_loop().time() + 0.05)
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

    @pytest.mark.queues_only
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

    @pytest.mark.queues_only
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
