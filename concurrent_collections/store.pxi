# What the classes of all stores of objects (object_store.h) have in common: queues and stacks.
# Included by the modules of both, which have `ShutDown` and `sys`.

import operator
import warnings

from libc.stdint cimport uint32_t, uint64_t, uintptr_t

cdef extern from "concurrent_collections/cc_atomic.h":
    ctypedef struct cc_atomic_uptr:
        pass
    uintptr_t cc_load_acquire_uptr(const cc_atomic_uptr *p)
    uintptr_t cc_load_relaxed_uptr(const cc_atomic_uptr *p)
    uintptr_t cc_exchange_acq_rel_uptr(cc_atomic_uptr *p, uintptr_t v)
    bint cc_cas_acq_rel_uptr(cc_atomic_uptr *p, uintptr_t *expected, uintptr_t desired)
    uint32_t cc_exchange_seq_cst_u32(cc_atomic_u32 *p, uint32_t v)

cdef extern from "Python.h":
    int delete_attribute "PyObject_GenericSetAttr"(PyObject *o, PyObject *name, PyObject *value) except -1


# ---------------------------------------------------------------- arguments

cdef long long count_from(str name, value, long long least, long long most) except -1:
    cdef object number
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name}: expected an int, got {type(value).__name__}") from None
    if not least <= number <= most:
        raise ValueError(f"{name}: expected an int from {least} to {most}, got {number}")
    return number


cdef size_t capacity_from(maxsize) except? <size_t>-1:
    # As queue.Queue takes it: what is not positive is no bound. Nor is what no memory could ever
    # reach.
    cdef object number
    if type(maxsize) is float and maxsize in (float("inf"), -float("inf")):
        return 0
    try:
        number = operator.index(maxsize)
    except TypeError:
        raise TypeError(f"maxsize: expected an int, got {type(maxsize).__name__} "
                        "(items to start with are the second parameter)") from None
    return number if 0 < number <= min(1 << 44, sys.maxsize) else 0


cdef object items_from(iterable):
    try:
        return iter(iterable)
    except TypeError as error:  # which may be its own __iter__'s: so it stays to be seen
        raise TypeError(f"iterable: expected an iterable of items, got {type(iterable).__name__}") from error


# ---------------------------------------------------------------- beginnings

# Where an instance has its store: `inner`, the first attribute of its class, written once, by
# __init__. The instance may be in other threads' hands before a subclass has called that.

cdef inline cc_object_store *store_at(self, const cc_atomic_uptr *inner) except NULL:
    cdef uintptr_t there = cc_load_acquire_uptr(inner)
    if there == 0:
        not_begun(self)
    return <cc_object_store *>there


cdef int not_begun(self) except -1:
    raise RuntimeError(f"{type(self).__name__}: call __init__ of the base class first")


cdef int begun_already(self) except -1:
    raise RuntimeError(f"{type(self).__name__}: __init__ has already been called")


cdef int begin_store(self, cc_atomic_uptr *inner, cc_object_store *made, items, maxsize) except -1:
    # Takes over `made`, which gets the items of an iterator.
    cdef uintptr_t nothing = 0
    cdef Py_ssize_t count = 0
    try:
        for item in items:
            if not cc_object_store_try_put(made, item):
                raise ValueError(f"iterable: has more items than maxsize = {maxsize}")
            count_item(&count)
        if not cc_cas_acq_rel_uptr(inner, &nothing, <uintptr_t>made):
            begun_already(self)
        made = NULL
    finally:
        cc_object_store_free(made)
    return 0


# ---------------------------------------------------------------- many items

cdef object NOTHING = object()


cdef int forget_attribute(error, str name) except -1:
    try:
        return delete_attribute(<PyObject *>error, <PyObject *>name, NULL)
    except AttributeError:
        return 0


cdef int say_how_far(error, Py_ssize_t count, item, bint is_at_work) except -1:
    # Of a call that puts many. `is_at_work`: and not the iterable, whose own ShutDown or Full must
    # not be taken for the store's.
    if is_at_work:
        set_attribute(error, "items_put", count)
        if item is not NOTHING:
            set_attribute(error, "item_not_put", item)
    elif not isinstance(error, (ShutDown, Full)):
        set_attribute(error, "items_put", count)
        forget_attribute(error, "item_not_put")  # some other call's
    return 0


cdef Py_ssize_t put_items(cc_object_store *s, iterable, uint64_t deadline) except -1:
    cdef Py_ssize_t count = 0
    cdef bint is_at_work = False
    cdef object item = NOTHING
    iterator = iter(iterable)
    try:
        if cc_object_store_is_closed(s):
            is_at_work = True
            raise ShutDown
        for item in iterator:
            is_at_work = True
            cc_object_store_put(s, item, deadline)
            count += 1
            item = NOTHING
            if count % CC_ITEMS_PER_LOOK == 0:
                cc_let_interpreter_in()
            is_at_work = False
    except BaseException as error:
        say_how_far(error, count, item, is_at_work)
        raise
    return count


cdef list get_items(cc_object_store *s, max_items, uint64_t deadline):
    cdef Py_ssize_t most = count_from("max_items", max_items, 1, sys.maxsize)
    cdef list items = []
    try:
        cc_object_store_get_many(s, items, most, deadline)
    except BaseException as error:
        if items:
            set_attribute(error, "items_taken", items)
        raise
    return items


cdef list drain_items(cc_object_store *s, max_items):
    cdef Py_ssize_t most = -1
    if max_items is not None:
        most = count_from("max_items", max_items, 0, sys.maxsize)
    cdef list items = []
    try:
        cc_object_store_drain(s, items, most)
    except BaseException as error:
        if items:
            set_attribute(error, "items_taken", items)
        raise
    return items


# ---------------------------------------------------------------- the whole

cdef str describe_store(self, const cc_atomic_uptr *inner):
    cdef cc_object_store *s = <cc_object_store *>cc_load_acquire_uptr(inner)
    name = type(self).__name__
    if s == NULL:
        return f"<{name} not initialised at {<uintptr_t><PyObject *>self:#x}>"
    state = "shut down" if cc_object_store_is_closed(s) else "open"
    return (f"<{name} length={len(self)} maxsize={cc_object_store_capacity(s)} {state} "
            f"at {<uintptr_t><PyObject *>self:#x}>")


cdef int set_bound(self, cc_object_store *s, str what, maxsize) except -1:
    # Setters take turns; what a put or get does meanwhile is not held up.
    cdef size_t capacity = capacity_from(maxsize)
    cdef uint64_t more = 0
    cdef bint is_done
    with cython.critical_section(self):
        is_done = cc_object_store_set_capacity(s, capacity, &more)
    if not is_done and cc_object_store_capacity(s) == 0:
        raise ValueError(f"maxsize: this {what} was made without a bound, and does not count its places; make it with the "
                         "largest bound that it may need")
    if not is_done:
        raise ValueError(f"maxsize: the places of this {what} are made with it, so that it is wait-free; make a new one")
    cc_object_store_tell_of_room(s, more)
    return 0


cdef int refuse_to_pickle(self, str what) except -1:
    raise TypeError(f"cannot copy or pickle a {type(self).__name__}; pass on the {what} itself, or "
                    "make a new one from drain()")


cdef tuple HOOKS_OF_THE_STANDARD_QUEUE = ("_init", "_qsize", "_put", "_get")


cdef int warn_of_hooks(cls, base, str what) except -1:
    """If a subclass defines what only the class of the standard library would call."""
    bases = [other for other in cls.__mro__[1:] if issubclass(other, base)]
    names = [name for name in HOOKS_OF_THE_STANDARD_QUEUE
             if hasattr(cls, name) and not any([hasattr(other, name) for other in bases])]
    if names:
        warnings.warn(f"{cls.__name__} defines {', '.join(names)}, which queue.Queue calls but this {what} "
                      "does not; docs/queues.md says what to write instead", RuntimeWarning)
    return 0
