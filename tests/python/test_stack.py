"""LockFreeStack and LockFreeLifoQueue: the API, a model, looks, waiting, tasks, references, threads.

What they share with queues (waiting, tasks, shutting down, garbage collection) is also tested as such: queue_kinds.StackAsQueue.
"""

from __future__ import annotations

import asyncio
import copy
import gc
import inspect
import pickle
import queue
import sys
import threading
import warnings
import weakref

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from support import (
    Object,
    dead,
    in_background,
    in_child,
    rounds,
    run_copies,
    run_threads,
    set_at_the_end,
    until_memory_suffices,
)

from concurrent_collections import (
    Empty,
    Full,
    LockFreeLifoQueue,
    LockFreeQueue,
    LockFreeStack,
    ShutDown,
    flush,
    smr,
)

STACKS = pytest.mark.parametrize("Stack", [LockFreeStack, LockFreeLifoQueue])


# ---------------------------------------------------------------- the API


@STACKS
class TestConstruction:
    def test_empty_and_unbounded_by_default(self, Stack):
        stack = Stack()
        assert (stack.maxsize, len(stack), bool(stack)) == (0, 0, False)
        assert stack.empty()
        assert not stack.full()
        assert not stack.is_shutdown

    def test_from_an_iterable_the_last_one_on_top(self, Stack):
        stack = Stack(5, iter("abc"))
        assert stack.maxsize == 5
        assert stack
        assert stack.drain() == ["c", "b", "a"]

    def test_arguments_that_are_wrong(self, Stack):
        with pytest.raises(ValueError, match="iterable: has more items than maxsize = 2"):
            Stack(2, [1, 2, 3])
        with pytest.raises(TypeError, match=r"maxsize: .* got list .*second parameter"):
            Stack([1, 2])
        with pytest.raises(TypeError, match="iterable: expected an iterable of items, got int"):
            Stack(iterable=3)
        for unbounded in (0, -1, float("inf"), 2**70):
            assert Stack(unbounded).maxsize == 0

    def test_only_once(self, Stack):
        stack = Stack(iterable=[1])
        with pytest.raises(RuntimeError, match="__init__ has already been called"):
            stack.__init__(iterable=[2])
        assert stack.drain() == [1]

    def test_a_subclass_that_forgets_init_gets_an_exception(self, Stack):
        stack = type("Subclass", (Stack,), {"__init__": lambda self: None})()
        assert "not initialised" in repr(stack)
        for use in (
            lambda: stack.push(1),
            lambda: stack.pop(),
            lambda: stack.try_push(1),
            lambda: stack.try_pop(),
            lambda: stack.peek(),
            lambda: stack.snapshot(),
            lambda: iter(stack),
            lambda: len(stack),
            lambda: stack.statistics(),
            lambda: stack.shutdown(),
            lambda: sys.getsizeof(stack),
        ):
            with pytest.raises(RuntimeError, match="call __init__ of the base class first"):
                use()
        with pytest.raises(TypeError, match="container: "):
            smr.stats(stack)


@STACKS
class TestCalls:
    def test_last_in_first_out(self, Stack):
        stack = Stack()
        for item in range(1000):
            stack.push(item)
        assert len(stack) == 1000
        assert [stack.pop() for _ in range(1000)] == list(range(1000))[::-1]

    def test_every_way_in_and_out(self, Stack):
        stack = Stack()
        stack.push("a")
        stack.push("b", True)
        stack.push("c", True, 1)
        stack.push(item="d", block=False, timeout=None)
        assert stack.try_push("e") is True
        assert stack.peek() == stack.pop() == "e"
        assert stack.pop(True) == "d"
        assert stack.pop(True, 1) == "c"
        assert stack.pop(block=True, timeout=0) == "b"
        assert stack.try_pop() == "a"
        assert stack.try_pop() is stack.peek() is None
        assert stack.try_pop("nothing") == stack.try_pop(default="nothing") == "nothing"
        assert stack.peek("nothing") == stack.peek(default="nothing") == "nothing"

    def test_the_very_object_comes_out(self, Stack):
        items = [None, Ellipsis, (), [1], Stack]
        stack = Stack(iterable=items)
        assert all(a is b for a, b in zip(stack, items[::-1], strict=True))
        assert all(stack.pop() is item for item in items[::-1])

    def test_empty_and_full(self, Stack):
        stack = Stack(2)
        for use in (stack.pop, lambda: stack.pop(True, 0), lambda: stack.pop_many(3)):
            with pytest.raises(Empty):
                use()
        stack.push(1)
        stack.push(2)
        assert stack.full()
        for use in (lambda: stack.push(3), lambda: stack.push(3, True, 0.001)):
            with pytest.raises(Full):
                use()
        assert stack.try_push(3) is False
        assert stack.drain() == [2, 1]

    def test_timeouts(self, Stack):
        stack = Stack(1, [1])
        for use in (lambda: stack.pop(timeout=1), lambda: stack.push(2, False, 1)):
            with pytest.raises(ValueError, match="timeout: has no meaning without block=True"):
                use()
        for use in (lambda: stack.pop(True, -1), lambda: stack.push(2, True, float("nan"))):
            with pytest.raises(ValueError, match="'timeout' must be a non-negative number"):
                use()
        with pytest.raises(TypeError, match="timeout: expected None or a number, got"):
            stack.pop(True, "1")
        assert stack.drain() == [1]

    def test_many(self, Stack):
        stack = Stack()
        assert stack.push_many("abcdef") == 6
        assert stack.pop_many(2) == ["f", "e"]
        assert stack.pop_many(max_items=1, block=True, timeout=1) == ["d"]
        assert stack.drain(1) == ["c"]
        assert stack.drain(0) == []
        assert stack.pop_many(10) == ["b", "a"]
        assert stack.drain() == []
        with pytest.raises(ValueError, match="max_items: expected an int from 1"):
            stack.pop_many(0)
        with pytest.raises(TypeError):
            stack.push_many(1)
        stack.push_many(range(5))
        stack.clear()
        assert not stack

    def test_push_many_says_how_far_it_came(self, Stack):
        stack = Stack()

        def items():
            yield from range(3)
            stack.shutdown()
            yield 3

        with pytest.raises(ShutDown) as caught:
            stack.push_many(items())
        assert (caught.value.items_put, caught.value.item_not_put) == (3, 3)
        assert stack.drain() == [2, 1, 0]

    def test_looking_takes_nothing(self, Stack):
        stack = Stack(iterable="abc")
        assert list(stack) == stack.snapshot() == ["c", "b", "a"]
        assert "b" in stack
        assert "x" not in stack
        iterator = iter(stack)
        stack.pop()
        stack.push("d")
        assert list(iterator) == ["c", "b", "a"], "as it was when the iteration began"
        assert stack.drain() == ["d", "b", "a"]

    def test_shutting_down(self, Stack):
        stack = Stack(iterable="ab")
        stack.shutdown()
        stack.shutdown()
        assert stack.is_shutdown
        with pytest.raises(ShutDown):
            stack.push(1)
        with pytest.raises(ShutDown):
            stack.try_push(1)
        assert stack.peek() == stack.pop() == "b"
        assert stack.try_pop() == "a"
        for use in (stack.pop, stack.try_pop, lambda: stack.pop(True), lambda: stack.pop_many(1)):
            with pytest.raises(ShutDown):
                use()
        assert (stack.peek(), stack.snapshot(), stack.drain()) == (None, [], [])
        stack = Stack(iterable="ab")
        stack.shutdown(immediate=True)
        assert stack.empty()

    def test_statistics(self, Stack):
        stack = Stack(iterable=range(3))
        stack.pop()
        assert stack.statistics() == {
            "pushes": 3,
            "pops": 1,
            "lost": 0,
            "offers": 0,
            "eliminated": 0,
        }

    def test_repr_size_and_copies(self, Stack):
        stack = Stack(7, "ab")
        assert repr(stack).startswith(f"<{Stack.__name__} length=2 maxsize=7 open at 0x")
        stack.shutdown()
        assert "shut down" in repr(stack)
        assert sys.getsizeof(Stack(iterable=range(10000))) > sys.getsizeof(stack) + 10000 * 24
        for use in (copy.copy, copy.deepcopy, pickle.dumps):
            with pytest.raises(
                TypeError, match=r"cannot copy or pickle a .*; pass on the stack itself"
            ):
                use(stack)
        assert Stack[int].__origin__ is Stack
        assert inspect.iscoroutinefunction(Stack.async_pop)
        assert inspect.iscoroutinefunction(Stack.async_push)


def test_the_drop_in_has_what_queue_LifoQueue_has():
    q, model = LockFreeLifoQueue(3), queue.LifoQueue(3)
    for each in (q, model):
        each.put(1)
        each.put(2, False)
        each.put(3, timeout=1)
        with pytest.raises(Full):
            each.put_nowait(4)
        with pytest.raises(Full):
            each.put(4, True, 0.001)
        assert (each.full(), each.qsize(), each.maxsize) == (True, 3, 3)
        assert [each.get(), each.get(False), each.get_nowait()] == [3, 2, 1]
        with pytest.raises(Empty):
            each.get(timeout=0.001)
        assert each.empty()
        assert each.unfinished_tasks == 3
        for _ in range(3):
            each.task_done()
        each.join()
        with pytest.raises(ValueError, match="task_done"):
            each.task_done()
    names = {name for name in vars(queue.LifoQueue) | vars(queue.Queue) if name[0] != "_"}
    assert names <= set(dir(LockFreeLifoQueue))
    with pytest.warns(RuntimeWarning, match="^Mine defines _put, which queue.Queue calls"):
        type("Mine", (LockFreeLifoQueue,), {"_put": None})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        type("Mine", (LockFreeStack,), {"_put": None})


# ---------------------------------------------------------------- a model


class StackMachine(RuleBasedStateMachine):
    @initialize(items=st.lists(st.integers(), max_size=4), maxsize=st.sampled_from([0, 4, 7]))
    def begin(self, items, maxsize):
        self.stack = LockFreeStack(maxsize, items)
        self.model = list(items)
        self.maxsize = maxsize
        self.is_shutdown = False

    @rule(item=st.one_of(st.none(), st.integers()), how=st.sampled_from(["push", "block", "try"]))
    def push(self, item, how):
        is_full = self.maxsize and len(self.model) == self.maxsize
        push = {
            "push": lambda: self.stack.push(item),
            "block": lambda: self.stack.push(item, block=True, timeout=0.0001),
            "try": lambda: self.stack.try_push(item),
        }[how]
        if self.is_shutdown:
            with pytest.raises(ShutDown):
                push()
        elif is_full and how == "try":
            assert push() is False
        elif is_full:
            with pytest.raises(Full):
                push()
        else:
            assert push() is (True if how == "try" else None)
            self.model.append(item)

    @rule(how=st.sampled_from(["pop", "block", "try", "many", "drain"]), most=st.integers(1, 4))
    def pop(self, how, most):
        pop = {
            "pop": lambda: [self.stack.pop()],
            "block": lambda: [self.stack.pop(block=True, timeout=0.0001)],
            "try": lambda: [self.stack.try_pop(Ellipsis)],
            "many": lambda: self.stack.pop_many(most),
            "drain": lambda: self.stack.drain(most),
        }[how]
        if self.model or how == "drain":
            taken = pop()
            wanted = min(len(self.model), most if how in ("many", "drain") else 1)
            assert taken == [self.model.pop() for _ in range(wanted)]
        elif self.is_shutdown:
            with pytest.raises(ShutDown):
                pop()
        elif how == "try":
            assert pop() == [Ellipsis]
        else:
            with pytest.raises(Empty):
                pop()

    @rule(items=st.lists(st.integers(), max_size=3))
    def push_many(self, items):
        if not self.is_shutdown and (
            not self.maxsize or len(self.model) + len(items) <= self.maxsize
        ):
            assert self.stack.push_many(items) == len(items)
            self.model += items

    @rule()
    def clear(self):
        self.stack.clear()
        self.model.clear()

    @rule(dice=st.integers(0, 9))
    def shutdown(self, dice):
        if dice == 0:
            self.stack.shutdown()
            self.is_shutdown = True

    @invariant()
    def is_as_the_model(self):
        assert len(self.stack) == len(self.model)
        assert list(self.stack) == self.model[::-1]
        assert self.stack.peek(Ellipsis) == (self.model[-1] if self.model else Ellipsis)
        assert self.stack.full() == bool(self.maxsize and len(self.model) == self.maxsize)


TestModel = StackMachine.TestCase
TestModel.settings = settings(max_examples=rounds(60), stateful_step_count=30, deadline=None)


# ---------------------------------------------------------------- waiting


def test_a_push_wakes_a_pop_and_a_pop_a_push():
    stack, taken = LockFreeStack(1), []
    thread = threading.Thread(target=lambda: taken.append(stack.pop(block=True)))
    thread.start()
    stack.push("a", block=True, timeout=60)
    thread.join(60)
    assert taken == ["a"]
    stack.push("b")
    thread = threading.Thread(target=lambda: stack.push("c", block=True))
    thread.start()
    assert stack.pop() == "b"
    thread.join(60)
    assert stack.pop() == "c"


def test_the_end_wakes_everybody():
    stack, ended = LockFreeStack(), []

    def wait():
        try:
            stack.pop(block=True)
        except ShutDown:
            ended.append(1)

    threads = [threading.Thread(target=wait) for _ in range(4)]
    for thread in threads:
        thread.start()
    stack.shutdown()
    for thread in threads:
        thread.join(60)
    assert len(ended) == 4


def test_threads_that_wait_get_every_item():
    stack = LockFreeStack(4)
    count, taken = rounds(2000), LockFreeQueue()

    def produce():
        for number in range(count):
            stack.push(number, block=True)

    def consume():
        for _ in range(count):
            taken.put(stack.pop(block=True))

    run_threads(produce, produce, consume, consume)
    assert sorted(taken.drain()) == sorted([*range(count)] * 2)
    assert not stack


class TestTasks:
    def test_what_is_there_is_taken_at_once(self):
        async def main():
            stack = LockFreeStack(2, "ab")
            assert await stack.async_pop() == "b"
            await stack.async_push("c")
            assert await stack.async_pop() == "c"

        asyncio.run(main())

    def test_tasks_wait_for_items_and_for_room(self):
        async def main():
            stack = LockFreeStack(1)
            pops = [asyncio.create_task(stack.async_pop()) for _ in range(3)]
            await asyncio.sleep(0)
            for item in "abc":
                await stack.async_push(item)
            assert sorted(await asyncio.gather(*pops)) == ["a", "b", "c"]
            stack.push("d")
            pushing = asyncio.create_task(stack.async_push("e"))
            await asyncio.sleep(0)
            assert not pushing.done()
            assert stack.pop() == "d"
            await pushing
            assert stack.pop() == "e"

        asyncio.run(main())

    def test_a_task_that_gives_up_takes_nothing(self):
        async def main():
            stack = LockFreeStack()
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(stack.async_pop(), 0.01)
            stack.push(1)
            assert stack.pop() == 1
            task = asyncio.create_task(stack.async_pop())
            await asyncio.sleep(0)
            stack.shutdown()
            with pytest.raises(ShutDown):
                await task

        asyncio.run(main())

    def test_threads_and_loops_on_one_stack(self):
        stack = LockFreeStack(3)
        count, taken = rounds(500), LockFreeQueue()

        def loop():
            async def work():
                for _ in range(count):
                    taken.put(await stack.async_pop())

            asyncio.run(work())

        def produce():
            for number in range(count):
                stack.push(number, block=True)

        run_threads(loop, loop, produce, produce)
        assert sorted(taken.drain()) == sorted([*range(count)] * 2)

    def test_a_thread_that_waits_under_a_loop_is_warned(self):
        async def main():
            with pytest.warns(RuntimeWarning, match="use `await stack.async_pop"):
                with pytest.raises(Empty):
                    LockFreeStack().pop(block=True, timeout=0.01)

        asyncio.run(main())


# ---------------------------------------------------------------- references


class TestReferences:
    def test_a_pop_hands_over_the_only_reference(self):
        stack = LockFreeStack(iterable=[Object()])
        reference = weakref.ref(stack.peek())
        assert reference() is not None
        stack.pop()
        assert dead(reference)

    def test_looks_leave_no_references(self):
        item = Object()
        stack = LockFreeStack(iterable=[item] * 10)
        before = sys.getrefcount(item)
        for _ in range(100):
            stack.peek()
            stack.snapshot()
            list(stack)
        assert sys.getrefcount(item) == before

    @pytest.mark.parametrize("how", ["clear", "drain", "shutdown", "del"])
    def test_dropping_all(self, how):
        items = [Object() for _ in range(100)]
        references = [weakref.ref(item) for item in items]
        stack = LockFreeStack(iterable=items)
        del items
        if how == "del":
            del stack
        else:
            {"clear": stack.clear, "drain": stack.drain, "shutdown": lambda: stack.shutdown(True)}[
                how
            ]()
        gc.collect()
        assert all(map(dead, references))

    def test_a_cycle_is_collected(self):
        item = Object()
        item.stack = LockFreeStack(iterable=[1, item])
        references = weakref.ref(item), weakref.ref(item.stack)
        del item
        gc.collect()
        assert all(map(dead, references))

    def test_a_finalizer_that_uses_the_stack(self):
        stack = LockFreeStack()

        class Final:
            def __del__(self):
                stack.push("last words")
                stack.peek()

        stack.push(Final())
        stack.clear()
        gc.collect()
        assert stack.drain() == ["last words"]

    def test_deep_nesting(self):
        stack = None
        for _ in range(100_000):
            stack = LockFreeStack(iterable=[stack])
        del stack
        gc.collect()

    def test_operations_without_memory(self, no_failing_allocations):
        for operation in (
            lambda s: s.push(1),
            lambda s: s.pop(),
            lambda s: s.peek(),
            lambda s: s.snapshot(),
            lambda s: s.drain(),
        ):
            stack = LockFreeStack(iterable=range(3))
            threading.Thread(target=stack.peek).start()

            def check(stack=stack):
                no_failing_allocations(-1)
                assert stack.snapshot() == [2, 1, 0]

            until_memory_suffices(no_failing_allocations, lambda: operation(stack), check)

    def test_its_reclamation_is_seen(self):
        stack = LockFreeStack(iterable=range(1000))
        stack.clear()
        flush()
        assert smr.stats(stack).waiting == 0


# ---------------------------------------------------------------- threads


class Numbered:
    """An item that says when it is used after its end."""

    def __init__(self, number):
        self.number = number


class TestThreads:
    @pytest.mark.parametrize("maxsize", [0, 1, 3])
    def test_every_item_comes_out_once_whoever_looks(self, smr_scheme, maxsize):
        stack = LockFreeStack(maxsize)
        count, taken, at_work = rounds(3000), LockFreeQueue(), [None] * 3

        def work(index):
            mine = []
            for number in range(count):
                stack.push(Numbered((index, number)), block=True, timeout=60)
                mine.append(stack.pop(block=True, timeout=60).number)
            taken.put_many(mine)
            at_work.pop()

        def look():
            while at_work:
                top = stack.peek()
                assert top is None or top.number[1] < count
                assert all(item.number[1] < count for item in stack)
                assert not maxsize or len(stack) <= maxsize

        run_threads(*(lambda index=index: work(index) for index in range(3)), look)
        assert sorted(taken.drain()) == sorted((i, n) for i in range(3) for n in range(count))
        statistics = stack.statistics()
        assert statistics["pushes"] == statistics["pops"] == 3 * count
        assert statistics["eliminated"] <= statistics["offers"]

    def test_a_snapshot_is_of_one_instant(self, smr_scheme):
        # One thread keeps a ladder of numbers: what is seen is always a ladder.
        stack, stop = LockFreeStack(iterable=range(5)), threading.Event()

        def climb():
            with set_at_the_end(stop):
                for number in range(rounds(3000)):
                    height = 5 + number % 40
                    if number // 40 % 2:
                        stack.push(len(stack))
                    elif height and len(stack) > 5:
                        stack.pop()

        def look():
            while not stop.is_set():
                seen = stack.snapshot()
                assert seen == list(range(len(seen)))[::-1]

        run_threads(climb, look)

    def test_collections_meanwhile(self):
        stack = LockFreeStack()

        def work():
            for _ in range(rounds(2000)):
                item = Object()
                item.itself = item
                stack.push(item)
                stack.peek()
                stack.try_pop()

        with in_background(gc.collect, pause=1e-4):
            run_threads(work, work)

    def test_threads_that_end_leave_nothing_behind(self):
        stack = LockFreeStack()
        references = []

        def push():
            for _ in range(50):
                item = Object()
                references.append(weakref.ref(item))
                stack.push(item)

        for _ in range(10):
            run_threads(push, push)
        run_copies(2, lambda index: [stack.try_pop() for _ in range(500)])
        assert not stack
        flush()
        gc.collect()
        assert all(map(dead, references))


def test_a_child_can_use_it():
    stack = LockFreeStack(iterable=range(3))
    in_child(lambda: stack.push(stack.pop() + 10) or stack.snapshot() == [12, 1, 0] or 1 / 0)
    assert stack.snapshot() == [2, 1, 0]
