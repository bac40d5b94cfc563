# Ordered containers of objects, as Cython sees them: object_map.h says what each function promises.
# Everything that carries objects needs an attached thread: none of it is nogil.
from cpython.object cimport PyObject
from libc.stdint cimport uint64_t

from concurrent_collections.object_type cimport cc_container_kind

cdef extern from "ordered/ordered.h":
    ctypedef struct cc_ordered:
        pass
    ctypedef struct cc_ordered_operations:
        pass
    int CC_PUT_ALWAYS, CC_PUT_IF_ABSENT, CC_PUT_IF_PRESENT
    int CC_FIRST, CC_LAST, CC_FLOOR, CC_CEILING, CC_LOWER, CC_HIGHER
    void cc_ordered_free(cc_ordered *map)
    size_t cc_ordered_length(const cc_ordered *map)
    size_t cc_ordered_bytes(const cc_ordered *map)
    unsigned int CC_MOST_LEVELS
    unsigned int cc_ordered_levels(cc_ordered *map, uint64_t *counts, unsigned int room)
    size_t cc_ordered_flush(cc_ordered *map)
    size_t cc_ordered_limbo_count(const cc_ordered *map)
    unsigned int cc_ordered_scheme(const cc_ordered *map)
    uint64_t cc_ordered_changes_by_this_thread(const cc_ordered *map)

cdef extern from "ordered/bptree.h":
    const cc_ordered_operations cc_bptree_operations

cdef extern from "ordered/skiplist.h":
    const cc_ordered_operations cc_skiplist_operations

cdef extern from "object_compare.h":
    bint cc_key_equal(object a, object b) except -1

cdef extern from "object_map.h":
    int CC_WANT_KEY, CC_WANT_VALUE, CC_WANT_ITEM, CC_WANT_PREPARED
    bint cc_object_map_contains(cc_ordered *map, object key) except -1
    bint cc_object_map_has(cc_ordered *map, object key) except -1
    object cc_object_map_get(cc_ordered *map, object key, PyObject *otherwise)
    object cc_object_map_get_or_prepare(cc_ordered *map, object key, PyObject *otherwise,
                                        PyObject **prepared)
    object cc_object_map_pop(cc_ordered *map, object key, PyObject *otherwise)
    int cc_object_map_set(cc_ordered *map, object key, object value) except -1
    object cc_object_map_put(cc_ordered *map, object key, object value, int policy,
                             object otherwise)
    bint cc_object_map_delete(cc_ordered *map, object key) except -1
    bint cc_object_map_add(cc_ordered *map, object key) except -1
    object cc_object_map_neighbour(cc_ordered *map, PyObject *key, int relation, int want,
                                   PyObject *otherwise)
    object cc_object_map_pop_end(cc_ordered *map, int relation, int want, PyObject *otherwise)
    int cc_object_map_clear(cc_ordered *map) except -1
    const cc_container_kind cc_object_set_kind
    const cc_container_kind cc_object_map_kind
    const char *cc_object_map_backend(const cc_ordered *map)
    bint cc_object_map_is_automatic(const cc_ordered *map)
    int cc_object_map_has_backend(const cc_ordered *map, object name) except -1
    int cc_object_map_check_backend(const cc_ordered *map, object name) except -1
    cc_ordered *cc_object_map_in(object o)
    PyObject *cc_object_map_default_factory(object self)
    int cc_object_map_set_default_factory(object self, PyObject *factory) except -1

cdef extern from "object_compound.h":
    object cc_object_map_compute(cc_ordered *map, object key, object f, object otherwise,
                                 PyObject *remove)
    object cc_object_map_compute_if_present(cc_ordered *map, object key, object f,
                                            object otherwise, PyObject *remove)
    object cc_object_map_compute_if_absent(cc_ordered *map, object key, object f,
                                           object otherwise, PyObject *remove)
    object cc_object_map_merge(cc_ordered *map, object key, object value, object f,
                               object otherwise, PyObject *remove)
    object cc_object_map_increment(cc_ordered *map, object key, object amount)
    bint cc_object_map_replace_if(cc_ordered *map, object key, object expected,
                                  object value) except -1

cdef extern from "object_fill.h":
    ctypedef struct cc_object_filler:
        pass
    void cc_object_fill_begin(cc_object_filler *f, cc_ordered *map, int policy, int may_wait)
    void cc_object_fill_expect(cc_object_filler *f, Py_ssize_t entries)
    int cc_object_fill_add(cc_object_filler *f, object key, object value) except -1
    int cc_object_fill_flush(cc_object_filler *f) except -1
    int cc_object_fill_end(cc_object_filler *f) except -1
    int cc_object_map_update(cc_ordered *map, cc_ordered *source, int keys_alone) except -1

cdef extern from "object_scan.h":
    unsigned int CC_FROM_ABOVE, CC_START_EXCLUSIVE, CC_STOP_INCLUSIVE
    Py_ssize_t cc_object_scan_count(cc_ordered *map, PyObject *start, PyObject *stop,
                                    unsigned int how) except -1

cdef extern from "object_tally.h":
    object cc_tally_of(cc_ordered *map)
    size_t cc_tally_bytes(cc_ordered *map)

cdef extern from "object_range.h":
    ctypedef struct cc_range:
        cc_ordered *map
        PyObject *start
        PyObject *stop
        unsigned int how
    int cc_range_compare(cc_ordered *map, object a, object b) except -2
    int cc_range_place(const cc_range *range, object key, const char *argument) except -2
    bint cc_range_remove_exact(cc_ordered *map, object key, object value) except -1
    Py_ssize_t cc_range_remove(const cc_range *range, Py_ssize_t most, int want,
                               PyObject *list) except -1
    object cc_range_cuts(const cc_range *range, Py_ssize_t parts)

cdef extern from "object_iterator.h":
    object cc_object_iterator_new(object owner, cc_ordered *map, PyObject *start, PyObject *stop,
                                  int how, int want)
