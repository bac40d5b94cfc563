# The set protocol over a frozen table.


cdef class FrozenSkipListSet(_Frozen):
    """FrozenSkipListSet(iterable=(), /, *, key=None, reverse=False, comparator=None)\n--\n\nAn ordered set that never changes: a sorted array, with a hash.

    Parameters
    ----------
    iterable : iterable, optional
        The elements. Of equal ones the first stays.
    key, reverse, comparator
        The order of the elements, as for FrozenSkipListMap.

    As FrozenSkipListMap. It equals any set with the same elements, and has the hash that a frozenset of them has. Set algebra
    with another frozen set, or a SkipListSet, is a merge in linear time. It takes 8 bytes an element where all are ints of 64
    bits or all are floats, else 16 and the elements.
    """

    def __cinit__(self, iterable=(), /, *, key=None, reverse=False, comparator=None, **kwargs):
        check_keywords(self, kwargs)
        cc_frozen_hide(self)
        cc_frozen_show(self, set_table(iterable, _order_from(key, reverse, comparator)))

    @classmethod
    def from_sorted(cls, elements, /, *, key=None, reverse=False, comparator=None):
        """Return a new set of elements that ascend in the order that the keywords name, in linear time.

        Raises ValueError, with the position, if an element does not come after the one before it.
        """
        order = _order_from(key, reverse, comparator)
        return new_frozen(cls, set_table_of(elements, b"elements", own_order(None) if order is None else order))

    # ---- order ----

    def first(self, *default):
        """Return the smallest element; the default, or KeyError without one, if the set is empty. O(1)."""
        return cc_frozen_neighbour(self.table, NULL, CC_FIRST, CC_WANT_KEY, the_default(default, "first"))

    def last(self, *default):
        """Return the largest element; the default, or KeyError without one, if the set is empty. O(1)."""
        return cc_frozen_neighbour(self.table, NULL, CC_LAST, CC_WANT_KEY, the_default(default, "last"))

    def floor(self, element, /):
        """Return the largest element <= ``element``, or None. O(log n)."""
        return cc_frozen_neighbour(self.table, <PyObject *>element, CC_FLOOR, CC_WANT_KEY, <PyObject *>None)

    def ceiling(self, element, /):
        """Return the smallest element >= ``element``, or None. O(log n)."""
        return cc_frozen_neighbour(self.table, <PyObject *>element, CC_CEILING, CC_WANT_KEY, <PyObject *>None)

    def lower(self, element, /):
        """Return the largest element < ``element``, or None. O(log n)."""
        return cc_frozen_neighbour(self.table, <PyObject *>element, CC_LOWER, CC_WANT_KEY, <PyObject *>None)

    def higher(self, element, /):
        """Return the smallest element > ``element``, or None. O(log n)."""
        return cc_frozen_neighbour(self.table, <PyObject *>element, CC_HIGHER, CC_WANT_KEY, <PyObject *>None)

    def range(self, start=None, stop=None, *, inclusive=(True, False), reverse=False):
        """Return a view of the elements from ``start`` to ``stop``; parameters and errors as for ``SkipListMap.keys``."""
        return KEYS_VIEW(
            self, parse_bound(cc_frozen_order(self.table), start, b"start"),
            parse_bound(cc_frozen_order(self.table), stop, b"stop"), parse_inclusive(inclusive), reverse)

    # ---- positions ----

    def __getitem__(self, index):
        """The element at a position, or a list of those at the positions of a slice."""
        if isinstance(index, slice):
            return entries_in(self.table, index, CC_WANT_KEY)
        return entry_at(self.table, index, CC_WANT_KEY)

    # ---- algebra: as of SkipListSet, in new sets ----

    @classmethod
    def _from_iterable(cls, iterable):
        return cls(iterable)

    def thaw(self):
        """Return a SkipListSet with the same elements. Costs as for ``FrozenSkipListMap.thaw``."""
        result = SkipListSet(comparator=_comparator_of(self))
        cc_frozen_thaw(self.table, cc_object_map_in(result))
        return result

    def union(self, *others):
        """Return a new set with the elements of this set and of all ``others``.

        Raises TypeError or ValueError for an element that has no order among them.
        """
        table = <object>self.table
        for other in others:
            table = merge(table, set_table(other, own_order(self)), CC_ONLY_LEFT | CC_ONLY_RIGHT | CC_IN_BOTH)
        return new_frozen(type(self), table)

    def intersection(self, *others):
        """Return a new set with the elements of this set that are in all ``others``.

        An element of the others that does not compare with these, or is a NaN, is simply not one of these.
        """
        table = <object>self.table
        for other in others:
            table = those_in(table, other, True)
        return new_frozen(type(self), table)

    def difference(self, *others):
        """Return a new set with the elements of this set that are in none of the ``others``. Errors as for ``intersection``."""
        table = <object>self.table
        for other in others:
            table = those_in(table, other, False)
        return new_frozen(type(self), table)

    def symmetric_difference(self, other, /):
        """Return a new set with the elements that are in exactly one of the two. Errors as for ``union``."""
        return new_frozen(type(self), merge(<object>self.table, set_table(other, own_order(self)), CC_ONLY_LEFT | CC_ONLY_RIGHT))

    def isdisjoint(self, other, /):
        """Return whether no element is in both. Errors as for ``intersection``."""
        return not any_in(<object>self.table, other, True)

    def issubset(self, other, /):
        """Return whether every element of this set is in ``other``. Errors as for ``intersection``."""
        return not any_in(<object>self.table, other, False)

    def issuperset(self, other, /):
        """Return whether every element of ``other`` is in this set. Errors as for ``intersection``."""
        for element in other:
            if not cc_frozen_has(self.table, element):
                return False
        return True

    def __or__(self, other):
        return self.union(other) if isinstance(other, AbstractSet) else NotImplemented

    def __ror__(self, other):
        if not isinstance(other, AbstractSet):
            return NotImplemented
        return new_frozen(
            type(self),
            merge(set_table(other, own_order(self)), <object>self.table, CC_ONLY_LEFT | CC_ONLY_RIGHT | CC_IN_BOTH))

    def __and__(self, other):
        return self.intersection(other) if isinstance(other, AbstractSet) else NotImplemented

    def __rand__(self, other):
        return self.intersection(other) if isinstance(other, AbstractSet) else NotImplemented

    def __sub__(self, other):
        return self.difference(other) if isinstance(other, AbstractSet) else NotImplemented

    def __rsub__(self, other):
        if not isinstance(other, AbstractSet):
            return NotImplemented
        return new_frozen(
            type(self),
            set_table_of([element for element in other if not cc_frozen_has(self.table, element)], NULL, own_order(self)))

    def __xor__(self, other):
        return self.symmetric_difference(other) if isinstance(other, AbstractSet) else NotImplemented

    def __rxor__(self, other):
        return self.symmetric_difference(other) if isinstance(other, AbstractSet) else NotImplemented

    # ---- comparing ----

    # One method: Cython 3.3 does not compile __eq__ and its kind in a class whose base class is in
    # C.
    def __richcmp__(self, other, int op):
        if not isinstance(other, AbstractSet):
            return NotImplemented
        if op == Py_EQ or op == Py_NE:
            return frozen_set_equals(self, other) == (op == Py_EQ)
        if op == Py_LE:
            return len(self) <= len(other) and self.issubset(other)
        if op == Py_LT:
            return len(self) < len(other) and self.issubset(other)
        if op == Py_GE:
            return len(self) >= len(other) and self.issuperset(other)
        return len(self) > len(other) and self.issuperset(other)

    def __hash__(self):
        return unordered_hash(self.table, CC_WANT_KEY)

    def __repr__(self):
        name = type(self).__name__
        if Py_ReprEnter(self):
            return f"{name}({{...}})"
        try:
            elements = ", ".join([repr(element) for element in iterate(self.table, CC_WANT_KEY)])
            return _shown(name, elements, _order_settings(_comparator_of(self)))
        finally:
            Py_ReprLeave(self)

    def _repr_pretty_(self, printer, bint cycle):
        """For IPython: as repr, but in lines that fit, and cut after as many elements as IPython likes."""
        if cycle or self:
            PRINT_ELEMENTS(printer, type(self).__name__, "{}", self, cycle, _order_settings(_comparator_of(self)))
        else:
            printer.text(repr(self))


cdef object FROZEN_ITER = FrozenSkipListSet.__iter__


cdef object set_table(iterable, order):
    # The table of a set with these elements, in an order; None: their own.
    if cc_frozen_is_table(iterable) and not (<cc_frozen *>iterable).has_values:
        return iterable
    order = own_order(iterable) if order is None else order
    known = known_table(iterable, order)
    return set_table_of(iterable, NULL, order) if known is None else known


cdef object known_table(o, order):
    # The same for what has that order already; None for all else.
    kind = type(o)
    if isinstance(o, FrozenSkipListSet) and kind.__iter__ is FROZEN_ITER:
        return <object>(<FrozenSkipListSet>o).table if has_order((<FrozenSkipListSet>o).table, order) else None
    if kind is FrozenSkipListMap:
        return cc_frozen_keys_of((<FrozenSkipListMap>o).table) if has_order((<FrozenSkipListMap>o).table, order) else None
    # Its type, whatever its __class__ says.
    if issubclass(kind, ORDERED_SET) and kind.__iter__ is SET_ITER and cc_order_is_same(
            cc_order_of_map(cc_object_map_in(o)), cc_order_in(order)):
        return cc_frozen_from_map(cc_object_map_in(o), False)
    return None


cdef object set_table_of(iterable, const char *argument, order):
    # From elements in any order, or by the name of the argument in ascending order.
    cdef cc_frozen_builder b
    cdef Py_ssize_t count = 0
    cc_frozen_begin(&b, False, cc_order_in(order))
    try:
        for element in iterable:
            cc_frozen_add(&b, element, NULL)
            count_item(&count)
        return cc_frozen_sorted(&b) if argument == NULL else cc_frozen_in_order(&b, argument)
    finally:
        cc_frozen_end(&b)


# What does not compare with the elements here is not one of them, as if these were built-in sets. A
# merge that comes upon such elements raises, and then each is looked for by itself.

cdef bint is_in(element, container) except -1:
    cdef cc_frozen *table = cc_frozen_in(container)
    return cc_frozen_has(table, element) if table != NULL else _is_in(element, container)


cdef object as_container(other, table):
    # Something with a fast `in` for elements of the table: of an iterable, those that the table has
    # too. The others may not even compare with each other.
    if isinstance(other, AbstractSet):
        return other
    return new_frozen(FrozenSkipListSet, set_table_of(
        [element for element in other if cc_frozen_has(<cc_frozen *>table, element)], NULL, order_of(table)))


cdef object those_in(table, other, bint wanted):
    # The table of those elements that are in `other`, or are not.
    theirs = known_table(other, order_of(table))
    if theirs is not None:
        try:
            return merge(table, theirs, CC_IN_BOTH if wanted else CC_ONLY_LEFT)
        except TypeError:
            pass
    container = as_container(other, table)
    return set_table_of(
        [element for element in iterate(<cc_frozen *>table, CC_WANT_KEY) if is_in(element, container) == wanted],
        NULL, order_of(table))


cdef bint any_in(table, other, bint wanted) except -1:
    # Whether there is such an element.
    theirs = known_table(other, order_of(table))
    if theirs is not None:
        try:
            return cc_frozen_differ(<cc_frozen *>table, <cc_frozen *>theirs, CC_IN_BOTH if wanted else CC_ONLY_LEFT)
        except TypeError:
            pass
    container = as_container(other, table)
    for element in iterate(<cc_frozen *>table, CC_WANT_KEY):
        if is_in(element, container) == wanted:
            return True
    return False


cdef bint frozen_set_equals(FrozenSkipListSet self, other) except -1:
    if self is other:
        return True
    if isinstance(other, FrozenSkipListSet):
        return cc_frozen_equal(self.table, (<FrozenSkipListSet>other).table)
    return len(self) == len(other) and self.issubset(other) and _keeps_all_equal(
        iterate(self.table, CC_WANT_KEY), other)


cc_container_class_add(<PyTypeObject *>FrozenSkipListSet, &cc_frozen_kind, NULL)
cc_container_type_publish(<PyTypeObject *>FrozenSkipListSet, b"concurrent_collections.FrozenSkipListSet", False)
cc_container_type_close(<PyTypeObject *>_Frozen)
AbstractSet.register(FrozenSkipListSet)
