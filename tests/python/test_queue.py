"""The queues' API: what queue.Queue has, and what they have beyond it. One thread, mostly."""

from __future__ import annotations

import copy
import dataclasses
import gc
import inspect
import pickle
import queue
import sys
import threading
import time
import warnings
import weakref

import pytest
from queue_kinds import each_queue
from support import HAS_NO_GIL, Object, dead

import concurrent_collections
from concurrent_collections import (
    Empty,
    FastQueue,
    Full,
    LockFreeQueue,
    ShutDown,
    WaitFreeQueue,
    config,
)

pytestmark = each_queue


class TestConstruction:
    def test_empty_and_unbounded_by_default(self, Queue):
        q = Queue()
        assert q.maxsize == 0
        assert len(q) == q.qsize() == 0
        assert q.empty()
        assert not q.full()
        assert not q.is_shutdown

    def test_from_an_iterable_in_its_order(self, Queue):
        q = Queue(5, iter("abc"))
        assert q.maxsize == 5
        assert q.drain() == ["a", "b", "c"]
        assert Queue(iterable=[1], maxsize=1).get() == 1

    def test_more_items_than_room(self, Queue):
        item = Object()
        reference = weakref.ref(item)
        with pytest.raises(ValueError, match="iterable: has more items than maxsize = 2"):
            Queue(iterable=[item, 2, 3], maxsize=2)
        del item
        gc.collect()
        assert dead(reference)

    @pytest.mark.parametrize(
        "maxsize", [-1, -(2**70), sys.maxsize, 2**70, float("inf"), -float("inf")]
    )
    def test_what_queue_Queue_takes_for_no_bound_is_none(self, Queue, maxsize):
        q = Queue(maxsize, range(100))
        assert q.maxsize == 0
        assert not q.full()
        q.put_nowait(100)
        assert q.drain() == list(range(101))

    @pytest.mark.parametrize("maxsize", [2**31 - 1, 2**31, 2**33])
    def test_a_large_bound_is_kept(self, Queue, maxsize):
        if maxsize > sys.maxsize:
            pytest.skip("memory cannot hold so many")
        q = Queue(maxsize, range(100))
        assert q.maxsize == maxsize
        assert not q.full()
        assert q.drain() == list(range(100))

    @pytest.mark.parametrize("wrong", [1.0, "1", None, float("nan"), 1j])
    def test_a_maxsize_of_another_type(self, Queue, wrong):
        with pytest.raises(TypeError, match="maxsize: expected an int, got"):
            Queue(maxsize=wrong)

    def test_the_first_argument_is_maxsize_as_in_queue_Queue(self, Queue):
        assert Queue(10).maxsize == 10
        with pytest.raises(TypeError, match=r"maxsize: .* got list .*second parameter"):
            Queue([1, 2])

    @pytest.mark.parametrize("wrong", [0, -1, 2**40])
    def test_a_ring_size_out_of_range(self, Queue, wrong):
        with pytest.raises(ValueError, match="ring_size: expected an int from 1 to"):
            Queue(ring_size=wrong)

    def test_ring_sizes(self, Queue):
        for ring_size in (1, 2, 3, 64, 1000):
            q = Queue(iterable=range(300), ring_size=ring_size)
            assert q.drain() == list(range(300))

    def test_an_iterable_that_raises(self, Queue):
        def items():
            yield 1
            raise KeyError("x")

        with pytest.raises(KeyError, match="x"):
            Queue(iterable=items())

    def test_only_once(self, Queue):
        q = Queue(iterable=[1])
        with pytest.raises(RuntimeError, match="__init__ has already been called"):
            q.__init__(iterable=[2])
        assert q.drain() == [1]

    def test_a_subclass_that_forgets_init_gets_an_exception(self, Queue):
        q = Queue.subclass(__init__=lambda self: None)()
        assert "not initialised" in repr(q)
        for use in (
            lambda: q.put(1),
            lambda: q.get(),
            lambda: q.try_put(1),
            lambda: q.try_get(),
            lambda: len(q),
            lambda: iter(q),
            lambda: q.join(),
            lambda: q.task_done(),
            lambda: q.shutdown(),
            lambda: q.drain(),
            lambda: q.clear(),
            lambda: q.__aiter__(),
            lambda: sys.getsizeof(q),
        ):
            with pytest.raises(RuntimeError, match="call __init__ of the base class first"):
                use()

    def test_a_subclass_with_other_parameters(self, Queue):
        def init(self, name):
            super(kind.cls, self).__init__(maxsize=3)
            self.name = name

        kind = Queue.subclass(__init__=init)
        q = kind("jobs")
        assert (q.name, q.maxsize) == ("jobs", 3)

    @pytest.mark.parametrize("names", [["_put"], ["_get"], ["_init", "_qsize"]])
    def test_a_subclass_with_hooks_of_queue_Queue_is_told_that_nobody_calls_them(
        self, Queue, names
    ):
        with pytest.warns(
            RuntimeWarning, match=f"^Stack defines {', '.join(names)}, which"
        ) as told:
            Stack = type("Stack", (Queue.cls,), dict.fromkeys(names, lambda self, *rest: None))
        assert told[0].filename == __file__
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            type("Inherits", (Stack,), {})
            type("Other", (Queue.cls,), {"put": lambda self, item: None, "_puts": 0})
        with pytest.warns(RuntimeWarning, match="^Mixed defines _get,"):
            type("Mixed", (type("Mixin", (), {"_get": None}), Queue.cls), {})

    def test_a_subclass_s_class_arguments_go_on(self, Queue):
        class Base:
            def __init_subclass__(cls, title, **rest):
                super().__init_subclass__(**rest)
                cls.title = title

        assert type("Jobs", (Base, Queue.cls), {}, title="jobs").title == "jobs"
        assert type("Jobs", (Queue.cls, Base), {}, title="jobs").title == "jobs"
        with pytest.raises(TypeError):
            type("Jobs", (Queue.cls,), {}, title="jobs")

    def test_the_base_class_is_not_for_users(self, Queue):
        with pytest.raises(TypeError, match="cannot be instantiated"):
            Queue.cls.__mro__[1]()


class TestOneItem:
    def test_first_in_first_out(self, Queue):
        q = Queue()
        for item in range(1000):
            q.put(item)
        assert len(q) == 1000
        assert [q.get() for _ in range(1000)] == list(range(1000))

    def test_every_way_in_and_out(self, Queue):
        q = Queue()
        q.put("a")
        q.put("b", False)
        q.put("c", True, 1)
        q.put(item="d", block=True, timeout=None)
        q.put_nowait("e")
        assert q.try_put("f") is True
        assert q.get() == "a"
        assert q.get(False) == "b"
        assert q.get(True, 1) == "c"
        assert q.get(block=False, timeout=0.1) == "d"
        assert q.get_nowait() == "e"
        assert q.try_get() == "f"
        assert q.try_get() is None
        assert q.try_get("nothing") == q.try_get(default="nothing") == "nothing"

    def test_none_and_every_other_object_is_an_item(self, Queue):
        items = [None, Ellipsis, NotImplemented, 0, (), object(), Queue.cls, Queue()]
        q = Queue(iterable=items)
        assert all(q.get() is item for item in items)

    def test_the_very_object_comes_out(self, Queue):
        item = [1]
        q = Queue(iterable=[item])
        assert q.get() is item

    def test_full(self, Queue):
        for maxsize in (1, 2, 3, 7):
            q = Queue(maxsize=maxsize)
            for turn in range(3 * maxsize):
                for item in range(maxsize):
                    assert not q.full()
                    q.put((turn, item), timeout=5)
                assert q.full()
                assert len(q) == maxsize
                with pytest.raises(Full):
                    q.put_nowait(1)
                with pytest.raises(Full):
                    q.put(1, False)
                with pytest.raises(Full):
                    q.put(1, timeout=0)
                assert q.try_put(1) is False
                assert [q.get() for _ in range(maxsize)] == [(turn, i) for i in range(maxsize)]

    def test_empty(self, Queue):
        q = Queue(iterable=[1])
        q.get()
        for get in (
            lambda: q.get_nowait(),
            lambda: q.get(False),
            lambda: q.get(timeout=0),
            lambda: q.get(True, 0.0),
            lambda: q.get_many(3, block=False),
            lambda: q.get_many(3, timeout=0),
        ):
            with pytest.raises(Empty):
                get()

    def test_the_exceptions_are_those_of_the_standard_library(self, Queue):
        assert Empty is queue.Empty
        assert Full is queue.Full
        assert ShutDown is getattr(queue, "ShutDown", ShutDown)
        assert issubclass(ShutDown, Exception)

    @pytest.mark.parametrize(
        "wrong", [-1, -0.001, float("-inf"), float("nan"), -(10**400)], ids=repr
    )
    def test_timeouts_that_are_no_time(self, Queue, wrong):
        q = Queue(iterable=[1], maxsize=1)
        for use in (
            lambda: q.get(True, wrong),
            lambda: q.put(2, True, wrong),
            lambda: q.get_many(1, timeout=wrong),
        ):
            with pytest.raises(ValueError, match="'timeout' must be a non-negative number"):
                use()
        assert q.get(False, wrong) == 1  # as with queue.Queue: not looked at

    @pytest.mark.parametrize("wrong", ["1", b"1", [], 1j], ids=repr)
    def test_timeouts_of_another_type(self, Queue, wrong):
        q = Queue(iterable=[1])
        with pytest.raises(TypeError, match="timeout: expected None or a number, got"):
            q.get(timeout=wrong)
        with pytest.raises(TypeError, match="timeout: expected None or a number, got"):
            q.put(2, timeout=wrong)
        assert q.drain() == [1]

    @pytest.mark.parametrize(
        "huge", [10**9, 1e300, float("inf"), 10**400], ids=lambda n: str(n)[:9]
    )
    def test_huge_timeouts(self, Queue, huge):
        q = Queue(maxsize=1)
        q.put(1, timeout=huge)
        assert q.get(timeout=huge) == 1
        threading.Timer(0.01, q.put, [2]).start()
        assert q.get(timeout=huge) == 2

    @pytest.mark.parametrize("seconds", [0.001, 0.02, 0.2])
    def test_a_timeout_is_never_shorter_and_not_much_longer(self, Queue, seconds):
        q = Queue(iterable=[1], maxsize=1)
        for use, error in ((lambda: q.put(2, timeout=seconds), Full), (q.get, None)):
            before = time.monotonic()
            if error:
                with pytest.raises(error):
                    use()
                assert seconds <= time.monotonic() - before < seconds + 60
            else:
                use()
        before = time.monotonic()
        with pytest.raises(Empty):
            q.get(timeout=seconds)
        assert seconds <= time.monotonic() - before < seconds + 60

    def test_block_may_be_any_object_with_a_truth(self, Queue):
        class Undecided:
            def __bool__(self):
                raise ZeroDivisionError

        q = Queue()
        q.put(1, "yes")
        assert q.get([0]) == 1
        with pytest.raises(Empty):
            q.get(0)
        with pytest.raises(ZeroDivisionError):
            q.get(Undecided())
        with pytest.raises(ZeroDivisionError):
            q.put(1, Undecided())

    def test_wrong_arguments(self, Queue):
        q = Queue()
        for use in (
            lambda: q.put(),
            lambda: q.put(1, 2, 3, 4),
            lambda: q.put(1, what=2),
            lambda: q.get(1, 2, 3),
            lambda: q.put_nowait(),
            lambda: q.get_nowait(1),
            lambda: q.try_get(1, 2),
        ):
            with pytest.raises(TypeError):
                use()
        assert len(q) == 0


class TestMany:
    def test_put_many(self, Queue):
        q = Queue()
        assert q.put_many(range(10)) == 10
        assert q.put_many([]) == 0
        assert q.put_many(iter("ab")) == 2
        assert q.drain() == [*range(10), "a", "b"]

    def test_put_many_waits_for_room(self, Queue):
        q = Queue(maxsize=2)
        taken = []
        consumer = threading.Thread(target=lambda: taken.extend(q.get() for _ in range(100)))
        consumer.start()
        assert q.put_many(range(100)) == 100
        consumer.join(60)
        assert taken == list(range(100))

    def test_put_many_within_a_time(self, Queue):
        q = Queue(maxsize=3)
        assert q.put_many(range(2), timeout=0) == 2
        items = iter("abcd")
        with pytest.raises(Full) as caught:
            q.put_many(items, timeout=0.02)
        assert (caught.value.items_put, caught.value.item_not_put) == (1, "b")
        with pytest.raises(Full) as caught:
            q.put_many(items, block=False)
        assert (caught.value.items_put, caught.value.item_not_put) == (0, "c")
        assert q.drain() == [0, 1, "a"]
        assert q.put_many(items, False) == 1
        assert q.drain() == ["d"]

    def test_the_time_of_put_many_is_for_all_items_together(self, Queue):
        q = Queue(maxsize=1)

        def consume():  # each one long before the time is over, but not all
            for _ in range(20):
                time.sleep(0.02)
                q.get()

        consumer = threading.Thread(target=consume)
        consumer.start()
        with pytest.raises(Full) as caught:
            q.put_many(range(20), timeout=0.05)
        assert caught.value.item_not_put == caught.value.items_put < 20
        q.put_many(range(20 - caught.value.items_put))
        consumer.join(60)

    @pytest.mark.parametrize("wrong", [-1, float("nan")])
    def test_put_many_with_no_time(self, Queue, wrong):
        items = iter("a")
        with pytest.raises(ValueError, match="timeout"):
            Queue().put_many(items, timeout=wrong)
        with pytest.raises(TypeError, match="timeout"):
            Queue().put_many(items, timeout="1")
        assert list(items) == ["a"]

    def test_put_many_of_an_iterable_that_raises(self, Queue):
        def items():
            yield 1
            yield 2
            raise KeyError("x")

        q = Queue()
        with pytest.raises(KeyError):
            q.put_many(items())
        assert q.drain() == [1, 2]
        with pytest.raises(TypeError):
            q.put_many(5)

    def test_put_many_says_how_far_it_came_when_the_queue_is_shut_down(self, Queue):
        q = Queue()

        def items():
            yield from range(3)
            q.shutdown()
            yield from range(3, 6)

        with pytest.raises(ShutDown) as caught:
            q.put_many(items())
        assert caught.value.items_put == 3
        assert q.drain() == [0, 1, 2]

    def test_put_many_into_a_queue_that_is_shut_down_takes_nothing(self, Queue):
        q = Queue()
        q.shutdown()
        items = iter(range(3))
        with pytest.raises(ShutDown) as caught:
            q.put_many(items)
        assert caught.value.items_put == 0
        assert not hasattr(caught.value, "item_not_put")
        assert list(items) == [0, 1, 2]

    def test_put_many_hands_back_what_it_could_not_put(self, Queue):
        q = Queue()

        def items():
            yield from "ab"
            q.shutdown()
            yield from "cd"

        source = items()
        with pytest.raises(ShutDown) as caught:
            q.put_many(source)
        assert caught.value.items_put == 2
        assert [caught.value.item_not_put, *source] == ["c", "d"]

    def test_put_many_says_how_far_it_came_whatever_ends_it(self, Queue):
        @dataclasses.dataclass(frozen=True)
        class Frozen(Exception):
            pass

        q = Queue()
        for error in KeyError("x"), KeyboardInterrupt(), Frozen():

            def items(error=error):
                yield from range(3)
                raise error

            with pytest.raises(type(error)) as caught:
                q.put_many(items())
            assert caught.value is error
            assert error.items_put == 3
            assert not hasattr(error, "item_not_put")

    def test_put_many_leaves_the_iterables_own_end_alone(self, Queue):
        # What the queue behind `items` says must not be taken for what this one says.
        q, other = Queue(), Queue()
        other.shutdown()

        def items():
            yield from range(3)
            other.put("x")

        with pytest.raises(ShutDown) as caught:
            q.put_many(items())
        assert not hasattr(caught.value, "items_put")

        def more_items():
            yield from range(2)
            other.put_many(["x"])

        with pytest.raises(ShutDown) as caught:
            q.put_many(more_items())
        assert caught.value.items_put == 0, "of the inner one"
        assert q.drain() == [0, 1, 2, 0, 1]

    def test_get_many(self, Queue):
        q = Queue(iterable=range(10))
        assert q.get_many(3) == [0, 1, 2]
        assert q.get_many(max_items=1, block=True, timeout=1) == [3]
        assert q.get_many(100) == [4, 5, 6, 7, 8, 9]
        with pytest.raises(Empty):
            q.get_many(1, False)

    def test_get_many_waits_for_the_first_item_only(self, Queue):
        q = Queue()
        threading.Timer(0.02, q.put, ["first"]).start()
        assert q.get_many(10, timeout=60) == ["first"]

    @pytest.mark.parametrize("wrong", [0, -1])
    def test_get_many_of_less_than_one(self, Queue, wrong):
        with pytest.raises(ValueError, match="max_items: expected an int from 1"):
            Queue(iterable=[1]).get_many(wrong)

    def test_counts_of_another_type(self, Queue):
        q = Queue(iterable=[1])
        with pytest.raises(TypeError, match="max_items: expected an int, got str"):
            q.get_many("3")
        with pytest.raises(TypeError, match="max_items: expected an int, got float"):
            q.drain(1.5)
        assert len(q) == 1

    def test_drain(self, Queue):
        q = Queue(iterable=range(10), maxsize=10)
        assert q.drain(3) == [0, 1, 2]
        assert q.drain(0) == []
        assert q.drain(max_items=2) == [3, 4]
        assert q.drain() == [5, 6, 7, 8, 9]
        assert q.drain() == q.drain(5) == []
        assert not q.full()
        with pytest.raises(ValueError, match="max_items: expected an int from 0"):
            q.drain(-1)

    def test_drain_after_the_end(self, Queue):
        q = Queue(iterable=[1, 2])
        q.shutdown()
        assert q.drain() == [1, 2]
        assert q.drain() == []

    def test_clear(self, Queue):
        q = Queue(iterable=range(10), maxsize=10)
        q.clear()
        assert q.empty()
        assert q.unfinished_tasks == 0
        q.join()
        q.clear()
        q.put_many(range(10))
        assert q.full()

    def test_iteration_ends_at_shutdown(self, Queue):
        q = Queue(iterable=range(5))
        q.shutdown()
        iterator = iter(q)
        assert iter(iterator) is iterator
        assert list(iterator) == [0, 1, 2, 3, 4]
        assert list(iterator) == list(q) == []

    def test_iteration_waits_for_items(self, Queue):
        q = Queue()

        def produce():
            for item in range(20):
                time.sleep(0.001)
                q.put(item)
            q.shutdown()

        thread = threading.Thread(target=produce)
        thread.start()
        assert list(q) == list(range(20))
        thread.join()

    def test_in_takes_nothing_out(self, Queue):
        q = Queue(iterable=[1, 2])
        with pytest.raises(TypeError, match="a queue cannot be searched"):
            1 in q
        assert len(q) == 2


class TestTheWhole:
    def test_length_and_truth(self, Queue):
        q = Queue()
        assert not q
        q.put(None)
        assert q
        assert len(q) == q.qsize() == 1

    def test_repr(self, Queue):
        q = Queue(iterable=[1, 2], maxsize=4)
        name = Queue.cls.__name__
        assert repr(q).startswith(f"<{name} length=2 maxsize=4 open at 0x")
        q.shutdown()
        assert repr(q).startswith(f"<{name} length=2 maxsize=4 shut down at 0x")
        q = Queue.subclass("Jobs")()
        q.put(q)
        assert repr(q).startswith("<Jobs length=1 maxsize=0 open at 0x")

    def test_equal_to_itself_only(self, Queue):
        a, b = Queue(iterable=[1]), Queue(iterable=[1])
        assert a == a
        assert a != b
        assert len({a, b}) == 2

    @pytest.mark.parametrize(
        "make", [copy.copy, copy.deepcopy, pickle.dumps, lambda q: pickle.dumps(q, 0)]
    )
    def test_no_copies(self, Queue, make):
        with pytest.raises(TypeError, match=f"cannot copy or pickle a {Queue.cls.__name__}"):
            make(Queue(iterable=[1]))

    def test_weak_references(self, Queue):
        q = Queue(iterable=[1])
        reference = weakref.ref(q)
        assert reference() is q
        del q
        assert dead(reference)

    def test_generic_alias(self, Queue):
        alias = Queue.cls[int]
        assert alias.__origin__ is Queue.cls
        assert alias.__args__ == (int,)

    def test_size(self, Queue):
        small, large = Queue(), Queue(iterable=range(20_000))
        assert sys.getsizeof(small) > object.__sizeof__(small)
        assert sys.getsizeof(large) > sys.getsizeof(small)

    def test_attributes_that_are_read_only(self, Queue):
        q = Queue()
        for name in ("backend", "is_shutdown", "unfinished_tasks"):
            with pytest.raises(AttributeError):
                setattr(q, name, 1)
        with pytest.raises(AttributeError):
            q.anything = 1
        Queue.subclass()().anything = 1

    def test_names(self, Queue):
        cls = Queue.cls
        assert cls.__module__ == "concurrent_collections"
        assert getattr(concurrent_collections, cls.__name__) is cls
        assert cls.__qualname__ == cls.__name__

    def test_every_method_has_a_docstring_and_a_signature(self, Queue):
        for name in dir(Queue.cls):
            if name.startswith("_") and name != "__init__":
                continue
            thing = inspect.getattr_static(Queue.cls, name)
            assert thing.__doc__, name
            if not isinstance(thing, property) and callable(thing) and name != "__init__":
                inspect.signature(thing)

    def test_the_backend(self, Queue):
        backend = Queue().backend
        if Queue.cls is LockFreeQueue:
            assert backend == ("scq" if HAS_NO_GIL else "gil")
        elif Queue.cls is FastQueue:
            assert backend == Queue.choice
        else:
            assert backend in ("wcq", "crturn")
            assert (WaitFreeQueue().backend == "gil") is not HAS_NO_GIL


class TestFastQueueAndConfig:
    def test_the_choice_holds_for_queues_made_later(self, Queue):
        if Queue.cls is not FastQueue:
            pytest.skip("for FastQueue")
        before = config.queue_backend
        try:
            config.queue_backend = "scq"
            q = FastQueue()
            config.queue_backend = Queue.choice
            assert q.backend == "scq"
            assert FastQueue().backend == Queue.choice
            config.queue_backend = "auto"
            there = config.available_queue_backends
            assert ("gil" in there) is not HAS_NO_GIL
            assert FastQueue().backend == ("gil" if "gil" in there else "faa")
            if "gil" in there:
                config.queue_backend = "gil"
                assert FastQueue(iterable="ab").drain() == ["a", "b"]
        finally:
            config.queue_backend = before

    def test_what_is_not_there_cannot_be_chosen(self, Queue):
        for wrong in ("wcq", "", None, 1):
            with pytest.raises(ValueError, match="queue_backend: expected one of 'auto', 'scq'"):
                config.queue_backend = wrong

    def test_patience(self, Queue):
        if Queue.cls is not WaitFreeQueue:
            with pytest.raises(TypeError):
                Queue(patience=1)
            return
        for patience in (0, 1, 100):
            assert Queue(iterable=range(100), patience=patience).drain() == list(range(100))
        with pytest.raises(ValueError, match="patience: expected an int from 0"):
            Queue(patience=-1)

    def test_wait_free(self, Queue):
        if Queue.cls is not WaitFreeQueue:
            assert not hasattr(Queue(), "wait_free")
            return
        # wCQ: as long as it is one ring. CRTurn links nodes wait-free; its bound is counted by credits, lock-free.
        expected = {
            "wcq": {0: False, 1: True, 2: True, 1000: True, 65536: True, 65537: False},
            "crturn": {0: True, 1: False, 2: False, 1000: False, 65536: False, 65537: False},
            "gil": dict.fromkeys((0, 1, 2, 1000, 65536, 65537), True),
        }
        if not HAS_NO_GIL:
            assert {n: WaitFreeQueue(maxsize=n).wait_free for n in expected["gil"]} == expected[
                "gil"
            ]
            assert WaitFreeQueue(maxsize=2, iterable="ab", ring_size=1).drain() == ["a", "b"]
        expected = expected[Queue().backend]
        assert {bound: Queue(maxsize=bound).wait_free for bound in expected} == expected
        for options in ({"patience": 0}, {"ring_size": 1}, {"iterable": [1]}):
            for bound in (0, 2):
                assert Queue(maxsize=bound, **options).wait_free is expected[bound]
        with pytest.raises(AttributeError):
            Queue().wait_free = True


class TestItemsWithFinalizers:
    def test_a_finalizer_that_puts_into_its_queue(self, Queue):
        q = Queue()

        class Again:
            lives = 3

            def __del__(self):
                if Again.lives:
                    Again.lives -= 1
                    q.put(Again())

        q.put(Again())
        for _ in range(10):
            q.clear()
            gc.collect()
        assert Again.lives == 0
        assert q.empty()

    def test_a_finalizer_that_takes_from_its_queue(self, Queue):
        q = Queue(maxsize=5)
        taken = []

        class Taker:
            def __del__(self):
                taken.append(q.try_get())

        q.put(Taker())
        q.put_many("abc")
        q.clear()
        gc.collect()
        assert q.empty()
        assert taken == ["a"]

    def test_a_finalizer_that_shuts_the_queue_down(self, Queue):
        q = Queue()

        class Closer:
            def __del__(self):
                q.shutdown()

        q.put(Closer())
        q.put(2)
        q.get()
        gc.collect()
        assert q.is_shutdown
        assert q.drain() == [2]

    def test_a_finalizer_that_raises(self, Queue, monkeypatch):
        raised = []
        monkeypatch.setattr(sys, "unraisablehook", lambda event: raised.append(event.exc_type))

        class Raiser:
            def __del__(self):
                raise KeyError

        q = Queue(iterable=[Raiser(), 2, Raiser(), 4])
        q.clear()
        gc.collect()
        assert raised == [KeyError, KeyError]
        assert q.empty()
