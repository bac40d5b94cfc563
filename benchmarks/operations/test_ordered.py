"""The operations of ordered maps and sets, one thread. One test for each; containers and keys are in kinds.py."""

from __future__ import annotations

from collections import deque
from functools import partial
from itertools import repeat, starmap
from operator import contains, delitem, getitem, setitem

import pytest
from kinds import KEYS, MAPS, SETS, keys_of


class Subject:
    """A container with its keys."""

    def __init__(self, kind, keys):
        kind.require()
        self.keys = keys_of(keys)
        self.empty = kind.make
        self.contents = self.keys.items if kind in MAPS else self.keys.present

    def full(self):
        container = self.empty()
        container.update(self.contents)
        return container


def subject(request):
    return Subject(*request.param)


def over(kinds):
    subjects = [(kind, keys) for kind in kinds for keys in KEYS]
    return {"params": subjects, "ids": [f"{kind.name}-{keys}" for kind, keys in subjects]}


a_map = pytest.fixture(subject, name="a_map", **over(MAPS))
a_set = pytest.fixture(subject, name="a_set", **over(SETS))
either = pytest.fixture(subject, name="either", **over(MAPS + SETS))

# As little as possible around a call: the loop is C code.
run = deque(maxlen=0).extend


def each(operation, *arguments):
    """operation(a, b, ...) for a, b, ... of the arguments."""
    run(map(operation, *arguments))


def times(count, operation, *arguments):
    """operation(*arguments), so many times."""
    run(starmap(operation, repeat(arguments, count)))


# ---- one key of a map -----------------------------------------------------------------------


def test_get_hit(measure, a_map):
    get = a_map.full().get
    measure(lambda: each(get, a_map.keys.present), a_map.keys.count)


def test_get_miss(measure, a_map):
    get = a_map.full().get
    measure(lambda: each(get, a_map.keys.absent), a_map.keys.count)


def test_getitem(measure, a_map):
    m = a_map.full()
    measure(lambda: each(getitem, repeat(m), a_map.keys.present), a_map.keys.count)


def test_setitem_new(measure, a_map):
    def batch(m):
        each(setitem, repeat(m), a_map.keys.absent, repeat(None))

    measure(batch, a_map.keys.count, a_map.full)


def test_setitem_replace(measure, a_map):
    m = a_map.full()
    measure(lambda: each(setitem, repeat(m), a_map.keys.present, repeat(None)), a_map.keys.count)


def test_put_replace(measure, a_map):
    put = a_map.full().put
    measure(lambda: each(put, a_map.keys.present, repeat(None)), a_map.keys.count)


def test_put_if_absent_present(measure, a_map):
    put_if_absent = a_map.full().put_if_absent
    measure(lambda: each(put_if_absent, a_map.keys.present, repeat(None)), a_map.keys.count)


def test_replace_if(measure, a_map):
    replace_if = a_map.full().replace_if
    values = [value for _, value in a_map.contents]
    measure(lambda: each(replace_if, a_map.keys.present, values, values), a_map.keys.count)


def test_delitem(measure, a_map):
    def batch(m):
        each(delitem, repeat(m), a_map.keys.present)

    measure(batch, a_map.keys.count, a_map.full)


def test_pop(measure, a_map):
    measure(lambda m: each(m.pop, a_map.keys.present), a_map.keys.count, a_map.full)


# ---- one element of a set -------------------------------------------------------------------


def test_add_new(measure, a_set):
    measure(lambda s: each(s.add, a_set.keys.absent), a_set.keys.count, a_set.full)


def test_add_present(measure, a_set):
    add = a_set.full().add
    measure(lambda: each(add, a_set.keys.present), a_set.keys.count)


def test_discard(measure, a_set):
    measure(lambda s: each(s.discard, a_set.keys.present), a_set.keys.count, a_set.full)


# ---- order ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["floor_key", "ceiling_key", "lower_key", "higher_item"])
def test_neighbour_of_map(measure, a_map, name):
    neighbour = getattr(a_map.full(), name)
    measure(lambda: each(neighbour, a_map.keys.absent), a_map.keys.count)


@pytest.mark.parametrize("name", ["floor", "ceiling"])
def test_neighbour_of_set(measure, a_set, name):
    neighbour = getattr(a_set.full(), name)
    measure(lambda: each(neighbour, a_set.keys.absent), a_set.keys.count)


@pytest.mark.parametrize("name", ["first_key", "last_item"])
def test_end_of_map(measure, a_map, name):
    end = getattr(a_map.full(), name)
    measure(lambda: times(a_map.keys.count, end), a_map.keys.count)


@pytest.mark.parametrize("name", ["pop_first", "pop_last"])
def test_pop_end(measure, either, name):
    count = either.keys.count
    measure(lambda container: times(count, getattr(container, name)), count, either.full)


@pytest.mark.parametrize("name", ["keys", "items"])
def test_scan_of_100(measure, a_map, name):
    scan = getattr(a_map.full(), name)

    def batch():
        for start, stop in a_map.keys.bounds:
            run(scan(start, stop))

    measure(batch, len(a_map.keys.bounds))


def test_range_of_100(measure, a_set):
    scan = a_set.full().range

    def batch():
        for start, stop in a_set.keys.bounds:
            run(scan(start, stop))

    measure(batch, len(a_set.keys.bounds))


# ---- either, the whole ------------------------------------------------------------------------


def test_contains_hit(measure, either):
    container = either.full()
    measure(lambda: each(contains, repeat(container), either.keys.present), either.keys.count)


def test_contains_miss(measure, either):
    container = either.full()
    measure(lambda: each(contains, repeat(container), either.keys.absent), either.keys.count)


def test_iterate(measure, either):
    container = either.full()
    measure(lambda: run(container), either.keys.count)


def test_iterate_reversed(measure, either):
    container = either.full()
    measure(lambda: run(reversed(container)), either.keys.count)


@pytest.mark.parametrize("name", ["items", "values"])
def test_iterate_view(measure, a_map, name):
    view = getattr(a_map.full(), name)()
    measure(lambda: run(view), a_map.keys.count)


def test_update(measure, either):
    measure(lambda c: c.update(either.contents), either.keys.count, either.empty)


def test_copy(measure, either):
    measure(either.full().copy, either.keys.count)


def test_clear(measure, either):
    measure(lambda c: c.clear(), either.keys.count, either.full)


def test_union(measure, a_set):
    s, others = a_set.full(), a_set.keys.absent
    measure(lambda: s.union(others), 2 * a_set.keys.count)


@pytest.mark.parametrize("name", ["intersection", "difference"])
def test_algebra(measure, a_set, name):
    both = getattr(a_set.full(), name)
    others = a_set.keys.present[::2] + a_set.keys.absent[::2]
    measure(partial(both, others), a_set.keys.count)


# ---- no matter which keys ---------------------------------------------------------------------

any_kind = pytest.mark.parametrize("kind", MAPS + SETS, ids=lambda kind: kind.name)


@any_kind
def test_len(measure, kind):
    container = Subject(kind, "int").full()
    measure(lambda: times(1000, len, container), 1000)


@any_kind
def test_make(measure, kind):
    kind.require()
    measure(lambda: times(20, kind.make), 20)
