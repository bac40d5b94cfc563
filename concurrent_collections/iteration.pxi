# Iteration, for maps and sets alike: weakly consistent (object_iterator.h), or over what is frozen
# (object_frozen.h).

cdef object iterate(object owner, cc_ordered *entries, object start, object stop,
                    bint start_inclusive, bint stop_inclusive, bint is_reversed, int want):
    if is_reversed:
        return cc_object_iterator_new(
            owner, entries, given(stop), given(start),
            CC_FROM_ABOVE | flags_of(stop_inclusive, start_inclusive), want)
    return cc_object_iterator_new(
        owner, entries, given(start), given(stop), flags_of(start_inclusive, stop_inclusive), want)


cdef cc_ordered *entries_of(object owner) except NULL:
    cdef cc_ordered *entries = cc_object_map_in(owner)
    if entries == NULL:
        raise TypeError(f"owner: expected an ordered container, got {type(owner).__name__}")
    return entries


def _levels(owner):
    """How many nodes are linked on each level of an ordered container, the lowest first: for profiling.py."""
    cdef uint64_t counts[64]
    assert CC_MOST_LEVELS == 64
    return [counts[level] for level in range(cc_ordered_levels(entries_of(owner), counts, CC_MOST_LEVELS))]


def _iterate(owner, str want, start, stop, inclusive, bint reverse):
    """What views iterate with: want is "key", "value" or "item"."""
    cdef int w = CC_WANT_KEY if want == "key" else CC_WANT_VALUE if want == "value" else CC_WANT_ITEM
    cdef cc_frozen *table = cc_frozen_in(owner)
    cdef Py_ssize_t first, end
    if table != NULL:
        frozen_range(table, start, stop, inclusive, &first, &end)
        return cc_frozen_iterate(table, end - 1 if reverse else first, end - first, -1 if reverse else 1, w)
    at_start, at_stop = inclusive
    return iterate(owner, entries_of(owner), start, stop, at_start, at_stop, reverse, w)


def _count(owner, start, stop, inclusive):
    """What views count their entries with."""
    cdef cc_frozen *table = cc_frozen_in(owner)
    cdef Py_ssize_t first, end
    if table != NULL:
        frozen_range(table, start, stop, inclusive, &first, &end)
        return end - first
    at_start, at_stop = inclusive
    return cc_object_scan_count(
        entries_of(owner), given(start), given(stop), flags_of(at_start, at_stop))
