"""The ordered containers that tests written for all of them run with."""

from __future__ import annotations

from concurrent_collections import SkipListMap, SkipListSet

MAPS = [SkipListMap]
SETS = [SkipListSet]
