# Ranges of ordered containers, for maps, sets and live parts of them (_submaps.py). `bounds` is a
# tuple (start, stop, (at_start, at_stop)) in the container's own order, with OPEN for no bound.
# Bounds are prepared (object_order.h), and so are keys that are found here, until they are handed
# out.

cdef tuple WHOLE = (OPEN, OPEN, (True, True))

cdef extern from *:
    """
    #ifndef MOST_ATTEMPTS_IN_VAIN
    #define MOST_ATTEMPTS_IN_VAIN 10000 /* others would have to take an entry and put it back as often */
    #endif
    """
    int MOST_ATTEMPTS_IN_VAIN


cdef int set_range(cc_range *range, owner, tuple bounds, bint from_above) except -1:
    # Borrows the bounds. From above, the larger bound is where it starts, as in a scan.
    start, stop, inclusive = bounds
    at_start, at_stop = inclusive
    if from_above:
        start, stop, at_start, at_stop = stop, start, at_stop, at_start
    range.map = entries_of(owner)
    range.start = given(start)
    range.stop = given(stop)
    range.how = (CC_FROM_ABOVE if from_above else 0) | flags_of(at_start, at_stop)
    return 0


cdef int place_in(owner, tuple bounds, key) except -2:
    # -1 in front of the range, 0 in it, 1 behind it.
    cdef cc_range range
    set_range(&range, owner, bounds, False)
    return cc_range_place(&range, key, b"key")


cdef tuple tighter(owner, old, bint at_old, new, bint at_new, int direction):
    # The one of two bounds that lets through less: of starts the larger one (1), of stops the
    # smaller (-1).
    cdef int order
    if new is OPEN:
        return old, at_old
    if old is OPEN:
        return new, at_new
    order = cc_range_compare(entries_of(owner), new, old)
    if order == 0:
        return old, at_old and at_new
    return (new, at_new) if order == direction else (old, at_old)


cdef tuple narrow(owner, tuple bounds, start, stop, inclusive, bint reverse):
    # The part of a range between two more bounds; `reverse`: these are in the other order.
    first = parse_bound(order_in(owner), start, b"start")
    last = parse_bound(order_in(owner), stop, b"stop")
    at_first, at_last = parse_inclusive(inclusive)
    if reverse:
        first, last, at_first, at_last = last, first, at_last, at_first
    old_start, old_stop, old_inclusive = bounds
    at_old_start, at_old_stop = old_inclusive
    first, at_first = tighter(owner, old_start, at_old_start, first, at_first, 1)
    last, at_last = tighter(owner, old_stop, at_old_stop, last, at_last, -1)
    return first, last, (at_first, at_last)


# ---- neighbours and ends ----

cdef object neighbour_within(owner, tuple bounds, PyObject *key, int relation, int want):
    # The neighbour, with its key prepared, or MISSING where that lies outside.
    found = cc_object_map_neighbour(entries_of(owner), key, relation, want | CC_WANT_PREPARED, <PyObject *>MISSING)
    if found is MISSING or place_in(owner, bounds, found[0] if want == CC_WANT_ITEM else found):
        return MISSING
    return found


cdef object end_within(owner, tuple bounds, bint last, int want):
    start, stop, inclusive = bounds
    at_start, at_stop = inclusive
    if last:
        if stop is OPEN:
            return neighbour_within(owner, bounds, NULL, CC_LAST, want)
        return neighbour_within(owner, bounds, <PyObject *>stop, CC_FLOOR if at_stop else CC_LOWER, want)
    if start is OPEN:
        return neighbour_within(owner, bounds, NULL, CC_FIRST, want)
    return neighbour_within(owner, bounds, <PyObject *>start, CC_CEILING if at_start else CC_HIGHER, want)


cdef object handed_out(found, int want):
    if want != CC_WANT_ITEM:
        return <object>cc_order_original(found)
    key, value = found
    original = <object>cc_order_original(key)
    return found if original is key else (original, value)


cdef object or_default(found, tuple default, str name):
    cdef PyObject *otherwise = the_default(default, name)
    if found is not MISSING:
        return found
    if otherwise == NULL:
        raise KeyError("the range is empty")
    return <object>otherwise


def _end(owner, tuple bounds, bint last, bint item, tuple default, str name):
    """The first or last entry of a range."""
    cdef int want = CC_WANT_ITEM if item else CC_WANT_KEY
    found = end_within(owner, bounds, last, want)
    return or_default(MISSING, default, name) if found is MISSING else handed_out(found, want)


def _neighbour(owner, tuple bounds, str relation, key, bint item):
    """The entry of a range in that relation to a key, which need not lie in it; or None."""
    cdef int want = CC_WANT_ITEM if item else CC_WANT_KEY
    cdef bint upwards = relation == "ceiling" or relation == "higher"
    cdef int place
    key = cc_order_prepare(order_in(owner), key)
    place = place_in(owner, bounds, key)
    if place == (1 if upwards else -1):
        return None
    if place:
        found = end_within(owner, bounds, not upwards, want)
    else:
        found = neighbour_within(
            owner, bounds, <PyObject *>key,
            CC_CEILING if relation == "ceiling" else CC_HIGHER if upwards
            else CC_FLOOR if relation == "floor" else CC_LOWER, want)
    return None if found is MISSING else handed_out(found, want)


def _pop_end(owner, tuple bounds, bint last, bint item, tuple default, str name):
    """Remove the first or last entry of a range: one that was that at some point of the call."""
    cdef cc_ordered *entries = entries_of(owner)
    cdef int in_vain = 0
    last_key = last_value = MISSING
    while True:
        found = end_within(owner, bounds, last, CC_WANT_ITEM)
        if found is MISSING:
            return or_default(MISSING, default, name)
        key, value = found
        if cc_range_remove_exact(entries, key, value):
            return handed_out(found, CC_WANT_ITEM) if item else <object>cc_order_original(key)
        # Taken by somebody else; or an order that is none leads to it and not back.
        key = <object>cc_order_original(key)
        in_vain = in_vain + 1 if key is last_key and value is last_value else 0
        if in_vain == MOST_ATTEMPTS_IN_VAIN:
            raise RuntimeError(f"{name}: the comparator is no order: it leads to a key and does not find it there")
        last_key, last_value = key, value


# ---- many entries ----

def _map_equals(owner, other):
    """What live parts of maps compare with."""
    return map_equals(owner, other)


def _copy_range(owner, tuple bounds):
    """A new container of the owner's class with the entries of a range, made without ``__init__``."""
    start, stop, inclusive = bounds
    if not isinstance(owner, _OrderedMap):
        return set_like(owner, _iterate(owner, "key", start, stop, inclusive, False))
    result = map_like(owner)
    _OrderedMap.update(result, _iterate(owner, "item", start, stop, inclusive, False))
    return result


cdef object table_of_snapshot(cc_ordered *entries, bint has_values, start, stop, inclusive):
    # A frozen table of what lies between the bounds.
    cdef Py_ssize_t first, end
    cdef const cc_order *order = cc_order_of_map(entries)
    start, stop = parse_bound(order, start, b"start"), parse_bound(order, stop, b"stop")
    inclusive = parse_inclusive(inclusive)
    table = cc_frozen_snapshot(entries, has_values)
    if start is OPEN and stop is OPEN:
        return table
    frozen_range(<cc_frozen *>table, start, stop, inclusive, &first, &end)
    return cc_frozen_part(<cc_frozen *>table, first, end - first)


def _prepare(owner, key, *methods):
    """A key as views hand it on to several functions, so that key functions are called once (object_order.h).

    Where a subclass, or the container alone, has one of these `methods` of its own, which gets the key, it is the original.
    """
    return prepare(owner, key, methods)


cdef object prepare(owner, key, tuple methods):
    cdef const cc_order *order = order_in(owner)
    if key is OPEN or not order.is_ranked:
        return key
    if not methods_are_ours(owner, methods):
        return _original(key)
    prepared = cc_order_prepare(order, key)
    # A key function may change a class.
    return prepared if methods_are_ours(owner, methods) else _original(key)


cdef bint methods_are_ours(owner, tuple methods) except -1:
    # Where users cannot come between: by a subclass, by an attribute of the container, by
    # __getattribute__.
    for cls in _OUR_CLASSES:
        if isinstance(owner, cls):
            break
    else:
        return False
    if type(owner).__getattribute__ is not cls.__getattribute__:
        return not methods
    own = getattr(owner, "__dict__", ())
    for method in methods:
        if method in own or getattr(type(owner), method) is not getattr(cls, method):
            return False
    return True


def _is_ranked(owner):
    """Whether the order of a container prepares keys at all."""
    return order_in(owner).is_ranked


def _original(key):
    """What was prepared; anything else is itself."""
    return <object>cc_order_original(key)


# Those whose methods take what is prepared; the frozen family adds its own.
_OUR_CLASSES = [_OrderedMap, _OrderedSet]


def _contains_between(owner, key, start, stop, inclusive, bint forgives):
    """Whether a key is there, between the bounds of a view; `forgives`: one that does not compare is not there.

    First whether it is there: then it has an order with the bounds, too.
    """
    if start is OPEN and stop is OPEN:  # one look-up, so there is nothing to prepare
        return is_in(key, owner) if forgives else key in owner
    key = prepare(owner, key, ("__contains__",))
    is_there = is_in(key, owner) if forgives else key in owner
    return is_there and is_between(owner, key, start, stop, inclusive)


def _get_between(owner, key, start, stop, inclusive, default):
    """The value of a key that is there, between the bounds of a view, of which there is one; or the default."""
    key = prepare(owner, key, ("get",))
    found = owner.get(key, default)
    return found if found is default or is_between(owner, key, start, stop, inclusive) else default


def _place(owner, tuple bounds, key):
    """Where a key lies: -1 in front of the range, 0 in it, 1 behind it."""
    return place_in(owner, bounds, key)


def _narrow(owner, tuple bounds, start, stop, inclusive, bint reverse):
    """The bounds of a part of a range."""
    return narrow(owner, bounds, start, stop, inclusive, reverse)


def _count_range(owner, tuple bounds):
    """How many entries a range has."""
    start, stop, inclusive = bounds
    if start is OPEN and stop is OPEN:
        return cc_ordered_length(entries_of(owner))
    return _count(owner, start, stop, inclusive)


def _clear_range(owner, tuple bounds):
    """Remove what is in a range; return how many entries that were."""
    cdef cc_range range
    set_range(&range, owner, bounds, False)
    return cc_range_remove(&range, -1, CC_WANT_KEY, NULL)


def _pop_range(owner, tuple bounds, max_items, bint reverse, bint item):
    """Remove entries of a range; return them in a list."""
    cdef cc_range range
    cdef list popped = []
    cdef Py_ssize_t most = -1
    if max_items is not None:
        most = parse_count(max_items, "max_items", 0)
    set_range(&range, owner, bounds, reverse)
    try:
        cc_range_remove(&range, most, CC_WANT_ITEM if item else CC_WANT_KEY, <PyObject *>popped)
    except BaseException as error:
        if popped:
            set_attribute(error, "popped", popped)
            try:
                error.add_note(f"pop_range: {len(popped)} had been removed before; this exception has them as `popped`")
            except Exception as refusal:
                raise error from refusal
        raise
    return popped


def _split(owner, tuple bounds, n):
    """The bounds of up to ``n`` parts of a range, which are about equal in size, in order."""
    cdef cc_range range
    cdef Py_ssize_t parts = parse_count(n, "n", 1)
    cdef list result = []
    start, stop, inclusive = bounds
    at_start, at_stop = inclusive
    set_range(&range, owner, bounds, False)
    for cut in cc_range_cuts(&range, parts):
        if cut is OPEN:  # a comparator may have an order for it, but it is no bound
            continue
        result.append((start, cut, (at_start, False)))
        start, at_start = cut, True
    result.append((start, stop, (at_start, at_stop)))
    return result


cdef Py_ssize_t parse_count(number, str name, Py_ssize_t least) except -1:
    try:
        number = index(number)
    except TypeError:
        raise TypeError(f"{name}: expected an int, got {type(number).__name__}") from None
    if number < least:
        raise ValueError(f"{name}: expected at least {least}, got {number}")
    return min(number, PY_SSIZE_T_MAX)
