"""What type checkers must say of TreeMap and TreeSet, where that differs from the classes in usage.py."""

from __future__ import annotations

from collections.abc import MutableMapping, MutableSet
from typing import Literal, assert_type

from concurrent_collections import (
    FrozenSkipListMap,
    FrozenSkipListSet,
    SkipListMap,
    SkipListSet,
    TreeMap,
    TreeSet,
    smr,
)


def takes_mappings(*maps: MutableMapping[int, str]) -> None: ...


def takes_sets(*sets: MutableSet[int]) -> None: ...


def takes_a_list(m: SkipListMap[int, str]) -> None: ...


def trees() -> None:
    m = TreeMap({1: "a"}, reverse=True)
    assert_type(m, TreeMap[int, str])
    assert_type(TreeMap.fromkeys("ab", 0), TreeMap[str, int])
    assert_type(TreeMap.from_sorted([(1, "a")]), TreeMap[int, str])
    assert_type(m | {"b": 2}, TreeMap[int | str, str | int])
    assert_type(m.copy(), TreeMap[int, str])
    assert_type(m.snapshot(), FrozenSkipListMap[int, str])
    assert_type(m.keys() & {1}, SkipListSet[int])
    assert_type(m.submap(1).descending().submap(2).copy(), TreeMap[int, str])
    assert_type(m.split(2)[0].copy(), TreeMap[int, str])
    assert_type(m.submap(1) | {2: "b"}, TreeMap[int, str])
    assert_type(TreeMap({1: "a"}, default_factory=str)[2], str)
    s = TreeSet([1, 2])
    assert_type(s, TreeSet[int])
    assert_type(s & {"a"}, TreeSet[int])
    assert_type(s | {"a"}, TreeSet[int | str])
    assert_type(s.subset(1).descending().copy(), TreeSet[int])
    assert_type(s.subset(1) | {"a"}, TreeSet[int | str])
    assert_type(s.snapshot(), FrozenSkipListSet[int])
    assert_type(smr.stats(m), smr.ContainerStats)
    takes_mappings(m, m.submap(1))
    takes_sets(s, s.subset(1))
    assert_type(TreeMap({1: "a"}, backend="lockfree").backend, Literal["lockfree", "locked"])
    assert_type(TreeMap.fromkeys("ab", 0, backend="lockfree"), TreeMap[str, int])
    assert_type(TreeSet([1], backend="locked"), TreeSet[int])
    takes_a_list(m)  # type: ignore[arg-type]
