"""The ordered containers that tests written for all of them run with."""

from __future__ import annotations

from support import PERCENT

from concurrent_collections import (
    FrozenSkipListMap,
    FrozenSkipListSet,
    SkipListMap,
    SkipListSet,
    TreeMap,
    TreeSet,
)


class LockedSkipListMap(SkipListMap):
    """A map with locks inside, under whatever arguments."""

    def __new__(cls, *arguments, **names):
        return super().__new__(cls, backend="locked")


class LockedSkipListSet(SkipListSet):
    def __new__(cls, *arguments, **names):
        return super().__new__(cls, backend="locked")


class LockFreeTreeMap(TreeMap):
    """The binary search tree, under whatever arguments."""

    def __new__(cls, *arguments, **names):
        return super().__new__(cls, backend="lockfree")


class LockFreeTreeSet(TreeSet):
    def __new__(cls, *arguments, **names):
        return super().__new__(cls, backend="lockfree")


OF_THE_TESTS = (LockedSkipListMap, LockedSkipListSet, LockFreeTreeMap, LockFreeTreeSet)
UNBALANCED = (LockFreeTreeMap, LockFreeTreeSet)
TREES = (TreeMap, TreeSet, LockFreeTreeMap, LockFreeTreeSet)

MAPS = [SkipListMap, LockedSkipListMap, TreeMap]
SETS = [SkipListSet, LockedSkipListSet, TreeSet]
if PERCENT < 100:
    # Under slow tools those with locks are left out: Python's side of them is the same, and their core has tests of its own there.
    MAPS.remove(LockedSkipListMap)
    SETS.remove(LockedSkipListSet)

# The lock-free trees run with a part of the files, and with single tests that are marked `maps_too`. What the others ask of the
# core, the other kinds ask, too; keys in order, which many of them put, make such a tree a path, O(n) deep. Long tests of its
# own, with exact accounts, are those in C (tests/c/test_ordered_stress.c, test_histories.c).
FILES_OF_LOCK_FREE_TREES = {
    "test_hostile_keys",
    "test_map",
    "test_map_order",
    "test_set",
    "test_snapshots",
    "test_stateful",
    "test_submaps",
}


def of_file(module, classes):
    """The classes that the tests of a file run with."""
    if PERCENT < 100 or module.rpartition(".")[2] not in FILES_OF_LOCK_FREE_TREES:
        return classes
    return [*classes, LockFreeTreeMap if classes is MAPS else LockFreeTreeSet]


# Those that never change: tests that only read run with them, too (the mark `reads`).
FROZEN_MAPS = [FrozenSkipListMap]
FROZEN_SETS = [FrozenSkipListSet]
