# cython: language_level=3, freethreading_compatible=True
# distutils: language = c++
"""The same from C++: the headers' atomics, backoff and reclamation, and functions of the module."""
from libc.stdint cimport int64_t, uint64_t, uintptr_t

from concurrent_collections cimport capi

cdef capi.cc_atomic_u64 attempts


def count_in_map(int64_t key, int64_t times):
    """Count with compare-and-swap in a map of our own; what it says then, and how many attempts it took."""
    cdef capi.cc_i64map *counts = capi.cc_i64map_new()
    cdef uintptr_t seen = 0
    cdef capi.cc_backoff backoff
    if counts == NULL:
        raise MemoryError
    with nogil:
        capi.cc_store_relaxed_u64(&attempts, 0)
        for _ in range(times):
            backoff = capi.cc_backoff_start(4, 256)
            while capi.cc_i64map_put_if_absent(counts, key, 1, &seen) == capi.CC_I64MAP_PRESENT:
                capi.cc_fetch_add_acq_rel_u64(&attempts, 1)
                if capi.cc_i64map_replace_if(counts, key, seen, seen + 1) == capi.CC_I64MAP_PRESENT:
                    break
                capi.cc_backoff_step(&backoff)
        capi.cc_i64map_get(counts, key, &seen)
        capi.cc_i64map_free(counts)
    return seen, capi.cc_load_acquire_u64(&attempts)


def refuses_the_reserved_value():
    cdef capi.cc_i64map *counts = capi.cc_i64map_new()
    if counts == NULL:
        raise MemoryError
    cdef int answer = capi.cc_i64map_put(counts, 1, capi.CC_I64MAP_RESERVED, NULL)
    capi.cc_i64map_free(counts)
    return answer == capi.CC_I64MAP_BAD_VALUE
