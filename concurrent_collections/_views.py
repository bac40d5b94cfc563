"""Live views of a part of an ordered container."""

from collections.abc import ItemsView, Iterable, KeysView, Set, ValuesView
from reprlib import recursive_repr

from concurrent_collections._pretty import print_elements

_MISSING = object()
_ATTRIBUTES = (
    "_given",
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
        self._given = None  # of a copy at first: its bounds
        self._start = start
        self._stop = stop
        self._inclusive = inclusive
        self._reverse = bool(reverse)

    def __iter__(self):
        return self._walk(self._reverse)

    def __reversed__(self):
        return self._walk(not self._reverse)

    def _walk(self, reverse):
        if self._given is not None:
            self._prepare_given()
        return _ordered._iterate(
            self._mapping, self._want, self._start, self._stop, self._inclusive, reverse
        )

    def _columns(self, *wanted):
        """Columns of numbers, of one scan: see columns.pxi."""
        from concurrent_collections import _frozen  # which imports this module first

        if self._given is not None:
            self._prepare_given()
        bounds = self._start, self._stop, self._inclusive
        return _frozen._columns(self._mapping, bounds, self._reverse, wanted)

    def _array(self, dtype, copy):
        # What numpy makes of keys or values: of numbers in one copy, of all else as of a list. It is no window to the
        # container, so it is read-only, whatever it was made of, unless somebody wants a copy of their own.
        import numpy

        if copy is False:
            raise ValueError("copy: the entries of a view lie in no array, so False is impossible")
        try:
            (column,) = self._columns((self._want, None))
        except (TypeError, OverflowError):
            column = list(self)
        array = (numpy.array if copy else numpy.asarray)(column, dtype=dtype)
        array.flags.writeable = bool(copy)
        return array

    def _is_whole(self):
        if self._given is not None:
            self._prepare_given()
        return self._start is ... and self._stop is ...

    def __getstate__(self):
        # Bounds as they were given. A copy prepares them when it is first used: while it is made, its keys may be half made, too.
        rest, slots = super().__getstate__()
        bounds = slots.pop("_start", ...), slots.pop("_stop", ...)
        if slots["_given"] is None:
            slots["_given"] = [_ordered._original(bound) for bound in bounds]
        return rest, slots

    def _prepare_given(self):
        given = self._given
        if given is not None:  # no other thread was faster
            self._start, self._stop = (_ordered._prepare(self._mapping, b) for b in given)
            self._given = None

    def _contains_key(self, key, forgives):
        if self._given is not None:
            self._prepare_given()
        return _ordered._contains_between(
            self._mapping, key, self._start, self._stop, self._inclusive, forgives
        )

    def __len__(self):
        if self._is_whole():
            return len(self._mapping)
        return _ordered._count(self._mapping, self._start, self._stop, self._inclusive)

    def __bool__(self):
        if self._is_whole():
            return bool(self._mapping)
        return any(True for _ in self._walk(False))  # the first entry is enough

    @recursive_repr("...")
    def __repr__(self):
        return f"{type(self).__name__}({list(self)!r})"

    def _repr_pretty_(self, printer, cycle):
        print_elements(printer, type(self).__name__, "[]", self, cycle)

    def _from_iterable(self, iterable):
        # Results of set operations: ordered as the container is.
        return _ordered._set_like(self._mapping, iterable)


class _SetOfKeys:
    """What `Set` would do with `in`, with look-ups that never fail because things do not compare.

    An element that does not compare with the keys, or is a NaN, is not in the view, as if it were a built-in
    set. What comparisons of users raise comes out.
    """

    __slots__ = ()

    def __le__(self, other):
        if not isinstance(other, Set):
            return NotImplemented
        return len(self) <= len(other) and all(_ordered._is_in(e, other) for e in self)

    def __ge__(self, other):
        if not isinstance(other, Set):
            return NotImplemented
        return len(self) >= len(other) and all(self._has(e) for e in other)

    def isdisjoint(self, other):
        """Return whether no element of `other` is in this view."""
        return not any(self._has(e) for e in other)

    def __and__(self, other):
        if not isinstance(other, Iterable):
            return NotImplemented
        return self._from_iterable([e for e in other if self._has(e)])

    __rand__ = __and__

    def __sub__(self, other):
        if not isinstance(other, Iterable):
            return NotImplemented
        if not isinstance(other, Set):
            other = self & other
        return self._from_iterable([e for e in self if not _ordered._is_in(e, other)])

    def __rsub__(self, other):
        if not isinstance(other, Iterable):
            return NotImplemented
        return self._from_iterable([e for e in other if not self._has(e)])

    def __xor__(self, other):
        if not isinstance(other, Iterable):
            return NotImplemented
        theirs = list(other)
        return (self - theirs) | (theirs - self)

    __rxor__ = __xor__


class SkipListKeysView(_SetOfKeys, _Bounds, KeysView):
    """Keys of an ordered map, or elements of an ordered set, between two bounds. A live set."""

    __slots__ = _ATTRIBUTES

    def __contains__(self, key):
        if self._given is None and self._start is ... and self._stop is ...:
            return key in self._mapping
        return self._contains_key(key, False)

    def __array__(self, dtype=None, copy=None):
        """For numpy.asarray: the keys in one copy, if all are ints of 64 bits, or all floats."""
        return self._array(dtype, copy)

    def _has(self, key):
        return self._contains_key(key, True)


class SkipListValuesView(_Bounds, ValuesView):
    """Values between two keys, in the order of their keys. Live; `in` searches through all of them."""

    __slots__ = _ATTRIBUTES
    _want = "value"

    def __contains__(self, value):
        return any(v is value or v == value for v in self)

    def __array__(self, dtype=None, copy=None):
        """For numpy.asarray: the values by one scan, if they are ints of 64 bits and floats."""
        return self._array(dtype, copy)


class SkipListItemsView(_SetOfKeys, _Bounds, ItemsView):
    """(key, value) pairs between two keys. A live set."""

    __slots__ = _ATTRIBUTES
    _want = "item"

    def _from_iterable(self, iterable):
        return set(iterable)  # values need not have an order

    def __contains__(self, item):
        try:
            key, value = item
        except (TypeError, ValueError):
            return False
        return self._holds(key, value)

    def _holds(self, key, value):
        if self._given is not None:
            self._prepare_given()
        if self._start is ... and self._stop is ...:
            found = self._mapping.get(key, _MISSING)
        else:
            found = _ordered._get_between(
                self._mapping, key, self._start, self._stop, self._inclusive, _MISSING
            )
        return found is value or (found is not _MISSING and found == value)

    def _has(self, item):
        try:
            key, value = item
        except (TypeError, ValueError):
            return False
        key = _ordered._prepare(self._mapping, key, "get")
        return _ordered._is_in(key, self._mapping) and self._holds(key, value)


from concurrent_collections import _ordered  # noqa: E402  (it imports this module first)
