# Weakly consistent iteration, for maps and sets alike: object_iterator.h.

cdef object parse_bound(object bound, const char *argument):
    # None, like a bound that is left out, is none: it has no order, so it is no key.
    if bound is None or bound is OPEN:
        return OPEN
    cc_key_check_bound(bound, argument)
    return bound


cdef tuple parse_inclusive(inclusive):
    if inclusive is True or inclusive is False:
        return inclusive, inclusive
    try:
        at_start, at_stop = inclusive
    except (TypeError, ValueError):
        raise TypeError(
            f"inclusive: expected a bool or a pair of bools, got {inclusive!r}") from None
    return bool(at_start), bool(at_stop)


cdef object iterate(object owner, cc_ordered *entries, object start, object stop,
                    bint start_inclusive, bint stop_inclusive, bint is_reversed, int want):
    cdef PyObject *low = NULL if start is OPEN else <PyObject *>start
    cdef PyObject *high = NULL if stop is OPEN else <PyObject *>stop
    if is_reversed:
        return cc_object_iterator_new(
            owner, entries, high, low,
            CC_FROM_ABOVE | (0 if stop_inclusive else CC_START_EXCLUSIVE)
            | (CC_STOP_INCLUSIVE if start_inclusive else 0), want)
    return cc_object_iterator_new(
        owner, entries, low, high,
        (0 if start_inclusive else CC_START_EXCLUSIVE) | (CC_STOP_INCLUSIVE if stop_inclusive else 0), want)


cdef cc_ordered *entries_of(object owner) except NULL:
    cdef cc_ordered *entries = cc_object_map_in(owner)
    if entries == NULL:
        raise TypeError(f"owner: expected an ordered container, got {type(owner).__name__}")
    return entries


def _iterate(owner, str want, start, stop, inclusive, bint reverse):
    """What views iterate with: want is "key", "value" or "item"."""
    cdef int w = CC_WANT_KEY if want == "key" else CC_WANT_VALUE if want == "value" else CC_WANT_ITEM
    at_start, at_stop = inclusive
    return iterate(owner, entries_of(owner), start, stop, at_start, at_stop, reverse, w)


def _count(owner, start, stop, inclusive):
    """What views count their entries with."""
    at_start, at_stop = inclusive
    return cc_object_scan_count(
        entries_of(owner),
        NULL if start is OPEN else <PyObject *>start, NULL if stop is OPEN else <PyObject *>stop,
        (0 if at_start else CC_START_EXCLUSIVE) | (CC_STOP_INCLUSIVE if at_stop else 0))
