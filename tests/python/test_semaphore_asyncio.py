"""Semaphores and tasks of any number of event loops: cancellation, timeouts, loops that are closed."""

from __future__ import annotations

import asyncio
import gc
import inspect
import sys
import time
import types
import weakref

import pytest
from queue_waiters import Loop, Waiter, Waiting, a_moment, in_thread, needs_signals
from semaphore_kinds import each_semaphore, taken, until_in_line
from support import Interrupt, hooks, interrupt, rounds, run_threads

from concurrent_collections import Semaphore

pytestmark = each_semaphore


class TestOneLoop:
    def test_what_is_free_is_taken_at_once(self, new):
        async def main():
            s = new(2)
            others = []
            asyncio.get_running_loop().call_soon(others.append, 1)
            assert await s.async_acquire() is True
            async with s as answer:
                assert answer is True
                assert s.value == 0
                assert s.locked()
            assert s.value == 1
            assert others == []

        asyncio.run(main())

    def test_a_task_waits(self, new):
        async def main():
            s = taken(new)
            task = asyncio.create_task(s.async_acquire())
            await a_moment()
            assert (task.done(), s.waiters) == (False, 1)
            s.release()
            assert await task is True
            assert (s.value, s.waiters) == (0, 0)

        asyncio.run(main())

    def test_in_the_order_in_which_they_came(self, new):
        async def main():
            s = taken(new)
            order = []

            async def work(number):
                async with s:
                    order.append(number)

            tasks = [asyncio.create_task(work(number)) for number in range(5)]
            await a_moment()
            assert s.waiters == 5
            s.release()
            await asyncio.gather(*tasks)
            assert order == list(range(5))
            assert s.value == 1

        asyncio.run(main())

    def test_a_release_of_n_wakes_n(self, new):
        async def main():
            s = taken(new, 3)
            tasks = [asyncio.create_task(s.async_acquire()) for _ in range(5)]
            await a_moment()
            s.release(3)
            await a_moment()
            assert [task.done() for task in tasks] == [True] * 3 + [False] * 2
            s.release(2)
            await asyncio.gather(*tasks)

        asyncio.run(main())

    def test_an_exception_in_the_block_gives_back(self, new):
        async def main():
            s = new(1)
            with pytest.raises(KeyError):
                async with s:
                    raise KeyError
            assert s.value == 1

        asyncio.run(main())

    def test_timeouts(self, new):
        async def main():
            s = taken(new)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.01):
                    await s.async_acquire()
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(s.async_acquire(), 0.01)
            assert (s.value, s.waiters) == (0, 0)
            s.release()
            assert await asyncio.wait_for(s.async_acquire(), 60)

        asyncio.run(main())

    def test_it_is_a_coroutine_function(self, new):
        s = new()
        assert inspect.iscoroutinefunction(s.async_acquire)
        coroutine = s.async_acquire()
        assert inspect.iscoroutine(coroutine)
        coroutine.close()
        assert s.value == 1

    def test_without_a_loop(self, new):
        s = new()
        with pytest.raises(StopIteration) as caught:
            s.async_acquire().send(None)  # nothing to wait for
        assert caught.value.value is True
        with pytest.raises(RuntimeError, match="no running event loop"):
            s.async_acquire().send(None)

    def test_other_libraries_are_refused(self, new, monkeypatch):
        sniffio = types.ModuleType("sniffio")
        sniffio.AsyncLibraryNotFoundError = type("AsyncLibraryNotFoundError", (RuntimeError,), {})
        sniffio.current_async_library = lambda: "trio"
        monkeypatch.setitem(sys.modules, "sniffio", sniffio)
        s = new()
        with pytest.raises(RuntimeError, match="and this is trio's"):
            s.async_acquire().send(None)
        assert s.value == 1

    def test_a_thread_that_would_stop_its_loop_is_warned(self, new):
        async def main():
            s = taken(new)
            with pytest.warns(RuntimeWarning, match="async_acquire"):
                assert s.acquire(timeout=0.001) is False

        asyncio.run(main())


class TestThreadsAndLoops:
    def test_a_thread_wakes_a_task_and_a_task_a_thread(self, new):
        async def main():
            s = taken(new)
            task = asyncio.create_task(s.async_acquire())
            await a_moment()
            in_thread(s.release).end()
            assert await asyncio.wait_for(task, 60) is True
            thread = Waiter(s.acquire)
            while s.waiters == 0:
                await asyncio.sleep(0.001)
            s.release()
            assert await asyncio.to_thread(thread.end) is True

        asyncio.run(main())

    def test_one_semaphore_for_many_loops_and_threads(self, new, eager_switching):
        s = new(2)
        each = rounds(150)
        inside = []

        def check():
            inside.append(1)
            assert len(inside) <= 2
            time.sleep(0)
            inside.pop()

        def thread():
            for _ in range(each):
                with s:
                    check()

        def loop():
            async def work():
                for _ in range(each):
                    async with s:
                        check()

            async def main():
                await asyncio.gather(*(work() for _ in range(3)))

            asyncio.run(main())

        run_threads(thread, thread, loop, loop)
        assert (s.value, s.waiters) == (2, 0)


class TestGivingUp:
    def test_cancelled_before_it_is_told(self, new):
        async def main():
            s = taken(new)
            first, second = (asyncio.create_task(s.async_acquire()) for _ in range(2))
            await a_moment()
            first.cancel()
            await a_moment()
            assert s.waiters == 1
            s.release()
            assert await asyncio.wait_for(second, 60) is True
            assert first.cancelled()

        asyncio.run(main())

    def test_cancelled_after_it_was_told(self, new):
        async def main():
            s = taken(new)
            first, second = (asyncio.create_task(s.async_acquire()) for _ in range(2))
            await a_moment()
            s.release()  # the first one is notified
            first.cancel()
            assert await asyncio.wait_for(second, 60) is True
            assert first.cancelled()
            assert (s.value, s.waiters) == (0, 0)

        asyncio.run(main())

    def test_cancelled_after_its_wait_has_ended(self, new):
        async def main():
            s = taken(new)
            first, second = (asyncio.create_task(s.async_acquire()) for _ in range(2))
            await a_moment()
            s.release()
            while not first._fut_waiter.done():
                await asyncio.sleep(0)
                if first.done():
                    break
            if not first.done():
                first.cancel()
                assert await asyncio.wait_for(second, 60) is True
            else:
                s.release()
                assert await asyncio.wait_for(second, 60) is True
            assert (s.value, s.waiters) == (0, 0)

        asyncio.run(main())

    def test_cancelled_inside_the_block(self, new):
        async def main():
            s = new(1)

            async def work():
                async with s:
                    await asyncio.sleep(1000)

            task = asyncio.create_task(work())
            await a_moment()
            assert s.value == 0
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert s.value == 1

        asyncio.run(main())

    def test_a_coroutine_that_is_closed(self, new):
        async def main():
            s = taken(new)
            coroutine = s.async_acquire()
            coroutine.send(None)
            s.release()
            coroutine.close()
            assert (s.value, s.waiters) == (1, 0)

        asyncio.run(main())

    def test_cancelling_at_every_moment_loses_nothing(self, new):
        async def main():
            s = new(2)
            count = 0

            async def work():
                nonlocal count
                async with s:
                    count += 1
                    await asyncio.sleep(0)

            for n in range(rounds(100)):
                tasks = [asyncio.create_task(work()) for _ in range(6)]
                for _ in range(n % 7):
                    await asyncio.sleep(0)
                for task in tasks[n % 2 :: 2]:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                assert (s.value, s.waiters) == (2, 0)
            assert count

        asyncio.run(main())


class TestLoopsThatEnd:
    def wait_in_loop(self, s, tasks=1):
        """A loop that has stopped while tasks wait in it."""
        loop = asyncio.new_event_loop()
        loop.set_exception_handler(lambda loop, context: None)
        waiting = [loop.create_task(s.async_acquire()) for _ in range(tasks)]
        loop.run_until_complete(asyncio.sleep(0))
        return loop, waiting

    def test_a_closed_loop_is_passed_over(self, new):
        s = taken(new)
        loop, tasks = self.wait_in_loop(s, 3)
        thread = Waiter(s.acquire)
        until_in_line(s, 4)
        loop.close()
        s.release()
        assert thread.end() is True
        assert s.value == 0
        del tasks
        gc.collect()
        assert (s.value, s.waiters) == (0, 0)

    def test_a_loop_that_is_closed_after_it_was_told(self, new):
        s = taken(new)
        loop, tasks = self.wait_in_loop(s, 2)
        s.release()  # told, and never runs again
        loop.close()
        thread = Waiter(s.acquire)
        assert thread.end() is True
        del tasks
        gc.collect()
        assert (s.value, s.waiters) == (0, 0)

    def test_a_stopped_loop_is_told_and_a_thread_is_woken_too(self, new):
        s = taken(new)
        loop, tasks = self.wait_in_loop(s)
        thread = Waiter(s.acquire)
        until_in_line(s, 2)
        s.release()
        assert thread.end() is True
        s.release()
        assert loop.run_until_complete(asyncio.wait_for(tasks[0], 60)) is True
        loop.close()
        assert (s.value, s.waiters) == (0, 0)

    def test_asyncio_run_that_ends_under_waiting_tasks(self, new):
        s = taken(new)

        async def main():
            tasks = [asyncio.create_task(s.async_acquire()) for _ in range(3)]
            await a_moment()
            s.release()
            return tasks

        asyncio.run(main())
        assert (s.value, s.waiters) == (1, 0)

    def test_an_abandoned_semaphore_with_a_waiting_task_is_collected(self, new):
        s = taken(new)
        loop, tasks = self.wait_in_loop(s)
        reference = weakref.ref(s)
        loop.close()
        del s, loop, tasks
        gc.collect()
        assert reference() is None


class TestStepByStep:
    """With a loop that does what it is told, one call after the other."""

    def test_told_and_taken_back(self, new):
        s = taken(new)
        loop = Loop()
        first, second = Waiting(s, loop), Waiting(s, loop)
        assert s.waiters == 2
        s.release()
        assert s.waiters == 1
        first.leave()  # gives up, though it was told
        assert s.waiters == 0
        loop.run(), loop.run()
        assert (first.times, second.times) == (1, 1)
        assert second.go_on() is True
        assert s.value == 0

    def test_followed_and_not_passed_on(self, new):
        s = taken(new)
        loop = Loop()
        first, second = Waiting(s, loop), Waiting(s, loop)
        s.release()
        loop.run(), loop.run()
        assert first.go_on() is True
        assert (s.value, s.waiters, second.times) == (0, 1, 0)
        second.leave()
        assert (s.value, s.waiters) == (0, 0)

    def test_a_loop_that_closes_between_the_call_and_the_drain(self, new):
        s = taken(new)
        dies, lives = Loop(), Loop()
        first, second = Waiting(s, dies), Waiting(s, lives)
        s.release()
        dies.close()
        assert s.waiters == 0
        lives.run(), lives.run()
        assert second.go_on() is True
        first.leave()
        assert (s.value, s.waiters) == (0, 0)

    def test_a_loop_that_is_closed_is_found_out_at_the_call(self, new):
        s = taken(new)
        dead, lives = Loop(), Loop()
        first, second = Waiting(s, dead), Waiting(s, lives)
        dead.closed = True
        s.release()
        lives.run(), lives.run()
        assert second.go_on() is True
        first.leave()
        assert (s.value, s.waiters) == (0, 0)

    def test_a_stopped_loop_that_runs_again(self, new):
        s = taken(new)
        loop = Loop()
        loop.running = False
        waiting = Waiting(s, loop)
        s.release()
        assert s.value == 1  # for whoever comes first
        loop.running = True
        loop.run(), loop.run()
        assert waiting.times == 1
        assert waiting.go_on() is True
        assert s.value == 0

    @pytest.mark.parametrize("kind", [KeyboardInterrupt, Interrupt])
    def test_a_signal_in_the_middle_of_telling_a_loop_loses_nothing(self, new, kind):
        s = taken(new)
        loop = Loop()
        waiting = Waiting(s, loop)
        raised = []

        def raise_once():
            if not raised:
                raised.append(1)
                raise kind

        loop.on_call = raise_once
        with pytest.raises(kind):
            s.release()
            for _ in range(1000):
                time.sleep(0)
        loop.run(), loop.run()
        assert waiting.go_on() is True
        assert (s.value, s.waiters) == (0, 0)

    @pytest.mark.parametrize("when", ["before the line", "in line"])
    def test_a_release_while_it_gets_in_line(self, new, when):
        s = taken(new)
        came = []

        def come_between(moment):
            if moment == when and not came:
                came.append(1)
                s.release()

        async def main():
            return await asyncio.wait_for(s.async_acquire(), 60)

        hooks().call_while_waiting(come_between)
        try:
            assert asyncio.run(main()) is True
        finally:
            hooks().call_while_waiting(None)
        assert came
        assert (s.value, s.waiters) == (0, 0)


@needs_signals
def test_ctrl_c_in_the_block_gives_back(new, alarm):
    s = new(1)

    async def main():
        async with s:
            alarm(interrupt, 0.05)
            while True:
                time.sleep(0.001)

    with pytest.raises(Interrupt):
        asyncio.run(main())
    assert (s.value, s.waiters) == (1, 0)


def test_a_subclass_decides_what_leaving_means(new):
    cls = type(new())

    class Counting(cls):
        released = 0

        def release(self, n=1):
            self.released += n
            super().release(n)

    async def main():
        s = Counting(1)
        async with s:
            pass
        assert (s.released, s.value) == (1, 1)

    asyncio.run(main())
    assert issubclass(cls, Semaphore)
