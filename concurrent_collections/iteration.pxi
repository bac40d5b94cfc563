# Weakly consistent iteration in chunks, for maps and sets alike.

cdef extern from *:
    """
    #ifndef FIRST_CHUNK
    #define FIRST_CHUNK 16
    #endif
    #ifndef LARGEST_CHUNK
    #define LARGEST_CHUNK 256
    #endif
    """
    const Py_ssize_t FIRST_CHUNK, LARGEST_CHUNK


cdef class _EntryIterator:
    # Entries are fetched a chunk at a time; between two steps nothing of the list is held. A chunk
    # is thrown away when this thread has changed the container since, and when it is another thread
    # that goes on: a thread does not get to see a key that it has just deleted. The attributes
    # below change, but only in the hands of the one caller who has raised `is_running`; a second
    # thread gets an exception, as from a generator.
    cdef object owner          # keeps `entries` alive; None when the iteration is over
    cdef cc_ordered *entries
    cdef list keys             # the chunk: its keys,
    cdef list results          # and what is handed out for each (the same list, for keys)
    cdef Py_ssize_t index, count, room
    cdef object first          # the first key that was handed out; OPEN: none yet
    cdef object start, stop    # bounds in the direction of travel; OPEN: none
    cdef bint start_is_exclusive, stop_is_inclusive, is_reversed, is_last
    cdef int want
    cdef uint64_t changes      # a mark of the thread that fetched the chunk
    cdef cc_atomic_u32 is_running

    def __iter__(self):
        return self

    def __next__(self):
        # What fetching lets go of. It dies at the end of this function, when the iterator is free
        # again: a finalizer may step it, too.
        cdef tuple old = None
        if cc_exchange_acq_rel_u32(&self.is_running, 1):
            raise ValueError("iterator already executing")
        try:
            if self.owner is None:
                raise StopIteration
            if self.index == self.count or cc_ordered_changes_by_this_thread(self.entries) != self.changes:
                old = (self.owner, self.keys, self.results, self.first, self.start, self.stop)
                self.fetch()
            result = self.results[self.index]
            self.index += 1
            return result
        finally:
            cc_store_release_u32(&self.is_running, 0)

    cdef int fetch(self) except -1:
        cdef PyObject *results = NULL
        cdef int is_last = 0
        if self.index == self.count:
            if self.is_last:
                self.finish()
            if self.room < LARGEST_CHUNK and self.count:
                self.room *= 2
        else:
            self.room = FIRST_CHUNK
        if self.index:
            if self.first is OPEN:
                self.first = self.keys[0]
            self.start = self.keys[self.index - 1]
            self.start_is_exclusive = True
        self.index = self.count = 0
        self.changes = cc_ordered_changes_by_this_thread(self.entries)
        self.keys = cc_object_map_scan(
            self.entries,
            NULL if self.start is OPEN else <PyObject *>self.start, self.start_is_exclusive,
            NULL if self.first is OPEN else <PyObject *>self.first,
            NULL if self.stop is OPEN else <PyObject *>self.stop, self.stop_is_inclusive,
            self.is_reversed, self.want, self.room, &results, &is_last)
        self.results = new_object(results)
        self.is_last = is_last
        self.count = len(self.keys)
        if self.count == 0:
            self.finish()
        return 0

    cdef int finish(self) except -1:
        self.owner = self.keys = self.results = None
        self.first = self.start = self.stop = OPEN
        raise StopIteration


cdef extern from *:
    """
    /* The identity: takes over a new reference that C code has written to a variable. */
    #define cc_new_object(o) (o)
    """
    object new_object "cc_new_object"(PyObject *o)


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


cdef _EntryIterator iterate(object owner, cc_ordered *entries, object start, object stop,
                            bint start_inclusive, bint stop_inclusive, bint is_reversed, int want):
    cdef _EntryIterator i = _EntryIterator.__new__(_EntryIterator)
    i.owner = owner
    i.entries = entries
    i.want = want
    i.room = FIRST_CHUNK
    i.first = OPEN
    i.is_reversed = is_reversed
    if is_reversed:
        i.start, i.stop = stop, start
        i.start_is_exclusive, i.stop_is_inclusive = not stop_inclusive, start_inclusive
    else:
        i.start, i.stop = start, stop
        i.start_is_exclusive, i.stop_is_inclusive = not start_inclusive, stop_inclusive
    return i


def _iterate(owner, str want, start, stop, inclusive, bint reverse):
    """What views iterate with: want is "key", "value" or "item"."""
    cdef cc_ordered *entries
    cdef int w = CC_WANT_KEY if want == "key" else CC_WANT_VALUE if want == "value" else CC_WANT_ITEM
    at_start, at_stop = parse_inclusive(inclusive)
    entries = cc_object_map_in(owner)
    if entries == NULL:
        raise TypeError(f"owner: expected an ordered container, got {type(owner).__name__}")
    return iterate(owner, entries, start, stop, at_start, at_stop, reverse, w)
