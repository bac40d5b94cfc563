"""The operations of frozen maps and sets, one thread. One test for each; keys are in kinds.py."""

from __future__ import annotations

import pickle
from collections import deque
from itertools import starmap

import pytest
from kinds import KEYS, keys_of

import concurrent_collections

run = deque(maxlen=0).extend


class Subject:
    """Frozen and other containers with the same keys."""

    def __init__(self, keys):
        self.keys = keys_of(keys)
        self.Map = concurrent_collections.FrozenSkipListMap
        self.Set = concurrent_collections.FrozenSkipListSet
        self.map = self.Map(self.keys.items)
        self.set = self.Set(self.keys.present)
        self.other = self.Set(self.keys.absent)
        self.in_order = list(self.map.items())
        self.changing = concurrent_collections.SkipListMap(self.in_order)


@pytest.fixture(params=KEYS)
def subject(request):
    if not hasattr(concurrent_collections, "FrozenSkipListMap"):
        pytest.skip("there is no FrozenSkipListMap in this build")
    return Subject(request.param)


@pytest.mark.parametrize("name", ["get", "floor_key", "higher_item", "index", "bisect_left"])
def test_one_key(measure, subject, name):
    operation = getattr(subject.map, name)
    measure(lambda: run(map(operation, subject.keys.present)), subject.keys.count)


def test_get_miss(measure, subject):
    get = subject.map.get
    measure(lambda: run(map(get, subject.keys.absent)), subject.keys.count)


def test_peekitem(measure, subject):
    positions = range(subject.keys.count)
    measure(lambda: run(map(subject.map.peekitem, positions)), subject.keys.count)


def test_iterate(measure, subject):
    measure(lambda: run(subject.map.items()), subject.keys.count)


def test_ranges(measure, subject):
    items = subject.map.items
    entries = 100 * len(subject.keys.bounds)
    measure(lambda: run(map(list, starmap(items, subject.keys.bounds))), entries)


def test_make_of_what_is_sorted(measure, subject):
    measure(lambda: subject.Map(subject.in_order), subject.keys.count)


def test_make_of_what_is_not(measure, subject):
    measure(lambda: subject.Map(subject.keys.items), subject.keys.count)


def test_freeze(measure, subject):
    measure(subject.changing.frozen, subject.keys.count)


def test_thaw(measure, subject):
    measure(subject.map.thaw, subject.keys.count)


def test_union(measure, subject):
    measure(lambda: subject.set | subject.other, 2 * subject.keys.count)


def test_intersection(measure, subject):
    measure(lambda: subject.set & subject.other, 2 * subject.keys.count)


def test_pickle(measure, subject):
    measure(lambda: pickle.loads(pickle.dumps(subject.set, 5)), subject.keys.count)
