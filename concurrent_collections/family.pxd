# What every family module cimports; it calls cc_core_import() before anything else of the core. Beside it, a family
# cimports object_type (the base class of containers) and what its own objects are made of.
#
# The functions of the core that a family may call are those that its .pxd files declare from the core's headers: the
# build makes core_functions.h of them (tools/write_core_functions).
from libc.stdint cimport uint32_t

cdef extern from "core_functions.h":
    int cc_core_import() except -1

cdef extern from "concurrent_collections/cc_atomic.h":
    ctypedef struct cc_atomic_u32:
        pass
    uint32_t cc_load_relaxed_u32(const cc_atomic_u32 *p)
    void cc_store_relaxed_u32(cc_atomic_u32 *p, uint32_t v)
    uint32_t cc_exchange_acq_rel_u32(cc_atomic_u32 *p, uint32_t v)
    void cc_store_release_u32(cc_atomic_u32 *p, uint32_t v)

cdef extern from "Python.h":
    # Past an exception's own __setattr__: it may be of any class, and this may not fail.
    int set_attribute "PyObject_GenericSetAttr"(object o, object name, object value) except -1

cdef extern from "waiting.h":
    int cc_let_interpreter_in() except -1
    int CC_ITEMS_PER_LOOK


cdef inline int count_item(Py_ssize_t *count) except -1:
    # For loops over iterables that may be written in C, and endless.
    count[0] += 1
    if count[0] % CC_ITEMS_PER_LOOK == 0:
        cc_let_interpreter_in()
    return 0
