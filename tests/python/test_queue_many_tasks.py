"""Tasks that get or put many at once, and that wait until all is finished; beside threads, cancelled, and shut down."""

from __future__ import annotations

import asyncio
import inspect
import random
import signal
import sys

import pytest
from queue_kinds import each_store
from queue_waiters import Loop, Waiting, a_moment, in_thread, needs_signals, stand_in_line
from support import hooks, rounds

from concurrent_collections import Full, ShutDown, _queues

pytestmark = each_store

FOR_ITEMS, FOR_ROOM_FOR_MANY, FOR_ALL_FINISHED = 3, 4, 2
MOST = _queues._most_for_task(10**9)  # taken at once; builds with other sizes have another one


def newest_first(Queue, items):
    """In the order in which this kind of store gives them out again."""
    return list(items) if hasattr(Queue.cls, "backend") else list(items)[::-1]


def next_step(wait):
    """What it comes to when all others have had their turn."""
    while True:
        answer = wait.send(None)
        if answer is not None:
            return answer


class Waits(Waiting):
    """As Waiting, for what is not an item or room."""

    def __init__(self, q, loop, what, argument=None):
        self.wait = _queues._TaskWait(q, what, argument)
        self.times = 0
        self.on_told = lambda: None
        asyncio._set_running_loop(loop)
        try:
            self.expect_to_wait()
        finally:
            asyncio._set_running_loop(None)


# ---------------------------------------------------------------- get


class TestGetMany:
    def test_what_is_there_is_taken_at_once(self, Queue):
        async def main():
            q, left = Queue(iterable=range(5)), newest_first(Queue, range(5))
            for most in 2, 100:
                taken = await q.async_get_many(max_items=most)
                assert taken == left[: min(most, MOST)]
                del left[: min(most, MOST)]
            assert sorted(q.drain()) == sorted(left)

        asyncio.run(main())

    def test_a_task_waits_for_the_first_item(self, Queue):
        async def main():
            q = Queue()
            task = asyncio.create_task(q.async_get_many(10))
            await a_moment()
            assert not task.done()
            q.put("a")
            q.put("b")
            taken = await task
            assert taken == newest_first(Queue, "ab")[:MOST]
            assert len(taken) + len(q) == 2

        asyncio.run(main())

    def test_no_more_than_a_loop_can_bear(self, Queue):
        async def main():
            q = Queue(iterable=range(2 * MOST + 1))
            taken = [len(await q.async_get_many(sys.maxsize)) for _ in range(3)]
            assert taken == [MOST, MOST, 1]

        asyncio.run(main())

    @pytest.mark.parametrize("wrong", [0, -1, -(10**30)])
    def test_less_than_one(self, Queue, wrong):
        q = Queue(iterable=[1])
        with pytest.raises(ValueError, match="max_items: expected an int from 1"):
            asyncio.run(q.async_get_many(wrong))
        with pytest.raises(TypeError, match="max_items: expected an int, got str"):
            asyncio.run(q.async_get_many("1"))
        assert len(q) == 1

    def test_every_item_makes_room(self, Queue):
        async def main():
            q = Queue(iterable=range(3), maxsize=3)
            puts = [asyncio.create_task(q.async_put(n)) for n in range(3, 6)]
            await a_moment()
            taken = []
            while len(taken) < 3:
                taken += await q.async_get_many(3 - len(taken))
            await asyncio.gather(*puts)
            assert sorted(taken + q.drain()) == list(range(6))
            assert len(taken) == 3

        asyncio.run(main())

    def test_the_end(self, Queue):
        async def main():
            q = Queue(iterable=[1])
            other = Queue()
            task = asyncio.create_task(other.async_get_many(3))
            await a_moment()
            q.shutdown()
            other.shutdown()
            assert await q.async_get_many(3) == [1]
            for waits in q.async_get_many(3), task:
                with pytest.raises(ShutDown) as caught:
                    await waits
                assert not hasattr(caught.value, "items_taken")

        asyncio.run(main())

    def test_cancelled_after_it_was_notified_it_has_taken_nothing(self, Queue):
        async def main():
            q = Queue()
            first = asyncio.create_task(q.async_get_many(10))
            await a_moment()
            second = asyncio.create_task(q.async_get_many(10))
            await a_moment()
            q.put("item")
            first.cancel()
            assert await second == ["item"]
            with pytest.raises(asyncio.CancelledError):
                await first

        asyncio.run(main())

    def test_a_closed_loop_passes_on(self, Queue):
        q, closed, open_ = Queue(), Loop(), Loop()
        first, second = (Waits(q, loop, FOR_ITEMS, 5) for loop in (closed, open_))
        q.put("item")
        closed.close()
        assert len(open_.calls) == 1
        open_.run()
        assert second.go_on() == ["item"]
        first.leave()


# ---------------------------------------------------------------- put


class TestPutMany:
    def test_as_long_as_there_is_room(self, Queue):
        async def main():
            q = Queue(maxsize=4)
            assert await q.async_put_many([]) == 0
            assert await q.async_put_many("ab") == 2
            assert await q.async_put_many(iter("cd")) == 2
            assert q.drain() == newest_first(Queue, "abcd")

        asyncio.run(main())

    def test_a_task_waits_for_room(self, Queue):
        async def main():
            q = Queue(maxsize=2)
            task = asyncio.create_task(q.async_put_many(range(50)))
            taken = []
            while len(taken) < 50:
                taken += await q.async_get_many(3)
            assert await task == 50
            assert sorted(taken) == list(range(50))

        asyncio.run(main())

    def test_other_tasks_get_a_turn(self, Queue):
        async def main():
            q = Queue()
            lengths = []

            async def look():
                while not task.done():
                    lengths.append(len(q))
                    await asyncio.sleep(0)

            task = asyncio.create_task(q.async_put_many(range(3 * MOST + 1)))
            await look()
            assert await task == 3 * MOST + 1
            assert {MOST, 2 * MOST, 3 * MOST} <= set(lengths)

        asyncio.run(main())

    def test_taking_turns_while_it_is_being_told(self, Queue):
        # Found by a fresh reader: it went back into the line while an inbox still had its node.
        def come_between(moment):
            if moment == "before the line":
                q.drain()  # there is room, and nobody is in line
            elif moment == "tried again":  # as much as it puts at once; it stands in line
                q.get()

        q, loop = Queue(iterable=range(2 * MOST), maxsize=2 * MOST), Loop()
        puts = _queues._TaskPuts(range(4 * MOST))
        hooks().call_while_waiting(come_between)
        try:
            putter = Waits(q, loop, FOR_ROOM_FOR_MANY, puts)
        finally:
            hooks().call_while_waiting(None)
        assert puts.items_put == MOST
        assert q.waiting_putters == 0
        assert len(loop.calls) == 1
        loop.run()
        assert putter.times == 1
        asyncio._set_running_loop(loop)
        try:
            assert next_step(putter.wait) is putter.wait
            assert len(q) == 2 * MOST
            second = stand_in_line(q, loop, for_room=True)
            q.drain()
            loop.run()
            assert second.times == 1
            with pytest.raises(StopIteration) as caught:
                next_step(putter.wait)
        finally:
            asyncio._set_running_loop(None)
        assert caught.value.value == 4 * MOST
        second.leave()
        assert q.waiting_putters == 0

    def test_cancelled_it_says_how_far_it_came(self, Queue):
        async def main():
            q = Queue(maxsize=3)
            items = iter("abcdef")
            task = asyncio.create_task(q.async_put_many(items))
            await a_moment()
            task.cancel("enough")
            with pytest.raises(asyncio.CancelledError, match="enough") as caught:
                await task
            assert caught.value.items_put == 3
            assert caught.value.item_not_put == "d"
            assert q.drain() == newest_first(Queue, "abc")
            assert list(items) == ["e", "f"]

        asyncio.run(main())

    def test_a_timeout_has_it_as_its_cause(self, Queue):
        async def main():
            async def end_it(limit):
                while not q.waiting_putters:
                    await asyncio.sleep(0)
                limit.reschedule(0)  # long ago

            q = Queue(maxsize=3)
            with pytest.raises(TimeoutError) as caught:
                async with asyncio.timeout(None) as limit:
                    ending = asyncio.create_task(end_it(limit))
                    await q.async_put_many(range(10))
            await ending
            assert caught.value.__cause__.items_put == len(q) == 3
            assert caught.value.__cause__.item_not_put == 3

        asyncio.run(main())

    def test_cancelled_while_others_have_their_turn(self, Queue):
        async def main():
            q = Queue()
            task = asyncio.create_task(q.async_put_many(range(10 * MOST)))
            while not len(q):
                await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError) as caught:
                await task
            assert caught.value.items_put == len(q) < 10 * MOST
            assert not hasattr(caught.value, "item_not_put")

        asyncio.run(main())

    def test_cancelled_after_it_was_notified_its_room_goes_to_the_next(self, Queue):
        async def main():
            q = Queue(iterable=[0], maxsize=1)
            first = asyncio.create_task(q.async_put_many("ab"))
            await a_moment()
            second = asyncio.create_task(q.async_put("c"))
            await a_moment()
            assert q.get() == 0
            first.cancel()
            await second
            with pytest.raises(asyncio.CancelledError) as caught:
                await first
            assert (caught.value.items_put, caught.value.item_not_put) == (0, "a")
            assert q.drain() == ["c"]

        asyncio.run(main())

    def test_the_end_comes_meanwhile(self, Queue):
        async def main():
            q = Queue(maxsize=2)
            task = asyncio.create_task(q.async_put_many(range(5)))
            await a_moment()
            q.shutdown()
            with pytest.raises(ShutDown) as caught:
                await task
            assert (caught.value.items_put, caught.value.item_not_put) == (2, 2)
            assert sorted(q.drain()) == [0, 1]

        asyncio.run(main())

    def test_after_the_end_it_takes_nothing(self, Queue):
        q = Queue()
        q.shutdown()
        items = iter(range(3))
        with pytest.raises(ShutDown) as caught:
            asyncio.run(q.async_put_many(items))
        assert caught.value.items_put == 0
        assert not hasattr(caught.value, "item_not_put")
        assert list(items) == [0, 1, 2]

    def test_an_iterable_that_raises(self, Queue):
        q = Queue()

        def items():
            yield from range(3)
            raise KeyError("x")

        with pytest.raises(KeyError) as caught:
            asyncio.run(q.async_put_many(items()))
        assert caught.value.items_put == len(q) == 3
        assert not hasattr(caught.value, "item_not_put")
        with pytest.raises(TypeError, match="not iterable"):
            asyncio.run(q.async_put_many(5))

    @pytest.mark.parametrize("tasks", [False, True])
    def test_an_exception_that_has_been_here_before(self, Queue, tasks):
        # Of a call inside the iterable, or of one before.
        q, inner, error = Queue(), Queue(maxsize=1), ValueError()
        error.item_not_put = "another's"

        def put_many(store, items):
            return asyncio.run(store.async_put_many(items)) if tasks else store.put_many(items)

        def bad():
            yield 1
            raise error

        def items():
            yield "a"
            yield "b"
            inner.put_many(bad())

        with pytest.raises(ValueError) as caught:
            put_many(q, items())
        assert caught.value.items_put == len(q) == 2
        assert not hasattr(caught.value, "item_not_put")
        with pytest.raises(ValueError) as caught:
            put_many(q, bad())
        assert caught.value.items_put == 1

    @pytest.mark.parametrize("kind", [ShutDown, Full])
    def test_the_iterables_own_end_is_left_alone(self, Queue, kind):
        q = Queue()

        def items():
            yield 1
            raise kind

        with pytest.raises(kind) as caught:
            asyncio.run(q.async_put_many(items()))
        assert not hasattr(caught.value, "items_put")
        assert q.drain() == [1]

    def test_an_iterable_that_uses_the_queue(self, Queue):
        # Its code runs while the task stands in line, and makes the very room for which that waits.
        async def main():
            q = Queue(maxsize=2)
            taken = []

            def items():
                for n in range(20):
                    yield n
                    if n % 2:
                        taken.extend(q.drain(1))

            task = asyncio.create_task(q.async_put_many(items()))
            while not task.done():
                await asyncio.sleep(0)
                taken += q.drain(1)
            assert await task == 20
            assert sorted(taken + q.drain()) == list(range(20))
            assert q.waiting_putters == 0

        asyncio.run(main())

    def test_a_wait_that_its_own_iterable_closes(self, Queue):
        q = Queue()

        def items():
            yield 1
            with pytest.raises(RuntimeError, match="another thread is awaiting this"):
                wait.close()
            yield 2

        wait = _queues._TaskWait(q, FOR_ROOM_FOR_MANY, _queues._TaskPuts(items()))
        with pytest.raises(StopIteration) as caught:
            next_step(wait)
        assert caught.value.value == len(q) == 2

    def test_an_argument_of_another_type(self, Queue):
        for what in FOR_ROOM_FOR_MANY, FOR_ITEMS:
            with pytest.raises(TypeError):
                _queues._TaskWait(Queue(iterable=[1]), what, "x").send(None)

    def test_a_closed_loop_passes_on(self, Queue):
        q, closed, open_ = Queue(iterable=[0], maxsize=1), Loop(), Loop()
        puts = [_queues._TaskPuts(text) for text in ("ab", "cd")]
        first, second = (
            Waits(q, loop, FOR_ROOM_FOR_MANY, p)
            for loop, p in zip((closed, open_), puts, strict=True)
        )
        assert q.get() == 0
        closed.close()
        assert len(open_.calls) == 1
        open_.run()
        asyncio._set_running_loop(open_)
        try:
            assert next_step(second.wait) is second.wait  # it waits for room for "d"
        finally:
            asyncio._set_running_loop(None)
        assert q.drain() == ["c"]
        assert [p.items_put for p in puts] == [0, 1]
        open_.run()
        with pytest.raises(StopIteration) as caught:
            next_step(second.wait)
        assert caught.value.value == 2
        first.leave()

    def test_a_handler_that_raises_in_the_middle(self, Queue):
        q = Queue()

        def items():
            yield from range(3)
            signal.raise_signal(signal.SIGINT)
            yield from range(3, 6)

        async def main():
            # Not a runner's handler, which cancels the task: one that raises.
            signal.signal(signal.SIGINT, signal.default_int_handler)
            await q.async_put_many(items())

        before = signal.getsignal(signal.SIGINT)
        try:
            with pytest.raises(KeyboardInterrupt) as caught:
                asyncio.run(main())
        finally:
            signal.signal(signal.SIGINT, before)
        assert caught.value.items_put == len(q) == 3

    @needs_signals
    @pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
    def test_interrupted_again_and_again_the_count_is_exact(self, Queue):
        q = Queue()
        count = 3 * MOST

        def interrupt(*_):
            raise KeyboardInterrupt

        def put():
            coroutine = q.async_put_many(iter(range(count)))
            try:
                while True:
                    coroutine.send(None)
            except KeyboardInterrupt as error:
                if inspect.getcoroutinestate(coroutine) == inspect.CORO_SUSPENDED:
                    coroutine.throw(error)  # while others had their turn
                raise

        def interrupted(seconds):
            try:
                try:
                    signal.setitimer(signal.ITIMER_REAL, seconds)
                    put()
                finally:
                    signal.setitimer(signal.ITIMER_REAL, 0)
            except (StopIteration, KeyboardInterrupt) as error:
                return error

        before = signal.signal(signal.SIGALRM, interrupt)
        try:
            for n in range(rounds(60)):
                there = len(q)
                raised = interrupted(0.00002 * (1 + n % 30))
                # The signal may also have come before the call has begun, or when it had ended.
                while raised and not hasattr(raised, "items_put"):
                    raised = raised.__context__
                assert len(q) - there in ([raised.items_put] if raised else [0, count])
        finally:
            signal.signal(signal.SIGALRM, before)


def test_cancelling_at_every_moment_loses_and_doubles_nothing(Queue):
    q = Queue(maxsize=5)
    count = rounds(2000)
    draw = random.Random(1)

    async def main():
        taken, left = [], list(range(count))

        async def get():
            taken.extend(await q.async_get_many(draw.randrange(1, 5)))

        thread = in_thread(lambda: [q.put(-1 - n) for n in range(count // 4)])
        while left:
            puts = asyncio.create_task(q.async_put_many(left[: draw.randrange(10)]))
            gets = [asyncio.create_task(get()) for _ in range(3)]
            for _ in range(1 + draw.randrange(6)):
                await asyncio.sleep(0)
            for task in puts, *gets:
                task.cancel()
            try:
                put, not_put = await puts, None
            except asyncio.CancelledError as error:
                put, not_put = error.items_put, getattr(error, "item_not_put", None)
            assert not_put in (None, left[put] if put < len(left) else None)
            del left[:put]
            await asyncio.gather(*gets, return_exceptions=True)
            taken.extend(q.drain())
        while thread.is_alive():
            taken.extend(q.drain())
            await asyncio.sleep(0)
        taken.extend(q.drain())
        assert sorted(taken) == [*range(-(count // 4), 0), *range(count)]

    asyncio.run(main())


# ---------------------------------------------------------------- join


class TestJoin:
    @pytest.fixture(autouse=True)
    def _only_with_tasks_to_finish(self, Queue):
        assert hasattr(Queue.cls, "task_done")

    def test_nothing_to_wait_for(self, Queue):
        assert asyncio.run(Queue().async_join()) is None

    def test_tasks_and_threads_wait_for_the_same(self, Queue):
        q = Queue(iterable="ab")

        async def main():
            tasks = [asyncio.create_task(q.async_join()) for _ in range(3)]
            threads = [in_thread(q.join) for _ in range(2)]
            threads.append(in_thread(lambda: asyncio.run(q.async_join())))
            await a_moment()
            q.task_done()
            await a_moment()
            assert not any(task.done() for task in tasks)
            q.task_done()
            await asyncio.gather(*tasks)
            for thread in threads:
                await asyncio.to_thread(thread.end)

        asyncio.run(main())

    @pytest.mark.parametrize("how", ["clear", "shutdown"])
    def test_what_is_dropped_is_finished(self, Queue, how):
        q = Queue(iterable="ab")

        async def main():
            task = asyncio.create_task(q.async_join())
            await a_moment()
            assert not task.done()
            q.clear() if how == "clear" else q.shutdown(immediate=True)
            await task

        asyncio.run(main())

    def test_a_put_before_it_looks_lets_it_wait_on(self, Queue):
        q = Queue(iterable=[1])

        async def main():
            task = asyncio.create_task(q.async_join())
            await a_moment()
            q.task_done()
            q.put(2)  # before the task gets to it
            await a_moment()
            assert not task.done()
            q.task_done()
            await task

        asyncio.run(main())

    def test_cancelled_it_leaves_the_line(self, Queue):
        q = Queue(iterable=[1])

        async def main():
            first, second = (asyncio.create_task(q.async_join()) for _ in range(2))
            await a_moment()
            first.cancel()
            with pytest.raises(asyncio.CancelledError):
                await first
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(q.async_join(), 0.01)
            q.task_done()
            await second

        asyncio.run(main())

    def test_a_closed_loop_keeps_nobody_waiting(self, Queue):
        q, closed, open_ = Queue(iterable=[1]), Loop(), Loop()
        first, second = (Waits(q, loop, FOR_ALL_FINISHED) for loop in (closed, open_))
        closed.close()
        q.task_done()
        open_.run()
        assert second.times == 1
        assert second.go_on() is None
        first.leave()

    def test_one_that_is_told_and_gives_up_tells_nobody_else(self, Queue):
        # All have been told: who comes after that waits for the next time.
        q, loop = Queue(iterable=[1]), Loop()
        first = Waits(q, loop, FOR_ALL_FINISHED)
        q.task_done()
        q.put(2)
        second = Waits(q, loop, FOR_ALL_FINISHED)
        first.leave()
        loop.run()
        assert second.times == 0
        q.task_done()
        loop.run()
        assert second.times == 1
        assert second.go_on() is None

    def test_without_a_loop(self, Queue):
        q = Queue(iterable=[1])
        with pytest.raises(RuntimeError, match="no running event loop"):
            q.async_join().send(None)
        q.task_done()
        with pytest.raises(StopIteration):
            q.async_join().send(None)


def test_they_are_coroutine_functions(Queue):
    q = Queue()
    for function, signature in (
        (q.async_get_many, "(max_items)"),
        (q.async_put_many, "(iterable)"),
        (q.async_join, "()"),
    ):
        assert inspect.iscoroutinefunction(function)
        assert str(inspect.signature(function)) == signature


def test_producers_and_consumers(Queue):
    q = Queue(maxsize=10)
    count, producers, consumers = rounds(3000), 2, 2
    taken = [[] for _ in range(2 * consumers)]

    async def produce(first):
        assert await q.async_put_many(range(first, first + count)) == count

    async def consume(into):
        while True:
            try:
                items = await q.async_get_many(7)
            except ShutDown:
                return
            into += items
            for _ in items:
                q.task_done()

    def consume_in_thread(into):
        while True:
            try:
                items = q.get_many(7)
            except ShutDown:
                return
            into += items
            for _ in items:
                q.task_done()

    async def main():
        threads = [in_thread(consume_in_thread, into) for into in taken[consumers:]]
        tasks = [asyncio.create_task(consume(into)) for into in taken[:consumers]]
        others = [
            in_thread(q.put_many, range(n * count, (n + 1) * count))
            for n in range(producers, 2 * producers)
        ]
        await asyncio.gather(*(produce(n * count) for n in range(producers)))
        for thread in others:
            assert await asyncio.to_thread(thread.end) == count
        await q.async_join()
        assert q.unfinished_tasks == 0
        q.shutdown()
        await asyncio.gather(*tasks)
        for thread in threads:
            await asyncio.to_thread(thread.end)

    asyncio.run(main())
    assert sorted(item for items in taken for item in items) == list(range(2 * producers * count))
