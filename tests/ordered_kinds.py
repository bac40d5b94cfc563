"""The ordered containers that tests written for all of them run with."""

from __future__ import annotations

import sysconfig

from concurrent_collections import FrozenSkipListMap, FrozenSkipListSet, SkipListMap, SkipListSet


class LockedSkipListMap(SkipListMap):
    """A map with locks behind it, under whatever arguments."""

    def __new__(cls, *arguments, **names):
        return super().__new__(cls, backend="locked")


class LockedSkipListSet(SkipListSet):
    def __new__(cls, *arguments, **names):
        return super().__new__(cls, backend="locked")


MAPS = [SkipListMap]
SETS = [SkipListSet]

# One interpreter will do for what locks change; the one on which threads run at once.
if sysconfig.get_config_var("Py_GIL_DISABLED"):
    MAPS.append(LockedSkipListMap)
    SETS.append(LockedSkipListSet)

# Those that never change: tests that only read run with them, too (the mark `reads`).
FROZEN_MAPS = [FrozenSkipListMap]
FROZEN_SETS = [FrozenSkipListSet]
