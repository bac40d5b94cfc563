"""Live parts of ordered containers: a range of one, in its order or the opposite one."""

import copy
from collections.abc import Mapping, MutableMapping, MutableSet, Set
from reprlib import recursive_repr

from concurrent_collections._pretty import print_elements, print_map
from concurrent_collections._views import (
    SkipListItemsView,
    SkipListKeysView,
    SkipListValuesView,
    _SetOfKeys,
)

_MISSING = object()
_OPPOSITE = {"floor": "ceiling", "ceiling": "floor", "lower": "higher", "higher": "lower"}


def _processors():
    import os

    count = getattr(os, "process_cpu_count", os.cpu_count)  # the former is new in 3.13
    return count() or 1


class _Part:
    """A container, bounds, a direction: what parts of maps and of sets share.

    Arguments are in the part's own order, `_bounds` (ranges.pxi says how) in the container's. One key is looked up in the
    container first: then it is known to have an order with the bounds, too, or not to be there.
    """

    __slots__ = ()  # each class names the attributes: two bases with slots do not mix

    def __init__(self, container, bounds, reverse):
        self._container = container
        self._bounds = bounds
        self._reverse = bool(reverse)
        self._ranked = _ordered._is_ranked(container)

    # ---- the range ----

    @property
    def start(self):
        """The bound at which iteration begins; None if there is none."""
        bound = self._bounds[1 if self._reverse else 0]
        return None if bound is ... else _ordered._original(bound)

    @property
    def stop(self):
        """The bound at which iteration ends; None if there is none."""
        bound = self._bounds[0 if self._reverse else 1]
        return None if bound is ... else _ordered._original(bound)

    @property
    def inclusive(self):
        """Whether `start` and `stop` belong to the range."""
        at_start, at_stop = self._bounds[2]
        return (at_stop, at_start) if self._reverse else (at_start, at_stop)

    @property
    def comparator(self):
        """The order of the keys, a `Comparator`: the container's, or the opposite one."""
        comparator = _ordered._comparator_of(self._container)
        return comparator.reversed() if self._reverse else comparator

    @property
    def backend(self):
        """The algorithm behind the container: ``"lockfree"`` or ``"locked"``."""
        return self._container.backend

    def _settings(self):
        return _ordered._order_settings(self.comparator)

    def _narrow(self, start, stop, inclusive):
        return _ordered._narrow(
            self._container, self._bounds, start, stop, inclusive, self._reverse
        )

    def _includes(self, key):
        return not _ordered._place(self._container, self._bounds, key)

    def _prepare(self, key, *methods):
        # The commonest methods ask themselves whether the view is `_ranked`: a call costs as much as a look-up.
        return _ordered._prepare(self._container, key, *methods) if self._ranked else key

    def _check(self, key, method, argument="key"):
        """The key as that method of the container gets it; ValueError if it lies outside."""
        prepared = self._prepare(key, method) if self._ranked else key
        if _ordered._place(self._container, self._bounds, prepared):
            raise ValueError(f"{argument}: {key!r} lies outside of the range of this view")
        return prepared

    def __contains__(self, key):
        if self._ranked:
            key = self._prepare(key, "__contains__")
        return key in self._container and not _ordered._place(self._container, self._bounds, key)

    def _find(self, key, method):
        """The key as that method of the container gets it, and whether it is in the view."""
        prepared = self._prepare(key, "__contains__", method)
        return prepared, (
            prepared if type(self).__contains__ is _Part.__contains__ else key
        ) in self

    def _part(self, start, stop, inclusive):
        return type(self)(self._container, self._narrow(start, stop, inclusive), self._reverse)

    def _walk(self, want, reverse):
        return _ordered._iterate(self._container, want, *self._bounds, reverse)

    def descending(self):
        """Return a live view of the same range in the opposite order."""
        return type(self)(self._container, self._bounds, not self._reverse)

    def split(self, n):
        """Return a list of up to `n` parts of about equal size: see `SkipListMap.split`."""
        parts = [
            type(self)(self._container, bounds, self._reverse)
            for bounds in _ordered._split(self._container, self._bounds, n)
        ]
        return parts[::-1] if self._reverse else parts

    def map_parts(self, function, n=None, *, executor=None):
        """Call `function` with each part of `split(n)`, in threads: see `SkipListMap.map_parts`."""
        from concurrent.futures import ThreadPoolExecutor, wait

        parts = self.split(_processors() if n is None else n)
        if executor is None:
            with ThreadPoolExecutor(len(parts)) as pool:
                futures = [pool.submit(function, part) for part in parts]
        else:
            futures = [executor.submit(function, part) for part in parts]
            wait(futures)
        return [future.result() for future in futures]

    def statistics(self):
        """Return how keys of the whole container were compared: see `SkipListMap.statistics`."""
        return self._container.statistics()

    # ---- ends ----

    def _end(self, last, item, default, name):
        last = last is not self._reverse
        return _ordered._end(self._container, self._bounds, last, item, default, name)

    def _pop_end(self, last, item, default, name):
        last = last is not self._reverse
        return _ordered._pop_end(self._container, self._bounds, last, item, default, name)

    def _neighbour(self, relation, key, item):
        relation = _OPPOSITE[relation] if self._reverse else relation
        return _ordered._neighbour(self._container, self._bounds, relation, key, item)

    # ---- iterating, counting, removing ----

    def __iter__(self):
        return self._walk("key", self._reverse)

    def __reversed__(self):
        return self._walk("key", not self._reverse)

    def __len__(self):
        return _ordered._count_range(self._container, self._bounds)

    def __bool__(self):
        return any(True for _ in self)  # the first key is enough

    def count_range(self, start=None, stop=None, *, inclusive=(True, False)):
        """Return how many keys lie from `start` to `stop`: see `SkipListMap.count_range`."""
        return _ordered._count_range(self._container, self._narrow(start, stop, inclusive))

    def clear_range(self, start=None, stop=None, *, inclusive=(True, False)):
        """Remove what lies from `start` to `stop`; return how many that were: see `SkipListMap.clear_range`."""
        return _ordered._clear_range(self._container, self._narrow(start, stop, inclusive))

    def _pop_range(self, start, stop, max_items, inclusive, reverse, item):
        bounds = self._narrow(start, stop, inclusive)
        reverse = bool(reverse) is not self._reverse
        return _ordered._pop_range(self._container, bounds, max_items, reverse, item)

    def clear(self):
        """Remove what is in the range: see `SkipListMap.clear_range`."""
        _ordered._clear_range(self._container, self._bounds)

    # ---- copies ----

    def copy(self):
        """Return a new container of the class, and in the order, that this is a view of."""
        return _ordered._copy_range(self._container, self._bounds)

    __copy__ = copy

    def __deepcopy__(self, memo):
        # One that its own entries lead to is copied once: what deepcopy makes of the copy is found by the copy.
        key = _Part, id(self)
        memo = {} if memo is None else memo
        if key not in memo:
            memo[key] = self.copy()
        return copy.deepcopy(memo[key], memo)

    def __reduce__(self):
        raise TypeError(
            f"cannot pickle a {type(self).__name__}, which is a view: pickle its copy()"
        )

    def snapshot(self, start=None, stop=None, *, inclusive=(True, False)):
        """Return a frozen container, in the order of the one that this is a view of, with the range's entries of one instant.

        The bounds are in the order of this view. Promises and costs are those of `SkipListMap.snapshot`: O(n) for the whole container.
        """
        start, stop, inclusive = self._narrow(start, stop, inclusive)
        return self._container.snapshot(
            self._prepare(start, "snapshot"), self._prepare(stop, "snapshot"), inclusive=inclusive
        )

    def frozen(self):
        """Return a frozen container with the same entries, in the container's order: see `SkipListMap.frozen`."""
        from concurrent_collections import _frozen  # which imports this module first

        return _frozen._freeze(self._container, self._bounds)


class SkipListSubMap(_Part, MutableMapping):
    """A live map of the entries of an ordered map between two bounds, in its order or the opposite one.

    Made by `submap`, `descending` and `split`. It has all methods of the map, which do what they do there, with the same
    atomicity; every argument and every answer is in the order of the view. Keys outside of the bounds are not there, and
    storing under one raises ValueError. `len` walks over the entries, as does what counts.
    """

    __slots__ = ("__weakref__", "_bounds", "_container", "_ranked", "_reverse")

    # ---- one key ----

    def __getitem__(self, key):
        prepared = self._prepare(key, "get") if self._ranked else key
        found = self._container.get(prepared, _MISSING)
        if found is _MISSING:
            ours = type(self).__missing__ is SkipListSubMap.__missing__
            return self.__missing__(prepared if ours else key)
        if _ordered._place(self._container, self._bounds, prepared):
            raise KeyError(key)
        return found

    def __missing__(self, key):
        """What the map makes of a key that is not there, by its `default_factory` or `__missing__`; KeyError outside of the range."""
        container = self._container
        has_answer = (
            container.default_factory is not None
            or type(container).__missing__ is not _ordered._OrderedMap.__missing__
        )
        prepared = self._prepare(key, "__getitem__") if has_answer else key
        if not has_answer or not self._includes(prepared):
            raise KeyError(_ordered._original(key))
        return container[prepared]

    @property
    def default_factory(self):
        """The map's: see `SkipListMap.default_factory`."""
        return self._container.default_factory

    @default_factory.setter
    def default_factory(self, factory):
        self._container.default_factory = factory

    def __setitem__(self, key, value):
        self._container[self._check(key, "__setitem__")] = value

    def __delitem__(self, key):
        if not self.delete(key):
            raise KeyError(key)

    def contains(self, key):
        """Return whether `key` is in the range."""
        return key in self

    def get(self, key, default=None):
        """Return the value of `key`, or `default`: see `SkipListMap.get`."""
        if self._ranked:
            key = self._prepare(key, "get")
        found = self._container.get(key, _MISSING)
        is_there = found is not _MISSING and not _ordered._place(self._container, self._bounds, key)
        return found if is_there else default

    def put(self, key, value, default=None):
        """Store; return the previous value or `default`: see `SkipListMap.put`."""
        key = self._check(key, "put")
        return self._container.put(key, value, default)

    def put_if_absent(self, key, value, default=None):
        """Store if it is not there: see `SkipListMap.put_if_absent`."""
        key = self._check(key, "put_if_absent")
        return self._container.put_if_absent(key, value, default)

    def setdefault(self, key, default=None):
        """Return the value, which is `default` if it was not there: see `SkipListMap.setdefault`."""
        key = self._check(key, "setdefault")
        return self._container.setdefault(key, default)

    def replace(self, key, value, default=None):
        """Store if it is there: see `SkipListMap.replace`."""
        key = self._check(key, "replace")
        return self._container.replace(key, value, default)

    def replace_if(self, key, expected, value):
        """Store if the value is, or equals, `expected`: see `SkipListMap.replace_if`."""
        key = self._check(key, "replace_if")
        return self._container.replace_if(key, expected, value)

    def compute(self, key, f, default=None):
        """Replace the value by `f(value)`, atomically: see `SkipListMap.compute`."""
        key = self._check(key, "compute")
        return self._container.compute(key, f, default)

    def compute_if_present(self, key, f, default=None):
        """Replace the value, if there is one, by `f(value)`: see `SkipListMap.compute_if_present`."""
        key = self._check(key, "compute_if_present")
        return self._container.compute_if_present(key, f, default)

    def compute_if_absent(self, key, f, default=None):
        """Return the value; if there is none, store `f()`: see `SkipListMap.compute_if_absent`."""
        key = self._check(key, "compute_if_absent")
        return self._container.compute_if_absent(key, f, default)

    def merge(self, key, value, f, default=None):
        """Store `value`, or `f(old, value)` if there is one: see `SkipListMap.merge`."""
        key = self._check(key, "merge")
        return self._container.merge(key, value, f, default)

    def increment(self, key, amount=1):
        """Add `amount` to the value: see `SkipListMap.increment`."""
        key = self._check(key, "increment")
        return self._container.increment(key, amount)

    def get_or_insert(self, key, value):
        """Return the value; if there is none, store and return `value`: see `SkipListMap.get_or_insert`."""
        key = self._check(key, "get_or_insert")
        return self._container.get_or_insert(key, value)

    def delete(self, key):
        """Remove `key`; return whether it was there."""
        key, is_there = self._find(key, "delete")
        return is_there and self._container.delete(key)

    def pop(self, key, /, *default):
        """Remove `key` and return its value: see `SkipListMap.pop`."""
        if len(default) > 1:
            raise TypeError(f"pop expected at most 2 arguments, got {1 + len(default)}")
        prepared, is_there = self._find(key, "pop")
        if is_there:
            return self._container.pop(prepared, *default)
        if not default:
            raise KeyError(key)
        return default[0]

    # ---- order ----

    def first_key(self, *default):
        """Return the first key; the default, or KeyError without one, if there is none."""
        return self._end(False, False, default, "first_key")

    def last_key(self, *default):
        """Return the last key; the default, or KeyError without one, if there is none."""
        return self._end(True, False, default, "last_key")

    def first_item(self, *default):
        """Return the first entry as a pair; the default, or KeyError without one, if there is none."""
        return self._end(False, True, default, "first_item")

    def last_item(self, *default):
        """Return the last entry as a pair; the default, or KeyError without one, if there is none."""
        return self._end(True, True, default, "last_item")

    def floor_key(self, key):
        """Return the last key that is not behind `key`, or None."""
        return self._neighbour("floor", key, False)

    def ceiling_key(self, key):
        """Return the first key that is not in front of `key`, or None."""
        return self._neighbour("ceiling", key, False)

    def lower_key(self, key):
        """Return the last key in front of `key`, or None."""
        return self._neighbour("lower", key, False)

    def higher_key(self, key):
        """Return the first key behind `key`, or None."""
        return self._neighbour("higher", key, False)

    def floor_item(self, key):
        """Return the entry of `floor_key(key)` as a pair, or None."""
        return self._neighbour("floor", key, True)

    def ceiling_item(self, key):
        """Return the entry of `ceiling_key(key)` as a pair, or None."""
        return self._neighbour("ceiling", key, True)

    def lower_item(self, key):
        """Return the entry of `lower_key(key)` as a pair, or None."""
        return self._neighbour("lower", key, True)

    def higher_item(self, key):
        """Return the entry of `higher_key(key)` as a pair, or None."""
        return self._neighbour("higher", key, True)

    def pop_first(self, *default):
        """Remove and return an entry that was the first at some instant during the call."""
        return self._pop_end(False, True, default, "pop_first")

    def pop_last(self, *default):
        """Remove and return an entry that was the last at some instant during the call."""
        return self._pop_end(True, True, default, "pop_last")

    def popitem(self, last=True):
        """Remove and return the last entry as a pair, or the first with `last=False`."""
        return self._pop_end(bool(last), True, (), "popitem")

    # ---- ranges ----

    def _view(self, view, start, stop, inclusive, reverse):
        bounds = self._narrow(start, stop, inclusive)
        return view(self._container, *bounds, bool(reverse) is not self._reverse)

    def keys(self, start=None, stop=None, *, inclusive=(True, False), reverse=False):
        """Return a view of the keys from `start` to `stop`: see `SkipListMap.keys`."""
        return self._view(SkipListKeysView, start, stop, inclusive, reverse)

    def values(self, start=None, stop=None, *, inclusive=(True, False), reverse=False):
        """Return a view of the values in the order of their keys: see `SkipListMap.keys`."""
        return self._view(SkipListValuesView, start, stop, inclusive, reverse)

    def items(
        self, start=None, stop=None, *, inclusive=(True, False), reverse=False, consistent=False
    ):
        """Return a view of the (key, value) pairs, with `consistent` those of one instant: see `SkipListMap.items`."""
        if consistent:
            reverse = bool(reverse) is not self._reverse
            return self.snapshot(start, stop, inclusive=inclusive).items(reverse=reverse)
        return self._view(SkipListItemsView, start, stop, inclusive, reverse)

    def irange(self, minimum=None, maximum=None, inclusive=(True, True), reverse=False):
        """Return an iterator over the keys from `minimum` to `maximum`: see `SkipListMap.irange`."""
        return iter(self.keys(minimum, maximum, inclusive=inclusive, reverse=reverse))

    def submap(self, start=None, stop=None, *, inclusive=(True, False)):
        """Return a live map of the part of this range from `start` to `stop`: see `SkipListMap.submap`."""
        return self._part(start, stop, inclusive)

    def pop_range(
        self, start=None, stop=None, max_items=None, *, inclusive=(True, False), reverse=False
    ):
        """Remove entries; return a list of them as pairs: see `SkipListMap.pop_range`."""
        return self._pop_range(start, stop, max_items, inclusive, reverse, True)

    # ---- the whole ----

    def update(self, other=(), /, **kwargs):
        """Store the entries of a mapping or of pairs, one after another: see `SkipListMap.update`."""
        if isinstance(other, Mapping):
            other = other.items()
        super().update(other, **kwargs)

    def to_dict(self):
        """Return a dict with the same entries, in their order."""
        return dict(self._walk("item", self._reverse))

    def __eq__(self, other):
        return _ordered._map_equals(self, other)

    __hash__ = None

    def __or__(self, other):
        return self.copy() | other if isinstance(other, Mapping) else NotImplemented

    def __ror__(self, other):
        if not isinstance(other, Mapping):
            return NotImplemented
        result = self.copy()
        for key, value in other.items():
            result.put_if_absent(key, value)
        return result

    def __ior__(self, other):
        self.update(other)
        return self

    @recursive_repr("SkipListSubMap({...})")
    def __repr__(self):
        entries = ", ".join([f"{key!r}: {value!r}" for key, value in self.items()])
        return f"{type(self).__name__}({', '.join([f'{{{entries}}}', *self._settings()])})"

    def _repr_pretty_(self, printer, cycle):
        print_map(printer, type(self).__name__, self.items(), cycle, self._settings())


class SkipListSubSet(_SetOfKeys, _Part, MutableSet):
    """A live set of the elements of an ordered set between two bounds, in its order or the opposite one.

    Made by `subset`, `descending` and `split`; otherwise as `SkipListSubMap`. Results of its algebra are sets of their own.
    """

    __slots__ = ("__weakref__", "_bounds", "_container", "_ranked", "_reverse")

    def _from_iterable(self, iterable):
        return _ordered._part_like(self._container, iterable)

    # ---- one element ----

    def _has(self, element):
        element = self._prepare(element, "__contains__")
        return _ordered._is_in(element, self._container) and self._includes(element)

    def add(self, element, /):
        """Add an element; ValueError if it lies outside of the range."""
        self._container.add(self._check(element, "add", "element"))

    def discard(self, element, /):
        """Remove an element if it is there."""
        element, is_there = self._find(element, "discard")
        if is_there:
            self._container.discard(element)

    def remove(self, element, /):
        """Remove an element; KeyError if it is not there."""
        prepared, is_there = self._find(element, "remove")
        if not is_there:
            raise KeyError(element)
        self._container.remove(prepared)

    # ---- order ----

    def first(self, *default):
        """Return the first element; the default, or KeyError without one, if there is none."""
        return self._end(False, False, default, "first")

    def last(self, *default):
        """Return the last element; the default, or KeyError without one, if there is none."""
        return self._end(True, False, default, "last")

    def floor(self, element, /):
        """Return the last element that is not behind `element`, or None."""
        return self._neighbour("floor", element, False)

    def ceiling(self, element, /):
        """Return the first element that is not in front of `element`, or None."""
        return self._neighbour("ceiling", element, False)

    def lower(self, element, /):
        """Return the last element in front of `element`, or None."""
        return self._neighbour("lower", element, False)

    def higher(self, element, /):
        """Return the first element behind `element`, or None."""
        return self._neighbour("higher", element, False)

    def pop_first(self, *default):
        """Remove and return an element that was the first at some instant during the call."""
        return self._pop_end(False, False, default, "pop_first")

    def pop_last(self, *default):
        """Remove and return an element that was the last at some instant during the call."""
        return self._pop_end(True, False, default, "pop_last")

    def pop(self):
        """Remove and return the first element; KeyError if there is none."""
        return self._pop_end(False, False, (), "pop")

    # ---- ranges ----

    def range(self, start=None, stop=None, *, inclusive=(True, False), reverse=False):
        """Return a view of the elements from `start` to `stop`: see `SkipListMap.keys`."""
        bounds = self._narrow(start, stop, inclusive)
        return SkipListKeysView(self._container, *bounds, bool(reverse) is not self._reverse)

    def irange(self, minimum=None, maximum=None, inclusive=(True, True), reverse=False):
        """Return an iterator over the elements from `minimum` to `maximum`: see `SkipListSet.irange`."""
        return iter(self.range(minimum, maximum, inclusive=inclusive, reverse=reverse))

    def subset(self, start=None, stop=None, *, inclusive=(True, False)):
        """Return a live set of the part of this range from `start` to `stop`: see `SkipListMap.submap`."""
        return self._part(start, stop, inclusive)

    def pop_range(
        self, start=None, stop=None, max_items=None, *, inclusive=(True, False), reverse=False
    ):
        """Remove elements; return a list of them: see `SkipListMap.pop_range`."""
        return self._pop_range(start, stop, max_items, inclusive, reverse, False)

    # ---- algebra: as SkipListSet's, of the elements that are in the range ----

    def update(self, *others):
        """Add all elements of the iterables; ValueError for one that lies outside of the range."""
        for other in others:
            for element in other:
                self.add(element)

    def union(self, *others):
        """Return a new set with the elements of this one and of all `others`."""
        return self.copy().union(*others)

    def intersection(self, *others):
        """Return a new set with the elements that are also in all `others`."""
        return self.copy().intersection(*others)

    def difference(self, *others):
        """Return a new set with the elements that are in none of the `others`."""
        return self.copy().difference(*others)

    def symmetric_difference(self, other, /):
        """Return a new set with the elements that are in exactly one of the two."""
        return self.copy().symmetric_difference(other)

    def intersection_update(self, *others):
        """Remove the elements that are missing in any of the `others`, one after another."""
        for element in self.copy().difference(self.intersection(*others)):
            self.discard(element)

    def difference_update(self, *others):
        """Remove the elements of all `others`, one after another."""
        for element in self.intersection(element for other in others for element in other):
            self.discard(element)

    def symmetric_difference_update(self, other, /):
        """Remove the elements that both have and add those that only `other` has, one after another."""
        theirs = list(other)
        both = self.intersection(theirs)
        new = self._from_iterable(element for element in theirs if not self._has(element))
        for element in new:
            self._check(element, "add", "element")
        self.update(new)
        for element in both:
            self.discard(element)

    def issubset(self, other, /):
        """Return whether every element is in `other`."""
        return self.copy().issubset(other)

    def issuperset(self, other, /):
        """Return whether every element of `other` is in this set."""
        return all(self._has(element) for element in other)

    def __or__(self, other):
        return self.union(other) if isinstance(other, Set) else NotImplemented

    __ror__ = __or__

    def __ior__(self, other):
        if not isinstance(other, Set):
            return NotImplemented
        self.update(other)
        return self

    def __iand__(self, other):
        if not isinstance(other, Set):
            return NotImplemented
        self.intersection_update(other)
        return self

    def __isub__(self, other):
        if not isinstance(other, Set):
            return NotImplemented
        self.difference_update(other)
        return self

    def __ixor__(self, other):
        if not isinstance(other, Set):
            return NotImplemented
        self.symmetric_difference_update(other)
        return self

    @recursive_repr("SkipListSubSet({...})")
    def __repr__(self):
        elements = ", ".join([repr(element) for element in self])
        return _ordered._shown(type(self).__name__, elements, self._settings())

    def _repr_pretty_(self, printer, cycle):
        print_elements(printer, type(self).__name__, "{}", self, cycle, self._settings())


from concurrent_collections import _ordered  # noqa: E402  (it imports this module first)
