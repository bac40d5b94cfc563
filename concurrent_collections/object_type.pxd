# The base class of containers, as Cython sees it: see object_type.h. A module that declares it imports _core.
from cpython.object cimport PyObject, PyTypeObject

from concurrent_collections.waiting cimport cc_waitable, visitproc

cdef extern from "concurrent_collections/cc_smr.h":
    ctypedef struct cc_smr_domain:
        pass

cdef extern from "object_type.h":
    ctypedef struct cc_container_kind:
        void *(*make)(const void *how, PyObject *names) except NULL
        void (*unmake)(void *inside) noexcept
        int (*traverse)(PyObject *self, visitproc visit, void *argument) noexcept
        void (*clear)(PyObject *self) noexcept
        void (*free)(PyObject *self) noexcept
        cc_smr_domain *(*domain)(PyObject *self) noexcept
        int (*find_waitable)(PyObject *self, int what, cc_waitable *found) except -1
        const char *(*check)(PyObject *self) noexcept
    ctypedef class concurrent_collections._core._Container [object cc_container_object]:
        cdef const cc_container_kind *kind
    int cc_container_class_add(PyTypeObject *type, const cc_container_kind *kind, const void *how) except -1
    void cc_container_type_publish(PyTypeObject *type, const char *name, int is_mapping)
    void cc_container_type_close(PyTypeObject *type)
    int cc_container_find_waitable(object o, int what, cc_waitable *found) except -1
    bint cc_container_is(object o, const cc_container_kind *kind)
