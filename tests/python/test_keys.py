"""Which keys there are, which of them are one key, and in what order they come."""

from __future__ import annotations

import datetime
import decimal
import enum
import fractions
import functools
import itertools
import math
import pathlib
import random
import uuid
from collections import namedtuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import Key, OnlyLess, check, rounds, run_copies

INTS = sorted(
    {
        sign * (base + offset)
        for base in (0, 2**15, 2**30, 2**31, 2**53, 2**60, 2**62, 2**63, 2**64, 2**65, 10**40)
        for offset in (-2, -1, 0, 1, 2)
        for sign in (-1, 1)
    }
)
FLOATS = [
    -math.inf,
    -1.7976931348623157e308,
    -(2.0**64),
    -(2.0**63),
    -(2.0**53),
    -1.5,
    -1.0,
    -5e-324,
    0.0,
    5e-324,
    2.2250738585072014e-308,
    0.1,
    1.0,
    1.5,
    2.0**53,
    2.0**53 + 2,
    2.0**62,
    2.0**63,
    2.0**63 + 2048,
    2.0**64,
    1e300,
    math.inf,
]
TEXTS = [
    "",
    "\0",
    "\0\0",
    "\0a",
    "a",
    "a\0",
    "a\0\0",
    "a\0b",
    "aa",
    "abcdefg",
    "abcdefgh",
    "abcdefgh\0",
    "abcdefgha",
    "abcdefghb",
    "abcdefgi",
    "\x7f",
    "\x80",
    "\xff",
    "é" * 5,
    "é" * 5 + "a",
    "\u07ff",
    "\u0800",
    "\ud7ff",
    "\ud800",  # a lone surrogate has no UTF-8 form
    "\ud800\udc00",  # two of them, which is not the character that UTF-16 would make of them
    "\udbff",
    "\udfff",
    "\udfff\0",
    "\ue000",
    "\uffff",
    "\U00010000",
    "\U00010000a",
    "\U0010ffff",
    "ab\U0001f600",
    "ab\ud83d",
    "ab\uffff",
    "zzzzzzz\U0010ffff",
    "zzzzzzz\uffff",
]
BYTES = [text.encode("utf-8", "surrogatepass") for text in TEXTS] + [b"\xff" * n for n in range(12)]
TUPLES = [
    (),
    ((),),
    ((), ()),
    ((0,),),
    ((0,), 1),
    ((1,),),
    ((1, 2), 3),
]
NUMBER_TUPLES = [(), (0,), (0, 0), (0, 1), (0.5,), (1,), (True, 2), (1.0, 3), (2**70,), (2**70, -1)]
TEXT_TUPLES = [(text,) for text in TEXTS] + [(text, text) for text in TEXTS[:20]]


def shuffled(keys, seed=0):
    keys = list(keys)
    random.Random(seed).shuffle(keys)
    return keys


KINDS = {
    "ints": INTS,
    "floats": FLOATS,
    "texts": TEXTS,
    "bytes": BYTES,
    "nested tuples": TUPLES,
    "number tuples": NUMBER_TUPLES,
    "text tuples": TEXT_TUPLES,
    "ints and floats": INTS + FLOATS,
    "fractions among numbers": [*INTS, *FLOATS, *(fractions.Fraction(n, 7) for n in range(-9, 9))],
    "decimals among numbers": [
        *INTS,
        *FLOATS,
        *(decimal.Decimal(n) / 8 for n in range(-9, 9)),
    ],
    "dates": [datetime.date(2000, 1, 1) + datetime.timedelta(n * n) for n in range(50)],
    "times": [datetime.datetime(2000, 1, 1) + datetime.timedelta(seconds=n) for n in range(50)],
    "paths": [pathlib.PurePosixPath(part) for part in ["a", "a/b", "b", "a/b/c", ".", "/"]],
    "uuids": [uuid.UUID(int=n * 7919**5) for n in range(50)],
    "keys with comparison only": [Key(n) for n in range(200)],
    "bytes and bytearrays": [*BYTES, bytearray(b"between"), bytearray(b"a\0\1")],
    "lists": [[], [0], [0, 0], [1], [1, 2], [2]],
    "tuples of None": [(None,), (None, 1), (None, 2)],
}


@pytest.mark.parametrize("kind", KINDS)
class TestEveryKind:
    @pytest.mark.reads
    def test_keys_are_found_and_ordered_as_python_orders_them(self, Map, kind):
        keys = []
        for key in KINDS[kind]:
            if key not in keys:
                keys.append(key)
        expected = sorted(keys)
        for seed in range(5):
            m = Map((key, index) for index, key in enumerate(shuffled(keys, seed)))
            assert list(m) == expected
            assert list(reversed(m)) == expected[::-1]
            assert len(m) == len(expected)
            for index, key in enumerate(shuffled(keys, seed)):
                assert key in m
                assert m[key] == index

    @pytest.mark.reads
    def test_neighbours_are_the_neighbours_of_the_sorted_list(self, Map, kind):
        keys = KINDS[kind]
        half = sorted(keys)[::2]
        m = Map((key, None) for key in half)
        for asked in keys:
            assert m.floor_key(asked) == max((k for k in half if not asked < k), default=None)
            assert m.lower_key(asked) == max((k for k in half if k < asked), default=None)
            assert m.ceiling_key(asked) == min((k for k in half if not k < asked), default=None)
            assert m.higher_key(asked) == min((k for k in half if asked < k), default=None)

    @pytest.mark.reads
    def test_ranges_between_any_two_keys_agree_with_the_sorted_list(self, Map, kind):
        keys = shuffled(KINDS[kind])[:25]
        m = Map((key, None) for key in KINDS[kind])
        stored = list(m)
        for start, stop in itertools.product(keys, repeat=2):
            expected = [k for k in stored if not k < start and k < stop]
            assert list(m.keys(start, stop)) == expected
            expected = [k for k in stored if start < k and not stop < k]
            expected.reverse()
            assert list(m.keys(start, stop, inclusive=(False, True), reverse=True)) == expected

    def test_keys_can_be_removed_in_any_order(self, Map, kind):
        keys = []
        for key in KINDS[kind]:
            if key not in keys:
                keys.append(key)
        m = Map((key, None) for key in keys)
        left = sorted(keys)
        for key in shuffled(keys, 1):
            del m[key]
            left.remove(key)
            assert key not in m
            assert list(m) == left

    @pytest.mark.reads
    def test_the_types_of_keys_survive(self, Map, kind):
        first_of_equals = []
        for key in KINDS[kind]:
            if key not in first_of_equals:
                first_of_equals.append(key)
        m = Map((key, None) for key in KINDS[kind])
        assert [(type(key), repr(key)) for key in m] == [
            (type(key), repr(key)) for key in sorted(first_of_equals)
        ]


class TestNumbersThatAreOneKey:
    def test_one_and_one_point_zero_and_true_are_one_key(self, Map):
        for first, *others in itertools.permutations([1, 1.0, True]):
            m = Map({first: "first"})
            for other in others:
                assert other in m
                m[other] = "other"
            assert len(m) == 1
            assert repr(list(m)) == repr([first]), "the first key stays"
            assert m[1] == "other"

    def test_both_zeros_are_one_key_and_the_first_stays(self, Map):
        for zeros in itertools.permutations([0.0, -0.0, 0, False]):
            m = Map()
            for zero in zeros:
                m[zero] = None
            assert repr(list(m)) == repr([zeros[0]])
            for zero in zeros:
                assert zero in m
                assert repr(m.floor_key(zero)) == repr(zeros[0])

    def test_the_first_stays_only_as_long_as_it_is_there(self, Map):
        m = Map({1: None})
        del m[1.0]
        m[1.0] = None
        assert repr(list(m)) == "[1.0]"

    @pytest.mark.reads
    def test_large_ints_and_floats_are_compared_exactly(self, Map):
        big = 2**53
        assert big + 1 not in Map({float(big): None})
        assert float(big) in Map({big: None})
        m = Map.fromkeys([big - 1, float(big), big + 1, float(big + 2)])
        assert list(m) == [big - 1, big, big + 1, big + 2]
        m = Map.fromkeys([2**63 - 1, 2.0**63, 2**63 + 1])
        assert list(m) == [2**63 - 1, 2**63, 2**63 + 1]
        m = Map.fromkeys([-(2**63) - 1, -(2.0**63), -(2**63) + 1])
        assert list(m) == [-(2**63) - 1, -(2**63), -(2**63) + 1]

    @pytest.mark.reads
    def test_ints_beyond_all_floats_are_between_the_infinities(self, Map):
        m = Map.fromkeys([math.inf, 10**400, 1e308, -1e308, -(10**400), -math.inf])
        assert list(m) == [-math.inf, -(10**400), -1e308, 1e308, 10**400, math.inf]

    @pytest.mark.reads
    @given(
        st.lists(
            st.one_of(
                st.integers(),
                st.integers(2**53 - 3, 2**53 + 3),
                st.integers(2**63 - 3, 2**63 + 3),
                st.integers(-(2**63) - 3, -(2**63) + 3),
                st.floats(allow_nan=False),
                st.integers(-(2**66), 2**66).map(float),
                st.booleans(),
            )
        )
    )
    def test_any_mix_of_numbers_is_kept_as_a_dict_keeps_it(self, Map, numbers):
        expected = dict.fromkeys(numbers)
        m = Map.fromkeys(numbers)
        assert repr(list(m)) == repr(sorted(expected))

    @given(st.lists(st.text(st.characters(exclude_categories=()), max_size=12)))
    def test_any_texts_are_ordered_by_code_points(self, Map, texts):
        assert list(Map.fromkeys(texts)) == sorted(set(texts))

    @given(st.lists(st.text("ab\0é\ud800\uffff\U00010000", min_size=5, max_size=10)))
    def test_texts_with_common_beginnings_are_ordered_by_code_points(self, Map, texts):
        assert list(Map.fromkeys(texts)) == sorted(set(texts))

    @given(st.lists(st.binary(max_size=10) | st.text("\0\1\xff", max_size=10).map(str.encode)))
    def test_any_bytes_are_ordered_as_bytes(self, Map, keys):
        assert list(Map.fromkeys(keys)) == sorted(set(keys))

    @given(
        st.lists(
            st.recursive(
                st.just(()), lambda inner: st.lists(inner, max_size=3).map(tuple), max_leaves=6
            )
        )
    )
    def test_any_nested_tuples_are_ordered_as_tuples(self, Map, keys):
        assert list(Map.fromkeys(keys)) == sorted(set(keys))

    @given(st.lists(st.tuples(st.text("ab", max_size=10), st.integers() | st.floats(-9, 9))))
    def test_tuples_of_text_and_number_are_ordered_as_tuples(self, Map, keys):
        assert list(Map.fromkeys(keys)) == sorted(set(keys))


NAN = float("nan")


class Metres(float):
    pass


class NeverItself(Key):
    def __eq__(self, other):
        return False

    __hash__ = Key.__hash__


NAN_LIKES = [NAN, Metres("nan"), decimal.Decimal("NaN"), NeverItself(1), complex(0, NAN)]

WITHOUT_A_COMMON_ORDER = [
    (1, "a"),
    ("a", 1),
    ("a", b"a"),
    (b"a", "a"),
    (1, (1,)),
    ((1,), 1),
    ((1,), ("a",)),
    (("a", 1), ("a", "a")),
    ((1, (2,)), (1, 2)),
    ((1, [2, {3}]), (1, [2, "a"])),
    (1.5, "a"),
    (-0.0, "a"),
    (2**100, "a"),
    ("a", 2**100),
    (True, "a"),
    ("a", None),
    (1, None),
    (1, 1j),
    (1, {}),
    (1, object()),
    (1, int),
    (1, ...),
    (1, range(3)),
    (1, bytearray(b"a")),
    (1, {1}),
    ([1], (1,)),
    ([1], ["a"]),
    ((None,), (1,)),
]
# The same, where a type of users has a say, so that it may be a mistake of theirs.
USERS_WITHOUT_A_COMMON_ORDER = [
    (Key(1), 1),
    (1, Key(1)),
    (1, frozenset([Key(1)])),
    ((1, Key(1)), (1, 2)),
    ((1, 2), (1, Key(1))),
    (datetime.date(2000, 1, 1), 1),
]


def look_ups(m, key):
    return [
        lambda: m[key],
        lambda: m.get(key),
        lambda: key in m,
        lambda: m.contains(key),
        lambda: m.pop(key),
        lambda: m.pop(key, None),
        lambda: m.delete(key),
        lambda: m.__delitem__(key),
        lambda: key in m.keys(),
        lambda: (key, 1) in m.items(),
    ]


class TestRefusedKeys:
    @pytest.mark.parametrize("entries", [{}, {1: 1}, {i: i for i in range(100)}])
    def test_nan_is_a_value_error_and_changes_nothing(self, Map, entries):
        m = Map(entries)
        for store in (
            lambda: m.__setitem__(NAN, 1),
            lambda: m.put(NAN, 1),
            lambda: m.setdefault(NAN, 1),
            lambda: m.put_if_absent(NAN, 1),
            lambda: m.update({NAN: 1}),
        ):
            with pytest.raises(ValueError):
                store()
        assert dict(m) == entries

    @pytest.mark.parametrize("key", NAN_LIKES, ids=lambda key: type(key).__name__)
    @pytest.mark.parametrize("keys", [[], [1.0], [-1, 0, 2.5], range(100)])
    def test_a_key_of_any_type_that_does_not_equal_itself_is_a_value_error(
        self, Map, Set, key, keys
    ):
        # Neither less nor greater than anything, it would be the same key as whatever it meets.
        if type(key) is NeverItself:
            keys = map(Key, keys)
        m = Map.fromkeys(keys, "kept")
        entries = list(m.items())
        for operation in [
            lambda: m.__setitem__(key, 1),
            lambda: m.put(key, 1),
            lambda: m.setdefault(key, 1),
            lambda: m.put_if_absent(key, 1),
            lambda: m.replace(key, 1),
            lambda: m.replace_if(key, "kept", 1),
            lambda: m.update([(key, 1)]),
            lambda: m.floor_item(key),
            lambda: m.higher_key(key),
            lambda: Set(keys).add(key),
            lambda: Set([key, 1.0, 2.0]),
            *look_ups(m, key),
        ]:
            with pytest.raises(ValueError, match=r"^key: .*NaN"):
                operation()
        assert list(m.items()) == entries

    @pytest.mark.reads
    @pytest.mark.parametrize("bound", NAN_LIKES, ids=lambda key: type(key).__name__)
    @pytest.mark.parametrize("entries", [{}, {1: 1, 2: 2}], ids=["empty", "two"])
    def test_a_bound_that_does_not_equal_itself_is_a_value_error(self, Map, Set, bound, entries):
        container = Map(entries)
        for method in (
            container.keys,
            container.values,
            container.items,
            Set(entries).range,
        ):
            with pytest.raises(ValueError, match=r"^start: .*NaN"):
                method(bound)
            with pytest.raises(ValueError, match=r"^stop: .*NaN"):
                method(0, bound)
            with pytest.raises(ValueError, match=r"^stop: .*NaN"):
                method(stop=bound, reverse=True)

    def test_what_comparing_a_key_with_itself_raises_comes_out(self, Map):
        class NoTruth:
            def __bool__(self):
                raise LookupError("ambiguous")

        class Array(Key):  # as those of numpy
            def __eq__(self, other):
                return NoTruth()

            __hash__ = None

        m = Map({Key(1): 1})
        for operation in [
            lambda: m.__setitem__(Array(2), 1),
            lambda: m.get(Array(1)),
            lambda: m.keys(Array(1)),
            lambda: Map({Array(1): 1}),
        ]:
            with pytest.raises((LookupError, TypeError)):
                operation()
        with pytest.raises(decimal.InvalidOperation):
            m[decimal.Decimal("sNaN")] = 1
        assert list(m.values()) == [1]

    def test_nan_inside_a_tuple_breaks_nothing(self, Map):
        m = Map()
        for number in range(100):
            m[(float("nan"), number)] = number
            m[(float(number), NAN)] = number
        assert len(list(m)) == len(m)
        m.clear()
        assert not m

    @pytest.mark.parametrize("key", [None, 1j, object(), {}, print, type, NotImplemented])
    def test_a_key_without_an_order_is_a_type_error_even_for_an_empty_map(self, Map, key):
        m = Map()
        for store in (
            lambda: m.__setitem__(key, 1),
            lambda: m.put(key, 1),
            lambda: m.setdefault(key, 1),
            lambda: m.put_if_absent(key, 1),
        ):
            with pytest.raises(TypeError):
                store()
        assert len(m) == 0
        assert list(m) == []

    @pytest.mark.parametrize(
        ("first", "second"), WITHOUT_A_COMMON_ORDER + USERS_WITHOUT_A_COMMON_ORDER
    )
    def test_kinds_without_a_common_order_are_type_errors_and_change_nothing(
        self, Map, first, second
    ):
        for count in (1, 50):
            m = Map([(first, "kept")])
            if isinstance(first, int):
                m.update((first + more, "kept") for more in range(count))
            before = list(m.items())
            operations = [
                lambda: m.__setitem__(second, 1),
                lambda: m.put(second, 1),
                lambda: m.setdefault(second, 1),
                lambda: m.put_if_absent(second, 1),
                lambda: m.replace(second, 1),
                lambda: m.floor_key(second),
                lambda: m.higher_item(second),
            ]
            if (first, second) in USERS_WITHOUT_A_COMMON_ORDER:
                operations += look_ups(m, second)
                operations.append(lambda: m.replace_if(second, "kept", 1))  # it looks up, too
            for operation in operations:
                with pytest.raises(TypeError):
                    operation()
            assert list(m.items()) == before

    @pytest.mark.parametrize(("first", "second"), WITHOUT_A_COMMON_ORDER)
    def test_what_python_refuses_to_compare_is_not_there(self, Map, Set, first, second):
        missing = object()
        for key, absent in [(first, second), (second, first)]:
            try:
                m = Map({key: "kept"})
            except TypeError:
                continue  # has no order at all, and is no key
            if isinstance(key, int):
                m.update((key + more, "kept") for more in range(50))
            before = list(m.items())
            s = Set(m)
            assert absent not in m
            assert not m.contains(absent)
            assert m.get(absent, missing) is missing
            assert m.pop(absent, missing) is missing
            assert m.delete(absent) is False
            assert absent not in m.keys()
            assert absent not in m.keys(key, key)
            assert (absent, "kept") not in m.items()
            assert absent not in s
            assert s.discard(absent) is None
            for function in (m.__getitem__, m.pop, m.__delitem__, s.remove):
                with pytest.raises(KeyError) as caught:
                    function(absent)
                assert caught.value.args == (absent,)
                assert caught.value.__context__ is None
            assert list(m.items()) == before
            assert list(s) == list(m)
            check(m)

    @pytest.mark.reads
    def test_mapping_patterns_ask_for_keys_of_any_kind(self, Map):
        match Map({1: "one", 2: "two"}):
            case {"one": _} | {None: _} | {b"": _}:
                found = None
            case {1: found}:
                pass
        assert found == "one"

    def test_a_type_error_of_users_comes_out_of_a_look_up(self, Map):
        class Touchy(Key):
            def __lt__(self, other):
                raise TypeError("mine")

        for m in (
            Map({1: 1, 2: 2}),
            Map({Key(1): 1, Key(2): 2}),
            Map({(1, 1): 1, (1, 2): 2}),
        ):
            touchy = (1, Touchy(1)) if m.first_key() == (1, 1) else Touchy(1)
            for operation in look_ups(m, touchy):
                with pytest.raises(TypeError, match="mine"):
                    operation()
            assert list(m.values()) == [1, 2]

    def test_a_type_error_of_users_in_a_dict_in_a_key_comes_out(self, Map):
        class Touchy:
            def __eq__(self, other):
                raise TypeError("mine")

            __hash__ = None

        m = Map([((1, {"a": 1}), 1)])
        assert (1, {"a": 2}) not in m
        for operation in look_ups(m, (1, {"a": Touchy()})):
            with pytest.raises(TypeError, match="mine"):
                operation()

    def test_a_refused_key_that_leads_to_one_element_by_very_many_ways(self, Map):
        few, many = [], []
        for _ in range(10):
            few = [few, few]
        for _ in range(60):
            many = [many, many]
        m = Map({1: 1})
        assert few not in m
        for operation in look_ups(m, many):
            with pytest.raises(TypeError, match="not supported between"):
                operation()

    @pytest.mark.reads
    @pytest.mark.parametrize("name", ["floor", "ceiling", "lower", "higher"])
    def test_an_empty_map_asks_for_an_order_too(self, Map, Set, name):
        for key in (None, 1j, object()):
            with pytest.raises(TypeError):
                getattr(Map(), f"{name}_key")(key)
            with pytest.raises(TypeError):
                getattr(Map(), f"{name}_item")(key)
            with pytest.raises(TypeError):
                getattr(Set(), name)(key)
        assert getattr(Map(), f"{name}_key")((None,)) is None

    def test_a_look_up_finds_what_is_there_while_the_kind_of_the_keys_changes(
        self, Map, eager_switching
    ):
        # Each thread's keys do not compare with the others', and are there only while no other is. What a removal has
        # left linked must not be taken for a key that is inside.
        m = Map()

        def work(index):
            keys = [(7, 8, 9), ("p", "q", "r"), (b"p", b"q", b"r")][index]
            stored = 0
            for turn in range(rounds(3000)):
                key = keys[turn % 3]
                try:
                    m[key] = turn
                except TypeError:
                    assert m.get(key) is None
                    assert m.delete(key) is False
                    continue
                stored += 1
                assert key in m
                assert m[key] == turn
                assert m.get(keys[turn % 3 - 1], "not there") == "not there"
                assert m.pop(key) == turn
                assert key not in m
            return stored

        assert sum(run_copies(3, work)) > 0
        assert len(m) == 0

    def test_another_kind_is_fine_once_the_map_is_empty(self, Map):
        m = Map({1: "a"})
        del m[1]
        m["a"] = 1
        assert dict(m) == {"a": 1}


class Color(enum.IntEnum):
    RED = 1
    GREEN = 2
    BLUE = 3


class Backwards(int):
    """An int that says the opposite of what ints say."""

    def __lt__(self, other):
        return int(self) > int(other)

    def __gt__(self, other):
        return int(self) < int(other)


class Name(str):
    pass


@functools.total_ordering
class CaseBlind(str):
    """A str whose order and equality do not mind case."""

    def __lt__(self, other):
        return self.casefold() < other.casefold()

    def __eq__(self, other):
        return self.casefold() == other.casefold()

    def __hash__(self):
        return hash(self.casefold())


Point = namedtuple("Point", "x y")


@pytest.mark.reads
class TestSubclassesOfBuiltinKeys:
    def test_enum_members_are_the_ints_they_stand_for(self, Map):
        m = Map({Color.GREEN: "green", 3: "three", Color.RED: "red", 0.5: "half"})
        assert m[2] == "green"
        assert m[Color.BLUE] == "three"
        assert m[True] == "red"
        assert list(m) == [0.5, 1, 2, 3]
        assert type(m.floor_key(2)) is Color

    def test_ints_with_an_order_of_their_own_keep_it(self, Map):
        m = Map.fromkeys(map(Backwards, range(50)))
        assert list(m) == list(range(49, -1, -1))
        assert m.first_key() == 49
        assert Backwards(7) in m
        assert m.higher_key(Backwards(7)) == 6

    def test_plain_text_finds_subclass_text_and_the_other_way(self, Map):
        m = Map({Name("b"): 1, "a": 2, Name("abcdefghi"): 3})
        assert m["b"] == 1
        assert m[Name("a")] == 2
        assert list(m) == ["a", "abcdefghi", "b"]
        assert type(m.last_key()) is Name

    def test_text_with_an_order_of_its_own_keeps_it(self, Map):
        m = Map((CaseBlind(text), None) for text in ["b", "A", "C", "a"])
        assert list(map(str.__str__, m)) == ["A", "b", "C"]
        assert CaseBlind("B") in m

    def test_named_tuples_are_tuples(self, Map):
        m = Map({Point(1, 2): "p", (0, 5): "t"})
        assert m[(1, 2)] == "p"
        assert m[Point(0, 5)] == "t"
        assert list(m) == [(0, 5), (1, 2)]
        assert type(m.last_key()) is Point

    def test_a_float_subclass_is_the_number_it_stands_for(self, Map):
        m = Map({Metres(1.5): 1, 2: 2})
        assert m[1.5] == 1
        assert m[Metres(2)] == 2


class TestForeignOrders:
    def test_less_than_alone_is_enough(self, Map):
        m = Map()
        keys = [OnlyLess(n) for n in range(50)]
        for key in shuffled(keys):
            m[key] = key.rank
        assert [key.rank for key in m] == list(range(50))
        assert all(m[key] == key.rank for key in keys)

    def test_two_keys_of_which_neither_is_less_are_one_key(self, Map, Set):
        first, second = OnlyLess(1), OnlyLess(1)
        m = Map({first: "a"})
        m[second] = "b"
        assert len(m) == 1
        assert m.first_key() is first
        assert m[first] == "b"
        assert Set([first, second]).first() is first

    def test_containers_are_equal_when_their_keys_are_the_same_by_order(self, Map, Set):
        a, b, c, d = (
            Map((OnlyLess(rank), rank % 3) for rank in ranks)
            for ranks in (range(9), range(9), range(1, 10), range(8))
        )
        for other, expected in [(a, True), (b, True), (c, False), (d, False)]:
            assert (a == other) is (other == a) is expected
            assert (a != other) is not expected
            assert (a.items() == other.items()) is expected
            assert (a.keys() == other.keys()) is expected
            assert (Set(a) == Set(other)) is expected
        b[OnlyLess(4)] = "other"
        assert a != b
        assert a.items() != b.items()
        assert a.keys() == b.keys()
        # A dict knows them by their identity.
        assert a == dict(a)
        assert a != {OnlyLess(rank): rank % 3 for rank in range(9)}

    @pytest.mark.reads
    def test_unhashable_keys_are_keys(self, Map):
        class Unhashable(Key):
            __hash__ = None

        m = Map((Unhashable(n), n) for n in shuffled(range(30)))
        assert list(m.values()) == list(range(30))
        assert m[Unhashable(7)] == 7

    def test_a_key_changed_behind_the_map_s_back_breaks_nothing(self, Map):
        keys = [[n] for n in range(100)]
        m = Map((key, None) for key in keys)
        generator = random.Random(5)
        for _ in range(300):
            generator.choice(keys)[0] = generator.randrange(100)
            m.get([generator.randrange(100)])
            m.delete([generator.randrange(100)])
            m[[generator.randrange(100)]] = None
        m.clear()
        assert list(m) == []

    @pytest.mark.reads
    def test_the_truth_of_what_less_than_returns_decides(self, Map):
        class Truth:
            def __init__(self, value):
                self.value = value

            def __bool__(self):
                return self.value

        class Indirect(Key):
            def __lt__(self, other):
                return Truth(self.rank < other.rank)

        m = Map((Indirect(n), n) for n in shuffled(range(30)))
        assert list(m.values()) == list(range(30))

    def test_an_error_in_the_truth_of_a_comparison_comes_through(self, Map):
        class NoTruth:
            def __bool__(self):
                raise LookupError("truth")

        class Broken(Key):
            def __lt__(self, other):
                return NoTruth()

        m = Map()
        with pytest.raises(LookupError):
            m[Broken(1)] = 1
            m[Broken(2)] = 2
        assert len(m) <= 1
        assert len(list(m)) == len(m)
