# Semaphores, as Cython sees them: csrc/sync/semaphore.h says what each function promises.
from libc.stdint cimport uint64_t

from concurrent_collections.waiting cimport cc_event_count, cc_waiter

cdef extern from "sync/semaphore.h":
    ctypedef struct cc_semaphore:
        pass
    uint64_t CC_MOST_PERMITS
    void cc_semaphore_begin(cc_semaphore *s, cc_event_count *line, uint64_t value, uint64_t most, bint is_fair)
    bint cc_semaphore_try(cc_semaphore *s)
    cc_waiter *cc_semaphore_wake(cc_semaphore *s, uint64_t *n)
