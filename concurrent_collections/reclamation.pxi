# Reclamation, as far as it concerns all containers of the process. The core's part is
# csrc/memory/flush.c and statistics.c.

import gc

cdef extern from "concurrent_collections/cc_smr.h":
    ctypedef struct cc_smr_domain_statistics:
        uint64_t era, limbo, limbo_bytes, oldest_age, oldest_thread
        uint32_t open_regions
        unsigned int scheme
    void cc_smr_get_domain_statistics(const cc_smr_domain *domain, cc_smr_domain_statistics *out)
    size_t cc_smr_flush_all()
    int cc_smr_anything_waits()
    uint64_t cc_smr_domain_count()

cdef extern from "object_type.h":
    cc_smr_domain *cc_container_domain(object o) except NULL


def flush():
    """Release what waits for readers in every container of the process; return how many things still wait.

    Normally the operation that removes an entry drops its references. They wait only if another thread is inside an operation
    that may have seen them; then a later operation on the container, the garbage collector, or this function drops them.
    Inside a finalizer that a release has called, it only counts. O(number of containers); may run finalizers.
    """
    return cc_smr_flush_all()


# What waits in a container that nobody uses would otherwise wait until somebody does, and it keeps
# alive what it refers to: cycles through it are not found. So a collection begins with a flush.
# Collections of the young are frequent: while flushes are no use (a reader pins things for long),
# they are left out in proportion to what a flush costs.
cdef extern from *:
    """
    #ifndef CONTAINERS_PER_SKIPPED_COLLECTION
    #define CONTAINERS_PER_SKIPPED_COLLECTION 16
    #endif
    """
    const uint64_t CONTAINERS_PER_SKIPPED_COLLECTION

cdef cc_atomic_u32 collections_to_skip


def _flush_before_collection(phase, info):
    """What gc.callbacks calls."""
    cdef uint32_t skip
    if not cc_smr_anything_waits() or phase != "start":
        return
    skip = cc_load_relaxed_u32(&collections_to_skip)
    if skip and info["generation"] < 2:
        cc_store_relaxed_u32(&collections_to_skip, skip - 1)
        return
    if cc_smr_flush_all():
        skip = min(cc_smr_domain_count() // CONTAINERS_PER_SKIPPED_COLLECTION, 1000)
    else:
        skip = 0
    cc_store_relaxed_u32(&collections_to_skip, skip)


if _flush_before_collection not in gc.callbacks:
    gc.callbacks.append(_flush_before_collection)


cdef extern from "memory/arena.h":
    unsigned int CC_ARENA_SIZES
    ctypedef struct cc_arena_blocks:
        uint64_t bytes, slabs, blocks, free
    void cc_arena_look(cc_arena_blocks *out)


def _node_blocks():
    """What smr.node_blocks() is made of: a tuple for each size."""
    cdef cc_arena_blocks looks[32]
    assert CC_ARENA_SIZES <= 32
    cc_arena_look(looks)
    return [(looks[i].bytes, looks[i].slabs, looks[i].blocks, looks[i].free) for i in range(CC_ARENA_SIZES)]


def _smr_statistics():
    """What smr.stats() is made of."""
    cdef cc_smr_statistics s
    cc_smr_get_statistics(&s)
    oldest = (s.oldest_age, s.oldest_thread) if s.open_regions else None
    return (s.domains, s.eras, s.limbo, s.limbo_bytes, s.open_regions, oldest, s.threads, s.retired, s.released,
            s.scans, s.retries, s.neutralizations, s.refusals, s.node_bytes)


def _smr_statistics_of(container):
    """What smr.stats(container) is made of."""
    cdef cc_smr_domain_statistics s
    cc_smr_get_domain_statistics(cc_container_domain(container), &s)
    oldest = (s.oldest_age, s.oldest_thread) if s.open_regions else None
    return SMR_SCHEMES[s.scheme], s.era, s.limbo, s.limbo_bytes, s.open_regions, oldest


# In builds for tests alone; elsewhere this does nothing.
cdef extern from "test_hooks.h":
    int cc_test_hooks_add(object namespace) except -1

cc_test_hooks_add(globals())
