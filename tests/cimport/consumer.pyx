# cython: language_level=3, freethreading_compatible=True, binding=False
"""What somebody writes who uses concurrent_collections from C level: cimport, nogil, link nothing.

Every function here runs detached from the interpreter; threads come from Python.
"""
from cpython.object cimport PyObject
from cpython.pycapsule cimport PyCapsule_New
from libc.stdint cimport INT64_MAX, int64_t, uint32_t, uint64_t, uintptr_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcmp

from concurrent_collections cimport capi


# ---- atomics and backoff: inline functions of the installed headers ----------------------

cdef capi.cc_atomic_u64 shared_counter


def count_up(int64_t times):
    """Add with a compare-and-swap loop that backs off, `times` times."""
    cdef uint64_t seen
    cdef capi.cc_backoff backoff
    with nogil:
        for _ in range(times):
            backoff = capi.cc_backoff_start(4, 256)
            seen = capi.cc_load_acquire_u64(&shared_counter)
            while not capi.cc_cas_acq_rel_u64(&shared_counter, &seen, seen + 1):
                capi.cc_backoff_step(&backoff)


def counted():
    return capi.cc_load_acquire_u64(&shared_counter)


# ---- reclamation: a shared cell whose old contents nobody frees too early -----------------

cdef struct Box:
    uint64_t first, second  # always equal: a reader that sees otherwise read freed memory
    uint64_t birth

cdef capi.cc_atomic_u64 boxes_made, boxes_freed
cdef capi.cc_atomic_uptr cell
cdef capi.cc_smr_domain *domain = NULL


cdef void free_box(const void *context, uintptr_t word, unsigned kind) noexcept nogil:
    cdef Box *box = <Box *>word
    box.first = 1
    box.second = 2
    free(box)
    capi.cc_fetch_add_acq_rel_u64(&boxes_freed, 1)


cdef Box *new_box(uint64_t content, uint64_t birth) noexcept nogil:
    cdef Box *box = <Box *>malloc(sizeof(Box))
    box.first = box.second = content
    box.birth = birth
    capi.cc_fetch_add_acq_rel_u64(&boxes_made, 1)
    return box


def open_cell():
    global domain
    domain = capi.cc_smr_domain_new(free_box, NULL)
    if domain == NULL:
        raise MemoryError
    capi.cc_store_release_uptr(&cell, <uintptr_t>new_box(7, 0))


def read_and_replace(int64_t times):
    """Read the cell, then put something new there. Returns how many reads saw freed memory."""
    cdef capi.cc_smr_guard guard
    cdef Box *box
    cdef uintptr_t old
    cdef int64_t broken = 0, i
    with nogil:
        for i in range(times):
            if capi.cc_smr_reserve(1) != 0 or capi.cc_smr_enter(domain, &guard) != 0:
                broken = -1
                break
            box = <Box *>capi.cc_smr_protect(&guard, &cell)
            broken += box.first != box.second
            box = new_box(i, capi.cc_smr_birth(&guard))
            old = capi.cc_exchange_seq_cst_uptr(&cell, <uintptr_t>box)
            capi.cc_smr_published(&guard)
            capi.cc_smr_leave(&guard)
            capi.cc_smr_retire(domain, old, 0, (<Box *>old).birth, sizeof(Box))
    return broken


def close_cell():
    """Returns how many boxes were made and how many freed."""
    global domain
    free_box(NULL, capi.cc_load_acquire_uptr(&cell), 0)
    capi.cc_smr_domain_free(domain)
    domain = NULL
    return capi.cc_load_acquire_u64(&boxes_made), capi.cc_load_acquire_u64(&boxes_freed)


# ---- the int64 -> word skip list ------------------------------------------------------------

cdef capi.cc_i64map *squares = NULL


def open_squares():
    global squares
    squares = capi.cc_i64map_new()
    if squares == NULL:
        raise MemoryError


def put_squares(int64_t start, int64_t stop, int64_t step):
    cdef int64_t key = start
    with nogil:
        while key < stop:
            capi.cc_i64map_put(squares, key, <uintptr_t>(key * key), NULL)
            key += step


def remove_odd(int64_t start, int64_t stop):
    """Remove what others may be removing too; returns how many removals were ours."""
    cdef int64_t key, won = 0
    with nogil:
        for key in range(start, stop):
            if key & 1:
                won += capi.cc_i64map_remove(squares, key, NULL)
    return won


def square_of(int64_t key):
    cdef uintptr_t value = 0
    if not capi.cc_i64map_get(squares, key, &value):
        raise KeyError(key)
    return value


def swap_in_and_out(int64_t key, int64_t times):
    """Insert, add by compare-and-swap and remove by compare-and-remove, beside others that do; returns how often all three were ours."""
    cdef uintptr_t seen
    cdef int64_t won = 0
    with nogil:
        for _ in range(times):
            if capi.cc_i64map_get_or_insert(squares, key, 1, &seen) < 0:
                break
            if capi.cc_i64map_replace_if(squares, key, seen, seen + 1) == capi.CC_I64MAP_PRESENT:
                won += capi.cc_i64map_remove_if(squares, key, seen + 1) == capi.CC_I64MAP_PRESENT
    return won


def entries_from(int64_t start, size_t room):
    cdef int64_t *keys = <int64_t *>malloc(room * sizeof(int64_t))
    cdef uintptr_t *values = <uintptr_t *>malloc(room * sizeof(uintptr_t))
    cdef int64_t found
    try:
        with nogil:
            found = capi.cc_i64map_scan(squares, start, keys, values, room)
        return [(keys[i], values[i]) for i in range(found)]
    finally:
        free(keys)
        free(values)


def length():
    return capi.cc_i64map_length(squares)


def close_squares():
    global squares
    capi.cc_i64map_free(squares)
    squares = NULL


# ---- counters --------------------------------------------------------------------------------

cdef capi.cc_atomic_counter *tickets = NULL
cdef capi.cc_striped_counter *counters[2]


def open_counters(int64_t first_ticket):
    global tickets
    tickets = capi.cc_atomic_counter_new(first_ticket)
    counters[0] = capi.cc_striped_counter_new(0)
    counters[1] = capi.cc_striped_counter_new(0)
    if tickets == NULL or counters[0] == NULL or counters[1] == NULL:
        raise MemoryError


def draw_and_count(int64_t times):
    """Draw tickets while there are any, and count attempts, then tickets. Returns the sum of the tickets."""
    cdef int64_t i, ticket, total = 0
    with nogil:
        for i in range(times):
            capi.cc_striped_counter_add(counters[0], 1)
            if capi.cc_atomic_counter_add(tickets, 1, &ticket) == capi.CC_COUNTER_OK:
                capi.cc_striped_counter_add(counters[1], 1)
                total += INT64_MAX - ticket
    return total


def look_at_counters(int64_t times):
    """How often fewer attempts than tickets were seen."""
    cdef int64_t wrong = 0, i
    cdef int64_t sums[2]
    with nogil:
        for i in range(times):
            capi.cc_striped_counter_sum_all(counters, 2, sums, NULL)
            wrong += sums[0] < sums[1]
    return wrong


def close_counters():
    """Returns the last ticket, and what was counted."""
    global tickets
    cdef int64_t attempts, drawn, high, last = capi.cc_atomic_counter_get(tickets)
    assert capi.cc_atomic_counter_add(tickets, 1, NULL) == capi.CC_COUNTER_OVERFLOW
    assert capi.cc_atomic_counter_compare_and_set(tickets, last, 0)
    assert capi.cc_atomic_counter_get_and_set(tickets, 7) == 0
    capi.cc_atomic_counter_set(tickets, 8)
    assert capi.cc_atomic_counter_get(tickets) == 8
    assert capi.cc_striped_counter_sum(counters[0], &attempts, NULL) == capi.CC_COUNTER_OK
    assert capi.cc_striped_counter_sum_then_reset(counters[1], &drawn, &high) == capi.CC_COUNTER_OK
    assert high == 0
    capi.cc_atomic_counter_free(tickets)
    capi.cc_striped_counter_free(counters[0])
    capi.cc_striped_counter_free(counters[1])
    tickets = NULL
    return last, attempts, drawn


# ---- comparators: orders of keys that run without Python ---------------------------------

cdef int64_t modulus = 10


cdef int compare_last_digits(int64_t a, int64_t b, void *context) noexcept nogil:
    cdef int64_t n = (<int64_t *>context)[0]
    cdef int64_t x = a % n, y = b % n
    return (x > y) - (x < y)


cdef int compare_bytes(PyObject *a, PyObject *b, void *context) noexcept nogil:
    """Shorter ones first."""
    if not is_bytes(a) or not is_bytes(b):
        return capi.CC_CANNOT_COMPARE
    cdef Py_ssize_t m = length_of(a), n = length_of(b)
    return (m > n) - (m < n) if m != n else memcmp(text_of(a), text_of(b), m)


cdef extern from "Python.h" nogil:
    # The same functions as of cpython.bytes, for objects that nobody takes a reference to.
    int is_bytes "PyBytes_CheckExact"(PyObject *o)
    Py_ssize_t length_of "PyBytes_GET_SIZE"(PyObject *o)
    char *text_of "PyBytes_AS_STRING"(PyObject *o)


def by_last_digit():
    cdef capi.cc_compare_int64s function = compare_last_digits
    return PyCapsule_New(<void *>function, capi.CC_COMPARE_INT64S, NULL), <uintptr_t>&modulus


def by_length():
    cdef capi.cc_compare_objects function = compare_bytes
    return PyCapsule_New(<void *>function, capi.CC_COMPARE_OBJECTS, NULL)
