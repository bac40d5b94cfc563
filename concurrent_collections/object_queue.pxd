# Queues of objects, as Cython sees them: object_queue.h and csrc/queue/queue.h say what each one promises.
from libc.stdint cimport uint32_t, uint64_t

from concurrent_collections.object_store cimport cc_object_store

cdef extern from "queue/queue.h":
    ctypedef struct cc_queue_options:
        size_t capacity
        uint32_t ring_slots, patience, spins, backoff_wait
    ctypedef struct cc_queue_statistics:
        uint64_t puts, gets, requests, most_steps
        uint32_t patience

cdef extern from "object_queue.h":
    ctypedef enum cc_object_queue_kind:
        CC_OBJECT_QUEUE_SCQ, CC_OBJECT_QUEUE_FAA, CC_OBJECT_QUEUE_LCRQ, CC_OBJECT_QUEUE_WAIT_FREE, CC_OBJECT_QUEUE_GIL
    bint cc_object_queue_is_available(cc_object_queue_kind kind)
    cc_object_store *cc_object_queue_new(cc_object_queue_kind kind, const cc_queue_options *options) except NULL
    const char *cc_object_queue_backend(const cc_object_store *s)
    bint cc_object_queue_is_wait_free(const cc_object_store *s)
    void cc_object_queue_get_statistics(const cc_object_store *s, cc_queue_statistics *out)
