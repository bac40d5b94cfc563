# New containers of a class, made without calling __init__: for copies, results and pickles.

cdef object BUILTIN = type(len)
cdef str DEFAULT_BACKEND = "lockfree"  # what "auto" is: docs/tuning.md says why


cdef object backend_of(cc_ordered *entries):
    return cc_object_map_backend(entries).decode()


cdef object new_with_backend(cls, backend):
    # A __new__ that is a subclass's own may take no arguments: that one is only asked what it has
    # made.
    if type(cls.__new__) is BUILTIN and backend != "auto" and backend != DEFAULT_BACKEND:
        return cls.__new__(cls, backend=backend)
    result = cls.__new__(cls)
    cdef cc_ordered *entries = cc_object_map_in(result)
    if entries != NULL:
        cc_object_map_check_backend(entries, backend)
    return result


def _new_map(cls, default_factory, comparator=None, backend="auto"):
    """For copies and pickles: a new map without entries, made without calling __init__."""
    result = new_with_backend(cls, backend)
    if not isinstance(result, _OrderedMap):
        raise TypeError(f"{cls.__name__}.__new__ has made no map, but {type(result).__name__}")
    if comparator is not None:
        set_order(result, entries_of(result), None, False, comparator)
    set_factory(result, default_factory)
    return result


cdef object map_like(_OrderedMap self):
    # Without entries, for copies and results.
    result = _new_map(type(self), factory_of(self), None, backend_of(self.entries))
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
    result = new_with_backend(type(self), backend_of(self.entries))
    cc_order_set(entries_of(result), cc_order_of_map(self.entries))
    _OrderedSet.update(result, elements)
    return result


# So that pickles do not name the family's module.
_new_map.__module__ = _new_set.__module__ = "concurrent_collections"
