"""What queues keep alive, and for how long: hand-over, cycles, deep nesting, leaks, memory that runs out."""

from __future__ import annotations

import gc
import sys
import threading
import weakref

import pytest
from queue_kinds import each_store
from support import (
    IS_UNDER_ASAN,
    Object,
    dead,
    is_gil_enabled,
    resident_bytes,
    rounds,
    run_copies,
    until_memory_suffices,
)

from concurrent_collections import Empty, Full, LockFreeStack, ShutDown

pytestmark = each_store


def watched():
    thing = Object()
    return thing, weakref.ref(thing)


REMOVALS = {
    "get": lambda q: q.get(),
    "get_nowait": lambda q: q.get_nowait(),
    "try_get": lambda q: q.try_get(),
    "get_many": lambda q: q.get_many(5),
    "drain": lambda q: q.drain(),
    "clear": lambda q: q.clear(),
    "next": lambda q: next(iter(q)),
    "shutdown": lambda q: q.shutdown(immediate=True),
}


class TestPromptRelease:
    @pytest.mark.parametrize("remove", REMOVALS.values(), ids=REMOVALS)
    def test_an_item_dies_as_soon_as_it_has_left(self, Queue, remove):
        item, reference = watched()
        q = Queue(iterable=[item], maxsize=1)
        del item
        assert not dead(reference)
        remove(q)
        assert dead(reference)

    def test_an_item_that_was_not_put_is_not_kept(self, Queue):
        q = Queue(iterable=[1], maxsize=1)
        item, reference = watched()
        assert not q.try_put(item)
        for put in (q.put_nowait, lambda thing: q.put(thing, timeout=0.001)):
            with pytest.raises(Full):
                put(item)
        q.shutdown()
        for put in (q.put, q.try_put, lambda thing: q.put_many([thing])):
            with pytest.raises(ShutDown):
                put(item)
        del item
        gc.collect()  # tracebacks are cycles
        assert dead(reference)

    def test_everything_dies_with_the_queue(self, Queue):
        references = []
        q = Queue()
        for _ in range(500):
            item, reference = watched()
            references.append(reference)
            q.put(item)
        del item, q
        assert all(map(dead, references))

    def test_it_dies_in_whatever_thread(self, Queue):
        item, reference = watched()
        holder = [Queue(iterable=[item])]
        del item
        thread = threading.Thread(target=holder.clear)
        thread.start()
        thread.join()
        gc.collect()  # the last reference may wait for this thread to merge it
        assert dead(reference)

    @pytest.mark.skipif(
        not is_gil_enabled(), reason="reference counts of shared objects mean nothing"
    )
    def test_reference_counts_are_what_they_were(self, Queue):
        item = Object()
        things = (item, None, True, Empty, Full, ShutDown)
        before = [sys.getrefcount(thing) for thing in things]
        for _ in range(50):
            q = Queue(iterable=[item], maxsize=3)
            q.put(item)
            q.put(item, True, 1)
            q.try_put(item)
            for wrong in (q.put_nowait, q.put_many and (lambda thing: q.put(thing, timeout=0))):
                with pytest.raises(Full):
                    wrong(item)
            q.get()
            q.get(block=False)
            q.try_get(item)
            q.try_get(item)
            with pytest.raises(Empty):
                q.get_nowait()
            q.put_many([item, item])
            q.get_many(5)
            q.put_many([item, item])
            q.drain(1)
            q.clear()
            q.put(item)
            q.shutdown()
            list(q)
            with pytest.raises(ShutDown):
                q.put(item)
        del q, wrong
        gc.collect()
        after = [sys.getrefcount(thing) for thing in things]
        for old, new in zip(before, after, strict=True):
            assert abs(new - old) < 25  # something may cache one; what leaks does so in every round


class TestCycles:
    def test_a_queue_in_itself(self, Queue):
        q = Queue()
        q.put(q)
        reference = weakref.ref(q)
        del q
        gc.collect()
        assert dead(reference)

    def test_a_cycle_through_an_item(self, Queue):
        item, reference = watched()
        item.queue = Queue(iterable=[1, item, 2])
        del item
        gc.collect()
        assert dead(reference)

    def test_a_cycle_through_an_attribute_of_a_subclass(self, Queue):
        q = Queue.subclass()(iterable=[1])
        q.me = q
        reference = weakref.ref(q)
        del q
        gc.collect()
        assert dead(reference)

    def test_a_cycle_through_an_iterator(self, Queue):
        item, reference = watched()
        item.iterator = iter(Queue(iterable=[item]))
        del item
        gc.collect()
        assert dead(reference)

    def test_many_queues_in_each_other(self, Queue):
        queues = [Queue() for _ in range(200)]
        for n, q in enumerate(queues):
            q.put_many([queues[n * 7 % 200], queues[n * 13 % 200], n])
        references = [weakref.ref(q) for q in queues]
        del q, queues
        gc.collect()
        assert all(map(dead, references))

    @pytest.mark.queues_only
    def test_a_finalizer_that_revives_the_queue(self, Queue):
        revived = []

        class Reviver:
            def __del__(self):
                revived.append(self.queue)
                self.queue.put("revived")

        item = Reviver()
        item.queue = Queue(iterable=[item])
        reference = weakref.ref(item.queue)
        del item
        gc.collect()
        assert len(revived) == 1
        q = revived.pop()
        q.put(1)
        assert q.drain()[-2:] == ["revived", 1]
        del q
        gc.collect()
        assert dead(reference)

    def test_the_collector_sees_every_item(self, Queue):
        for maxsize in (0, 300):
            items = [Object() for _ in range(300)]
            q = Queue(maxsize, items)
            for _ in range(100):
                q.put(q.get())
            seen = {id(thing) for thing in gc.get_referents(q)}
            assert {id(item) for item in items} <= seen

    def test_collections_while_items_pass_kill_nothing(self, Queue, eager_switching):
        q = Queue(maxsize=50)
        each = rounds(3000)

        def work(index):
            if index == 0:
                for _ in range(rounds(40)):
                    gc.collect(0 if _ % 4 else 2)
                return
            for n in range(each):
                item = Object()
                item.tag = (index, n)
                item.cycle = item
                q.put(item)
                other = q.get()
                assert other.tag[0] in (1, 2)
                assert other.cycle is other

        run_copies(3, work)
        assert q.empty()


class TestDepth:
    def test_a_long_chain_of_queues_dies_without_a_deep_stack(self, Queue):
        depth = 2_000 if IS_UNDER_ASAN else rounds(50_000)
        outer, reference = watched()
        chain = Queue(iterable=[outer])
        del outer
        for _ in range(depth):
            chain = Queue(iterable=[chain], maxsize=1)
        del chain
        gc.collect()
        assert dead(reference)

    def test_a_long_chain_that_is_drained_from_within(self, Queue):
        chain = None
        for _ in range(2_000 if IS_UNDER_ASAN else rounds(20_000)):
            chain = Queue(iterable=[chain], maxsize=1)
        chain.clear()
        assert chain.empty()


class TestNoLeaks:
    def level(self, turn, turns, most=8_000_000):
        if resident_bytes() is None:
            pytest.skip("cannot read the process's size here")
        for _ in range(3):
            turn()
        before = resident_bytes()
        for _ in range(rounds(turns)):
            turn()
        assert resident_bytes() - before < most

    def test_memory_stays_level_while_items_come_and_go(self, Queue):
        q = Queue()

        def turn():
            for _ in range(3):
                q.put_many(map(str, range(5000)))
                q.drain()

        self.level(turn, 10)

    def test_memory_stays_level_while_queues_come_and_go(self, Queue):
        def turn():
            for n in range(300):
                Queue(iterable=range(5), maxsize=(0, 5)[n % 2]).get()

        self.level(turn, 10)

    def test_memory_stays_level_while_threads_come_and_go(self, Queue):
        q = Queue(maxsize=100)

        def work():
            q.put(bytes(1000))
            q.get()
            with pytest.raises(Full):
                Queue(iterable=[1], maxsize=1).put(2, timeout=0)

        def turn():
            for _ in range(100):
                thread = threading.Thread(target=work)
                thread.start()
                thread.join()

        self.level(turn, 6)


class TestMemoryThatRunsOut:
    @pytest.mark.queues_only
    def test_every_operation_fails_cleanly(self, Queue, no_failing_allocations):
        items = [Object() for _ in range(3)]
        for maxsize in (0, 8):
            for operation in (
                lambda q: q.put(1),
                lambda q: q.try_put(1),
                lambda q: q.get(),
                lambda q: q.try_get(),
                lambda q: q.get_many(2),
                lambda q: q.drain(1),
                lambda q: q.clear(),
                lambda q: q.shutdown(),
                lambda q: q.shutdown(immediate=True),
                lambda q: q.task_done(),
            ):
                for first_to_fail in range(60):
                    q = Queue(iterable=items, maxsize=maxsize)
                    results = []

                    def use(q=q, operation=operation, results=results, first=first_to_fail):
                        no_failing_allocations(first)
                        try:
                            results.append(operation(q))
                        except MemoryError:
                            results.append(MemoryError)
                        finally:
                            no_failing_allocations(-1)

                    thread = threading.Thread(target=use)  # one that the queue does not know
                    thread.start()
                    thread.join()
                    if results[0] is not MemoryError:
                        break
                    assert len(q) == 3
                    assert q.unfinished_tasks == 3
                    assert q.drain() == items
                else:
                    pytest.fail("the operation never succeeds")

    @pytest.mark.parametrize("maxsize", [0, 8])
    def test_an_immediate_shutdown_drops_everything_or_says_that_it_has_not(
        self, Queue, maxsize, no_failing_allocations
    ):
        failures = 0
        for first_to_fail in range(60):
            items = [Object() for _ in range(3)]
            references = [weakref.ref(item) for item in items]
            q = Queue(iterable=items, maxsize=maxsize)
            del items
            waiter = threading.Thread(target=q.join, daemon=True)
            waiter.start()
            results = []

            def shut_down(q=q, results=results, first=first_to_fail):
                no_failing_allocations(first)
                try:
                    results.append(q.shutdown(immediate=True))
                except MemoryError as error:
                    results.append(type(error))
                finally:
                    no_failing_allocations(-1)

            thread = threading.Thread(target=shut_down)  # one that the queue does not know
            thread.start()
            thread.join()
            assert q.is_shutdown
            with pytest.raises(ShutDown):
                q.put(1)
            if results[0] is MemoryError:
                failures += 1
                # A stack needs memory for every so many items that it drops (one, in the tiniest sizes), and looks
                # once more after the last one.
                fewest = 0 if isinstance(q, LockFreeStack) else 3
                assert fewest <= len(q) == q.unfinished_tasks <= 3
                q.shutdown(immediate=True)
            assert q.empty()
            assert q.unfinished_tasks == 0
            waiter.join(60)
            assert not waiter.is_alive()
            gc.collect()
            assert all(map(dead, references))
            if results[0] is None:
                break
        assert results == [None]
        # A queue that the GIL protects knows no threads, and drops without memory.
        needs_memory = getattr(q, "backend", None) != "gil"
        assert (failures > 0) is needs_memory

    def test_construction_fails_cleanly(self, Queue, no_failing_allocations):
        item, reference = watched()
        q = until_memory_suffices(no_failing_allocations, lambda: Queue(iterable=[item] * 10))
        assert len(q) == 10
        del q, item
        gc.collect()
        assert dead(reference)

    @pytest.mark.queues_only
    def test_a_queue_that_runs_out_of_memory_goes_on_when_there_is_some(
        self, Queue, no_failing_allocations
    ):
        q = Queue(ring_size=2)
        count = 0
        no_failing_allocations(2)
        try:
            while count < 100_000:
                q.put(count)
                count += 1
        except MemoryError:
            pass
        no_failing_allocations(-1)
        assert len(q) == count
        q.put(count)
        assert q.drain() == list(range(count + 1))

    def test_a_queue_dies_without_memory(self, Queue, no_failing_allocations):
        item, reference = watched()
        q = Queue(iterable=[item] * 100)
        del item
        no_failing_allocations(0)
        del q
        no_failing_allocations(-1)
        gc.collect()
        assert dead(reference)
