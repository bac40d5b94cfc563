"""put_overwriting: the oldest item makes room, one at most, and it counts as finished."""

from __future__ import annotations

import asyncio
import sys
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from queue_kinds import KINDS, each
from queue_waiters import asleep
from support import rounds

from concurrent_collections import LockFreeQueue, LockFreeStack, ShutDown

each_kind = each(KINDS)
BOUNDS = [1, 2, 3, 16, 17]


@each_kind
class TestOneThread:
    @pytest.mark.parametrize("bound", BOUNDS)
    def test_the_oldest_makes_room(self, Queue, bound):
        q = Queue(maxsize=bound)
        dropped = [q.put_overwriting(n, "none") for n in range(3 * bound + 1)]
        assert dropped == ["none"] * bound + list(range(2 * bound + 1))
        assert (len(q), q.full()) == (bound, True)
        assert q.drain() == list(range(2 * bound + 1, 3 * bound + 1))

    def test_without_a_bound_nothing_is_dropped(self, Queue):
        q = Queue()
        assert [q.put_overwriting(n) for n in range(200)] == [None] * 200
        assert q.drain() == list(range(200))

    def test_default(self, Queue):
        q = Queue(maxsize=1)
        marker = object()
        assert q.put_overwriting(None, default=marker) is marker
        assert q.put_overwriting(1, default=marker) is None  # the item
        assert q.put_overwriting(item=2) == 1
        with pytest.raises(TypeError):
            q.put_overwriting()
        assert q.drain() == [2]

    def test_what_is_dropped_is_finished(self, Queue):
        q = Queue(maxsize=2)
        for n in range(5):
            q.put_overwriting(n)
        assert q.unfinished_tasks == 2
        for _ in range(2):
            q.get()
            q.task_done()
        assert q.join(timeout=10)
        with pytest.raises(ValueError, match="too many"):
            q.task_done()

    def test_shut_down(self, Queue):
        q = Queue(maxsize=1, iterable=["left"])
        q.shutdown()
        with pytest.raises(ShutDown) as caught:
            q.put_overwriting("new")
        assert not hasattr(caught.value, "item_taken")
        assert q.get() == "left"
        assert q.unfinished_tasks == 1

    def test_references(self, Queue):
        items = [object() for _ in range(4)]
        before = [sys.getrefcount(item) for item in items]
        q = Queue(maxsize=2)
        for _ in range(10):
            for item in items:
                q.put_overwriting(item)
        q.clear()
        q.shutdown()
        for item in items:
            with pytest.raises(ShutDown):
                q.put_overwriting(item)
        del item
        assert [sys.getrefcount(item) for item in items] == before

    def test_a_finalizer_that_uses_the_queue(self, Queue):
        q = Queue(maxsize=2)

        class Last:
            def __del__(self):
                q.put_overwriting("from __del__")

        for _ in range(5):
            q.put_overwriting(Last())
        q.clear()
        assert q.drain() in (["from __del__"] * n for n in (1, 2))

    @given(st.lists(st.sampled_from("opgg"), max_size=60), st.integers(1, 4))
    def test_as_a_model(self, Queue, steps, bound):
        q, model = Queue(maxsize=bound), []
        for number, step in enumerate(steps):
            if step == "o":
                expected = model.pop(0) if len(model) == bound else None
                model.append(number)
                assert q.put_overwriting(number) == expected
            elif step == "p":
                assert q.try_put(number) is (len(model) < bound)
                if len(model) < bound:
                    model.append(number)
            else:
                assert q.try_get() == (model.pop(0) if model else None)
            assert len(q) == len(model)
        assert q.drain() == model


@each_kind
class TestBesideOthers:
    def test_who_waits_gets_it(self, Queue):
        q = Queue(maxsize=1)
        waiter = asleep(q, 1, q.get)
        assert q.put_overwriting("it") is None
        assert waiter.end() == "it"

    def test_a_task_gets_it(self, Queue):
        async def main():
            q = Queue(maxsize=1)
            waiting = asyncio.ensure_future(q.async_get())
            await asyncio.sleep(0)
            q.put_overwriting("it")
            return await asyncio.wait_for(waiting, 60)

        assert asyncio.run(main()) == "it"

    @pytest.mark.parametrize("bound", [1, 2, 17])
    def test_each_item_comes_out_once(self, Queue, bound):
        q = Queue(maxsize=bound)
        per_producer, producers = rounds(4000), 3
        out = [[] for _ in range(producers + 2)]
        too_many = []

        def produce(who):
            for n in range(per_producer):
                if n % 5 == 4:
                    q.put((who, n))
                else:
                    dropped = q.put_overwriting((who, n))
                    if dropped is not None:
                        out[who].append(dropped)
                if len(q) > bound:
                    too_many.append(len(q))

        def consume(who):
            for item in q:
                out[who].append(item)
                q.task_done()

        makers = [threading.Thread(target=produce, args=(who,)) for who in range(producers)]
        takers = [threading.Thread(target=consume, args=(producers + n,)) for n in range(2)]
        for thread in makers + takers:
            thread.start()
        for thread in makers:
            thread.join(600)
        assert q.join(timeout=600)  # what was dropped is finished
        q.shutdown()
        for thread in takers:
            thread.join(600)
        assert not too_many
        everything = [item for items in out for item in items]
        assert len(everything) == len(set(everything)) == producers * per_producer
        for items in out:  # whoever takes, by a get or by a put, takes in order
            for who in range(producers):
                numbers = [n for maker, n in items if maker == who]
                assert numbers == sorted(numbers)

    def test_beside_a_shutdown(self, Queue):
        for _ in range(rounds(60)):
            q = Queue(maxsize=2)
            out = [[], []]
            put = [0, 0]

            def produce(who, q=q, out=out, put=put):
                try:
                    for n in range(10_000):
                        dropped = q.put_overwriting((who, n))
                        put[who] += 1
                        if dropped is not None:
                            out[who].append(dropped)
                except ShutDown as end:
                    if hasattr(end, "item_taken"):
                        out[who].append(end.item_taken)

            threads = [threading.Thread(target=produce, args=(who,)) for who in range(2)]
            for thread in threads:
                thread.start()
            q.shutdown()
            for thread in threads:
                thread.join(600)
            left = q.drain()
            everything = [*out[0], *out[1], *left]
            assert len(everything) == len(set(everything)) == sum(put)
            assert q.unfinished_tasks == len(left)


def test_beside_a_bound_that_changes():
    q = LockFreeQueue(maxsize=3)
    q.put_many("abc")
    q.maxsize = 1
    assert [q.put_overwriting(item) for item in "de"] == ["a", "b"]  # one for one
    assert q.drain() == ["c", "d", "e"]


def test_a_stack_has_no_oldest():
    assert not hasattr(LockFreeStack, "put_overwriting")
