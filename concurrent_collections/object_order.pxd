# Orders of keys, as Cython sees them: object_order.h says what each function promises. An order is an object of the
# core, lent out as a cc_order *: whoever uses one sees to it that its container, or its object, lives on.
from cpython.object cimport PyObject

from concurrent_collections.object_map cimport cc_ordered

cdef extern from "object_c_function.h":
    object cc_c_function_new(object function, object context, object keys)
    object cc_c_function_arguments(object function)
    Py_hash_t cc_c_function_hash(object function)

cdef extern from "object_order.h":
    int CC_BY_NATURE, CC_BY_KEY, CC_BY_FUNCTION, CC_BY_C_FUNCTION
    ctypedef struct cc_order:
        bint is_ranked
    const cc_order *cc_order_in(object order)  # casts
    PyObject *cc_order_object(const cc_order *order)
    object cc_order_from_parts(object parts)
    object cc_order_parts(const cc_order *order)
    bint cc_order_is_same(const cc_order *a, const cc_order *b)
    bint cc_order_is_natural(const cc_order *order)
    const cc_order *cc_order_of_map(cc_ordered *map)
    const cc_order *cc_order_ascending_one()
    bint cc_order_set(cc_ordered *map, const cc_order *order)
    int cc_order_compare_keys(const cc_order *order, object a, object b) except -2
    object cc_order_prepare(const cc_order *order, object key)
    object cc_order_prepare_bound(const cc_order *order, object bound, const char *argument)
    PyObject *cc_order_original(object key)
