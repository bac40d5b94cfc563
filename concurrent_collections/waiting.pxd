# Waiting places, as Cython sees them: waiting.h and csrc/sync/event_count.h say what each one promises. Everything
# here needs an attached thread state: none of it is nogil.
from libc.stdint cimport uint32_t, uint64_t

from cpython.object cimport PyObject

from concurrent_collections.family cimport cc_atomic_u32

cdef extern from "Python.h":
    ctypedef int (*visitproc)(PyObject *, void *)

cdef extern from "sync/event_count.h":
    ctypedef struct cc_event_count:
        pass
    uint32_t cc_event_waiters(const cc_event_count *e)
    ctypedef enum cc_waiter_kind:
        CC_WAITER_FOREIGN
    ctypedef enum cc_leaving:
        CC_LEFT
        CC_NOTIFIED
    ctypedef struct cc_waiter:  # some fields
        cc_waiter *next
        void *owner
    void cc_waiter_init(cc_waiter *w, cc_waiter_kind kind, void *owner)
    bint cc_waiter_take(cc_waiter *w)

cdef extern from "waiting.h":
    ctypedef struct cc_waiting_place:  # some fields
        cc_event_count event
    int CC_NOT_NOW, CC_HAS_WORKED, CC_ANOTHER_TURN
    ctypedef struct cc_waitable:
        cc_waiting_place *place
        int (*attempt)(void *closure, PyObject *argument, PyObject **result) except -1
        void *closure
    uint64_t CC_NOT_AT_ALL, CC_FOR_EVER
    void cc_waiting_begin(int (*deliver)(PyObject *) noexcept, int (*may_sleep)(const char *) except -1, object nothing)
    void cc_waiting_note_main_thread(unsigned long ident)
    bint cc_waiting_is_main_thread()
    void cc_let_tests_in(const char *moment)
    ctypedef enum cc_outcome:
        CC_ATTEMPT_FAILED, CC_ATTEMPT_WORKED
    ctypedef enum cc_wait_result:
        CC_WAIT_DONE, CC_WAIT_TIMED_OUT, CC_WAIT_RAISED
    void cc_waiting_place_init(cc_waiting_place *place, const char *call, const char *advice, bint all_at_once)
    int cc_deadline_of(object block, object timeout, uint64_t *deadline) except -1
    int cc_deadline_after(object timeout, uint64_t *deadline) except -1
    cc_wait_result cc_wait_until(cc_waiting_place *place, cc_outcome (*attempt)(void *closure) noexcept, void *closure,
                                 uint64_t deadline) except CC_WAIT_RAISED
    bint cc_place_hands_over(const cc_waiting_place *place)
    bint cc_place_enqueue_task(cc_waiting_place *place, cc_waiter *task)
    cc_leaving cc_place_leave_task(cc_waiter *task)
    void cc_place_pass_on(cc_waiting_place *place)
    void cc_place_tell(cc_waiting_place *place, cc_waiter *task)
    int cc_place_traverse(cc_waiting_place *place, visitproc visit, void *argument)
    void cc_place_clear_for_gc(cc_waiting_place *place)
