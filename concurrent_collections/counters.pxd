# Counters, as Cython sees them: csrc/sync/counters.h and cc_counters.h say what each function promises.
from libc.stdint cimport int64_t, uint64_t

cdef extern from "concurrent_collections/cc_atomic.h":
    ctypedef struct cc_atomic_u64:
        pass
    uint64_t cc_load_seq_cst_u64(const cc_atomic_u64 *p)
    void cc_store_relaxed_u64(cc_atomic_u64 *p, uint64_t v)
    bint cc_cas_seq_cst_u64(cc_atomic_u64 *p, uint64_t *expected, uint64_t desired)

cdef extern from "concurrent_collections/cc_counters.h":
    ctypedef struct cc_atomic_counter:
        pass
    ctypedef struct cc_striped_counter:
        pass
    enum:
        CC_COUNTER_OK

cdef extern from "sync/counters.h":
    cc_atomic_counter *cc_atomic_counter_new(int64_t value)
    void cc_atomic_counter_free(cc_atomic_counter *counter)
    int64_t cc_atomic_counter_get(const cc_atomic_counter *counter)
    void cc_atomic_counter_set(cc_atomic_counter *counter, int64_t value)
    int64_t cc_atomic_counter_get_and_set(cc_atomic_counter *counter, int64_t value)
    int cc_atomic_counter_add(cc_atomic_counter *counter, int64_t amount, int64_t *now)
    int cc_atomic_counter_compare_and_set(cc_atomic_counter *counter, int64_t expected, int64_t value)
    size_t cc_atomic_counter_bytes()
    cc_striped_counter *cc_striped_counter_new(int64_t value)
    void cc_striped_counter_free(cc_striped_counter *counter)
    int cc_striped_counter_add(cc_striped_counter *counter, int64_t amount)
    int cc_striped_counter_sum(const cc_striped_counter *counter, int64_t *sum, int64_t *high)
    int cc_striped_counter_sum_then_reset(cc_striped_counter *counter, int64_t *sum, int64_t *high)
    int cc_striped_counter_sum_all(cc_striped_counter *const *counters, size_t count, int64_t *sums, int64_t *highs)
    int cc_striped_counter_sum_all_then_reset(cc_striped_counter *const *counters, size_t count, int64_t *sums,
                                              int64_t *highs)
    size_t cc_striped_counter_bytes(const cc_striped_counter *counter)
    bint cc_checked_add(cc_atomic_u64 *word, int64_t amount, int64_t *now)
