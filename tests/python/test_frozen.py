"""Frozen maps and sets: what they have that the others have not, and that nothing ever changes them.

That they read as the others do is tested where the others are (the mark `reads`).
"""

from __future__ import annotations

import array
import collections.abc
import copy
import ctypes
import gc
import itertools
import pickle
import random
import struct
import sys
import types
import weakref
from fractions import Fraction

import pytest
from support import Key, Object, OnlyLess, collect, dead, in_background, rounds, run_copies

from concurrent_collections import (
    FrozenSkipListMap,
    FrozenSkipListSet,
    SkipListMap,
    SkipListSet,
)

# One of each way in which keys are kept, in order.
KEYS = {
    "none": [],
    "ints": [-(2**63), -1, 0, 7, 2**63 - 1],
    "floats": [float("-inf"), -1.5, -0.0, 1e-300, 2.0**70, float("inf")],
    "texts": ["", "a", "a\0", "ab", "abcdefgh1", "abcdefgh2", "é", "\U00010000"],
    "bytes": [b"", b"\0", b"abcdefgh", b"abcdefghi"],
    "big ints": [-(2**70), -(2**63) - 1, -(2**63), 5, 2**63, 2**64],
    "mixed numbers": [-1.5, 0, 0.5, True, 2, 2.5, 2**70],
    "tuples": [(), (1,), (1, "a"), (1, "b", None), (2.5,)],
    "foreign": [Fraction(1, 3), Fraction(1, 2), Fraction(7)],
    "users'": [Key(1), Key(2), Key(3)],
    "foreign among ints": [1, Fraction(3, 2), 2],
}
every_kind = pytest.mark.parametrize("keys", KEYS.values(), ids=KEYS)
# Around the lengths at which arrays grow and runs are merged.
SIZES = sorted({n + d for n in (0, 1, 8, 16, 32, 256, 1024) for d in (-1, 0, 1)} - {-1})


def exactly(keys):
    """What tells 1 from 1.0 and True, and 0.0 from -0.0."""
    return [(type(key), repr(key)) for key in keys]


class TestMaking:
    @every_kind
    def test_any_order_of_any_keys_is_sorted_once(self, keys):
        generator = random.Random(1)
        for _ in range(20):
            shuffled = generator.sample(keys, len(keys))
            m = FrozenSkipListMap([(key, str(key)) for key in shuffled])
            assert exactly(m) == exactly(keys)
            assert list(m.values()) == [str(key) for key in keys]
            assert exactly(FrozenSkipListSet(shuffled)) == exactly(keys)

    @pytest.mark.parametrize("size", SIZES)
    def test_all_sizes_and_arrangements(self, size):
        generator = random.Random(size)
        arrangements = {
            "up": list(range(size)),
            "down": list(range(size))[::-1],
            "random": generator.sample(range(size), size),
            "two runs": [*range(0, size, 2), *range(1, size, 2)],
            "up and down": [*range(0, size, 2), *list(range(1, size, 2))[::-1]],
        }
        for keys in arrangements.values():
            for make in (int, float, str, Key):
                made = [make(key) for key in keys]
                s = FrozenSkipListSet(made)
                assert list(s) == sorted(made)
                assert len(s) == size

    @pytest.mark.parametrize("make", [int, float, str, Key, lambda n: (n, "x")])
    def test_of_equal_keys_the_first_stays_with_the_last_value(self, make):
        generator = random.Random(2)
        for size in (2, 5, 40, 300):
            items = [(make(generator.randrange(1 + size // 3)), n) for n in range(size)]
            m, model = FrozenSkipListMap(items), SkipListMap(items)
            assert list(m.items()) == list(model.items())
            first = {}
            for key, _ in items:
                first.setdefault(key, key)
            if make in (str, Key):
                assert all(key is first[key] for key in m)

    def test_equal_keys_of_several_types_are_one(self):
        for order in itertools.permutations([1, 1.0, True, Fraction(1)]):
            m = FrozenSkipListMap([(key, n) for n, key in enumerate(order)])
            assert exactly(m) == exactly(order[:1])
            assert list(m.values()) == [3]

    def test_a_sorted_source_is_compared_once_or_twice_a_key(self):
        compared = []

        class Counting(Key):
            def __lt__(self, other):
                compared.append(1)
                return super().__lt__(other)

        FrozenSkipListSet([Counting(n) for n in range(1000)])
        assert len(compared) <= 2 * 1000 + 1

    @every_kind
    @pytest.mark.parametrize("size", [0, 1, 3, None])
    def test_from_a_map_that_changes_it_takes_the_same_objects_and_compares_nothing(
        self, keys, size
    ):
        m = SkipListMap([(key, Object()) for key in keys[:size]])
        f = FrozenSkipListMap(m)
        assert exactly(f) == exactly(m)
        assert all(a is b for a, b in zip(f.values(), m.values(), strict=True))
        s = SkipListSet(keys[:size])
        assert exactly(FrozenSkipListSet(s)) == exactly(s)
        assert exactly(FrozenSkipListSet(f)) == exactly(f)
        assert exactly(m.frozen()) == exactly(f)
        assert m.frozen() == f
        assert type(s.frozen()) is FrozenSkipListSet
        assert exactly(s.frozen()) == exactly(s)

    def test_from_large_maps(self):
        m = SkipListMap((n * 7 % 10_007, n) for n in range(10_007))
        assert list(FrozenSkipListMap(m).items()) == list(m.items())
        text = SkipListMap((f"{n:05}", n) for n in range(3000))
        assert list(FrozenSkipListMap(text).items()) == list(text.items())

    def test_a_subclass_that_iterates_otherwise_is_asked(self):
        class Doubled(SkipListSet):
            def __iter__(self):
                return iter([2 * element for element in super().__iter__()])

        class Shown(SkipListMap):
            def items(self):
                return [("shown", 1)]

        class FrozenDoubled(FrozenSkipListSet):
            def __iter__(self):
                return iter([2 * element for element in super().__iter__()])

        class FrozenShown(FrozenSkipListMap):
            def items(self):
                return [("shown", 1)]

        assert list(FrozenSkipListSet(Doubled([1, 2]))) == [2, 4]
        assert list(FrozenSkipListSet(FrozenDoubled([1, 2]))) == [2, 4]
        assert dict(FrozenSkipListMap(Shown())) == {"shown": 1}
        assert dict(FrozenSkipListMap(FrozenShown())) == {"shown": 1}

    def test_it_is_weakly_consistent_while_others_write(self):
        m = SkipListMap((n, n) for n in range(0, 2000, 2))

        def change():
            for n in range(1, 200, 2):
                m[n] = n
            for n in range(1, 200, 2):
                del m[n]

        with in_background(change):
            for _ in range(rounds(50)):
                f = m.frozen()
                assert all(key == value for key, value in f.items())
                assert set(f) >= set(range(0, 2000, 2))
                assert list(f) == sorted(set(f))

    @every_kind
    def test_thaw_makes_what_changes(self, keys):
        m, s = FrozenSkipListMap.fromkeys(keys, "v"), FrozenSkipListSet(keys)
        assert type(m.thaw()) is SkipListMap
        assert exactly(m.thaw()) == exactly(m)
        assert m.thaw() == m
        assert type(s.thaw()) is SkipListSet
        assert exactly(s.thaw()) == exactly(s)
        thawed = m.thaw()
        thawed.clear()
        assert len(m) == len(keys)

    @every_kind
    def test_from_sorted_takes_what_ascends(self, keys):
        m = FrozenSkipListMap.from_sorted([(key, n) for n, key in enumerate(keys)])
        assert exactly(m) == exactly(keys)
        assert list(m.values()) == list(range(len(keys)))
        assert exactly(FrozenSkipListSet.from_sorted(iter(keys))) == exactly(keys)

    @pytest.mark.parametrize("wrong", [[1, 3, 3], [1, 3, 2], ["a", "c", "b"], [1.0, 3, True]])
    def test_from_sorted_says_where_it_does_not_ascend(self, wrong):
        with pytest.raises(ValueError, match=r"^elements: .*position 2"):
            FrozenSkipListSet.from_sorted(wrong)
        with pytest.raises(ValueError, match=r"^items: .*position 2"):
            FrozenSkipListMap.from_sorted([(key, None) for key in wrong])

    def test_what_has_no_order_is_refused(self):
        for wrong in ([None], [None, None], [1j], [1, "a"], ["a", 1], [1, None], [1, 2, "a", 3]):
            for make in (FrozenSkipListSet, FrozenSkipListMap.fromkeys):
                with pytest.raises(TypeError):
                    make(wrong)
            if wrong != [1, 2, "a", 3]:
                with pytest.raises(TypeError):
                    FrozenSkipListSet.from_sorted(wrong)
        for wrong in ([float("nan")], [1.0, float("nan")], [float("nan"), "a"]):
            with pytest.raises(ValueError, match="key: NaN"):
                FrozenSkipListSet(wrong)

    @pytest.mark.parametrize("wrong", [[1], [(1, 2, 3)], ["abc"]])
    def test_what_is_no_pair_is_named(self, wrong):
        for make, name in (
            (FrozenSkipListMap, "other"),
            (FrozenSkipListMap.from_sorted, "items"),
        ):
            with pytest.raises((TypeError, ValueError)) as caught:
                make(wrong)
            assert f"{name}: element 0" in caught.value.__notes__[0]

    def test_keywords_are_for_the_init_of_subclasses(self):
        with pytest.raises(TypeError, match="takes no keyword arguments, got a"):
            FrozenSkipListMap(a=1)
        with pytest.raises(TypeError, match="takes no keyword arguments, got a"):
            type("Derived", (FrozenSkipListSet,), {})(a=1)

        class Named(FrozenSkipListMap):
            def __init__(self, items, *, name):
                self.name = name

        m = Named({1: 2}, name="n")
        assert (dict(m), m.name) == ({1: 2}, "n")

    def test_nobody_meets_one_that_is_being_made(self):
        class Searching:
            def __iter__(self):
                found = [o for o in gc.get_objects() if type(o) is Watched]
                yield len(found)

        class Watched(FrozenSkipListSet):
            pass

        assert list(Watched(Searching())) == [0]

    def test_init_again_changes_nothing(self):
        m, s = FrozenSkipListMap({1: 2}), FrozenSkipListSet([1])
        m.__init__()
        s.__init__()
        assert dict(m) == {1: 2}
        assert list(s) == [1]


class TestImmutable:
    def test_there_is_nothing_that_changes_it(self):
        names = {"put", "pop", "clear", "update", "add", "discard", "remove", "setdefault"}
        for cls in (FrozenSkipListMap, FrozenSkipListSet):
            assert not names & set(dir(cls))
            assert not hasattr(cls, "__setitem__")
            assert not hasattr(cls, "__delitem__")
            assert not hasattr(cls, "__ior__")

    def test_they_are_a_mapping_and_a_set_that_cannot_be_changed(self):
        m, s = FrozenSkipListMap(), FrozenSkipListSet()
        assert isinstance(m, collections.abc.Mapping)
        assert not isinstance(m, collections.abc.MutableMapping)
        assert isinstance(s, collections.abc.Set)
        assert not isinstance(s, collections.abc.MutableSet)
        for o in (m, s):
            assert isinstance(o, collections.abc.Hashable)
            assert isinstance(o, collections.abc.Reversible)

    def test_augmented_operators_make_new_ones(self):
        s = before = FrozenSkipListSet([1, 2])
        s |= {3}
        assert (list(before), list(s)) == ([1, 2], [1, 2, 3])
        m = before = FrozenSkipListMap({1: 2})
        m |= {1: 3}
        assert (dict(before), dict(m)) == ({1: 2}, {1: 3})

    def test_its_sources_may_change(self):
        values, keys = {1: "a"}, [3, 1]
        m, s = FrozenSkipListMap(values), FrozenSkipListSet(keys)
        values.clear()
        keys.clear()
        assert dict(m) == {1: "a"}
        assert list(s) == [1, 3]

    def test_every_public_method_of_frozenset_is_there(self):
        names = {name for name in dir(frozenset) if not name.startswith("_")}
        assert names <= set(dir(FrozenSkipListSet))


class TestPositions:
    @pytest.mark.parametrize("step", [sys.maxsize, 10**30, -sys.maxsize - 1, -(10**30)])
    def test_a_step_may_be_as_long_as_that_of_a_list(self, step):
        assert FrozenSkipListSet([1, 2, 3])[::step] == [1, 2, 3][::step]
        assert FrozenSkipListMap({1: 2}).slice(None, None, step) == [(1, 2)]

    @every_kind
    def test_bisection_agrees_with_a_list(self, keys):
        s, m = FrozenSkipListSet(keys), FrozenSkipListMap.fromkeys(keys)
        for n, key in enumerate(keys):
            for o in (s, m):
                assert o.bisect_left(key) == o.index(key) == n
                assert o.bisect_right(key) == o.bisect(key) == n + 1

    def test_keys_that_are_not_there_have_a_place(self):
        s = FrozenSkipListSet(range(0, 100, 10))
        for key in range(-5, 105):
            for asked in (key, float(key), Fraction(key)):
                assert s.bisect_left(asked) == len([x for x in range(0, 100, 10) if x < key])
                assert s.bisect_right(asked) == len([x for x in range(0, 100, 10) if x <= key])
        assert s.bisect_left(2**70) == s.bisect_right(float("inf")) == 10
        assert s.bisect_left(-(2**70)) == s.bisect_right(float("-inf")) == 0
        floats = FrozenSkipListSet([-1.0, 0.0, 1.0])
        assert [floats.bisect_left(zero) for zero in (0, 0.0, -0.0, False)] == [1] * 4
        assert [floats.bisect_right(zero) for zero in (0, 0.0, -0.0, False)] == [2] * 4

    @pytest.mark.parametrize("size", SIZES[:12])
    def test_every_key_of_every_size_is_found(self, size):
        for make in (int, float, str, Key):
            keys = sorted(make(2 * n) for n in range(size))
            s = FrozenSkipListSet(keys)
            assert [s.index(key) for key in keys] == list(range(size))
            for n in range(-1, size):
                if make is not str:
                    odd = make(2 * n + 1)
                    assert odd not in s
                    assert s.bisect_left(odd) == s.bisect_right(odd) == n + 1

    def test_index_of_what_is_not_there_is_a_value_error_that_names_it(self):
        s = FrozenSkipListSet([1, 2])
        for wrong in (3, 1.5, "a", None):
            with pytest.raises(ValueError, match=f"^key: {wrong!r} is not in the Frozen"):
                s.index(wrong)
        with pytest.raises(ValueError, match="NaN"):
            s.index(float("nan"))

    def test_bisection_by_what_does_not_compare_is_a_type_error(self):
        for o in (FrozenSkipListSet([1]), FrozenSkipListMap({1: 2}), FrozenSkipListSet()):
            for name in ("bisect", "bisect_left", "bisect_right"):
                with pytest.raises(TypeError):
                    getattr(o, name)(None)

    def test_items_are_at_their_positions(self):
        m = FrozenSkipListMap({n: str(n) for n in range(10)})
        items = list(m.items())
        for n in range(-10, 10):
            assert m.peekitem(n) == items[n]
        assert m.peekitem() == (9, "9")
        s = FrozenSkipListSet("abc")
        assert [s[n] for n in range(-3, 3)] == list("abcabc")
        for wrong in (10, -11, 2**70, -(2**70)):
            with pytest.raises(IndexError):
                m.peekitem(wrong)
            with pytest.raises(IndexError):
                s[wrong]
        with pytest.raises(IndexError, match=r"^index: 0"):
            FrozenSkipListMap().peekitem(0)
        with pytest.raises(TypeError):
            s["a"]

    def test_slices_are_those_of_a_list(self):
        keys = list(range(7))
        s, m = FrozenSkipListSet(keys), FrozenSkipListMap.fromkeys(keys)
        items = list(m.items())
        limits = [None, 0, 1, 3, 6, 7, 9, -1, -3, -7, -9, 2**70]
        for start, stop in itertools.product(limits, repeat=2):
            assert list(s.islice(start, stop)) == keys[start:stop]
            assert list(s.islice(start, stop, reverse=True)) == keys[start:stop][::-1]
            for step in (None, 1, 2, 3, -1, -2, 9):
                assert s[start:stop:step] == keys[start:stop:step]
                assert m.slice(start, stop, step) == items[start:stop:step]
        with pytest.raises(ValueError):
            s[::0]

    def test_ranges_are_counted(self):
        s = FrozenSkipListSet(range(0, 100, 10))
        for start, stop in itertools.product([None, -5, 0, 5, 50, 95, 100], repeat=2):
            for inclusive in (True, False, (True, False), (False, True)):
                expected = len(s.range(start, stop, inclusive=inclusive))
                assert s.count_range(start, stop, inclusive=inclusive) == expected
                assert expected == len(list(s.range(start, stop, inclusive=inclusive)))
        with pytest.raises(TypeError):
            s.count_range("a")
        with pytest.raises(ValueError, match=r"^stop: NaN"):
            s.count_range(1, float("nan"))

    def test_iterators_know_how_many_are_left(self):
        iterator = iter(FrozenSkipListSet([1, 2, 3]))
        assert iterator.__length_hint__() == 3
        next(iterator)
        assert iterator.__length_hint__() == 2
        assert list(iterator) == [2, 3]
        assert iterator.__length_hint__() == 0
        assert next(iterator, None) is None


class TestEqualityAndHash:
    @every_kind
    def test_equal_sets_have_equal_hashes(self, keys):
        s = FrozenSkipListSet(keys)
        same = FrozenSkipListSet(keys[::-1])
        assert s == same
        assert s == frozenset(keys) == s
        assert s == set(keys) == s
        assert hash(s) == hash(same) == hash(frozenset(keys))
        assert {s: 1}[frozenset(keys)] == 1
        assert s == SkipListSet(keys) == s

    @every_kind
    def test_equal_maps_have_equal_hashes(self, keys):
        d = {key: str(n) for n, key in enumerate(keys)}
        m = FrozenSkipListMap(d)
        same = FrozenSkipListMap(list(d.items())[::-1])
        assert m == same
        assert hash(m) == hash(same) == hash(frozenset(d.items()))
        assert m == d == m
        assert m == types.MappingProxyType(d) == m
        assert m == SkipListMap(d) == m
        assert {m: 1}[same] == 1

    def test_equal_numbers_of_several_types(self):
        several = [[0, 1], [0.0, 1.0], [-0.0, 1], [False, True], [0, Fraction(1)]]
        for a, b in itertools.product(several, repeat=2):
            assert FrozenSkipListSet(a) == FrozenSkipListSet(b)
            assert hash(FrozenSkipListSet(a)) == hash(FrozenSkipListSet(b))
            assert FrozenSkipListMap.fromkeys(a) == FrozenSkipListMap.fromkeys(b)

    @every_kind
    def test_one_key_or_value_makes_the_difference(self, keys):
        if not keys:
            assert FrozenSkipListSet() != FrozenSkipListSet([1])
            return
        s, m = FrozenSkipListSet(keys), FrozenSkipListMap.fromkeys(keys)
        for n in range(len(keys)):
            fewer = keys[:n] + keys[n + 1 :]
            assert s != FrozenSkipListSet(fewer)
            assert m != FrozenSkipListMap.fromkeys(fewer)
            changed = FrozenSkipListMap([(key, i == n or None) for i, key in enumerate(keys)])
            assert m != changed
            assert changed != m
        assert s != m
        assert m != s
        assert FrozenSkipListSet(["a", "b"]) != FrozenSkipListSet([1, 2])
        assert FrozenSkipListSet([1, 2]) != FrozenSkipListSet([1, 3])

    def test_keys_that_only_their_order_makes_equal_are_not(self):
        # Their hashes differ, too.
        a, b = OnlyLess(1), OnlyLess(1)
        assert FrozenSkipListSet([a]) == FrozenSkipListSet([a])
        assert FrozenSkipListSet([a]) != FrozenSkipListSet([b])

    def test_what_has_no_hash_gives_none(self):
        for wrong in (FrozenSkipListMap({1: []}), FrozenSkipListSet([[1], [2]])):
            for _ in range(2):
                with pytest.raises(TypeError, match="unhashable"):
                    hash(wrong)

    def test_the_hash_is_computed_once(self):
        hashed = []

        class Hashed(Key):
            def __hash__(self):
                hashed.append(self)
                return self.rank

        s = FrozenSkipListSet([Hashed(1)])
        assert hash(s) == hash(s)
        assert len(hashed) == 1

    def test_threads_get_the_same_hash(self):
        for _ in range(rounds(20)):
            s = FrozenSkipListSet(range(500))
            assert set(run_copies(4, lambda index: hash(s))) == {hash(frozenset(range(500)))}


class TestAlgebra:
    @every_kind
    def test_merges_of_any_kinds_agree_with_frozenset(self, keys):
        generator = random.Random(4)
        for _ in range(30):
            some, others = ({*generator.sample(keys, len(keys) // 2)} for _ in range(2))
            a, b = FrozenSkipListSet(some), FrozenSkipListSet(others)
            for other in (b, SkipListSet(others), others, frozenset(others)):
                assert a | other == some | others == other | a
                assert a & other == some & others == other & a
                assert a - other == some - others
                assert other - a == others - some
                assert a ^ other == some ^ others == other ^ a
                assert (a <= other) is (some <= others)
                assert (a < other) is (some < others)
                assert (a >= other) is (some >= others)
                assert (a > other) is (some > others)
                assert a.isdisjoint(other) is some.isdisjoint(others)
                for result in (a | other, a & other, a - other, a ^ other):
                    assert type(result) is FrozenSkipListSet
                    assert list(result) == sorted(result)
            for other in (list(others), iter(list(others))):
                assert a.union(other) == some | others
            assert a.intersection(iter(list(others)), list(some)) == some & others
            assert a.difference(iter(list(others))) == some - others
            assert a.symmetric_difference(iter(list(others))) == some ^ others

    def test_the_first_operand_s_element_stays(self):
        ours, theirs = FrozenSkipListSet([1, 2]), FrozenSkipListSet([1.0, True + 1.0])
        assert exactly(ours | theirs) == exactly(ours & theirs) == exactly([1, 2])
        assert exactly(theirs | ours) == exactly(theirs & ours) == exactly([1.0, 2.0])
        assert exactly(FrozenSkipListSet([-0.0]) | {1.5}) == exactly([-0.0, 1.5])
        assert exactly(FrozenSkipListSet([0.0]) | {-0.0}) == exactly([0.0])

    def test_of_maps_the_right_side_s_values_win(self):
        m = FrozenSkipListMap({1: "a", 2: "b"})
        for other in ({2: "c", 3: "d"}, SkipListMap({2: "c", 3: "d"})):
            assert dict(m | other) == {1: "a", 2: "c", 3: "d"}
            assert dict(FrozenSkipListMap(other) | m) == {1: "a", 2: "b", 3: "d"}
        assert dict({2: "c"} | m) == {1: "a", 2: "b"}
        assert type({2: "c"} | m) is FrozenSkipListMap
        assert exactly(m | {1.0: "x", 2.0: "y"}) == exactly([1, 2])
        with pytest.raises(TypeError):
            m | [(1, 2)]

    def test_elements_that_do_not_compare_are_not_there(self):
        numbers, texts = FrozenSkipListSet([1, 2]), FrozenSkipListSet(["a"])
        for other in (texts, SkipListSet(["a"]), {"a"}, ["a"]):
            assert numbers.intersection(other) == set()
            assert numbers.difference(other) == {1, 2}
            assert numbers.isdisjoint(other)
            assert not numbers.issubset(other)
            assert not numbers.issuperset(other)
        assert numbers & {1, "a", None, float("nan")} == {1}
        assert {1, "a", None} & numbers == {1}
        assert numbers - {1, "a", None} == {2}
        for name in ("__or__", "__xor__"):
            with pytest.raises(TypeError):
                getattr(numbers, name)(texts)
        assert SkipListSet([1, 2, 3]) & numbers == {1, 2}
        assert SkipListSet(["a"]) & numbers == set()
        assert FrozenSkipListMap({1: 2}).keys() & {1, "a", float("nan")} == {1}

    def test_subclasses_stay_what_they_are(self):
        class MySet(FrozenSkipListSet):
            pass

        class MyMap(FrozenSkipListMap):
            pass

        s, m = MySet([1, 2]), MyMap({1: 2})
        for result in (s | {3}, {3} | s, s & {1}, s - {1}, {3} - s, s ^ {1}, s.union()):
            assert type(result) is MySet
        assert type(m | {3: 4}) is type({3: 4} | m) is MyMap


class TestPickles:
    @every_kind
    @pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
    def test_they_come_back_by_every_protocol(self, keys, protocol):
        values = [[n] for n in range(len(keys))]
        s, m = FrozenSkipListSet(keys), FrozenSkipListMap(zip(keys, values, strict=True))
        for o in (s, m):
            pickled = pickle.dumps(o, protocol)
            assert b"_frozen." not in pickled
            again = pickle.loads(pickled)
            assert type(again) is type(o)
            assert again == o
            assert exactly(again) == exactly(o)

    @pytest.mark.parametrize("keys", [range(1000), [n / 8 for n in range(1000)]])
    def test_numbers_go_out_of_band_as_one_buffer(self, keys):
        for o in (FrozenSkipListSet(keys), FrozenSkipListMap.fromkeys(keys)):
            buffers = []
            pickled = pickle.dumps(o, 5, buffer_callback=buffers.append)
            assert len(buffers) == 1
            assert buffers[0].raw().nbytes == 8000
            assert len(pickled) < (200 if isinstance(o, FrozenSkipListSet) else 5000)
            again = pickle.loads(pickled, buffers=buffers)
            assert again == o
            for shared in (bytearray, memoryview):
                source = shared(bytes(buffers[0].raw()))
                again = pickle.loads(pickled, buffers=[source])
                assert again == o
                if shared is bytearray:
                    source[:] = b"\xff" * 8000  # the copy is ours
                    assert again == o

    def test_other_keys_go_as_objects(self):
        buffers = []
        pickle.dumps(FrozenSkipListSet("abc"), 5, buffer_callback=buffers.append)
        assert buffers == []

    def test_numbers_of_the_other_byte_order_are_turned_round(self):
        make = FrozenSkipListSet([1]).__reduce_ex__(4)[0]
        for order in "<>":
            for code, numbers in (("q", [-1, 2**40]), ("d", [-1.5, 2.0])):
                packed = struct.pack(f"{order}2{code}", *numbers)
                assert list(make(FrozenSkipListSet, order + code, packed, None)) == numbers

    @pytest.mark.parametrize(
        "arguments",
        [
            (FrozenSkipListSet, "<q", struct.pack("<2q", 2, 1), None),
            (FrozenSkipListSet, "<q", struct.pack("<2q", 1, 1), None),
            (FrozenSkipListSet, "<d", struct.pack("<2d", 2, 1), None),
            (FrozenSkipListSet, "<d", struct.pack("<d", float("nan")), None),
            (FrozenSkipListSet, "<d", struct.pack("<2d", 1, float("nan")), None),
            (FrozenSkipListSet, "<d", struct.pack("<2d", 0.0, -0.0), None),
            (FrozenSkipListSet, "<q", b"1234567", None),
            (FrozenSkipListSet, ">q", b"1234567", None),
            (FrozenSkipListSet, "=q", b"12345678", None),
            (FrozenSkipListSet, "", b"", None),
            (FrozenSkipListSet, "<q", b"12345678", [1]),
            (FrozenSkipListMap, "<q", b"12345678", None),
            (FrozenSkipListMap, "<q", b"12345678", []),
            (FrozenSkipListMap, "<q", b"12345678", [1, 2]),
            (FrozenSkipListMap, None, [1, 2], [1]),
            (FrozenSkipListMap, None, [1], [1, 2]),
        ],
    )
    def test_a_pickle_that_is_spoilt_is_a_value_error(self, arguments):
        make = FrozenSkipListSet([1]).__reduce_ex__(4)[0]
        with pytest.raises(ValueError):
            make(*arguments)

    def test_only_frozen_classes_are_made(self):
        make = FrozenSkipListSet([1]).__reduce_ex__(4)[0]
        for wrong in (SkipListSet, frozenset, object):
            with pytest.raises(TypeError, match=r"^cls: "):
                make(wrong, None, [], None)


class Slotted(FrozenSkipListMap):
    __slots__ = ("name",)


class Attributed(FrozenSkipListSet):
    def __new__(cls, elements, name):
        self = super().__new__(cls, elements)
        self.name = name
        return self

    def __init__(self, elements, name):
        self.inits = getattr(self, "inits", 0) + 1


class TestCopies:
    def test_copies_are_the_container_itself(self):
        for o in (FrozenSkipListSet("ab"), FrozenSkipListMap({1: []}), FrozenSkipListSet()):
            assert o.copy() is o
            assert copy.copy(o) is o

    @every_kind
    def test_so_are_deep_copies_where_nothing_can_change(self, keys):
        keys = [key for key in keys if not isinstance(key, Key | Fraction)]
        for o in (FrozenSkipListSet(keys), FrozenSkipListMap.fromkeys(keys, "text")):
            assert copy.deepcopy(o) is o

    def test_deep_copies_copy_what_can_change(self):
        for keys in ([1, 2], ["a", "b"]):
            m = FrozenSkipListMap.fromkeys(keys, [])
            again = copy.deepcopy(m)
            assert again == m
            assert again[keys[0]] is not m[keys[0]]
            assert again[keys[0]] is again[keys[1]]
        s = FrozenSkipListSet([Key(1)])
        assert copy.deepcopy(s) == s
        assert copy.deepcopy(s)[0] is not s[0]

    def test_a_deep_copy_of_a_cycle_is_a_cycle(self):
        inside = []
        m = FrozenSkipListMap({1: inside})
        inside.append(m)
        again = copy.deepcopy(m)
        assert again is not m
        assert again[1][0] is again
        inside.clear()

    @pytest.mark.parametrize("how", [copy.copy, copy.deepcopy, FrozenSkipListSet.copy, "pickle"])
    def test_subclasses_keep_what_they_have_added(self, how):
        if how == "pickle":
            how = lambda o: pickle.loads(pickle.dumps(o))  # noqa: E731
        s = Attributed([1, 2], ["n"])
        again = how(s)
        assert again is not s
        assert (type(again), list(again), again.name) == (Attributed, [1, 2], ["n"])
        assert again.inits == 1
        if how is not FrozenSkipListSet.copy:
            m = Slotted({1: 2})
            m.name = "n"
            again = how(m)
            assert (type(again), dict(again), again.name) == (Slotted, {1: 2}, "n")

    def test_a_frozen_one_made_of_a_frozen_one_shares_its_arrays(self):
        values = [Object() for _ in range(100)]
        m = FrozenSkipListMap(enumerate(values))
        counts = [sys.getrefcount(value) for value in values]
        others = [FrozenSkipListMap(m) for _ in range(5)]
        assert [sys.getrefcount(value) for value in values] == counts
        assert all(other == m for other in others)


class TestBuffers:
    def test_keys_that_are_numbers_are_a_buffer(self):
        for keys, code in (([-(2**63), 5, 2**63 - 1], "q"), ([-0.0, 1.5], "d"), ([], "q")):
            for o in (FrozenSkipListSet(keys), FrozenSkipListMap.fromkeys(keys)):
                view = memoryview(o)
                assert (view.format, view.itemsize, view.readonly) == (code, 8, True)
                assert exactly(view.tolist()) == exactly(keys)
                assert view.contiguous
                assert list(array.array(code, view.tobytes())) == keys
                with pytest.raises(TypeError):
                    view[0] = 1

    def test_a_range_of_keys_is_a_slice_of_it(self):
        s = FrozenSkipListSet(range(0, 1000, 10))
        part = memoryview(s)[s.bisect_left(95) : s.bisect_left(140)]
        assert part.tolist() == [100, 110, 120, 130]

    @pytest.mark.parametrize("keys", [["a"], [1, 2.5], [2**63], [True], [Key(1)], [(1,)]])
    def test_other_keys_are_none(self, keys):
        with pytest.raises(BufferError, match=r"^keys: only ints"):
            memoryview(FrozenSkipListSet(keys))

    def test_it_keeps_the_keys_alive(self):
        s = FrozenSkipListSet(range(1000))
        view = memoryview(s)
        reference = weakref.ref(s)
        del s
        collect()
        assert not dead(reference)
        assert view[999] == 999
        del view
        collect()
        assert dead(reference)

    def test_who_wants_to_write_is_refused(self):
        with pytest.raises((BufferError, TypeError)):
            (ctypes.c_int64 * 1).from_buffer(FrozenSkipListSet([1]))

    def test_numpy_takes_it_without_a_copy(self):
        numpy = pytest.importorskip("numpy")
        s = FrozenSkipListSet(range(1000))
        column = numpy.asarray(s)
        assert column.dtype == numpy.int64
        assert column.tolist() == list(range(1000))
        assert not column.flags.writeable
        assert numpy.shares_memory(column, numpy.frombuffer(s, numpy.int64))


class TestMemory:
    @pytest.mark.parametrize(
        ("keys", "bytes_each"),
        [
            (range(10_000), 8),
            ([n / 8 for n in range(10_000)], 8),
            ([str(n) for n in range(10_000)], 16),
            ([n if n % 2 else n / 1 for n in range(10_000)], 17),
        ],
        ids=["ints", "floats", "texts", "mixed"],
    )
    def test_an_entry_takes_what_the_documents_say(self, keys, bytes_each):
        s, m = FrozenSkipListSet(keys), FrozenSkipListMap.fromkeys(keys)
        size = 10_000
        assert size * bytes_each <= sys.getsizeof(s) <= size * bytes_each + 300
        assert size * (bytes_each + 8) <= sys.getsizeof(m) <= size * (bytes_each + 8) + 300
        frozen = SkipListSet(keys).frozen()
        assert sys.getsizeof(frozen) == sys.getsizeof(s)
        assert sys.getsizeof(s | set()) == sys.getsizeof(s)

    def test_everything_dies_with_it(self):
        things = [Object() for _ in range(10)]
        references = [weakref.ref(thing) for thing in things]
        m = FrozenSkipListMap((str(n), thing) for n, thing in enumerate(things))
        derived = [m | {"x": 1}, m.thaw(), FrozenSkipListMap(m), m.items("3"), iter(m.values())]
        del things
        collect()
        assert not any(map(dead, references))
        del m, derived
        collect()
        assert all(map(dead, references))

    def test_iterators_and_views_outlive_it(self):
        s = FrozenSkipListSet("abc")
        iterator, view = iter(s), s.range("b")
        del s
        collect()
        assert list(iterator) == ["a", "b", "c"]
        assert list(view) == ["b", "c"]
