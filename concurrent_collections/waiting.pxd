# Waiting places, as Cython sees them: waiting.h and csrc/sync/event_count.h say what each one promises. Everything
# here needs an attached thread state: none of it is nogil.
from libc.stdint cimport uint64_t

from cpython.object cimport PyObject

cdef extern from "sync/event_count.h":
    ctypedef enum cc_waiter_kind:
        CC_WAITER_FOREIGN
    ctypedef struct cc_waiter:  # some fields
        cc_waiter *next
        void *owner
    void cc_waiter_init(cc_waiter *w, cc_waiter_kind kind, void *owner)
    bint cc_waiter_take(cc_waiter *w)

cdef extern from "waiting.h":
    ctypedef struct cc_waiting_place:
        pass
    ctypedef struct cc_waitable:
        cc_waiting_place *place
        int (*attempt)(void *closure, PyObject *argument, PyObject **result) except -1
        void *closure
    uint64_t CC_NOT_AT_ALL, CC_FOR_EVER
    void cc_waiting_begin(int (*deliver)(PyObject *) noexcept, int (*may_sleep)(const char *) except -1, object nothing)
    void cc_waiting_note_main_thread(unsigned long ident)
    bint cc_waiting_is_main_thread()
    void cc_let_tests_in(const char *moment)
    int cc_deadline_of(object block, object timeout, uint64_t *deadline) except -1
    void cc_place_enqueue_task(cc_waiting_place *place, cc_waiter *task)
    bint cc_place_leave_task(cc_waiter *task)
    void cc_place_notify(cc_waiting_place *place)
