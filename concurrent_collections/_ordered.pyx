# cython: language_level=3, freethreading_compatible=True, binding=False
# cython: embedsignature=True, embedsignature.format=clinic
# cython: always_allow_keywords=True, wraparound=False, boundscheck=True
"""The ordered containers: thin classes over csrc/ordered. Users import `concurrent_collections`."""
from cpython.object cimport Py_EQ, Py_GE, Py_LE, Py_LT, Py_NE, PyObject, PyTypeObject
from cpython.ref cimport Py_DECREF
from libc.stdint cimport uint32_t, uint64_t

from concurrent_collections.family cimport *
from concurrent_collections.object_frozen cimport *
from concurrent_collections.object_map cimport *
from concurrent_collections.object_order cimport *
from concurrent_collections.object_type cimport *

cc_core_import()

import copyreg
from collections.abc import Iterable, Mapping, MutableMapping, MutableSet
from collections.abc import Set as AbstractSet
from operator import index
from types import GenericAlias

from concurrent_collections._core import _SMR_SCHEMES
cdef tuple SMR_SCHEMES = _SMR_SCHEMES

cdef extern from "concurrent_collections/cc_atomic.h":
    ctypedef struct cc_atomic_uptr:
        pass

cdef extern from "Python.h":
    Py_ssize_t PY_SSIZE_T_MAX
    int Py_ReprEnter(object o) except -1
    void Py_ReprLeave(object o)

# How copies and pickles are made: by __new__ alone, since a subclass's __init__ may want arguments.
cdef object NEW_OBJECT = copyreg.__newobj__

include "arguments.pxi"
include "iteration.pxi"
include "comparator.pxi"
include "filling.pxi"
include "ordered_map.pxi"
include "ordered_set.pxi"
include "trees.pxi"
include "alike.pxi"
include "ranges.pxi"
