"""Frozen maps and sets with keys whose comparisons raise, lie, come back, or cannot be had; and any program against a model."""

from __future__ import annotations

import bisect
import gc
import json
import pickle
import random
import sys
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import HookedKey, Key, Object, collect, resident_bytes, rounds, run_copies

from concurrent_collections import (
    FrozenSkipListMap,
    FrozenSkipListSet,
    SkipListMap,
    SkipListSet,
    json_default,
)
from concurrent_collections._frozen import _frozen_from


class Broken(Exception):
    pass


# What asks keys for their order.
OPERATIONS = {
    "set": lambda keys, s, asked: FrozenSkipListSet(keys),
    "map": lambda keys, s, asked: FrozenSkipListMap.fromkeys(keys),
    "from_sorted": lambda keys, s, asked: FrozenSkipListSet.from_sorted(sorted(keys)),
    "in": lambda keys, s, asked: asked in s,
    "index": lambda keys, s, asked: s.index(asked),
    "bisect": lambda keys, s, asked: s.bisect(asked),
    "floor": lambda keys, s, asked: s.floor(asked),
    "higher": lambda keys, s, asked: s.higher(asked),
    "range": lambda keys, s, asked: list(s.range(asked, asked, inclusive=True)),
    "count_range": lambda keys, s, asked: s.count_range(asked),
    "or": lambda keys, s, asked: s | FrozenSkipListSet([asked]),
    "and": lambda keys, s, asked: s & FrozenSkipListSet([asked]),
    "sub": lambda keys, s, asked: s - FrozenSkipListSet([asked]),
    "xor": lambda keys, s, asked: s ^ FrozenSkipListSet([asked]),
    "isdisjoint": lambda keys, s, asked: s.isdisjoint(FrozenSkipListSet([asked])),
    "union of a list": lambda keys, s, asked: s.union([asked]),
}
every_operation = pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)


class TestHostileKeys:
    @every_operation
    @pytest.mark.parametrize("error", [Broken, TypeError, KeyboardInterrupt])
    def test_an_error_in_any_comparison_comes_through(self, operation, error):
        countdown = [None]

        def hook(key, other):
            if countdown[0] is not None:
                countdown[0] -= 1
                if countdown[0] < 0:
                    raise error("broken")

        generator = random.Random(1)
        keys = [HookedKey(rank, hook) for rank in generator.sample(range(40), 40)]
        s, asked = FrozenSkipListSet(keys), HookedKey(17, hook)
        expected = operation(keys, s, asked)
        for calls in range(1000):
            countdown[0] = calls
            try:
                answer = operation(keys, s, asked)
            except error:
                continue
            finally:
                countdown[0] = None
            assert answer == expected
            break
        else:
            pytest.fail("the operation never ends")
        assert calls > 0, "nothing is compared"
        assert [key.rank for key in s] == list(range(40))

    @every_operation
    def test_lies_neither_crash_nor_go_on_for_ever(self, operation):
        for seed in range(rounds(30)):
            generator = random.Random(seed)

            class Liar(Key):
                def __lt__(self, other):
                    return generator.random() < 0.5

                __hash__ = Key.__hash__

            keys = [Liar(n) for n in range(generator.randrange(1, 60))]
            s = FrozenSkipListSet(keys)
            assert 0 < len(s) <= len(keys)
            try:
                operation(keys, s, Liar(3))
            except ValueError:
                pass
            assert len(list(s)) == len(s)

    @every_operation
    def test_comparisons_may_use_the_container_and_make_others(self, operation):
        depth = []

        def hook(key, other):
            if len(depth) < 2:
                depth.append(1)
                try:
                    if generator.random() < 0.03:
                        FrozenSkipListSet([HookedKey(2), HookedKey(1)])
                        assert len(s.thaw()) == 20
                    s.bisect(HookedKey(3))
                finally:
                    depth.pop()

        generator = random.Random(2)
        keys = [HookedKey(rank) for rank in generator.sample(range(20), 20)]
        s, asked = FrozenSkipListSet(keys), HookedKey(17)
        expected = operation(keys, s, asked)
        for key in keys:
            key.hook = hook
        assert operation(keys, s, asked) == expected

    def test_a_comparison_may_drop_the_last_reference_but_that_of_the_call(self):
        holder = []

        def hook(key, other):
            holder.clear()
            gc.collect(0)

        keys = [HookedKey(n) for n in range(10)]
        holder.append(FrozenSkipListSet(keys))
        for key in keys:
            key.hook = hook
        del keys, key
        assert holder[0].bisect_left(Key(5)) == 5

    def test_the_source_may_change_while_it_is_read(self):
        def changing():
            for n in range(50):
                if n == 25:
                    m[100] = "new"
                    del m[3]
                yield n, m.get(n)

        m = SkipListMap((n, n) for n in range(50))
        f = FrozenSkipListMap(changing())
        assert list(f) == list(range(50))

    def test_a_comparison_may_recurse_for_ever(self):
        class Recursive(Key):
            def __lt__(self, other):
                return bool(FrozenSkipListSet([self, other]))

        with pytest.raises(RecursionError):
            FrozenSkipListSet([Recursive(1), Recursive(2)])

    def test_an_eq_or_hash_that_raises_comes_through(self):
        class NoEq(Key):
            def __eq__(self, other):
                raise Broken

            __hash__ = Key.__hash__

        class NoHash(Key):
            __eq__ = Key.__eq__

            def __hash__(self):
                raise Broken

        with pytest.raises(Broken):
            FrozenSkipListSet([NoEq(1)])  # as SkipListSet: whether it is a NaN
        s = FrozenSkipListSet([NoHash(1)])
        for _ in range(2):
            with pytest.raises(Broken):
                hash(s)
        values = FrozenSkipListMap({1: NoEq(1)}), FrozenSkipListMap({1: NoEq(2)})
        with pytest.raises(Broken):
            values[0] == values[1]

    def test_threads_share_one_and_its_iterators(self):
        keys = [f"{n:04}" for n in range(500)]
        s = FrozenSkipListSet(keys)
        m = FrozenSkipListMap((Key(n), n) for n in range(200))
        shared = iter(s)

        def read(index):
            generator = random.Random(index)
            for _ in range(rounds(200)):
                n = generator.randrange(200)
                assert m[Key(n)] == n
                assert s.index(keys[n]) == n
                assert (s & {keys[n]}) == {keys[n]}
                hash(s)
            return list(shared)

        taken = run_copies(4, read)
        assert sorted(key for some in taken for key in some) == keys
        for some in taken:
            assert some == sorted(some)

    def test_threads_freeze_while_others_change_and_let_go(self):
        m = SkipListMap((n, Object()) for n in range(300))
        stop = threading.Event()

        def change(index):
            while not stop.is_set():
                for n in range(0, 300, 3):
                    m[n] = Object()
                    m.pop(n + 1, None)
                    m[n + 1] = Object()

        def freeze(index):
            try:
                for _ in range(rounds(60)):
                    f = m.frozen()
                    assert len(f) >= 200
                    assert all(type(value) is Object for value in f.values())
                    assert f.thaw() == f
            finally:
                stop.set()

        run_copies(3, lambda index: (freeze if index == 0 else change)(index))

    def test_memory_stays_level(self):
        def use():
            keys = [Key(n) for n in range(50)]
            s = FrozenSkipListSet(keys[::-1])
            m = FrozenSkipListMap((str(n), n) for n in range(50))
            for made in (
                s | {Key(99)},
                s.intersection(keys),
                s ^ set(keys[:3]),
                m | {"x": 1},
                m.thaw(),
            ):
                list(made)
            pickle.loads(pickle.dumps(FrozenSkipListMap(dict.fromkeys(range(50)))))
            for wrong in ([Key(1), 1], [1.0, float("nan")], [1, 2, None]):
                with pytest.raises((TypeError, ValueError)):
                    FrozenSkipListSet(wrong)
            with pytest.raises(ValueError):
                FrozenSkipListMap.from_sorted([("b", 1), ("a", 2)])
            with pytest.raises(TypeError):
                s | {1}
            list(zip(range(3), m.items(), strict=False))
            SkipListMap(m).frozen()

        if resident_bytes() is None:
            pytest.skip("cannot tell how much memory is used")
        for _ in range(rounds(100)):
            use()
        collect()
        before = resident_bytes()
        for _ in range(rounds(300)):
            use()
        collect()
        assert resident_bytes() - before < 3_000_000


@pytest.mark.parametrize("make", [int, str, Key, lambda n: n / 2])
def test_without_memory_nothing_leaks_and_nothing_is_half_made(make):
    testcapi = pytest.importorskip("_testcapi")
    if not hasattr(testcapi, "set_nomemory"):
        pytest.skip("this interpreter cannot let allocations fail")
    keys = [make(n) for n in range(0, 40, 2)]
    generator = random.Random(1)
    shuffled = generator.sample(keys, len(keys))
    s, other = FrozenSkipListSet(keys), FrozenSkipListSet([make(n) for n in range(30)])
    m = SkipListMap.fromkeys(keys)
    operations = [
        lambda: FrozenSkipListSet(shuffled),
        lambda: FrozenSkipListMap.fromkeys(shuffled, 1),
        lambda: s | other,
        lambda: s & other,
        lambda: m.frozen(),
        lambda: FrozenSkipListSet.from_sorted(sorted(keys)),
        lambda: list(s.range()),
        lambda: FrozenSkipListSet([*keys, 2**70]) if make is int else None,
    ]
    for operation in operations:
        expected = operation()
        for first_to_fail in range(500):
            answer = None
            testcapi.set_nomemory(first_to_fail, first_to_fail + 1)
            try:
                answer = operation()
                failed = False
            except MemoryError:
                failed = True
            finally:
                testcapi.remove_mem_hooks()
            if not failed:
                assert answer == expected
                if first_to_fail > 100:
                    break
        assert list(s) == sorted(keys)


# ---- any program against a model ------------------------------------------------------------

KINDS = {
    "ints": st.integers(-20, 20) | st.integers(),
    "floats": st.floats(allow_nan=False) | st.integers(-9, 9).map(float),
    "numbers": st.booleans() | st.integers(-9, 9) | st.floats(-9, 9) | st.just(2**70),
    "texts": st.text("ab\0é", max_size=3) | st.text(max_size=12),
    "tuples": st.tuples(st.integers(0, 3), st.text("ab", max_size=2)),
    "users'": st.integers(0, 9).map(Key),
}
every_kind = pytest.mark.parametrize("keys", KINDS.values(), ids=KINDS)


class TestModels:
    @every_kind
    @settings(max_examples=rounds(40))
    @given(data=st.data())
    def test_a_map_is_a_sorted_dict(self, keys, data):
        items = data.draw(st.lists(st.tuples(keys, st.integers())))
        model = {}
        for key, value in items:
            model[key] = value
        ordered = sorted(model)
        for m in (FrozenSkipListMap(items), SkipListMap(items).frozen()):
            assert [(type(key), key) for key in m] == [(type(key), key) for key in ordered]
            assert m == model
            assert list(m.items()) == [(key, model[key]) for key in ordered]
            assert hash(m) == hash(frozenset(model.items()))
            assert pickle.loads(pickle.dumps(m, 5)) == m
            assert m.thaw() == m
        for asked in data.draw(st.lists(keys, max_size=5)):
            left, right = bisect.bisect_left(ordered, asked), bisect.bisect_right(ordered, asked)
            assert m.bisect_left(asked) == left
            assert m.bisect_right(asked) == right
            assert (asked in m) is (left < right)
            assert m.get(asked) == model.get(asked)
            assert m.floor_key(asked) == (ordered[right - 1] if right else None)
            assert m.lower_key(asked) == (ordered[left - 1] if left else None)
            assert m.ceiling_key(asked) == (ordered[left] if left < len(ordered) else None)
            assert m.higher_key(asked) == (ordered[right] if right < len(ordered) else None)
            assert list(m.keys(asked)) == ordered[left:]
            assert list(m.keys(None, asked, reverse=True)) == ordered[:left][::-1]
        more = dict(data.draw(st.lists(st.tuples(keys, st.integers()), max_size=9)))
        assert m | more == model | more
        assert more | m == more | model

    @every_kind
    @settings(max_examples=rounds(40))
    @given(data=st.data())
    def test_sets_are_frozensets_with_an_order(self, keys, data):
        a, b = (data.draw(st.lists(keys)) for _ in range(2))
        s, t = FrozenSkipListSet(a), FrozenSkipListSet(b)
        model, other = frozenset(a), frozenset(b)
        assert s == model
        assert hash(s) == hash(model)
        assert (s == t) is (model == other)
        for name in ("__or__", "__and__", "__sub__", "__xor__"):
            expected = getattr(model, name)(other)
            for operand in (t, SkipListSet(b), other):
                result = getattr(s, name)(operand)
                assert result == expected
                assert list(result) == sorted(expected)
        for name in ("__le__", "__lt__", "__ge__", "__gt__", "isdisjoint"):
            assert getattr(s, name)(t) == getattr(model, name)(other)


# ---- json -----------------------------------------------------------------------------------


class TestJson:
    @pytest.mark.parametrize("map_class", [SkipListMap, FrozenSkipListMap])
    @pytest.mark.parametrize("set_class", [SkipListSet, FrozenSkipListSet])
    def test_maps_are_objects_and_sets_are_lists(self, map_class, set_class):
        nested = map_class({"b": set_class([3, 1]), "a": map_class({"x": None})})
        assert json.dumps(nested, default=json_default) == '{"a": {"x": null}, "b": [1, 3]}'
        assert nested.to_dict() == dict(nested)

    def test_anything_else_is_refused_as_json_refuses_it(self):
        with pytest.raises(TypeError, match="Object of type complex is not JSON serializable"):
            json.dumps(1j, default=json_default)


class TestFromSortedOfThoseThatChange:
    def test_what_ascends_is_taken(self):
        assert dict(SkipListMap.from_sorted([(1, "a"), (2, "b")])) == {1: "a", 2: "b"}
        assert list(SkipListSet.from_sorted("abc")) == ["a", "b", "c"]
        derived = type("Derived", (SkipListMap,), {})
        assert type(derived.from_sorted([])) is derived

    def test_else_the_position_is_named(self):
        with pytest.raises(ValueError, match=r"^items: .*position 1"):
            SkipListMap.from_sorted([(2, "a"), (1, "b")])
        with pytest.raises(ValueError, match=r"^elements: .*position 3"):
            SkipListSet.from_sorted("abcc")


class TestImpostors:
    """Objects that say that they are of a class."""

    def test_what_only_says_that_it_is_a_map_is_a_type_error(self):
        class Impostor:
            __class__ = property(lambda self: SkipListMap)
            items = SkipListMap.items

        for other in (Impostor(), type("SetToo", (SkipListSet,), dict(vars(Impostor)))([1])):
            with pytest.raises(TypeError):
                FrozenSkipListMap(other)
            with pytest.raises(TypeError):
                FrozenSkipListMap() | other

    def test_what_only_says_that_it_is_a_set_is_a_type_error(self):
        class Impostor:
            __class__ = property(lambda self: SkipListSet)
            __iter__ = SkipListSet.__iter__

        with pytest.raises(TypeError):
            FrozenSkipListSet(Impostor())

    def test_a_map_that_has_become_a_set_keeps_no_values(self):
        class Map(FrozenSkipListMap):
            __slots__ = ()

        class Set(FrozenSkipListSet):
            __slots__ = ()

        value = object()
        m = Map({2: value})
        before = sys.getrefcount(value)
        m.__class__ = Set
        assert list(m | FrozenSkipListSet([1.5])) == [1.5, 2]
        assert list(m - FrozenSkipListSet([1.5])) == [2]
        assert sys.getrefcount(value) == before

    @pytest.mark.parametrize("order", "<>")
    def test_a_number_in_place_of_a_buffer_is_a_type_error(self, order):
        with pytest.raises(TypeError, match="bytes-like"):
            _frozen_from(FrozenSkipListSet, f"{order}q", 8, None)
