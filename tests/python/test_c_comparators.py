"""Orders by C functions: where they come from, what they are given, how they fail, and lies.

That containers ordered by them do what all others do is in test_comparators.py, test_stateful.py and
test_hostile_keys.py; that projects of users can have such functions is in tests/cimport.
"""

from __future__ import annotations

import array
import contextlib
import copy
import ctypes
import gc
import itertools
import pickle
import random
import struct
import weakref

import pytest
from support import check, hooks, rounds, run_copies

from concurrent_collections import (
    REMOVE,
    Comparator,
    FrozenSkipListMap,
    FrozenSkipListSet,
    SkipListMap,
)

OBJECTS, INT64S = (
    b"concurrent_collections.cc_compare_objects",
    b"concurrent_collections.cc_compare_int64s",
)
CANNOT = 100  # what a script says for CC_CANNOT_COMPARE


@pytest.fixture
def functions():
    return hooks().comparators()


def capsule(address, name, context=0):
    make = ctypes.pythonapi.PyCapsule_New
    make.restype, make.argtypes = (
        ctypes.py_object,
        [
            ctypes.c_void_p,
            ctypes.c_char_p,
            ctypes.c_void_p,
        ],
    )
    made = make(address, name, None)
    if context:
        set_context = ctypes.pythonapi.PyCapsule_SetContext
        set_context.argtypes = [ctypes.py_object, ctypes.c_void_p]
        assert set_context(made, context) == 0
    return made


def script(answers):
    """What a function that reads its answers out gets as its context."""
    return bytearray(struct.pack("QQ", 0, len(answers)) + struct.pack(f"{len(answers)}b", *answers))


def calls(context):
    return struct.unpack_from("Q", context)[0]


def liars(functions, answers):
    """Comparators that say these things, whatever they are asked."""
    return [
        Comparator.from_c(functions["tell_of_objects"], script(answers)),
        Comparator.from_c(functions["tell_of_int64s"], script(answers), keys="int64s"),
        Comparator.by_key(lambda key: 0).then(
            Comparator.from_c(functions["tell_of_objects"], script(answers)).reversed()
        ),
    ]


class TestWhereTheyComeFrom:
    def test_addresses_and_capsules(self, Set, functions):
        numbers, natively = functions["numbers"], functions["natively"]
        for comparator in [
            Comparator.from_c(natively),
            Comparator.from_c(natively, None),
            Comparator.from_c(natively, keys="objects"),
            Comparator.from_c(capsule(natively, OBJECTS)),
            Comparator.from_c(capsule(natively, OBJECTS), keys="objects"),
        ]:
            assert list(Set("cab", comparator=comparator)) == ["a", "b", "c"]
            assert comparator == Comparator.from_c(natively)
            assert hash(comparator) == hash(Comparator.from_c(natively))
        for comparator in [
            Comparator.from_c(numbers, keys="int64s"),
            Comparator.from_c(capsule(numbers, INT64S)),
        ]:
            assert list(Set([3, 1, True, 2], comparator=comparator)) == [1, 2, 3]
            assert comparator == Comparator.from_c(numbers, keys="int64s")
            assert comparator != Comparator.from_c(numbers)
            assert comparator != Comparator.from_c(numbers, numbers, keys="int64s")

    def test_contexts(self, Set, functions):
        remainders, seven = functions["remainders"], ctypes.c_int64(7)
        address = ctypes.addressof(seven)
        for make in [
            lambda: Comparator.from_c(remainders, address, keys="int64s"),
            lambda: Comparator.from_c(remainders, seven, keys="int64s"),
            lambda: Comparator.from_c(remainders, context=array.array("q", [7]), keys="int64s"),
            lambda: Comparator.from_c(remainders, struct.pack("q", 7), keys="int64s"),
            lambda: Comparator.from_c(remainders, capsule(address, b"any"), keys="int64s"),
            lambda: Comparator.from_c(remainders, capsule(address, None), keys="int64s"),
            lambda: Comparator.from_c(capsule(remainders, INT64S, address)),
            lambda: Comparator.from_c(capsule(remainders, INT64S, 8), seven),
        ]:
            comparator = make()
            gc.collect()  # what nobody keeps alive is gone
            assert list(Set([15, 13, 9, 8, 20], comparator=comparator)) == [15, 9, 13]

    def test_a_context_is_held_as_long_as_the_comparator(self, Map, functions):
        context = bytearray(struct.pack("q", 7))
        m = Map(comparator=Comparator.from_c(functions["remainders"], context, keys="int64s"))
        twin = m.frozen()
        for one in (m, twin):
            with pytest.raises(BufferError):
                context.append(0)
            assert one.comparator(8, 1) == 0
            del one
        del m
        with pytest.raises(BufferError):
            context.append(0)
        del twin
        gc.collect()
        context.append(0)

    def test_mistakes_are_named(self, functions):
        natively = functions["natively"]
        for error, match, arguments, keywords in [
            (TypeError, "^function: expected the address .*got str.*ctypes.cast", ["a"], {}),
            (TypeError, "^function: expected the address .*got bool", [True], {}),
            (TypeError, "^function: .* ctypes.cast", [ctypes.pythonapi.PyLong_Type], {}),
            (ValueError, "^function: 0 is no address", [0], {}),
            (ValueError, "^function: -1 is no address", [-1], {}),
            (ValueError, f"^function: {2**64} is no address", [2**64], {}),
            (ValueError, '^function: .* "concurrent.*objects" or ".*", got "x"', [capsule(8, b"x")], {}),
            (ValueError, '^function: .*, got ""$', [capsule(8, None)], {}),
            (ValueError, '^function: .*int64s", got ".*objects"$', [capsule(8, OBJECTS)], {"keys": "int64s"}),
            (ValueError, "^keys: expected 'objects' or 'int64s', got 'floats'", [natively], {"keys": "floats"}),
            (TypeError, "^keys: expected 'objects' or 'int64s', got 1", [natively], {"keys": 1}),
            (ValueError, "^context: -1 is no address", [natively, -1], {}),
            (TypeError, "^context: expected an address, .* got float", [natively, 0.5], {}),
            (TypeError, "^context: expected an address, .* got str", [natively, "a"], {}),
            (TypeError, "^context: expected an address, .* got bool", [natively, True], {}),
            (TypeError, "^context: expected an address, .* got bool", [natively, False], {}),
            (ValueError, "^context: .*contiguous", [natively, memoryview(bytes(9))[::2]], {}),
        ]:  # fmt: skip
            with pytest.raises(error, match=match):
                Comparator.from_c(*arguments, **keywords)

    def test_they_say_what_they_are_made_of(self, functions):
        address = functions["numbers"]
        text = f"Comparator.from_c({hex(address)}, b'12345678', keys='int64s')"
        comparator = Comparator.from_c(address, b"12345678", keys="int64s")
        assert repr(comparator) == text
        assert repr(comparator.reversed().then(Comparator.by_key(len))) == (
            f"{text}.reversed().then(Comparator.by_key({len!r}))"
        )
        again = eval(text.replace(", b'12345678'", ""))
        assert again == Comparator.from_c(address, keys="int64s")

    def test_they_are_copied_and_not_pickled(self, Map, Set, functions):
        comparator = Comparator.from_c(functions["natively"])
        assert copy.copy(comparator) is copy.deepcopy(comparator) is comparator
        for cls in (Map, Set, FrozenSkipListMap, FrozenSkipListSet):
            container = cls(comparator=comparator.then(Comparator.natural()))
            assert copy.deepcopy(container).comparator == container.comparator
            with pytest.raises(TypeError, match=r"cannot pickle a Comparator\.from_c"):
                pickle.dumps(container)
        with pytest.raises(TypeError, match=r"cannot pickle a Comparator\.from_c"):
            pickle.dumps(comparator)

    def test_a_context_that_leads_back_to_the_map_is_collected(self, Map, functions):
        class Divisor(ctypes.Structure):
            _fields_ = (("value", ctypes.c_int64),)

        for parts in (lambda c: c, lambda c: Comparator.by_key(abs).then(c)):
            divisor = Divisor(7)
            comparator = Comparator.from_c(functions["remainders"], divisor, keys="int64s")
            divisor.map = m = Map({1: 2, 9: 3}, comparator=parts(comparator))
            m[3] = m
            gone = weakref.ref(divisor), weakref.ref(m)
            del divisor, m, comparator
            gc.collect()
            assert [reference() for reference in gone] == [None, None]

    def test_a_map_that_is_cleared_by_the_collector_never_calls_it(self, functions):
        class Last:
            """In a cycle with the map: its finalizer still uses the map, or what is left of it."""

            def __init__(self, m):
                self.m = m
                weakref.finalize(self, touch, weakref.ref(m))

            def __del__(self):
                touched.append(
                    self.m.get(1),
                )

        touched = []

        def touch(reference):
            touched.append(reference())

        context = script([0, 1])
        m = SkipListMap(comparator=Comparator.from_c(functions["tell_of_objects"], context))
        m[1] = Last(m)
        del m
        for _ in range(3):
            gc.collect()
        assert len(touched) == 2


class TestKeys:
    def test_int64s_take_no_others(self, Map, functions):
        class Mine(int):
            pass

        m = Map({1: 1}, comparator=Comparator.from_c(functions["numbers"], keys="int64s"))
        least, most = -(2**63), 2**63 - 1
        m.update({least: 2, most: 3})
        m[True] = 4
        assert m == {least: 2, 1: 4, most: 3}
        for key, error in [("a", TypeError), (1.0, TypeError), ((1,), TypeError), (Mine(1), TypeError),
                           (2**63, OverflowError), (least - 1, OverflowError)]:  # fmt: skip
            for operation in [
                lambda: m[key],
                lambda: key in m,
                lambda: m.put(key, 1),
                lambda: m.increment(key),
                lambda: m.delete(key),
                lambda: m.floor_key(key),
                lambda: m.keys(key),
                lambda: m.keys(stop=key),
                lambda: m.submap(key),
                lambda: m.count_range(key),
                lambda: m.frozen()[key],
                lambda: m.update({5: 5, key: 0}),
                lambda: Map({key: 0}, comparator=m.comparator),
                lambda: FrozenSkipListMap({key: 0}, comparator=m.comparator),
            ]:
                with pytest.raises(error, match="comparator: its C function takes ints of 64 bits"):
                    operation()
        assert m == {least: 2, 1: 4, 5: 5, most: 3}
        check(m)

    def test_algebra_with_keys_that_are_not_taken_finds_them_not_there(self, Map, Set, functions):
        order = Comparator.from_c(functions["numbers"], keys="int64s")
        s, m = (
            Set([1, 2, 3], comparator=order),
            Map({1: 1, 2: 2, 3: 3}, comparator=order),
        )
        foreign = {2, 3, "a", 1.5, 2**63, None}
        for keys in (s, s.frozen(), s.subset(), m.keys(), m.keys(1, 9), m.frozen().keys()):
            assert list(keys & foreign) == [2, 3]
            assert list(keys - foreign) == [1]
            assert keys.isdisjoint({"a", 2**63}) and not keys.isdisjoint(foreign)
            assert not keys >= foreign and keys >= {2, 3}
            assert keys != {1, 2, 2**63} and keys == {1, 2, 3}
        assert m.items() & {(2, 2), ("a", 2), (2**63, 2)} == {(2, 2)}
        s -= foreign
        assert list(s) == [1]
        s &= foreign
        assert list(s) == []
        for one in (m, m.frozen()):
            assert one != {1: 1, 2: 2, 2**63: 3} and {1: 1, 2: 2, "a": 3} != one
            assert one == {1: 1, 2: 2, 3: 3}

    def test_equal_int64s_and_one_object_are_not_asked_about(self, Map, functions):
        context = script([1])
        m = Map(comparator=Comparator.from_c(functions["tell_of_int64s"], context, keys="int64s"))
        for _ in range(3):
            m[10**10] = 1
            m[int(str(10**10))] = 2
        assert m == {10**10: 2}
        assert calls(context) == 0
        context = script([1])
        m = Map(comparator=Comparator.from_c(functions["tell_of_objects"], context))
        key = object()
        m[key] = 1
        asked_alone = calls(context)  # whether it has an order at all
        m[key] = 2
        assert m[key] == 2
        assert calls(context) == asked_alone == 1

    def test_what_it_cannot_compare_is_a_type_error_and_changes_nothing(self, Map, functions):
        natively = Comparator.from_c(functions["natively"])
        for comparator in (
            natively,
            natively.reversed(),
            Comparator.by_key(lambda key: 0).then(natively),
        ):
            m = Map({n: str(n) for n in range(40)}, comparator=comparator)
            before = dict(m)
            match = "^comparator: its C function cannot compare instances of '.*' and '.*'$"
            for operation in [
                lambda: m.get("a"),
                lambda: "a" in m,
                lambda: m.put("a", 1),
                lambda: m.put_if_absent("a", 1),
                lambda: m.compute("a", str),
                lambda: m.compute_if_present("a", str),
                lambda: m.pop("a", None),
                lambda: m.higher_item("a"),
                lambda: list(m.items("a")),
                lambda: list(m.items(stop="a")),
                lambda: m.clear_range("a"),
                lambda: m.frozen().get("a"),
                lambda: m.frozen().bisect("a"),
                lambda: Map({None: 1}, comparator=comparator),
                lambda: FrozenSkipListMap({1: 1, "a": 1}, comparator=comparator),
                lambda: comparator(1, "a"),
            ]:
                with pytest.raises(TypeError, match=match):
                    operation()
            assert dict(m) == before
            check(m)

    def test_it_may_fail_at_any_time(self, Map, functions):
        # An operation asks again outside of the map, and believes what it is told there.
        for fails in range(1, 30):
            context = script([1] * fails + [CANNOT, CANNOT])
            m = Map(comparator=Comparator.from_c(functions["tell_of_objects"], context))
            stored = 0
            with pytest.raises(
                TypeError, match="cannot compare instances of 'object' and 'object'"
            ):
                while True:
                    m[object()] = 1
                    stored += 1
            assert len(m) == stored
            assert len(list(m)) <= stored
            m.clear()
            assert len(m) == 0


LIES = {
    "equal and not": [0, 1],
    "not and equal": [1, 0],
    "less and greater": [-1, 1],
    "greater and less": [1, -1],
    "less": [-1],
    "greater": [1],
    "equal": [0],
    "three": [0, 1, -1],
    "some fail": [1, CANNOT, 0, -1, 1],
    **{f"anything {seed}": random.Random(seed).choices([-1, 0, 1], k=997) for seed in range(3)},
}


class TestLies:
    @pytest.mark.parametrize("answers", LIES.values(), ids=LIES)
    def test_no_operation_goes_on_for_ever(self, Map, Set, functions, answers):
        generator = random.Random(1)
        for comparator in [
            *liars(functions, answers),
            Comparator.from_c(functions["circle"], keys="int64s"),
        ]:
            m = Map(comparator=comparator)
            size = 0
            for _ in range(rounds(400)):
                key = generator.randrange(60)
                part = m
                with contextlib.suppress(TypeError):
                    part = generator.choice([m, m, m.descending(), m.submap(key, key + 9)])
                operation = generator.choice(
                    [
                        lambda: part.put(key, key),
                        lambda: m.put(key, key),
                        lambda: m.put_if_absent(key, key),
                        lambda: m.replace(key, key),
                        lambda: m.get(key),
                        lambda: m.delete(key),
                        lambda: m.pop(key, None),
                        lambda: m.floor_key(key),
                        lambda: m.higher_item(key),
                        lambda: m.replace_if(key, key, key),
                        lambda: m.increment(key),
                        lambda: m.compute(key, lambda value: REMOVE),
                        lambda: m.compute_if_present(key, lambda value: 1),
                        lambda: m.merge(key, 1, lambda old, new: REMOVE),
                        lambda: m.popitem(last=bool(key % 2)) if m else None,
                        lambda: part.pop_first(None),
                        lambda: part.pop_last(None),
                        lambda: part.pop_range(key, key + 1),
                        lambda: part.count_range(key),
                        lambda: m.split(3),
                        lambda: list(itertools.islice(part.items(), 1000)),
                        lambda: list(itertools.islice(m.items(key, reverse=True), 1000)),
                    ]
                )
                with contextlib.suppress(TypeError, ValueError, RuntimeError):
                    operation()
                size = max(size, len(m))
            for make in (
                m.copy,
                m.frozen,
                lambda m=m: m.frozen().thaw(),
                lambda m=m: FrozenSkipListMap(m.items(), comparator=m.comparator),
                lambda m=m: m == m.copy(),
                lambda m=m: Set(range(30), comparator=m.comparator) ^ set(m),
                lambda m=m: FrozenSkipListSet(range(30), comparator=m.comparator) - set(m),
            ):
                with contextlib.suppress(TypeError):
                    make()
            with contextlib.suppress(TypeError):
                m.clear_range()
            while m:
                m.pop_first()
            assert list(m) == []
            m.clear()
            check(m)

    def test_an_update_that_is_told_both_ends(self, Map, functions):
        # Each step of it is one comparison: to find the entry, and to change it.
        for answers in ([0, 1], [1, 0], [0, -1], [0, 1, 1], [1, 1, 0]):
            for operation in [
                lambda m: m.increment(2),
                lambda m: m.compute(2, lambda value: REMOVE),
                lambda m: m.compute_if_present(2, lambda value: 5),
                lambda m: m.replace_if(2, 1, 5),
                lambda m: m.merge(2, 1, lambda old, new: REMOVE),
            ]:
                m = Map(comparator=Comparator.from_c(functions["tell_of_objects"], script(answers)))
                m[1] = 1
                operation(m)
                assert len(m) in (0, 1, 2)

    def test_threads_lose_nothing_from_the_count(self, Map, functions, eager_switching):
        for comparator in liars(functions, random.Random(5).choices([-1, 0, 1], k=9973)):
            m = Map(comparator=comparator)

            def work(index, m=m):
                change = 0
                generator = random.Random(index)
                for _ in range(rounds(300)):
                    key = generator.randrange(30)
                    if generator.random() < 0.5:
                        change += m.put(key, index, None) is None
                    else:
                        change -= m.delete(key)
                return change

            assert sum(run_copies(4, work)) == len(m)
            m.clear()
            assert len(m) == 0
            check(m)
