# The public C-level API. `from concurrent_collections cimport capi`, add
# concurrent_collections.get_include() to the include path, link nothing.
#
# Atomics and backoff are inline functions of the installed headers; comparators are types alone. Reclamation, the int64 -> word map
# and counters are functions of the extension module, all nogil: they never touch a Python object. Structs are
# opaque. Stability: functions may be added; one whose signature changes fails at import, not at run time.
from cpython.object cimport PyObject
from libc.stdint cimport int64_t, uint32_t, uint64_t, uintptr_t

from concurrent_collections._core cimport *

cdef extern from "concurrent_collections/cc_atomic.h" nogil:
    ctypedef struct cc_atomic_u32:
        pass
    ctypedef struct cc_atomic_u64:
        pass

    uint64_t cc_load_relaxed_u64(const cc_atomic_u64 *p)
    uint64_t cc_load_acquire_u64(const cc_atomic_u64 *p)
    uint64_t cc_load_seq_cst_u64(const cc_atomic_u64 *p)
    void cc_store_relaxed_u64(cc_atomic_u64 *p, uint64_t v)
    void cc_store_release_u64(cc_atomic_u64 *p, uint64_t v)
    uint64_t cc_exchange_acq_rel_u64(cc_atomic_u64 *p, uint64_t v)
    uint64_t cc_exchange_seq_cst_u64(cc_atomic_u64 *p, uint64_t v)
    bint cc_cas_acq_rel_u64(cc_atomic_u64 *p, uint64_t *expected, uint64_t desired)
    bint cc_cas_seq_cst_u64(cc_atomic_u64 *p, uint64_t *expected, uint64_t desired)
    uint64_t cc_fetch_add_relaxed_u64(cc_atomic_u64 *p, uint64_t v)
    uint64_t cc_fetch_add_acq_rel_u64(cc_atomic_u64 *p, uint64_t v)
    uint64_t cc_fetch_add_seq_cst_u64(cc_atomic_u64 *p, uint64_t v)
    uint64_t cc_fetch_sub_acq_rel_u64(cc_atomic_u64 *p, uint64_t v)
    uint64_t cc_fetch_or_acq_rel_u64(cc_atomic_u64 *p, uint64_t v)
    uint64_t cc_fetch_or_seq_cst_u64(cc_atomic_u64 *p, uint64_t v)

    uint32_t cc_load_relaxed_u32(const cc_atomic_u32 *p)
    uint32_t cc_load_acquire_u32(const cc_atomic_u32 *p)
    uint32_t cc_load_seq_cst_u32(const cc_atomic_u32 *p)
    void cc_store_relaxed_u32(cc_atomic_u32 *p, uint32_t v)
    void cc_store_release_u32(cc_atomic_u32 *p, uint32_t v)
    uint32_t cc_exchange_acq_rel_u32(cc_atomic_u32 *p, uint32_t v)
    uint32_t cc_exchange_seq_cst_u32(cc_atomic_u32 *p, uint32_t v)
    bint cc_cas_acq_rel_u32(cc_atomic_u32 *p, uint32_t *expected, uint32_t desired)
    bint cc_cas_seq_cst_u32(cc_atomic_u32 *p, uint32_t *expected, uint32_t desired)
    uint32_t cc_fetch_add_relaxed_u32(cc_atomic_u32 *p, uint32_t v)
    uint32_t cc_fetch_add_acq_rel_u32(cc_atomic_u32 *p, uint32_t v)
    uint32_t cc_fetch_sub_acq_rel_u32(cc_atomic_u32 *p, uint32_t v)
    uint32_t cc_fetch_or_acq_rel_u32(cc_atomic_u32 *p, uint32_t v)

    uintptr_t cc_load_relaxed_uptr(const cc_atomic_uptr *p)
    uintptr_t cc_load_acquire_uptr(const cc_atomic_uptr *p)
    uintptr_t cc_load_seq_cst_uptr(const cc_atomic_uptr *p)
    void cc_store_relaxed_uptr(cc_atomic_uptr *p, uintptr_t v)
    void cc_store_release_uptr(cc_atomic_uptr *p, uintptr_t v)
    uintptr_t cc_exchange_acq_rel_uptr(cc_atomic_uptr *p, uintptr_t v)
    uintptr_t cc_exchange_seq_cst_uptr(cc_atomic_uptr *p, uintptr_t v)
    bint cc_cas_acq_rel_uptr(cc_atomic_uptr *p, uintptr_t *expected, uintptr_t desired)
    bint cc_cas_seq_cst_uptr(cc_atomic_uptr *p, uintptr_t *expected, uintptr_t desired)

    void cc_fence_seq_cst(cc_atomic_u64 *dummy)
    void cc_publish_u64(cc_atomic_u64 *p, uint64_t v)

cdef extern from "concurrent_collections/cc_backoff.h" nogil:
    ctypedef struct cc_backoff:
        pass
    cc_backoff cc_backoff_start(uint32_t first, uint32_t ceiling)
    void cc_backoff_step(cc_backoff *b)
    bint cc_backoff_is_spent(const cc_backoff *b)

cdef extern from "concurrent_collections/cc_comparator.h":
    ctypedef int (*cc_compare_objects)(PyObject *a, PyObject *b, void *context) noexcept nogil
    ctypedef int (*cc_compare_int64s)(int64_t a, int64_t b, void *context) noexcept nogil
    int CC_CANNOT_COMPARE
    const char *CC_COMPARE_OBJECTS  # names of capsules, for Comparator.from_c
    const char *CC_COMPARE_INT64S

cdef extern from "concurrent_collections/cc_arch.h" nogil:
    int CC_CACHE_LINE
    void cc_pause()
