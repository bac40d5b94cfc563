# The set protocol over cc_ordered, whose values are None, and its classes.


cdef class _OrderedSet(_Container):
    """What every ordered set of objects has, as `_OrderedMap` for maps. Not to be instantiated."""
    cdef cc_ordered *entries  # made with the instance

    def __init__(self, iterable=(), /, *, key=None, reverse=False, comparator=None, backend="auto"):
        cc_object_map_check_backend(self.entries, backend)
        set_order(self, self.entries, key, reverse, comparator)
        self.update(iterable)

    @property
    def comparator(self):
        """The order of the elements, a Comparator. Read-only: a container keeps its order for life."""
        return _comparator_of(self)

    @property
    def backend(self):
        """The algorithm behind the set: ``"lockfree"`` or ``"locked"``, as for ``SkipListMap``. Read-only."""
        return backend_of(self.entries)

    # ---- one element ----

    def __contains__(self, element):
        return cc_object_map_contains(self.entries, element)

    def add(self, element, /):
        """Add an element. Expected O(log n). Lock-free in a SkipListSet.

        Raises TypeError for an element that cannot be compared, ValueError for one that does not equal itself, such as NaN.
        """
        cc_object_map_add(self.entries, element)

    def discard(self, element, /):
        """Remove an element if it is there. Expected O(log n). Errors as for ``SkipListMap.get``. Lock-free in a SkipListSet."""
        cc_object_map_delete(self.entries, element)

    def remove(self, element, /):
        """Remove an element; raise KeyError if it is not there. If several threads remove it, one succeeds. Lock-free in a SkipListSet."""
        if not cc_object_map_delete(self.entries, element):
            raise KeyError(<object>cc_order_original(element))

    # ---- order ----

    def first(self, *default):
        """Return the smallest element; the default, or KeyError without one, if the set is empty.

        In a SkipListSet O(1) and lock-free, in a TreeSet O(log n).
        """
        return cc_object_map_neighbour(self.entries, NULL, CC_FIRST, CC_WANT_KEY, the_default(default, "first"))

    def last(self, *default):
        """Return the largest element; the default, or KeyError without one, if the set is empty. Expected O(log n). Lock-free in a SkipListSet."""
        return cc_object_map_neighbour(self.entries, NULL, CC_LAST, CC_WANT_KEY, the_default(default, "last"))

    def floor(self, element, /):
        """Return the largest element <= ``element``, or None. Expected O(log n). Lock-free in a SkipListSet."""
        return cc_object_map_neighbour(self.entries, <PyObject *>element, CC_FLOOR, CC_WANT_KEY, <PyObject *>None)

    def ceiling(self, element, /):
        """Return the smallest element >= ``element``, or None. Expected O(log n). Lock-free in a SkipListSet."""
        return cc_object_map_neighbour(self.entries, <PyObject *>element, CC_CEILING, CC_WANT_KEY, <PyObject *>None)

    def lower(self, element, /):
        """Return the largest element < ``element``, or None. Expected O(log n). Lock-free in a SkipListSet."""
        return cc_object_map_neighbour(self.entries, <PyObject *>element, CC_LOWER, CC_WANT_KEY, <PyObject *>None)

    def higher(self, element, /):
        """Return the smallest element > ``element``, or None. Expected O(log n). Lock-free in a SkipListSet."""
        return cc_object_map_neighbour(self.entries, <PyObject *>element, CC_HIGHER, CC_WANT_KEY, <PyObject *>None)

    def pop_first(self, *default):
        """Remove and return the element that was smallest at some instant during the call.

        Returns the default, or raises KeyError without one, if the set is empty. Each element goes to exactly one thread.
        Expected O(log n). Lock-free in a SkipListSet.
        """
        return cc_object_map_pop_end(self.entries, CC_FIRST, CC_WANT_KEY, the_default(default, "pop_first"))

    def pop_last(self, *default):
        """Remove and return the element that was largest at some instant during the call. Otherwise like ``pop_first``."""
        return cc_object_map_pop_end(self.entries, CC_LAST, CC_WANT_KEY, the_default(default, "pop_last"))

    def pop(self):
        """Remove and return the first element; raise KeyError if the set is empty. Lock-free in a SkipListSet."""
        return cc_object_map_pop_end(self.entries, CC_FIRST, CC_WANT_KEY, NULL)

    # ---- iteration ----

    def __iter__(self):
        return iterate(self, self.entries, OPEN, OPEN, True, True, False, CC_WANT_KEY)

    def __reversed__(self):
        return iterate(self, self.entries, OPEN, OPEN, True, True, True, CC_WANT_KEY)

    def range(self, start=None, stop=None, *, inclusive=(True, False), reverse=False):
        """Return a view of the elements from ``start`` to ``stop``; parameters and errors as for ``SkipListMap.keys``."""
        return KEYS_VIEW(
            self, parse_bound(cc_order_of_map(self.entries), start, b"start"),
            parse_bound(cc_order_of_map(self.entries), stop, b"stop"), parse_inclusive(inclusive), reverse)

    def irange(self, minimum=None, maximum=None, inclusive=(True, True), reverse=False):
        """Return an iterator over the elements from ``minimum`` to ``maximum``, as ``SortedSet.irange`` does.

        Both bounds belong to the range unless ``inclusive`` says otherwise. Errors and costs as for iterating ``range``.
        """
        return iter(self.range(minimum, maximum, inclusive=inclusive, reverse=reverse))

    # ---- ranges: what they promise and raise is said for maps ----

    def count_range(self, start=None, stop=None, *, inclusive=(True, False)):
        """Return how many elements lie from ``start`` to ``stop``, as ``SkipListMap.count_range`` does."""
        return _count_range(self, narrow(self, WHOLE, start, stop, inclusive, False))

    def clear_range(self, start=None, stop=None, *, inclusive=(True, False)):
        """Remove the elements from ``start`` to ``stop``; return how many this call has removed. As ``SkipListMap.clear_range``."""
        return _clear_range(self, narrow(self, WHOLE, start, stop, inclusive, False))

    def pop_range(self, start=None, stop=None, max_items=None, *, inclusive=(True, False), reverse=False):
        """Remove elements from ``start`` to ``stop``, up to ``max_items``; return them as a list. As ``SkipListMap.pop_range``."""
        return _pop_range(self, narrow(self, WHOLE, start, stop, inclusive, False), max_items, reverse, False)

    def subset(self, start=None, stop=None, *, inclusive=(True, False)):
        """Return a live set of the elements from ``start`` to ``stop``, with all methods of this one. As ``SkipListMap.submap``."""
        return SUB_SET(self, narrow(self, WHOLE, start, stop, inclusive, False), False)

    def descending(self):
        """Return a live set of the same elements in the opposite order. As ``SkipListMap.descending``."""
        return SUB_SET(self, WHOLE, True)

    def split(self, n):
        """Return a list of up to ``n`` live sets (``subset``) of about equal size, in order. As ``SkipListMap.split``."""
        return SUB_SET(self, WHOLE, False).split(n)

    def map_parts(self, function, n=None, *, executor=None):
        """Call ``function`` with each part of ``split(n)``, in threads; return its results. As ``SkipListMap.map_parts``."""
        return SUB_SET(self, WHOLE, False).map_parts(function, n, executor=executor)

    # ---- the whole ----

    def __len__(self):
        return cc_ordered_length(self.entries)

    def __bool__(self):
        return cc_ordered_length(self.entries) != 0

    def clear(self):
        """Remove all elements that are there when the call begins. O(n), compares none. Like ``SkipListMap.clear``."""
        cc_object_map_clear(self.entries)

    @classmethod
    def from_sorted(cls, elements, /, *, key=None, reverse=False, comparator=None, backend="auto"):
        """Return a new set of elements that ascend; parameters, errors and costs as for ``SkipListMap.from_sorted``."""
        from concurrent_collections._frozen import FrozenSkipListSet
        result = new_with_backend(cls, backend)
        frozen = FrozenSkipListSet.from_sorted(elements, key=key, reverse=reverse, comparator=comparator)
        cc_order_set(entries_of(result), order_in(frozen))
        cc_frozen_thaw(cc_frozen_in(frozen), entries_of(result))
        return result

    def copy(self):
        """Return a new set of the same class with the same elements (weakly consistent), without calling ``__init__``."""
        return set_like(self, self)

    def snapshot(self, start=None, stop=None, *, inclusive=(True, False)):
        """Return a FrozenSkipListSet, in the set's order, with the elements of one instant from ``start`` to ``stop``.

        Parameters, errors, costs, and what it promises, as for ``SkipListMap.snapshot``.

        >>> s = SkipListSet("abcd")
        >>> before = s.snapshot("b")
        >>> s.remove("c")
        >>> before
        FrozenSkipListSet({'b', 'c', 'd'})
        """
        from concurrent_collections._frozen import FrozenSkipListSet
        return FrozenSkipListSet(table_of_snapshot(self.entries, False, start, stop, inclusive))

    def frozen(self):
        """Return a FrozenSkipListSet with the same elements: ``FrozenSkipListSet(s)``. As ``SkipListMap.frozen``."""
        from concurrent_collections._frozen import FrozenSkipListSet
        return FrozenSkipListSet(self)

    def __reduce__(self):
        # The elements come with the state, after the set itself has been noted: one of them may
        # lead back to it. A subclass with a __setstate__ of its own gets the state alone.
        ours = type(self).__setstate__ is _OrderedSet.__setstate__
        arguments = order_and_backend(self, self.entries)
        if not ours:
            return _new_set, (type(self), list(self), *arguments), self.__getstate__()
        state = [list(self), self.__getstate__()]
        return (_new_set, (type(self), (), *arguments), state) if arguments else (NEW_OBJECT, (type(self),), state)

    def __setstate__(self, state):
        # A list is what __reduce__ has made. Otherwise as if there were no such method.
        if type(state) is list:
            elements, state = state
            _OrderedSet.update(self, elements)
        slots = None
        if type(state) is tuple and len(state) == 2:
            state, slots = state
        if state:
            self.__dict__.update(state)
        if slots:
            for name, value in slots.items():
                setattr(self, name, value)

    def flush(self):
        """Drop the references that wait for readers, as far as possible; return how many still wait. See ``SkipListMap.flush``."""
        return cc_ordered_flush(self.entries)

    def statistics(self):
        """Return how elements were compared while ``config.enable_statistics`` was set. As ``SkipListMap.statistics``."""
        return {"comparisons": cc_tally_of(self.entries)}

    @property
    def smr_scheme(self):
        """How this container reclaims removed entries: 'ibr' or 'debra'. See `config.smr_scheme`."""
        return SMR_SCHEMES[cc_ordered_scheme(self.entries)]

    # ---- algebra: named methods take any iterables, operators take sets. An element that does not
    # compare with those of this set is not in it, as if it were a built-in set. Where the set
    # changes, it is first found out what is to be done. ----

    @classmethod
    def _from_iterable(cls, iterable):
        return cls(iterable)

    def update(self, *others):
        """Add all elements of the iterables. O(k log n).

        One after another: if one raises (TypeError or ValueError, as for ``add``), those before it have been added. If a
        generator over this set adds elements ahead of itself, it meets them again: ``s.update(x + 1 for x in s)`` never ends.
        Signal handlers run meanwhile.
        """
        for other in others:
            if isinstance(other, _OrderedSet) and type(other).__iter__ is SET_ITER:
                cc_object_map_update(self.entries, (<_OrderedSet>other).entries, True)
            else:
                fill_keys(self.entries, other, None, CC_PUT_IF_ABSENT)

    def union(self, *others):
        """Return a new set with the elements of this set and of all ``others``. Errors as for ``add``."""
        result = self.copy()
        result.update(*others)
        return result

    def intersection(self, *others):
        """Return a new set with the elements that are in this set and in all ``others``.

        Elements of ``others`` that do not compare with this set's, or are NaN, are not in it; that is no error. O(n log k).
        """
        tests = [as_set(other, self) for other in others]
        return set_like(self, [element for element in self if is_in_all(element, tests)])

    def difference(self, *others):
        """Return a new set with the elements of this set that are in none of the ``others``. Errors as for ``intersection``."""
        tests = [as_set(other, self) for other in others]
        return set_like(self, [element for element in self if not is_in_any(element, tests)])

    def symmetric_difference(self, other, /):
        """Return a new set with the elements that are in exactly one of the two.

        Raises TypeError or ValueError, as ``add`` does, if an element that only ``other`` has cannot be ordered among the rest.
        """
        theirs = list(other)
        result = self.difference(theirs)
        result.update([element for element in theirs if not is_in(element, self)])
        return result

    def intersection_update(self, *others):
        """Remove the elements that are missing in any of the ``others``, one after another. Errors as for ``intersection``."""
        tests = [as_set(other, self) for other in others]
        for element in [element for element in self if not is_in_all(element, tests)]:
            cc_object_map_delete(self.entries, element)

    def difference_update(self, *others):
        """Remove the elements of all ``others``, one after another. Errors as for ``difference``."""
        for element in [element for other in others for element in other if is_in(element, self)]:
            cc_object_map_delete(self.entries, element)

    def symmetric_difference_update(self, other, /):
        """Remove the elements that both have and add those that only ``other`` has, one after another.

        Raises TypeError or ValueError for an element that cannot be ordered among the rest; the set is then unchanged.
        """
        theirs = list(other)
        both = [element for element in theirs if is_in(element, self)]
        # Added first, and put in an order of their own before: what has no place is found out
        # before anything changes.
        self.update(plain_set_like(self, [element for element in theirs if not is_in(element, self)]))
        for element in both:
            cc_object_map_delete(self.entries, element)

    def isdisjoint(self, other, /):
        """Return whether no element is in both. Errors as for ``intersection``."""
        for element in other:
            if is_in(element, self):
                return False
        return True

    def issubset(self, other, /):
        """Return whether every element of this set is in ``other``. Errors as for ``intersection``."""
        return is_within(self, as_set(other, self))

    def issuperset(self, other, /):
        """Return whether every element of ``other`` is in this set. Errors as for ``intersection``."""
        return is_within(other, self)

    def __or__(self, other):
        return self.union(other) if isinstance(other, AbstractSet) else NotImplemented

    def __ror__(self, other):
        return set_like(self, other).union(self) if isinstance(other, AbstractSet) else NotImplemented

    def __and__(self, other):
        return self.intersection(other) if isinstance(other, AbstractSet) else NotImplemented

    def __rand__(self, other):
        return self.intersection(other) if isinstance(other, AbstractSet) else NotImplemented

    def __sub__(self, other):
        return self.difference(other) if isinstance(other, AbstractSet) else NotImplemented

    def __rsub__(self, other):
        if not isinstance(other, AbstractSet):
            return NotImplemented
        return set_like(self, [element for element in other if not is_in(element, self)])

    def __xor__(self, other):
        return self.symmetric_difference(other) if isinstance(other, AbstractSet) else NotImplemented

    def __rxor__(self, other):
        return self.symmetric_difference(other) if isinstance(other, AbstractSet) else NotImplemented

    def __ior__(self, other):
        if not isinstance(other, AbstractSet):
            return NotImplemented
        self.update(other)
        return self

    def __iand__(self, other):
        if not isinstance(other, AbstractSet):
            return NotImplemented
        self.intersection_update(other)
        return self

    def __isub__(self, other):
        if not isinstance(other, AbstractSet):
            return NotImplemented
        self.difference_update(other)
        return self

    def __ixor__(self, other):
        if not isinstance(other, AbstractSet):
            return NotImplemented
        self.symmetric_difference_update(other)
        return self

    # ---- comparing ----

    # One method: Cython 3.3 does not compile __eq__ and its kind in a class whose base class is in
    # C.
    def __richcmp__(self, other, int op):
        if not isinstance(other, AbstractSet):
            return NotImplemented
        if op == Py_EQ or op == Py_NE:
            try:
                is_equal = self is other or (len(self) == len(other) and is_within(self, other) and keeps_all_equal(self, other))
            except TypeError:  # an element that the other's key function does not even take
                is_equal = False
            return is_equal if op == Py_EQ else not is_equal
        if op == Py_LE:
            return len(self) <= len(other) and is_within(self, other)
        if op == Py_LT:
            return len(self) < len(other) and is_within(self, other)
        if op == Py_GE:
            return len(self) >= len(other) and is_within(other, self)
        return len(self) > len(other) and is_within(other, self)

    __hash__ = None

    def __repr__(self):
        name = type(self).__name__
        if Py_ReprEnter(self):
            return f"{name}({{...}})"
        try:
            elements = ", ".join([repr(element) for element in self])
            return _shown(name, elements, _order_settings(_comparator_of(self)))
        finally:
            Py_ReprLeave(self)

    def _repr_pretty_(self, printer, bint cycle):
        """For IPython: as repr, but in lines that fit, and cut after as many elements as IPython likes."""
        if cycle or self:
            PRINT_ELEMENTS(printer, type(self).__name__, "{}", self, cycle, _order_settings(_comparator_of(self)))
        else:
            printer.text(repr(self))

    def __sizeof__(self):
        return object.__sizeof__(self) + cc_ordered_bytes(self.entries) + cc_tally_bytes(self.entries)

    @classmethod
    def __class_getitem__(cls, item, /):
        return GenericAlias(cls, item)


cdef object SET_ITER = _OrderedSet.__iter__  # a subclass may have its own, and then means that


cdef object as_set(other, _OrderedSet among):
    # Something with a fast `in` for elements of `among`. Not a built-in set of an iterable's
    # elements: they may have no hash. And only those that `among` has too: the others may not even
    # compare with each other.
    return other if isinstance(other, AbstractSet) else plain_set_like(
        among, [element for element in other if is_in(element, among)])


cdef bint is_in(element, container) except -1:
    # For the algebra of sets: what a set cannot even look for (no order with what is inside, a NaN,
    # no hash) is not in it. What comparisons of users raise comes out.
    cdef cc_ordered *entries = cc_object_map_in(container)
    if entries != NULL:
        return cc_object_map_has(entries, element)
    cdef cc_frozen *table = cc_frozen_in(container)
    if table != NULL:
        return cc_frozen_has(table, element)
    # isinstance asks their metaclass, each time.
    if type(container) is KEYS_VIEW or type(container) is ITEMS_VIEW or type(container) is SUB_SET:
        return container._has(element)
    try:
        return element in container
    except TypeError:
        try:
            hash(element)
        except TypeError:
            return False
        raise


def _is_in(element, container):
    """What views look for elements of other sets with."""
    return is_in(element, container)


cdef bint is_in_all(element, list containers) except -1:
    for container in containers:
        if not is_in(element, container):
            return False
    return True


cdef bint is_in_any(element, list containers) except -1:
    for container in containers:
        if is_in(element, container):
            return True
    return False


cdef bint is_within(small, large) except -1:
    for element in small:
        if not is_in(element, large):
            return False
    return True


cdef class SkipListSet(_OrderedSet):
    """SkipListSet(iterable=(), /, *, key=None, reverse=False, comparator=None, backend="auto")\n--\n\nA lock-free ordered set that any number of threads can use at once.

    Parameters
    ----------
    iterable : iterable, optional
        The elements to start with.
    key, reverse, comparator
        The order of the elements, as for SkipListMap.
    backend : str
        The algorithm, as for SkipListMap.

    Elements are ordered like the keys of SkipListMap, and guarantees, costs and source are the same: every operation on one
    element is linearizable and lock-free, and takes O(log n) expected time; ``in`` takes O(1) for an int, float, str or bytes
    that is there. Operations on whole sets take many steps and are not atomic.
    """


cc_container_class_add(<PyTypeObject *>SkipListSet, &cc_object_set_kind, &cc_skiplist_operations)
cc_container_type_publish(<PyTypeObject *>SkipListSet, b"concurrent_collections.SkipListSet", False)
cc_container_type_close(<PyTypeObject *>_OrderedSet)
MutableSet.register(_OrderedSet)
