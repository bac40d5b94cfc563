# Stores of objects, as Cython sees them: object_store.h says what each one promises. Everything here needs an
# attached thread state: none of it is nogil.
from libc.stdint cimport uint32_t, uint64_t

from cpython.object cimport PyObject, PyTypeObject

from concurrent_collections.object_type cimport visitproc
from concurrent_collections.waiting cimport cc_waitable

cdef extern from "object_store.h":
    int CC_FOR_AN_ITEM, CC_FOR_ROOM
    ctypedef struct cc_object_store:
        pass
    ctypedef int (*cc_task_attempt)(void *closure, PyObject *argument, PyObject **result) except -1
    void cc_object_stores_begin(object empty, object full, object shut_down, cc_task_attempt get_many,
                                cc_task_attempt put_many)
    void cc_object_store_free(cc_object_store *s)
    int cc_object_store_put(cc_object_store *s, object item, uint64_t deadline) except -1
    bint cc_object_store_try_put(cc_object_store *s, object item) except -1
    int cc_object_store_put_overwriting(cc_object_store *s, object item, PyObject **oldest) except -1
    object cc_object_store_get(cc_object_store *s, uint64_t deadline)
    object cc_object_store_try_get(cc_object_store *s, object otherwise)
    int cc_object_store_get_many(cc_object_store *s, object items, Py_ssize_t most, uint64_t deadline) except -1
    int cc_object_store_get_many_now(cc_object_store *s, object items, Py_ssize_t most) except -1
    int cc_object_store_drain(cc_object_store *s, object items, Py_ssize_t most) except -1
    int cc_object_store_clear(cc_object_store *s) except -1
    int cc_object_store_task_done(cc_object_store *s) except -1
    int cc_object_store_join(cc_object_store *s, uint64_t deadline) except -1
    uint32_t cc_object_store_waiting(const cc_object_store *s, int what)
    uint64_t cc_object_store_unfinished(const cc_object_store *s)
    int cc_object_store_shut_down(cc_object_store *s, bint immediate) except -1
    bint cc_object_store_is_closed(const cc_object_store *s)
    size_t cc_object_store_length(const cc_object_store *s)
    size_t cc_object_store_capacity(const cc_object_store *s)
    bint cc_object_store_set_capacity(cc_object_store *s, size_t capacity, uint64_t *more)
    void cc_object_store_tell_of_room(cc_object_store *s, uint64_t more)
    size_t cc_object_store_bytes(const cc_object_store *s)
    cc_waitable cc_object_store_waitable(cc_object_store *s, int what)
    int cc_object_store_install_methods(PyTypeObject *type, Py_ssize_t offset) except -1
    int cc_object_store_install_coroutine(PyTypeObject *type, const char *name, object coroutine) except -1
    int cc_object_store_traverse(cc_object_store *s, visitproc visit, void *argument)
    void cc_object_store_clear_for_gc(cc_object_store *s)
