# Filling ordered containers with what iterables have.

# To iterate one of these runs no code of users, which would look for what still waits to be put.
cdef tuple PLAIN_COLLECTIONS = (list, tuple, dict, set, frozenset)
cdef tuple PLAIN_ITERABLES = (*PLAIN_COLLECTIONS, range)


cdef int fill_keys(cc_ordered *entries, iterable, value, int policy) except -1:
    # Put every element as a key, one after another, all with the same value.
    cdef cc_object_filler f
    cdef Py_ssize_t count = 0
    cc_object_fill_begin(&f, entries, policy, type(iterable) in PLAIN_ITERABLES)
    if type(iterable) in PLAIN_COLLECTIONS:
        cc_object_fill_expect(&f, len(iterable))
    try:
        for key in iterable:
            cc_object_fill_add(&f, key, value)
            count_item(&count)
    finally:  # also when a signal's handler raises: what has come so far is stored
        cc_object_fill_end(&f)
    return 0


cdef int fill_map(cc_ordered *entries, other) except -1:
    # What a mapping, or an iterable of pairs, has: one after another.
    cdef cc_object_filler f
    cdef Py_ssize_t count = 0
    cc_object_fill_begin(&f, entries, CC_PUT_ALWAYS, type(other) in PLAIN_ITERABLES)
    if type(other) in PLAIN_COLLECTIONS:
        cc_object_fill_expect(&f, len(other))
    try:
        if isinstance(other, dict) or isinstance(other, _OrderedMap) or isinstance(other, SUB_MAP):
            for key, value in other.items():
                cc_object_fill_add(&f, key, value)
                count_item(&count)
        elif hasattr(other, "keys"):
            for key in other.keys():
                cc_object_fill_add(&f, key, other[key])
                count_item(&count)
        else:
            for i, pair in enumerate(other):
                if type(pair) is not tuple and type(pair) is not list:
                    # Unpacking may run code of users.
                    cc_object_fill_flush(&f)
                try:
                    key, value = pair
                except (TypeError, ValueError) as error:
                    # Not iterable, or not two, which are dict's types too; or what the element's
                    # own __iter__ raises.
                    error.add_note(f"other: element {i} of the iterable, of type {type(pair).__name__}, "
                                   "cannot be unpacked into a key and a value")
                    raise
                cc_object_fill_add(&f, key, value)
                count_item(&count)
    finally:
        cc_object_fill_end(&f)
    return 0
