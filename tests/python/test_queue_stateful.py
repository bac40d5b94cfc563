"""Random programs of all methods against a model: a deque, a bound, a count of tasks. One thread: every answer
must be exactly the model's."""

from __future__ import annotations

from collections import deque

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from queue_kinds import KINDS
from support import rounds

from concurrent_collections import Empty, Full, ShutDown

ITEMS = st.one_of(
    st.none(), st.integers(), st.text(max_size=3), st.lists(st.integers(), max_size=2)
)


def outcome(function, *arguments):
    try:
        return function(*arguments)
    except (Empty, Full, ShutDown, ValueError) as error:
        return type(error)


class QueueMachine(RuleBasedStateMachine):
    kind = None

    @initialize(
        items=st.lists(ITEMS, max_size=4),
        maxsize=st.sampled_from([0, 4, 5, 16]),
        ring_size=st.sampled_from([None, 1, 2, 8]),
    )
    def begin(self, items, maxsize, ring_size):
        self.queue = self.kind(maxsize, items, ring_size=ring_size)
        self.items = deque(items)
        self.maxsize = maxsize
        self.unfinished = len(items)
        self.is_shutdown = False

    # ---- the model ----

    def model_put(self, item):
        if self.is_shutdown:
            return ShutDown
        if self.maxsize and len(self.items) == self.maxsize:
            return Full
        self.items.append(item)
        self.unfinished += 1
        return None

    def model_get(self):
        if self.items:
            return self.items.popleft()
        return ShutDown if self.is_shutdown else Empty

    # ---- what may happen ----

    @rule(item=ITEMS, how=st.sampled_from(["put_nowait", "put", "timeout"]))
    def put(self, item, how):
        q = self.queue
        put = {
            "put_nowait": q.put_nowait,
            "put": lambda item: q.put(item, block=False),
            "timeout": lambda item: q.put(item, timeout=0.0001),
        }[how]
        assert outcome(put, item) is self.model_put(item)

    @rule(item=ITEMS)
    def try_put(self, item):
        expected = self.model_put(item)
        answer = outcome(self.queue.try_put, item)
        assert answer is {None: True, Full: False, ShutDown: ShutDown}[expected]

    @rule(items=st.lists(ITEMS, max_size=6))
    def put_many(self, items):
        room = self.maxsize - len(self.items) if self.maxsize else len(items)
        items = items[:room]  # it would wait for more
        if self.is_shutdown:
            with pytest.raises(ShutDown) as caught:
                self.queue.put_many(items)
            assert caught.value.items_put == 0
        else:
            assert self.queue.put_many(items) == len(items)
            for item in items:
                assert self.model_put(item) is None

    @rule(how=st.sampled_from(["get_nowait", "get", "timeout"]))
    def get(self, how):
        q = self.queue
        get = {
            "get_nowait": q.get_nowait,
            "get": lambda: q.get(False),
            "timeout": lambda: q.get(timeout=0.0001),
        }[how]
        assert outcome(get) is self.model_get()

    @rule()
    def try_get(self):
        nothing = object()
        expected = self.model_get()
        answer = outcome(self.queue.try_get, nothing)
        assert answer is (nothing if expected is Empty else expected)

    @rule(most=st.integers(1, 6))
    def get_many(self, most):
        first = self.model_get()
        if first in (Empty, ShutDown):
            assert outcome(self.queue.get_many, most, False) is first
        else:
            expected = [first] + [
                self.items.popleft() for _ in range(min(most - 1, len(self.items)))
            ]
            assert self.queue.get_many(most) == expected

    @rule(most=st.one_of(st.none(), st.integers(0, 6)))
    def drain(self, most):
        count = len(self.items) if most is None else min(most, len(self.items))
        assert self.queue.drain(most) == [self.items.popleft() for _ in range(count)]

    @rule()
    def clear(self):
        self.queue.clear()
        self.unfinished -= min(len(self.items), self.unfinished)
        self.items.clear()

    @rule()
    def task_done(self):
        answer = outcome(self.queue.task_done)
        if self.unfinished:
            self.unfinished -= 1
            assert answer is None
        else:
            assert answer is ValueError

    @rule()
    def join(self):
        if not self.unfinished:
            self.queue.join()

    @rule(immediate=st.booleans(), chance=st.integers(0, 9))
    def shutdown(self, immediate, chance):
        if chance:
            return
        self.queue.shutdown(immediate)
        self.is_shutdown = True
        if immediate:
            self.unfinished -= min(len(self.items), self.unfinished)
            self.items.clear()

    @rule()
    def iterate(self):
        if self.is_shutdown:
            assert list(self.queue) == list(self.items)
            self.items.clear()
        elif self.items:
            assert next(iter(self.queue)) is self.items.popleft()

    @rule(item=ITEMS)
    def await_at_once(self, item):
        async def main():
            if not self.maxsize or len(self.items) < self.maxsize or self.is_shutdown:
                expected = self.model_put(item)
                try:
                    assert await self.queue.async_put(item) is expected is None
                except ShutDown:
                    assert expected is ShutDown
            if self.items:
                assert await self.queue.async_get() is self.items.popleft()

        try:
            main().send(None)
        except StopIteration:
            pass

    # ---- what is always true ----

    @invariant()
    def same_state(self):
        if not hasattr(self, "queue"):
            return
        q = self.queue
        assert len(q) == q.qsize() == len(self.items)
        assert bool(q) is bool(self.items)
        assert q.empty() is (not self.items)
        assert q.full() is (bool(self.maxsize) and len(self.items) == self.maxsize)
        assert q.unfinished_tasks == self.unfinished
        assert q.is_shutdown is self.is_shutdown
        assert f"length={len(self.items)} " in repr(q)


@pytest.mark.parametrize("kind", KINDS, ids=[kind.__name__ for kind in KINDS])
def test_every_answer_is_the_models(kind):
    case = type("Case", (QueueMachine,), {"kind": kind}).TestCase
    case.settings = settings(max_examples=rounds(60), stateful_step_count=40, deadline=None)
    case().runTest()


def test_the_model_itself_is_asked():
    # A machine whose queue loses an item must fail.
    class Loser:
        def __init__(self, *arguments, **options):
            self.queue = KINDS[0](*arguments, **options)

        def __getattr__(self, name):
            return getattr(self.queue, name)

        def __len__(self):
            return len(self.queue)

        def __iter__(self):
            return iter(self.queue)

        def drain(self, most=None):
            items = self.queue.drain(most)
            return items[:-1] if len(items) > 2 else items

    case = type("Case", (QueueMachine,), {"kind": staticmethod(Loser)}).TestCase
    case.settings = settings(max_examples=rounds(200), stateful_step_count=40, deadline=None)
    with pytest.raises(AssertionError):
        case().runTest()
