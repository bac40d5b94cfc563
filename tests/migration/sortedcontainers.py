"""SortedDict and SortedSet as docs/migration/sortedcontainers.md says to write them: for their own tests (run.py)."""

from __future__ import annotations

import itertools

from concurrent_collections import Comparator, SkipListMap, SkipListSet
from concurrent_collections._views import SkipListItemsView, SkipListKeysView, SkipListValuesView


def comparator_of(key):
    """By the key function, and what it does not tell apart by the elements themselves: so all of them are kept."""
    return key and Comparator.by_key(key).then(Comparator.natural())


class Positions:
    """Positions in a container or view that can be iterated over, as on a frozen copy."""

    def __getitem__(self, index):
        return list(self)[index]

    def index(self, value, *bounds):
        return list(self).index(value, *bounds)

    def count(self, value):
        return list(self).count(value)


class KeysView(Positions, SkipListKeysView):
    pass


class ValuesView(Positions, SkipListValuesView):
    pass


class ItemsView(Positions, SkipListItemsView):
    pass


def with_positions(cls, view):
    return cls(view._mapping, view._start, view._stop, view._inclusive, view._reverse)


class Iloc(Positions):
    def __init__(self, m):
        self.m = m

    def __iter__(self):
        return iter(self.m)

    def __len__(self):
        return len(self.m)

    def __delitem__(self, index):
        found = self[index]
        for key in found if isinstance(index, slice) else [found]:
            self.m.delete(key)


class Common:
    @property
    def key(self):
        return self._key

    def _reset(self, load):
        pass

    def _check(self):
        elements = list(self)
        assert elements == sorted(elements, key=self._key) and len(elements) == len(self)

    def bisect_left(self, k):
        return self._bound(k, False)

    def bisect_right(self, k):
        return self._bound(k, True)

    bisect = bisect_right

    def _bound(self, k, is_right):
        if self._key is None:
            f = self.frozen()
            return f.bisect_right(k) if is_right else f.bisect_left(k)
        rank = self._key(k)
        before = (
            (lambda e: not rank < self._key(e)) if is_right else (lambda e: self._key(e) < rank)
        )
        return sum(map(before, self))

    def islice(self, start=None, stop=None, reverse=False):
        return self.frozen().islice(start, stop, reverse=reverse)


class SortedDict(Common, SkipListMap):
    def __init__(self, *arguments, **entries):
        self._key = None
        if arguments and (arguments[0] is None or callable(arguments[0])):
            self._key, *arguments = arguments
        SkipListMap.__init__(self, comparator=comparator_of(self._key))
        self.update(*arguments, **entries)

    def popitem(self, index=-1):
        if index == -1:
            return self.pop_last()
        return self.pop_first() if index == 0 else self._pop_at(index)

    def _pop_at(self, index):
        key, _ = self.frozen().peekitem(index)
        return key, self.pop(key)

    def peekitem(self, index=-1):
        return self.frozen().peekitem(index)

    def index(self, key, *bounds):
        place = self.frozen().index(key)
        if bounds and key not in list(
            itertools.islice(self, *slice(*bounds).indices(len(self))[:2])
        ):
            raise ValueError(key)
        return place

    @property
    def iloc(self):
        return Iloc(self)

    def keys(self, *bounds, **options):
        return with_positions(KeysView, SkipListMap.keys(self, *bounds, **options))

    def values(self, *bounds, **options):
        return with_positions(ValuesView, SkipListMap.values(self, *bounds, **options))

    def items(self, *bounds, **options):
        return with_positions(ItemsView, SkipListMap.items(self, *bounds, **options))


class SortedSet(Common, SkipListSet):
    def __init__(self, iterable=None, key=None):
        self._key = key
        SkipListSet.__init__(self, iterable or (), comparator=comparator_of(key))

    @property
    def _set(self):
        return set(self)

    def __getitem__(self, index):
        return self.frozen()[index]

    def __delitem__(self, index):
        found = self.frozen()[index]
        for element in found if isinstance(index, slice) else [found]:
            self.discard(element)

    def pop(self, index=-1):
        element = self.frozen()[index]
        self.remove(element)
        return element

    def index(self, element, *bounds):
        return self.frozen().index(element)

    def count(self, element):
        return int(element in self)
