"""Comparisons and finalizers that raise, re-enter, lie, dawdle: the map must stay a map.

The same keys can be compared in the middle of any operation, so every test here runs through all
operations.
"""

from __future__ import annotations

import gc
import itertools
import random
import sys
import time

import pytest
from support import HookedKey, Key, Object, check, collect, in_background, rounds, run_copies

from concurrent_collections import REMOVE, Comparator, SkipListMap


class ByKey(SkipListMap):
    """Ordered by what a key function returns: the hostile key."""

    def __init__(self, other=(), /):
        super().__init__(other, key=lambda key: key)


class ByFunction(SkipListMap):
    """Ordered by a function, which asks the hostile keys."""

    def __init__(self, other=(), /):
        super().__init__(
            other, comparator=Comparator.from_function(lambda a, b: -1 if a < b else int(b < a))
        )


class ByFunctionAtLast(SkipListMap):
    """Ordered by parts, of which the last one asks the hostile keys."""

    def __init__(self, other=(), /):
        first = Comparator.by_key(lambda key: 0).then(Comparator.by_key(lambda key: "same"))
        last = Comparator.from_function(lambda a, b: int(b < a) or -1 if a < b or b < a else 0)
        super().__init__(other, comparator=first.then(last))


# Comparators, for what depends on who compares.
in_every_order = pytest.mark.maps_too(ByKey, ByFunction, ByFunctionAtLast)


def some(iterable):
    """A list, but not an endless one: where keys lie about their order, an iteration may go round."""
    return list(itertools.islice(iterable, 500))


OPERATIONS = {
    "getitem": lambda m, key: m[key],
    "get": lambda m, key: m.get(key),
    "in": lambda m, key: key in m,
    "setitem": lambda m, key: m.__setitem__(key, "new"),
    "put": lambda m, key: m.put(key, "new"),
    "put_if_absent": lambda m, key: m.put_if_absent(key, "new"),
    "setdefault": lambda m, key: m.setdefault(key, "new"),
    "replace": lambda m, key: m.replace(key, "new"),
    "replace_if": lambda m, key: m.replace_if(key, "old", "new"),
    "compute": lambda m, key: m.compute(key, lambda old: "new"),
    "compute away": lambda m, key: m.compute(key, lambda old: REMOVE),
    "compute_if_present": lambda m, key: m.compute_if_present(key, lambda old: "new"),
    "compute_if_absent": lambda m, key: m.compute_if_absent(key, str),
    "merge": lambda m, key: m.merge(key, "new", lambda old, new: new),
    "increment": lambda m, key: m.increment(key, "s"),
    "delete": lambda m, key: m.delete(key),
    "delitem": lambda m, key: m.__delitem__(key),
    "pop": lambda m, key: m.pop(key, None),
    "floor": lambda m, key: m.floor_item(key),
    "ceiling": lambda m, key: m.ceiling_item(key),
    "lower": lambda m, key: m.lower_item(key),
    "higher": lambda m, key: m.higher_item(key),
    "range from": lambda m, key: some(m.items(key)),
    "range to": lambda m, key: some(m.items(stop=key)),
    "range down from": lambda m, key: some(m.items(stop=key, reverse=True)),
    "range down to": lambda m, key: some(m.items(key, reverse=True)),
}
every_operation = pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)


def map_of_keys(Map, count=40, kind=Key):
    """Even ranks; what is looked for can be one of them or an odd one between."""
    return Map((kind(rank), "old") for rank in range(0, 2 * count, 2))


def consistent(m):
    """Walk the map every way there is; the keys must be sound by their ranks."""
    ranks = [key.rank for key in m]
    assert ranks == sorted(set(ranks))
    assert [key.rank for key in reversed(m)] == ranks[::-1]
    assert len(m) == len(ranks)
    for rank in ranks:
        assert Key(rank) in m
    return ranks


class Failure(Exception):
    pass


@in_every_order
class TestRaising:
    # What fails after a removal has taken effect is reported, not raised.
    @pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
    @every_operation
    @pytest.mark.parametrize("rank", [-1, 20, 21, 78, 99])
    def test_an_error_in_any_comparison_comes_through_and_changes_nothing(
        self, Map, operation, rank
    ):
        m = map_of_keys(Map)
        before = [(key.rank, value) for key, value in m.items()]
        fail_at = 0
        while True:
            # Fail in the first comparison, then in the second, until there are no more.
            calls = 0

            def fail(*_):
                nonlocal calls
                calls += 1
                if calls > fail_at:
                    raise Failure

            probe = HookedKey(rank, fail)
            try:
                operation(m, probe)
            except Failure:
                pass
            except KeyError:
                break
            else:
                break
            # A removal that has happened may be followed by comparisons for the clean-up, whose
            # errors must not come out; so an error here always means that nothing has changed.
            assert [(key.rank, value) for key, value in m.items()] == before
            fail_at += 1
        assert fail_at > 0
        probe.hook = None
        consistent(m)

    def test_a_key_that_cannot_be_compared_with_itself_is_not_stored(self, Map):
        def fail(*_):
            raise Failure

        m = Map()
        with pytest.raises(Failure):
            m[HookedKey(1, fail)] = 1
        assert len(m) == 0

    def test_stored_keys_that_begin_to_fail_can_still_be_read_and_cleared(self, Map):
        failing = False

        def fail(*_):
            if failing:
                raise Failure

        m = Map((HookedKey(n, fail), n) for n in range(60))
        failing = True
        with pytest.raises(Failure):
            m.get(Key(30))
        assert len(m) == 60
        assert m.first_item()[1] == 0
        assert m.last_item()[1] == 59
        # Iteration goes on from key to key, which takes comparisons, but one chunk takes none.
        assert next(iter(m.values())) == 0
        assert [pop()[1] for pop in (m.pop_first, m.pop_last, m.popitem)] == [0, 59, 58]
        m.clear()
        failing = False
        assert list(m) == []
        assert len(m) == 0
        m[Key(5)] = 5
        assert consistent(m) == [5]

    def test_errors_that_are_no_exceptions_come_through_too(self, Map):
        def interrupt(*_):
            raise KeyboardInterrupt

        m = map_of_keys(Map)
        with pytest.raises(KeyboardInterrupt):
            m[HookedKey(3, interrupt)] = 1
        consistent(m)

    def test_large_ints_at_the_recursion_limit_stay_in_order(self, Map):
        # Comparing them must not need Python's stack: an error there would be taken for an answer.
        numbers = [2**100 + n for n in range(40)]
        m = Map.fromkeys(numbers[::2])

        def at_every_depth(turn):
            for function in (m.get, m.delete, m.setdefault, m.ceiling_key, m.delete):
                try:
                    function(numbers[turn % 40])
                except RecursionError:
                    pass
            at_every_depth(turn + 1)

        for start in range(rounds(40)):
            try:
                at_every_depth(start)
            except RecursionError:
                pass
            assert list(m) == sorted(m)
            check(m)
            m.update(dict.fromkeys(numbers[::2]))

    def test_a_comparison_that_recurses_into_the_map_for_ever_is_a_recursion_error(self, Map):
        m = map_of_keys(Map)
        probe = HookedKey(21)
        probe.hook = lambda *_: m.get(probe)
        with pytest.raises(RecursionError):
            m.get(probe)
        probe.hook = None
        consistent(m)


class TestPopping:
    """Popping an end takes no comparison: it removes the very entry that stands there."""

    @pytest.fixture
    def hooks(self):
        def fail(*_):
            pytest.fail("a pop has compared")

        keys = [HookedKey(rank) for rank in range(200)]

        def close():
            for key in keys:
                key.hook = fail

        return keys, close

    def test_a_map_is_popped_from_both_ends_without_a_comparison(self, Map, hooks):
        keys, close = hooks
        m = Map((key, str(key.rank)) for key in keys)
        close()
        for low in range(100):
            pop_last = m.pop_last if low % 2 else m.popitem
            for (key, value), rank in ((m.pop_first(), low), (pop_last(), 199 - low)):
                assert key is keys[rank]
                assert value == str(rank)
        assert len(m) == 0

    def test_a_set_is_popped_from_both_ends_without_a_comparison(self, Set, hooks):
        keys, close = hooks
        s = Set(keys)
        close()
        for low in range(100):
            pop = s.pop if low % 2 else s.pop_first
            assert pop() is keys[low]
            assert s.pop_last() is keys[199 - low]
        assert not s

    def test_a_key_that_was_changed_inside_is_popped(self, Set):
        keys = [Key(rank) for rank in range(100)]
        s = Set(keys)
        keys[0].rank = 1000
        keys[99].rank = -1
        assert s.pop_first() is keys[0]
        assert s.pop_last() is keys[99]
        assert s.pop() is keys[1]

    def test_an_order_that_is_none_is_popped_to_the_end(self, Set):
        class Stone(Key):
            def __lt__(self, other):  # 0 < 1 < 2 < 0
                return (other.rank - self.rank) % 3 == 1

        for seed in range(20):
            ranks = list(range(60))
            random.Random(seed).shuffle(ranks)
            s = Set(map(Stone, ranks))
            left = len(s)
            popped = {}
            while s:
                key = s.pop_first() if left % 2 else s.pop_last()
                assert id(key) not in popped
                popped[id(key)] = key
                left -= 1
            assert left == 0

    def test_ints_among_keys_that_lie_are_popped(self, Map):
        class Liar(int):
            def __lt__(self, other):
                return False

            __gt__ = __lt__

        m = Map.fromkeys(range(50))
        for n in range(50, 60):
            m.setdefault(Liar(n), None)
        for n in range(len(m)):
            m.pop_last() if n % 2 else m.pop_first()
        assert not m
        check(m)

    def test_threads_get_each_key_object_once(self, Set, eager_switching):
        s = Set()
        taken = []

        def work(number):
            mine = []
            for n in range(rounds(300)):
                s.add(Key(n % 7))
                try:
                    mine.append(s.pop_first() if number % 2 else s.pop_last())
                except KeyError:
                    pass
            taken.append(mine)

        run_copies(4, work)
        objects = [key for mine in taken for key in mine if isinstance(key, Key)]
        assert len({id(key) for key in objects}) == len(objects)
        check(s)


CHANGES = {
    name: OPERATIONS[name]
    for name in "setitem put put_if_absent setdefault delete delitem pop".split()
}


@in_every_order
class TestEffects:
    @pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
    def test_nothing_is_compared_after_the_effect(self, Map, change, monkeypatch):
        swallowed = []
        monkeypatch.setattr(sys, "unraisablehook", lambda event: swallowed.append(event.exc_type))
        compared = 0

        def hook(*_):
            nonlocal compared
            compared += 1
            if len(m) != before:
                raise KeyboardInterrupt

        ranks = list(range(0, 300, 2))
        random.Random(5).shuffle(ranks)
        m = Map((Key(rank), "old") for rank in ranks)
        removes = change in (CHANGES["delete"], CHANGES["delitem"], CHANGES["pop"])
        for rank in ranks:
            before = len(m)
            change(m, HookedKey(rank if removes else rank + 1, hook))
            assert len(m) == before + (-1 if removes else 1)
        assert compared > 300
        assert not swallowed
        before = len(m)
        check(m)

    @pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
    def test_an_interrupt_in_any_comparison_leaves_the_map_unchanged(self, Map, change):
        m = map_of_keys(Map)
        contents = list(m.items())
        fuse = 0

        def hook(*_):
            nonlocal fuse
            fuse -= 1
            if fuse < 0:
                raise KeyboardInterrupt

        rank = 40 if change in (CHANGES["delete"], CHANGES["delitem"], CHANGES["pop"]) else 41
        for fuse_at in range(1000):
            fuse = fuse_at
            try:
                change(m, HookedKey(rank, hook))
            except KeyboardInterrupt:
                assert list(m.items()) == contents
            else:
                break
        assert fuse_at >= 1  # how many comparisons there are is up to the levels
        assert len(m) != len(contents)


@in_every_order
class TestReentering:
    @every_operation
    @pytest.mark.parametrize(
        "meddle",
        [
            lambda m, rank: m.clear(),
            lambda m, rank: m.put(Key(rank), "meddled"),
            lambda m, rank: m.delete(Key(rank)),
            lambda m, rank: (m.delete(Key(rank)), m.put(Key(rank), "meddled")),
            lambda m, rank: m.update((Key(n), "meddled") for n in range(-5, 85)),
            lambda m, rank: [m.pop_first() for _ in range(min(len(m), 3))],
            lambda m, rank: list(m.items()),
            lambda m, rank: [m.delete(Key(n)) for n in range(rank - 6, rank + 6)],
            lambda m, rank: gc.collect(0),
        ],
        ids="clear insert delete replace fill pop read delete-around collect".split(),
    )
    def test_a_comparison_may_change_the_map_under_the_operation(
        self, Map, operation, meddle, request
    ):
        m = rank = busy = left = None

        def hook(*_):
            nonlocal busy, left
            if not busy and left:
                busy = True
                left -= 1
                meddle(m, rank)
                busy = False

        for rank in (-1, 20, 21, 99):
            m = map_of_keys(Map)
            busy = False
            # A search starts over as often as it is meddled with, so not for ever. (And a collection takes
            # long on free-threaded builds.)
            left = 2 if "collect" in request.node.name else 30
            try:
                operation(m, HookedKey(rank, hook))
            except KeyError:
                pass
            for key in m:
                key.hook = None
            consistent(m)

    def test_a_key_inserted_during_its_own_insertion_is_one_key(self, Map):
        m = map_of_keys(Map)
        done = []

        def hook(*_):
            if not done:
                done.append(True)
                m[Key(21)] = "inner"

        assert m.put(HookedKey(21, hook), "outer") == "inner"
        assert m[Key(21)] == "outer"
        assert len(m) == 41
        consistent(m)

    def test_a_key_inserted_during_put_if_absent_wins(self, Map):
        m = map_of_keys(Map)
        done = []

        def hook(*_):
            if not done:
                done.append(True)
                m[Key(21)] = "inner"

        assert m.put_if_absent(HookedKey(21, hook), "outer") == "inner"
        assert m[Key(21)] == "inner"

    def test_a_key_removed_during_its_own_removal_is_absent(self, Map):
        m = map_of_keys(Map)
        done = []

        def hook(*_):
            if not done:
                done.append(True)
                m.delete(Key(20))

        assert m.delete(HookedKey(20, hook)) is False
        assert len(m) == 39
        consistent(m)

    def test_a_comparison_may_drop_the_last_reference_to_the_map(self, Map):
        for operation in OPERATIONS.values():
            box = [map_of_keys(Map)]

            def hook(*_):
                if box:
                    box.clear()
                    gc.collect(0)

            try:
                operation(box[0], HookedKey(21, hook))
            except KeyError:
                pass

    def test_set_algebra_with_reentering_keys_ends(self, Set):
        s = Set(Key(n) for n in range(20))

        def hook(*_):
            s.discard(Key(random.randrange(20)))

        other = Set(HookedKey(n) for n in range(10))
        for key in other:
            key.hook = hook
        for operation in (
            lambda: s & other,
            lambda: s | other,
            lambda: s - other,
            lambda: s ^ other,
            lambda: s == other,
            lambda: s <= other,
            lambda: s.isdisjoint(other),
            lambda: s.intersection_update(other),
        ):
            operation()


@in_every_order
class TestLying:
    @pytest.mark.parametrize("seed", range(5))
    def test_random_answers_break_nothing(self, Map, seed):
        generator = random.Random(seed)

        class Liar(Key):
            def __lt__(self, other):
                return generator.random() < 0.5

        m = Map()
        keys = [Liar(n) for n in range(200)]
        for _ in range(rounds(2000)):
            operation = generator.choice(list(OPERATIONS.values()))
            try:
                operation(m, generator.choice(keys))
            except KeyError:
                pass
        # Every order of such keys is as good as any other; but no entry is counted wrongly.
        m.clear()
        assert list(m) == []
        assert len(m) == 0

    @pytest.mark.parametrize("answer", [True, False])
    def test_constant_answers_break_nothing(self, Map, answer):
        class Stubborn(Key):
            def __lt__(self, other):
                return answer

        m = Map()
        for n in range(100):
            m[Stubborn(n)] = n
            m.get(Stubborn(n))
            m.floor_key(Stubborn(n))
            m.higher_key(Stubborn(n))
            if n % 3 == 0:
                m.delete(Stubborn(n))
        m.clear()
        assert list(m) == []

    @pytest.mark.parametrize("answer", [True, False])
    @pytest.mark.parametrize("count", [10, 100, 3000])
    def test_an_iteration_over_lying_keys_ends(self, Map, answer, count):
        is_lying = False

        class Turncoat(Key):
            def __lt__(self, other):
                return answer if is_lying else super().__lt__(other)

        # In no order, of which a tree may make a path.
        m = Map((Turncoat(n * 1237 % count), n) for n in range(count))
        is_lying = True
        for iterator in (iter(m), reversed(m), iter(m.values()), iter(m.items())):
            # What is seen is not said, but it must not be more than the map has.
            seen = sum(1 for _ in itertools.islice(iterator, 3 * count))
            assert seen <= count

    def test_partial_orders_break_nothing(self, Map):
        # Sets are compared as subsets, which is no total order.
        generator = random.Random(7)
        m = Map()
        for _ in range(500):
            key = frozenset(generator.sample(range(6), generator.randrange(6)))
            if generator.random() < 0.6:
                m[key] = None
            else:
                m.delete(key)
        m.clear()
        assert list(m) == []

    def test_threads_with_lying_keys_lose_no_entry_from_the_count(self, Map, eager_switching):
        class Liar(Key):
            def __lt__(self, other):
                return random.random() < 0.5

        m = Map()

        def work(index):
            generator = random.Random(index)
            keys = [Liar(n) for n in range(30)]
            change = 0
            for _ in range(rounds(300)):
                key = generator.choice(keys)
                if generator.random() < 0.5:
                    change += m.put(key, index) is None
                else:
                    change -= m.delete(key)
            return change

        total = sum(run_copies(4, work))
        assert len(m) == total
        m.clear()
        assert len(m) == 0


class TestDawdling:
    def test_a_slow_comparison_sees_a_map_that_others_change(self, Map, eager_switching):
        m = map_of_keys(Map, 20)
        churning = [HookedKey(rank) for rank in range(1, 41, 2)]

        def churn():
            for key in churning:
                m[key] = "churned"
            for key in churning:
                m.delete(key)
            time.sleep(0)

        with in_background(churn):
            for turn in range(rounds(40)):
                slow = HookedKey(turn % 40, lambda *_: time.sleep(0.0005))
                for operation in (OPERATIONS["get"], OPERATIONS["put"], OPERATIONS["floor"]):
                    operation(m, slow)
                # Its comparisons must not stay slow once it is stored.
                slow.hook = None
        assert {key.rank for key in m} >= set(range(0, 40, 2))
        consistent(m)

    def test_python_only_keys_under_threads_are_counted_exactly(self, Map, eager_switching):
        m = Map()

        def work(index):
            generator = random.Random(index)
            change = 0
            for _ in range(rounds(1500)):
                key = Key(generator.randrange(50))
                if generator.random() < 0.5:
                    change += m.put(key, index) is None
                else:
                    change -= m.delete(key)
            return change

        total = sum(run_copies(4, work))
        assert len(m) == total
        assert len(consistent(m)) == total


class TestFinalizersThatReenter:
    @pytest.mark.parametrize(
        "meddle",
        [
            lambda m: m.clear(),
            lambda m: m.put(5, "meddled"),
            lambda m: m.delete(5),
            lambda m: list(m.items()),
            lambda m: m.pop_first() if m else None,
            lambda m: m.flush(),
            lambda m: gc.collect(0),
        ],
        ids="clear put delete read pop flush collect".split(),
    )
    @pytest.mark.parametrize(
        "release",
        [
            lambda m: m.put(5, "other"),
            lambda m: m.__setitem__(5, "other"),
            lambda m: m.delete(5),
            lambda m: m.pop(5),
            lambda m: m.replace(5, "other"),
            lambda m: m.clear(),
            lambda m: m.popitem(),
            lambda m: m.update({5: "other", 6: "other"}),
        ],
        ids="put setitem delete pop replace clear popitem update".split(),
    )
    def test_a_dying_value_may_use_the_map(self, Map, release, meddle):
        died = []

        class Meddler:
            def __del__(self):
                died.append(self)
                meddle(m)

        m = Map({key: Meddler() for key in range(9)})
        release(m)
        assert died
        seen = list(m)
        assert len(seen) == len(m)
        m.clear()

    def test_a_dying_key_may_use_the_map(self, Map):
        died = 0

        class Mortal(Key):
            def __del__(self):
                nonlocal died
                died += 1
                m.put(Key(1000 + died), "from the grave")
                m.delete(Key(self.rank + 1))

        m = Map()
        for rank in range(50):
            m[Mortal(rank)] = rank
        for rank in range(0, 50, 3):
            m.delete(Key(rank))
        gc.collect()
        assert died
        consistent(m)
        m.clear()
        m.flush()

    def test_values_whose_death_puts_new_values_come_to_an_end(self, Map):
        left = 2000

        class Phoenix:
            def __del__(self):
                nonlocal left
                if left:
                    left -= 1
                    m[0] = Phoenix()

        m = Map({0: Phoenix()})
        for _ in range(5):
            m[0] = None
        assert len(m) == 1
        left = 0
        m.clear()

    def test_errors_in_finalizers_are_unraisable_and_harmless(self, Map, monkeypatch):
        caught = []
        monkeypatch.setattr(sys, "unraisablehook", lambda report: caught.append(report.exc_type))

        class Broken:
            def __del__(self):
                raise Failure

        m = Map({1: Broken(), 2: Broken(), 3: Broken()})
        m[1] = None
        m.delete(2)
        m.clear()
        m.flush()
        assert caught == [Failure] * 3
        assert len(m) == 0

    def test_a_running_exception_survives_a_finalizer(self, Map):
        class Quiet:
            def __del__(self):
                try:
                    raise Failure
                except Failure:
                    pass

        m = Map({1: Quiet()})
        try:
            raise ValueError("outer")
        except ValueError:
            m.clear()
            assert isinstance(sys.exc_info()[1], ValueError)

    def test_values_and_keys_that_use_the_map_die_under_threads(self, Map, eager_switching):
        m = Map()

        class Meddler(Object):
            def __del__(self):
                m.get(3)
                m.put(7, None)

        def work(index):
            for turn in range(rounds(1500)):
                m[turn % 10] = Meddler()
                if turn % 3 == 0:
                    m.delete((turn * 7 + index) % 10)

        run_copies(4, work)
        m.clear()
        collect(m)
        assert set(m) <= {7}
