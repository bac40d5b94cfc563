# Queues of objects, as Cython sees them: object_queue.h and csrc/queue/queue.h say what each one promises.
from libc.stdint cimport uint32_t, uint64_t

from concurrent_collections.object_store cimport cc_object_store

cdef extern from "queue/queue.h":
    ctypedef struct cc_queue:
        pass
    ctypedef enum cc_queue_kind:
        CC_QUEUE_SCQ, CC_QUEUE_LCRQ, CC_QUEUE_WAIT_FREE
    ctypedef struct cc_queue_options:
        size_t capacity
        uint32_t ring_slots, patience, spins, backoff_wait
    ctypedef struct cc_queue_statistics:
        uint64_t puts, gets, requests, most_steps
        uint32_t patience
    void cc_queue_get_statistics(const cc_queue *queue, cc_queue_statistics *out)
    bint cc_queue_kind_is_available(cc_queue_kind kind)
    const char *cc_queue_backend(const cc_queue *queue)
    bint cc_queue_is_wait_free(const cc_queue *queue)

cdef extern from "object_queue.h":
    cc_object_store *cc_object_queue_new(cc_queue_kind kind, const cc_queue_options *options) except NULL
    const cc_queue *cc_object_queue_core(const cc_object_store *s)
