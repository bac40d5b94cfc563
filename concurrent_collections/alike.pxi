# New containers of a class, made without calling __init__: for copies, results and pickles.

cdef object BUILTIN = type(len)


cdef object backend_of(cc_ordered *entries):
    return cc_object_map_backend(entries).decode()


cdef bint is_as_begun(cls, cc_ordered *entries):
    # Is inside what __new__ makes without being told? Of a subclass's own nobody knows.
    return cc_object_map_is_automatic(entries) and type(cls.__new__) is BUILTIN


cdef tuple order_and_backend(self, cc_ordered *entries):
    # What a pickle has to tell of them, as arguments: those that the class does not begin with.
    if not is_as_begun(type(self), entries):
        return _comparator_of(self), backend_of(entries)
    if cc_order_of_map(entries) != cc_order_ascending_one():
        return _comparator_of(self),
    return ()


cdef object new_with_backend(cls, backend):
    if type(backend) is str and backend == "auto":
        return cls.__new__(cls)
    if type(cls.__new__) is BUILTIN:
        return checked_backend(cls.__new__(cls, backend=backend), backend)
    # A subclass's own may choose by itself, and take no such argument: it is told only if it has
    # made something else.
    result = cls.__new__(cls)
    cdef cc_ordered *entries = cc_object_map_in(result)
    if entries == NULL or cc_object_map_has_backend(entries, backend):
        return result
    try:
        told = cls.__new__(cls, backend=backend)
    except TypeError:  # which is the context of what this raises
        return checked_backend(result, backend)
    return checked_backend(told, backend)


cdef object checked_backend(result, backend):
    cdef cc_ordered *entries = cc_object_map_in(result)
    if entries != NULL:
        cc_object_map_check_backend(entries, backend)
    return result


cdef object new_like(cls, cc_ordered *like):
    # With the same algorithm inside.
    return new_with_backend(cls, "auto" if is_as_begun(cls, like) else backend_of(like))


def _new_map(cls, default_factory, comparator=None, backend="auto"):
    """For copies and pickles: a new map without entries, made without calling __init__."""
    return begin_map(new_with_backend(cls, backend), cls, default_factory, comparator)


cdef object begin_map(result, cls, default_factory, comparator):
    if not isinstance(result, _OrderedMap):
        raise TypeError(f"{cls.__name__}.__new__ has made no map, but {type(result).__name__}")
    if comparator is not None:
        set_order(result, entries_of(result), None, False, comparator)
    set_factory(result, default_factory)
    return result


cdef object map_like(_OrderedMap self):
    # Without entries, for copies and results.
    result = begin_map(new_like(type(self), self.entries), type(self), factory_of(self), None)
    cc_order_set(entries_of(result), cc_order_of_map(self.entries))
    return result


def _new_set(cls, elements, comparator=None, backend="auto"):
    """What pickles are made with: __new__, then the elements."""
    result = new_with_backend(cls, backend)
    set_order(result, entries_of(result), None, False, comparator)
    _OrderedSet.update(result, elements)
    return result


cdef object set_like(_OrderedSet self, elements):
    # What copies and results of set algebra are made with: of the same class and order.
    return filled_set(new_like(type(self), self.entries), self, elements)


cdef object filled_set(result, container, elements):
    cc_order_set(entries_of(result), order_in(container))
    _OrderedSet.update(result, elements)
    return result


cdef object plain_set_like(container, elements):
    return filled_set(SkipListSet.__new__(SkipListSet), container, elements)


def _set_like(container, elements):
    """What views make results of set algebra with."""
    return plain_set_like(container, elements)


def _part_like(_OrderedSet container, elements):
    """What live parts of sets make results of set algebra with: like the container."""
    return set_like(container, elements)


# So that pickles do not name the family's module.
_new_map.__module__ = _new_set.__module__ = "concurrent_collections"
