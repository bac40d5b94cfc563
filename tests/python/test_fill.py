"""Filling ordered maps and sets with many entries: runs that ascend are put together, and nobody may see that they waited."""

from __future__ import annotations

import itertools
import random
import sys
import weakref
from fractions import Fraction

import pytest
from support import Key, run_threads

SIZES = [0, 1, 7, 8, 9, 63, 64, 65, 200]


def ints(n):
    return [3 * i - n for i in range(n)]


def strings(n):
    return [f"key {i:05}" for i in range(n)]


def pairs(n):
    return [(i // 10, i % 10) for i in range(n)]


def mixed_numbers(n):
    return [Fraction(i, 2) if i % 3 == 0 else i / 2 if i % 3 == 1 else i // 2 for i in range(n)]


def objects(n):
    return [Key(i) for i in range(n)]


KEYS = {f.__name__: f for f in (ints, strings, pairs, mixed_numbers, objects)}


def as_they_are(keys):
    return list(keys)


def backwards(keys):
    return keys[::-1]


def nearly(keys):
    result = list(keys)
    for i in range(10, len(keys), 10):
        result[i], result[i - 1] = result[i - 1], result[i]
    return result


def twice(keys):
    return [k for k in keys for _ in range(2)]


def shuffled(keys):
    result = list(keys)
    random.Random(len(keys)).shuffle(result)
    return result


ORDERS = {f.__name__: f for f in (as_they_are, backwards, nearly, twice, shuffled)}


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("kind", KEYS)
@pytest.mark.parametrize("n", SIZES)
def test_all_ways_to_fill_a_map(Map, n, kind, order):
    keys = ORDERS[order](KEYS[kind](n))
    entries = [(k, i) for i, k in enumerate(keys)]
    # Not a dict: which of two equal keys it keeps, and their hashes, are its own business.
    right = {}
    for k, v in entries:
        right[k.rank if kind == "objects" else k] = v
    right = [right[k] for k in sorted(right)]
    made = [Map(entries), Map(iter(entries)), Map([list(pair) for pair in entries]), Map()]
    made[-1].update(tuple(entries))
    if kind not in ("objects",):
        made.append(Map(dict(entries)))
    made.append(made[0].copy())
    made.append(Map())
    made[-1].update(made[0])
    for m in made:
        assert list(m.values()) == right
        assert len(m) == len(right)
        found = list(m)
        assert all(not b < a for a, b in itertools.pairwise(found))
        assert [m[k] for k in found] == right
    filled = Map.fromkeys(keys, "value")
    assert len(filled) == len(right) and set(filled.values()) <= {"value"}


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("kind", KEYS)
@pytest.mark.parametrize("n", SIZES)
def test_all_ways_to_fill_a_set(Set, n, kind, order):
    keys = ORDERS[order](KEYS[kind](n))
    made = [Set(keys), Set(iter(keys)), Set(tuple(keys)), Set()]
    made[-1].update(keys[::2], keys[1::2])
    made += [made[0].copy(), made[0] | made[1], made[0] & made[1], made[0].union(keys)]
    right = sorted(keys)
    right = [k for i, k in enumerate(right) if i == 0 or right[i - 1] < k]
    for s in made:
        assert len(s) == len(right)
        assert all(not a < b and not b < a for a, b in zip(s, right, strict=True))
    assert len(made[0] - made[1]) == 0


def test_between_and_behind_what_is_there(Map):
    for there in range(-1, 80):
        m = Map({there * 10: "there"})
        m.update({i * 10: "new" for i in range(70)})
        assert len(m) == 70 + (not 0 <= there < 70)
        assert list(m) == sorted(m)
        assert m[there * 10] == ("new" if 0 <= there < 70 else "there")


def test_equal_keys_of_other_types_keep_the_first_one(Map):
    m = Map((k, type(k)) for k in (1, 2.0, True))
    m.update([(i, "int") for i in range(100)])
    m.update([(float(i), "float") for i in range(200)])
    assert len(m) == 200
    assert [type(k) for k in m] == [int, int, float] + [int] * 97 + [float] * 100
    assert set(m.values()) == {"float"}


@pytest.mark.parametrize("n", [3, 20, 100])
def test_a_generator_sees_what_came_before(Map, Set, n):
    m = Map()
    m.update((i, len(m)) for i in range(n))
    assert list(m.values()) == list(range(n))
    s = Set()
    s.update(len(s) for _ in range(n))
    assert list(s) == list(range(n))

    class Pair:
        def __init__(self, key):
            self.key = key

        def __iter__(self):
            return iter((self.key, len(m)))

    m.clear()
    m.update([(0, "a"), (1, "b"), *(Pair(i) for i in range(2, n)), (n, "c"), Pair(n + 1)])
    assert list(m.values()) == ["a", "b", *range(2, n), "c", n + 1]

    class Keys(list):
        def __iter__(self):
            for k in super().__iter__():
                assert len(s) == k
                yield k

    s.clear()
    s.update(Keys(range(n)))
    assert list(s) == list(range(n))


def test_finalizers_see_what_came_before(Map):
    seen = []

    class Value:
        def __del__(self):
            seen.append([k for k in range(30) if k not in m])

    m = Map()
    m[10] = Value()
    m.update([(k, k) for k in range(30)])
    m.flush()
    assert len(seen) == 1 and 10 not in seen[0]
    assert not seen[0] or seen[0] == list(range(seen[0][0], 30))
    assert list(m.items()) == [(k, k) for k in range(30)]


@pytest.mark.parametrize("n", [0, 1, 7, 8, 40, 64, 65, 200])
def test_what_came_before_an_error_is_stored_and_nothing_behind_it(Map, Set, n):
    before, behind = [(k, k) for k in range(n)], [(k, k) for k in range(n, n + 100)]
    for wrong in ("text", [], (1,), (1, 2, 3), 5):
        bad = wrong if type(wrong) is not str else ("text", 1)
        m = Map({-1: None})
        with pytest.raises((TypeError, ValueError)):
            m.update([*before, bad, *behind])
        assert list(m) == [-1, *range(n)]
    for bad in ("text", float("nan"), None, [1]):
        s = Set([-1])
        with pytest.raises((TypeError, ValueError)):
            s.update([k for k, _ in before] + [bad] + [k for k, _ in behind])
        assert list(s) == [-1, *range(n)]

    def stop():
        yield from before
        raise ZeroDivisionError

    m = Map()
    with pytest.raises(ZeroDivisionError):
        m.update(stop())
    assert list(m) == list(range(n))


@pytest.mark.parametrize("n", [1, 8, 64, 65, 200])
def test_references(Map, n):
    class Value:
        pass

    values = [Value() for _ in range(n)]
    keys = [f"a key that nobody else has {i:04}" for i in range(n)]
    looks = [weakref.ref(v) for v in values]
    references = [sys.getrefcount(k) for k in keys]
    m = Map(zip(keys, values, strict=True))
    for other in (m.copy(), Map(list(zip(keys, values, strict=True))), Map.fromkeys(keys)):
        assert list(other) == keys
        other.update(dict(zip(keys, values, strict=True)))
        other.clear()
    with pytest.raises(TypeError):
        Map([*zip(keys, values, strict=True), (1, 1)])
    m.clear()
    m.flush()
    del other
    values.clear()
    assert not any(look() for look in looks)
    assert [sys.getrefcount(k) for k in keys] == references


def test_without_memory(Map, no_failing_allocations):
    entries = [(f"{i:04}", i) for i in range(200)]
    done = False
    n = 0
    while not done:
        m = Map()
        no_failing_allocations(n)
        try:
            m.update(entries)
            done = True
        except MemoryError:
            pass
        finally:
            no_failing_allocations(-1)
        assert list(m.items()) == entries[: len(m)]
        assert all(m[k] == v for k, v in entries[: len(m)])
        n += 1 + n // 20
    assert len(m) == 200


def test_beside_others(Map):
    """Runs that are appended while others insert and remove at the same end: each key is there once, or was removed."""
    m = Map()
    removed = set()
    rounds = 60

    def append(start):
        def body():
            for i in range(rounds):
                first = start + 4 * 100 * i
                m.update([(k, k) for k in range(first, first + 400, 4)])

        return body

    def remove():
        for _ in range(rounds * 60):
            item = m.pop_last(None)
            if item is not None:
                key, value = item
                assert key == value and key not in removed
                removed.add(key)

    def insert():
        for i in range(rounds * 30):
            m[3 + 4 * i] = 3 + 4 * i

    run_threads(append(0), append(1), insert, remove)
    right = {s + 4 * k for s in (0, 1) for k in range(100 * rounds)}
    right |= {3 + 4 * i for i in range(rounds * 30)}
    assert set(m) | removed == right and not set(m) & removed
    assert list(m) == sorted(m) and all(m[k] == k for k in m)
