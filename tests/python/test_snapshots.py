"""Snapshots of maps and sets: the content of one instant, whatever others do meanwhile, and Python code in between."""

from __future__ import annotations

import contextlib
import functools
import gc
import itertools
import random
import sys
import threading
import weakref
from fractions import Fraction

import pytest
from ordered_kinds import UNBALANCED
from support import (
    Key,
    Object,
    OnlyLess,
    collect,
    forks_beside_threads,
    in_background,
    in_child,
    rounds,
    run_threads,
    set_at_the_end,
    stalled_reader,
)

from concurrent_collections import Comparator, FrozenSkipListMap, FrozenSkipListSet, SkipListMap

# One of each way in which keys are kept, in order.
KEYS = {
    "none": [],
    "ints": [-(2**63), -1, 0, 7, 2**63 - 1],
    "many ints": list(range(5000)),
    "floats": [float("-inf"), -1.5, 1e-300, 2.0**70, float("inf")],
    "texts": ["", "a", "ab", "abcdefgh1", "abcdefgh2", "é"],
    "big ints": [-(2**70), -(2**63), 5, 2**64],
    "mixed numbers": [-1.5, 0, 0.5, True, 2, 2.5, 2**70],
    "tuples": [(), (1,), (1, "a"), (2.5,)],
    "foreign": [Fraction(1, 3), Fraction(1, 2), Fraction(7)],
    "users'": [Key(1), Key(2), Key(3)],
    "many of users'": [OnlyLess(n) for n in range(300)],
}
every_kind = pytest.mark.parametrize("keys", KEYS.values(), ids=KEYS)


def three_way(a, b):
    return (a > b) - (a < b)


def turned(a, b):
    return (b > a) - (b < a)


ORDERS = {
    "ascending": Comparator.natural(),
    "descending": Comparator.natural().reversed(),
    "by key": Comparator.by_key(str),
    "by key, descending": Comparator.by_key(str).reversed(),
    "by a function": Comparator.from_function(turned),
    "by two": Comparator.by_key(len).then(Comparator.natural().reversed()),
}


@every_kind
def test_the_content_of_a_map(Map, keys, smr_scheme):
    m = Map((key, [i]) for i, key in enumerate(keys))
    s = m.snapshot()
    assert type(s) is FrozenSkipListMap
    assert len(s) == len(keys)
    assert all(a is b for a, b in zip(s.values(), m.values(), strict=True))
    assert list(map(repr, s)) == list(map(repr, m))
    for key in list(m):
        del m[key]
    assert len(s) == len(keys)
    assert [value for [value] in s.values()] == list(range(len(keys)))


@every_kind
def test_the_content_of_a_set(Set, keys, smr_scheme):
    elements = Set(keys)
    s = elements.snapshot()
    assert type(s) is FrozenSkipListSet
    assert list(map(repr, s)) == list(map(repr, elements))
    elements.clear()
    assert len(s) == len(keys)


@pytest.mark.parametrize("inclusive", [True, False, (True, False), (False, True)])
def test_ranges(Map, Set, inclusive):
    m = Map((n, str(n)) for n in range(0, 100, 2))
    for start, stop in [
        (None, None),
        (10, None),
        (None, 20),
        (10, 20),
        (11, 19),
        (20, 10),
        (98, 200),
        (-5, 0),
    ]:
        expected = list(m.items(start, stop, inclusive=inclusive))
        assert list(m.snapshot(start, stop, inclusive=inclusive).items()) == expected
        assert list(m.items(start, stop, inclusive=inclusive, consistent=True)) == expected
        backwards = m.items(start, stop, inclusive=inclusive, reverse=True, consistent=True)
        assert list(backwards) == expected[::-1]
        assert list(Set(m).snapshot(start, stop, inclusive=inclusive)) == [
            key for key, _ in expected
        ]


@pytest.mark.parametrize("order", ORDERS)
def test_orders(Map, Set, order, smr_scheme):
    if Map in UNBALANCED and order == "by a function":
        pytest.skip("keys in order make it a path")
    comparator = ORDERS[order]
    m = Map(((str(n), [n]) for n in range(1500)), comparator=comparator)
    elements = Set(m, comparator=comparator)
    everything = list(m.items())
    low, high = everything[300][0], everything[900][0]
    for s, expected in [
        (m.snapshot(), everything),
        (m.snapshot(low, high), everything[300:900]),
        (m.snapshot(high, low), []),
        (m.submap(low, high).snapshot(), everything[300:900]),
    ]:
        assert list(s.items()) == expected
        assert s.comparator == comparator
        assert all(s[key] is value for key, value in expected)
    assert list(m.items(low, high, consistent=True)) == everything[300:900]
    assert list(m.items(low, high, consistent=True, reverse=True)) == everything[300:900][::-1]
    s = elements.snapshot(low, None, inclusive=False)
    assert (list(s), s.comparator) == ([key for key, _ in everything[301:]], comparator)
    assert s.thaw().comparator == comparator


def test_live_parts(Map, Set):
    m = Map((n, str(n)) for n in range(100))
    part = m.submap(20, 40)
    inside = list(part.items())
    backwards = part.descending()
    assert list(part.snapshot().items()) == inside
    assert list(part.snapshot(30, 200).items()) == inside[10:]
    assert list(part.items(consistent=True)) == inside
    assert list(part.items(25, reverse=True, consistent=True)) == inside[5:][::-1]
    # In the map's order, whatever the view's; but bounds are in the view's.
    assert list(backwards.snapshot().items()) == inside
    assert list(backwards.snapshot(30, 25).items()) == inside[6:11]
    assert list(backwards.items(consistent=True)) == inside[::-1]
    assert list(backwards.items(30, consistent=True)) == inside[10::-1]
    assert list(m.descending().snapshot(3)) == [0, 1, 2, 3]
    subset = Set(m).subset(20, 40)
    assert list(subset.snapshot(None, 22)) == [20, 21]
    assert list(subset.descending().snapshot(22)) == [20, 21, 22]
    seen = part.items(consistent=True)
    m.clear()
    assert (list(seen), list(part)) == (inside, [])


def test_consistent_items_do_not_change(Map):
    m = Map({1: "a", 2: "b"})
    seen, live = m.items(consistent=True), m.items()
    m[3] = "c"
    assert (list(seen), len(live)) == ([(1, "a"), (2, "b")], 3)


def test_bad_arguments(Map, Set):
    m, s = Map({1: "a"}), Set([1])
    for container in (m, s):
        with pytest.raises(ValueError, match="start"):
            container.snapshot(float("nan"))
        with pytest.raises(TypeError):
            container.snapshot(None, object())
        with pytest.raises(TypeError, match="inclusive"):
            container.snapshot(inclusive=5)
        with pytest.raises(TypeError):
            container.snapshot("a")
        with pytest.raises(TypeError):
            container.snapshot(1, 2, 3)
    assert (m, s) == (Map({1: "a"}), Set([1]))


class Meddling:
    """A key whose `<` does something."""

    def __init__(self, number, meddle):
        self.number = number
        self.meddle = meddle

    def __lt__(self, other):
        self.meddle()
        return self.number < other.number


def test_snapshots_inside_comparisons(Map, smr_scheme):
    depth = []

    def meddle():
        if len(depth) == 1:
            depth.append(1)
            m[keys[5]] = "changed"
            assert len(m.snapshot()) >= 19
            depth.pop()

    keys = [Meddling(n, meddle) for n in range(20)]
    m = Map((key, key.number) for key in keys)
    for _ in range(20):
        depth.append(1)
        s = m.snapshot()
        m.pop(keys[7], None)
        m[keys[7]] = 7
        depth.clear()
        assert [key.number for key in s] in (list(range(20)), [n for n in range(20) if n != 7])


def test_comparisons_that_raise(Map):
    raising = []

    def meddle():
        if raising:
            raise ZeroDivisionError

    keys = [Meddling(n, meddle) for n in range(2000)]
    # In no order, of which a tree may make a path.
    m = Map((keys[n * 777 % 2000], n) for n in range(2000))
    raising.append(1)
    try:
        m.snapshot()  # which may have to ask, where its walk goes on
    except ZeroDivisionError:
        pass
    raising.clear()
    assert [key.number for key in m.snapshot()] == list(range(2000))


def test_finalizers(Map, smr_scheme):
    dead = []

    class Value:
        def __del__(self):
            dead.append(len(m.snapshot()))

    m = Map((n, Value()) for n in range(100))
    s = m.snapshot()
    m.clear()
    assert not dead
    del s
    collect()
    assert dead == [0] * 100


def test_values_live_as_long_as_a_snapshot(Map, smr_scheme):
    value = Object()
    reference = weakref.ref(value)
    m = Map({"a": value})
    s = m.snapshot()
    del m["a"], value
    m.flush()
    assert reference() is s["a"]
    del s
    m.flush()
    gc.collect()
    assert reference() is None


def test_against_a_dict(Map, smr_scheme):
    generator = random.Random(1)
    m, model = Map(), {}
    for _ in range(rounds(300)):
        for _ in range(20):
            key = generator.randrange(50)
            if generator.random() < 0.6:
                m[key] = model[key] = object()
            else:
                m.pop(key, None)
                model.pop(key, None)
        assert m.snapshot().to_dict() == dict(sorted(model.items()))


class TestMoney:
    """It is taken from one account before it is put into another: no instant has more than all of it."""

    @pytest.mark.parametrize("part", ["whole", "range", "view"])
    @pytest.mark.parametrize("how", ["setitem", "increment", "compute"])
    @pytest.mark.parametrize(
        ("make", "comparator"),
        [
            (int, None),
            ("{:05}".format, None),
            (Key, None),
            ("{:05}".format, Comparator.natural().reversed()),
            (int, Comparator.by_key(str)),
            (int, Comparator.from_function(three_way)),
        ],
        ids=["ints", "texts", "users'", "descending", "by key", "by a function"],
    )
    def test_no_instant_has_more_than_all(self, Map, make, comparator, how, part, smr_scheme):
        m = Map(((make(n), 100) for n in range(60)), comparator=comparator)
        accounts = list(m)
        low, high = (0, 60) if part == "whole" else (20, 40)
        start, stop = (None, None) if part == "whole" else (accounts[20], accounts[40])
        locks = [threading.Lock() for _ in accounts]
        stop_it = []

        def add(n, amount):
            if how == "increment":
                m.increment(accounts[n], amount)
            elif how == "compute":
                m.compute(accounts[n], lambda before: before + amount)
            else:
                with locks[n]:
                    m[accounts[n]] = m[accounts[n]] + amount

        def move(seed):
            generator = random.Random(seed)
            while not stop_it:
                a, b = generator.sample(range(low, high), 2)
                add(a, -1)
                add(b, 1)

        def look():
            try:
                for _ in range(rounds(60)):
                    if part == "view":
                        s = m.submap(start, stop).snapshot()
                    else:
                        s = m.snapshot(start, stop)
                    assert len(s) == high - low
                    total = 100 * (high - low)
                    assert total - 2 <= sum(s.values()) <= total
            finally:
                stop_it.append(1)

        run_threads(functools.partial(move, 1), functools.partial(move, 2), look)
        assert sum(m.values()) == 6000

    def test_entries_that_come_and_go(self, Map, smr_scheme):
        # One thread: a token is put before the one in front of it is removed. There always is one, or two.
        m, stop_it = Map({0: "token"}), []

        def walk():
            at = 0
            while not stop_it:
                m[(at + 7) % 50] = "token"
                del m[at]
                at = (at + 7) % 50

        def look():
            try:
                for _ in range(rounds(500)):
                    seen = list(m.snapshot())
                    assert len(seen) in (1, 2)
                    if len(seen) == 2:
                        assert (seen[1] - seen[0]) % 50 in (7, 43)
            finally:
                stop_it.append(1)

        run_threads(walk, look, look)


def test_a_log_has_no_gaps(Map, smr_scheme):
    # One thread appends numbers in chunks, and removes from the front: what is there at one instant is in a row.
    m, stop_it = Map({0: "entry"}), []

    def write():
        last = 0
        while not stop_it and last < rounds(20_000):
            m.update((n, "entry") for n in range(last + 1, last + 60))
            last += 59
            while len(m) > 200:
                m.pop_first()

    def look():
        try:
            for _ in range(rounds(100)):
                numbers = list(m.snapshot())
                assert numbers
                assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        finally:
            stop_it.append(1)

    run_threads(write, look)


def test_beside_clear(Map, smr_scheme):
    # `clear` goes from the smallest key up, and only then is the next filling put, from the largest key down: each is
    # many steps, but in an order.
    m, stop_it = Map(), threading.Event()

    def fill_and_clear():
        with set_at_the_end(stop_it):
            for generation in range(rounds(300)):
                for n in reversed(range(50)):
                    m[n] = generation
                m.clear()

    def look():
        last = 0
        while not stop_it.is_set():
            s = m.snapshot()
            assert list(s) == list(range(50 - len(s), 50))
            assert len(set(s.values())) <= 1
            assert all(generation >= last for generation in s.values())
            last = max(s.values(), default=last)

    run_threads(fill_and_clear, look, look)


class Parked:
    """A map, and a thread whose snapshot of it stands in a comparison that its walk needs."""

    def __init__(self, Map):
        self.stands, self.may_go_on = threading.Event(), threading.Event()
        self.thread = threading.Thread(target=self.look)
        self.keys = [Meddling(n, self.meddle) for n in range(3000)]
        self.m = Map((key, 0) for key in self.keys)
        self.result = []

    def meddle(self):
        if threading.current_thread() is self.thread and not self.stands.is_set():
            self.stands.set()
            self.may_go_on.wait(120)

    def look(self):
        self.result.append(self.m.snapshot())

    def __enter__(self):
        self.thread.start()
        assert self.stands.wait(120)
        return self

    def __exit__(self, *_):
        self.may_go_on.set()
        self.thread.join()


@pytest.mark.skip_lists_only  # a tree compares nothing in the middle of a snapshot
@pytest.mark.parametrize("changes", [100, 100_000])
def test_a_snapshotter_that_stops_holds_nobody_up(Map, changes, smr_scheme):
    # A million operations with CC_STRESS_SCALE=10. So many that it is given up, and fewer.
    with Parked(Map) as parked:
        m, keys = parked.m, parked.keys
        for n in range(rounds(changes)):
            m[keys[n % 3000]] = n
        for n in (-1, -5, -3, 0.5, 2999.5, 1.5):  # most of them where the walk has been
            m[Meddling(n, parked.meddle)] = "new"
        del m[keys[7]]
        mine = m.snapshot()  # joins it, if it was not given up
        assert list(mine.items()) == list(m.items())
    [theirs] = parked.result
    assert list(theirs.items()) == list(mine.items())


@pytest.mark.skip_lists_only  # a tree compares nothing in the middle of a snapshot
@forks_beside_threads
def test_a_child_forked_in_the_middle(Map, smr_scheme):
    # It inherits a snapshot that nobody ends.
    def child():
        for n in range(1000):
            m[keys[n]] = "new"
        for _ in range(3):
            assert list(m.snapshot().items()) == list(m.items())
        assert list(m.snapshot().values())[:1000] == ["new"] * 1000
        m.clear()
        assert not m.snapshot()

    with Parked(Map) as parked:
        m, keys = parked.m, parked.keys
        in_child(child)
        del m[keys[0]]
    assert [key.number for key in parked.result[0]] in (list(range(3000)), list(range(1, 3000)))


@forks_beside_threads
def test_forks_beside_snapshots(Map):
    m = Map((n, n) for n in range(2000))

    def child():
        m[5] = "five"
        assert m.snapshot().to_dict() == {**{n: n for n in range(2000)}, 5: "five"}

    with in_background(m.snapshot), in_background(m.snapshot):
        for _ in range(rounds(10)):
            in_child(child)


class Liar:
    def __init__(self, answer):
        self.answer = answer

    def __lt__(self, other):
        return self.answer()


class TestOrdersThatAreNone:
    """Which entries come, and how often, is anybody's guess; but the walk comes to an end."""

    @pytest.mark.parametrize("size", [2, 10, 300, 3000])
    def test_keys_that_lie(self, size):
        generator = random.Random(size)
        answers = [lambda: True, lambda: False, lambda: generator.random() < 0.5]
        for answer in answers[: 2 if size > 300 else 3]:
            m = SkipListMap()
            for n in range(size):
                m[Liar(answer)] = n
            for snapshot in (m.snapshot(), m.submap().snapshot()):
                assert set(snapshot.values()) <= set(range(size))

    @pytest.mark.parametrize("answer", [-1, 1])
    @pytest.mark.parametrize("size", [10, 3000])
    def test_comparators_that_lie(self, answer, size):
        m = SkipListMap(comparator=Comparator.from_function(lambda a, b: answer))
        for n in range(size):
            m[n] = n
        assert set(m.snapshot().values()) <= set(range(size))
        assert set(m.items(consistent=True)) <= {(n, n) for n in range(size)}


def test_who_appends_in_a_comparison_does_not_lead_it_on():
    class Appends:
        count = 0

        def __init__(self, rank):
            self.rank = rank

        def __lt__(self, other):
            if is_on:
                Appends.count += 1
                m[Key(1000 + Appends.count)] = 0
            return self.rank < other.rank

        def __gt__(self, other):
            return self.rank > other.rank

    is_on = False
    m = SkipListMap((Appends(rank), rank) for rank in range(20))
    is_on = True
    snapshot = m.snapshot()
    is_on = False
    assert list(snapshot.values())[:20] == list(range(20))


@pytest.mark.parametrize("threads", [1, 3])
def test_beside_threads_that_append(threads):
    m = SkipListMap((n, n) for n in range(1000))
    numbers = itertools.count(1000)

    def append():  # and remove what was appended a while before: else the map grows for ever
        for _ in range(100):
            n = next(numbers)
            m[n] = n
            m.delete(max(n - 500, 1000))

    with contextlib.ExitStack() as stack:
        for _ in range(threads):
            stack.enter_context(in_background(append))
        for _ in range(rounds(30)):
            snapshot = m.snapshot()
            assert list(snapshot)[:1000] == list(range(1000))


@pytest.mark.skip_lists_only  # a tree leaves nothing
def test_what_a_snapshot_leaves_in_limbo_has_bytes(Map):
    m = Map({n: None for n in range(5000)})
    before = sys.getsizeof(m)
    with stalled_reader(m):
        assert len(m.snapshot()) == 5000
        assert sys.getsizeof(m) >= before + 5000 * 48  # what the walk has found, which waits
    m.flush()
    assert sys.getsizeof(m) == before


def test_a_long_part_of_a_snapshot_lets_the_interpreter_in(Map):
    """What another thread has asked for arrives in the middle of cutting a range out, which then has no effect."""
    looks = []
    m = Map({n: None for n in range(100_000)})

    def trace(frame, event, argument):
        looks.append(event)

    def counted(*bounds):
        looks.clear()
        sys.setprofile(trace)
        try:
            return len(m.snapshot(*bounds)), len(looks)
        finally:
            sys.setprofile(None)

    (whole, looks_of_whole), (part, looks_of_part) = counted(), counted(0)
    assert whole == part == 100_000
    assert looks_of_part > looks_of_whole + 20
