"""What json, numpy and pandas make of ordered containers: columns, __array__, json_default, frozen ranges."""

from __future__ import annotations

import json
import weakref
from array import array
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import Key, Object, collect, dead, in_background, rounds, until_memory_suffices

from concurrent_collections import (
    Comparator,
    FrozenSkipListMap,
    FrozenSkipListSet,
    SkipListMap,
    SkipListSet,
    columns,
    json_default,
)

BIG = 2**63
every_map = pytest.mark.parametrize("of", [SkipListMap, FrozenSkipListMap])


def lists(*arguments, **options):
    return tuple(column.tolist() for column in columns(*arguments, **options))


class TestColumns:
    @every_map
    def test_formats(self, of):
        for entries, formats in [
            ({1: 2, -(BIG): BIG - 1}, "qq"),
            ({1.5: 2, -0.0: 3.5}, "dd"),
            ({1: 2.0, 2: 3}, "qd"),
            ({1: 2, 1.5: 3}, "dq"),
            ({}, "qq"),
        ]:
            keys, values = columns(of(entries))
            assert keys.format + values.format == formats
            assert list(zip(keys.tolist(), values.tolist(), strict=True)) == sorted(entries.items())
            assert len(keys) == keys.nbytes // 8 == len(entries)

    @every_map
    def test_formats_by_name(self, of):
        m = of({1: True, 2: 3})
        assert lists(m, keys="d", values="d") == ([1.0, 2.0], [1.0, 3.0])
        assert columns(m, keys="d", values="d")[1].format == "d"
        assert lists(m, values="q") == ([1, 2], [1, 3])
        m = of({0.5: Decimal("0.25"), 1.5: Fraction(1, 2)})
        assert lists(m, values="d") == ([0.5, 1.5], [0.25, 0.5])
        assert lists(of({Fraction(1, 2): 1}), keys="d") == ([0.5], [1])

    def test_a_view_of_nothing(self):
        View = type(SkipListMap().items())
        for owner in (None, 5, {}):
            with pytest.raises(TypeError):
                columns(View(owner, ..., ..., (True, False), False))

    @every_map
    def test_what_has_no_place(self, of):
        for entries, options, kind, text in [
            ({1: "x"}, {}, TypeError, "values: entry 0 is of type str"),
            ({1: 1, 2: None}, {}, TypeError, "values: entry 1 is of type NoneType"),
            ({1: True}, {}, TypeError, "values: entry 0 is of type bool"),
            ({"a": 1}, {}, TypeError, "keys: entry 0 is of type str"),
            ({"a": 1}, {"keys": "d"}, TypeError, "keys: entry 0 has no place in format 'd'"),
            ({1: 1, 2: BIG}, {}, OverflowError, "values: entry 1 has no place in format 'q'"),
            ({BIG: 1}, {}, OverflowError, "keys: entry 0 has no place in format 'q'"),
            ({1.5: 1}, {"keys": "q"}, TypeError, "keys: entry 0 has no place in format 'q'"),
            ({1: 10**400}, {"values": "d"}, OverflowError, "values: entry 0 has no place"),
            ({1: 1}, {"keys": "i"}, ValueError, "keys: expected 'q', 'd' or None, got 'i'"),
            ({1: 1}, {"values": 3}, ValueError, "values: expected 'q', 'd' or None, got 3"),
        ]:
            with pytest.raises(kind, match=text):
                columns(of(entries), **options)
        for bad in ({1: 2}, SkipListSet([1]), of({1: 2}).keys(), 3):
            with pytest.raises(TypeError, match=r"^items: "):
                columns(bad)

        class Odd:
            def __float__(self):
                raise LookupError

        with pytest.raises(LookupError):
            columns(of({1: Odd()}), values="d")
        with pytest.raises(UnicodeDecodeError):

            class Odder:
                def __float__(self):
                    return b"\xff".decode()

            columns(of({1: Odder()}), values="d")

    @every_map
    @given(
        keys=st.sets(st.integers(-20, 20)),
        start=st.none() | st.integers(-22, 22),
        stop=st.none() | st.integers(-22, 22),
        inclusive=st.tuples(st.booleans(), st.booleans()),
        reverse=st.booleans(),
        order=st.sampled_from([None, "reverse", "by_key"]),
    )
    def test_ranges(self, of, keys, start, stop, inclusive, reverse, order):
        options = {None: {}, "reverse": {"reverse": True}, "by_key": {"key": lambda n: (n, n)}}[
            order
        ]
        if options:
            comparator = SkipListMap(**options).comparator
            options = {"comparator": comparator}
        m = of({k: k / 2 for k in keys}, **options)
        items = m.items(start, stop, inclusive=inclusive, reverse=reverse)
        expected = list(items)
        assert lists(items) == ([k for k, _ in expected], [v for _, v in expected])
        if of is SkipListMap:
            part = m.submap(start, stop, inclusive=inclusive)
            assert lists(part) == lists(part.items())
            assert list(zip(*lists(part), strict=True)) == list(part.items())
            down = part.descending()
            assert list(zip(*lists(down), strict=True)) == list(down.items())
            assert list(part.frozen().items()) == list(part.items()) == list(down.frozen().items())
            assert part.frozen().comparator == m.comparator
            assert type(part.frozen()) is FrozenSkipListMap

    def test_frozen_keys_are_not_copied(self):
        m = FrozenSkipListMap((n, n) for n in range(100))
        keys, values = columns(m.items(10, 20))
        assert keys.readonly and keys.obj is not None and not values.readonly
        assert keys.tolist() == list(range(10, 20))
        del m
        assert keys.tolist() == list(range(10, 20))

    def test_keys_and_values_belong_together(self, eager_switching):
        m = SkipListMap((n, n) for n in range(0, 300, 3))

        def others():
            for n in range(1, 300, 3):
                m[n] = n
                m[0] = 0
            for n in range(1, 300, 3):
                del m[n]

        with in_background(others):
            for _ in range(rounds(100)):
                keys, values = lists(m.items(30, 270))
                assert keys == values == sorted(set(keys))
                assert set(keys) >= set(range(30, 270, 3))

    def test_bounds_that_raise(self):
        class Bad(Key):
            def __lt__(self, other):
                raise LookupError

            __gt__ = __lt__

        m = SkipListMap({Key(1): 1, Key(2): 2})
        items = m.items(Key(0), Key(3))
        items._stop = Bad(2)
        with pytest.raises(LookupError):
            columns(items)
        assert len(m) == 2

    @pytest.mark.parametrize("of", [int, str, Key])
    def test_references(self, of, no_failing_allocations):
        values = [Object() for _ in range(100)]
        m = SkipListMap((of(n + 100), value) for n, value in enumerate(values))
        part = m.submap(of(120), of(180))
        frozen = until_memory_suffices(no_failing_allocations, part.frozen)
        assert list(frozen.items()) == list(part.items()) and len(frozen) == 60
        references = [weakref.ref(value) for value in values]
        del values
        with pytest.raises(TypeError):
            columns(part)
        m.clear()
        collect(m)
        assert [not dead(r) for r in references] == [20 <= n < 80 for n in range(100)]
        del frozen
        collect(m)
        assert all(map(dead, references))

    def test_frozen_sets_of_ranges(self):
        s = SkipListSet("hello", reverse=True)
        part = s.subset("l", "e", inclusive=True)
        assert list(part.frozen()) == list(part) == ["l", "h", "e"]
        assert type(part.frozen()) is FrozenSkipListSet
        assert part.frozen().comparator == Comparator.natural().reversed()
        assert part.descending().frozen() == part.frozen()


class TestArrays:
    """numpy is not needed but for these."""

    @pytest.fixture
    def numpy(self):
        return pytest.importorskip("numpy")

    @every_map
    def test_views(self, of, numpy):
        m = of((n, n / 4) for n in range(100))
        assert numpy.asarray(m.keys(10, 13)).tolist() == [10, 11, 12]
        assert numpy.asarray(m.keys(10, 13)).dtype == numpy.int64
        values = numpy.asarray(m.values(10, 13, reverse=True))
        assert values.tolist() == [3.0, 2.75, 2.5] and values.dtype == numpy.float64
        assert numpy.asarray(m.values(10, 13), dtype="f4").dtype == numpy.float32
        assert numpy.asarray(m.keys(), dtype=float).dtype == numpy.float64
        assert numpy.asarray(m.keys(200)).shape == (0,)
        with pytest.raises(ValueError, match="copy"):
            numpy.array(m.keys(), copy=False)
        copied = numpy.array(m.keys(10, 13))
        copied[0] = 5
        assert 10 in m and numpy.sum(m.values()) == sum(m.values())

    @every_map
    def test_what_is_no_number(self, of, numpy):
        m = of({"a": BIG, "b": None})
        assert numpy.asarray(m.keys()).tolist() == ["a", "b"]
        assert numpy.asarray(m.values()).tolist() == [BIG, None]
        assert numpy.asarray(of({1: True}).values()).dtype == bool

    def test_sets_and_parts(self, numpy):
        s = SkipListSet(range(10))
        assert numpy.asarray(s.range(3, 6)).tolist() == [3, 4, 5]
        assert numpy.asarray(FrozenSkipListSet(s).range(3, 6)).tolist() == [3, 4, 5]
        down = SkipListMap((n, n) for n in range(10)).submap(3, 6).descending()
        assert numpy.asarray(down.keys()).tolist() == [5, 4, 3]

    @every_map
    def test_arrays_of_views_are_read_only_whatever_is_in_them(self, of, numpy):
        for m in (of({1: 2, 3: 4}), of({1.5: 2.5}), of({"a": None}), of({2**70: True}), of({})):
            for view in (m.keys(), m.values(), m.keys(reverse=True), m.values(reverse=True)):
                assert not numpy.asarray(view).flags.writeable
                assert not numpy.asarray(view, dtype=object).flags.writeable
                assert numpy.array(view).flags.writeable
                assert numpy.array(view, copy=True).flags.writeable

    def test_columns(self, numpy):
        m = SkipListMap((n / 2, n) for n in range(100))
        keys, values = map(numpy.asarray, columns(m.items(10, 12, reverse=True)))
        assert keys.tolist() == [11.5, 11.0, 10.5, 10.0] and values.tolist() == [23, 22, 21, 20]
        again = SkipListMap.from_sorted(
            zip(keys[::-1].tolist(), values[::-1].tolist(), strict=True)
        )
        assert again == m.submap(10, 12)

    def test_pandas(self, numpy):
        pandas = pytest.importorskip("pandas")
        m = SkipListMap((n, n * n) for n in range(100))
        keys, values = map(numpy.asarray, columns(m.items(3, 6)))
        series = pandas.Series(values, index=keys)
        assert series.to_dict() == {3: 9, 4: 16, 5: 25}
        frame = pandas.DataFrame(
            {"n": numpy.asarray(m.keys()), "square": numpy.asarray(m.values())}
        )
        assert frame.shape == (100, 2) and frame["square"].sum() == sum(m.values())
        assert SkipListMap.from_sorted(series.items()) == {3: 9, 4: 16, 5: 25}


class TestJson:
    def test_parts_and_views(self):
        m = SkipListMap({"b": 1, "a": SkipListSet([3, 1])})
        for o, text in [
            (m, '{"a": [1, 3], "b": 1}'),
            (m.submap("b"), '{"b": 1}'),
            (m.descending(), '{"b": 1, "a": [1, 3]}'),
            (m.frozen(), '{"a": [1, 3], "b": 1}'),
            (m.keys(), '["a", "b"]'),
            (m.values("b"), "[1]"),
            (m.items("b"), '[["b", 1]]'),
            (SkipListSet("ab").descending(), '["b", "a"]'),
            (FrozenSkipListSet("ab"), '["a", "b"]'),
        ]:
            assert json.dumps(o, default=json_default) == text
        with pytest.raises(TypeError, match="array is not JSON serializable"):
            json.dumps(array("q"), default=json_default)
