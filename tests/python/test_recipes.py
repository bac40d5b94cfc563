"""Containers made of the others (concurrent_collections.recipes)."""

from __future__ import annotations

import collections
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import HookedKey, Key, rounds, run_copies

from concurrent_collections.recipes import BoundedSkipListMap

POLICIES = ["smallest", "largest", "oldest", "least recently used"]
every_policy = pytest.mark.parametrize("evict", POLICIES)


class TestBoundedSkipListMap:
    @pytest.mark.parametrize(
        ("evict", "gone"),
        [("smallest", 1), ("largest", 9), ("oldest", 5), ("least recently used", 9)],
    )
    def test_which_entry_goes(self, evict, gone):
        m = BoundedSkipListMap(3, evict=evict)
        for key in (5, 9, 1):
            assert m.put(key, str(key)) is None
        assert m.get(5) == "5"
        assert m.put(4, "4") == (gone, str(gone))
        assert list(m) == sorted({1, 4, 5, 9} - {gone})
        assert len(m) == m.maxsize == 3

    @pytest.mark.parametrize(("evict", "key"), [("smallest", 0), ("largest", 10)])
    def test_a_key_beyond_the_end_of_a_full_map_is_the_one_that_goes(self, evict, key):
        m = BoundedSkipListMap(2, evict=evict)
        m[3] = m[7] = "x"
        assert m.put(key, "y") == (key, "y")
        assert list(m) == [3, 7]

    def test_what_counts_as_used(self):
        m = BoundedSkipListMap(4, evict="least recently used")
        for key in range(4):
            m[key] = key
        m[0] = "replaced"
        assert m.get(1) == 1 and m[2] == 2
        assert 3 in m and list(m.items()) and m.first_item() and m.last_item()  # these do not count
        assert [m.put(key, key)[0] for key in (10, 11, 12, 13)] == [3, 0, 1, 2]

    def test_oldest_is_by_the_last_time_it_was_put(self):
        m = BoundedSkipListMap(2, evict="oldest")
        m[1] = m[2] = "x"
        m[1] = "y"
        assert m.put(3, "z") == (2, "x")

    @every_policy
    def test_replacing_and_removing_evict_nothing(self, evict):
        gone = []
        m = BoundedSkipListMap(2, evict=evict, on_evict=lambda *entry: gone.append(entry))
        m[1] = m[2] = "x"
        assert m.put(1, "y") is None
        assert m.pop(1) == "y" and m.delete(1) is False
        with pytest.raises(KeyError):
            m.pop(1)
        with pytest.raises(KeyError):
            del m[1]
        assert m.pop(1, None) is None
        assert m.put(3, "z") is None
        assert m.pop_first() == (2, "x") and m.pop_last() == (3, "z")
        assert m.pop_first(None) is m.pop_last(None) is m.first_item(None) is m.last_item(None)
        with pytest.raises(KeyError):
            m.first_item()
        for n in range(5):
            m[n % 2] = n
        m.clear()
        assert gone == [] and len(m) == 0
        m[1] = m[2] = "x"  # there is room again
        assert gone == []

    @every_policy
    def test_on_evict_is_called_when_all_is_done(self, evict):
        seen = []

        def note(key, value):
            seen.append((key, value, list(m)))
            if len(seen) == 1:
                raise LookupError

        m = BoundedSkipListMap(1, evict=evict, on_evict=note)
        m[5] = "a"
        new = 4 if evict == "largest" else 6
        with pytest.raises(LookupError):
            m[new] = "b"
        assert seen == [(5, "a", [new])]
        assert m[new] == "b"

    @every_policy
    def test_a_key_that_is_refused_takes_no_room(self, evict):
        m = BoundedSkipListMap(2, evict=evict)
        for bad in (None, 1j):
            with pytest.raises(TypeError):
                m[bad] = 1
        m[1] = 1
        for bad in (None, "text"):
            with pytest.raises(TypeError):
                m[bad] = 1
        with pytest.raises(ValueError, match="NaN"):
            m[float("nan")] = 1
        assert m.put(2, 2) is None
        assert list(m.items()) == [(1, 1), (2, 2)]

    def test_arguments(self):
        for bad in ("3", 3.0, None, True):
            with pytest.raises(TypeError, match="maxsize"):
                BoundedSkipListMap(bad)
        for bad in (0, -1):
            with pytest.raises(ValueError, match="maxsize"):
                BoundedSkipListMap(bad)
        with pytest.raises(ValueError, match="evict"):
            BoundedSkipListMap(3, evict="newest")
        with pytest.raises(TypeError, match="on_evict"):
            BoundedSkipListMap(3, on_evict=3)

    def test_ranges_and_repr(self):
        m = BoundedSkipListMap(5, evict="oldest")
        for key in range(5):
            m[key] = key * 10
        assert list(m.keys(1, 3)) == [1, 2]
        assert list(m.items(1, 3, inclusive=True, reverse=True)) == [(3, 30), (2, 20), (1, 10)]
        assert (
            repr(m) == "BoundedSkipListMap(5, evict='oldest': {0: 0, 1: 10, 2: 20, 3: 30, 4: 40})"
        )
        assert BoundedSkipListMap[int, str]

    @every_policy
    @given(
        maxsize=st.integers(1, 4),
        program=st.lists(
            st.tuples(st.sampled_from(["put", "put", "get", "pop"]), st.integers(0, 7)), max_size=40
        ),
    )
    def test_against_a_model(self, evict, maxsize, program):
        m = BoundedSkipListMap(maxsize, evict=evict)
        model = collections.OrderedDict()  # in the order of age
        for number, (name, key) in enumerate(program):
            if name == "get":
                assert m.get(key) == model.get(key)
                if evict == "least recently used" and key in model:
                    model.move_to_end(key)
            elif name == "pop":
                assert m.pop(key, None) == model.pop(key, None)
            else:
                expected = None
                model[key] = number
                model.move_to_end(key)
                if len(model) > maxsize:
                    ends = {"smallest": min(model), "largest": max(model)}
                    gone = ends.get(evict, next(iter(model)))
                    expected = gone, model.pop(gone)
                assert m.put(key, number) == expected
            assert dict(m.items()) == model
            assert len(m) == len(model)

    @every_policy
    @pytest.mark.parametrize("maxsize", [1, 3, 20])
    def test_the_bound_holds_and_every_entry_leaves_once(self, evict, maxsize, eager_switching):
        gone = []
        m = BoundedSkipListMap(maxsize, evict=evict, on_evict=lambda key, value: gone.append(value))
        each = rounds(600)

        def work(index):
            keys = random.Random(index).sample(range(10**6), each)
            taken = []
            for n, key in enumerate(keys):
                m[key * 4 + index] = (index, n)
                m.get(key * 4 + index)
                if n % 2:
                    value = m.pop(key * 4 + index, None)
                    taken += [value] if value else []
            return taken

        taken = [value for part in run_copies(4, work) for value in part]
        assert len(m) == len(list(m)) <= maxsize
        values = gone + taken + [value for _, value in m.items()]
        assert len(values) == len(set(values)) == 4 * each
        # What is left over of ages is not more than what is there.
        assert len(m._ages) in (0, len(m))
        # All room that is not taken is free.
        free = 0
        while m._room.acquire(blocking=False):
            free += 1
        assert free + len(m) == maxsize

    @every_policy
    def test_the_bound_holds_while_others_are_in_the_middle(self, evict):
        # Every comparison is a place where another thread may come in; here it is the same one.
        m = BoundedSkipListMap(3, evict=evict)
        turn = 0
        inside = False

        def come_in(*_):
            nonlocal turn, inside
            if inside:
                return
            inside = True
            turn += 1
            assert len(list(m)) <= 3
            if turn % 4 == 0:
                m.put(Key(turn % 7), turn)
            elif turn % 4 == 2:
                m.pop(Key(turn % 5), None)
            assert len(list(m)) <= 3
            inside = False

        for n in range(rounds(60)):
            key = HookedKey(n % 6, come_in)
            m.put(key, n)
            key.hook = None
        assert turn > 0
        free = 0
        while m._room.acquire(blocking=False):
            free += 1
        assert free + len(m) == 3
        assert len(m._ages) in (0, len(m))

    @every_policy
    def test_the_same_keys_from_many_threads(self, evict, eager_switching):
        m = BoundedSkipListMap(4, evict=evict)
        each = rounds(600)

        def work(index):
            generator = random.Random(index)
            for n in range(each):
                key = generator.randrange(8)
                generator.choice([m.put, lambda key, n: m.get(key), m.pop, m.put])(key, n)

        run_copies(4, work)
        assert len(list(m)) <= 4
        assert len(m._ages) in (0, len(m))
        free = 0
        while m._room.acquire(blocking=False):
            free += 1
        assert free + len(m) == 4
