"""statistics() of ordered containers: by which path keys were compared, counted exactly where somebody else counts, too."""

from __future__ import annotations

import datetime
import struct
import sys

import pytest
from support import Key, hooks, run_copies, run_program

from concurrent_collections import Comparator, SkipListMap, SkipListSet, config

NONE = {"native": 0, "memo": 0, "python": 0, "c": 0}
LONG = "a prefix of more than eight bytes "
A_TYPE_COMES_AND_GOES = """\
import gc, weakref
from concurrent_collections import SkipListSet, config
config.enable_statistics = True
T = type("T", (), {"__lt__": lambda self, other: False})
s = SkipListSet([T()])
assert T() in s  # neither is less
assert "T" in s.statistics()["comparisons"]
reference = weakref.ref(T)
s.clear()
s.flush()
del T
gc.collect()
assert reference() is None
assert "T" in s.statistics()["comparisons"]
"""


def counts(container):
    return container.statistics()["comparisons"]


class TestWhatCounts:
    def test_nothing_while_statistics_are_off(self, Map):
        assert not config.enable_statistics
        m = Map({Key(n): n for n in range(50)})
        assert Key(7) in m
        assert m.statistics() == {"comparisons": {}}

    def test_what_the_first_bytes_decide_does_not(self, Map, Set, counting):
        s = Set()
        for n in range(100):
            s.add(n)
            s.add(-float(n) - 0.5)
        numbers = Map()
        for n in range(100):
            numbers[n] = n
        assert all(n in numbers for n in range(100))
        assert counts(numbers) == {}

    def test_long_strings_are_compared_natively(self, Map, counting):
        m = Map()
        for n in range(20):
            m[f"{LONG}{n}"] = n
        for n in range(20):
            assert m[f"{LONG}{n}"] == n
        assert set(counts(m)) == {"str"}
        assert counts(m)["str"] == {**NONE, "native": counts(m)["str"]["native"]}
        assert counts(m)["str"]["native"] >= 20 + 19

    @pytest.mark.parametrize("ranked", [False, True])
    def test_each_call_of_a_function_counts_once(self, counting, ranked):
        calls = []

        def compare(a, b):
            calls.append((a, b))
            return (a > b) - (a < b)

        order = Comparator.from_function(compare)
        s = SkipListSet(
            comparator=Comparator.by_key(lambda key: 0).then(order) if ranked else order
        )
        s.add(0)
        calls.clear()  # the first key was compared with itself, which is no search
        for n in range(2, 60, 2):
            s.add(n)
        for n in range(59):
            assert (n + 1.0 in s) == (n % 2 == 1)  # no key is the very object that is there
        assert s.floor(7.0) == 6
        found = counts(s)
        assert set(found) == {"int", "float"}
        assert sum(one["python"] for one in found.values()) == len(calls)
        # What an answer is for: the search that has asked begins again, and comes to the same key.
        assert all(one["memo"] >= one["python"] > 50 for one in found.values())
        assert all(one["native"] == one["c"] == 0 for one in found.values())

    def test_each_call_of_a_c_function_counts_once(self, Map, counting):
        after_all = bytearray(
            struct.pack("QQb", 0, 1, 1)
        )  # what it is told to say, and how often it has
        tell = hooks().comparators()["tell_of_objects"]
        m = Map(comparator=Comparator.from_c(tell, after_all))
        m[0] = 0
        before = struct.unpack_from("Q", after_all)[0]
        for n in range(1, 40):
            m[n] = n
        calls = struct.unpack_from("Q", after_all)[0] - before
        assert counts(m) == {"int": {**NONE, "c": calls}}
        assert calls >= 39

    def test_one_object_is_one_key_natively(self, Set, counting):
        key = Key(1)
        s = Set([key])
        assert key in s
        assert counts(s) == {"Key": {**NONE, "native": 1}}

    def test_a_c_function_behind_another_part_counts_where_it_is_asked(self, Set, counting):
        natively = Comparator.from_c(hooks().comparators()["natively"])
        s = Set(comparator=Comparator.by_key(lambda word: word[:1]).then(natively))
        s.add("ab")
        s.add("ac")
        assert counts(s)["str"]["c"] > 0
        assert counts(s)["str"]["python"] == counts(s)["str"]["memo"] == 0
        others = Set(comparator=Comparator.by_key(Key).then(natively))
        others.add(1)
        others.add(2)
        assert counts(others)["int"]["c"] == 0 < counts(others)["int"]["python"]

    def test_a_comparison_that_raises_has_taken_its_path(self, Map, counting):
        m = Map({1: "a"})
        with pytest.raises(TypeError):
            m["b"] = 2
        assert counts(m) == {"str": {**NONE, "python": 1}}
        assert m == {1: "a"}

    def test_scans_count_for_the_key_that_they_go_on_from(self, Set, counting):
        s = Set(map(Key, range(600)))
        before = counts(s)["Key"]["python"]
        assert [key.rank for key in s.range(Key(100))] == list(range(100, 600))
        assert counts(s)["Key"]["python"] > before

    def test_turning_it_off_and_on_again_goes_on(self, Map, counting):
        m = Map({Key(1): 1})
        m[Key(2)] = 2
        first = counts(m)
        config.enable_statistics = False
        m[Key(3)] = 3
        assert counts(m) == first
        config.enable_statistics = True
        m[Key(4)] = 4
        assert counts(m)["Key"]["python"] > first["Key"]["python"]

    def test_each_container_has_its_own(self, Map, counting):
        m = Map({Key(1): 1})
        m[Key(2)] = 2
        twin, empty = m.copy(), Map()
        before = counts(m)
        assert counts(empty) == {}
        twin[Key(3)] = 3
        m.clear()
        assert counts(m) == before


class TestTypes:
    def test_by_the_type_of_the_key_that_was_given(self, Map, counting):
        m = Map({2: "two"}, key=Key)
        for key in (1, 2.5, True):
            assert key not in m
        assert set(counts(m)) == {"int", "float", "bool"}

    def test_names_are_those_of_the_types_without_their_modules(self, Set, counting):
        s = Set([datetime.date(2000, 1, 1)])
        assert datetime.date(2001, 1, 1) not in s
        assert set(counts(s)) == {datetime.date.__name__}

    @pytest.mark.parametrize("length", [0, 1, 126, 127, 128, 256])
    def test_of_a_long_name_the_beginning_is_kept(self, Set, counting, length):
        s = Set([0], comparator=Comparator.from_function(lambda a, b: -1))
        assert type("n" * length, (), {})() not in s
        assert set(counts(s)) == {"n" * min(length, 127)}
        assert type("\u20ac" * length, (), {})() not in s
        assert len(counts(s)) == 1 + (length > 0)  # cut within a letter, too

    def test_of_one_operation_65535_comparisons_of_one_sort_count(self, counting):
        # Each question about the sought key puts another in front of it, so the search has to go on.
        class Sought(float):
            pass

        asked = 0

        def compare(a, b):
            nonlocal asked
            if isinstance(a, Sought) or isinstance(b, Sought):
                asked += 1
                if asked <= 7000:
                    m[float(asked)] = None
            return (a > b) - (a < b)

        m = SkipListMap({0.0: None}, comparator=Comparator.from_function(compare))
        assert Sought(1e9) not in m
        assert counts(m)["Sought"] == {**NONE, "python": asked, "memo": 65535}

    @pytest.mark.parametrize("types", [1, 63, 64, 65, 128])
    def test_around_the_number_of_types_that_have_a_name(self, Set, counting, types):
        s = Set([0], comparator=Comparator.from_function(lambda a, b: -1))
        for n in range(types):
            assert type(f"T{n}", (), {})() not in s
        found = {name: one["python"] for name, one in counts(s).items()}
        assert found.pop("...", 0) == max(types - 64, 0)
        assert found == {f"T{n}": 1 for n in range(min(types, 64))}

    def test_of_many_types_the_rest_counts_as_one(self, Set, counting):
        calls = []
        s = Set([0], comparator=Comparator.from_function(lambda a, b: calls.append(a) or -1))
        calls.clear()
        before = sys.getsizeof(s)
        for n in range(200):
            assert type(f"T{n}", (), {})() not in s
        found = counts(s)
        assert len(found) == 65
        assert found["..."]["python"] == 200 - 64
        assert sum(one["python"] for one in found.values()) == len(calls) == 200
        assert before + 65 * 40 < sys.getsizeof(s) < before + 65 * 100

    def test_no_type_is_kept_alive(self):
        # In a process that has had one thread only: 3.13t makes types immortal once there has been another.
        done = run_program(A_TYPE_COMES_AND_GOES)
        assert done.returncode == 0, done.stderr

    def test_without_memory_nothing_is_counted_and_nothing_fails(
        self, Map, counting, no_failing_allocations
    ):
        m = Map()
        config.enable_statistics = False
        m[f"{LONG}1"] = 1
        config.enable_statistics = True
        key = f"{LONG}1"
        no_failing_allocations(0)
        found = m.get(key)
        no_failing_allocations(-1)
        assert found == 1
        assert counts(m) == {}
        assert m.get(key) == 1
        assert counts(m)["str"]["native"] == 1


def test_threads_lose_no_count(Map, counting, eager_switching):
    calls = []

    def compare(a, b):
        calls.append(1)
        return (a > b) - (a < b)

    m = Map({-1: None}, comparator=Comparator.from_function(compare))
    calls.clear()  # a key that comes into an empty map is compared with itself, which is no search

    def work(thread):
        kind = type(f"Int{thread}", (int,), {})  # each adds a name, all at once
        for n in range(thread, 120, 4):
            m[kind(n)] = n
            if n % 3 == 0:
                assert m.delete(n)

    run_copies(4, work)
    assert sum(one["python"] for one in counts(m).values()) == len(calls)
    assert set(counts(m)) == {"int", "Int0", "Int1", "Int2", "Int3"}
