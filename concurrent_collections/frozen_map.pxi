# The mapping protocol over a frozen table.


cdef class FrozenSkipListMap(_Frozen):
    """FrozenSkipListMap(other=(), /, *, key=None, reverse=False, comparator=None)\n--\n\nAn ordered map that never changes: sorted arrays, with a hash.

    Parameters
    ----------
    other : mapping or iterable of pairs, optional
        The entries. Of equal keys the first one stays, with the last value, as in SkipListMap.
    key, reverse, comparator
        The order of the keys, as for SkipListMap. Without any of them it is that of ``other``, if this is an ordered container.

    Keys are what SkipListMap takes, in the same order. From a SkipListMap it is made by a scan, which compares nothing: weakly
    consistent while others change the map. What is sorted takes linear time, all else one sort.

    Any number of threads read it at once; everything is wait-free but for comparisons in Python. Looking for a key takes O(log n),
    a position O(1). It equals any mapping with equal entries, and has a hash if its keys and values have one: that of
    ``frozenset(m.items())``. It takes 16 bytes an entry where all keys are ints of 64 bits or all are floats, else 24 and the keys.

    Source: binary search over sorted arrays, for ``<`` as SkipListMap asks for it.
    """

    def __cinit__(self, other=(), /, *, key=None, reverse=False, comparator=None, **kwargs):
        check_keywords(self, kwargs)
        cc_frozen_hide(self)
        cc_frozen_show(self, map_table(other, _order_from(key, reverse, comparator)))

    @classmethod
    def fromkeys(cls, iterable, value=None, *, key=None, reverse=False, comparator=None):
        """Return a new map with the elements of ``iterable`` as keys, all with the same ``value``.

        The other keywords name the order, and go to the constructor if they are given.
        """
        return cls([(element, value) for element in iterable], **chosen_order(key, reverse, comparator))

    @classmethod
    def from_sorted(cls, items, /, *, key=None, reverse=False, comparator=None):
        """Return a new map of pairs whose keys ascend in the order that the keywords name, in linear time.

        Raises ValueError, with the position, if a key does not come after the one before it.
        """
        return new_frozen(cls, map_table_in_order(items, b"items", _order_from(key, reverse, comparator)))

    # ---- one key ----

    def __getitem__(self, key):
        cdef Py_ssize_t where
        if not cc_frozen_find(self.table, key, CC_ABSENT_IF_BUILTIN, &where):
            raise KeyError(<object>cc_order_original(key))
        return cc_frozen_get(self.table, where, CC_WANT_VALUE)

    def get(self, key, default=None):
        """Return the value of ``key``, or ``default``. O(log n). Errors as for ``SkipListMap.get``."""
        cdef Py_ssize_t where
        if not cc_frozen_find(self.table, key, CC_ABSENT_IF_BUILTIN, &where):
            return default
        return cc_frozen_get(self.table, where, CC_WANT_VALUE)

    def contains(self, key):
        """Return whether ``key`` is in the map; the same as ``key in m``."""
        return key in self

    # ---- order ----

    def first_key(self, *default):
        """Return the smallest key; the default, or KeyError without one, if the map is empty. O(1)."""
        return cc_frozen_neighbour(self.table, NULL, CC_FIRST, CC_WANT_KEY, the_default(default, "first_key"))

    def last_key(self, *default):
        """Return the largest key; the default, or KeyError without one, if the map is empty. O(1)."""
        return cc_frozen_neighbour(self.table, NULL, CC_LAST, CC_WANT_KEY, the_default(default, "last_key"))

    def floor_key(self, key):
        """Return the largest key <= ``key``, or None. O(log n)."""
        return cc_frozen_neighbour(self.table, <PyObject *>key, CC_FLOOR, CC_WANT_KEY, <PyObject *>None)

    def ceiling_key(self, key):
        """Return the smallest key >= ``key``, or None. O(log n)."""
        return cc_frozen_neighbour(self.table, <PyObject *>key, CC_CEILING, CC_WANT_KEY, <PyObject *>None)

    def lower_key(self, key):
        """Return the largest key < ``key``, or None. O(log n)."""
        return cc_frozen_neighbour(self.table, <PyObject *>key, CC_LOWER, CC_WANT_KEY, <PyObject *>None)

    def higher_key(self, key):
        """Return the smallest key > ``key``, or None. O(log n)."""
        return cc_frozen_neighbour(self.table, <PyObject *>key, CC_HIGHER, CC_WANT_KEY, <PyObject *>None)

    def first_item(self, *default):
        """Return the entry with the smallest key as a pair; the default, or KeyError without one, if the map is empty. O(1)."""
        return cc_frozen_neighbour(self.table, NULL, CC_FIRST, CC_WANT_ITEM, the_default(default, "first_item"))

    def last_item(self, *default):
        """Return the entry with the largest key as a pair; the default, or KeyError without one, if the map is empty. O(1)."""
        return cc_frozen_neighbour(self.table, NULL, CC_LAST, CC_WANT_ITEM, the_default(default, "last_item"))

    def floor_item(self, key):
        """Return the entry with the largest key <= ``key`` as a pair, or None. O(log n)."""
        return cc_frozen_neighbour(self.table, <PyObject *>key, CC_FLOOR, CC_WANT_ITEM, <PyObject *>None)

    def ceiling_item(self, key):
        """Return the entry with the smallest key >= ``key`` as a pair, or None. O(log n)."""
        return cc_frozen_neighbour(self.table, <PyObject *>key, CC_CEILING, CC_WANT_ITEM, <PyObject *>None)

    def lower_item(self, key):
        """Return the entry with the largest key < ``key`` as a pair, or None. O(log n)."""
        return cc_frozen_neighbour(self.table, <PyObject *>key, CC_LOWER, CC_WANT_ITEM, <PyObject *>None)

    def higher_item(self, key):
        """Return the entry with the smallest key > ``key`` as a pair, or None. O(log n)."""
        return cc_frozen_neighbour(self.table, <PyObject *>key, CC_HIGHER, CC_WANT_ITEM, <PyObject *>None)

    # ---- positions ----

    def peekitem(self, index=-1):
        """Return the entry at a position as a pair; negative positions count from the end. O(1).

        Raises IndexError if there is no such position.
        """
        return entry_at(self.table, index, CC_WANT_ITEM)

    def slice(self, start=None, stop=None, step=None, /):
        """Return a list of the entries at the positions of a slice, as pairs: ``list(m.items())[start:stop:step]``."""
        return entries_in(self.table, slice(start, stop, step), CC_WANT_ITEM)

    # ---- iteration ----

    def keys(self, start=None, stop=None, *, inclusive=(True, False), reverse=False):
        """Return a view of the keys from ``start`` to ``stop``. Parameters and errors as for ``SkipListMap.keys``.

        Iterating it costs O(log n) to begin, ``len`` O(log n).
        """
        return KEYS_VIEW(
            self, parse_bound(cc_frozen_order(self.table), start, b"start"),
            parse_bound(cc_frozen_order(self.table), stop, b"stop"), parse_inclusive(inclusive), reverse)

    def values(self, start=None, stop=None, *, inclusive=(True, False), reverse=False):
        """Return a view of the values in the order of their keys. Parameters and costs as for ``keys``."""
        return VALUES_VIEW(
            self, parse_bound(cc_frozen_order(self.table), start, b"start"),
            parse_bound(cc_frozen_order(self.table), stop, b"stop"), parse_inclusive(inclusive), reverse)

    def items(self, start=None, stop=None, *, inclusive=(True, False), reverse=False):
        """Return a view of the (key, value) pairs. Parameters and costs as for ``keys``."""
        return ITEMS_VIEW(
            self, parse_bound(cc_frozen_order(self.table), start, b"start"),
            parse_bound(cc_frozen_order(self.table), stop, b"stop"), parse_inclusive(inclusive), reverse)

    # ---- the whole ----

    def thaw(self):
        """Return a SkipListMap with the same entries. O(n), where the keys are of exact built-in types; else O(n log n)."""
        result = SkipListMap(comparator=_comparator_of(self))
        cc_frozen_thaw(self.table, cc_object_map_in(result))
        return result

    def to_dict(self):
        """Return a dict with the same entries, in this order."""
        return dict(iterate(self.table, CC_WANT_ITEM))

    def __or__(self, other):
        if not isinstance(other, Mapping):
            return NotImplemented
        theirs = map_table(other, own_order(self))
        return new_frozen(type(self), merge(<object>self.table, theirs, CC_ONLY_LEFT | CC_ONLY_RIGHT | CC_IN_BOTH))

    def __ror__(self, other):
        if not isinstance(other, Mapping):
            return NotImplemented
        theirs = map_table(other, own_order(self))
        return new_frozen(type(self), merge(theirs, <object>self.table, CC_ONLY_LEFT | CC_ONLY_RIGHT | CC_IN_BOTH))

    # One method: Cython 3.3 does not compile __eq__ in a class whose base class is in C.
    def __richcmp__(self, other, int op):
        if op != Py_EQ and op != Py_NE or not isinstance(other, Mapping):
            return NotImplemented
        return frozen_map_equals(self, other) == (op == Py_EQ)

    def __hash__(self):
        return unordered_hash(self.table, CC_WANT_ITEM)

    def __repr__(self):
        name = type(self).__name__
        if Py_ReprEnter(self):
            return f"{name}({{...}})"
        try:
            entries = ", ".join([f"{key!r}: {value!r}" for key, value in iterate(self.table, CC_WANT_ITEM)])
            return _shown(name, entries, _order_settings(_comparator_of(self)))
        finally:
            Py_ReprLeave(self)

    def _repr_pretty_(self, printer, bint cycle):
        """For IPython: as repr, but in lines that fit, and cut after as many entries as IPython likes."""
        if cycle or self:
            PRINT_MAP(printer, type(self).__name__, self.items(), cycle, _order_settings(_comparator_of(self)))
        else:
            printer.text(repr(self))

    def _ipython_key_completions_(self):
        """For IPython: what it offers after ``m[``; the first keys of a large map."""
        return list(self.islice(0, MOST_COMPLETIONS))


cdef object FROZEN_ITEMS = FrozenSkipListMap.items


cdef object merge(left, right, int wanted):
    return cc_frozen_merge(<cc_frozen *>left, <cc_frozen *>right, wanted)


cdef int add_item(cc_frozen_builder *b, pair, Py_ssize_t i, str argument) except -1:
    try:
        key, value = pair
    except (TypeError, ValueError) as error:
        # Not iterable, or not two, which are dict's types too; or what the element's own __iter__
        # raises.
        error.add_note(f"{argument}: element {i} of the iterable, of type {type(pair).__name__}, "
                       "cannot be unpacked into a key and a value")
        raise
    return cc_frozen_add(b, key, <PyObject *>value)


cdef object map_table(other, order):
    # The table of a map with these entries, in an order; None: their own.
    cdef cc_frozen_builder b
    cdef Py_ssize_t count = 0
    if cc_frozen_is_table(other) and (<cc_frozen *>other).has_values:
        return other
    order = own_order(other) if order is None else order
    if isinstance(other, FrozenSkipListMap) and type(other).items is FROZEN_ITEMS and has_order(
            (<FrozenSkipListMap>other).table, order):
        return <object>(<FrozenSkipListMap>other).table
    # Its type, whatever its __class__ says.
    if issubclass(type(other), ORDERED_MAP) and type(other).items is MAP_ITEMS and cc_order_is_same(
            cc_order_of_map(cc_object_map_in(other)), cc_order_in(order)):
        return cc_frozen_from_map(cc_object_map_in(other), True)
    cc_frozen_begin(&b, True, cc_order_in(order))
    try:
        if isinstance(other, dict) or isinstance(other, ORDERED_MAP) or isinstance(other, FrozenSkipListMap):
            for key, value in other.items():
                cc_frozen_add(&b, key, <PyObject *>value)
                count_item(&count)
        elif hasattr(other, "keys"):
            for key in other.keys():
                value = other[key]
                cc_frozen_add(&b, key, <PyObject *>value)
                count_item(&count)
        else:
            for pair in other:
                add_item(&b, pair, count, "other")
                count_item(&count)
        return cc_frozen_sorted(&b)
    finally:
        cc_frozen_end(&b)


cdef object map_table_in_order(items, const char *argument, order):
    cdef cc_frozen_builder b
    cdef Py_ssize_t count = 0
    order = own_order(None) if order is None else order
    cc_frozen_begin(&b, True, cc_order_in(order))
    try:
        for pair in items:
            add_item(&b, pair, count, "items")
            count_item(&count)
        return cc_frozen_in_order(&b, argument)
    finally:
        cc_frozen_end(&b)


cdef bint frozen_map_equals(FrozenSkipListMap self, other) except -1:
    if self is other:
        return True
    if isinstance(other, FrozenSkipListMap):
        return cc_frozen_equal(self.table, (<FrozenSkipListMap>other).table)
    if len(self) != len(other):
        return False
    for key, value in iterate(self.table, CC_WANT_ITEM):
        try:
            if key not in other:  # not other[key] alone: a defaultdict would make one up
                return False
        except (TypeError, OverflowError):  # a key that they cannot even look for
            return False
        try:
            theirs = other[key]
        except KeyError:  # gone since
            return False
        if not (theirs is value or theirs == value) or not _keeps_equal(key, other):
            return False
    return True


cc_container_class_add(<PyTypeObject *>FrozenSkipListMap, &cc_frozen_kind, <const void *>&cc_frozen_kind)
cc_container_type_publish(<PyTypeObject *>FrozenSkipListMap, b"concurrent_collections.FrozenSkipListMap", True)
Mapping.register(FrozenSkipListMap)
