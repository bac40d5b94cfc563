# Semaphores: the API of threading's, over csrc/sync/semaphore.h. Threads wait by cc_wait_until
# (waiting.h), tasks by the one awaitable in tasks.pxi.

import operator

cimport cython

from cpython.ref cimport Py_INCREF

cdef extern from "Python.h":
    ctypedef struct type_with_dict "PyTypeObject":  # some fields
        PyObject *tp_dict
    void PyType_Modified(PyTypeObject *type)

# Compiled here, and not called through the core's table: they call nothing themselves.
cdef extern from "sync/semaphore.h":
    bint cc_semaphore_give(cc_semaphore *s, uint64_t n)
    uint64_t cc_semaphore_value(const cc_semaphore *s)

cdef extern from "concurrent_collections/cc_atomic.h":
    uint32_t cc_load_acquire_u32(const cc_atomic_u32 *p)
    bint cc_cas_acq_rel_u32(cc_atomic_u32 *p, uint32_t *expected, uint32_t desired)

cdef enum:
    NOT_BEGUN, BEGINS, BEGUN  # stages

cdef cc_container_kind SEMAPHORE

cdef object ONE = 1, YES = True  # as objects: Cython would make C's of them

cdef object TASK_WAIT
from concurrent_collections._queues import _TaskWait as TASK_WAIT


cdef str shown(number):
    # Python refuses to write very many digits.
    if number.bit_length() <= 1000:
        return str(number)
    return f"{'-' if number < 0 else ''}(an int of {number.bit_length()} bits)"


cdef uint64_t permits_from(str name, value, int least, str no_less) except? 0:
    # `no_less`: what threading says.
    cdef object number
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name}: expected an int, got {type(value).__name__}") from None
    if number < least:
        raise ValueError(f"{name}: {no_less}, got {shown(number)}")
    if number > CC_MOST_PERMITS:
        raise OverflowError(f"{name}: a semaphore has at most {CC_MOST_PERMITS} permits, got {shown(number)}")
    return number


@cython.final
cdef class _Finished:
    """What `await` gets from __aexit__, which has done its work when it returns."""
    def __await__(self):
        return iter(())


cdef _Finished FINISHED = _Finished()


cdef class Semaphore(_Container):
    """Semaphore(value=1, *, fair=False)\n--\n\nA semaphore for any number of threads and event loops, with the API of threading.Semaphore.

    Parameters
    ----------
    value : int, optional
        How many permits there are at the beginning.
    fair : bool, optional
        Whether nobody gets a permit before those who have waited longer.

    Those who wait get permits in the order in which they came. Without ``fair`` somebody who comes just then may be faster than the
    one who has been woken, as with threading's and most others; that is much faster when threads take turns. With ``fair``, a
    permit for which somebody waits is handed over, and who comes gets in line.

    ``acquire`` and ``release`` are linearizable, O(1), and lock-free unless somebody waits; waking a waiter takes a short lock
    among the waiters. A call that raises, times out or is cancelled has no permit. Releasing more often than acquiring adds
    permits; BoundedSemaphore refuses it.

    >>> downloads = Semaphore(4)
    >>> with downloads:
    ...     print(downloads.value)
    3

    Source: the permits are a counter changed by compare-and-swap; waiting is an event count (Reed and Kanodia, CACM 1979).
    """
    cdef cc_waiting_place place
    cdef cc_semaphore permits
    cdef uint64_t most
    cdef cc_atomic_u32 stage  # the rest is written once, by __init__, before it is BEGUN

    def __init__(self, value=1, *, fair=False):
        begin(self, permits_from("value", value, 0, "semaphore initial value must be >= 0"), CC_MOST_PERMITS, fair)

    # ---- threads ----

    def acquire(self, blocking=True, timeout=None):
        """Take a permit; return whether there was one. O(1).

        While there is none, waits: for ever, or for ``timeout`` seconds. Without ``blocking`` it does not wait. A waiting thread
        sleeps and lets others run. Signal handlers run; if one raises, the wait ends without a permit.

        Raises
        ------
        ValueError
            There is a ``timeout``, but not ``blocking``; or it is NaN. (What is negative means not at all.)
        TypeError
            ``timeout`` is not a number.
        """
        cdef uint64_t deadline = CC_FOR_EVER
        if blocking is not True or timeout is not None:
            if not blocking:
                if timeout is not None:
                    raise ValueError("can't specify timeout for non-blocking acquire")
                deadline = CC_NOT_AT_ALL
            else:
                cc_deadline_after(timeout, &deadline)
        return take(self, deadline)

    def release(self, n=1):
        """Give back ``n`` permits, and wake those who get them. O(1), and O(1) for each who is woken.

        Raises
        ------
        ValueError
            ``n`` is less than 1; or, of a BoundedSemaphore, more than are out. Then nothing has happened.
        TypeError
            ``n`` is not an int.
        OverflowError
            There would be more than 2**63 - 1 permits.
        """
        give(self, 1 if n is ONE else permits_from("n", n, 1, "n must be one or more"))

    def __enter__(self):
        return take(self, CC_FOR_EVER)

    def __exit__(self, kind, error, traceback):
        if type(self) is Semaphore or type(self) is BoundedSemaphore:
            give(self, 1)
        else:  # as threading does it: what a subclass has made of it
            self.release()

    # ---- tasks; async_acquire is in _async_semaphore.py ----

    def __aenter__(self):
        """``async with semaphore``: as ``async_acquire``."""
        return TASK_WAIT(self, 0, None)

    def __aexit__(self, kind, error, traceback):
        # Done when it is called: between the call and the `await` a signal's handler may raise.
        self.__exit__(kind, error, traceback)
        return FINISHED

    # ---- the whole ----

    @property
    def value(self):
        """How many permits are free. It may be out of date when you get it."""
        return cc_semaphore_value(inside(self))

    @property
    def waiters(self):
        """How many threads and tasks are in line for a permit. It may be out of date when you get it."""
        inside(self)
        return cc_event_waiters(&self.place.event)

    @property
    def fair(self):
        """Whether nobody gets a permit before those who have waited longer."""
        inside(self)
        return cc_place_hands_over(&self.place)

    def locked(self):
        """Return whether an ``acquire`` would have to wait. It may be out of date when you get it."""
        return cc_semaphore_value(inside(self)) == 0 or (
            cc_place_hands_over(&self.place) and cc_event_waiters(&self.place.event) != 0)

    def __repr__(self):
        return representation(self, "")

    def __reduce_ex__(self, protocol):
        raise TypeError(f"cannot copy or pickle a {type(self).__name__}; pass on the semaphore itself")


cdef class BoundedSemaphore(Semaphore):
    """BoundedSemaphore(value=1, *, fair=False)\n--\n\nA Semaphore that never has more permits than at the beginning: one release too many is a ValueError.

    Parameters
    ----------
    value, fair
        As for Semaphore.

    Otherwise like Semaphore, with the API of threading.BoundedSemaphore. A release that is refused has changed nothing.
    """
    def __init__(self, value=1, *, fair=False):
        cdef uint64_t permits = permits_from("value", value, 0, "semaphore initial value must be >= 0")
        begin(self, permits, permits, fair)

    def __repr__(self):
        return representation(self, f"/{self.most}")


cdef int begin(Semaphore self, uint64_t value, uint64_t most, fair) except -1:
    cdef bint is_fair = bool(fair)
    cdef uint32_t before = NOT_BEGUN
    if not cc_cas_acq_rel_u32(&self.stage, &before, BEGINS):
        raise RuntimeError(f"{type(self).__name__}: __init__ has already been called")
    cc_waiting_place_init(&self.place, "acquire", "waiting for a permit stops the event loop that runs in this thread; "
                          "use `await semaphore.async_acquire()` or `async with`", False)
    self.most = most
    cc_semaphore_begin(&self.permits, &self.place.event, value, most, is_fair)
    cc_store_release_u32(&self.stage, BEGUN)
    return 0


cdef inline cc_semaphore *inside(Semaphore self) except NULL:
    # It may be in other threads' hands before a subclass has called __init__.
    if cc_load_acquire_u32(&self.stage) != BEGUN:
        not_begun(self)
    return &self.permits


cdef int not_begun(Semaphore self) except -1:
    raise RuntimeError(f"{type(self).__name__}: call __init__ of the base class first")


cdef cc_outcome try_to_take(void *semaphore) noexcept:
    return CC_ATTEMPT_WORKED if cc_semaphore_try(<cc_semaphore *>semaphore) else CC_ATTEMPT_FAILED


cdef int take_for_task(void *semaphore, PyObject *argument, PyObject **result) except -1:
    if not cc_semaphore_try(<cc_semaphore *>semaphore):
        return CC_NOT_NOW
    Py_INCREF(YES)
    result[0] = <PyObject *>YES
    return CC_HAS_WORKED


cdef inline bint take(Semaphore self, uint64_t deadline) except -1:
    cdef cc_semaphore *s = inside(self)
    if cc_semaphore_try(s):
        return True
    return deadline != CC_NOT_AT_ALL and cc_wait_until(&self.place, try_to_take, s, deadline) == CC_WAIT_DONE


cdef inline int give(Semaphore self, uint64_t n) except -1:
    cdef cc_semaphore *s = inside(self)
    cdef cc_waiter *task
    if not cc_semaphore_give(s, n):
        refuse(self, n)
    while True:
        task = cc_semaphore_wake(s, &n)
        if task == NULL:
            return 0
        cc_place_tell(&self.place, task)


cdef int refuse(Semaphore self, uint64_t n) except -1:
    if isinstance(self, BoundedSemaphore):
        raise ValueError("Semaphore released too many times")
    raise OverflowError(f"n: a semaphore has at most {CC_MOST_PERMITS} permits, and {n} more would be too many")


cdef str representation(Semaphore self, str bound):
    cls = type(self)
    state = "not initialised"
    if cc_load_acquire_u32(&self.stage) == BEGUN:
        state = f"value={self.value}{bound}"
    return f"<{cls.__module__}.{cls.__qualname__} at {<uintptr_t><PyObject *>self:#x}: {state}>"


# ---------------------------------------------------------------- types

cdef bint has_begun(PyObject *self) noexcept:
    return cc_load_acquire_u32(&(<Semaphore>self).stage) == BEGUN


cdef int traverse_semaphore(PyObject *self, visitproc visit, void *argument) noexcept:
    return cc_place_traverse(&(<Semaphore>self).place, visit, argument) if has_begun(self) else 0


cdef void clear_semaphore(PyObject *self) noexcept:
    if has_begun(self):
        cc_place_clear_for_gc(&(<Semaphore>self).place)


cdef void free_semaphore(PyObject *self) noexcept:
    # Nobody is in line: threads that wait hold a reference, and so do tasks.
    pass


cdef int find_waitable_of_semaphore(PyObject *self, int what, cc_waitable *found) except -1:
    found.place = &(<Semaphore>self).place
    found.attempt = take_for_task
    found.closure = inside(<Semaphore>self)
    return 0


SEMAPHORE.traverse = traverse_semaphore
SEMAPHORE.clear = clear_semaphore
SEMAPHORE.free = free_semaphore
SEMAPHORE.find_waitable = find_waitable_of_semaphore
cc_container_class_add(<PyTypeObject *>Semaphore, &SEMAPHORE, NULL)
cc_container_type_publish(<PyTypeObject *>Semaphore, b"concurrent_collections.Semaphore", False)
cc_container_type_publish(<PyTypeObject *>BoundedSemaphore, b"concurrent_collections.BoundedSemaphore", False)


cdef int install_coroutine() except -1:
    # A coroutine function, which an extension type cannot define.
    members = <object>(<type_with_dict *>Semaphore).tp_dict
    members["async_acquire"] = _async_semaphore.async_acquire
    PyType_Modified(<PyTypeObject *>Semaphore)
    return 0


from concurrent_collections import _async_semaphore  # noqa: E402
install_coroutine()
