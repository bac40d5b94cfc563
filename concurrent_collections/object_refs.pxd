# The C core's containers of objects, as Cython sees them. See object_refs.h for what each one promises.
# Everything that carries objects needs an attached thread state: none of it is nogil.
from cpython.object cimport PyObject, PyTypeObject
from libc.stdint cimport uint64_t

cdef extern from "Python.h":
    ctypedef int (*visitproc)(PyObject *, void *)

cdef extern from "ordered/ordered.h":
    ctypedef struct cc_ordered:
        pass
    int CC_PUT_ALWAYS, CC_PUT_IF_ABSENT, CC_PUT_IF_PRESENT
    int CC_FIRST, CC_LAST, CC_FLOOR, CC_CEILING, CC_LOWER, CC_HIGHER
    void cc_ordered_free(cc_ordered *list)
    size_t cc_ordered_length(const cc_ordered *list)
    size_t cc_ordered_bytes(const cc_ordered *list)
    size_t cc_ordered_flush(cc_ordered *list)
    size_t cc_ordered_limbo_count(const cc_ordered *list)
    unsigned int cc_ordered_scheme(const cc_ordered *list)
    uint64_t cc_ordered_changes_by_this_thread(const cc_ordered *list)
    const char *cc_ordered_check(cc_ordered *list)

cdef extern from "object_keys.h":
    int cc_key_check_bound(object bound, const char *argument) except -1
    bint cc_key_equal(object a, object b) except -1

cdef extern from "object_refs.h":
    int CC_WANT_KEY, CC_WANT_VALUE, CC_WANT_ITEM
    cc_ordered *cc_objects_new() except NULL
    bint cc_objects_contains(cc_ordered *list, object key) except -1
    bint cc_objects_has(cc_ordered *list, object key) except -1
    object cc_objects_get(cc_ordered *list, object key, PyObject *otherwise)
    object cc_objects_pop(cc_ordered *list, object key, PyObject *otherwise)
    int cc_objects_set(cc_ordered *list, object key, object value) except -1
    object cc_objects_put(cc_ordered *list, object key, object value, int policy, object otherwise)
    bint cc_objects_delete(cc_ordered *list, object key) except -1
    bint cc_objects_add(cc_ordered *list, object key) except -1
    bint cc_objects_replace_if(cc_ordered *list, object key, object expected, object value) except -1
    object cc_objects_neighbour(cc_ordered *list, PyObject *key, int relation, int want, PyObject *otherwise)
    object cc_objects_pop_end(cc_ordered *list, int relation, int want, PyObject *otherwise)
    list cc_objects_scan(cc_ordered *list, PyObject *start, int start_exclusive, PyObject *first,
                         PyObject *stop, int stop_inclusive, int downwards, int want, Py_ssize_t room,
                         PyObject **results, int *is_last)
    int cc_objects_clear(cc_ordered *list) except -1
    int cc_objects_traverse(cc_ordered *list, visitproc visit, void *argument)
    int cc_objects_install_type(PyTypeObject *type, const char *name, int is_mapping,
                                int (*traverse)(PyObject *, visitproc, void *) noexcept,
                                int (*clear)(PyObject *) noexcept) except -1
