# cython: language_level=3, freethreading_compatible=True, binding=False
# cython: embedsignature=True, embedsignature.format=clinic
# cython: always_allow_keywords=True, wraparound=False, boundscheck=True
"""The C core, its only copy in a process: settings, reclamation, and what the family modules and users from C call.

Families are modules of their own (_ordered, _queues), which import this one. Users import `concurrent_collections`.
Rules for all of these modules (docs/architecture.md has the reasons): no mutable `cdef object` attribute after
`__cinit__`, no protected region, no lock; all shared state lives in the C core.
"""
from libc.stdint cimport int64_t, uint32_t, uint64_t, uintptr_t

import sys

cdef extern from "Python.h":
    ctypedef struct PyInterpreterState:
        pass
    PyInterpreterState *PyInterpreterState_Get()
    PyInterpreterState *PyInterpreterState_Main()

if PyInterpreterState_Get() != PyInterpreterState_Main():  # where the package could not find out
    raise ImportError(
        "concurrent_collections cannot be imported in a sub-interpreter, only in the main interpreter", name=__name__)

# What family modules take from here when they are imported.
cdef extern from "core_exports.h":
    int cc_core_export(object namespace) except -1

cc_core_export(globals())

include "config.pxi"
include "reclamation.pxi"
include "capi.pxi"
