# What the extension module exports at C level. Users cimport `concurrent_collections.capi`, which
# brings this together with the inline parts; functions come through __pyx_capi__, so users link nothing.
from libc.stdint cimport int64_t, uint64_t, uintptr_t

cdef extern from "concurrent_collections/cc_atomic.h" nogil:
    ctypedef struct cc_atomic_uptr:
        pass

cdef extern from "concurrent_collections/cc_smr.h" nogil:
    ctypedef struct cc_smr_domain:
        pass
    ctypedef struct cc_smr_guard:
        pass
    ctypedef void (*cc_smr_release)(const void *context, uintptr_t word, unsigned int kind) noexcept nogil

cdef extern from "concurrent_collections/cc_i64map.h" nogil:
    ctypedef struct cc_i64map:
        pass
    enum:
        CC_I64MAP_NO_MEMORY
        CC_I64MAP_BAD_VALUE
        CC_I64MAP_ABSENT
        CC_I64MAP_PRESENT
        CC_I64MAP_MISMATCH
    const uintptr_t CC_I64MAP_RESERVED

cdef extern from "concurrent_collections/cc_counters.h" nogil:
    ctypedef struct cc_atomic_counter:
        pass
    ctypedef struct cc_striped_counter:
        pass
    enum:
        CC_COUNTER_OK
        CC_COUNTER_OVERFLOW

# ---- written by tools/write_c_api; edit the headers ----
# concurrent_collections/cc_smr.h
cdef cc_smr_domain *cc_smr_domain_new(cc_smr_release release, const void *context) noexcept nogil
cdef void cc_smr_domain_free(cc_smr_domain *domain) noexcept nogil
cdef int cc_smr_enter(cc_smr_domain *domain, cc_smr_guard *guard) noexcept nogil
cdef void cc_smr_leave(cc_smr_guard *guard) noexcept nogil
cdef uintptr_t cc_smr_protect(cc_smr_guard *guard, const cc_atomic_uptr *source) noexcept nogil
cdef uint64_t cc_smr_birth(cc_smr_guard *guard) noexcept nogil
cdef void cc_smr_published(cc_smr_guard *guard) noexcept nogil
cdef int cc_smr_reserve(unsigned int n) noexcept nogil
cdef int cc_smr_retire(cc_smr_domain *domain, uintptr_t word, unsigned int kind, uint64_t birth,
                       size_t bytes) noexcept nogil
cdef size_t cc_smr_flush(cc_smr_domain *domain) noexcept nogil
cdef size_t cc_smr_limbo_count(const cc_smr_domain *domain) noexcept nogil
cdef void cc_smr_domain_join_flushes(cc_smr_domain *domain) noexcept nogil
# concurrent_collections/cc_i64map.h
cdef cc_i64map *cc_i64map_new() noexcept nogil
cdef void cc_i64map_free(cc_i64map *map) noexcept nogil
cdef int cc_i64map_get(cc_i64map *map, int64_t key, uintptr_t *value) noexcept nogil
cdef int cc_i64map_put(cc_i64map *map, int64_t key, uintptr_t value, uintptr_t *old) noexcept nogil
cdef int cc_i64map_put_if_absent(cc_i64map *map, int64_t key, uintptr_t value,
                                 uintptr_t *existing) noexcept nogil
cdef int cc_i64map_get_or_insert(cc_i64map *map, int64_t key, uintptr_t value, uintptr_t *now) noexcept nogil
cdef int cc_i64map_replace_if(cc_i64map *map, int64_t key, uintptr_t expected, uintptr_t value) noexcept nogil
cdef int cc_i64map_remove(cc_i64map *map, int64_t key, uintptr_t *old) noexcept nogil
cdef int cc_i64map_remove_if(cc_i64map *map, int64_t key, uintptr_t expected) noexcept nogil
cdef int cc_i64map_first(cc_i64map *map, int64_t *found, uintptr_t *value) noexcept nogil
cdef int cc_i64map_last(cc_i64map *map, int64_t *found, uintptr_t *value) noexcept nogil
cdef int cc_i64map_floor(cc_i64map *map, int64_t key, int64_t *found, uintptr_t *value) noexcept nogil
cdef int cc_i64map_ceiling(cc_i64map *map, int64_t key, int64_t *found, uintptr_t *value) noexcept nogil
cdef int cc_i64map_lower(cc_i64map *map, int64_t key, int64_t *found, uintptr_t *value) noexcept nogil
cdef int cc_i64map_higher(cc_i64map *map, int64_t key, int64_t *found, uintptr_t *value) noexcept nogil
cdef int cc_i64map_pop_first(cc_i64map *map, int64_t *found, uintptr_t *value) noexcept nogil
cdef int cc_i64map_pop_last(cc_i64map *map, int64_t *found, uintptr_t *value) noexcept nogil
cdef int64_t cc_i64map_scan(cc_i64map *map, int64_t start, int64_t *keys, uintptr_t *values,
                            size_t room) noexcept nogil
cdef size_t cc_i64map_length(const cc_i64map *map) noexcept nogil
cdef size_t cc_i64map_bytes(const cc_i64map *map) noexcept nogil
cdef size_t cc_i64map_flush(cc_i64map *map) noexcept nogil
# concurrent_collections/cc_counters.h
cdef cc_atomic_counter *cc_atomic_counter_new(int64_t value) noexcept nogil
cdef void cc_atomic_counter_free(cc_atomic_counter *counter) noexcept nogil
cdef int64_t cc_atomic_counter_get(const cc_atomic_counter *counter) noexcept nogil
cdef void cc_atomic_counter_set(cc_atomic_counter *counter, int64_t value) noexcept nogil
cdef int64_t cc_atomic_counter_get_and_set(cc_atomic_counter *counter, int64_t value) noexcept nogil
cdef int cc_atomic_counter_add(cc_atomic_counter *counter, int64_t amount, int64_t *now) noexcept nogil
cdef int cc_atomic_counter_compare_and_set(cc_atomic_counter *counter, int64_t expected,
                                           int64_t value) noexcept nogil
cdef cc_striped_counter *cc_striped_counter_new(int64_t value) noexcept nogil
cdef void cc_striped_counter_free(cc_striped_counter *counter) noexcept nogil
cdef int cc_striped_counter_add(cc_striped_counter *counter, int64_t amount) noexcept nogil
cdef int cc_striped_counter_sum(const cc_striped_counter *counter, int64_t *sum, int64_t *high) noexcept nogil
cdef int cc_striped_counter_sum_then_reset(cc_striped_counter *counter, int64_t *sum,
                                           int64_t *high) noexcept nogil
cdef int cc_striped_counter_sum_all(cc_striped_counter *const *counters, size_t count, int64_t *sums,
                                    int64_t *highs) noexcept nogil
cdef int cc_striped_counter_sum_all_then_reset(cc_striped_counter *const *counters, size_t count,
                                               int64_t *sums, int64_t *highs) noexcept nogil
