# Queues of objects, as Cython sees them. See object_queue.h for what each one promises. Everything here
# needs an attached thread state: none of it is nogil.
from libc.stdint cimport uint32_t, uint64_t

from cpython.object cimport PyObject, PyTypeObject

from concurrent_collections.object_type cimport visitproc

cdef extern from "queue/queue.h":
    ctypedef struct cc_queue:
        pass
    ctypedef enum cc_queue_kind:
        CC_QUEUE_SCQ, CC_QUEUE_LCRQ, CC_QUEUE_WAIT_FREE
    ctypedef struct cc_queue_options:
        size_t capacity
        uint32_t ring_slots, patience, spins, backoff_wait
    bint cc_queue_kind_is_available(cc_queue_kind kind)
    size_t cc_queue_length(const cc_queue *queue)
    size_t cc_queue_capacity(const cc_queue *queue)
    bint cc_queue_is_closed(const cc_queue *queue)
    const char *cc_queue_backend(const cc_queue *queue)
    bint cc_queue_is_wait_free(const cc_queue *queue)

cdef extern from "sync/event_count.h":
    ctypedef enum cc_waiter_kind:
        CC_WAITER_FOREIGN
    ctypedef struct cc_waiter:  # some fields
        cc_waiter *next
        void *owner
        uint64_t turn
    void cc_waiter_init(cc_waiter *w, cc_waiter_kind kind, void *owner)
    bint cc_waiter_take(cc_waiter *w)

cdef extern from "waiting.h":
    uint64_t CC_NOT_AT_ALL, CC_FOR_EVER
    void cc_waiting_begin(int (*deliver)(PyObject *) noexcept, int (*may_sleep)(const char *) except -1, object nothing)
    void cc_waiting_note_main_thread(unsigned long ident)
    bint cc_waiting_is_main_thread()
    void cc_let_tests_in(const char *moment)
    int cc_deadline_of(object block, object timeout, uint64_t *deadline) except -1
    int cc_let_interpreter_in() except -1
    int CC_ITEMS_PER_LOOK

cdef extern from "object_queue.h":
    int CC_FOR_AN_ITEM, CC_FOR_ROOM
    ctypedef struct cc_object_queue:
        pass
    void cc_object_queues_begin(object empty, object full, object shut_down)
    cc_object_queue *cc_object_queue_new(cc_queue_kind kind, const cc_queue_options *options) except NULL
    void cc_object_queue_free(cc_object_queue *q)
    int cc_object_queue_put(cc_object_queue *q, object item, uint64_t deadline) except -1
    bint cc_object_queue_try_put(cc_object_queue *q, object item) except -1
    object cc_object_queue_get(cc_object_queue *q, uint64_t deadline)
    object cc_object_queue_try_get(cc_object_queue *q, object otherwise)
    int cc_object_queue_get_many(cc_object_queue *q, object items, Py_ssize_t most, uint64_t deadline) except -1
    int cc_object_queue_drain(cc_object_queue *q, object items, Py_ssize_t most) except -1
    int cc_object_queue_clear(cc_object_queue *q) except -1
    int cc_object_queue_install_methods(PyTypeObject *type, Py_ssize_t offset) except -1
    int cc_object_queue_install_coroutines(PyTypeObject *type, object async_get, object async_put) except -1
    int cc_object_queue_task_done(cc_object_queue *q) except -1
    int cc_object_queue_join(cc_object_queue *q) except -1
    uint64_t cc_object_queue_unfinished(cc_object_queue *q)
    int cc_object_queue_shut_down(cc_object_queue *q, bint immediate) except -1
    size_t cc_object_queue_bytes(const cc_object_queue *q)
    const cc_queue *cc_object_queue_core(const cc_object_queue *q)
    void cc_object_queue_enqueue_task(cc_object_queue *q, cc_waiter *waiter, int what, bint keep_turn)
    bint cc_object_queue_leave_task(cc_waiter *waiter)
    void cc_object_queue_pass_on(cc_object_queue *q, int what)
    int cc_object_queue_traverse(cc_object_queue *q, visitproc visit, void *argument)
    void cc_object_queue_clear_for_gc(cc_object_queue *q)
