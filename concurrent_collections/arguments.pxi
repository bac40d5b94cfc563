# What methods of ordered containers make of their arguments: for the family of those that change
# and for the frozen one.

# The bound that is not there. Ellipsis has no order, so it cannot be a key, and it can stand in a
# text signature, which a sentinel of our own cannot.
cdef object OPEN = ...


cdef object parse_bound(const cc_order *order, object bound, const char *argument):
    # Prepared: what takes it from here on calls no key function. None, like a bound that is left
    # out, is none: it has no order, so it is no key.
    if bound is None or bound is OPEN:
        return OPEN
    return cc_order_prepare_bound(order, bound, argument)


cdef tuple parse_inclusive(inclusive):
    if inclusive is True or inclusive is False:
        return inclusive, inclusive
    try:
        at_start, at_stop = inclusive
    except (TypeError, ValueError):
        raise TypeError(
            f"inclusive: expected a bool or a pair of bools, got {inclusive!r}") from None
    return bool(at_start), bool(at_stop)


cdef inline PyObject *given(object bound) noexcept:
    # A bound as the core takes it: borrowed; NULL is none.
    return NULL if bound is OPEN else <PyObject *>bound


cdef inline unsigned int flags_of(bint at_start, bint at_stop) noexcept:
    # What the core is told about the bounds that parse_inclusive gives.
    return (0 if at_start else CC_START_EXCLUSIVE) | (CC_STOP_INCLUSIVE if at_stop else 0)


cdef int frozen_range(cc_frozen *table, start, stop, inclusive, Py_ssize_t *first, Py_ssize_t *end) except -1:
    # Where a range lies in a table; the bounds as the functions above give them.
    at_start, at_stop = inclusive
    return cc_frozen_range(table, given(start), given(stop), flags_of(at_start, at_stop), first, end)


cdef PyObject *the_default(tuple default, str name) except? NULL:
    # Of a method that raises KeyError without one: NULL. The tuple keeps it.
    if not default:
        return NULL
    if len(default) > 1:
        raise TypeError(f"{name} expected at most 1 argument, got {len(default)}")
    return <PyObject *>default[0]


cdef dict chosen_order(key, reverse, comparator, backend="auto"):
    # What fromkeys hands on to a constructor, which may be a subclass's: what somebody has said.
    cdef dict chosen = {}
    if key is not None:
        chosen["key"] = key
    if reverse is not False:
        chosen["reverse"] = reverse
    if comparator is not None:
        chosen["comparator"] = comparator
    if type(backend) is not str or backend != "auto":
        chosen["backend"] = backend
    return chosen
