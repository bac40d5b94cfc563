"""Live views of a part of an ordered container."""

from collections.abc import ItemsView, KeysView, ValuesView
from reprlib import recursive_repr

_MISSING = object()
_ATTRIBUTES = (
    "_inclusive",
    "_reverse",
    "_start",
    "_stop",
)  # beside `_mapping`, which the ABCs have


class _Bounds:
    """A container, two bounds, a direction: what the three views share."""

    __slots__ = ()  # each view names the attributes: two bases with slots do not mix
    _want = "key"

    def __init__(self, container, start, stop, inclusive, reverse):
        self._mapping = container
        self._start = start
        self._stop = stop
        self._inclusive = inclusive
        self._reverse = bool(reverse)

    def __iter__(self):
        return self._walk(self._reverse)

    def __reversed__(self):
        return self._walk(not self._reverse)

    def _walk(self, reverse):
        return _core._iterate(
            self._mapping, self._want, self._start, self._stop, self._inclusive, reverse
        )

    def _is_whole(self):
        return self._start is ... and self._stop is ...

    def _includes(self, key):
        """Whether the bounds admit a key."""
        at_start, at_stop = self._inclusive
        start, stop = self._start, self._stop
        if start is not ... and (key < start or not (at_start or start < key)):
            return False
        return stop is ... or not (stop < key or not (at_stop or key < stop))

    def __len__(self):
        if self._is_whole():
            return len(self._mapping)
        return sum(1 for _ in self._walk(False))

    @recursive_repr("...")
    def __repr__(self):
        return f"{type(self).__name__}({list(self)!r})"

    @classmethod
    def _from_iterable(cls, iterable):
        # Results of set operations: ordered like their operands where one is bound to a container.
        return _core.SkipListSet(iterable)


class SkipListKeysView(_Bounds, KeysView):
    """Keys of a SkipListMap, or elements of a SkipListSet, between two bounds. A live set."""

    __slots__ = _ATTRIBUTES

    def __contains__(self, key):
        return self._includes(key) and key in self._mapping


class SkipListValuesView(_Bounds, ValuesView):
    """Values between two keys, in the order of their keys. Live; `in` is a search through all of them."""

    __slots__ = _ATTRIBUTES
    _want = "value"

    def __contains__(self, value):
        return any(v is value or v == value for v in self)


class SkipListItemsView(_Bounds, ItemsView):
    """(key, value) pairs between two keys. A live set."""

    __slots__ = _ATTRIBUTES
    _want = "item"

    @classmethod
    def _from_iterable(cls, iterable):
        return set(iterable)  # values need not have an order

    def __contains__(self, item):
        try:
            key, value = item
        except (TypeError, ValueError):
            return False
        missing = _MISSING
        found = self._mapping.get(key, missing) if self._includes(key) else missing
        return found is not missing and (found is value or found == value)


from concurrent_collections import _core  # noqa: E402  (it imports this module first)
