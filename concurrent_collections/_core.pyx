# cython: language_level=3, freethreading_compatible=True, binding=False
# cython: embedsignature=True, embedsignature.format=clinic
# cython: always_allow_keywords=True, wraparound=False, boundscheck=True
"""The extension module: thin classes over one copy of the C core.

Users import `concurrent_collections`. Rules for this file (docs/architecture.md has the reasons): no
mutable `cdef object` attribute after `__cinit__`, no protected region, no lock; all shared state lives
in the C core.
"""
from libc.stdint cimport int64_t, uint32_t, uint64_t, uintptr_t
from cpython.object cimport PyObject, PyTypeObject

from concurrent_collections.object_map cimport *
from concurrent_collections.object_queue cimport *
from concurrent_collections.object_store cimport *
from concurrent_collections.object_type cimport *
from concurrent_collections.waiting cimport *

import copyreg
import sys
from collections.abc import Iterable, Mapping, MutableMapping, MutableSet
from collections.abc import Set as AbstractSet
from types import GenericAlias

cdef extern from "Python.h":
    ctypedef struct PyInterpreterState:
        pass
    PyInterpreterState *PyInterpreterState_Get()
    PyInterpreterState *PyInterpreterState_Main()
    int Py_ReprEnter(object o) except -1
    void Py_ReprLeave(object o)

if PyInterpreterState_Get() != PyInterpreterState_Main():  # where the package could not find out
    raise ImportError(
        "concurrent_collections cannot be imported in a sub-interpreter, only in the main interpreter", name=__name__)

# The bound that is not there. Ellipsis has no order, so it cannot be a key, and it can stand in a text
# signature, which a sentinel of our own cannot.
cdef object OPEN = ...

# How copies and pickles are made: by __new__ alone, since a subclass's __init__ may want arguments.
cdef object NEW_OBJECT = copyreg.__newobj__

include "iteration.pxi"
include "ordered_map.pxi"
include "ordered_set.pxi"
include "config.pxi"
include "queues.pxi"
include "reclamation.pxi"
include "capi.pxi"
