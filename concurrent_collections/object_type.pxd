# What the types of containers need and Cython cannot give them: see object_type.h.
from cpython.object cimport PyObject, PyTypeObject

cdef extern from "Python.h":
    ctypedef int (*visitproc)(PyObject *, void *)

cdef extern from "object_type.h":
    int cc_object_type_install(PyTypeObject *type, const char *name, int is_mapping,
                               int (*traverse)(PyObject *, visitproc, void *) noexcept,
                               int (*clear)(PyObject *) noexcept) except -1
