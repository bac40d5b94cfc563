# What frozen maps and sets share.


cdef class _Frozen(_Container):
    """What frozen maps and sets share. Not to be instantiated."""
    cdef cc_frozen *table  # made with the instance

    @property
    def comparator(self):
        """The order of the keys, a Comparator."""
        return _comparator_of(self)

    # ---- positions ----

    def bisect_left(self, key, /):
        """Return the position of ``key``, or where it would be: how many keys are smaller.

        Raises TypeError for a key that does not compare with those that are there, ValueError for a NaN. O(log n). Wait-free but
        for comparisons in Python, as everything here.
        """
        cdef Py_ssize_t where = 0
        cc_frozen_find(self.table, key, CC_REFUSE_UNCOMPARABLE, &where)
        return where

    def bisect_right(self, key, /):
        """Return how many keys are smaller than ``key``, or equal. Errors and costs as for ``bisect_left``."""
        cdef Py_ssize_t where = 0
        cdef bint is_there = cc_frozen_find(self.table, key, CC_REFUSE_UNCOMPARABLE, &where)
        return where + is_there

    def bisect(self, key, /):
        """The same as ``bisect_right``."""
        return self.bisect_right(key)

    def index(self, key, /):
        """Return the position of ``key``; raise ValueError if it is not there. O(log n).

        Not there is also a key that Python refuses to compare with the others, as for ``in``.
        """
        cdef Py_ssize_t where = 0
        if not cc_frozen_find(self.table, key, CC_ABSENT_IF_BUILTIN, &where):
            raise ValueError(f"key: {key!r} is not in the {type(self).__name__}")
        return where

    def count_range(self, start=None, stop=None, *, inclusive=(True, False)):
        """Return how many keys lie between two bounds. Parameters and errors as for ``SkipListMap.keys``. O(log n)."""
        cdef Py_ssize_t first, end
        range_of(self.table, start, stop, inclusive, &first, &end)
        return end - first

    def islice(self, start=None, stop=None, reverse=False):
        """Return an iterator over the keys at the positions from ``start`` to ``stop``, which count as in a slice.

        With ``reverse`` it begins at the last of them.
        """
        first, end, _ = slice(start, stop).indices(self.table.count)
        length = max(end - first, 0)
        return cc_frozen_iterate(self.table, first + length - 1 if reverse else first, length, -1 if reverse else 1, CC_WANT_KEY)

    # ---- iteration ----

    def __iter__(self):
        return iterate(self.table, CC_WANT_KEY)

    def __reversed__(self):
        return cc_frozen_iterate(self.table, self.table.count - 1, self.table.count, -1, CC_WANT_KEY)

    # ---- the whole ----

    def __contains__(self, key):
        cdef Py_ssize_t where
        return cc_frozen_find(self.table, key, CC_ABSENT_IF_BUILTIN, &where) == 1

    def __len__(self):
        return self.table.count

    def __bool__(self):
        return self.table.count != 0

    def __sizeof__(self):
        return object.__sizeof__(self) + cc_frozen_bytes(self.table)

    def __getbuffer__(self, Py_buffer *view, int flags):
        cc_frozen_buffer(self.table, self, view, flags)

    # ---- copies ----

    def copy(self):
        """Return the container itself: it cannot change. Of a subclass, a copy with what it has added."""
        return self.__copy__()

    def __copy__(self):
        if is_plain(self):
            return self
        return restored(new_frozen(type(self), <object>self.table), self.__getstate__())

    def __deepcopy__(self, memo):
        # As of a tuple: itself, where all that it has is the same.
        before = keys_if_objects(self.table), values_if_any(self.table)
        keys, values = copy.deepcopy(before, memo)
        if id(self) in memo:
            return memo[id(self)]  # something in it leads back to it
        if is_plain(self) and are_same(before[0], keys) and are_same(before[1], values):
            return self
        format = format_of(self.table)
        result = _frozen_from(type(self), format, memoryview(self) if format else keys, values, _comparator_of(self))
        memo[id(self)] = result
        return restored(result, copy.deepcopy(self.__getstate__(), memo))

    def __reduce_ex__(self, protocol):
        format = format_of(self.table)
        if format is None:
            keys = keys_if_objects(self.table)
        else:
            keys = PickleBuffer(self) if protocol >= 5 else bytes(memoryview(self))
        arguments = type(self), format, keys, values_if_any(self.table)
        if cc_frozen_order(self.table) != cc_order_ascending_one():
            arguments += (_comparator_of(self),)
        return _frozen_from, arguments, self.__getstate__()

    @classmethod
    def __class_getitem__(cls, item, /):
        return GenericAlias(cls, item)


cdef bint is_plain(o):
    return type(o) is FrozenSkipListMap or type(o) is FrozenSkipListSet


cdef object iterate(cc_frozen *table, int want):
    return cc_frozen_iterate(table, 0, table.count, 1, want)


cdef int range_of(cc_frozen *table, start, stop, inclusive, Py_ssize_t *first, Py_ssize_t *end) except -1:
    start = parse_bound(cc_frozen_order(table), start, b"start")
    stop = parse_bound(cc_frozen_order(table), stop, b"stop")
    return frozen_range(table, start, stop, parse_inclusive(inclusive), first, end)


cdef object entry_at(cc_frozen *table, index, int want):
    # As a list of all entries would be indexed.
    position = operator.index(index)
    if position < 0:
        position += table.count
    if not 0 <= position < table.count:
        raise IndexError(f"index: {index} is out of range, there are {table.count} entries")
    return cc_frozen_get(table, position, want)


cdef object entries_in(cc_frozen *table, positions, int want):
    # The same for a slice.
    start, stop, step = positions.indices(table.count)
    # With a step of more than 64 bits there is one entry, or none.
    step = max(-sys.maxsize, min(step, sys.maxsize))
    return cc_frozen_list(table, start, len(range(start, stop, step)), step, want)


cdef object unordered_hash(cc_frozen *table, int want):
    # That of a frozenset of the same things, which may be compared with a frozen set.
    cdef Py_hash_t value = cc_frozen_hash(table)
    if value == -1:
        value = hash(frozenset(iterate(table, want)))
        cc_frozen_remember_hash(table, value)
    return value


# ---- orders ----

cdef object own_order(o):
    # The order of an ordered container, as an object; of anything else the ascending one.
    cdef cc_frozen *table = cc_frozen_in(o)
    cdef cc_ordered *entries = cc_object_map_in(o)
    if table != NULL:
        return <object>cc_order_object(cc_frozen_order(table))
    return <object>cc_order_object(cc_order_of_map(entries) if entries != NULL else cc_order_ascending_one())


cdef object order_of(table):
    return <object>cc_order_object(cc_frozen_order(<cc_frozen *>table))


cdef bint has_order(cc_frozen *table, order):
    return cc_order_is_same(cc_frozen_order(table), cc_order_in(order))


# ---- making instances ----

cdef object new_frozen(cls, table):
    # An instance of a class, perhaps a subclass whose own __new__ is not called.
    if (<cc_frozen *>table).has_values:
        return FrozenSkipListMap.__new__(cls, table)
    return FrozenSkipListSet.__new__(cls, table)


cdef int check_keywords(o, dict names) except -1:
    # As the built-in immutable types: a subclass's __init__ may take some.
    if names and type(o).__init__ is object.__init__:
        raise TypeError(f"{type(o).__name__}() takes no keyword arguments, got {', '.join(names)}")
    return 0


cdef object restored(o, state):
    # With the state that object.__getstate__ has given.
    if state is None:
        return o
    if hasattr(o, "__setstate__"):
        o.__setstate__(state)
        return o
    slots = None
    if type(state) is tuple and len(state) == 2:
        state, slots = state
    if state:
        o.__dict__.update(state)
    if slots:
        for name, value in slots.items():
            setattr(o, name, value)
    return o


# ---- pickles and copies: a format, keys, and values or None ----

cdef object format_of(cc_frozen *table):
    # Of keys that are numbers, as in struct; None: they are objects.
    if table.form == CC_FROZEN_OBJECTS:
        return None
    return ("<" if sys.byteorder == "little" else ">") + ("d" if table.form == CC_FROZEN_FLOATS else "q")


cdef object keys_if_objects(cc_frozen *table):
    return cc_frozen_list(table, 0, table.count, 1, CC_WANT_KEY) if table.form == CC_FROZEN_OBJECTS else None


cdef object values_if_any(cc_frozen *table):
    return cc_frozen_list(table, 0, table.count, 1, CC_WANT_VALUE) if table.has_values else None


cdef bint are_same(before, after):
    return before is None or all(map(operator.is_, before, after))


cdef object table_of_numbers(order, str format, keys, values):
    cdef Py_buffer view
    if len(format) != 2 or format[0] not in "<>" or format[1] not in "qd":
        raise ValueError(f"format: {format!r} is none of '<q', '>q', '<d', '>d'")
    if format[0] != ("<" if sys.byteorder == "little" else ">"):
        keys = array("Q", bytes(memoryview(keys)))
        keys.byteswap()
    PyObject_GetBuffer(keys, &view, PyBUF_SIMPLE)
    try:
        return cc_frozen_from_numbers(cc_order_in(order), format[1] == "d", view.buf, view.len, values)
    finally:
        PyBuffer_Release(&view)


def _frozen_from(cls, format, keys, values, comparator=None):
    """What pickles make a frozen container with."""
    cdef cc_frozen_builder b
    is_map = issubclass(cls, FrozenSkipListMap)
    if not is_map and not issubclass(cls, FrozenSkipListSet):
        raise TypeError(f"cls: expected a class of frozen containers, got {cls!r}")
    if is_map is (values is None):
        raise ValueError("values: expected a list for a map, and None for a set")
    if values is not None:
        values = tuple(values)
    order = _order_from(None, False, comparator) if comparator is not None else own_order(None)
    if format is not None:
        if not cc_order_is_natural(cc_order_in(order)):
            raise ValueError("format: numbers alone have no such comparator")
        return new_frozen(cls, table_of_numbers(order, format, keys, values))
    keys = tuple(keys)
    if is_map and len(keys) != len(values):
        raise ValueError("values: expected as many as there are keys")
    cc_frozen_begin(&b, is_map, cc_order_in(order))
    try:
        if is_map:
            for key, value in zip(keys, values):
                cc_frozen_add(&b, key, <PyObject *>value)
        else:
            for key in keys:
                cc_frozen_add(&b, key, NULL)
        return new_frozen(cls, cc_frozen_sorted(&b))
    finally:
        cc_frozen_end(&b)


# So that pickles do not name the family's module.
_frozen_from.__module__ = "concurrent_collections"
