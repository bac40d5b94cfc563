"""The ordered containers that tests written for all of them run with."""

from __future__ import annotations

from concurrent_collections import (
    FrozenSkipListMap,
    FrozenSkipListSet,
    SkipListMap,
    SkipListSet,
    TreeMap,
    TreeSet,
)

MAPS = [SkipListMap, TreeMap]
SETS = [SkipListSet, TreeSet]
TREES = [TreeMap, TreeSet]

# Those that never change: tests that only read run with them, too (the mark `reads`).
FROZEN_MAPS = [FrozenSkipListMap]
FROZEN_SETS = [FrozenSkipListSet]
