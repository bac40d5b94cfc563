"""Every allocation of the C core can fail, and then nothing has changed."""

from __future__ import annotations

import gc
import weakref

import pytest
from ordered_kinds import MAPS, SETS
from support import Key, Object, collect, dead, until_memory_suffices

from concurrent_collections import REMOVE

MAP_OPERATIONS = {
    "insert": lambda m: m.put(55, "new"),
    "setitem": lambda m: m.__setitem__(55, "new"),
    "overwrite": lambda m: m.put(50, "new"),
    "insert before all": lambda m: m.put(-1, "new"),
    "insert an object": lambda m: m.put(2**200, "new"),
    "put_if_absent": lambda m: m.put_if_absent(55, "new"),
    "setdefault": lambda m: m.setdefault(55, "new"),
    "replace": lambda m: m.replace(50, "new"),
    "replace_if": lambda m: m.replace_if(50, 50, "new"),
    "compute": lambda m: m.compute(50, lambda n: "new"),
    "compute what is absent": lambda m: m.compute(55, lambda n: "new"),
    "compute away": lambda m: m.compute(50, lambda n: REMOVE),
    "compute_if_present": lambda m: m.compute_if_present(50, lambda n: "new"),
    "compute_if_absent": lambda m: m.compute_if_absent(55, list),
    "merge": lambda m: m.merge(50, 1, lambda old, new: old + new),
    "increment": lambda m: m.increment(50),
    "increment an object": lambda m: m.increment(2**200, 2**100),
    "get_or_insert": lambda m: m.get_or_insert(55, "new"),
    "delete": lambda m: m.delete(50),
    "pop": lambda m: m.pop(50),
    "pop_first": lambda m: m.pop_first(),
    "pop_last": lambda m: m.pop_last(),
    "get": lambda m: m.get(50),
    "floor": lambda m: m.floor_item(55),
    "read all": lambda m: list(m.items()),
    "read all backwards": lambda m: list(reversed(m.items())),
    "copy": lambda m: m.copy(),
    "snapshot": lambda m: m.snapshot(),
    "snapshot of a range": lambda m: m.snapshot(20, 50),
    "union": lambda m: m | {1: 1},
    "equality": lambda m: m == {1: 1},
}


def entries_of(m):
    return [(getattr(key, "rank", key), value) for key, value in m.items()]


@pytest.mark.parametrize("operation", MAP_OPERATIONS.values(), ids=MAP_OPERATIONS)
def test_a_failing_allocation_is_a_memory_error_and_changes_nothing(
    Map, operation, no_failing_allocations
):
    m = Map((key, key) for key in range(0, 100, 10))
    before = entries_of(m)

    def is_unchanged():
        assert entries_of(m) == before
        assert len(m) == len(before)

    until_memory_suffices(no_failing_allocations, lambda: operation(m), is_unchanged)
    assert list(m) == sorted(m)
    assert len(list(m)) == len(m)


@pytest.mark.parametrize(
    "operation",
    [
        lambda m, key: m.put(key, "new"),
        lambda m, key: m.delete(key),
        lambda m, key: m.pop(key, None),
        lambda m, key: m.get(key),
        lambda m, key: m.lower_item(key),
        lambda m, key: list(m.items(key)),
        lambda m, key: m.replace_if(key, key.rank, "new"),
        lambda m, key: m.compute(key, lambda n: "new"),
        lambda m, key: m.compute(key, lambda n: REMOVE),
        lambda m, key: m.increment(key),
        lambda m, key: m.snapshot(key),
    ],
    ids="put delete pop get lower range replace_if compute compute_away increment snapshot".split(),
)
@pytest.mark.parametrize("rank", [-1, 20, 21, 99])
def test_it_is_the_same_with_keys_that_only_python_can_compare(
    Map, operation, rank, no_failing_allocations
):
    # Such a search remembers its comparisons, and that memory can fail in the middle, too.
    m = Map((Key(rank), rank) for rank in range(0, 80, 2))
    before = entries_of(m)

    def is_unchanged():
        assert entries_of(m) == before

    until_memory_suffices(no_failing_allocations, lambda: operation(m, Key(rank)), is_unchanged)
    assert len(list(m)) == len(m)
    assert [key.rank for key in m] == sorted(key.rank for key in m)


@pytest.mark.parametrize("cls", [*MAPS, *SETS])
def test_construction_fails_cleanly(cls, no_failing_allocations):
    assert list(until_memory_suffices(no_failing_allocations, cls)) == []


@pytest.mark.parametrize("cls", [*MAPS, *SETS])
def test_a_finalizer_sees_no_instance_that_was_not_made(cls, no_failing_allocations):
    seen = []

    class Dying(cls):
        def __del__(self):
            seen.append(list(self))

    until_memory_suffices(no_failing_allocations, Dying)
    gc.collect()
    assert seen == [[]], "of the one that was made in the end"


def test_construction_from_entries_fails_cleanly(Map, no_failing_allocations):
    value = Object()
    m = until_memory_suffices(
        no_failing_allocations, lambda: Map((key, value) for key in range(20))
    )
    reference = weakref.ref(value)
    assert len(m) == 20
    del m, value
    gc.collect()
    assert dead(reference), "what failed constructions had taken is released"


def test_nothing_is_kept_after_failures(Map, no_failing_allocations):
    m = Map({0: None})
    references = []
    for first_to_fail in list(range(10)) * 20:
        value, key = Object(), Key(1)
        references += [weakref.ref(value), weakref.ref(key)]
        no_failing_allocations(first_to_fail)
        for operation in (
            lambda: m.put(first_to_fail, value),
            lambda: m.put((first_to_fail, key), value),
            lambda: m.delete(first_to_fail),
        ):
            try:
                operation()
            except (MemoryError, TypeError):
                pass
        no_failing_allocations(-1)
    del value, key, operation
    m.clear()
    collect(m)
    assert all(map(dead, references))


def test_clear_and_release_work_without_memory(Map, no_failing_allocations):
    value = Object()
    reference = weakref.ref(value)
    m = Map((key, value) for key in range(100))
    del value
    no_failing_allocations(0)
    try:
        m.clear()
    except MemoryError:
        no_failing_allocations(-1)
        m.clear()
    no_failing_allocations(-1)
    assert len(m) == 0
    collect(m)
    assert dead(reference)


def test_a_map_dies_without_memory(Map, no_failing_allocations):
    value = Object()
    reference = weakref.ref(value)
    m = Map((key, value) for key in range(100))
    m[1000] = Map({0: value})
    del value
    no_failing_allocations(0)
    del m
    no_failing_allocations(-1)
    gc.collect()
    assert dead(reference)


def test_a_set_is_unchanged_too(Set, no_failing_allocations):
    s = Set(range(10))
    for operation in (
        lambda: s.add(100),
        lambda: s.discard(5),
        lambda: s & {1},
        lambda: s | {50},
    ):
        before = list(s)

        def is_unchanged(before=before):
            assert list(s) == before

        until_memory_suffices(no_failing_allocations, operation, is_unchanged)
