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


LOCKED = (LockedSkipListMap, LockedSkipListSet)
TREES = (TreeMap, TreeSet)

MAPS = [SkipListMap, LockedSkipListMap, TreeMap]
SETS = [SkipListSet, LockedSkipListSet, TreeSet]
if PERCENT < 100:
    # Under slow tools those with locks are left out: Python's side of them is the same, and their core has tests of its own there.
    MAPS.remove(LockedSkipListMap)
    SETS.remove(LockedSkipListSet)

# Those that never change: tests that only read run with them, too (the mark `reads`).
FROZEN_MAPS = [FrozenSkipListMap]
FROZEN_SETS = [FrozenSkipListSet]
