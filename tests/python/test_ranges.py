"""Ranges of ordered containers: counting, removing, taking out, cutting into parts; test_submaps.py has their live views."""

from __future__ import annotations

import concurrent.futures
import gc
import itertools
import signal
import sys
import threading
import time
import weakref

import pytest
from sortedcontainers import SortedDict, SortedSet
from support import (
    HookedKey,
    Key,
    Object,
    check,
    dead,
    is_gil_enabled,
    rounds,
    until_memory_suffices,
)

from concurrent_collections import Comparator

POWERS = [2**i for i in range(1, 12)]
SIZES = sorted({0, 1} | {n + d for n in POWERS for d in (-1, 0, 1)})
BOUNDS = [None, -1, 0, 1, 4, 7, 9, 10, 11]


def expected(keys, start, stop, inclusive):
    with_start, with_stop = inclusive
    return [
        key
        for key in keys
        if (start is None or key > start or (with_start and key == start))
        and (stop is None or key < stop or (with_stop and key == stop))
    ]


# ---- counting, removing, taking out ----


@pytest.mark.parametrize("inclusive", list(itertools.product([True, False], repeat=2)))
def test_every_pair_of_bounds_and_start_beyond_stop(Map, Set, inclusive):
    for start, stop in itertools.product(BOUNDS, repeat=2):
        keys = expected(range(0, 10, 1), start, stop, inclusive)
        rest = [key for key in range(10) if key not in keys]
        for most in (None, 0, 1, 3, 100):
            for reverse in (False, True):
                m, s = Map((n, str(n)) for n in range(10)), Set(range(10))
                assert m.count_range(start, stop, inclusive=inclusive) == len(keys)
                assert s.count_range(start, stop, inclusive=inclusive) == len(keys)
                taken = (keys[::-1] if reverse else keys)[:most]
                how = {"inclusive": inclusive, "reverse": reverse}
                assert m.pop_range(start, stop, most, **how) == [(k, str(k)) for k in taken]
                assert s.pop_range(start, stop, most, **how) == taken
                assert list(m) == list(s) == [k for k in range(10) if k not in taken]
        m, s = Map.fromkeys(range(10)), Set(range(10))
        assert m.clear_range(start, stop, inclusive=inclusive) == len(keys)
        assert s.clear_range(start, stop, inclusive=inclusive) == len(keys)
        assert list(m) == list(s) == rest


@pytest.mark.parametrize("n", SIZES)
def test_ranges_of_all_sizes(Map, Set, n):
    value = object()
    references = sys.getrefcount(value)
    texts = [str(i).zfill(5) for i in range(n)]
    for keys in (range(n), texts):
        m = Map.fromkeys(keys, value)
        low, high = (keys[n // 4], keys[n - 1 - n // 4]) if n else (0, 0)
        inside = expected(keys, low, high, (True, False))
        assert m.count_range(low, high) == len(inside)
        assert m.pop_range(low, high) == [(key, value) for key in inside]
        assert sys.getrefcount(value) == references + n - len(inside)
        assert list(m) == [key for key in keys if key not in set(inside)]
        assert m.clear_range() == n - len(inside)
        assert len(m) == 0
        assert sys.getrefcount(value) == references
        m.update(dict.fromkeys(keys, value))
        assert [key for key, _ in m.pop_range(reverse=True)] == list(keys)[::-1]
        s = Set(keys)
        assert s.pop_range(max_items=n // 2) == list(keys)[: n // 2]
        assert s.clear_range() == n - n // 2
        check(m)
        check(s)


def test_bad_numbers(Map, Set):
    for container in (Map({1: 1}), Set([1]), Map({1: 1}).submap()):
        with pytest.raises(TypeError, match=r"^max_items: expected an int, got float"):
            container.pop_range(max_items=1.0)
        with pytest.raises(ValueError, match=r"^max_items: expected at least 0, got -1"):
            container.pop_range(max_items=-1)
        with pytest.raises(TypeError, match=r"^n: expected an int, got str"):
            container.split("2")
        with pytest.raises(ValueError, match=r"^n: expected at least 1, got 0"):
            container.split(0)
        assert len(container) == 1
        assert len(container.split(10**30)) == 1
        assert len(container.pop_range(max_items=10**30)) == 1


def test_irange_is_what_sortedcontainers_has(Map, Set):
    keys = range(0, 20, 2)
    theirs, m = SortedDict.fromkeys(keys), Map.fromkeys(keys)
    their_set, s = SortedSet(keys), Set(keys)
    for low, high in itertools.product([None, *range(-1, 20, 3)], repeat=2):
        for inclusive in itertools.product([True, False], repeat=2):
            for reverse in (False, True):
                if low is not None and high is not None and low > high:
                    continue  # theirs is not defined there
                wanted = list(theirs.irange(low, high, inclusive, reverse))
                assert list(m.irange(low, high, inclusive, reverse)) == wanted
                assert list(their_set.irange(low, high, inclusive, reverse)) == wanted
                assert list(s.irange(low, high, inclusive, reverse)) == wanted
    assert list(m.irange()) == list(m.irange(minimum=0, maximum=18)) == list(keys)


def test_keys_of_several_types_and_their_objects(Map):
    keys = [-(2**70), -1.5, -0.0, 1, 2.5, 2**70]
    m = Map((key, repr(key)) for key in keys)
    popped = m.pop_range(-2, 2**80)
    assert [(repr(key), value) for key, value in popped] == [(repr(k), repr(k)) for k in keys[1:]]
    words = [Key(n) for n in range(10)]
    m = Map.fromkeys(words)
    assert [key for key, _ in m.pop_range(Key(3), Key(6))] == words[3:6]
    assert all(a is b for (a, _), b in zip(m.pop_range(), words[:3] + words[6:], strict=True))


def test_what_is_removed_dies_at_once_and_its_finalizer_may_use_the_map(Map):
    m = Map()

    class Dying:
        def __del__(self):
            m.clear_range(900)
            m[950] = None

    references = []
    for n in range(300):
        value = Dying()
        references.append(weakref.ref(value))
        m[n] = value
    del value
    assert m.clear_range(0, 200) == 200
    assert all(map(dead, references[:200]))
    taken = m.pop_range(200, 900)
    assert len(taken) == 100
    assert not any(map(dead, references[200:]))
    del taken
    m.clear()
    gc.collect()
    assert all(map(dead, references))


class Failure(Exception):
    pass


def test_what_a_comparison_raises_leaves_everything_accounted_for(Map, Set):
    # It raises at the first, second, third ... comparison, in keys or in a bound.
    for armed in ("key", "bound"):
        for take_out in (True, False):
            # With tiny sizes (a list of two levels) there are thousands.
            for fail_at in (*range(0, 400, 3), *range(400, 20_000, 211)):
                calls = [None]

                def hook(*_, calls=calls, fail_at=fail_at):
                    if calls[0] is not None:
                        calls[0] += 1
                        if calls[0] > fail_at:
                            raise Failure

                m = Map((HookedKey(n, hook if armed == "key" else None), n) for n in range(40))
                bound = HookedKey(25, hook)
                calls[0] = 0
                popped, failure = [], None
                try:
                    if take_out:
                        popped = m.pop_range(HookedKey(5), bound)
                    else:
                        m.clear_range(HookedKey(5), bound)
                except Failure as error:
                    failure = error
                if hasattr(failure, "popped"):
                    popped = failure.popped
                    assert f"pop_range: {len(popped)} had been" in failure.__notes__[0]
                calls[0] = None
                left = [value for value in m.values()]
                gone = [n for n in range(40) if n not in left]
                assert gone == list(range(5, 5 + len(gone)))
                if take_out:
                    assert [value for _, value in popped] == gone
                    assert [key.rank for key, _ in popped] == gone
                check(m)
                if failure is None:
                    assert gone == list(range(5, 25))
                    break
            else:
                pytest.fail("it raises for ever")


class Closed(Exception):
    """It takes no attributes and no notes."""

    def __setattr__(self, name, value):
        raise TypeError("no attributes")

    def add_note(self, note):
        raise TypeError("no notes")


def test_an_exception_that_takes_no_attributes_has_the_entries_too(Map):
    def compare(*keys):
        nonlocal left
        left -= 1
        if left == 0:
            raise Closed

    left = -1
    m = Map((HookedKey(n, compare), n) for n in range(20))
    start, stop = HookedKey(3, compare), HookedKey(17, compare)
    for comparisons in range(1, 1000):
        left, before = comparisons, len(m)
        try:
            m.pop_range(start, stop)
        except Closed as error:
            popped = getattr(error, "popped", [])
            assert len(m) + len(popped) == before
        else:
            break
    left = -1
    assert sorted(value for _, value in m.items()) == [0, 1, 2, 17, 18, 19]


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="this system has no such signals")
def test_a_signal_that_comes_meanwhile_loses_no_entry(Map, collector_off):
    # Found by a fresh reader: its handler ran right behind the call, whose result was lost.
    class Interrupted(Exception):
        pass

    def interrupt(signum, frame):
        raise Interrupted

    def send():
        while len(m) == size:
            time.sleep(0)
        signal.pthread_kill(threading.main_thread().ident, signal.SIGALRM)

    size = 20_000 + rounds(100_000)
    popped = None
    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        m = Map((n, n) for n in range(size))
        sender = threading.Thread(target=send)
        sender.start()
        with pytest.raises(Interrupted) as caught:
            popped = m.pop_range()
            time.sleep(60)
    finally:
        sender.join()
        signal.signal(signal.SIGALRM, before)
    if popped is None:
        popped = caught.value.popped
    assert [key for key, _ in popped] + list(m) == list(range(size))


@pytest.mark.skipif(
    not (hasattr(signal, "pthread_kill") and is_gil_enabled()),
    reason="without signals, or a GIL: there a signal may come before Python has stored what a call returned",
)
def test_a_signal_of_who_had_the_last_turn_loses_no_entry(Map, eager_switching, collector_off):
    # Sent while the call, behind its last entries, lets other threads run: six of 2400 results were lost.
    class Interrupted(Exception):
        pass

    def interrupt(signum, frame):
        arrived.set()
        raise Interrupted

    def send():
        while len(m) == size:
            time.sleep(0)
        signal.pthread_kill(threading.main_thread().ident, signal.SIGALRM)

    size, raised = 9000, 0
    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        for _ in range(rounds(300)):
            m = Map((n, n) for n in range(size))
            popped, arrived = None, threading.Event()
            sender = threading.Thread(target=send)
            try:
                sender.start()
                popped = m.pop_range()
                sender.join()
                assert arrived.wait(60)
            except Interrupted as interrupted:
                raised += 1
                if popped is None:
                    popped = interrupted.popped
            # Python ignores it when a weak reference's callback is interrupted, one of threading's, say.
            assert arrived.is_set()
            sender.join()
            assert [key for key, _ in popped] + list(m) == list(range(size))
    finally:
        signal.signal(signal.SIGALRM, before)
    assert raised


def test_a_failing_allocation_loses_no_entry(Map, no_failing_allocations):
    values = [Object() for _ in range(100)]
    m = Map((n * 1000, value) for n, value in enumerate(values))
    taken = []

    def take():
        try:
            taken.extend(m.pop_range(0, 10**6))
        except MemoryError as error:
            taken.extend(getattr(error, "popped", []))
            raise

    until_memory_suffices(no_failing_allocations, take)
    assert [value for _, value in taken] == values
    assert len(m) == 0
    check(m)


def test_a_lying_order_ends(Map):
    class Liar(Key):
        lying = False

        def __lt__(self, other):
            return self.lying or super().__lt__(other)

    m = Map((Liar(n), n) for n in range(300))
    Liar.lying = True
    m.count_range(Liar(3), Liar(7))
    m.clear_range(Liar(3), Liar(7))
    m.pop_range(Liar(3), None, 50)
    m.split(5)
    Liar.lying = False
    check(m)


# ---- cutting into parts ----


def sizes_and_checked(container, parts):
    """The parts have all keys, in order, and each begins where the one before it ends."""
    assert [key for part in parts for key in part] == list(container)
    assert parts[0].start == getattr(container, "start", None)
    assert parts[-1].stop == getattr(container, "stop", None)
    for a, b in itertools.pairwise(parts):
        assert a.stop == b.start
        assert (a.inclusive[1], b.inclusive[0]) in {(False, True), (True, False)}
    return [len(part) for part in parts]


@pytest.mark.parametrize("parts", [1, 2, 3, 7, 16])
def test_small_containers_are_cut_exactly(Map, Set, parts):
    for n in sorted({0, 1, 2, parts - 1, parts, parts + 1, 2 * parts, 100}):
        m, s = Map.fromkeys(range(n)), Set(str(i).zfill(4) for i in range(n))
        for container in (m, s, m.descending(), m.submap(-1, n), s.subset(inclusive=False)):
            sizes = sizes_and_checked(container, container.split(parts))
            assert len(sizes) == max(1, min(n, parts))
            assert sum(sizes) == n
            assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize("parts", [2, 5, 40])
def test_large_containers_are_cut_about_equally(Map, Set, parts):
    n = 60_000
    m = Map.fromkeys(range(n))
    for container in (m, m.submap(n // 4), m.descending(), Set(f"{i:06}" for i in range(n))):
        sizes = sizes_and_checked(container, container.split(parts))
        assert len(sizes) == parts
        share = len(container) / parts
        # At least 64 samples a part. The sum of so many gaps is 1.75 times its mean once in some millions, which
        # these hundreds of parts would meet; twice its mean once in thousands of millions.
        assert all(0.25 * share < size < 2 * share for size in sizes)


def test_a_part_of_a_large_container_may_be_small(Map):
    m = Map.fromkeys(range(100_000))
    for low, high in ((500, 500), (500, 501), (500, 503), (99_990, None), (50_000, 53_000)):
        container = m.submap(low, high)
        sizes = sizes_and_checked(container, container.split(4))
        assert len(sizes) == max(1, min(len(container), 4))
        assert max(sizes) - min(sizes) <= 1


def test_parts_stay_disjoint_and_have_every_key(Map):
    m = Map.fromkeys(range(0, 1000, 2))
    parts = m.split(4)
    m.update(dict.fromkeys(range(-500, 1500)))
    assert [key for part in parts for key in part] == list(m) == list(range(-500, 1500))
    for key in range(-500, 1500):
        assert sum(key in part for part in parts) == 1


def test_keys_that_python_compares_are_cut(Map):
    m = Map.fromkeys(map(Key, range(rounds(5000))))
    sizes = sizes_and_checked(m, m.split(3))
    assert len(sizes) == 3


@pytest.mark.parametrize("order", ["key", "comparator"])
def test_a_key_that_is_no_bound_is_no_cut(Map, Set, order):
    def compare(a, b):
        return (str(a) > str(b)) - (str(a) < str(b))

    order = {"key": str} if order == "key" else {"comparator": Comparator.from_function(compare)}
    keys = [..., 1, None]
    for container in (Map(dict.fromkeys(keys), **order), Set(keys, **order)):
        for n in range(1, 5):
            for view in (container, container.descending()):
                parts = view.split(n)
                assert [key for part in parts for key in part] == list(view)


def test_map_parts(Map, Set):
    m, s = Map((n, 2 * n) for n in range(1000)), Set(range(1000))
    assert sum(m.map_parts(len)) == sum(s.map_parts(len)) == 1000
    assert len(m.map_parts(len, 7)) == len(s.map_parts(len, 7)) == 7
    assert [part[0] for part in m.map_parts(list, 4)] == [0, 250, 500, 750]
    assert [part[0] for part in m.descending().map_parts(list, 4)] == [999, 749, 499, 249]
    assert sum(m.submap(100, 200).map_parts(lambda part: sum(part.values()), 3)) == sum(
        range(200, 400, 2)
    )
    assert Map().map_parts(list, 5) == [[]]
    with pytest.raises(ValueError, match=r"^n: expected at least 1"):
        m.map_parts(len, 0)


def test_map_parts_calls_in_threads_at_the_same_time(Map):
    together = threading.Barrier(3, timeout=60)

    def work(part):
        together.wait()
        return threading.get_ident()

    m = Map.fromkeys(range(30))
    assert len(set(m.map_parts(work, 3))) == 3
    assert threading.get_ident() not in m.map_parts(lambda _: threading.get_ident(), 3)
    with concurrent.futures.ThreadPoolExecutor(3, thread_name_prefix="mine") as pool:
        names = m.map_parts(lambda _: threading.current_thread().name, 5, executor=pool)
    assert len(names) == 5
    assert all(name.startswith("mine") for name in names)


def test_map_parts_raises_what_the_first_part_raises_after_all_have_ended(Map):
    ended = []

    def work(part):
        ended.append(part.first_key())
        if part.first_key() > 0:
            raise KeyError(part.first_key())

    with pytest.raises(KeyError, match="10"):
        Map.fromkeys(range(40)).map_parts(work, 4)
    assert sorted(ended) == [0, 10, 20, 30]
