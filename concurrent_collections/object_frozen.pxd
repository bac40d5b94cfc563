# Frozen containers of objects, as Cython sees them: object_frozen.h and object_frozen_build.h say what each function
# promises. Everything here needs an attached thread: none of it is nogil. A table is an object: where one is handed
# over as cc_frozen *, the caller has a reference to it.
from cpython.object cimport PyObject

from concurrent_collections.object_map cimport cc_ordered
from concurrent_collections.object_order cimport cc_order
from concurrent_collections.object_type cimport cc_container_kind

cdef extern from "object_search.h":
    int CC_REFUSE_UNCOMPARABLE, CC_ABSENT_IF_BUILTIN

cdef extern from "object_frozen.h":
    ctypedef enum cc_frozen_form:
        CC_FROZEN_INTS
        CC_FROZEN_FLOATS
        CC_FROZEN_OBJECTS
    ctypedef struct cc_frozen:  # some fields
        Py_ssize_t count
        cc_frozen_form form
        bint has_values
    object cc_frozen_get(cc_frozen *t, Py_ssize_t i, int want)
    int cc_frozen_find(cc_frozen *t, object key, int policy, Py_ssize_t *where) except -1
    bint cc_frozen_has(cc_frozen *t, object key) except -1
    object cc_frozen_neighbour(cc_frozen *t, PyObject *key, int relation, int want, PyObject *otherwise)
    int cc_frozen_range(cc_frozen *t, PyObject *start, PyObject *stop, unsigned int how, Py_ssize_t *first,
                        Py_ssize_t *end) except -1
    object cc_frozen_iterate(cc_frozen *t, Py_ssize_t first, Py_ssize_t count, int step, int want)
    object cc_frozen_list(cc_frozen *t, Py_ssize_t first, Py_ssize_t count, Py_ssize_t step, int want)
    bint cc_frozen_equal(cc_frozen *a, cc_frozen *b) except -1
    const cc_order *cc_frozen_order(const cc_frozen *t)
    Py_hash_t cc_frozen_hash(const cc_frozen *t)
    void cc_frozen_remember_hash(cc_frozen *t, Py_hash_t hash)
    size_t cc_frozen_bytes(const cc_frozen *t)
    int cc_frozen_buffer(cc_frozen *t, object owner, Py_buffer *view, int flags) except -1
    const cc_container_kind cc_frozen_kind
    cc_frozen *cc_frozen_in(object o)
    bint cc_frozen_is_table(object o)
    void cc_frozen_hide(object instance)
    void cc_frozen_show(object instance, object table)

cdef extern from "object_frozen_build.h":
    int CC_ONLY_LEFT, CC_ONLY_RIGHT, CC_IN_BOTH
    ctypedef struct cc_frozen_builder:  # some fields
        pass
    void cc_frozen_begin(cc_frozen_builder *b, int has_values, const cc_order *order)
    int cc_frozen_add(cc_frozen_builder *b, object key, PyObject *value) except -1
    object cc_frozen_sorted(cc_frozen_builder *b)
    object cc_frozen_in_order(cc_frozen_builder *b, const char *argument)
    void cc_frozen_end(cc_frozen_builder *b)
    object cc_frozen_from_map(cc_ordered *map, int has_values)
    object cc_frozen_from_range(cc_ordered *map, int has_values, PyObject *start, PyObject *stop, unsigned int how)
    object cc_frozen_snapshot(cc_ordered *map, int has_values)
    object cc_frozen_part(cc_frozen *t, Py_ssize_t first, Py_ssize_t count)
    int cc_frozen_thaw(cc_frozen *t, cc_ordered *map) except -1
    object cc_frozen_from_numbers(const cc_order *order, int are_floats, const void *numbers, Py_ssize_t bytes,
                                  object values)
    object cc_frozen_keys_of(cc_frozen *t)
    object cc_frozen_merge(cc_frozen *left, cc_frozen *right, int wanted)
    bint cc_frozen_differ(cc_frozen *left, cc_frozen *right, int wanted) except -1
